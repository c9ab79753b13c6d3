//! The changes that the record is asked for, and each one's SQL.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params, params};

use super::tally::{ClosedJob, leaves_open};
use super::{NewJob, row};
use crate::chip::{Identity, Mac, Revision};
use crate::event::{Code, JobId, Outcome, Step};
use crate::job::Verdict;

/// What the record is asked to keep.
#[derive(Debug)]
pub enum Change {
    Open(NewJob),
    Identify(JobId, Identity),
    Close {
        job: JobId,
        verdict: Verdict,
        ended: Timestamp,
    },
    WriteOff(WriteOff),
}

/// Who takes an open unit off the list, and why.
#[derive(Debug)]
pub struct WriteOff {
    pub mac: Mac,
    pub who: String,
    pub why: String,
    pub at: Timestamp,
}

/// What a change did.
pub struct Applied {
    /// `false`: there was nothing to change (no such open job, no such open unit).
    pub changed: bool,
    /// The job that it closed, with its start.
    pub closed: Option<(Timestamp, ClosedJob)>,
}

/// Makes all the changes in one transaction, or none. They are on the disk when this returns.
pub fn commit(connection: &mut Connection, changes: &[&Change]) -> rusqlite::Result<Vec<Applied>> {
    // dropped without a commit it rolls back
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let applied = changes
        .iter()
        .map(|change| apply(&transaction, change))
        .collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(applied)
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<Applied> {
    let mut applied = Applied {
        changed: true,
        closed: None,
    };
    match change {
        Change::Open(job) => open_job(connection, job)?,
        Change::Identify(job, identity) => {
            applied.changed = identify(connection, *job, identity)?;
        }
        Change::Close {
            job,
            verdict,
            ended,
        } => {
            applied.closed = close_job(connection, *job, verdict, *ended)?;
            applied.changed = applied.closed.is_some();
        }
        Change::WriteOff(asked) => applied.changed = write_off(connection, asked)?,
    }
    Ok(applied)
}

fn open_job(connection: &Connection, job: &NewJob) -> rusqlite::Result<()> {
    let digest = hex(&job.bundle_digest);
    connection
        .prepare_cached("INSERT INTO bundle VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![
            digest,
            &*job.manifest_text,
            job.started.as_millisecond()
        ])?;
    connection
        .prepare_cached(
            "INSERT INTO job (job, flashline_version, station, slot, place, product, version,
                 bundle_digest, started_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            job.job.to_string(),
            env!("CARGO_PKG_VERSION"),
            job.station,
            job.slot.as_str(),
            job.place,
            job.product,
            job.version,
            digest,
            job.started.as_millisecond(),
        ])?;
    Ok(())
}

/// `false` if the job is not open. A board without a MAC leaves its columns empty.
fn identify(connection: &Connection, job: JobId, board: &Identity) -> rusqlite::Result<bool> {
    let Some(mac) = board.mac else {
        return connection
            .prepare_cached("SELECT 1 FROM job WHERE job = ?1 AND ended_ms IS NULL")?
            .exists([job.to_string()]);
    };
    let rows = connection
        .prepare_cached(
            "UPDATE job SET mac = :mac, mac_crc_holds = :crc, chip = :chip, revision = :revision,
                 crystal_mhz = :crystal, flash_id = :flash_id, flash_bytes = :flash_bytes,
                 flash_encryption = :encryption, secure_boot = :secure_boot,
                 download_locked = :locked
             WHERE job = :job AND ended_ms IS NULL",
        )?
        .execute(named_params! {
            ":job": job.to_string(),
            ":mac": mac.to_string(),
            ":crc": board.mac_crc_holds,
            ":chip": board.chip.name(),
            ":revision": board.revision.map(Revision::as_number),
            ":crystal": board.crystal_mhz,
            ":flash_id": board.flash_id.map(|id| id.to_string()),
            ":flash_bytes": board.flash_bytes().map(u64::cast_signed),
            ":encryption": board.security.flash_encryption,
            ":secure_boot": board.security.secure_boot,
            ":locked": board.security.download_locked,
        })?;
    Ok(rows == 1)
}

