//! Everything that can end or interrupt a job, and the one place where it becomes a [`Code`]. Leaves
//! out the words for the operator (`lang`) and what is tried next (`ladder`).

use std::io;
use std::time::Duration;

use super::boot::BootFault;
use super::connect::HasLines;
use super::ladder::{Answer, Failure};
use super::reset::Started;
use crate::chip::{Access, Mac};
use crate::event::{Code, StopReason};
use crate::port::{LinkError, OpenError};
use crate::protocol::{ExchangeError, Op, Refusal};

/// What went wrong. The message is the verdict's detail: one sentence with the figures.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("no answer to SYNC in {tries} tries{}", by_hand(*lines))]
    NoSync {
        tries: u32,
        lines: HasLines,
        heard_bytes: u64,
    },
    #[error("nothing answered in {tries} tries, and nothing else tells of a board")]
    NoBoard { tries: u32 },
    /// The board was known and answers no more.
    #[error("no answer to SYNC in {tries} tries after: {before}")]
    NoSyncAgain { tries: u32, before: String },
    #[error("{source} at {baud} baud{}", since(*answer))]
    Command {
        baud: u32,
        answer: Answer,
        source: ExchangeError,
    },
    #[error("{region} at 0x{address:x}, {baud} baud: {source}{}", since(*answer))]
    Block {
        region: String,
        /// Flash address up to which the region is known to be written.
        address: u32,
        baud: u32,
        answer: Answer,
        source: ExchangeError,
    },
    #[error("erasing 0x{length:x} bytes at 0x{offset:x}: {source}{}", since(*answer))]
    Erase {
        offset: u32,
        length: u64,
        answer: Answer,
        source: ExchangeError,
    },
    #[error("no chip known here has the magic word {magic:08x}")]
    UnknownChip { magic: u32 },
    #[error("no chip known here names itself {chip_id} in GET_SECURITY_INFO")]
    UnknownChipId { chip_id: u32 },
    #[error("the {0} does not tell its security state")]
    SecurityUnknown(crate::chip::Chip),
    /// The chip has left its rate, since it is not to be heard there, and is not where the bridge is.
    #[error("{wanted} baud does not come up (the driver says {made}), and the rate before is left")]
    Rate { wanted: u32, made: u32 },
    /// The driver, or a serial server, says itself that it made another.
    #[error("the adapter makes {made} baud of {wanted}")]
    NotMade { wanted: u32, made: u32 },
    /// The chip stayed where it was.
    #[error("{wanted} baud does not come up; the chip answers at {stayed} baud still")]
    RateRefused { wanted: u32, stayed: u32 },
    #[error("the MD5 at 0x{offset:x} came in {bytes} bytes that are no digest")]
    NoDigest { offset: u32, bytes: usize },
    #[error("no greeting within {waited:?} at {baud} baud")]
    StubSilent { waited: Duration, baud: u32 },
    #[error("the flash at 0x{offset:x} came in {bytes} bytes, fewer than asked for")]
    ShortRead { offset: u32, bytes: usize },
    #[error("{}", match .0 {
        Access::Full => "this board's ROM reads no flash: it takes a stub (`stub_dir`, --stub-dir)",
        Access::SecureDownload => "a chip in Secure Download Mode lets nobody read its flash",
    })]
    NoReading(Access),
    #[error(
        "{region} at 0x{offset:x}: the SHA-256 of what was read back is {found}, written was {expected}"
    )]
    ReadMismatch {
        region: String,
        offset: u32,
        found: String,
        expected: String,
    },
    #[error("{region} at 0x{offset:x}: the chip's MD5 is {found}, written was {expected}")]
    Mismatch {
        region: String,
        offset: u32,
        found: String,
        expected: String,
    },
    #[error("{source}{}", match started {
        Started::Yes => "",
        Started::No => "; this port cannot reset the board, so its app starts only when the jig does it",
    })]
    Boot { started: Started, source: BootFault },
    #[error(
        "{what} ends at 0x{end:x}, further than the loader's flash addresses reach (0x{reach:x})"
    )]
    BeyondReach { what: String, end: u64, reach: u64 },
    #[error(
        "{what} at 0x{offset:x} is one sector, and this board's ROM erases the next with it, at \
         0x{lost:x}, which is to be kept: write through the stub (`stub_dir`, --stub-dir), make it \
         two sectors long, or let what is behind it be erased (by hand: --force)"
    )]
    ErasedBesides {
        what: String,
        offset: u32,
        lost: u32,
    },
    /// The whole part was to be erased, and is so only in part.
    #[error("0x{erased:x} of 0x{flash_bytes:x} bytes were erased when it ended: {why}")]
    EraseUnfinished {
        erased: u64,
        flash_bytes: u64,
        why: String,
    },
    /// The Gate said no.
    #[error("{detail}")]
    Refused { code: Code, detail: String },
    #[error("{found} answers where {expected} was being worked on")]
    Swapped { expected: Mac, found: Mac },
    #[error("another board answers ({found}) where an {expected} was being worked on")]
    AnotherChip {
        expected: crate::chip::Chip,
        found: crate::chip::Chip,
    },
    /// Two boards in Secure Download Mode look the same.
    #[error(
        "the port was lost, and nothing would tell whether the same board came back: it hides its MAC"
    )]
    Unrecognisable,
    /// Gone now; whether it comes back is not yet known.
    #[error("the port was lost")]
    Lost,
    /// A reset into the loader took the chip's own USB off the bus, as it does.
    #[error("the port went with the chip's reset")]
    TakenAlong,
    #[error("the port was lost and not back within {:.1} s", .waited.as_secs_f64())]
    Unplugged { waited: Duration },
    #[error("the port failed: {0}")]
    PortFailed(io::Error),
    #[error("stopped: {}", match .0 {
        StopReason::Operator => "asked for at the bench",
        StopReason::Shutdown => "the program is ending",
    })]
    Stopped(StopReason),
    /// Nothing was begun with: whether it is flashed again was still to be said.
    #[error("the board was taken out before it was said whether to flash it again")]
    LeftUndecided,
    /// A bug of ours, not the board's: a worker thread ended without its result.
    #[error("the frames for {region} could not be built: {why}")]
    Frames { region: String, why: String },
}

