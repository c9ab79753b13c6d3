//! The file that a reading goes into: named by the board if asked, whole or not there at all, never in
//! the place of another unless told so.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::chip::Mac;
use crate::hand::HandError;

/// What stands for the board's MAC in a name.
const MAC: &str = "{mac}";

/// A file's name, perhaps with a gap for the MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileName {
    Fixed(PathBuf),
    /// Folder, and name with [`MAC`] in it.
    ByMac(PathBuf, String),
}

impl FileName {
    /// `output` as it was given; with `name_by_mac` it is a folder.
    pub(super) fn new(output: &Path, name_by_mac: bool) -> Result<FileName, String> {
        if name_by_mac {
            return match output.is_dir() {
                true => Ok(FileName::ByMac(output.to_owned(), format!("{MAC}.bin"))),
                false => Err(format!("{} is no folder", output.display())),
            };
        }
        if output.is_dir() {
            let says = "is a folder: say --name-by-mac to have the file named by the board's MAC";
            return Err(format!("{} {says}", output.display()));
        }
        let name = output.file_name().and_then(|name| name.to_str());
        Ok(match name.filter(|name| name.contains(MAC)) {
            Some(name) => {
                let folder = output.parent().unwrap_or(Path::new(""));
                FileName::ByMac(folder.to_owned(), name.to_owned())
            }
            None => FileName::Fixed(output.to_owned()),
        })
    }

    pub(super) fn path(&self, mac: Option<Mac>) -> Result<PathBuf, HandError> {
        match (self, mac) {
            (FileName::Fixed(path), _) => Ok(path.clone()),
            (FileName::ByMac(folder, name), Some(mac)) => {
                Ok(folder.join(name.replace(MAC, &mac.to_string().replace(':', ""))))
            }
            (FileName::ByMac(..), None) => {
                let says = "the board hides its MAC, and the file's name needs it";
                Err(HandError::Sink(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    says,
                )))
            }
        }
    }
}

/// A file on its way to its name. Dropped without [`Kept::commit`] it is gone.
#[derive(Debug)]
pub(super) struct Kept {
    target: PathBuf,
    part: PathBuf,
    force: bool,
}

impl Kept {
    /// The part file beside the target. It is refused at once where the target is there.
    pub(super) fn create(target: &Path, force: bool) -> io::Result<Kept> {
        if target.exists() && !force {
            return Err(taken(target));
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let part = format!(".{name}.{}.part", std::process::id());
        Ok(Kept {
            part: target.with_file_name(part),
            target: target.to_owned(),
            force,
        })
    }

    /// Opens the part file to be written.
    pub(super) fn file(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(&self.part);
        file.map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.part.display()))
        })
    }

    /// Gives it its name.
    pub(super) fn commit(self) -> io::Result<()> {
        if self.force {
            return fs::rename(&self.part, &self.target);
        }
        // someone may have made the target meanwhile
        match renameat_with(CWD, &self.part, CWD, &self.target, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(taken(&self.target)),
            // a file system that knows no such renaming
            Err(Errno::INVAL | Errno::NOSYS) if !self.target.exists() => {
                fs::rename(&self.part, &self.target)
            }
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // after the renaming there is none
        let _ = fs::remove_file(&self.part);
    }
}

fn taken(path: &Path) -> io::Error {
    let says = format!("{} is there already: say --force", path.display());
    io::Error::new(io::ErrorKind::AlreadyExists, says)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn names() {
        let folder = tempfile::tempdir().unwrap();
        let mac = Some(Mac([0x24, 0x0A, 0xC4, 0, 0, 1]));
        let check = |output: &str, by_mac, mac, expected: Option<&str>| {
            let name = FileName::new(&folder.path().join(output), by_mac);
            let path = name.ok().and_then(|name| name.path(mac).ok());
            assert_eq!(
                path,
                expected.map(|name| folder.path().join(name)),
                "{output}"
            );
        };
        check("a.bin", false, None, Some("a.bin"));
        check("a-{mac}.bin", false, mac, Some("a-240ac4000001.bin"));
        check("a-{mac}.bin", false, None, None);
        check("", true, mac, Some("240ac4000001.bin"));
        check("", false, mac, None);
        check("a.bin", true, mac, None);
    }

    #[test]
    fn whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.bin");
        let write = |force, bytes: &[u8]| {
            let kept = Kept::create(&target, force)?;
            kept.file()?.write_all(bytes)?;
            kept.commit()
        };
        let kept = Kept::create(&target, false).unwrap();
        kept.file().unwrap().write_all(b"half").unwrap();
        drop(kept);
        assert_eq!(files(folder.path()), Vec::<String>::new());
        write(false, b"one").unwrap();
        assert_eq!(files(folder.path()), ["a.bin"]);
        assert!(write(false, b"two").is_err());
        assert_eq!(fs::read(&target).unwrap(), b"one");
        write(true, b"two").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"two");
        assert_eq!(files(folder.path()), ["a.bin"]);
        // the target came while it was read
        let late = folder.path().join("late.bin");
        let kept = Kept::create(&late, false).unwrap();
        kept.file().unwrap();
        fs::write(&late, "another's").unwrap();
        assert!(kept.commit().is_err());
        assert_eq!(fs::read(&late).unwrap(), b"another's");
        assert_eq!(files(folder.path()), ["a.bin", "late.bin"]);
    }
}
