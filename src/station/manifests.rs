//! Looks whether manifests, or files of theirs, have changed on the disk, and reads what changed. Leaves
//! out what that means for the line (`dispatcher/bundles`).
//!
//! Files are looked at by what the file system says of them (device, inode, size, times). What differs is
//! read only when two looks in a row see the same and nothing moved while it was read: a build that is
//! being written is no bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::dispatcher::Input;
use crate::manifest::Bundle;
use crate::plan::Planner;
use crate::settings::{Fault, Severity};

/// What the file system says of a file; another one means that it may hold something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
    /// Moves also where the time of modification was set back.
    changed: (i64, i64),
}

impl Stamp {
    /// `None`: there is no such file, or it cannot be looked at.
    fn of(path: &Path) -> Option<Stamp> {
        let file = std::fs::metadata(path).ok()?;
        Some(Stamp {
            device: file.dev(),
            inode: file.ino(),
            size_bytes: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

/// The manifest's and those of the files that it names.
type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

/// One manifest that is looked at again and again.
#[derive(Debug)]
pub struct Lookout {
    manifest: PathBuf,
    /// The files that it names, as far as is known, and itself.
    files: BTreeSet<PathBuf>,
    /// As they were when they were read.
    read: Option<Stamps>,
    /// As the last look found them, where that was something else.
    moving: Option<Stamps>,
    /// The digest that was told last, or is at work from the start; `None`: a fault was told.
    told: Option<[u8; 32]>,
}

impl Lookout {
    /// `known`: the digest of the bundle that the station has read.
    pub fn new(manifest: &Path, known: Option<[u8; 32]>) -> Lookout {
        Lookout {
            manifest: manifest.to_owned(),
            files: BTreeSet::from([manifest.to_owned()]),
            read: None,
            moving: None,
            told: known,
        }
    }

    /// Looks, and reads what differs and has come to rest. `None`: nothing new. Blocks.
    pub fn look(&mut self) -> Option<Result<Bundle, Vec<Fault>>> {
        let now = self.stamps();
        if self.read.as_ref() == Some(&now) {
            self.moving = None;
            return None;
        }
        if self.moving.as_ref() != Some(&now) {
            self.moving = Some(now);
            return None;
        }
        let mut stamps = Stamps::new();
        let found = Bundle::load_watched(&self.manifest, |file| {
            let stamp = || Stamp::of(file);
            stamps.entry(file.to_owned()).or_insert_with(stamp);
        });
        self.files = stamps.keys().cloned().collect();
        let after = self.stamps();
        if after != stamps {
            (self.read, self.moving) = (None, Some(after));
            return None;
        }
        (self.read, self.moving) = (Some(stamps), None);
        let digest = found.as_ref().ok().map(|bundle| bundle.digest);
        if digest.is_some() && digest == self.told {
            return None;
        }
        self.told = digest;
        Some(found)
    }

    fn stamps(&self) -> Stamps {
        let stamp = |file: &PathBuf| (file.clone(), Stamp::of(file));
        self.files.iter().map(stamp).collect()
    }
}

/// Looks at every manifest after each `interval` until `stop`, and tells what changed.
pub async fn watch(
    mut lookouts: Vec<Lookout>,
    interval: Duration,
    inbox: mpsc::Sender<Input>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        let looked = tokio::task::spawn_blocking(move || {
            let found: Vec<Input> = (lookouts.iter_mut().enumerate())
                .filter_map(|(manifest, lookout)| {
                    let found = told(lookout.look()?);
                    Some(Input::Manifest { manifest, found })
                })
                .collect();
            (lookouts, found)
        });
        let found;
        (lookouts, found) = match looked.await {
            Ok(looked) => looked,
            Err(error) => {
                tracing::error!(%error, "manifests are not looked at any more");
                return;
            }
        };
        for input in found {
            // a floor that is gone decides nothing more
            if inbox.send(input).await.is_err() {
                return;
            }
        }
    }
}

/// Whether the manifest on the disk is this bundle. Blocks.
pub fn is_on_disk(manifest: &Path, digest: [u8; 32]) -> bool {
    Bundle::load(manifest).is_ok_and(|bundle| bundle.digest == digest)
}

fn told(found: Result<Bundle, Vec<Fault>>) -> Result<Arc<Planner>, Arc<str>> {
    match found {
        Ok(bundle) => Ok(Arc::new(Planner::new(Arc::new(bundle)))),
        Err(faults) => {
            let is_error = |fault: &&Fault| fault.severity == Severity::Error;
            let first = faults.iter().find(is_error).or(faults.first());
            Err(first.map_or_else(|| "".into(), |fault| fault.in_a_line().into()))
        }
    }
}
