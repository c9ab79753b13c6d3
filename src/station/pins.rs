//! Supervisors' PINs on the disk: tried, set, taken away, and told when they change. Blocks, all of it: the
//! dispatcher has it done elsewhere. Leaves out the file's text (`settings/pins`), and when a name is
//! locked (`lockout`).

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rustix::fs::{FlockOperation, flock};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Pin;
use super::dispatcher::Input;
use super::manifests::Stamp;
use crate::settings::{Fault, PinFile, pins_open_to_others};

/// What a new hash costs: OWASP's least for argon2id, 19 MiB, two passes, one lane (Password Storage Cheat Sheet,
/// "Argon2id").
const MEMORY_KIB: u32 = 19 << 10;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The fewest digits that a PIN may have.
pub const FEWEST_DIGITS: usize = 4;
/// And the most.
pub const MOST_DIGITS: usize = 32;

/// Why something is no PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has {FEWEST_DIGITS} to {MOST_DIGITS} digits and nothing else")]
pub struct NotAPin;

impl Pin {
    /// A PIN that may be set.
    ///
    /// # Errors
    /// It is too short or too long, or has more than digits.
    pub fn parse(text: &str) -> Result<Pin, NotAPin> {
        let fits = (FEWEST_DIGITS..=MOST_DIGITS).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Pin(text.into()))
        } else {
            Err(NotAPin)
        }
    }
}

/// What trying a PIN tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    Right,
    Wrong,
    /// Nobody of that name has one.
    Unknown,
    /// The file cannot be used: why.
    Unreadable(Arc<str>),
}

/// Why the PINs were not changed.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// The file that is there has mistakes, and would be lost.
    #[error("the PIN file has mistakes")]
    Faulty(Vec<Fault>),
    #[error("{} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the PIN cannot be hashed: {0}")]
    Hash(String),
}

/// The PINs of a station, in their file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pins {
    path: Arc<Path>,
}

impl Pins {
    pub fn at(path: &Path) -> Pins {
        Pins { path: path.into() }
    }

    /// Who has one.
    ///
    /// # Errors
    /// The first of the file's faults, in a line.
    pub fn names(&self) -> Result<Vec<Arc<str>>, Arc<str>> {
        let file = self.load()?;
        Ok(file.names().map(Arc::from).collect())
    }

    /// What is wrong with the file, and warnings where nothing is.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn check(&self) -> Result<Vec<Fault>, Vec<Fault>> {
        PinFile::load(&self.path)?;
        let mode = fs::metadata(&self.path).map(|file| file.mode());
        let open = mode
            .ok()
            .and_then(|mode| pins_open_to_others(&self.path, mode));
        Ok(open.into_iter().collect())
    }

    /// Whether this user may not look at it: it is the station's alone.
    pub fn is_hidden(&self) -> bool {
        let opened = File::open(&self.path);
        opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Tries one, on the file as it is now. A name that has none takes as long as a wrong one.
    pub fn try_one(&self, name: &str, pin: &Pin) -> Tried {
        let file = match self.load() {
            Ok(file) => file,
            Err(why) => return Tried::Unreadable(why),
        };
        match file.hash(name) {
            Some(hash) if hashing().verify_password(pin.0.as_bytes(), hash).is_ok() => Tried::Right,
            Some(_) => Tried::Wrong,
            None => {
                // nothing is learned from it but the time
                let _ = hashed(pin);
                Tried::Unknown
            }
        }
    }

    /// Gives someone a PIN, or another one.
    ///
    /// # Errors
    /// The file has mistakes or cannot be written: it is as it was.
    pub fn set(&self, name: &str, pin: &Pin) -> Result<(), PinsError> {
        let hash = hashed(pin).map_err(PinsError::Hash)?;
        self.change(|file| file.set(name, hash))
    }

    /// Takes someone's PIN away; `false`: there was none.
    ///
    /// # Errors
    /// The file has mistakes or cannot be written: it is as it was.
    pub fn remove(&self, name: &str) -> Result<bool, PinsError> {
        self.change(|file| file.remove(name))
    }

    fn load(&self) -> Result<PinFile, Arc<str>> {
        PinFile::load(&self.path).map_err(|faults| {
            let first = faults.first().map(Fault::in_a_line);
            first.unwrap_or_default().into()
        })
    }

    /// Reads, changes and writes whole, while nobody else does.
    fn change<T>(&self, change: impl FnOnce(&mut PinFile) -> T) -> Result<T, PinsError> {
        let write = |source| PinsError::Write {
            path: self.path.to_path_buf(),
            source,
        };
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // held until it is closed
        let locked = File::open(folder).map_err(write)?;
        flock(&locked, FlockOperation::LockExclusive).map_err(|error| write(error.into()))?;
        let mut file = PinFile::load(&self.path).map_err(PinsError::Faulty)?;
        let changed = change(&mut file);
        self.replace(&locked, &file.to_text()).map_err(write)?;
        Ok(changed)
    }

    /// Whoever looks finds the old file or the new one, whole.
    fn replace(&self, folder: &File, text: &str) -> io::Result<()> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".new-{}", std::process::id()));
        let beside = PathBuf::from(name);
        let written = write_new(&beside, text, &owner(&self.path, folder)?)
            .and_then(|()| fs::rename(&beside, &self.path))
            .and_then(|()| folder.sync_all());
        if written.is_err() {
            // what was left is no PIN file yet
            let _ = fs::remove_file(&beside);
        }
        written
    }
}

/// Whose the file is to be where root writes it: the station must read it.
struct Owner {
    user: u32,
    group: u32,
}

fn owner(path: &Path, folder: &File) -> io::Result<Owner> {
    let of = match fs::symlink_metadata(path) {
        Ok(file) if file.is_file() => file,
        _ => folder.metadata()?,
    };
    Ok(Owner {
        user: of.uid(),
        group: of.gid(),
    })
}

fn write_new(path: &Path, text: &str, owner: &Owner) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    if rustix::process::geteuid().is_root() {
        fchown(&file, Some(owner.user), Some(owner.group))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn hashing() -> Argon2<'static> {
    let costs = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, costs)
}

fn hashed(pin: &Pin) -> Result<PasswordHash, String> {
    let hash = hashing().hash_password(pin.0.as_bytes());
    hash.map_err(|error| error.to_string())
}

/// Looks at the file after each `interval` until `stop`, and tells who has a PIN when it is another file.
pub async fn watch(
    pins: Pins,
    interval: Duration,
    inbox: mpsc::Sender<Input>,
    stop: CancellationToken,
) {
    // what it was before is looked at again: it may have changed since the start
    let mut seen = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        let pins = pins.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let stamp = Some(Stamp::of(&pins.path));
            (stamp != seen).then(|| (stamp, pins.names()))
        });
        let names = match looked.await {
            Ok(None) => continue,
            Ok(Some((stamp, names))) => {
                seen = stamp;
                names
            }
            Err(error) => {
                tracing::error!(%error, "the PIN file is not looked at any more");
                return;
            }
        };
        // a floor that is gone decides nothing more
        if inbox.send(Input::Supervisors(names)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
