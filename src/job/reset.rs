//! Reset: the board starts its app, or stays in its loader where that is wanted. What that takes
//! depends on what there is:
//!
//! - Lines: RTS pulls EN for 100 ms.
//! - The chip's own USB: RTS resets its core, which does not read the straps anew. A board that was
//!   strapped by hand needs its watchdog, which resets all of it; then the port leaves the bus.
//! - No lines, a chip with a watchdog: that.
//! - No lines, ROM: FLASH_BEGIN of nothing and FLASH_END with the reboot flag; the ROM then boots from
//!   flash (an ESP32's answers 0106 and boots all the same).
//! - No lines, stub: nothing resets the chip (esp-flasher-stub: the reboot flag of END and RUN_USER_CODE
//!   do nothing, and an ESP32 keeps its strapping over a reset by software). The board starts when the
//!   jig lets go of the strap and its power or EN is cycled; the stub goes back to the ROM's rate, so
//!   that whoever connects next finds it.
//!
//! The flash is written and verified by now: a loader that does not answer here takes nothing from that.

use std::time::Duration;

use super::connect::HasLines;
use super::error::JobError;
use super::session::{ROM_BAUD, Session, encrypt_word};
use super::timeout;
use super::verify::Verified;
use crate::chip::{BootStrap, Chip, Watchdog, WatchdogReset};
use crate::event::Step;
use crate::plan::Method;
use crate::port::reset::{self, LineStep};
use crate::port::{LinkError, OwnUsb, PortInfo, UsbId};
use crate::protocol::{Command, Dialect, ExchangeError, RegWrite};
use crate::settings::{After, NetPort, NetProtocol, Place, Reset, SlotSettings};

/// The watchdog bites some tens of milliseconds after its reply.
const WATCHDOG_BITES: Duration = Duration::from_millis(100);
/// Its reply, where it comes at all: what the chip does meanwhile is what was asked for.
const WATCHDOG_REPLY: Duration = Duration::from_millis(300);

/// How a job leaves its board.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leave {
    after: After,
    hard: &'static [LineStep],
    own_usb: Option<OwnUsb>,
}

impl Leave {
    pub(super) fn of(after: After, port: Option<&PortInfo>) -> Leave {
        Leave {
            after,
            hard: port.map_or(reset::HARD, reset::hard),
            own_usb: port.and_then(|port| port.usb_id).and_then(UsbId::own_usb),
        }
    }

    /// What the port is, where it is the chip's own.
    pub(super) fn own_usb(&self) -> Option<OwnUsb> {
        self.own_usb
    }

    /// The chip's reset takes the port along.
    pub(super) fn is_own_usb(&self) -> bool {
        self.own_usb.is_some()
    }
}

/// What starts the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Watchdog(Watchdog),
    Plain(Plain),
}

/// What starts the app where no watchdog does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plain {
    Lines,
    /// FLASH_END's reboot flag, where the ROM wrote.
    Reboot,
    /// Nothing can: it stays in its loader, at the ROM's rate.
    None,
    /// Nothing is to: the same.
    Stay,
}

/// What starts the app of this chip; `strapped`: it was strapped for its loader when its straps were
/// read last.
fn means(leave: Leave, chip: Chip, lines: HasLines, dialect: Dialect, strapped: bool) -> Means {
    let works = |dog: &Watchdog| dog.reset == WatchdogReset::Works;
    let watchdog = chip.watchdog().filter(works).map(Means::Watchdog);
    let otherwise = Means::Plain(without_watchdog(lines, dialect));
    match leave.after {
        After::Stay => Means::Plain(Plain::Stay),
        After::Hard => otherwise,
        After::Watchdog => watchdog.unwrap_or(otherwise),
        After::Auto if lines == HasLines::No => watchdog.unwrap_or(otherwise),
        After::Auto if leave.own_usb.is_some() && strapped => watchdog.unwrap_or(otherwise),
        After::Auto => otherwise,
    }
}

fn without_watchdog(lines: HasLines, dialect: Dialect) -> Plain {
    match (lines, dialect) {
        (HasLines::Yes, _) => Plain::Lines,
        (HasLines::No, Dialect::Stub) => Plain::None,
        (HasLines::No, Dialect::Rom | Dialect::Rom8266) => Plain::Reboot,
    }
}

/// Whether a job on this slot can start its board's app, as far as that is known without a board.
pub fn starts_app(slot: &SlotSettings, chip: Chip, method: Method) -> bool {
    let net = match &slot.place {
        Place::Path(path) => NetPort::from_path(path),
        Place::Usb(_) => None,
    };
    let carries_none = net.is_some_and(|net| net.protocol == NetProtocol::Socket);
    let lines = match slot.reset {
        Reset::None => HasLines::No,
        Reset::Auto if carries_none => HasLines::No,
        _ => HasLines::Yes,
    };
    let dialect = match method {
        Method::StubDeflate => Dialect::Stub,
        Method::RomDeflate | Method::RomPlain => Dialect::Rom,
    };
    let leave = Leave::of(slot.after, None);
    let by = means(leave, chip, lines, dialect, false);
    !matches!(by, Means::Plain(Plain::None | Plain::Stay))
}

