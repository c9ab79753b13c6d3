//! The whole story of one job: its row, its steps, its regions, its log and its board's console. Leaves
//! out how it is shown, and every question about many jobs (`reader`).

use std::io::{Read, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Story, row};
use crate::event::{Code, Step};
use crate::image::unhex;
use crate::job::{BootLog, Measurement, RegionResult, StepResult};

/// A log in a database is not longer than what a job keeps of it, with room for notes of what was cut.
const LOG_BYTES: u64 = 1 << 20;

/// Jobs that a question about the beginning of an id tells.
const LIKE_IT: u32 = 10;

/// The jobs whose id begins like this, oldest first, at most ten. Anything but hex digits and dashes
/// begins none.
pub fn jobs_like(connection: &Connection, prefix: &str) -> rusqlite::Result<Vec<super::JobRow>> {
    let prefix = prefix.to_ascii_lowercase();
    if prefix.is_empty() || !prefix.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Ok(Vec::new());
    }
    // the index on `job` answers a range; `g` is behind every digit and the dash
    connection
        .prepare_cached(
            "SELECT * FROM job WHERE job >= ?1 AND job < ?1 || 'g' ORDER BY job LIMIT ?2",
        )?
        .query_map((prefix, LIKE_IT), row::job_row)?
        .collect()
}

/// All that is known of the job with this id, as the record spells it.
pub fn story(connection: &Connection, job: &str) -> rusqlite::Result<Option<Story>> {
    let found = connection
        .prepare_cached("SELECT * FROM job WHERE job = ?1")?
        .query_row([job], |row| Ok((row.get("number")?, row::job_row(row)?)))
        .optional()?;
    let Some((number, row)) = found else {
        return Ok(None);
    };
    Ok(Some(Story {
        row,
        steps: steps(connection, number)?,
        regions: regions(connection, number)?,
        log: log(connection, number)?,
        boot: boot(connection, number)?,
    }))
}

/// Keeps a job's log, in the form of an SQLite archive's files (sqlite.org/sqlar.html), which
/// the `sqlite3` shell reads: zlib, or as it is where that is no shorter.
pub fn keep_log(connection: &Connection, job: i64, text: &str) -> rusqlite::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let deflated = deflate(text.as_bytes()).filter(|deflated| deflated.len() < text.len());
    connection
        .prepare_cached("INSERT INTO job_log VALUES (?1, ?2, ?3)")?
        .execute((
            job,
            text.len() as i64,
            deflated.as_deref().unwrap_or(text.as_bytes()),
        ))?;
    Ok(())
}

fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // memory takes everything
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn log(connection: &Connection, job: i64) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT text_bytes, deflated FROM job_log WHERE job = ?1")?
        .query_row([job], |row| {
            let (text_bytes, stored): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            if stored.len() as i64 == text_bytes {
                return Ok(String::from_utf8_lossy(&stored).into_owned());
            }
            let mut text = Vec::new();
            match ZlibDecoder::new(&*stored)
                .take(LOG_BYTES)
                .read_to_end(&mut text)
            {
                Ok(_) => Ok(String::from_utf8_lossy(&text).into_owned()),
                Err(_) => Err(row::bad(row, "deflated")),
            }
        })
        .optional()
}

fn steps(connection: &Connection, job: i64) -> rusqlite::Result<Vec<StepResult>> {
    connection
        .prepare_cached("SELECT * FROM step WHERE job = ?1 ORDER BY ordinal")?
        .query_map([job], |row| {
            Ok(StepResult {
                step: row::required(row, "step", Step::from_name)?,
                attempt: row.get("attempt")?,
                began: span(row, "began_us")?,
                took: span(row, "took_us")?,
                code: row::word(row, "code", Code::from_word)?,
            })
        })?
        .collect()
}

fn regions(connection: &Connection, job: i64) -> rusqlite::Result<Vec<RegionResult>> {
    connection
        .prepare_cached("SELECT * FROM region WHERE job = ?1 ORDER BY ordinal")?
        .query_map([job], |row| {
            Ok(RegionResult {
                name: row.get("name")?,
                offset: row.get("flash_offset")?,
                size_bytes: row.get("size_bytes")?,
                file_sha256: row::required(row, "file_sha256", unhex)?,
                written_sha256: row::required(row, "written_sha256", unhex)?,
                found_md5: row::word(row, "found_md5", unhex)?,
                found_sha256: row::word(row, "found_sha256", unhex)?,
                skipped_bytes: row.get("skipped_bytes")?,
            })
        })?
        .collect()
}

fn boot(connection: &Connection, job: i64) -> rusqlite::Result<Option<BootLog>> {
    let text = connection
        .prepare_cached("SELECT text FROM boot_log WHERE job = ?1")?
        .query_row([job], |row| row.get(0))
        .optional()?;
    let Some(text) = text else {
        return Ok(None);
    };
    let measurements = connection
        .prepare_cached("SELECT * FROM measurement WHERE job = ?1 ORDER BY ordinal")?
        .query_map([job], |row| {
            Ok(Measurement {
                name: row.get("name")?,
                // what was no number is kept as NULL
                value: row.get::<_, Option<f64>>("value")?.unwrap_or(f64::NAN),
                unit: row.get("unit")?,
                low: row.get("low")?,
                high: row.get("high")?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(BootLog { text, measurements }))
}

fn span(row: &Row<'_>, column: &str) -> rusqlite::Result<Duration> {
    let microseconds: i64 = row.get(column)?;
    Ok(Duration::from_micros(microseconds.max(0).unsigned_abs()))
}

#[cfg(test)]
mod tests;
