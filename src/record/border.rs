//! What the record takes and gives.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::chip::{Identity, Mac};
use crate::event::{Code, JobId, Outcome, SlotId};
use crate::job::Verdict;

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
    pub bundle_digest: [u8; 32],
    pub started: jiff::Timestamp,
}

/// A MAC whose last job was cut short after something was written, and that has not passed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUnit {
    pub mac: Mac,
    pub slot: SlotId,
    pub since: jiff::Timestamp,
    pub code: Code,
}

/// Which jobs a question is about, by their start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Since(pub Option<jiff::Timestamp>);

/// Yield by units (boards known by MAC). A board whose jobs were all stopped or the bench's fault
/// before anything was written is no unit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Yield {
    pub units: u64,
    /// Units whose first counted job passed at its first attempt.
    pub first_pass: u64,
    /// Units whose last counted job passed.
    pub passed: u64,
    /// Of passed jobs, arrival to verdict.
    pub median_cycle: Option<Duration>,
    /// Jobs that ended with each code, most frequent first.
    pub failures: Vec<(Code, u64)>,
}

/// Where the line stands, for the dashboard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Of today (local midnight on).
    pub today: Yield,
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
    pub identity: Option<Identity>,
    pub outcome: Option<Outcome>,
    pub code: Option<Code>,
    pub detail: String,
    pub attempts: u32,
    pub retries: u32,
    pub baud: u32,
    pub bytes_written: u64,
    pub started: jiff::Timestamp,
    pub ended: Option<jiff::Timestamp>,
}

/// The open database. Cheap to clone; the writer thread ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Record {}

impl Record {
    /// Opens or creates the database: takes the lock (one process per database), migrates, closes
    /// jobs that an earlier process left open as INTERRUPTED. Returns how many those were.
    /// Blocks: call it before the runtime's work or on a blocking thread.
    pub fn open(path: &Path) -> Result<(Record, usize), RecordError> {
        let _ = path;
        todo!("helper R")
    }

    /// A job's row, at its arrival.
    pub async fn open_job(&self, job: NewJob) -> Result<(), RecordError> {
        let _ = job;
        todo!("helper R")
    }

    /// The board's identity, before anything is written to it.
    pub async fn identify(&self, job: JobId, identity: Identity) -> Result<(), RecordError> {
        let _ = (job, identity);
        todo!("helper R")
    }

    /// The verdict, its steps and regions, in one commit; returns where the line stands after it.
    pub async fn close_job(
        &self,
        job: JobId,
        verdict: Verdict,
        ended: jiff::Timestamp,
    ) -> Result<Standing, RecordError> {
        let _ = (job, verdict, ended);
        todo!("helper R")
    }

    /// Where the line stands now.
    pub async fn standing(&self) -> Result<Standing, RecordError> {
        todo!("helper R")
    }

    /// Whether a job could be recorded now: a real write that is rolled back or kept in a row of its
    /// own, and at least `reserve_bytes` free on the disk.
    pub async fn check(&self, reserve_bytes: u64) -> Result<(), RecordError> {
        let _ = reserve_bytes;
        todo!("helper R")
    }

    /// Takes a MAC off the open units, with who and why.
    pub async fn write_off(&self, mac: Mac, who: String, why: String) -> Result<bool, RecordError> {
        let _ = (mac, who, why);
        todo!("helper R")
    }

    /// Waits until the writer has done everything, and ends it. Called once, at the end.
    pub async fn close(self) {
        todo!("helper R")
    }
}

/// Why the record cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecordError {
    #[error("{path} is in use by {holder}")]
    Locked { path: PathBuf, holder: String },
    #[error("{path} was written by a newer flashline (schema {found}, this one knows {known})")]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{path} cannot be opened: {why}")]
    Open { path: PathBuf, why: String },
    #[error("{path} cannot be written: {why}")]
    Write { path: PathBuf, why: String },
    #[error(
        "the disk of {path} has {free_bytes} bytes free, less than the reserve of {reserve_bytes}"
    )]
    DiskFull {
        path: PathBuf,
        free_bytes: u64,
        reserve_bytes: u64,
    },
}
