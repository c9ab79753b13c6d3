//! Who works on a port: a claim that flashline's own programs respect, so that a station and a command
//! typed by hand do not meet on a board, even while the board is away and its device is gone.
//!
//! A claim is a set of locked files in `/run/lock` and the temporary folder, one for each name of the
//! port: the path as it was given, the device it resolves to, its place on USB. Each says who holds it.
//! The kernel drops the locks with the process, so a crash leaves nothing held. Leaves out programs
//! that are not flashline: those are met when the port is opened.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::PortInfo;
use crate::event::UsbPath;
use crate::image::{hex, sha256};

/// Someone who only looks holds a lock for microseconds: so long such a lock is waited for.
const LOOKERS: Duration = Duration::from_millis(50);
/// A probe is over after a second at the most.
const PROBES: Duration = Duration::from_millis(2_500);
const RETRY: Duration = Duration::from_millis(5);

/// What a claim is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A job, or a command's work.
    Work,
    /// Over in a moment: who wants to work waits for it.
    Probe,
}

/// The port is claimed by another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("held by {by}")]
pub struct Held {
    /// Command and process, such as `flashline read (process 4711)`.
    pub by: String,
}

/// A port's names that claims go by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(Vec<String>);

impl Names {
    /// Asks the file system what the path leads to: off the workers.
    pub fn of(port: &PortInfo) -> Names {
        match &port.usb_path {
            Some(usb_path) => Names::of_path(&port.path).and(Names::of_usb(usb_path)),
            None => Names::of_path(&port.path),
        }
    }

    pub fn of_usb(usb_path: &UsbPath) -> Names {
        Names(vec![usb_path.to_string()])
    }

    /// As [`Names::of`], where no more than the path is known. A path with a scheme
    /// (`rfc2217://host:port`) is its own only name.
    pub fn of_path(path: &Path) -> Names {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        if text(path).contains("://") {
            return Names(vec![text(path)]);
        }
        let given = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut names = vec![text(&given)];
        let device = path.canonicalize().ok();
        names.extend(device.filter(|path| !is_pty(path)).map(|path| text(&path)));
        names.sort();
        names.dedup();
        Names(names)
    }

    /// These and those of the other.
    #[must_use]
    pub fn and(mut self, other: Names) -> Names {
        self.0.extend(other.0);
        self.0.sort();
        self.0.dedup();
        self
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.0.iter().flat_map(|name| {
            let file = file_name(name);
            folders().map(move |folder| folder.join(&file))
        })
    }
}

/// A pseudo-terminal's number goes to whoever makes the next one: while a claim outlives its pty, it would
/// hold a stranger's.
fn is_pty(device: &Path) -> bool {
    device.starts_with("/dev/pts")
}

/// Held as long as this lives.
#[derive(Debug)]
pub struct Claim {
    files: Vec<LockFile>,
}

impl Claim {
    /// Claims the port in someone's name (`flashline read`), or tells who has it. Blocks for a moment
    /// where a probe holds it, and lets that see that it is waited for: off the workers.
    ///
    /// Where no lock can be kept (no folder may be written to) the claim is granted without one:
    /// opening the port is exclusive all the same.
    pub fn take(names: &Names, who: &str, purpose: Purpose) -> Result<Claim, Held> {
        let process = std::process::id();
        let mut says = format!("{who} (process {process})\n");
        if purpose == Purpose::Probe {
            says += PROBE_LINE;
        }
        let mut met: Option<(Holder, Instant)> = None;
        let mut mark: Option<LockFile> = None;
        loop {
            let mut files = Vec::new();
            let mut held = None;
            for path in names.files() {
                match LockFile::take(path.clone(), &says) {
                    Ok(Some(file)) => files.push(file),
                    Ok(None) => {}
                    Err(holder) => {
                        held = Some((path, holder));
                        break;
                    }
                }
            }
            let Some((path, holder)) = held else {
                return Ok(Claim { files });
            };
            let patience = match (holder.purpose, purpose) {
                (Purpose::Probe, Purpose::Work) => PROBES,
                _ => LOOKERS,
            };
            // each holder has its own time: one that goes says nothing for a moment
            let since = match &met {
                Some((before, since)) if *before == holder => *since,
                _ => Instant::now(),
            };
            if since.elapsed() >= patience {
                return Err(Held { by: holder.who });
            }
            met = Some((holder, since));
            drop(files);
            if purpose == Purpose::Work && mark.is_none() {
                // another who waits has told it already
                mark = LockFile::take(wanted(&path), &says).ok().flatten();
            }
            std::thread::sleep(RETRY);
        }
    }

    /// Whether someone who wants to work waits for this probe. Asks the file system: off the workers.
    pub fn is_wanted(&self) -> bool {
        self.files.iter().any(|file| {
            let marked = open(&wanted(&file.path), OpenOptions::new().read(true));
            marked.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
        })
    }
}

