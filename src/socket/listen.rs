//! The socket as a file: made under its own name only when it is ready and belongs to whom it should,
//! taken over from a daemon that is dead, left alone where one is alive, removed at the end.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::Group;
use rustix::fs::FlockOperation;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::settings::{LONGEST_SOCKET_BYTES, SocketSettings};

/// How long another flashline may take to make its socket in the same folder.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "another program{} serves {}: stop it, or give this station another path in [socket]",
        process(.by), path.display()
    )]
    Live { path: PathBuf, by: Option<i32> },
    #[error(
        "{} is there and is no socket: remove it, or give another path in [socket]",
        path.display()
    )]
    Foreign { path: PathBuf },
    #[error(
        "the socket's path has {bytes} bytes, and a socket's may have {LONGEST_SOCKET_BYTES}: give a \
         shorter one in [socket] ({})", path.display()
    )]
    TooLong { path: PathBuf, bytes: usize },
    #[error("there is no group {group}: make it (groupadd {group}), or change `group` in [socket]")]
    NoSuchGroup { group: String },
    #[error("whether there is a group {group} cannot be told now: {source}")]
    GroupUnknown { group: String, source: io::Error },
    #[error(
        "the socket {} cannot be given to the group {group}: {source}. The daemon's user must be a member",
        path.display()
    )]
    Group {
        path: PathBuf,
        group: String,
        source: io::Error,
    },
    #[error(
        "the socket {} cannot be made: {source}. Give a folder in [socket] that is there and that this \
         user may write to",
        path.display()
    )]
    Io { path: PathBuf, source: io::Error },
}

fn process(by: &Option<i32>) -> String {
    by.map_or_else(String::new, |process| format!(" (process {process})"))
}

/// A socket that takes connections; dropping it removes its file.
#[derive(Debug)]
pub struct Listening {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Device and inode: what is at the path later may be another's.
    file: (u64, u64),
}

