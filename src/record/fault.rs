//! Why the record cannot be used, and what SQLite's and the system's errors mean for it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::event::{Code, JobId};

/// Why the record cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecordError {
    #[error("{} is in use by {holder}: end that first, or use another database", path.display())]
    Locked { path: PathBuf, holder: String },
    #[error(
        "{} was written by a newer flashline (schema {found}, this one knows {known}): use that one",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error(
        "{} is of an older flashline (schema {found}, this one knows {known}): start `flashline run` or `flash --db` on it once, which brings it up to date",
        path.display()
    )]
    Older {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{} does not exist: name the database that a station or `flash --db` has written", path.display())]
    Absent { path: PathBuf },
    #[error("{} is no flashline database ({why}): it was left as it is", path.display())]
    Foreign { path: PathBuf, why: String },
    #[error("{} cannot be opened: {why}", path.display())]
    Open { path: PathBuf, why: String },
    #[error("{} cannot be read: {why}", path.display())]
    Read { path: PathBuf, why: String },
    #[error("{} cannot be written: {why}", path.display())]
    Write { path: PathBuf, why: String },
    #[error("{} cannot grow: its disk (or quota) is full; make room", path.display())]
    Full { path: PathBuf },
    #[error(
        "the disk of {} has {free_bytes} bytes free, less than the reserve of {reserve_bytes}; make room",
        path.display()
    )]
    DiskFull {
        path: PathBuf,
        free_bytes: u64,
        reserve_bytes: u64,
    },
    /// A bug in the caller: each job is opened once and closed once.
    #[error("job {job} is not open in {}", path.display())]
    NotOpen { path: PathBuf, job: JobId },
}

impl RecordError {
    /// The failure word of a line that this stops.
    pub fn code(&self) -> Code {
        match self {
            RecordError::Full { .. } | RecordError::DiskFull { .. } => Code::DiskFull,
            _ => Code::RecordFailed,
        }
    }

    /// Whether a wrong path was given, and the disk is not to blame.
    pub fn is_wrong_path(&self) -> bool {
        matches!(
            self,
            RecordError::Absent { .. }
                | RecordError::Foreign { .. }
                | RecordError::Newer { .. }
                | RecordError::Older { .. }
        )
    }

    pub(super) fn opening(path: &Path, error: rusqlite::Error) -> RecordError {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => RecordError::Foreign {
                path,
                why: "it is no SQLite file".to_owned(),
            },
            Some(code) if is_for_lack_of_room(code, free_bytes(&path)) => {
                RecordError::Full { path }
            }
            _ => RecordError::Open {
                path,
                why: in_words(&error),
            },
        }
    }

    pub(super) fn reading(path: &Path, error: rusqlite::Error) -> RecordError {
        RecordError::Read {
            path: path.to_owned(),
            why: in_words(&error),
        }
    }

    pub(super) fn writing(path: &Path, error: rusqlite::Error) -> RecordError {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(code) if is_for_lack_of_room(code, free_bytes(&path)) => {
                RecordError::Full { path }
            }
            _ => RecordError::Write {
                path,
                why: in_words(&error),
            },
        }
    }
}

/// Whether a full disk is behind SQLite's error: where it cannot make its shared-memory file, it says
/// 'disk I/O error'.
fn is_for_lack_of_room(code: ErrorCode, free_bytes: Option<u64>) -> bool {
    match code {
        ErrorCode::DiskFull => true,
        ErrorCode::SystemIoFailure => free_bytes.is_some_and(|free| free < SHARED_MEMORY_BYTES),
        _ => false,
    }
}

/// What SQLite's shared-memory file begins with (sqlite.org/walformat.html, 2.2).
const SHARED_MEMORY_BYTES: u64 = 32 * 1024;

/// `None` where the disk cannot be asked.
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn in_words(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) => {
            "it is read-only (file, folder or file system): give this user the right to write"
                .to_owned()
        }
        Some(ErrorCode::DatabaseBusy) => "another program keeps it locked: end that".to_owned(),
        Some(ErrorCode::DatabaseCorrupt) => {
            "it is damaged: move it away with its -wal file, and start a new one".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_io_error_on_a_full_disk_is_for_lack_of_room() {
        let check = |code, free_bytes, expected| {
            assert_eq!(
                is_for_lack_of_room(code, free_bytes),
                expected,
                "{code:?} {free_bytes:?}"
            );
        };
        check(ErrorCode::DiskFull, None, true);
        check(ErrorCode::SystemIoFailure, Some(0), true);
        check(ErrorCode::SystemIoFailure, Some(16_384), true);
        check(ErrorCode::SystemIoFailure, Some(1 << 30), false);
        check(ErrorCode::SystemIoFailure, None, false);
        check(ErrorCode::PermissionDenied, Some(0), false);
    }
}
