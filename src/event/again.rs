//! A board that comes a second time: what becomes of one that was good already, and what such a one is known by.

use serde::{Deserialize, Serialize};

use super::LotName;

/// What becomes of a board that passed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// It is left as it is: recorded, not counted.
    Skip,
    /// It is worked on like any other.
    Flash,
}

/// That a board passed, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    pub at: jiff::Timestamp,
    pub lot: Option<LotName>,
}
