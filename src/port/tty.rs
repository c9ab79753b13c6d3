//! Real serial lines: terminals of the kernel, ptys included.
//!
//! Reading and writing are tokio-serial's. What it does not do well is done here, on a second
//! descriptor of the same terminal: rate and lines (both lines at once, off the workers), and telling
//! why an open failed. Its `flush` is never called: it blocks a worker until the output is drained.

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio_serial::SerialStream;

use super::{Inputs, Lines, OpenError, Pending, Port, holder, kernel};

/// Opens a terminal at a rate, raw, without flow control, exclusively (a lock for those that ask for
/// it, TIOCEXCL for the rest), on a blocking thread.
pub async fn open(path: PathBuf, baud: u32) -> Result<Box<dyn Port>, OpenError> {
    let asked = path.clone();
    match spawn_blocking(move || open_blocking(&path, baud)).await {
        Ok(opened) => Ok(Box::new(opened?)),
        Err(error) => Err(OpenError::Io {
            path: asked,
            source: io::Error::other(error),
        }),
    }
}

/// An open terminal.
struct TtyPort {
    /// `None` once it is closed.
    open: Option<Open>,
}

struct Open {
    stream: SerialStream,
    /// The same terminal once more, for calls that may block.
    control: Arc<OwnedFd>,
}

impl Drop for Open {
    /// Without this the kernel waits up to 30 s for output that no one takes.
    fn drop(&mut self) {
        // A port that is gone has nothing to drop.
        let _ = tcflush(&self.control, QueueSelector::OFlush);
    }
}

fn open_blocking(path: &Path, baud: u32) -> Result<TtyPort, OpenError> {
    let failed = |source: io::Error| open_error(path, source);
    // A symlink is followed once, so that both descriptors are of one device.
    let device = path.canonicalize().map_err(failed)?;
    let meta = fs::metadata(&device).map_err(failed)?;
    let busy = || OpenError::Busy {
        path: path.to_owned(),
        holder: holder::of(meta.rdev()),
    };
    if !meta.file_type().is_char_device() {
        return Err(not_serial(path, kind(meta.file_type())));
    }
    let open = || {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::open(&device, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::BUSY => busy(),
            errno => failed(errno.into()),
        })
    };
    let mut control = open()?;
    match tcgetattr(&control) {
        Ok(_) => {}
        Err(Errno::NOTTY | Errno::INVAL) => {
            return Err(not_serial(path, "a device without a serial line"));
        }
        Err(errno) => return Err(failed(errno.into())),
    }
    // Root is let in where others meet EBUSY: two would read one line, and our closing would end the
    // other's exclusiveness. A pty keeps the mark of an owner that was killed: then nobody has it open.
    if kernel::is_exclusive(control.as_fd()).map_err(|errno| failed(errno.into()))? {
        drop(control);
        if holder::of(meta.rdev()).is_some() {
            return Err(busy());
        }
        control = open()?;
    }
    // Asked for here first: where tokio-serial fails to get the lock, it takes the owner's TIOCEXCL away.
    match flock(&control, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => flock(&control, FlockOperation::Unlock).map_err(|errno| failed(errno.into()))?,
        Err(Errno::WOULDBLOCK) => {
            drop(control);
            return Err(busy());
        }
        Err(errno) => return Err(failed(errno.into())),
    }
    let Some(name) = device.to_str() else {
        let why = "the path is no UTF-8, which the serial library wants";
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, why)));
    };
    let stream = match SerialStream::open(&tokio_serial::new(name, baud)) {
        Ok(stream) => stream,
        // tokio-serial's word for EBUSY and for a lock that is taken.
        Err(error) if matches!(error.kind(), tokio_serial::ErrorKind::NoDevice) => {
            drop(control);
            return Err(busy());
        }
        Err(error) => return Err(failed(error.into())),
    };
    keep_lines_at_close(&control).map_err(failed)?;
    hand_over_at_once(&control, &device);
    Ok(TtyPort {
        open: Some(Open {
            stream,
            control: Arc::new(control),
        }),
    })
}

/// Closing would let both lines go, one shortly after the other with some bridges, which resets the
/// board that has just been started (HUPCL; the CP2102C does).
fn keep_lines_at_close(control: &OwnedFd) -> io::Result<()> {
    let mut settings = tcgetattr(control)?;
    settings.control_modes.remove(ControlModes::HUPCL);
    Ok(tcsetattr(control, OptionalActions::Now, &settings)?)
}

