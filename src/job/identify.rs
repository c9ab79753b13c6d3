//! Identify: which chip, which board, which flash part, in as few exchanges as that takes. The probe
//! of the likely chip goes first: an ESP32 refuses GET_SECURITY_INFO, a C3's magic word tells nothing.
//!
//! A chip in Secure Download Mode answers GET_SECURITY_INFO and refuses registers: it is told by that
//! answer alone, and the Gate decides what may become of it.

use super::connect::{Connected, HasLines};
use super::error::JobError;
use super::journal::Again;
use super::session::{RomRates, Session};
use super::timeout;
use crate::chip::{
    Access, Belief, Chip, Crystal, FlashId, Identity, MAGIC_ADDRESS, Readout, RegisterWrite,
    RomClock, SecurityInfo, Silicon, SpiRegisters, Stubs,
};
use crate::event::Step;
use crate::port::RateControl;
use crate::protocol::{Command, Dialect, RegWrite};

/// JEDEC READ ID, RESET ENABLE, RESET.
const READ_ID: u8 = 0x9F;
const RESET_ENABLE: u8 = 0x66;
const RESET: u8 = 0x99;

/// How long the SPI controller is left alone with a transfer; one takes a few microseconds.
const TRANSFER_US: u32 = 50;

/// How long a part takes to be itself again after RESET.
const PART_RESET_US: u32 = 1_000;

/// How often it is asked whether a transfer is over that brought nothing.
const SPI_POLLS: u32 = 10;

/// The board is known.
pub(super) struct Identified<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) identity: Identity,
}

impl<'a> Connected<'a> {
    /// `stubs` are those that may be uploaded afterwards.
    pub(super) async fn identify(
        mut self,
        likely: Chip,
        stubs: Option<&Stubs>,
    ) -> Result<Identified<'a>, JobError> {
        let mark = self.session.journal.begin(Step::Identify);
        let result = identity(&mut self.session, likely, stubs).await;
        self.session.journal.end(mark, &result);
        Ok(Identified {
            identity: result?,
            session: self.session,
            lines: self.lines,
        })
    }
}

/// Who works with the SPI controller after the flash ID was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A stub, which sets it up for itself when it starts.
    Stub,
    /// Whoever answers now and relies on how it was.
    Same,
}

/// What the first exchanges tell.
struct Detected {
    chip: Chip,
    info: Option<SecurityInfo>,
}

async fn identity(
    session: &mut Session<'_>,
    likely: Chip,
    stubs: Option<&Stubs>,
) -> Result<Identity, JobError> {
    let Detected { chip, info } = detect(session, likely).await?;
    let facts = chip.facts();
    if session.link.dialect() == Dialect::Rom && facts.rom.status_bytes == 2 {
        session.link.set_dialect(Dialect::Rom8266);
    }
    if !facts.rom.change_baudrate {
        session.rom_rates = RomRates::OnlyItsOwn;
    }
    if let Some(info) = info.filter(|info| info.is_secure_download()) {
        if let RomClock::Assumed(_) = facts.rom_clock {
            // which crystal is there cannot be read
            session.rom_rates = RomRates::OnlyItsOwn;
        }
        return Ok(Identity {
            chip,
            access: Access::SecureDownload,
            revision: None,
            mac: None,
            mac_crc_holds: true,
            eui64: None,
            features: Vec::new(),
            crystal_mhz: None,
            flash_id: None,
            security: info.security(),
        });
    }
    let crystal_mhz = crystal(session, chip).await?;
    hasten(session).await?;
    let silicon = silicon(session, facts.readout).await?;
    let info = match (info, silicon.security) {
        (None, None) => security_info(session).await?,
        (info, _) => info,
    };
    let security = silicon.security.or(info.map(SecurityInfo::security));
    // a stub has done both by the time it greets
    if session.link.dialect() != Dialect::Stub {
        power(session, silicon.flash_power).await?;
        attach(session, chip, silicon.flash_pins).await?;
    }
    let next = match stubs.and_then(|stubs| stubs.find(chip, silicon.revision)) {
        Some(_) if session.link.dialect() != Dialect::Stub => Next::Stub,
        _ => Next::Same,
    };
    let flash_id = flash_id(session, &facts.spi, next).await?;
    Ok(Identity {
        mac_crc_holds: silicon.mac_crc_holds,
        eui64: silicon.eui64,
        features: silicon.features,
        crystal_mhz,
        security: security.ok_or(JobError::SecurityUnknown(chip))?,
        ..Identity::open(chip, silicon.revision, silicon.mac, flash_id)
    })
}