impl JobError {
    /// A link's error; `within` gives an exchange's failure its place.
    pub(super) fn from_link(
        error: LinkError,
        within: impl FnOnce(ExchangeError) -> JobError,
    ) -> JobError {
        match error {
            LinkError::Exchange(source) => within(source),
            LinkError::Gone => JobError::Lost,
            LinkError::Io(source) => JobError::PortFailed(source),
            LinkError::Stopped(reason) => JobError::Stopped(reason),
        }
    }

    /// A command's failure as that of erasing this range.
    pub(super) fn erasing(self, offset: u32, length: u64) -> JobError {
        match self {
            JobError::Command { answer, source, .. } => JobError::Erase {
                offset,
                length,
                answer,
                source,
            },
            other => other,
        }
    }

    /// The stable word for the record.
    pub(super) fn code(&self) -> Code {
        match self {
            JobError::Open(OpenError::Absent { .. } | OpenError::Unreachable { .. }) => {
                Code::PortAbsent
            }
            JobError::Open(OpenError::NotSerial { .. }) => Code::PortNotSerial,
            JobError::Open(OpenError::Busy { .. }) => Code::PortBusy,
            JobError::Open(OpenError::Denied { .. }) => Code::PortDenied,
            JobError::Open(OpenError::Io { .. }) | JobError::PortFailed(_) => Code::PortError,
            JobError::NoSync { .. } => Code::NoSync,
            JobError::NoBoard { .. } => Code::NoBoard,
            JobError::NoSyncAgain { .. } => Code::NoReply,
            // what came of it was the chip starting anew, not noise
            JobError::Command {
                answer: Answer::Other,
                ..
            }
            | JobError::Block {
                answer: Answer::Other,
                ..
            }
            | JobError::Erase {
                answer: Answer::Other,
                ..
            } => Code::NoReply,
            JobError::Command { source, .. } | JobError::Block { source, .. } => {
                exchange_code(source)
            }
            JobError::Erase { source, .. } => match exchange_code(source) {
                Code::CommandRefused => Code::FlashWrite,
                code => code,
            },
            JobError::UnknownChip { .. } | JobError::UnknownChipId { .. } => Code::WrongChip,
            JobError::SecurityUnknown(_) | JobError::NoReading(Access::SecureDownload) => {
                Code::SecurityState
            }
            JobError::Rate { .. } | JobError::NotMade { .. } => Code::BaudNotReached,
            JobError::RateRefused { .. } => Code::LineNoise,
            JobError::StubSilent { .. } => Code::StubSilent,
            JobError::Frames { .. }
            | JobError::NoDigest { .. }
            | JobError::ShortRead { .. }
            | JobError::NoReading(Access::Full)
            | JobError::ErasedBesides { .. }
            | JobError::BeyondReach { .. } => Code::CommandRefused,
            JobError::EraseUnfinished { .. } => Code::EraseUnfinished,
            JobError::Mismatch { .. } | JobError::ReadMismatch { .. } => Code::VerifyMismatch,
            JobError::Boot { source, .. } => source.code(),
            JobError::Refused { code, .. } => *code,
            JobError::Swapped { .. } | JobError::AnotherChip { .. } => Code::BoardSwapped,
            JobError::Lost
            | JobError::TakenAlong
            | JobError::Unrecognisable
            | JobError::Unplugged { .. } => Code::Unplugged,
            JobError::Stopped(_) | JobError::LeftUndecided => Code::Stopped,
        }
    }

