//! Connections to the database: what a file is found to be, its settings, and its migrations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::RecordError;

/// `migrations/`, in order; a database's `user_version` counts those it has had.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_jobs.sql")];

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
        Found::Schema(_) => Ok(()),
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

/// Applies what is missing, each migration and its number in one transaction.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let had: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for (number, sql) in (1..).zip(migrations).filter(|&(number, _)| number > had) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(prepare: impl FnOnce(&Path), expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.sqlite");
        prepare(&path);
        let before = std::fs::read(&path).ok();
        for refused in [open_writer(&path), open_beside(&path), open_reader(&path)] {
            let told = refused.unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
        }
        assert_eq!(std::fs::read(&path).ok(), before, "the file was touched");
    }

    #[test]
    fn what_is_not_ours_is_refused_and_untouched() {
        check_refused(
            |path| {
                drop(open_writer(path).unwrap());
                let newer = Connection::open(path).unwrap();
                newer
                    .pragma_update(None, "user_version", KNOWN + 1)
                    .unwrap();
            },
            "was written by a newer flashline (schema 2, this one knows 1)",
        );
        check_refused(
            |path| {
                let other = Connection::open(path).unwrap();
                other
                    .execute_batch("CREATE TABLE groceries (name)")
                    .unwrap();
            },
            "another program wrote it",
        );
        check_refused(
            |path| {
                std::fs::write(path, "a letter to my aunt, and long enough ".repeat(99)).unwrap()
            },
            "no SQLite file",
        );
        check_refused(|path| std::fs::create_dir(path).unwrap(), "no regular file");
    }

    #[test]
    fn questions_need_a_database_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.sqlite");
        assert!(matches!(
            open_reader(&path),
            Err(RecordError::Absent { .. })
        ));
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        assert!(matches!(
            open_reader(&path),
            Err(RecordError::Foreign { .. })
        ));
        assert!(matches!(
            open_beside(&path),
            Err(RecordError::Foreign { .. })
        ));
    }

    #[test]
    fn a_database_at_rest_is_read_without_files_beside_it_under_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line 1?mode=rw#50%é.db");
        drop(open_writer(&path).unwrap());
        let jobs: i64 = unchanging(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM job", [], |row| row.get(0))
            .unwrap();
        assert_eq!(jobs, 0);
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(files.len(), 1, "{files:?}");
    }

    #[test]
    fn the_writer_is_durable_and_keeps_references() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(&folder.path().join("line.sqlite")).unwrap();
        let answer = |pragma: &str| -> String {
            connection
                .query_row(&format!("PRAGMA {pragma}"), [], |row| {
                    row.get::<_, rusqlite::types::Value>(0)
                })
                .map(|value| format!("{value:?}"))
                .unwrap()
        };
        assert_eq!(answer("journal_mode"), r#"Text("wal")"#);
        assert_eq!(answer("synchronous"), "Integer(2)");
        assert_eq!(answer("foreign_keys"), "Integer(1)");
        assert_eq!(answer("user_version"), format!("Integer({KNOWN})"));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_schema_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("x.sqlite")).unwrap();
        let broken = ["CREATE TABLE a (x);", "CREATE TABLE b (x); CREATE TABEL c;"];
        migrate(&mut connection, &broken).unwrap_err();
        let tables: String = connection
            .query_row("SELECT group_concat(name) FROM sqlite_master", [], |row| {
                row.get(0)
            })
            .unwrap();
        let version: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!((tables.as_str(), version), ("a", 1));

        migrate(&mut connection, &[broken[0], "CREATE TABLE b (x);"]).unwrap();
    }
}
