//! A job's row: its columns as values of the house, for everyone who reads one.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type, ValueRef};

use super::tally::ClosedJob;
use super::{JobRow, OpenUnit};
use crate::chip::{Chip, FlashId, Identity, Mac, Revision, Security};
use crate::event::{Code, JobId, Outcome, SlotId};
use crate::job::Retries;

/// What [`closed_job`] reads.
pub const CLOSED_JOB: &str =
    "number, mac, outcome, code, flash_touched, attempts, ended_ms - started_ms AS took_ms";

pub fn closed_job(row: &Row<'_>) -> rusqlite::Result<ClosedJob> {
    Ok(ClosedJob {
        number: row.get("number")?,
        mac: word(row, "mac", Mac::parse)?,
        outcome: required(row, "outcome", Outcome::from_name)?,
        code: word(row, "code", Code::from_word)?,
        flash_touched: row.get("flash_touched")?,
        attempts: row.get("attempts")?,
        // the clock may have been set back in between
        took_ms: row.get::<_, i64>("took_ms")?.max(0).unsigned_abs(),
    })
}

/// Reads every column of `job`.
pub fn job_row(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        job: required(row, "job", |text| text.parse().ok().map(JobId))?,
        station: row.get("station")?,
        slot: SlotId(row.get("slot")?),
        place: row.get("place")?,
        product: row.get("product")?,
        version: row.get("version")?,
        bundle_digest: row.get("bundle_digest")?,
        identity: identity(row)?,
        outcome: word(row, "outcome", Outcome::from_name)?,
        code: word(row, "code", Code::from_word)?,
        detail: row.get("detail")?,
        attempts: row.get("attempts")?,
        retries: Retries {
            blocks: row.get("block_retries")?,
            rates: row.get("rate_retries")?,
            connections: row.get("connection_retries")?,
        },
        baud: row.get("baud")?,
        bytes_written: row.get::<_, i64>("bytes_written")?.cast_unsigned(),
        flash_touched: row.get("flash_touched")?,
        started: time(row, "started_ms")?,
        ended: match row.get_ref("ended_ms")? {
            ValueRef::Null => None,
            _ => Some(time(row, "ended_ms")?),
        },
    })
}

/// Reads `mac`, `slot`, `ended_ms` and `code` of the job that left a unit open.
pub fn open_unit(row: &Row<'_>) -> rusqlite::Result<OpenUnit> {
    Ok(OpenUnit {
        mac: required(row, "mac", Mac::parse)?,
        slot: SlotId(row.get("slot")?),
        since: time(row, "ended_ms")?,
        code: required(row, "code", Code::from_word)?,
    })
}

fn identity(row: &Row<'_>) -> rusqlite::Result<Option<Identity>> {
    let Some(mac) = word(row, "mac", Mac::parse)? else {
        return Ok(None);
    };
    let revision: u16 = row.get("revision")?;
    let revision = Revision {
        major: (revision / 100) as u8,
        minor: (revision % 100) as u8,
    };
    let chip = required(row, "chip", Chip::from_name)?;
    let flash_id = required(row, "flash_id", |text| {
        u32::from_str_radix(text, 16).ok().map(FlashId)
    })?;
    Ok(Some(Identity {
        mac_crc_holds: row.get("mac_crc_holds")?,
        crystal_mhz: row.get("crystal_mhz")?,
        security: Security {
            flash_encryption: row.get("flash_encryption")?,
            secure_boot: row.get("secure_boot")?,
            download_locked: row.get("download_locked")?,
        },
        ..Identity::open(chip, revision, mac, flash_id)
    }))
}

/// A column of milliseconds.
pub fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|_| bad(row, column))
}

fn required<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    word(row, column, parse)?.ok_or_else(|| bad(row, column))
}

fn word<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    row.get_ref(column)?
        .as_str_or_null()?
        .map(|text| parse(text).ok_or_else(|| bad(row, column)))
        .transpose()
}

/// A value that no flashline writes: someone else changed the row.
fn bad(row: &Row<'_>, column: &str) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    let why = format!("column {column} holds a value that flashline does not write");
    rusqlite::Error::FromSqlConversionFailure(
        index,
        Type::Null,
        Box::new(FromSqlError::Other(why.into())),
    )
}