impl Listening {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|file| (file.dev(), file.ino()) == self.file)
        {
            // what is left behind is found dead by the next daemon
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the socket. Blocks, for moments.
///
/// # Errors
/// The path is in use, is no socket's or none can be made there; the group is not there or not to be had.
pub fn listen(settings: &SocketSettings) -> Result<Listening, ListenError> {
    let path = std::path::absolute(&settings.path).unwrap_or_else(|_| settings.path.clone());
    let io = |source| ListenError::Io {
        path: path.clone(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let unnamed = folder.join(unnamed());
    let bytes = path.as_os_str().len();
    if bytes.max(unnamed.as_os_str().len()) > LONGEST_SOCKET_BYTES {
        return Err(ListenError::TooLong {
            path: path.clone(),
            bytes,
        });
    }
    let group = settings.group.as_deref().map(group_number).transpose()?;
    // two daemons that start at once must not both find the place free
    let _turn = turn(folder).map_err(io)?;
    look(&path)?;
    // a crash may have left it
    let _ = fs::remove_file(&unnamed);
    let listener = UnixListener::bind(&unnamed).map_err(io)?;
    let made = Listening {
        file: file_of(&unnamed).map_err(io)?,
        path: unnamed.clone(),
        listener,
    };
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    // a service that may change no owners can still have its own group
    let own = fs::symlink_metadata(&unnamed).map_err(io)?.gid();
    if let (Some(number), Some(group)) = (group.filter(|number| *number != own), &settings.group) {
        std::os::unix::fs::chown(&unnamed, None, Some(number)).map_err(|source| {
            ListenError::Group {
                path: path.clone(),
                group: group.clone(),
                source,
            }
        })?;
    }
    fs::set_permissions(&unnamed, Permissions::from_mode(mode)).map_err(io)?;
    made.listener.set_nonblocking(true).map_err(io)?;
    // in the place of a dead one, at once
    fs::rename(&unnamed, &path).map_err(io)?;
    let mut made = made;
    made.path.clone_from(&path);
    Ok(made)
}

/// The name in the same folder under which the socket is made ready.
fn unnamed() -> OsString {
    format!(".fl-{}", std::process::id()).into()
}

fn file_of(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// An flock on the folder, which leaves nothing behind.
fn turn(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the place is free: nothing there, or a socket that nobody serves.
fn look(path: &Path) -> Result<(), ListenError> {
    let path = path.to_owned();
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(ListenError::Io { path, source }),
        Ok(file) if !file.file_type().is_socket() => Err(ListenError::Foreign { path }),
        Ok(_) => match connect_now(&path) {
            Ok(peer) => Err(ListenError::Live {
                by: rustix::net::sockopt::socket_peercred(&peer)
                    .ok()
                    .map(|peer| peer.pid.as_raw_nonzero().get()),
                path,
            }),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            // somebody is there who takes none now
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(ListenError::Live { path, by: None })
            }
            Err(source) => Err(ListenError::Io { path, source }),
        },
    }
}

/// Connects without waiting for who serves there: one that has stopped takes nobody, and many may wait.
fn connect_now(path: &Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn group_number(group: &str) -> Result<u32, ListenError> {
    let name = || group.to_owned();
    match Group::from_name(group) {
        Ok(Some(found)) => Ok(found.gid.as_raw()),
        Ok(None) => Err(ListenError::NoSuchGroup { group: name() }),
        Err(error) => Err(ListenError::GroupUnknown {
            group: name(),
            source: error.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn at(path: &Path) -> SocketSettings {
        SocketSettings {
            path: path.to_owned(),
            group: None,
            said_group: None,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn it_is_its_users_alone_and_goes_with_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let made = listen(&at(&path)).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        UnixStream::connect(&path).unwrap();
        drop(made);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn a_group_may_be_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let own = Group::from_gid(nix::unistd::Gid::effective());
        let own = own.unwrap().unwrap();
        let settings = SocketSettings {
            group: Some(own.name),
            ..at(&path)
        };
        let _made = listen(&settings).unwrap();
        let file = fs::metadata(&path).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o660);
        assert_eq!(file.gid(), own.gid.as_raw());
    }

    #[test]
    fn a_dead_daemons_socket_is_replaced_and_a_live_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        drop(UnixListener::bind(&path).unwrap());
        let made = listen(&at(&path)).unwrap();
        let told = listen(&at(&path)).unwrap_err();
        let own = std::process::id() as i32;
        assert!(
            matches!(told, ListenError::Live { by: Some(by), .. } if by == own),
            "{told}"
        );
        assert!(told.to_string().contains(&format!("(process {own})")));
        UnixStream::connect(&path).unwrap();
        drop(made);
    }

    #[test]
    fn one_that_takes_nobody_is_alive_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let flags = SocketFlags::CLOEXEC;
        let stopped = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
        let stopped = stopped.unwrap();
        net::bind(&stopped, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        net::listen(&stopped, 0).unwrap();
        let _waiting: Vec<OwnedFd> = std::iter::from_fn(|| connect_now(&path).ok())
            .take(64)
            .collect();
        let told = listen(&at(&path)).unwrap_err();
        assert!(matches!(told, ListenError::Live { by: None, .. }), "{told}");
    }

    #[test]
    fn what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        fs::write(&path, "a letter").unwrap();
        let told = listen(&at(&path)).unwrap_err();
        assert!(matches!(told, ListenError::Foreign { .. }), "{told}");
        assert_eq!(fs::read(&path).unwrap(), b"a letter");
        // a socket that took our place later is not removed with ours
        let other = folder.path().join("o");
        let made = listen(&at(&other)).unwrap();
        fs::remove_file(&other).unwrap();
        let _next = UnixListener::bind(&other).unwrap();
        drop(made);
        assert!(other.exists());
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(100));
        let told = listen(&at(&path)).unwrap_err();
        assert!(matches!(told, ListenError::TooLong { .. }), "{told}");
        let told = listen(&at(&folder.path().join("no/folder"))).unwrap_err();
        assert!(matches!(told, ListenError::Io { .. }), "{told}");
        let nobody = SocketSettings {
            group: Some("no such group".to_owned()),
            ..at(&folder.path().join("s"))
        };
        let told = listen(&nobody).unwrap_err();
        assert!(matches!(told, ListenError::NoSuchGroup { .. }), "{told}");
    }
}
