//! What the record takes and gives.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chip::Identity;
use crate::event::{
    Code, FirstArticle, Golden, JobId, LotName, LotState, Outcome, Serial, SlotId, Unit, spelling,
};
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
    /// The lot that its board is worked on for.
    pub lot: Option<LotName>,
    /// Whose badge was scanned last.
    pub operator: Option<Arc<str>>,
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
    /// The board was good already.
    pub skipped: u64,
    /// Of golden boards, however they ended: not in the others.
    pub golden: u64,
}

impl Jobs {
    pub fn total(self) -> u64 {
        self.passed
            + self.written
            + self.failed
            + self.errors
            + self.aborted
            + self.skipped
            + self.golden
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
    /// How many changes the record had taken in since it was opened: of two, the one with more is newer.
    #[serde(skip)]
    pub changes: u64,
    /// Of today (local midnight on).
    pub today: Yield,
    /// By unit.
    pub open_units: Vec<OpenUnit>,
    /// Lots that are not ended: running ones first, then by their name.
    pub lots: Vec<LotStanding>,
    /// Good units of the last hour of work, as a rate; `None` where too few tell one.
    pub units_per_hour: Option<f64>,
    /// The slot that fails significantly more often than the others.
    pub worst_slot: Option<WorstSlot>,
}

/// A lot, and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LotStanding {
    pub lot: LotName,
    pub product: String,
    pub version: String,
    /// The first 12 hex digits of its bundle's digest.
    pub bundle: String,
    /// The customer's.
    pub order: Option<String>,
    /// How many good units it is to have.
    pub target: u64,
    pub state: LotState,
    pub first_article: FirstArticle,
    /// Of the lot's own jobs; `figures.passed` is what is done.
    pub figures: Yield,
    /// Of its units, those that were left half-worked.
    pub open_units: u64,
    /// Good units per hour of work, as a rate; `None` where too few tell one.
    pub units_per_hour: Option<f64>,
    /// Until the target is reached at that rate.
    #[serde(rename = "to_go_seconds", with = "spelling::some_seconds")]
    pub to_go: Option<Duration>,
}

/// A slot whose first tries fail significantly more often than those of the other slots, and the figures
/// that told so; the rules are in `worst`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstSlot {
    pub slot: SlotId,
    /// Units whose first counted job of the day was on it, boards without contact among them, and how many
    /// of those did not pass at once.
    pub units: u64,
    pub failed: u64,
    /// The same of all other slots together.
    pub other_units: u64,
    pub other_failed: u64,
}

/// Which jobs are asked for, newest first; what is `None` is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobFilter {
    /// At most so many, and no more than [`JobFilter::MOST`].
    pub newest: u32,
    pub slot: Option<SlotId>,
    pub outcome: Option<Outcome>,
    pub code: Option<Code>,
    pub lot: Option<LotName>,
    /// Part of the MAC (with or without its colons), of the serial number or of the job's id, in either
    /// case.
    pub text: Option<String>,
}

impl JobFilter {
    /// The most jobs that one answer tells.
    pub const MOST: u32 = 200;
}

impl Default for JobFilter {
    fn default() -> JobFilter {
        JobFilter {
            newest: 20,
            slot: None,
            outcome: None,
            code: None,
            lot: None,
            text: None,
        }
    }
}

/// Today's figures as charts want them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Day {
    /// By the local hour in which a unit's first job of the day began, from the first hour with one to
    /// the last, without gaps.
    pub hours: Vec<Hour>,
    /// Jobs that ended with each code, most frequent first.
    pub failures: Vec<(Code, u64)>,
    /// By name.
    pub slots: Vec<SlotDay>,
}

/// One hour of a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hour {
    #[serde(with = "spelling::time")]
    pub from: jiff::Timestamp,
    pub units: u64,
    pub first_pass: u64,
    pub passed: u64,
}

/// One slot's day: units by the slot of their first counted job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotDay {
    pub slot: SlotId,
    pub units: u64,
    pub first_pass: u64,
    /// Failed jobs in which nothing answered.
    pub no_contact: u64,
}

/// A job's row. In JSON as `docs/socket.md` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    pub job: JobId,
    pub station: String,
    pub slot: SlotId,
    pub place: String,
    pub product: String,
    pub version: String,
    pub bundle_digest: String,
    pub serial: Option<Serial>,
    pub lot: Option<LotName>,
    pub operator: Option<String>,
    /// Of a board that never counts.
    pub golden: Option<Golden>,
    pub identity: Option<Identity>,
    pub outcome: Option<Outcome>,
    pub code: Option<Code>,
    pub detail: String,
    pub attempts: u32,
    #[serde(flatten)]
    pub retries: Retries,
    pub written_by: Option<Method>,
    pub baud: u32,
    pub bytes_written: u64,
    pub bytes_skipped: u64,
    /// An erase or a write had begun (or may have: a job that was interrupted after identify).
    pub flash_touched: bool,
    #[serde(with = "spelling::time")]
    pub started: jiff::Timestamp,
    #[serde(with = "spelling::some_time")]
    pub ended: Option<jiff::Timestamp>,
}

/// All that the record knows of one job. In JSON as `docs/socket.md` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    #[serde(flatten)]
    pub row: JobRow,
    pub steps: Vec<StepResult>,
    pub regions: Vec<RegionResult>,
    /// What happened, a line each; `None` for a job that is running, that flashline did not live to close,
    /// or that is from before there were logs.
    pub log: Option<String>,
    /// What its board said after the reset.
    #[serde(flatten, with = "boot_log")]
    pub boot: Option<BootLog>,
}

/// What a board said, as two fields.
mod boot_log {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::job::{BootLog, Measurement};

    #[derive(Serialize, Deserialize)]
    struct Fields {
        measurements: Vec<Measurement>,
        boot_log: Option<String>,
    }

    pub fn serialize<S: Serializer>(
        boot: &Option<BootLog>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let boot = boot.clone();
        let (boot_log, measurements) = boot.map_or((None, Vec::new()), |boot| {
            (Some(boot.text), boot.measurements)
        });
        Fields {
            measurements,
            boot_log,
        }
        .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<BootLog>, D::Error> {
        let Fields {
            measurements,
            boot_log,
        } = Fields::deserialize(deserializer)?;
        Ok(boot_log.map(|text| BootLog { text, measurements }))
    }
}
