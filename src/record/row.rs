//! A job's row: its columns as values of the house, for everyone who reads one.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type, ValueRef};

use super::tally::ClosedJob;
use super::{JobRow, OpenUnit};
use crate::chip::{Access, Chip, Eui64, Feature, FlashId, Identity, Mac, Revision, Security};
use crate::event::{Code, Golden, JobId, LotName, Outcome, Serial, SlotId, Unit};
use crate::job::Retries;
use crate::plan::Method;

/// What [`closed_job`] reads.
pub const CLOSED_JOB: &str =
    "number, slot, started_ms, mac, chip, serial, lot, golden, outcome, code, flash_touched, attempts, ended_ms,
     ended_ms - started_ms AS took_ms";

/// [`Unit`] as an SQL expression on `job`, by the rule of [`Unit::of`]; NULL: no unit.
pub const UNIT: &str = "coalesce(mac, CASE WHEN chip IS NOT NULL THEN 'serial:' || serial END)";

pub fn closed_job(row: &Row<'_>) -> rusqlite::Result<ClosedJob> {
    Ok(ClosedJob {
        number: row.get("number")?,
        slot: SlotId(row.get("slot")?),
        started: time(row, "started_ms")?,
        unit: unit(row)?,
        lot: word(row, "lot", LotName::parse)?,
        golden: word(row, "golden", Golden::from_name)?,
        outcome: required(row, "outcome", Outcome::from_name)?,
        code: word(row, "code", Code::from_word)?,
        flash_touched: row.get("flash_touched")?,
        attempts: row.get("attempts")?,
        // the clock may have been set back in between
        took_ms: row.get::<_, i64>("took_ms")?.max(0).unsigned_abs(),
        ended: time(row, "ended_ms")?,
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
        serial: word(row, "serial", Serial::parse)?,
        lot: word(row, "lot", LotName::parse)?,
        operator: row.get("operator")?,
        golden: word(row, "golden", Golden::from_name)?,
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
        written_by: word(row, "written_by", Method::from_name)?,
        baud: row.get("baud")?,
        bytes_written: row.get::<_, i64>("bytes_written")?.cast_unsigned(),
        bytes_skipped: row.get::<_, i64>("bytes_skipped")?.cast_unsigned(),
        flash_touched: row.get("flash_touched")?,
        started: time(row, "started_ms")?,
        ended: match row.get_ref("ended_ms")? {
            ValueRef::Null => None,
            _ => Some(time(row, "ended_ms")?),
        },
    })
}

/// Reads `unit`, `slot`, `ended_ms` and `code` of the job that left a unit open.
pub fn open_unit(row: &Row<'_>) -> rusqlite::Result<OpenUnit> {
    Ok(OpenUnit {
        unit: required(row, "unit", Unit::parse)?,
        slot: SlotId(row.get("slot")?),
        since: time(row, "ended_ms")?,
        code: required(row, "code", Code::from_word)?,
    })
}

/// Reads `mac`, `chip` and `serial`.
fn unit(row: &Row<'_>) -> rusqlite::Result<Option<Unit>> {
    let mac = word(row, "mac", Mac::parse)?.map(Unit::Mac);
    if mac.is_some() || row.get_ref("chip")? == ValueRef::Null {
        return Ok(mac);
    }
    Ok(word(row, "serial", Serial::parse)?.map(Unit::Serial))
}

fn identity(row: &Row<'_>) -> rusqlite::Result<Option<Identity>> {
    let Some(chip) = word(row, "chip", Chip::from_name)? else {
        return Ok(None);
    };
    let revision = row.get::<_, Option<u16>>("revision")?;
    let features = word(row, "features", |text| {
        let words = text.split(", ").filter(|word| !word.is_empty());
        words.map(Feature::parse).collect::<Option<Vec<_>>>()
    })?;
    Ok(Some(Identity {
        chip,
        access: if row.get("secure_download")? {
            Access::SecureDownload
        } else {
            Access::Full
        },
        revision: revision.map(|number| Revision {
            major: (number / 100) as u8,
            minor: (number % 100) as u8,
        }),
        mac: word(row, "mac", Mac::parse)?,
        mac_crc_holds: row.get::<_, Option<bool>>("mac_crc_holds")?.unwrap_or(true),
        eui64: word(row, "eui64", Eui64::parse)?,
        features: features.unwrap_or_default(),
        crystal_mhz: row.get("crystal_mhz")?,
        flash_id: word(row, "flash_id", |text| {
            u32::from_str_radix(text, 16).ok().map(FlashId)
        })?,
        security: Security {
            flash_encryption: row.get("flash_encryption")?,
            secure_boot: row.get("secure_boot")?,
            download_locked: row.get("download_locked")?,
        },
    }))
}

/// A column of milliseconds.
pub fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|_| bad(row, column))
}

pub fn required<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    word(row, column, parse)?.ok_or_else(|| bad(row, column))
}

pub fn word<T>(
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
pub fn bad(row: &Row<'_>, column: &str) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    let why = format!("column {column} holds a value that flashline does not write");
    rusqlite::Error::FromSqlConversionFailure(
        index,
        Type::Null,
        Box::new(FromSqlError::Other(why.into())),
    )
}
