//! The station file on the disk, as `slots learn` reads and replaces it: whole or not at all, and never by
//! one that the station would refuse. Leaves out what is changed in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::settings::{Fault, Settings, Source};

/// The file as it was read.
#[derive(Debug)]
pub struct StationFile {
    pub source: Source,
    pub settings: Settings,
    on_disk: OnDisk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnDisk {
    There,
    /// It is made when it is written.
    Absent,
}

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A change of ours that the station would not take.
    #[error("the new file would have faults")]
    Faults(Vec<Fault>),
    #[error("{path} was changed by someone else meanwhile: learn again")]
    ChangedMeanwhile { path: PathBuf },
    #[error("{path} cannot be written: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl StationFile {
    /// The file that is there.
    ///
    /// # Errors
    /// Every fault in it.
    pub fn load(path: &Path) -> Result<StationFile, Vec<Fault>> {
        let source = Source::load(path)?;
        let settings = Settings::read(&source)?;
        Ok(StationFile {
            source,
            settings,
            on_disk: OnDisk::There,
        })
    }

    /// One that is not there yet.
    ///
    /// # Errors
    /// The station's name or the manifest's path is not one.
    pub fn minimal(path: &Path, station: &str, manifest: &str) -> Result<StationFile, Vec<Fault>> {
        let quoted = |text: &str| toml_edit::Value::from(text).to_string();
        let text = format!(
            "# A station: one computer with one bench. station.toml.example explains each key.\n\
             \n\
             station = {}\n\
             \n\
             # What is flashed.\n\
             manifest = {}\n",
            quoted(station),
            quoted(manifest)
        );
        let source = Source::new(path, &text);
        let settings = Settings::read(&source)?;
        Ok(StationFile {
            source,
            settings,
            on_disk: OnDisk::Absent,
        })
    }

    /// Replaces it by this text: a file beside it takes its name once all of it is on the disk, with its
    /// permissions; a symlink stays one. Blocks.
    ///
    /// # Errors
    /// Nothing was changed then.
    pub fn replace(&self, text: &str) -> Result<(), WriteError> {
        let named = self.source.path();
        Settings::parse(named, text).map_err(WriteError::Faults)?;
        let io = |source| WriteError::Io {
            path: named.to_owned(),
            source,
        };
        let changed = || WriteError::ChangedMeanwhile {
            path: named.to_owned(),
        };
        let path = match self.on_disk {
            OnDisk::There => {
                let now = Source::load(named).map_err(|_| changed())?;
                if now.text() != self.source.text() {
                    return Err(changed());
                }
                fs::canonicalize(named).map_err(io)?
            }
            OnDisk::Absent if fs::symlink_metadata(named).is_ok() => return Err(changed()),
            OnDisk::Absent => named.to_owned(),
        };
        write_whole(&path, text).map_err(io)
    }
}

/// All of the text under this name, or what was there before.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
    let written = write_beside(&beside, path, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // what is half written is of no use to anyone
        let _ = fs::remove_file(&beside);
    }
    written?;
    // the new name too outlives a power cut
    File::open(folder)?.sync_all()
}

fn write_beside(beside: &Path, like: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // 0o666 less the umask, as any new file; what is replaced says otherwise below
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o666)
        .open(beside)?;
    if let Ok(before) = fs::metadata(like) {
        // only root may give a file away; for anyone else it is his own already, or stays his
        let _ = std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()));
        file.set_permissions(fs::Permissions::from_mode(
            before.permissions().mode() & 0o7777,
        ))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "station = \"bench-1\"\nmanifest = \"m.toml\"\n";

    #[test]
    fn it_is_replaced_whole_with_its_permissions_and_through_a_symlink() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("real.toml");
        let link = folder.path().join("station.toml");
        fs::write(&path, TEXT).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.toml", &link).unwrap();
        let file = StationFile::load(&link).unwrap();
        let new = format!("{TEXT}attempts = 3\n");
        file.replace(&new).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), new);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 2, "nothing is left beside it");
    }

    #[test]
    fn what_the_station_would_refuse_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("station.toml");
        fs::write(&path, TEXT).unwrap();
        let file = StationFile::load(&path).unwrap();
        let refused = file.replace(&format!("{TEXT}attempts = 0\n"));
        assert!(matches!(refused, Err(WriteError::Faults(_))), "{refused:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), TEXT);
    }

    #[test]
    fn what_someone_else_changed_meanwhile_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("station.toml");
        let minimal = StationFile::minimal(&path, "bench-1", "m.toml").unwrap();
        minimal.replace(minimal.source.text()).unwrap();
        let again = minimal.replace(minimal.source.text());
        assert!(
            matches!(again, Err(WriteError::ChangedMeanwhile { .. })),
            "{again:?}"
        );
        let file = StationFile::load(&path).unwrap();
        fs::write(&path, TEXT).unwrap();
        let late = file.replace(file.source.text());
        assert!(
            matches!(late, Err(WriteError::ChangedMeanwhile { .. })),
            "{late:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), TEXT);
    }
}