/// Whether something of ours started the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Started {
    Yes,
    /// It waits in its loader for the jig.
    No,
}

impl Verified<'_> {
    /// `console`: the rate at which the app is listened to; nothing that it says is lost then.
    pub(super) async fn reset(mut self, console: Option<u32>) -> Result<Started, JobError> {
        let mark = self.session.journal.begin(Step::Reset);
        let result = start_app(&mut self.session, self.lines, self.chip, console).await;
        let result = match result {
            // the board is what the port hangs on: gone means that it starts
            Err(JobError::Lost) if self.session.leave.is_own_usb() => Ok(Started::Yes),
            result => result,
        };
        self.session.journal.end(mark, &result);
        result
    }
}

async fn start_app(
    session: &mut Session<'_>,
    lines: HasLines,
    chip: Chip,
    console: Option<u32>,
) -> Result<Started, JobError> {
    let (leave, dialect) = (session.leave, session.link.dialect());
    let strapped = leave.is_own_usb() && is_strapped(session, chip).await?;
    let by = match means(leave, chip, lines, dialect, strapped) {
        Means::Plain(by) => by,
        Means::Watchdog(watchdog) => match bite(session, watchdog, console).await? {
            Bite::Due => {
                let note = format_args!("the app is started by the chip's watchdog");
                session.journal.note(note);
                return Ok(Started::Yes);
            }
            Bite::Refused => without_watchdog(lines, dialect),
        },
    };
    session.journal.note(match by {
        Plain::Lines => format_args!("the app is started by the port's lines"),
        Plain::Reboot => format_args!("the app is started by the loader"),
        Plain::None => format_args!("nothing here can start the app"),
        Plain::Stay => format_args!("the board stays in its loader, as asked"),
    });
    match by {
        Plain::Lines => {
            listen_at(session, console).await?;
            session.reset(leave.hard).await?;
        }
        Plain::Reboot => reboot(session, chip).await?,
        Plain::None | Plain::Stay => {
            forgive(match console {
                None => session.leave_at(ROM_BAUD).await,
                Some(_) => session.change_rate(ROM_BAUD).await,
            })?;
        }
    }
    Ok(match by {
        Plain::None | Plain::Stay => Started::No,
        Plain::Lines | Plain::Reboot => Started::Yes,
    })
}

/// Whether a reset of the core alone would lead into the loader again, by the straps. What forces the
/// loader besides is taken away where that helps (the S3 would stay in it: arduino-esp32 #6762).
async fn is_strapped(session: &mut Session<'_>, chip: Chip) -> Result<bool, JobError> {
    let Some(boot) = chip.boot_strap() else {
        return Ok(false);
    };
    if let Some((address, force)) = boot.force_download {
        if chip == Chip::Esp32S3 {
            let clear = [RegWrite {
                address,
                value: 0,
                mask: force,
                delay_us: 0,
            }];
            let clear = Command::WriteReg { writes: &clear };
            forgive(session.ask_once(&clear, timeout::COMMAND).await.map(drop))?;
        }
        match read(session, address).await? {
            Some(word) if word & force == 0 => {}
            // the watchdog would lead there again
            _ => return Ok(false),
        }
    }
    let strap = read(session, boot.strap).await?;
    Ok(strap.is_some_and(|strap| strap & BootStrap::FLASH_BOOT == 0))
}

