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
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
    /// Moves also where the time of modification was set back.
    changed: (i64, i64),
}

impl Stamp {
    /// `None`: there is no such file, or it cannot be looked at.
    pub(super) fn of(path: &Path) -> Option<Stamp> {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::chip::Chip;
    use crate::image::sample;

    const MANIFEST: &str = "product = \"lamp\"\nversion = \"1.0\"\nchip = \"esp32\"\n";

    fn image(name: &str) -> String {
        format!("[[image]]\nname = \"{name}\"\npath = \"{name}.bin\"\noffset = 0x10000\n")
    }

    /// A manifest with an app in a folder, and who looks at it.
    struct Bench {
        folder: tempfile::TempDir,
        lookout: Lookout,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("m.toml");
            fs::write(folder.path().join("app.bin"), app(1)).unwrap();
            fs::write(&path, MANIFEST.to_owned() + &image("app")).unwrap();
            let known = Bundle::load(&path).unwrap().digest;
            Bench {
                folder,
                lookout: Lookout::new(&path, Some(known)),
            }
        }

        /// Replaces a file as builds do, so that no clock has to have moved.
        fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
            let fresh = self.folder.path().join("fresh");
            fs::write(&fresh, bytes).unwrap();
            fs::rename(&fresh, self.folder.path().join(name)).unwrap();
        }

        /// What comes of so many looks: the version or the fault, for each that told something.
        fn looks(&mut self, times: usize) -> Vec<String> {
            let looks = (0..times).filter_map(|_| self.lookout.look());
            let folder = self.folder.path().display().to_string();
            looks
                .map(|found| match told(found) {
                    Ok(planner) => planner.bundle().manifest.version.clone(),
                    Err(fault) => fault.replace(&folder, ""),
                })
                .collect()
        }
    }

    fn app(seed: u64) -> Vec<u8> {
        sample::app(Chip::Esp32, 20_000, seed)
    }

    #[test]
    fn what_nobody_touched_is_never_told() {
        let mut bench = Bench::new();
        assert!(bench.looks(5).is_empty());
        // written anew, and the same
        bench.put("app.bin", app(1));
        assert!(bench.looks(5).is_empty());
    }

    #[test]
    fn a_change_is_told_once_and_so_is_its_end() {
        let mut bench = Bench::new();
        bench.put("app.bin", app(2));
        assert_eq!(bench.looks(1), [""; 0]);
        assert_eq!(bench.looks(1), ["1.0"]);
        assert_eq!(bench.looks(5), [""; 0]);
        bench.put("m.toml", MANIFEST.replace("1.0", "1.1") + &image("app"));
        assert_eq!(bench.looks(5), ["1.1"]);
        bench.put("m.toml", MANIFEST.to_owned() + &image("app"));
        bench.put("app.bin", app(1));
        assert_eq!(bench.looks(5), ["1.0"]);
    }

    #[test]
    fn a_build_that_is_being_written_is_not_read() {
        let mut bench = Bench::new();
        bench.looks(3);
        for seed in 2..6 {
            bench.put("app.bin", app(seed));
            assert_eq!(bench.looks(1), [""; 0]);
        }
        assert_eq!(bench.looks(5), ["1.0"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_so_is_what_comes_after() {
        let mut bench = Bench::new();
        bench.put(
            "m.toml",
            MANIFEST.to_owned() + "colour = 1\n" + &image("app"),
        );
        let unknown = bench.looks(5);
        assert_eq!(unknown.len(), 1, "{unknown:?}");
        assert!(unknown[0].starts_with("/m.toml:4:1: "), "{unknown:?}");
        // a file that it names and that is not there yet
        bench.put("m.toml", MANIFEST.to_owned() + &image("new"));
        assert_eq!(bench.looks(5), ["/m.toml:6:8: /new.bin does not exist"]);
        bench.put("new.bin", app(3));
        assert_eq!(bench.looks(5), ["1.0"]);
        fs::remove_file(bench.folder.path().join("m.toml")).unwrap();
        assert_eq!(bench.looks(5), ["/m.toml: the file does not exist"]);
    }

    #[test]
    fn only_what_is_on_the_disk_now_is_on_the_disk() {
        let bench = Bench::new();
        let path = bench.folder.path().join("m.toml");
        let digest = Bundle::load(&path).unwrap().digest;
        assert!(is_on_disk(&path, digest));
        bench.put("app.bin", app(2));
        assert!(!is_on_disk(&path, digest));
    }
}
