//! Load: upload the flasher stub into the chip's RAM and start it, or stay with the ROM; then tell
//! whoever will write how large the flash part is.

use std::time::Duration;

use super::admit::Board;
use super::border::StubUse;
use super::connect::HasLines;
use super::error::JobError;
use super::identify::attach;
use super::journal::Again;
use super::ladder::Next;
use super::rate::{Fast, agree, lower};
use super::session::Session;
use super::timeout;
use crate::chip::{Access, Chip, Identity, Load, Stub, Stubs};
use crate::event::Step;
use crate::plan::Method;
use crate::port::{LinkError, OwnUsb};
use crate::protocol::{Await, Command, Dialect, ExchangeError};

/// Bytes in a MEM_DATA block (esptool's ESP_RAM_BLOCK, the ROM's buffer), and over USB-OTG, whose
/// driver in the ROM takes less.
const MEM_BLOCK_BYTES: usize = 0x1800;
const MEM_BLOCK_BYTES_OTG: usize = 0x800;

/// The ROM may start the stub before its reply to MEM_END has left the FIFO.
const MEM_END_TIMEOUT: Duration = Duration::from_millis(200);

/// A stub greets within milliseconds.
const GREETING_TIMEOUT: Duration = Duration::from_secs(1);

/// Whoever will write is ready.
pub(super) struct Loaded<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) board: &'a mut Board,
    pub(super) method: Method,
}

impl<'a> Fast<'a> {
    /// `identity` is that of this board, where it is known.
    pub(super) async fn load(
        mut self,
        wanted: StubUse,
        stubs: &Stubs,
        identity: Option<&Identity>,
    ) -> Result<Loaded<'a>, JobError> {
        let chip = self.board.plan.chip;
        let revision = identity.and_then(|identity| identity.revision);
        let stub = revision.and_then(|revision| stubs.find(chip, revision));
        let access = identity.map_or(Access::Full, |identity| identity.access);
        let way = Way::choose(self.session.link.dialect(), access, wanted, stub, chip);
        let mark = self.session.journal.begin(Step::Stub);
        self.session
            .journal
            .note(format_args!("writes by {}", way.method().name()));
        let result = prepare(&mut self.session, self.board, way, access).await;
        self.session.journal.end(mark, &result);
        result?;
        Ok(Loaded {
            session: self.session,
            lines: self.lines,
            board: self.board,
            method: way.method(),
        })
    }
}

/// Who will write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way<'s> {
    /// A stub that runs already.
    Running,
    Upload(&'s Stub),
    Rom(Method),
}

impl<'s> Way<'s> {
    /// A stub that already runs is used, whatever is wanted: on a port without lines there is no way
    /// back to the ROM. In Secure Download Mode the ROM starts nothing that was loaded and inflates
    /// nothing (Espressif's serial protocol, "Supported by ROM Loader in Secure Download Mode").
    fn choose(
        dialect: Dialect,
        access: Access,
        wanted: StubUse,
        stub: Option<&'s Stub>,
        chip: Chip,
    ) -> Way<'s> {
        let deflates = chip.facts().rom.deflate;
        match (wanted, stub) {
            _ if dialect == Dialect::Stub => Way::Running,
            _ if access == Access::SecureDownload => Way::Rom(Method::RomPlain),
            (StubUse::Stub, Some(stub)) => Way::Upload(stub),
            (StubUse::Stub | StubUse::RomDeflate, _) if deflates => Way::Rom(Method::RomDeflate),
            _ => Way::Rom(Method::RomPlain),
        }
    }

    fn method(self) -> Method {
        match self {
            Way::Running | Way::Upload(_) => Method::StubDeflate,
            Way::Rom(method) => method,
        }
    }
}

async fn prepare(
    session: &mut Session<'_>,
    board: &mut Board,
    way: Way<'_>,
    access: Access,
) -> Result<(), JobError> {
    let chip = board.plan.chip;
    if let Way::Upload(stub) = way {
        upload(session, board, stub).await?;
        // a ROM that knows one rate only has passed on what can be raised now
        if session.link.baud() != board.baud() {
            agree(session, board).await?;
        }
    }
    if access == Access::SecureDownload && session.link.dialect() != Dialect::Stub {
        // nothing was asked of the flash part before
        attach(session, chip, 0).await?;
    }
    // the ESP8266's ROM cannot be told, and does not need it
    if chip.facts().rom.spi_attach || session.link.dialect() == Dialect::Stub {
        let total_bytes = u32::try_from(board.plan.flash_bytes).unwrap_or(u32::MAX);
        session
            .ask(&Command::SpiSetParams { total_bytes }, timeout::COMMAND)
            .await?;
    }
    Ok(())
}