/// The claims that there are, of everybody: one look at the folders for any number of ports, since a bench
/// asks about all of its slots again and again.
#[derive(Debug)]
pub struct Claimed {
    /// A folder, and the names of the claims in it; `None` where it cannot be listed.
    folders: Vec<(PathBuf, Option<HashSet<OsString>>)>,
}

impl Claimed {
    /// Looks at the folders: off the workers.
    pub fn now() -> Claimed {
        let names = |folder: &Path| {
            let names = std::fs::read_dir(folder).ok()?.flatten();
            let names = names.map(|entry| entry.file_name());
            Some(names.filter(is_claims_file).collect())
        };
        Claimed {
            folders: folders()
                .map(|folder| (folder.clone(), names(&folder)))
                .collect(),
        }
    }

    /// Whether nobody claims anything: then no port's names need to be found out.
    pub fn is_nothing(&self) -> bool {
        let is_empty =
            |names: &Option<HashSet<OsString>>| names.as_ref().is_some_and(HashSet::is_empty);
        self.folders.iter().all(|(_, names)| is_empty(names))
    }

    /// Who works on the port, were one to ask now. Probes do not count.
    pub fn holder(&self, names: &Names) -> Option<Held> {
        names.0.iter().map(|name| file_name(name)).find_map(|file| {
            self.folders
                .iter()
                .filter(|(_, there)| {
                    there
                        .as_ref()
                        .is_none_or(|there| there.contains(OsStr::new(&file)))
                })
                .find_map(|(folder, _)| worker(&folder.join(&file)))
        })
    }
}

/// Who has locked this file for work.
fn worker(path: &Path) -> Option<Held> {
    let mut file = open(path, OpenOptions::new().read(true)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let holder = Holder::read(&mut file);
            (holder.purpose == Purpose::Work).then_some(Held { by: holder.who })
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

const PROBE_LINE: &str = "probe\n";

/// What a locked file says.
#[derive(PartialEq, Eq)]
struct Holder {
    who: String,
    purpose: Purpose,
}

impl Holder {
    fn read(file: &mut File) -> Holder {
        let mut says = String::new();
        // what it says is only for people; a file of another sort says little
        let _ = file.take(1024).read_to_string(&mut says);
        let who = says.lines().next().unwrap_or_default().trim();
        Holder {
            who: if who.is_empty() {
                "another process".to_owned()
            } else {
                who.to_owned()
            },
            purpose: if says.ends_with(PROBE_LINE) {
                Purpose::Probe
            } else {
                Purpose::Work
            },
        }
    }
}

#[derive(Debug)]
struct LockFile {
    path: PathBuf,
    file: File,
}

impl LockFile {
    /// `Ok(None)` where no file can be kept at that path.
    fn take(path: PathBuf, says: &str) -> Result<Option<LockFile>, Holder> {
        // once more for each holder that took its file away in between
        for _ in 0..16 {
            let Ok(mut file) = open_or_create(&path) else {
                return Ok(None);
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Holder::read(&mut file)),
                Err(TryLockError::Error(_)) => return Ok(None),
            }
            if !is_still_at(&file, &path) {
                continue;
            }
            // what it says is only for people
            let _ = file
                .set_len(0)
                .and_then(|()| file.write_all(says.as_bytes()));
            return Ok(Some(LockFile { path, file }));
        }
        Ok(None)
    }
}

impl Drop for LockFile {
    /// The file goes while it is still locked: whoever opened it before finds it gone and looks again.
    fn drop(&mut self) {
        // in a folder of sticky files that of another user stays, and says nothing
        let _ = self.file.set_len(0);
        let _ = std::fs::remove_file(&self.path);
    }
}

fn is_still_at(file: &File, path: &Path) -> bool {
    let at_path = std::fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()));
    let ours = file.metadata().map(|meta| (meta.dev(), meta.ino()));
    matches!((at_path, ours), (Ok(one), Ok(two)) if one == two)
}

/// Other users' flashline has to lock it as well. The kernel refuses O_CREAT on another user's file in
/// a sticky folder (fs.protected_regular), so what is there is opened without.
fn open_or_create(path: &Path) -> io::Result<File> {
    match open(path, OpenOptions::new().read(true).write(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    match open(
        path,
        OpenOptions::new().read(true).write(true).create_new(true),
    ) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(0o666))?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            open(path, OpenOptions::new().read(true).write(true))
        }
        Err(error) => Err(error),
    }
}

/// Anyone may put a link into these folders.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options
        .custom_flags(OFlags::NOFOLLOW.bits() as i32)
        .open(path)
}

/// Both, since a service may have a temporary folder of its own and a user no right to `/run/lock`.
fn folders() -> impl Iterator<Item = PathBuf> {
    [PathBuf::from("/run/lock"), std::env::temp_dir()].into_iter()
}

/// Locked by whoever waits for the holder of this file.
fn wanted(path: &Path) -> PathBuf {
    path.with_extension("wanted")
}