/// A register; `None` where the chip does not tell (Secure Download Mode).
async fn read(session: &mut Session<'_>, address: u32) -> Result<Option<u32>, JobError> {
    let read = Command::ReadReg { address };
    match session.ask_once(&read, timeout::COMMAND).await {
        Ok(reply) => Ok(Some(reply.value)),
        Err(JobError::Command { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the chip let its watchdog be set.
enum Bite {
    Due,
    /// Secure Download Mode.
    Refused,
}

/// Sets the watchdog to bite soon. One command, so that it is protected again before it does.
async fn bite(
    session: &mut Session<'_>,
    watchdog: Watchdog,
    console: Option<u32>,
) -> Result<Bite, JobError> {
    let writes = [
        (watchdog.write_protect, Watchdog::KEY),
        (watchdog.timeout, Watchdog::SOON_TICKS),
        (watchdog.config, Watchdog::RESET_SOON),
        (watchdog.write_protect, 0),
    ];
    let writes = writes.map(|(address, value)| all_bits(address, value));
    let command = Command::WriteReg { writes: &writes };
    match session.link.command(&command, WATCHDOG_REPLY).await {
        Ok(_) => {}
        Err(LinkError::Exchange(ExchangeError::Refused(_))) => return Ok(Bite::Refused),
        // it may have bitten before it was answered
        Err(LinkError::Exchange(_)) => {}
        Err(error) => return Err(session.explain(error)),
    }
    listen_at(session, console).await?;
    let bitten = session.link.pause(WATCHDOG_BITES).await;
    bitten.map_err(|error| session.explain(error))?;
    // whatever ran there runs no more
    session.link.set_dialect(Dialect::Rom);
    Ok(Bite::Due)
}

async fn listen_at(session: &mut Session<'_>, console: Option<u32>) -> Result<(), JobError> {
    let Some(baud) = console else {
        return Ok(());
    };
    let set = session.link.listen_at(baud).await;
    set.map_err(|error| session.explain(error))
}

async fn reboot(session: &mut Session<'_>, chip: Chip) -> Result<(), JobError> {
    let begin = Command::FlashBegin {
        erase_bytes: 0,
        blocks: 0,
        block_bytes: 0x400,
        offset: 0,
        encrypt: encrypt_word(chip),
    };
    forgive(session.ask_once(&begin, timeout::COMMAND).await.map(drop))?;
    let end = Command::FlashEnd { reboot: true };
    forgive(session.ask_once(&end, timeout::COMMAND).await.map(drop))
}

/// Keeps the watchdogs of a chip on USB-Serial-JTAG from biting while a loader works: the controller's
/// reset does not stop what the app before had set.
pub(super) async fn calm(session: &mut Session<'_>, chip: Chip) -> Result<(), JobError> {
    let (Some(OwnUsb::SerialJtag), Some(watchdog)) = (session.leave.own_usb, chip.watchdog())
    else {
        return Ok(());
    };
    let mut writes = vec![
        all_bits(watchdog.write_protect, Watchdog::KEY),
        all_bits(watchdog.config, 0),
        all_bits(watchdog.write_protect, 0),
    ];
    if let Some(swd) = watchdog.super_watchdog {
        writes.extend([
            all_bits(swd.write_protect, swd.key),
            RegWrite {
                address: swd.config,
                value: swd.auto_feed,
                mask: swd.auto_feed,
                delay_us: 0,
            },
            all_bits(swd.write_protect, 0),
        ]);
    }
    let command = Command::WriteReg { writes: &writes };
    // in Secure Download Mode it is refused
    forgive(session.ask_once(&command, timeout::COMMAND).await.map(drop))
}

fn all_bits(address: u32, value: u32) -> RegWrite {
    RegWrite {
        address,
        value,
        mask: !0,
        delay_us: 0,
    }
}

/// What a loader says or does not say here changes nothing; a lost port or a stop does.
fn forgive(result: Result<(), JobError>) -> Result<(), JobError> {
    match result {
        Err(
            JobError::Command { .. }
            | JobError::Rate { .. }
            | JobError::NotMade { .. }
            | JobError::RateRefused { .. },
        ) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JTAG: UsbId = UsbId {
        vendor: 0x303A,
        product: 0x1001,
    };

    fn check(
        after: After,
        chip: Chip,
        own_usb: Option<UsbId>,
        lines: HasLines,
        strapped: bool,
        expected: &str,
    ) {
        let port = PortInfo {
            usb_id: own_usb,
            ..PortInfo::at("/dev/x")
        };
        let leave = Leave::of(after, Some(&port));
        let told = match means(leave, chip, lines, Dialect::Stub, strapped) {
            Means::Watchdog(_) => "watchdog",
            Means::Plain(Plain::Lines) => "lines",
            Means::Plain(Plain::Reboot) => "reboot",
            Means::Plain(Plain::None) => "none",
            Means::Plain(Plain::Stay) => "stay",
        };
        assert_eq!(told, expected, "{after:?} {chip} {own_usb:?} {lines:?}");
    }

    #[test]
    fn what_starts_the_app() {
        use After::{Auto, Hard, Stay, Watchdog};
        use Chip::{Esp32, Esp32C3, Esp32C6};
        use HasLines::{No, Yes};
        check(Auto, Esp32, None, Yes, false, "lines");
        check(Auto, Esp32C3, None, Yes, true, "lines");
        check(Auto, Esp32C3, Some(JTAG), Yes, false, "lines");
        check(Auto, Esp32C3, Some(JTAG), Yes, true, "watchdog");
        check(Auto, Esp32C6, Some(JTAG), Yes, true, "lines");
        check(Auto, Esp32, None, No, false, "none");
        check(Auto, Esp32C3, None, No, false, "watchdog");
        check(Hard, Esp32C3, Some(JTAG), Yes, true, "lines");
        check(Hard, Esp32C3, None, No, false, "none");
        check(Watchdog, Esp32C3, None, Yes, false, "watchdog");
        check(Watchdog, Esp32, None, Yes, false, "lines");
        check(Stay, Esp32C3, Some(JTAG), Yes, true, "stay");
    }

    #[test]
    fn the_roms_own_reboot_where_nothing_else_reaches_the_chip() {
        let leave = Leave::of(After::Auto, None);
        let found = means(leave, Chip::Esp32, HasLines::No, Dialect::Rom, false);
        assert_eq!(found, Means::Plain(Plain::Reboot));
    }
}
