//! What a barcode can be.

use serde::{Deserialize, Serialize};

/// What a barcode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanKind {
    /// An operator's badge.
    Operator,
    /// A lot's number.
    Lot,
    /// A board's serial number.
    Serial,
}

impl ScanKind {
    /// The word in files and on the socket.
    pub const fn name(self) -> &'static str {
        match self {
            ScanKind::Operator => "operator",
            ScanKind::Lot => "lot",
            ScanKind::Serial => "serial",
        }
    }
}