/// Asks for the likely chip's own word first: GET_SECURITY_INFO where its ROM has that, since the
/// answer tells the security state too (an S2 is known by its length), else the magic word.
async fn detect(session: &mut Session<'_>, likely: Chip) -> Result<Detected, JobError> {
    let asks_info_first = likely.facts().rom.security_info;
    let mut info = None;
    if asks_info_first {
        info = security_info(session).await?;
        if let Some(detected) = named(info)? {
            return Ok(detected);
        }
    }
    let magic = Command::ReadReg {
        address: MAGIC_ADDRESS,
    };
    let reply = session.ask_if_known(&magic, timeout::COMMAND).await?;
    if let Some(chip) = reply.and_then(|reply| Chip::from_magic(reply.value)) {
        return Ok(Detected { chip, info });
    }
    if !asks_info_first && let Some(detected) = named(security_info(session).await?)? {
        return Ok(detected);
    }
    // no ROM refuses both: what refused was the line
    let magic = session.register(MAGIC_ADDRESS).await?;
    match Chip::from_magic(magic) {
        Some(chip) => Ok(Detected { chip, info }),
        None => Err(JobError::UnknownChip { magic }),
    }
}

/// The chip of an answer; an answer with an ID that nobody knows ends the search.
fn named(info: Option<SecurityInfo>) -> Result<Option<Detected>, JobError> {
    let Some(info) = info else {
        return Ok(None);
    };
    match (info.chip(), info.chip_id) {
        (Some(chip), _) => Ok(Some(Detected {
            chip,
            info: Some(info),
        })),
        (None, Some(chip_id)) => Err(JobError::UnknownChipId { chip_id }),
        (None, None) => Ok(None),
    }
}

/// `None` from a ROM that does not know the command (ESP8266, ESP32).
async fn security_info(session: &mut Session<'_>) -> Result<Option<SecurityInfo>, JobError> {
    let reply = session
        .ask_if_known(&Command::GetSecurityInfo, timeout::COMMAND)
        .await?;
    Ok(reply.and_then(|reply| SecurityInfo::parse(&reply.payload)))
}

async fn silicon(session: &mut Session<'_>, readout: Readout) -> Result<Silicon, JobError> {
    let silicon = read_out(session, readout).await?;
    // a register's value travels without a checksum: only a second reading tells a damaged eFuse
    // from a damaged reply
    if silicon.mac_crc_holds {
        Ok(silicon)
    } else {
        read_out(session, readout).await
    }
}

async fn read_out(session: &mut Session<'_>, readout: Readout) -> Result<Silicon, JobError> {
    let mut words = Vec::with_capacity(readout.registers.len());
    for address in readout.registers {
        words.push(session.register(*address).await?);
    }
    #[expect(
        clippy::expect_used,
        reason = "as many words as the readout has registers"
    )]
    Ok(readout.decode(&words).expect("every register was read"))
}

/// Goes to the rate that will most likely be granted, with most of the exchanges still to come. One that
/// does not come up is not tried again.
async fn hasten(session: &mut Session<'_>) -> Result<(), JobError> {
    let Some(baud) = session.likely_baud.take() else {
        return Ok(());
    };
    if session.link.rate_control() == RateControl::Fixed || session.link.dialect() == Dialect::Stub
    {
        return Ok(());
    }
    match session.change_rate(baud).await {
        Err(error @ (JobError::NotMade { .. } | JobError::RateRefused { .. })) => {
            session.journal.retried(Again::Rate, &error);
            session.refused_baud = Some(baud);
            Ok(())
        }
        result => result,
    }
}

