//! Identify: which chip, which board, which flash part, in as few exchanges as that takes. The probe
//! of the likely chip goes first: an ESP32 refuses GET_SECURITY_INFO, a C3's magic word tells nothing.
//!
//! A chip that this version only recognises (no `Readout`) is told by its name and MAC; its other
//! fields are blank, and the Gate refuses it for its name before it looks at them.

use super::connect::{Connected, HasLines};
use super::error::JobError;
use super::session::Session;
use super::timeout;
use crate::chip::{
    Chip, FlashId, Identity, MAGIC_ADDRESS, Mac, MacWords, Revision, Security, Silicon,
    SpiRegisters,
};
use crate::event::Step;
use crate::protocol::{Command, Dialect, RegWrite};

/// JEDEC READ ID.
const READ_ID: u8 = 0x9F;

/// How often the SPI controller is asked whether a transfer is over; one takes microseconds.
const SPI_POLLS: u32 = 10;

/// The board is known.
pub(super) struct Identified<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) identity: Identity,
}

impl<'a> Connected<'a> {
    pub(super) async fn identify(mut self, likely: Chip) -> Result<Identified<'a>, JobError> {
        let mark = self.session.journal.begin(Step::Identify);
        let result = identity(&mut self.session, likely).await;
        self.session.journal.end(mark, &result);
        Ok(Identified {
            identity: result?,
            session: self.session,
            lines: self.lines,
        })
    }
}

async fn identity(session: &mut Session<'_>, likely: Chip) -> Result<Identity, JobError> {
    let chip = chip(session, likely).await?;
    let facts = chip.facts();
    if session.link.dialect() == Dialect::Rom && facts.rom.status_bytes == 2 {
        session.link.set_dialect(Dialect::Rom8266);
    }
    let Some(readout) = facts.readout else {
        return Ok(Identity::open(
            chip,
            BLANK.revision,
            mac(session, facts.mac).await?,
            FlashId(0),
        ));
    };
    let mut words = Vec::with_capacity(readout.registers.len());
    for address in readout.registers {
        words.push(session.register(*address).await?);
    }
    // as many words as registers were read, so there is something to decode
    let silicon = readout.decode(&words).unwrap_or(BLANK);
    // a register's value travels without a checksum: only a second reading tells a damaged eFuse
    // from a damaged reply
    let silicon = if silicon.mac_crc_holds {
        silicon
    } else {
        for (word, address) in words.iter_mut().zip(readout.registers) {
            *word = session.register(*address).await?;
        }
        readout.decode(&words).unwrap_or(BLANK)
    };
    let crystal_mhz = match facts.crystal {
        // the stub runs its UART from another clock
        Some(crystal) if session.link.dialect() != Dialect::Stub => {
            let divider = session.register(crystal.uart_clkdiv).await?;
            crystal.mhz_from_clkdiv(divider, session.link.baud())
        }
        _ => None,
    };
    attach(session, chip).await?;
    let flash_id = flash_id(session, &facts.spi).await?;
    Ok(Identity {
        mac_crc_holds: silicon.mac_crc_holds,
        crystal_mhz,
        security: silicon.security,
        ..Identity::open(chip, silicon.revision, silicon.mac, flash_id)
    })
}

/// What a readout without words would tell: nothing that the Gate lets pass.
const BLANK: Silicon = Silicon {
    revision: Revision { major: 0, minor: 0 },
    mac: Mac([0; 6]),
    mac_crc_holds: false,
    security: Security {
        flash_encryption: false,
        secure_boot: false,
        download_locked: false,
    },
};

async fn chip(session: &mut Session<'_>, likely: Chip) -> Result<Chip, JobError> {
    if likely.facts().rom.security_info
        && let Some(chip) = chip_by_security_info(session).await?
    {
        return Ok(chip);
    }
    let magic = Command::ReadReg {
        address: MAGIC_ADDRESS,
    };
    let magic = session.ask_if_known(&magic, timeout::COMMAND).await?;
    let magic = magic.map_or(0, |reply| reply.value);
    if let Some(chip) = Chip::from_magic(magic) {
        return Ok(chip);
    }
    if !likely.facts().rom.security_info
        && let Some(chip) = chip_by_security_info(session).await?
    {
        return Ok(chip);
    }
    Err(JobError::UnknownChip { magic })
}

