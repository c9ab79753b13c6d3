//! When to look again: the kernel's device events and changes in folders. A hint says that something
//! may have changed, never what; one that is missed costs the time until the next look.
//!
//! Netlink group 1 is the kernel's own (works without udev); group 2 is udev's, which comes after its
//! rules have set permissions. In a container there may be neither: then `/dev` is watched all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::inotify;
use rustix::io::Errno;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::unix::AsyncFd;

use super::kernel;

/// Where hints come from.
pub struct Hints {
    uevents: Option<AsyncFd<Arc<OwnedFd>>>,
    folders: Option<AsyncFd<Arc<OwnedFd>>>,
}

/// The folders that are watched; used by the thread that looks.
pub struct Folders {
    inotify: Option<Arc<OwnedFd>>,
    watched: BTreeMap<PathBuf, i32>,
}

/// How both ends are made, within a runtime.
pub type Open = fn() -> (Hints, Folders);

/// Both ends; must be called within a runtime. What this system does not offer is left out, with a
/// word in the log.
pub fn open() -> (Hints, Folders) {
    from(uevents(), inotify())
}

fn inotify() -> io::Result<Arc<OwnedFd>> {
    let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
    Ok(Arc::new(inotify::init(flags)?))
}

fn from(
    uevents: io::Result<AsyncFd<Arc<OwnedFd>>>,
    inotify: io::Result<Arc<OwnedFd>>,
) -> (Hints, Folders) {
    let told = |what: &str, error: io::Error| {
        tracing::warn!("{what} cannot be watched, ports are found by looking: {error}");
    };
    let uevents = uevents.map_err(|error| told("device events", error)).ok();
    let inotify = inotify.map_err(|error| told("folders", error)).ok();
    let folders = inotify.clone().and_then(|inotify| {
        kernel::register(inotify)
            .map_err(|error| told("folders", error))
            .ok()
    });
    let hints = Hints { uevents, folders };
    let folders = Folders {
        inotify,
        watched: BTreeMap::new(),
    };
    (hints, folders)
}

fn uevents() -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    const KERNEL_AND_UDEV: u32 = 1 | 2;
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
        Some(KOBJECT_UEVENT),
    )?;
    bind(&socket, &SocketAddrNetlink::new(0, KERNEL_AND_UDEV))?;
    kernel::register(Arc::new(socket))
}

impl Hints {
    /// Waits for the next hint; for ever where there are none to be had.
    pub async fn next(&self) {
        tokio::select! {
            () = hint(self.uevents.as_ref(), device_event) => {}
            () = hint(self.folders.as_ref(), folder_event) => {}
        }
    }

    /// Takes the hints that are there already: one look answers them all.
    pub fn clear(&self) {
        if let Some(uevents) = &self.uevents {
            while device_event(uevents.get_ref()).is_ok() {}
        }
        if let Some(folders) = &self.folders {
            while folder_event(folders.get_ref()).is_ok() {}
        }
    }
}