async fn upload(session: &mut Session<'_>, board: &mut Board, stub: &Stub) -> Result<(), JobError> {
    let segments = [&stub.text, &stub.data];
    let total = segments.iter().map(|s| s.bytes.len() as u64).sum();
    let mut done = 0;
    for segment in segments {
        let mut here = 0;
        while let Err(error) = upload_segment(session, segment).await {
            here += 1;
            match session.next(error.failure(), here, here) {
                // after a damaged block the ROM wants MEM_BEGIN again, as with flash
                Next::SameAgain | Next::BeginAgain => session.journal.retried(Again::Block, &error),
                Next::LowerRate => {
                    session.journal.retried(Again::Rate, &error);
                    lower(session, board);
                    agree(session, board).await?;
                    here = 0;
                }
                Next::Reconnect(_) | Next::GiveUp => return Err(error),
            }
        }
        done += segment.bytes.len() as u64;
        session.journal.length(done, total);
    }
    start(session, stub.entry).await
}

async fn upload_segment(
    session: &mut Session<'_>,
    Load { address, bytes }: &Load,
) -> Result<(), JobError> {
    let block_bytes = match session.leave.own_usb() {
        Some(OwnUsb::Otg) => MEM_BLOCK_BYTES_OTG,
        Some(OwnUsb::SerialJtag) | None => MEM_BLOCK_BYTES,
    };
    let begin = Command::MemBegin {
        total_bytes: bytes.len() as u32,
        blocks: bytes.len().div_ceil(block_bytes) as u32,
        block_bytes: block_bytes as u32,
        offset: *address,
    };
    session.ask_once(&begin, timeout::COMMAND).await?;
    for (sequence, data) in (0..).zip(bytes.chunks(block_bytes)) {
        let block = Command::MemData { sequence, data };
        session.ask_once(&block, timeout::COMMAND).await?;
    }
    Ok(())
}

async fn start(session: &mut Session<'_>, entry: u32) -> Result<(), JobError> {
    // its reply may be lost while the stub starts, and a SYNC would swallow the greeting, which tells
    match session
        .link
        .command(&Command::MemEnd { entry }, MEM_END_TIMEOUT)
        .await
    {
        Ok(_)
        | Err(LinkError::Exchange(ExchangeError::Silence { .. } | ExchangeError::Garbled { .. })) =>
            {}
        Err(error) => return Err(session.explain(error)),
    }
    let mut greeting = Await::new("the stub's greeting", b"OHAI", GREETING_TIMEOUT);
    match session.link.run(&mut greeting, |_| ()).await {
        Ok(()) => {}
        // the greeting may be what was damaged
        Err(LinkError::Exchange(_)) if session.sync().await? == Some(Dialect::Stub) => {}
        Err(LinkError::Exchange(_)) => {
            return Err(JobError::StubSilent {
                waited: GREETING_TIMEOUT,
                baud: session.link.baud(),
            });
        }
        Err(error) => return Err(session.explain(error)),
    }
    session.link.set_dialect(Dialect::Stub);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::Revision;

    #[track_caller]
    fn check(dialect: Dialect, access: Access, wanted: StubUse, chip: Chip, method: Method) {
        let stubs = Stubs::default();
        let stub = stubs.find(chip, Revision { major: 1, minor: 0 });
        let way = Way::choose(dialect, access, wanted, stub, chip);
        assert_eq!(way.method(), method, "{chip} {wanted:?}");
        assert_eq!(way == Way::Running, dialect == Dialect::Stub);
    }

    #[test]
    fn who_writes() {
        use Access::{Full, SecureDownload};
        use Dialect::{Rom, Rom8266, Stub};
        let (c3, old) = (Chip::Esp32C3, Chip::Esp8266);
        check(Rom, Full, StubUse::Stub, c3, Method::StubDeflate);
        check(Rom, Full, StubUse::RomDeflate, c3, Method::RomDeflate);
        check(Rom, Full, StubUse::RomPlain, c3, Method::RomPlain);
        check(Stub, Full, StubUse::RomPlain, c3, Method::StubDeflate);
        check(Rom, SecureDownload, StubUse::Stub, c3, Method::RomPlain);
        check(
            Rom,
            SecureDownload,
            StubUse::RomDeflate,
            c3,
            Method::RomPlain,
        );
        // without a stub, and with a ROM that inflates nothing
        check(Rom8266, Full, StubUse::Stub, old, Method::RomPlain);
        check(Rom8266, Full, StubUse::RomDeflate, old, Method::RomPlain);
        check(Stub, Full, StubUse::Stub, old, Method::StubDeflate);
    }
}
