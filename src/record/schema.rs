//! Connections to the database: what a file is found to be, its settings, and its migrations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::RecordError;

/// `migrations/`, in order; a database's `user_version` counts those it has had.
const MIGRATIONS: [&str; 8] = [
    include_str!("../../migrations/0001_jobs.sql"),
    include_str!("../../migrations/0002_written.sql"),
    include_str!("../../migrations/0003_job_log.sql"),
    include_str!("../../migrations/0004_service.sql"),
    include_str!("../../migrations/0005_approvals.sql"),
    include_str!("../../migrations/0006_lots.sql"),
    include_str!("../../migrations/0007_warrants.sql"),
    include_str!("../../migrations/0008_retests.sql"),
];

/// The schema that this flashline writes.
pub const KNOWN: i64 = MIGRATIONS.len() as i64;

/// SQLite's `application_id` of our databases: "FLLN".
const APPLICATION_ID: i64 = 0x464C_4C4E;

/// How long a statement waits for another process's transaction (a write-off beside the daemon).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Nothing yet: no file, an empty one, or one whose creator died before its first commit.
    Nothing,
    /// Ours, with this many migrations.
    Schema(i64),
}

/// Opens for the one writer: creates and migrates as needed. The caller holds the lock.
pub fn open_writer(path: &Path) -> Result<Connection, RecordError> {
    inspect(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
    migrate(&mut connection, &MIGRATIONS).map_err(|error| RecordError::opening(path, error))?;
    Ok(connection)
}

/// Opens an existing database of this schema for a single change beside the writer.
pub fn open_beside(path: &Path) -> Result<Connection, RecordError> {
    existing(path)?;
    connect(path, OpenFlags::empty())
}

/// Opens an existing database of this schema for questions only.
pub fn open_reader(path: &Path) -> Result<Connection, RecordError> {
    existing(path)?;
    read_only(path).map_err(|error| RecordError::opening(path, error))
}

fn existing(path: &Path) -> Result<(), RecordError> {
    if !path.exists() {
        return Err(RecordError::Absent {
            path: path.to_owned(),
        });
    }
    match inspect(path)? {
        Found::Schema(KNOWN) => Ok(()),
        Found::Schema(found) => Err(RecordError::Older {
            path: path.to_owned(),
            found,
            known: KNOWN,
        }),
        Found::Nothing => Err(RecordError::Foreign {
            path: path.to_owned(),
            why: "it is empty".to_owned(),
        }),
    }
}

fn connect(path: &Path, more: OpenFlags) -> Result<Connection, RecordError> {
    let open = |error| RecordError::opening(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags).map_err(open)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(open)?;
    // SQLite falls back to reading where it may not write, without a word
    if connection.is_readonly("main").map_err(open)? {
        return Err(RecordError::Open {
            path: path.to_owned(),
            why: "this user may read it and not write it".to_owned(),
        });
    }
    // answers with the mode that came of it
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(open)?;
    if mode != "wal" {
        return Err(RecordError::Open {
            path: path.to_owned(),
            why: format!("its file system allows journal mode {mode} only, and not WAL"),
        });
    }
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        .map_err(open)?;
    Ok(connection)
}

fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())) {
        Ok(()) => Ok(connection),
        // reading a WAL database needs a -shm file, and this folder takes none: nobody is at work on it
        Err(error) if cannot_share(&error) && !write_ahead_log(path).exists() => unchanging(path),
        Err(error) => Err(error),
    }
}

fn cannot_share(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen)
    )
}

fn write_ahead_log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Reads without locks and without files beside the database (sqlite.org/uri.html, "immutable").
fn unchanging(path: &Path) -> rusqlite::Result<Connection> {
    let name: String = (path.as_os_str().as_encoded_bytes().iter())
        .map(|&byte| match byte {
            b'/' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02x}"),
        })
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
}

/// Looks at a file without a chance to change it; refuses what is not ours or too new.
fn inspect(path: &Path) -> Result<Found, RecordError> {
    let opening = |error| RecordError::opening(path, error);
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => {
            return Err(RecordError::Open {
                path: path.to_owned(),
                why: error.to_string(),
            });
        }
        Ok(file) if !file.is_file() => {
            return Err(RecordError::Foreign {
                path: path.to_owned(),
                why: "it is no regular file".to_owned(),
            });
        }
        Ok(_) => {}
    }
    let connection = read_only(path).map_err(opening)?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id").map_err(opening)?;
    let version = number("PRAGMA user_version").map_err(opening)?;
    let objects = number("SELECT count(*) FROM sqlite_master").map_err(opening)?;
    match (application, version, objects) {
        (0, 0, 0) => Ok(Found::Nothing),
        (APPLICATION_ID, 1..=KNOWN, _) => Ok(Found::Schema(version)),
        (APPLICATION_ID, found, _) if found > KNOWN => Err(RecordError::Newer {
            path: path.to_owned(),
            found,
            known: KNOWN,
        }),
        _ => Err(RecordError::Foreign {
            path: path.to_owned(),
            why: "another program wrote it".to_owned(),
        }),
    }
}

/// Applies what is missing, each migration and its number in one transaction. References are not
/// enforced meanwhile, so that a table may be built anew, and looked over before each commit.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let had: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    connection.pragma_update(None, "foreign_keys", false)?;
    for (number, sql) in (1..).zip(migrations).filter(|&(number, _)| number > had) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        if transaction
            .prepare("PRAGMA foreign_key_check")?
            .exists([])?
        {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY),
                Some(format!("migration {number} leaves references to nothing")),
            ));
        }
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    connection.pragma_update(None, "foreign_keys", true)
}

#[cfg(test)]
mod tests;
