//! How a boot check can end badly, in one sentence with what was heard.

use std::fmt;
use std::time::Duration;

use crate::event::Code;
use crate::job::border::Measurement;
use crate::manifest::limits;

/// Why a board does not pass its boot check. Lines are quoted without their secrets.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(in crate::job) enum BootFault {
    #[error("{meaning}: the console says \"{line}\"")]
    Rejected { meaning: String, line: String },
    #[error(
        "the chip is in a reset loop: start {starts} within {within:.1?}, the last line before it was \"{line}\""
    )]
    ResetLoop {
        starts: u32,
        within: Duration,
        line: String,
    },
    #[error("{}", OutOfLimits(.0))]
    OutOfLimits(Vec<Measurement>),
    #[error("within {within:?} of the reset the console did not say {missing}; {heard}")]
    Timeout {
        within: Duration,
        missing: String,
        heard: Heard,
    },
    #[error(
        "the station keeps the board in its loader (after = \"stay\"), so its app does not start"
    )]
    Stays,
}

/// What came instead of what was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::job) enum Heard {
    Nothing { baud: u32 },
    Garbage { baud: u32, bytes: u64 },
    Text { bytes: u64, last_line: String },
}

impl BootFault {
    pub(in crate::job) fn code(&self) -> Code {
        match self {
            BootFault::Rejected { .. } | BootFault::ResetLoop { .. } => Code::BootRejected,
            BootFault::OutOfLimits(_) => Code::MeasurementOutOfLimits,
            BootFault::Timeout { .. } | BootFault::Stays => Code::BootTimeout,
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Heard::Nothing { baud } => write!(f, "it said nothing at {baud} baud"),
            Heard::Garbage { baud, bytes } => write!(
                f,
                "most of its {bytes} bytes are no text: is {baud} baud the console's rate?"
            ),
            Heard::Text { bytes, last_line } => {
                write!(
                    f,
                    "it said {bytes} bytes, the last line was \"{last_line}\""
                )
            }
        }
    }
}

/// Named in the sentence; the others are counted.
const NAMED: usize = 3;

struct OutOfLimits<'m>(&'m [Measurement]);

impl fmt::Display for OutOfLimits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, measurement) in self.0.iter().take(NAMED).enumerate() {
            let Measurement {
                name, value, unit, ..
            } = measurement;
            let gap = if unit.is_empty() { "" } else { " " };
            let comma = if index > 0 { "; " } else { "" };
            let allowed = limits(measurement.low, measurement.high, unit);
            write!(f, "{comma}{name} is {value}{gap}{unit}, allowed {allowed}")?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
