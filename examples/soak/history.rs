//! A database with years of jobs in it: rows like those that the record writes, made by one statement a
//! table. Leaves out everything that a soak does with it.

use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::{Connection, params};

/// Slots that the history's jobs are spread over.
const SLOTS: u64 = 64;
/// From one job's arrival to the next one's, in milliseconds: a million span three months.
const EVERY_MS: u64 = 8_000;

/// Adds so many closed jobs, with their steps and regions, that ended before `before` (milliseconds since
/// 1970). One board in fifty failed once and passed in the next job. `bundle` is the digest of them all.
///
/// # Errors
/// The database is not one of flashline's, or cannot be written.
pub fn fill(database: &Path, jobs: u64, before_ms: i64, bundle: &str) -> io::Result<()> {
    let connection = Connection::open(database).map_err(io::Error::other)?;
    let fill = || -> rusqlite::Result<()> {
        connection
            .execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN;")?;
        connection.execute(
            "INSERT OR IGNORE INTO bundle VALUES (?1, '# made for a soak', 0)",
            params![bundle],
        )?;
        let from_ms = before_ms - (jobs * EVERY_MS) as i64;
        connection.execute(
            JOBS,
            params![jobs as i64, SLOTS as i64, from_ms, EVERY_MS as i64, bundle],
        )?;
        connection.execute(STEPS, [])?;
        connection.execute(REGIONS, [])?;
        connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL;")
    };
    fill().map_err(io::Error::other)?;
    // what is still to be written would hold up the first commits after it
    File::open(database)?.sync_all()
}

const JOBS: &str = "
    INSERT INTO job (job, flashline_version, station, slot, place, product, version, bundle_digest,
        started_ms, mac, mac_crc_holds, chip, revision, features, crystal_mhz, flash_id, flash_bytes,
        flash_encryption, secure_boot, download_locked, secure_download, ended_ms, outcome, code, detail,
        attempts, baud, bytes_written, flash_touched)
    WITH RECURSIVE count (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM count WHERE n + 1 < ?1)
    SELECT printf('%08x-%04x-7000-8000-%012x', (?3 + n * ?4) >> 16, (?3 + n * ?4) & 65535, n), '0.1.0', 'soak',
        CAST(1 + n % ?2 AS TEXT), '/sim/' || (1 + n % ?2), 'soak', '1', ?5,
        ?3 + n * ?4,
        printf('30:ae:a4:%02x:%02x:%02x', m >> 16, (m >> 8) & 255, m & 255),
        1, 'esp32', 301, '', 40, 'EF4016', 4194304, 0, 0, 0, 0,
        ?3 + n * ?4 + 6000 + n % 997,
        iif(fails, 'FAIL', 'PASS'), iif(fails, 'NO_REPLY', NULL),
        iif(fails, 'no answer to FLASH_DEFL_DATA at block 12', ''),
        1, 921600, iif(fails, 196608, 1048576), 1
    FROM (SELECT n, n % 50 = 0 AS fails, iif(n % 50 = 0, n + 1, n) & 16777215 AS m FROM count)";

const STEPS: &str = "
    INSERT INTO step (job, ordinal, step, attempt, began_us, took_us, code)
    SELECT number, ordinal, name, 1, ordinal * 700000, 690000, NULL
    FROM job, (SELECT 0 AS ordinal, 'connect' AS name UNION ALL SELECT 1, 'identify' UNION ALL
        SELECT 2, 'stub' UNION ALL SELECT 3, 'rate' UNION ALL SELECT 4, 'write' UNION ALL
        SELECT 5, 'verify' UNION ALL SELECT 6, 'reset')";

const REGIONS: &str = "
    INSERT INTO region (job, ordinal, name, flash_offset, size_bytes, file_sha256, written_sha256, found_md5)
    SELECT number, ordinal, name, flash_offset, size, digest, digest, substr(digest, 1, 32)
    FROM job, (SELECT 0 AS ordinal, 'bootloader' AS name, 4096 AS flash_offset, 24576 AS size UNION ALL
        SELECT 1, 'partition-table', 32768, 3072 UNION ALL SELECT 2, 'app', 65536, 1020000),
        (SELECT 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00' AS digest)";
