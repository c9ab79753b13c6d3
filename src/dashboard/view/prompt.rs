//! What the footer says instead of the keys.

use crate::lang::Label;
use crate::station::RequestRefused;

/// The footer's say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    Keys,
    /// Boards are at work: end all the same?
    ConfirmQuit,
    /// Stop the line?
    ConfirmStopLine,
    NothingToApprove,
    SelectFirst,
    /// A barcode was read, and asked about.
    Scanned(String),
    /// A barcode's end was lost.
    ScanCutShort,
    Refused(RequestRefused),
    /// The station's queue of requests is full.
    TryAgain,
    /// The terminal has no Chinese characters.
    EnglishOnly,
    /// Something else that is said once.
    Say(Label),
}
