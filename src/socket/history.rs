//! Jobs of the record as objects for programs.

use std::path::Path;

use serde::Serialize;

use crate::chip::Identity;
use crate::event::{Code, JobId, Outcome, Serial, SlotId, Step, spelling};
use crate::image::hex;
use crate::job::{Measurement, RegionResult, StepResult};
use crate::record::{JobRow, Reader, RecordError, Story};

/// A job's row.
#[derive(Debug, Serialize)]
pub struct JobObject {
    job: JobId,
    station: String,
    slot: SlotId,
    place: String,
    product: String,
    version: String,
    bundle_digest: String,
    serial: Option<Serial>,
    /// As in the notice `board_identified`.
    identity: Option<Identity>,
    outcome: Option<Outcome>,
    code: Option<Code>,
    detail: String,
    attempts: u32,
    block_retries: u32,
    rate_retries: u32,
    connection_retries: u32,
    written_by: Option<&'static str>,
    baud: u32,
    bytes_written: u64,
    bytes_skipped: u64,
    flash_touched: bool,
    #[serde(with = "spelling::time")]
    started: jiff::Timestamp,
    #[serde(with = "spelling::some_time")]
    ended: Option<jiff::Timestamp>,
}

/// All that is known of a job.
#[derive(Debug, Serialize)]
pub struct StoryObject {
    #[serde(flatten)]
    row: JobObject,
    steps: Vec<StepObject>,
    regions: Vec<RegionObject>,
    measurements: Vec<Measurement>,
    log: Option<String>,
    boot_log: Option<String>,
}

#[derive(Debug, Serialize)]
struct StepObject {
    step: Step,
    attempt: u32,
    /// Since the job's start.
    began_seconds: f64,
    seconds: f64,
    code: Option<Code>,
}

#[derive(Debug, Serialize)]
struct RegionObject {
    name: String,
    offset: u32,
    bytes: u32,
    file_sha256: String,
    written_sha256: String,
    found_md5: Option<String>,
    found_sha256: Option<String>,
    skipped_bytes: u32,
}

/// The newest jobs, newest first. Blocks.
pub fn newest(
    database: &Path,
    most: u32,
    slot: Option<&SlotId>,
    outcome: Option<Outcome>,
) -> Result<Vec<JobObject>, RecordError> {
    let rows = Reader::open(database)?.newest(most, slot, outcome)?;
    Ok(rows.into_iter().map(row).collect())
}

/// One job; `None`: there is none with this id. Blocks.
pub fn story(database: &Path, job: JobId) -> Result<Option<StoryObject>, RecordError> {
    Ok(Reader::open(database)?.story(job)?.map(whole))
}

fn row(row: JobRow) -> JobObject {
    JobObject {
        job: row.job,
        station: row.station,
        slot: row.slot,
        place: row.place,
        product: row.product,
        version: row.version,
        bundle_digest: row.bundle_digest,
        serial: row.serial,
        identity: row.identity,
        outcome: row.outcome,
        code: row.code,
        detail: row.detail,
        attempts: row.attempts,
        block_retries: row.retries.blocks,
        rate_retries: row.retries.rates,
        connection_retries: row.retries.connections,
        written_by: row.written_by.map(|method| method.name()),
        baud: row.baud,
        bytes_written: row.bytes_written,
        bytes_skipped: row.bytes_skipped,
        flash_touched: row.flash_touched,
        started: row.started,
        ended: row.ended,
    }
}

fn whole(story: Story) -> StoryObject {
    let (boot_log, measurements) = match story.boot {
        Some(boot) => (Some(boot.text), boot.measurements),
        None => (None, Vec::new()),
    };
    StoryObject {
        row: row(story.row),
        steps: story.steps.into_iter().map(step).collect(),
        regions: story.regions.into_iter().map(region).collect(),
        measurements,
        log: story.log,
        boot_log,
    }
}

fn step(step: StepResult) -> StepObject {
    StepObject {
        step: step.step,
        attempt: step.attempt,
        began_seconds: step.began.as_secs_f64(),
        seconds: step.took.as_secs_f64(),
        code: step.code,
    }
}

fn region(region: RegionResult) -> RegionObject {
    RegionObject {
        name: region.name,
        offset: region.offset,
        bytes: region.size_bytes,
        file_sha256: hex(&region.file_sha256),
        written_sha256: hex(&region.written_sha256),
        found_md5: region.found_md5.map(|digest| hex(&digest)),
        found_sha256: region.found_sha256.map(|digest| hex(&digest)),
        skipped_bytes: region.skipped_bytes,
    }
}