    /// What the ladder makes of it.
    pub(super) fn failure(&self) -> Failure {
        match self {
            JobError::Command { answer, source, .. } | JobError::Erase { answer, source, .. } => {
                exchange_failure(source, *answer)
            }
            // a block that is refused for what it says starts over, whatever that was
            JobError::Block { answer, source, .. } => match exchange_failure(source, *answer) {
                Failure::Refused if is_out_of_step(source) => Failure::Damaged,
                Failure::Refused => Failure::Lost(*answer),
                failure => failure,
            },
            JobError::NoDigest { .. } | JobError::ShortRead { .. } => Failure::Refused,
            JobError::Rate { .. } => Failure::Rate,
            JobError::NotMade { .. } | JobError::RateRefused { .. } => Failure::RateRefused,
            JobError::StubSilent { .. } => Failure::StubSilent,
            JobError::Mismatch { .. } | JobError::ReadMismatch { .. } => Failure::Flash,
            JobError::Lost | JobError::TakenAlong => Failure::PortLost,
            JobError::PortFailed(_) => Failure::PortFailed,
            JobError::Open(_)
            | JobError::NoSync { .. }
            | JobError::NoBoard { .. }
            | JobError::NoSyncAgain { .. }
            | JobError::UnknownChip { .. }
            | JobError::UnknownChipId { .. }
            | JobError::SecurityUnknown(_)
            | JobError::Boot { .. }
            | JobError::NoReading(_)
            | JobError::ErasedBesides { .. }
            | JobError::BeyondReach { .. }
            | JobError::EraseUnfinished { .. }
            | JobError::Refused { .. }
            | JobError::Swapped { .. }
            | JobError::AnotherChip { .. }
            | JobError::Unrecognisable
            | JobError::Unplugged { .. }
            | JobError::Stopped(_)
            | JobError::LeftUndecided
            | JobError::Frames { .. } => Failure::Final,
        }
    }
}

/// What the operator does where no line does it.
fn by_hand(lines: HasLines) -> &'static str {
    match lines {
        HasLines::Yes => "",
        HasLines::No => {
            "; no line resets this board: hold its BOOT, press and release RESET (or give it power), \
             then release BOOT; or check the jig's strap"
        }
    }
}

/// What SYNC told after something was lost.
fn since(answer: Answer) -> &'static str {
    match answer {
        Answer::Same => "",
        Answer::Other => "; the chip was reset meanwhile",
        Answer::Nobody => "; SYNC is not answered either",
    }
}

