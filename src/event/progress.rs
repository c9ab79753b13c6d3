//! How far a job is, at a moment.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::chip::spelled;

/// A step of a job, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Open the port, reset into the loader, SYNC.
    Connect,
    /// Chip, revision, MAC, flash, security.
    Identify,
    /// The Gate decides.
    Admit,
    /// Raise the baud rate.
    Baud,
    /// Upload the stub and wait for its greeting.
    Stub,
    /// Erase what the plan says and no image covers.
    Erase,
    /// Write the regions.
    Write,
    /// Compare the digests that the chip computes.
    Verify,
    /// Read flash, by hand.
    Read,
    /// Reset into the app.
    Reset,
    /// Listen to what the app says.
    Boot,
    /// Commit the verdict.
    Record,
}

impl Step {
    pub const ALL: [Step; 12] = [
        Step::Connect,
        Step::Identify,
        Step::Admit,
        Step::Baud,
        Step::Stub,
        Step::Erase,
        Step::Write,
        Step::Verify,
        Step::Read,
        Step::Reset,
        Step::Boot,
        Step::Record,
    ];

    /// The word in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Connect => "connect",
            Step::Identify => "identify",
            Step::Admit => "admit",
            Step::Baud => "baud",
            Step::Stub => "stub",
            Step::Erase => "erase",
            Step::Write => "write",
            Step::Verify => "verify",
            Step::Read => "read",
            Step::Reset => "reset",
            Step::Boot => "boot",
            Step::Record => "record",
        }
    }

    pub fn from_name(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.name() == name)
    }
}

spelled!(Step, Step::from_name, "step");

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where a job stands. Sent through a watch: only the newest one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub step: Step,
    /// Counts from 1.
    pub attempt: u32,
    /// Flash bytes done and to do in this step; both 0 where a step has no length.
    pub done_bytes: u64,
    pub total_bytes: u64,
    /// The line's rate now.
    pub baud: u32,
    /// Blocks, rates and connections tried again so far.
    pub retries: u32,
}

impl Progress {
    /// 0–100, where the step has a length.
    pub fn percent(&self) -> Option<u8> {
        (self.total_bytes > 0)
            .then(|| (self.done_bytes.min(self.total_bytes) * 100 / self.total_bytes) as u8)
    }
}
