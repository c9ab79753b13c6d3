//! The changes that the record is asked for, and each one's SQL.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params, params};

use super::again;
use super::service::{self, ServiceChange};
use super::tally::{ClosedJob, leaves_open};
use super::warrants::{self, WarrantChange};
use super::{Approval, LotChange, NewJob, lots, row, story};
use crate::chip::{Access, Identity, Revision};
use crate::event::{Code, Golden, JobId, LotName, Outcome, Serial, Step, Unit};
use crate::image::hex;
use crate::job::Verdict;
use crate::plan::Method;

/// What the record is asked to keep.
#[derive(Debug)]
pub enum Change {
    Open(NewJob),
    Identify {
        job: JobId,
        identity: Identity,
        /// It is a board that never counts.
        golden: Option<Golden>,
    },
    AllowRetest {
        unit: Unit,
        /// So many failures in a row are as often as a unit may be tried.
        retest_limit: u32,
        who: String,
        at: Timestamp,
    },
    Close {
        job: JobId,
        verdict: Verdict,
        ended: Timestamp,
    },
    WriteOff(WriteOff),
    Service {
        station: String,
        change: ServiceChange,
    },
    Approve(Approval),
    Warrant {
        station: String,
        change: WarrantChange,
    },
    Lot(LotChange),
}

/// Who takes an open unit off the list, and why.
#[derive(Debug)]
pub struct WriteOff {
    pub unit: Unit,
    pub who: String,
    pub why: String,
    pub at: Timestamp,
}

/// What a change did.
pub struct Applied {
    /// `false`: there was nothing to change (no such open job, no such open unit).
    pub changed: bool,
    /// The job that it closed.
    pub closed: Option<ClosedJob>,
    /// A lot is another than before, as far as it is not its jobs that tell.
    pub lots_changed: bool,
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
        lots_changed: false,
    };
    match change {
        Change::Open(job) => open_job(connection, job)?,
        Change::Identify {
            job,
            identity,
            golden,
        } => applied.changed = identify(connection, *job, identity, *golden)?,
        Change::AllowRetest {
            unit,
            retest_limit,
            who,
            at,
        } => {
            applied.changed = again::allow_retest(connection, unit, *retest_limit, who, *at)?;
        }
        Change::Close {
            job,
            verdict,
            ended,
        } => {
            applied.closed = close_job(connection, *job, verdict, *ended)?;
            applied.changed = applied.closed.is_some();
        }
        Change::Service { station, change } => service::change(connection, station, change)?,
        Change::WriteOff(asked) => applied.changed = write_off(connection, asked)?,
        Change::Approve(approval) => approve(connection, approval)?,
        Change::Warrant { station, change } => warrants::change(connection, station, change)?,
        Change::Lot(asked) => {
            applied.changed = lots::change(connection, asked)?;
            applied.lots_changed = applied.changed;
        }
    }
    Ok(applied)
}

fn open_job(connection: &Connection, job: &NewJob) -> rusqlite::Result<()> {
    let digest = hex(&job.bundle_digest);
    keep_bundle(connection, &digest, &job.manifest_text, job.started)?;
    connection
        .prepare_cached(
            "INSERT INTO job (job, flashline_version, station, slot, place, product, version,
                 bundle_digest, started_ms, serial, lot, operator)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
            job.serial.as_ref().map(Serial::as_str),
            job.lot.as_ref().map(LotName::as_str),
            job.operator,
        ])?;
    Ok(())
}

/// A manifest's text, once per bundle.
pub fn keep_bundle(
    connection: &Connection,
    digest: &str,
    manifest_text: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO bundle VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![digest, manifest_text, at.as_millisecond()])?;
    Ok(())
}

fn approve(connection: &Connection, approval: &Approval) -> rusqlite::Result<()> {
    let digest = hex(&approval.bundle_digest);
    keep_bundle(connection, &digest, &approval.manifest_text, approval.at)?;
    connection
        .prepare_cached(
            "INSERT INTO approval (manifest, bundle_digest, product, version, who, how, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            approval.manifest,
            digest,
            approval.product,
            approval.version,
            approval.who,
            approval.how.name(),
            approval.at.as_millisecond(),
        ])?;
    Ok(())
}

/// The digest, in hex, that was approved last for a manifest.
pub fn approved(connection: &Connection, manifest: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT bundle_digest FROM approval WHERE manifest = ?1 ORDER BY number DESC LIMIT 1",
        )?
        .query_row([manifest], |row| row.get(0))
        .optional()
}