fn exchange_code(error: &ExchangeError) -> Code {
    match error {
        ExchangeError::Refused(refusal) => refusal_code(*refusal),
        ExchangeError::Silence { .. } | ExchangeError::ByRom { .. } => Code::NoReply,
        ExchangeError::Garbled { .. } | ExchangeError::Digest { .. } => Code::LineNoise,
    }
}

/// Status words: PROTOCOL facts, "Status" (ROM 01xx; stub with the code in the first byte). A stub
/// tells a failed write on the next command, whatever that is.
fn refusal_code(refusal: Refusal) -> Code {
    let touches_flash = matches!(
        refusal.op,
        Op::FlashBegin
            | Op::FlashData
            | Op::FlashDeflBegin
            | Op::FlashDeflData
            | Op::EraseFlash
            | Op::EraseRegion
    );
    match refusal.status {
        _ if refusal.is_line_damage() => Code::LineNoise,
        0x0108 | 0xC400 | 0xC500 => Code::FlashWrite,
        0x0106 if touches_flash => Code::FlashWrite,
        0x010B | 0x010C | 0xC700 => Code::InflateFailed,
        _ => Code::CommandRefused,
    }
}

fn exchange_failure(error: &ExchangeError, answer: Answer) -> Failure {
    match (error, exchange_code(error)) {
        (_, Code::FlashWrite) => Failure::Flash,
        (_, Code::InflateFailed) => Failure::Inflate,
        (ExchangeError::Refused(refusal), _) if refusal.is_line_damage() => Failure::Damaged,
        (ExchangeError::Refused(_), _) => Failure::Refused,
        (
            ExchangeError::Silence { .. }
            | ExchangeError::ByRom { .. }
            | ExchangeError::Garbled { .. }
            | ExchangeError::Digest { .. },
            _,
        ) => Failure::Lost(answer),
    }
}

/// ROM 0105 to a block: its length or its sequence number did not hold, and nothing of it was taken.
fn is_out_of_step(error: &ExchangeError) -> bool {
    matches!(error, ExchangeError::Refused(refusal) if refusal.status == 0x0105)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(op: Op, status: u16) -> ExchangeError {
        ExchangeError::Refused(Refusal { op, status })
    }

    fn check_block(source: ExchangeError, code: Code, failure: Failure) {
        let error = JobError::Block {
            region: "app".into(),
            address: 0x10000,
            baud: 921_600,
            answer: Answer::Same,
            source,
        };
        assert_eq!((error.code(), error.failure()), (code, failure), "{error}");
    }

    #[test]
    fn what_a_block_meets() {
        let lost = Failure::Lost(Answer::Same);
        let silence = ExchangeError::Silence {
            what: "DEFL_DATA",
            after: Duration::from_secs(3),
        };
        let garbled = ExchangeError::Garbled {
            what: "DEFL_DATA",
            noise_bytes: 7,
        };
        let data = Op::FlashDeflData;
        check_block(silence, Code::NoReply, lost);
        check_block(garbled, Code::LineNoise, lost);
        check_block(refused(data, 0x0107), Code::LineNoise, Failure::Damaged);
        check_block(refused(data, 0xC100), Code::LineNoise, Failure::Damaged);
        check_block(refused(data, 0xC000), Code::LineNoise, Failure::Damaged);
        check_block(
            refused(data, 0x0105),
            Code::CommandRefused,
            Failure::Damaged,
        );
        check_block(refused(data, 0x0108), Code::FlashWrite, Failure::Flash);
        check_block(refused(data, 0x0106), Code::FlashWrite, Failure::Flash);
        check_block(refused(data, 0xC400), Code::FlashWrite, Failure::Flash);
        check_block(refused(data, 0x010B), Code::InflateFailed, Failure::Inflate);
        check_block(refused(data, 0xC700), Code::InflateFailed, Failure::Inflate);
        check_block(refused(data, 0xC600), Code::CommandRefused, lost);
    }

    #[test]
    fn the_stub_tells_a_failed_write_on_any_later_command() {
        let error = JobError::Command {
            baud: 115_200,
            answer: Answer::Same,
            source: refused(Op::SpiFlashMd5, 0xC400),
        };
        assert_eq!(error.code(), Code::FlashWrite);
        assert_eq!(error.failure(), Failure::Flash);
    }
}