/// The chip by its own word; `None` where it has none (ESP8266, ESP32; the S2's answer is short).
async fn chip_by_security_info(session: &mut Session<'_>) -> Result<Option<Chip>, JobError> {
    /// GET_SECURITY_INFO's flags (Serial Protocol, "Security Info"): SECURE_DOWNLOAD_ENABLE.
    const SECURE_DOWNLOAD: u32 = 1 << 2;
    let reply = session
        .ask_if_known(&Command::GetSecurityInfo, timeout::COMMAND)
        .await?;
    let Some(reply) = reply else {
        return Ok(None);
    };
    let word = |at: usize| {
        let bytes = reply.payload.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    if word(0).is_some_and(|flags| flags & SECURE_DOWNLOAD != 0) {
        return Err(JobError::SecureDownload);
    }
    Ok(word(12).and_then(Chip::from_security_info_id))
}

async fn mac(session: &mut Session<'_>, words: MacWords) -> Result<Mac, JobError> {
    match words {
        MacWords::Plain { low, high } => {
            let [.., m0, m1] = session.register(high).await?.to_be_bytes();
            let [m2, m3, m4, m5] = session.register(low).await?.to_be_bytes();
            Ok(Mac([m0, m1, m2, m3, m4, m5]))
        }
        // worked out together with the rest of that chip's identity
        MacWords::Otp(_) => Ok(Mac([0; 6])),
    }
}

/// Connects the loader to its flash part, in the form that this loader knows.
pub(super) async fn attach(session: &mut Session<'_>, chip: Chip) -> Result<(), JobError> {
    let dialect = session.link.dialect();
    let command = if chip.facts().rom.spi_attach || dialect == Dialect::Stub {
        Command::SpiAttach { pins: 0, dialect }
    } else {
        // the ESP8266's ROM attaches its flash in FLASH_BEGIN
        Command::FlashBegin {
            erase_bytes: 0,
            blocks: 0,
            block_bytes: 0x400,
            offset: 0,
            encrypt: None,
        }
    };
    session.ask(&command, timeout::COMMAND).await?;
    Ok(())
}

/// Asks the part for its JEDEC ID through the SPI controller: a user-defined transfer of one command
/// byte and three bytes back.
async fn flash_id(session: &mut Session<'_>, spi: &SpiRegisters) -> Result<FlashId, JobError> {
    let saved = (
        session.register(spi.usr).await?,
        session.register(spi.usr2).await?,
    );
    let length = match spi.miso_dlen {
        Some(register) => write(register, 24 - 1),
        // ESP8266: bits to receive, less one, from bit 8 on
        None => write(spi.usr1, (24 - 1) << 8),
    };
    let transfer = [
        length,
        write(spi.usr, SpiRegisters::USR_COMMAND | SpiRegisters::USR_MISO),
        write(spi.usr2, SpiRegisters::usr2_command(READ_ID)),
        write(spi.w0, 0),
        write(spi.cmd, SpiRegisters::CMD_USR),
    ];
    session
        .ask(&Command::WriteReg { writes: &transfer }, timeout::COMMAND)
        .await?;
    let mut polls = 0;
    while session.register(spi.cmd).await? & SpiRegisters::CMD_USR != 0 {
        polls += 1;
        if polls == SPI_POLLS {
            // a controller that never ends a transfer has no part on its lines
            return Ok(FlashId(0));
        }
    }
    let found = FlashId::from_w0(session.register(spi.w0).await?);
    let restore = [write(spi.usr, saved.0), write(spi.usr2, saved.1)];
    session
        .ask(&Command::WriteReg { writes: &restore }, timeout::COMMAND)
        .await?;
    Ok(found)
}

fn write(address: u32, value: u32) -> RegWrite {
    RegWrite {
        address,
        value,
        mask: u32::MAX,
        delay_us: 0,
    }
}
