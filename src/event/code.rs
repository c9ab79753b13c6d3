//! The stable failure words. A code, once released, keeps its word and its meaning; each has its
//! advice in `lang`, a row in `docs/failure-codes.md` and a test that provokes it.

use std::fmt;

use super::Outcome;
use crate::chip::spelled;

/// Why a job did not pass (or why the station will not start one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    // ---- the board
    /// Nothing answered SYNC.
    NoSync,
    /// The chip is another than the manifest's.
    WrongChip,
    /// The chip's revision is outside the manifest's bounds.
    ChipRevision,
    /// The MAC is no address, or its CRC does not hold.
    MacInvalid,
    /// A board with the same MAC is being worked on another slot.
    MacDuplicate,
    /// The flash part did not answer its ID command (000000 or FFFFFF).
    FlashNoAnswer,
    /// The flash part is not among those that the manifest allows.
    FlashId,
    /// The flash part is smaller than the manifest needs.
    FlashTooSmall,
    /// Flash encryption, secure boot or a download lock is on.
    SecurityState,
    /// The stub was uploaded and never greeted.
    StubSilent,
    /// The chip reported that erasing or writing failed.
    FlashWrite,
    /// The chip reported that the compressed data could not be inflated.
    InflateFailed,
    /// What the flash holds after writing is not what was sent.
    VerifyMismatch,
    /// The chip stopped answering in the middle of the work.
    NoReply,
    /// The chip refused a command that it must know.
    CommandRefused,
    /// Blocks arrived damaged until every retry was used up.
    LineNoise,
    /// The console said something that the boot check rejects.
    BootRejected,
    /// The console did not say in time what the boot check expects.
    BootTimeout,
    /// A value that the app printed is outside its limits.
    MeasurementOutOfLimits,
    /// The board was pulled while it was being worked on.
    Unplugged,
    /// After a reconnect another MAC answered.
    BoardSwapped,
    /// The board failed as often as it may be tried.
    RetestLimit,
    // ---- neither good nor bad yet
    /// Everything was written, and nothing could tell that all of it arrived.
    NotVerified,
    // ---- good already
    /// The board passed with this bundle before, and its flash still holds it.
    AlreadyDone,
    // ---- the bench
    /// The port does not exist.
    PortAbsent,
    /// The port's path is no serial device.
    PortNotSerial,
    /// Another process holds the port.
    PortBusy,
    /// The user may not open the port.
    PortDenied,
    /// The operating system reported an error on the port.
    PortError,
    /// The bridge does not make the rate that it was asked for.
    BaudNotReached,
    /// Several slots of one hub were lost at the same moment.
    HubPower,
    /// A jig was started, and nothing in it answered.
    NoBoard,
    /// A jig was started, and the board that it is through with is still in it.
    NotRemoved,
    /// The slot failed several different boards in a row: it takes no more.
    SlotQuarantined,
    /// Several slots in a row failed in the same way: the line takes no boards.
    LineHalted,
    /// A golden board that is known to be bad passed: the bench does not see faults.
    GoldenEscaped,
    /// A serial number was scanned, and no board came for it in time.
    ScanOrphan,
    /// A manifest or one of its files changed while the station works with what they were.
    ManifestChangedOnDisk,
    /// The record could not be written.
    RecordFailed,
    /// The disk that holds the record is nearly full.
    DiskFull,
    // ---- someone, something stopped it
    /// Stopped in the middle of an erase of the whole part.
    EraseUnfinished,
    /// Stopped by the operator or by the end of the program.
    Stopped,
    /// Found open at the next start: the program or the computer died.
    Interrupted,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Code; 43] = [
        Code::NoSync,
        Code::WrongChip,
        Code::ChipRevision,
        Code::MacInvalid,
        Code::MacDuplicate,
        Code::FlashNoAnswer,
        Code::FlashId,
        Code::FlashTooSmall,
        Code::SecurityState,
        Code::StubSilent,
        Code::FlashWrite,
        Code::InflateFailed,
        Code::VerifyMismatch,
        Code::NoReply,
        Code::CommandRefused,
        Code::LineNoise,
        Code::BootRejected,
        Code::BootTimeout,
        Code::MeasurementOutOfLimits,
        Code::Unplugged,
        Code::BoardSwapped,
        Code::RetestLimit,
        Code::NotVerified,
        Code::AlreadyDone,
        Code::PortAbsent,
        Code::PortNotSerial,
        Code::PortBusy,
        Code::PortDenied,
        Code::PortError,
        Code::BaudNotReached,
        Code::HubPower,
        Code::NoBoard,
        Code::NotRemoved,
        Code::SlotQuarantined,
        Code::LineHalted,
        Code::GoldenEscaped,
        Code::ScanOrphan,
        Code::ManifestChangedOnDisk,
        Code::RecordFailed,
        Code::DiskFull,
        Code::EraseUnfinished,
        Code::Stopped,
        Code::Interrupted,
    ];

    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Code::NoSync => "NO_SYNC",
            Code::WrongChip => "WRONG_CHIP",
            Code::ChipRevision => "CHIP_REVISION",
            Code::MacInvalid => "MAC_INVALID",
            Code::MacDuplicate => "MAC_DUPLICATE",
            Code::FlashNoAnswer => "FLASH_NO_ANSWER",
            Code::FlashId => "FLASH_ID",
            Code::FlashTooSmall => "FLASH_TOO_SMALL",
            Code::SecurityState => "SECURITY_STATE",
            Code::StubSilent => "STUB_SILENT",
            Code::FlashWrite => "FLASH_WRITE",
            Code::InflateFailed => "INFLATE_FAILED",
            Code::VerifyMismatch => "VERIFY_MISMATCH",
            Code::NoReply => "NO_REPLY",
            Code::CommandRefused => "COMMAND_REFUSED",
            Code::LineNoise => "LINE_NOISE",
            Code::BootRejected => "BOOT_REJECTED",
            Code::BootTimeout => "BOOT_TIMEOUT",
            Code::MeasurementOutOfLimits => "MEASUREMENT_OUT_OF_LIMITS",
            Code::Unplugged => "UNPLUGGED",
            Code::BoardSwapped => "BOARD_SWAPPED",
            Code::RetestLimit => "RETEST_LIMIT",
            Code::NotVerified => "NOT_VERIFIED",
            Code::AlreadyDone => "ALREADY_DONE",
            Code::PortAbsent => "PORT_ABSENT",
            Code::PortNotSerial => "PORT_NOT_SERIAL",
            Code::PortBusy => "PORT_BUSY",
            Code::PortDenied => "PORT_DENIED",
            Code::PortError => "PORT_ERROR",
            Code::BaudNotReached => "BAUD_NOT_REACHED",
            Code::HubPower => "HUB_POWER",
            Code::NoBoard => "NO_BOARD",
            Code::NotRemoved => "NOT_REMOVED",
            Code::SlotQuarantined => "SLOT_QUARANTINED",
            Code::LineHalted => "LINE_HALTED",
            Code::GoldenEscaped => "GOLDEN_ESCAPED",
            Code::ScanOrphan => "SCAN_ORPHAN",
            Code::ManifestChangedOnDisk => "MANIFEST_CHANGED_ON_DISK",
            Code::RecordFailed => "RECORD_FAILED",
            Code::DiskFull => "DISK_FULL",
            Code::EraseUnfinished => "ERASE_UNFINISHED",
            Code::Stopped => "STOPPED",
            Code::Interrupted => "INTERRUPTED",
        }
    }

    pub fn from_word(word: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.word() == word)
    }

    /// The outcome of a job that ends with this code.
    pub const fn outcome(self) -> Outcome {
        match self {
            Code::BaudNotReached
            | Code::HubPower
            | Code::NoBoard
            | Code::NotRemoved
            | Code::SlotQuarantined
            | Code::LineHalted
            | Code::GoldenEscaped
            | Code::ScanOrphan
            | Code::ManifestChangedOnDisk
            | Code::PortAbsent
            | Code::PortNotSerial
            | Code::PortBusy
            | Code::PortDenied
            | Code::PortError
            | Code::RecordFailed
            | Code::DiskFull => Outcome::Error,
            Code::NotVerified => Outcome::Written,
            Code::AlreadyDone => Outcome::Skipped,
            Code::EraseUnfinished | Code::Stopped | Code::Interrupted => Outcome::Aborted,
            _ => Outcome::Fail,
        }
    }
}

spelled!(Code, Code::from_word, "failure code");

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