/// The name's end for people, its digest for the rest.
fn file_name(name: &str) -> String {
    let end: String = name
        .chars()
        .rev()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let end: String = end.chars().rev().collect();
    let digest = hex(&sha256(name.as_bytes())[..8]);
    format!("{CLAIMS}{}-{digest}", end.trim_matches('-'))
}

/// How the names of claims' files begin.
const CLAIMS: &str = "flashline-";

fn is_claims_file(name: &OsString) -> bool {
    name.as_encoded_bytes().starts_with(CLAIMS.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &str) -> Names {
        Names(vec![format!("test {} {of}", std::process::id())])
    }

    #[test]
    fn one_at_a_time_and_the_other_hears_who() {
        let port = names("one");
        let claim = Claim::take(&port, "flashline read", Purpose::Work).unwrap();
        let by = format!("flashline read (process {})", std::process::id());
        assert_eq!(
            Claim::take(&port, "flashline run", Purpose::Work).unwrap_err(),
            Held { by: by.clone() }
        );
        assert_eq!(Claimed::now().holder(&port), Some(Held { by }));
        assert!(Claim::take(&names("other"), "x", Purpose::Work).is_ok());
        drop(claim);
        assert_eq!(Claimed::now().holder(&port), None);
        assert!(port.files().all(|file| !file.exists()));
        assert!(Claim::take(&port, "flashline run", Purpose::Work).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_listed_is_asked_name_by_name() {
        let port = names("unlisted");
        let unlisted = Claimed {
            folders: folders().map(|folder| (folder, None)).collect(),
        };
        assert!(!unlisted.is_nothing());
        assert_eq!(unlisted.holder(&port), None);
        let _claim = Claim::take(&port, "flashline read", Purpose::Work).unwrap();
        assert!(unlisted.holder(&port).is_some());
        assert!(!Claimed::now().is_nothing());
    }

    #[test]
    fn any_of_a_ports_names_is_enough() {
        let both = names("link").and(names("device"));
        let _claim = Claim::take(&both, "flashline read", Purpose::Work).unwrap();
        assert!(Claim::take(&names("device"), "x", Purpose::Work).is_err());
        assert!(Claimed::now().holder(&names("link")).is_some());
        // and what failed half-way holds nothing
        let more = names("a third").and(names("link"));
        assert!(Claim::take(&more, "x", Purpose::Work).is_err());
        assert_eq!(Claimed::now().holder(&names("a third")), None);
    }

    #[test]
    fn a_pty_goes_by_the_name_that_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let check = |device: &str, names: usize| {
            let link = folder.path().join(device.replace('/', "-"));
            std::os::unix::fs::symlink(device, &link).unwrap();
            assert_eq!(Names::of_path(&link).0.len(), names, "{device}");
        };
        check("/dev/null", 2);
        check("/dev/pts/ptmx", 1);
        assert_eq!(Names::of_path(Path::new("/dev/pts/7")).0, ["/dev/pts/7"]);
    }

    #[test]
    fn a_probe_is_waited_for_and_never_shown() {
        let port = names("probe");
        let probe = Claim::take(&port, "flashline run", Purpose::Probe).unwrap();
        assert_eq!(Claimed::now().holder(&port), None);
        let waiting = std::thread::spawn({
            let port = port.clone();
            move || Claim::take(&port, "flashline read", Purpose::Work).map(drop)
        });
        drop(probe);
        assert_eq!(waiting.join().unwrap(), Ok(()));
    }

    #[test]
    fn a_probe_sees_that_it_is_waited_for() {
        let port = names("wanted");
        let probe = Claim::take(&port, "flashline run", Purpose::Probe).unwrap();
        assert!(!probe.is_wanted());
        let waiting = std::thread::spawn({
            let port = port.clone();
            move || Claim::take(&port, "flashline read", Purpose::Work)
        });
        while !probe.is_wanted() {
            assert!(!waiting.is_finished(), "it gave up and was never seen");
            std::thread::yield_now();
        }
        drop(probe);
        let claim = waiting.join().unwrap().unwrap();
        assert!(!claim.is_wanted());
        drop(claim);
        assert!(port.files().all(|file| !wanted(&file).exists()));
    }

    #[test]
    fn what_a_dead_process_left_is_free() {
        let port = names("stale");
        for file in port.files() {
            std::fs::write(file, "flashline read (process 1)\n").unwrap();
        }
        assert_eq!(Claimed::now().holder(&port), None);
        assert!(Claim::take(&port, "flashline run", Purpose::Work).is_ok());
    }

    #[test]
    fn a_link_and_its_device_share_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let (link, device) = (folder.path().join("link"), folder.path().join("device"));
        std::fs::write(&device, "").unwrap();
        std::os::unix::fs::symlink(&device, &link).unwrap();
        let (Names(by_link), Names(by_device)) = (Names::of_path(&link), Names::of_path(&device));
        assert!(by_device.iter().any(|name| by_link.contains(name)));
        let remote = Names::of_path(Path::new("rfc2217://rack:4000"));
        assert_eq!(remote, Names(vec!["rfc2217://rack:4000".to_owned()]));
    }
}