/// Waits until `read` finds something that matters.
async fn hint(
    source: Option<&AsyncFd<Arc<OwnedFd>>>,
    read: fn(&Arc<OwnedFd>) -> io::Result<Matters>,
) {
    let Some(source) = source else {
        return std::future::pending().await;
    };
    loop {
        let Ok(mut ready) = source.readable().await else {
            // The runtime is going down.
            return std::future::pending().await;
        };
        match ready.try_io(|source| read(source.get_ref())) {
            Ok(Ok(Matters::Yes)) => return,
            // It would fail again at once: until the next look there are no hints from it.
            Ok(Err(error)) => {
                tracing::debug!("a source of hints failed: {error}");
                return std::future::pending().await;
            }
            Ok(Ok(Matters::No)) | Err(_) => {}
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matters {
    Yes,
    No,
}

/// Reads one device event.
fn device_event(socket: &Arc<OwnedFd>) -> io::Result<Matters> {
    let mut bytes = [0; 8192];
    let received = recv(socket, &mut bytes, RecvFlags::empty());
    received_event(received.map(|(event, _)| &bytes[..event]))
}

fn received_event(received: Result<&[u8], Errno>) -> io::Result<Matters> {
    match received {
        Ok(event) => Ok(matters(event)),
        // Events were lost: any of them may have mattered.
        Err(Errno::NOBUFS) => Ok(Matters::Yes),
        Err(error) => Err(error.into()),
    }
}

/// Kernel and udev alike list `KEY=value` in NUL-terminated strings.
fn matters(event: &[u8]) -> Matters {
    match event
        .split(|byte| *byte == 0)
        .any(|line| line == b"SUBSYSTEM=tty")
    {
        true => Matters::Yes,
        false => Matters::No,
    }
}

/// Reads a bunch of folder events.
fn folder_event(inotify: &Arc<OwnedFd>) -> io::Result<Matters> {
    let mut bytes = [MaybeUninit::uninit(); 4096];
    match rustix::io::read(inotify, &mut bytes) {
        Ok(_) => Ok(Matters::Yes),
        Err(error) => Err(error.into()),
    }
}

impl Folders {
    /// Watches what decides over these paths, and nothing else: `dev`, and of each path the folder in
    /// which it is or will be (or the nearest one that exists) and the one in which its target is.
    pub fn watch(&mut self, dev: &Path, paths: &[PathBuf]) {
        let Some(inotify) = &self.inotify else {
            return;
        };
        // A folder may appear between the look for it and the watch on the one above it: look again
        // until nothing changes, and not for ever.
        for _ in 0..3 {
            let wanted = folders(dev, paths);
            let settled = wanted.iter().eq(self.watched.keys());
            self.watched.retain(|folder, watch| {
                let keep = wanted.contains(folder);
                if !keep {
                    // The watch of a folder that was removed is gone already.
                    let _ = inotify::remove_watch(inotify, *watch);
                }
                keep
            });
            for folder in wanted {
                // Again for those that are watched: it may be another folder under the same name.
                match inotify::add_watch(inotify, &folder, interest()) {
                    Ok(watch) => _ = self.watched.insert(folder, watch),
                    Err(error) => tracing::debug!("{} is not watched: {error}", folder.display()),
                }
            }
            if settled {
                break;
            }
        }
    }
}

fn interest() -> inotify::WatchFlags {
    use inotify::WatchFlags;
    WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        // permissions
        | WatchFlags::ATTRIB
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR
}

fn folders(dev: &Path, paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let places = paths.iter().filter_map(|path| {
        path.ancestors()
            .skip(1)
            .find(|folder| folder.is_dir())
            .map(Path::to_owned)
    });
    let targets = paths
        .iter()
        .filter_map(|path| Some(path.canonicalize().ok()?.parent()?.to_owned()));
    let dev = dev.to_owned();
    std::iter::once(dev).chain(places).chain(targets).collect()
}

/// As in a container that is refused the kernel's events.
#[cfg(test)]
pub(super) fn without_device_events() -> (Hints, Folders) {
    from(Err(Errno::PERM.into()), inotify())
}

/// As on a system that has used up its watches as well.
#[cfg(test)]
pub(super) fn without_any() -> (Hints, Folders) {
    from(Err(Errno::PERM.into()), Err(Errno::MFILE.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_lost_events_it_is_looked() {
        assert_eq!(received_event(Err(Errno::NOBUFS)).unwrap(), Matters::Yes);
        assert!(received_event(Err(Errno::WOULDBLOCK)).is_err());
        assert_eq!(received_event(Ok(b"SUBSYSTEM=tty")).unwrap(), Matters::Yes);
    }

    #[test]
    fn only_terminals_matter() {
        let kernel = b"add@/devices/x/ttyUSB0\0ACTION=add\0SUBSYSTEM=tty\0DEVNAME=ttyUSB0\0";
        let udev = b"libudev\0\xfe\xed\xca\xfe....ACTION=add\0SUBSYSTEM=tty\0";
        let disk = b"change@/devices/x/sda\0ACTION=change\0SUBSYSTEM=block\0";
        let named_so = b"add@/SUBSYSTEM=tty/x\0SUBSYSTEM=ttyish\0";
        let check = |event: &[u8], expect| assert_eq!(matters(event), expect);
        check(kernel, Matters::Yes);
        check(udev, Matters::Yes);
        check(disk, Matters::No);
        check(named_so, Matters::No);
        check(b"", Matters::No);
    }

    #[test]
    fn the_nearest_folder_that_exists_is_watched() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let path = root.join("bench/left/slot1");
        let watched = |path: &Path| folders(Path::new("/dev"), &[path.to_owned()]);
        assert_eq!(
            watched(&path),
            BTreeSet::from(["/dev".into(), root.clone()])
        );
        std::fs::create_dir_all(root.join("bench/left")).unwrap();
        let folder = root.join("bench/left");
        assert_eq!(
            watched(&path),
            BTreeSet::from(["/dev".into(), folder.clone()])
        );
        std::os::unix::fs::symlink("/dev/pts/ptmx", &path).unwrap();
        assert_eq!(
            watched(&path),
            BTreeSet::from(["/dev".into(), "/dev/pts".into(), folder])
        );
    }
    /// Reaches the kernel's own events: root may make it repeat one.
    #[tokio::test]
    #[ignore = "needs root on a machine, not in a container"]
    async fn the_kernel_is_heard() {
        let (hints, _folders) = open();
        std::fs::write("/sys/class/tty/tty0/uevent", "change").unwrap();
        hints.next().await;
    }
}