/// The crystal, and with it what the ROM has to be told of rates.
async fn crystal(session: &mut Session<'_>, chip: Chip) -> Result<Option<u32>, JobError> {
    let facts = chip.facts();
    let divider = match facts.crystal {
        Crystal::Fixed(mhz) => return Ok(Some(mhz)),
        // the stub runs its UART from another clock, and is told the rate that is meant
        Crystal::Divider(_) if session.link.dialect() == Dialect::Stub => return Ok(None),
        Crystal::Divider(divider) => divider,
    };
    if let RomClock::Measured { cycles, oscillator } = facts.rom_clock {
        let cycles = session.register(cycles).await?;
        let oscillator = session.register(oscillator).await?;
        if let Some(belief) = Belief::measured(cycles, oscillator) {
            session.rom_rates = RomRates::Told(belief);
            return Ok(belief.crystal_mhz());
        }
    }
    let value = session.register(divider.register).await?;
    let crystal_mhz = divider.crystal_mhz(value, session.link.baud());
    let believed_mhz = match facts.rom_clock {
        RomClock::Assumed(mhz) => Some(mhz),
        RomClock::Register(register) => {
            let mhz = session.register(register).await? >> 24 & 0x7F;
            Some(mhz).filter(|mhz| divider.mhz.contains(mhz))
        }
        RomClock::True | RomClock::Measured { .. } => None,
    };
    if let (Some(believed), Some(there)) = (believed_mhz, crystal_mhz) {
        session.rom_rates = RomRates::Told(Belief::mhz(believed, there));
    }
    Ok(crystal_mhz)
}

/// Powers a flash part that the ROM leaves without.
async fn power(session: &mut Session<'_>, steps: &[RegisterWrite]) -> Result<(), JobError> {
    let writes: Vec<RegWrite> = steps
        .iter()
        .map(|step| RegWrite {
            address: step.address,
            value: step.value,
            mask: step.mask,
            delay_us: step.delay_us,
        })
        .collect();
    if !writes.is_empty() {
        let command = Command::WriteReg { writes: &writes };
        session.ask(&command, timeout::COMMAND).await?;
    }
    Ok(())
}

/// Connects the ROM to its flash part.
pub(super) async fn attach(
    session: &mut Session<'_>,
    chip: Chip,
    pins: u32,
) -> Result<(), JobError> {
    let dialect = session.link.dialect();
    let command = if chip.facts().rom.spi_attach {
        Command::SpiAttach { pins, dialect }
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
///
/// An app may have left the part in a state that a ROM knows nothing of, and a reset of the chip does
/// not reset the part: it is reset first. A stub has the part in hand already.
async fn flash_id(
    session: &mut Session<'_>,
    spi: &SpiRegisters,
    next: Next,
) -> Result<FlashId, JobError> {
    let before = match next {
        Next::Stub => None,
        Next::Same => Some([
            write(spi.usr, session.register(spi.usr).await?),
            write(spi.usr2, session.register(spi.usr2).await?),
        ]),
    };
    let length = match spi.miso_dlen {
        Some(register) => write(register, 24 - 1),
        // ESP8266: bits to receive, less one, from bit 8 on
        None => write(spi.usr1, (24 - 1) << 8),
    };
    // changes nothing, after a pause
    let pause = |delay_us| RegWrite {
        mask: 0,
        delay_us,
        ..write(spi.usr, 0)
    };
    let start = write(spi.cmd, SpiRegisters::CMD_USR);
    let command = |byte| write(spi.usr2, SpiRegisters::usr2_command(byte));
    let mut writes = Vec::with_capacity(15);
    if session.link.dialect() != Dialect::Stub {
        writes.extend([
            write(spi.usr, SpiRegisters::USR_COMMAND),
            command(RESET_ENABLE),
            start,
            pause(TRANSFER_US),
            command(RESET),
            start,
            pause(PART_RESET_US),
        ]);
    }
    writes.extend([
        length,
        write(spi.usr, SpiRegisters::USR_COMMAND | SpiRegisters::USR_MISO),
        command(READ_ID),
        write(spi.w0, 0),
        start,
        pause(TRANSFER_US),
    ]);
    writes.extend(before.into_iter().flatten());
    session
        .ask(&Command::WriteReg { writes: &writes }, timeout::COMMAND)
        .await?;
    let found = session.register(spi.w0).await?;
    if found != 0 {
        return Ok(FlashId::from_w0(found));
    }
    // nothing came: because nothing answers, or because it takes longer than it should
    for _ in 0..SPI_POLLS {
        if session.register(spi.cmd).await? & SpiRegisters::CMD_USR == 0 {
            break;
        }
    }
    Ok(FlashId::from_w0(session.register(spi.w0).await?))
}

fn write(address: u32, value: u32) -> RegWrite {
    RegWrite {
        address,
        value,
        mask: u32::MAX,
        delay_us: 0,
    }
}
