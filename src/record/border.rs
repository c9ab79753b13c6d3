//! What the record takes and gives.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chip::Identity;
use crate::event::{Code, JobId, Outcome, Serial, SlotId, Unit, spelling};
use crate::job::{BootLog, RegionResult, Retries, StepResult};
use crate::plan::Method;

/// A job at its arrival.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub job: JobId,
    pub station: String,
    pub slot: SlotId,
    /// The USB path, or the port's path where there is none.
    pub place: String,
    pub product: String,
    pub version: String,
    /// Typed or scanned from the board's label.
    pub serial: Option<Serial>,
    pub bundle_digest: [u8; 32],
    /// The manifest's text: kept once per bundle.
    pub manifest_text: Arc<str>,
    pub started: jiff::Timestamp,
}

/// Leave to flash a bundle from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The manifest's path, from the root.
    pub manifest: String,
    pub product: String,
    pub version: String,
    pub bundle_digest: [u8; 32],
    /// Kept once per bundle.
    pub manifest_text: Arc<str>,
    /// Who gave it: a login name.
    pub who: String,
    pub how: Approved,
    pub at: jiff::Timestamp,
}

/// On what occasion a bundle was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approved {
    /// The station was started with this manifest for the first time.
    First,
    /// A supervisor started the station with it.
    Start,
    /// A supervisor asked for it while the station was at work.
    Asked,
}

impl Approved {
    /// The word in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Approved::First => "first",
            Approved::Start => "start",
            Approved::Asked => "asked",
        }
    }
}

/// A unit whose last job was cut short, and that was neither finished nor written off since: pulled
/// in mid-job, or stopped by someone or by the bench after its flash was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenUnit {
    pub unit: Unit,
    pub slot: SlotId,
    /// When it was cut short (the last time).
    #[serde(with = "spelling::time")]
    pub since: jiff::Timestamp,
    pub code: Code,
}

/// Which jobs a question is about, by their start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Since(pub Option<jiff::Timestamp>);

/// Closed jobs, by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Jobs {
    pub passed: u64,
    /// Written, and not all of it verified.
    pub written: u64,
    pub failed: u64,
    /// Of the failed: nothing told which board it was, so they belong to no unit.
    pub no_contact: u64,
    /// The bench was bad.
    pub errors: u64,
    pub aborted: u64,
}

impl Jobs {
    pub fn total(self) -> u64 {
        self.passed + self.written + self.failed + self.errors + self.aborted
    }
}

/// Yield by units (boards known by their MAC, or by a serial where they hide it). `Tally` has the rules.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Yield {
    pub units: u64,
    /// Units whose first counted job passed at its first attempt.
    pub first_pass: u64,
    /// Units whose last counted job passed.
    pub passed: u64,
    /// Units whose last counted job is WRITTEN: neither passed nor failed.
    pub written: u64,
    /// Of passed jobs, arrival to verdict.
    #[serde(rename = "median_cycle_seconds", with = "spelling::some_seconds")]
    pub median_cycle: Option<Duration>,
    /// Jobs that ended with each code (bench errors and stops included, WRITTEN ones not), most frequent
    /// first.
    pub failures: Vec<(Code, u64)>,
    pub jobs: Jobs,
}

/// Where the line stands, for the dashboard.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Of today (local midnight on).
    pub today: Yield,
    /// By unit.
    pub open_units: Vec<OpenUnit>,
}

/// A job's row, as reports and tests read it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    pub job: JobId,
    pub station: String,
    pub slot: SlotId,
    pub place: String,
    pub product: String,
    pub version: String,
    pub bundle_digest: String,
    pub serial: Option<Serial>,
    pub identity: Option<Identity>,
    pub outcome: Option<Outcome>,
    pub code: Option<Code>,
    pub detail: String,
    pub attempts: u32,
    pub retries: Retries,
    pub written_by: Option<Method>,
    pub baud: u32,
    pub bytes_written: u64,
    pub bytes_skipped: u64,
    /// An erase or a write had begun (or may have: a job that was interrupted after identify).
    pub flash_touched: bool,
    pub started: jiff::Timestamp,
    pub ended: Option<jiff::Timestamp>,
}

/// All that the record knows of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub row: JobRow,
    pub steps: Vec<StepResult>,
    pub regions: Vec<RegionResult>,
    /// What happened, a line each; `None` for a job that is running, that flashline did not live to close,
    /// or that is from before there were logs.
    pub log: Option<String>,
    /// What its board said after the reset.
    pub boot: Option<BootLog>,
}