/// An FTDI gathers for 16 ms otherwise, at each answer. By the driver's flag, or where that is not to be
/// had by its timer in sysfs (root's alone). Drivers that have neither do not gather.
///
/// It stays so when the port is closed: the driver forgets it at the next plug, it harms nobody, and a
/// program that crashes would not put it back either.
fn hand_over_at_once(control: &OwnedFd, device: &Path) {
    let Err(errno) = kernel::set_low_latency(control.as_fd()) else {
        return;
    };
    let Some(name) = device.file_name() else {
        return;
    };
    let timer = Path::new("/sys/class/tty")
        .join(name)
        .join("device/latency_timer");
    let set = fs::OpenOptions::new()
        .write(true)
        .open(timer)
        .and_then(|mut timer| timer.write_all(b"1"));
    if let Err(error) = set {
        tracing::debug!(
            "no low-latency mode on {}: {errno}; {error}",
            device.display()
        );
    }
}

fn set_baud(control: &OwnedFd, baud: u32) -> io::Result<u32> {
    let mut settings = tcgetattr(control)?;
    settings.set_speed(baud)?;
    tcsetattr(control, OptionalActions::Now, &settings)?;
    Ok(tcgetattr(control)?.output_speed())
}

fn not_serial(path: &Path, what: &str) -> OpenError {
    OpenError::NotSerial {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

fn kind(file_type: fs::FileType) -> &'static str {
    if file_type.is_dir() {
        "a folder"
    } else if file_type.is_block_device() {
        "a disk"
    } else if file_type.is_fifo() {
        "a pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a plain file"
    }
}

fn open_error(path: &Path, source: io::Error) -> OpenError {
    let path = path.to_owned();
    // A node whose driver has let go of the device (ENXIO, ENODEV) is as good as absent.
    let driverless = [Errno::NXIO, Errno::NODEV]
        .iter()
        .any(|errno| source.raw_os_error() == Some(errno.raw_os_error()));
    match source.kind() {
        io::ErrorKind::NotFound => OpenError::Absent { path },
        io::ErrorKind::PermissionDenied => OpenError::Denied { path },
        _ if driverless => OpenError::Absent { path },
        _ => OpenError::Io { path, source },
    }
}

impl TtyPort {
    fn stream(&mut self) -> io::Result<Pin<&mut SerialStream>> {
        match &mut self.open {
            Some(open) => Ok(Pin::new(&mut open.stream)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Runs a call that may block for seconds behind a USB transfer.
    async fn off_worker<T: Send + 'static>(
        &self,
        call: impl FnOnce(&OwnedFd) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let Some(open) = &self.open else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let control = open.control.clone();
        spawn_blocking(move || call(&control))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

impl Port for TtyPort {
    fn set_baud(&mut self, baud: u32) -> Pending<'_, io::Result<u32>> {
        Box::pin(self.off_worker(move |control| set_baud(control, baud)))
    }

    fn set_lines(&mut self, lines: Lines) -> Pending<'_, io::Result<bool>> {
        Box::pin(self.off_worker(move |control| Ok(kernel::set_lines(control.as_fd(), lines)?)))
    }

    fn inputs(&mut self) -> Pending<'_, io::Result<Option<Inputs>>> {
        Box::pin(self.off_worker(|control| Ok(kernel::inputs(control.as_fd())?)))
    }

    fn clear_input(&mut self) -> io::Result<()> {
        match &self.open {
            // Touches the kernel's buffer only, not the device.
            Some(open) => Ok(tcflush(&open.control, QueueSelector::IFlush)?),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn close(mut self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move {
            if let Some(open) = self.open.take() {
                // The closing thread cannot panic, and there is nothing to do if the runtime ends first.
                let _ = spawn_blocking(move || drop(open)).await;
            }
        })
    }
}

impl Drop for TtyPort {
    /// A port that was not closed, because its task ended, must not block a worker either.
    fn drop(&mut self) {
        if let Some(open) = self.open.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(open));
        }
    }
}

impl AsyncRead for TtyPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for TtyPort {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, bytes)
    }

    /// Nothing: what is written is the kernel's, and waiting for it to go out blocks.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A pty for tests: the master's side, and the path of the other.
#[cfg(test)]
pub(super) fn pty() -> (fs::File, PathBuf) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap();
    let path = PathBuf::from(path.into_string().unwrap());
    (fs::File::from(master), path)
}

#[cfg(test)]
mod tests;