/// `None` if the job is not open.
fn close_job(
    connection: &Connection,
    job: JobId,
    verdict: &Verdict,
    ended: Timestamp,
) -> rusqlite::Result<Option<(Timestamp, ClosedJob)>> {
    if let Some(identity) = &verdict.identity {
        identify(connection, job, identity)?;
    }
    let touched = verdict.bytes_written > 0
        || (verdict.steps.iter()).any(|step| matches!(step.step, Step::Erase | Step::Write));
    let sql = format!(
        "UPDATE job SET ended_ms = :ended, outcome = :outcome, code = :code, detail = :detail,
             attempts = :attempts, block_retries = :blocks, rate_retries = :rates,
             connection_retries = :connections, baud = :baud, bytes_written = :bytes,
             flash_touched = :touched
         WHERE job = :job AND ended_ms IS NULL RETURNING started_ms, {}",
        row::CLOSED_JOB
    );
    let closed = connection
        .prepare_cached(&sql)?
        .query_row(
            named_params! {
                ":job": job.to_string(),
                ":ended": ended.as_millisecond(),
                ":outcome": verdict.outcome.name(),
                ":code": verdict.code.map(Code::word),
                ":detail": verdict.detail,
                ":attempts": verdict.attempts,
                ":blocks": verdict.retries.blocks,
                ":rates": verdict.retries.rates,
                ":connections": verdict.retries.connections,
                ":baud": verdict.baud,
                ":bytes": verdict.bytes_written.cast_signed(),
                ":touched": touched,
            },
            |row| Ok((row::time(row, "started_ms")?, row::closed_job(row)?)),
        )
        .optional()?;
    let Some((started, closed)) = closed else {
        return Ok(None);
    };
    keep_steps(connection, closed.number, verdict)?;
    keep_regions(connection, closed.number, verdict)?;
    keep_open_unit(connection, &closed)?;
    Ok(Some((started, closed)))
}

fn keep_steps(connection: &Connection, job: i64, verdict: &Verdict) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO step VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (ordinal, step) in (0_i64..).zip(&verdict.steps) {
        insert.execute(params![
            job,
            ordinal,
            step.step.name(),
            step.attempt,
            microseconds(step.began),
            microseconds(step.took),
            step.code.map(Code::word),
        ])?;
    }
    Ok(())
}

fn keep_regions(connection: &Connection, job: i64, verdict: &Verdict) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO region VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for (ordinal, region) in (0_i64..).zip(&verdict.regions) {
        insert.execute(params![
            job,
            ordinal,
            region.name,
            region.offset,
            region.size_bytes,
            hex(&region.file_sha256),
            hex(&region.written_sha256),
            region.found_md5.map(|md5| hex(&md5)),
        ])?;
    }
    Ok(())
}

fn keep_open_unit(connection: &Connection, job: &ClosedJob) -> rusqlite::Result<()> {
    let Some(mac) = job.mac.map(|mac| mac.to_string()) else {
        return Ok(());
    };
    if matches!(job.outcome, Outcome::Pass | Outcome::Written) {
        connection
            .prepare_cached("DELETE FROM open_unit WHERE mac = ?1")?
            .execute([mac])?;
    } else if leaves_open(job.outcome, job.code, job.flash_touched) {
        connection
            .prepare_cached("INSERT OR REPLACE INTO open_unit VALUES (?1, ?2)")?
            .execute(params![mac, job.number])?;
    }
    Ok(())
}

/// `false` if the MAC is not among the open units.
fn write_off(connection: &Connection, asked: &WriteOff) -> rusqlite::Result<bool> {
    let mac = asked.mac.to_string();
    let left_by: Option<i64> = connection
        .prepare_cached("DELETE FROM open_unit WHERE mac = ?1 RETURNING job")?
        .query_row([&mac], |row| row.get(0))
        .optional()?;
    let Some(job) = left_by else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "INSERT INTO write_off (mac, job, who, why, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            mac,
            job,
            asked.who,
            asked.why,
            asked.at.as_millisecond()
        ])?;
    Ok(true)
}

fn microseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
