//! One process per database: an flock on `<database>.lock`, which says who holds it. The kernel drops
//! it with the process, so there is no stale lock. It is a file of its own because closing any
//! descriptor of the database itself would drop SQLite's POSIX locks (sqlite.org/howtocorrupt, 2.2).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::RecordError;

/// Held as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at once, or tells who holds it. `database` is a resolved path (see [`resolve`]).
    pub fn take(database: &Path) -> Result<Lock, RecordError> {
        let path = lock_path(database);
        let open = |error: io::Error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RecordError::Full {
                path: database.to_owned(),
            },
            _ => RecordError::Open {
                path: database.to_owned(),
                why: format!("its lock file {}: {error}", path.display()),
            },
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(open)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // what it says is only for people
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                return Err(RecordError::Locked {
                    path: database.to_owned(),
                    holder: if holder.is_empty() {
                        "another process".to_owned()
                    } else {
                        holder.to_owned()
                    },
                });
            }
            Err(TryLockError::Error(error)) => return Err(open(error)),
        }
        file.set_len(0).map_err(open)?;
        file.write_all(this_process().as_bytes()).map_err(open)?;
        Ok(Lock { _file: file })
    }
}

/// The database's path with symbolic links followed, so that two names of one file share a lock.
pub fn resolve(path: &Path) -> Result<PathBuf, RecordError> {
    let open = |error: io::Error| RecordError::Open {
        path: path.to_owned(),
        why: error.to_string(),
    };
    match path.canonicalize() {
        Ok(resolved) => Ok(resolved),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path
                .file_name()
                .ok_or_else(|| open(io::Error::other("it names no file")))?;
            let folder = match path.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            };
            let folder = folder.canonicalize().map_err(|error| RecordError::Open {
                path: path.to_owned(),
                why: format!("its folder {}: {error}", folder.display()),
            })?;
            Ok(folder.join(name))
        }
        Err(error) => Err(open(error)),
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// `flashline run --config x (pid 4711)`.
fn this_process() -> String {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let program = Path::new(&program).file_name().map_or_else(
        || "flashline".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let command: Vec<String> = std::iter::once(program).chain(words).collect();
    format!("{} (pid {})\n", command.join(" "), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_under_every_name_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("line.sqlite");
        std::fs::write(&database, "").unwrap();
        let alias = folder.path().join("alias.sqlite");
        std::os::unix::fs::symlink(&database, &alias).unwrap();

        let held = Lock::take(&resolve(&database).unwrap()).unwrap();
        let refused = Lock::take(&resolve(&alias).unwrap()).unwrap_err();
        let RecordError::Locked { holder, .. } = &refused else {
            panic!("{refused}")
        };
        assert!(
            holder.ends_with(&format!("(pid {})", std::process::id())),
            "{holder}"
        );

        drop(held);
        Lock::take(&resolve(&alias).unwrap()).unwrap();
    }

    #[test]
    fn a_path_without_a_folder_or_a_name_is_an_error_in_words() {
        for (path, expected) in [
            ("/nowhere/at/all/x.sqlite", "its folder /nowhere/at/all"),
            ("/nowhere/..", "it names no file"),
        ] {
            let told = resolve(Path::new(path)).unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
        }
    }
}