/// `false` if the job is not open. What the board hides stays NULL; that it is golden stays.
fn identify(
    connection: &Connection,
    job: JobId,
    board: &Identity,
    golden: Option<Golden>,
) -> rusqlite::Result<bool> {
    let hides = board.access == Access::SecureDownload;
    let features: Vec<String> = board.features.iter().map(ToString::to_string).collect();
    let rows = connection
        .prepare_cached(
            "UPDATE job SET mac = :mac, mac_crc_holds = :crc, eui64 = :eui64, chip = :chip,
                 revision = :revision, features = :features, crystal_mhz = :crystal,
                 flash_id = :flash_id, flash_bytes = :flash_bytes,
                 flash_encryption = :encryption, secure_boot = :secure_boot,
                 download_locked = :locked, secure_download = :hides,
                 golden = coalesce(golden, :golden)
             WHERE job = :job AND ended_ms IS NULL",
        )?
        .execute(named_params! {
            ":job": job.to_string(),
            ":mac": board.mac.map(|mac| mac.to_string()),
            ":crc": board.mac.map(|_| board.mac_crc_holds),
            ":eui64": board.eui64.map(|eui64| eui64.to_string()),
            ":chip": board.chip.name(),
            ":revision": board.revision.map(Revision::as_number),
            ":features": (!hides).then(|| features.join(", ")),
            ":crystal": board.crystal_mhz,
            ":flash_id": board.flash_id.map(|id| id.to_string()),
            ":flash_bytes": board.flash_bytes().map(u64::cast_signed),
            ":encryption": board.security.flash_encryption,
            ":secure_boot": board.security.secure_boot,
            ":locked": board.security.download_locked,
            ":hides": hides,
            ":golden": golden.map(Golden::name),
        })?;
    Ok(rows == 1)
}

/// `None` if the job is not open.
fn close_job(
    connection: &Connection,
    job: JobId,
    verdict: &Verdict,
    ended: Timestamp,
) -> rusqlite::Result<Option<ClosedJob>> {
    if let Some(identity) = &verdict.identity {
        identify(connection, job, identity, None)?;
    }
    let touched = verdict.bytes_written > 0
        || (verdict.steps.iter()).any(|step| matches!(step.step, Step::Erase | Step::Write));
    let sql = format!(
        "UPDATE job SET ended_ms = :ended, outcome = :outcome, code = :code, detail = :detail,
             attempts = :attempts, block_retries = :blocks, rate_retries = :rates,
             connection_retries = :connections, written_by = :written_by, baud = :baud,
             bytes_written = :bytes, bytes_skipped = :skipped, flash_touched = :touched
         WHERE job = :job AND ended_ms IS NULL RETURNING {}",
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
                ":written_by": verdict.written_by.map(Method::name),
                ":baud": verdict.baud,
                ":bytes": verdict.bytes_written.cast_signed(),
                ":skipped": verdict.bytes_skipped.cast_signed(),
                ":touched": touched,
            },
            row::closed_job,
        )
        .optional()?;
    let Some(closed) = closed else {
        return Ok(None);
    };
    keep_steps(connection, closed.number, verdict)?;
    keep_regions(connection, closed.number, verdict)?;
    keep_boot_log(connection, closed.number, verdict)?;
    story::keep_log(connection, closed.number, &verdict.log)?;
    keep_open_unit(connection, &closed)?;
    lots::job_closed(connection, &closed)?;
    Ok(Some(closed))
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
        connection.prepare_cached(
        "INSERT INTO region (job, ordinal, name, flash_offset, size_bytes, file_sha256, written_sha256,
             found_md5, found_sha256, skipped_bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
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
            region.found_sha256.map(|sha256| hex(&sha256)),
            region.skipped_bytes,
        ])?;
    }
    Ok(())
}

fn keep_boot_log(connection: &Connection, job: i64, verdict: &Verdict) -> rusqlite::Result<()> {
    let Some(boot) = &verdict.boot else {
        return Ok(());
    };
    connection
        .prepare_cached("INSERT INTO boot_log VALUES (?1, ?2)")?
        .execute(params![job, boot.text])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO measurement VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (ordinal, measured) in (0_i64..).zip(&boot.measurements) {
        insert.execute(params![
            job,
            ordinal,
            measured.name,
            // SQLite keeps what is no number as NULL
            measured.value,
            measured.unit,
            measured.low,
            measured.high,
        ])?;
    }
    Ok(())
}

fn keep_open_unit(connection: &Connection, job: &ClosedJob) -> rusqlite::Result<()> {
    let Some(unit) = job.unit.as_ref().map(ToString::to_string) else {
        return Ok(());
    };
    // a golden board is nobody's to finish
    if job.golden.is_some() || matches!(job.outcome, Outcome::Pass | Outcome::Written) {
        connection
            .prepare_cached("DELETE FROM open_unit WHERE unit = ?1")?
            .execute([unit])?;
    } else if leaves_open(job.outcome, job.code, job.flash_touched) {
        connection
            .prepare_cached("INSERT OR REPLACE INTO open_unit VALUES (?1, ?2)")?
            .execute(params![unit, job.number])?;
    }
    Ok(())
}

/// `false` if the unit is not among the open units.
fn write_off(connection: &Connection, asked: &WriteOff) -> rusqlite::Result<bool> {
    let unit = asked.unit.to_string();
    let left_by: Option<i64> = connection
        .prepare_cached("DELETE FROM open_unit WHERE unit = ?1 RETURNING job")?
        .query_row([&unit], |row| row.get(0))
        .optional()?;
    let Some(job) = left_by else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "INSERT INTO write_off (unit, job, who, why, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            unit,
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
