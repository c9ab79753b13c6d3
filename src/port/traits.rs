//! The border: what the rest of the house knows of serial ports.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::holder;
use crate::event::UsbPath;

/// A future behind a trait object.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The two modem lines that reset boards. `true` is asserted (low at the pin of a bridge).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    pub dtr: bool,
    pub rts: bool,
}

/// The two modem lines that a jig's switch may close. `true` is asserted (low at the pin of a bridge).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inputs {
    pub cts: bool,
    pub dsr: bool,
}

/// Whether a port's rate can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateControl {
    Settable,
    /// The line has the rate that it has (a plain socket): the chip must keep to it.
    Fixed,
}

/// An open serial line. Reading `Ok(0)` means that the device is gone, for ever.
pub trait Port: AsyncRead + AsyncWrite + Send + Unpin {
    fn rate_control(&self) -> RateControl {
        RateControl::Settable
    }

    /// Sets the rate; returns what the driver says it made of it.
    fn set_baud(&mut self, baud: u32) -> Pending<'_, io::Result<u32>>;

    /// Sets both lines at once. `Ok(false)` where the port has none (a pty, a plain socket).
    fn set_lines(&mut self, lines: Lines) -> Pending<'_, io::Result<bool>>;

    /// How the inputs are now. `Ok(None)` where the port has none, or does not tell (a pty, a plain socket).
    fn inputs(&mut self) -> Pending<'_, io::Result<Option<Inputs>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Drops what the kernel has received and not handed over.
    fn clear_input(&mut self) -> io::Result<()>;

    /// Drops unsent output and closes, off the worker threads.
    fn close(self: Box<Self>) -> Pending<'static, ()>;
}

/// A USB device's vendor and product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UsbId {
    pub vendor: u16,
    pub product: u16,
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.product)
    }
}

/// A port that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortInfo {
    /// The node to open: `/dev/ttyUSB3`; or the configured path, symlinks unresolved, or URL.
    pub path: PathBuf,
    /// The device that the path resolves to: the same for as long as it stays plugged in, another after a
    /// replug under the same name, whatever became of symlinks.
    pub instance: u64,
    pub usb_path: Option<UsbPath>,
    pub usb_id: Option<UsbId>,
    /// Product string and driver, for people.
    pub description: String,
}

impl PortInfo {
    /// A port of which nothing is known but its path.
    pub fn at(path: impl Into<PathBuf>) -> PortInfo {
        PortInfo {
            path: path.into(),
            instance: 0,
            usb_path: None,
            usb_id: None,
            description: String::new(),
        }
    }
}

/// What changed on the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortChange {
    /// The first full listing after the watch began.
    Present(Vec<PortInfo>),
    /// A port is ready: its node exists and may be read and written.
    Appeared(PortInfo),
    /// The node is gone (or is now another device; then `Appeared` follows).
    Vanished(PathBuf),
}

/// Where ports come from.
pub trait Ports: Send + Sync + 'static {
    /// Starts watching: first one `Present`, then changes. The watch ends when the receiver is dropped.
    /// Called within a runtime.
    fn watch(&self) -> mpsc::Receiver<PortChange>;

    /// Opens a port at a rate, exclusively, lines as the driver leaves them.
    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>>;

    /// Whether other processes can reach these ports too, so that they must be claimed
    /// ([`super::Claim`]). Those of a simulation in memory have nobody to share with.
    fn shared(&self) -> Sharing {
        Sharing::Private
    }
}

/// See [`Ports::shared`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    WithOtherProcesses,
    Private,
}

fn used_by(holder: &str) -> String {
    match holder::remedy(holder) {
        Some(remedy) => format!(" by {holder}; {remedy}"),
        None => format!(" by {holder}"),
    }
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path} does not exist")]
    Absent { path: PathBuf },
    /// A network port's server.
    #[error("{path} cannot be reached: {why}")]
    Unreachable { path: PathBuf, why: String },
    #[error("{path} is not a serial device but {what}")]
    NotSerial { path: PathBuf, what: String },
    #[error("{path} is in use{}", holder.as_deref().map(used_by).unwrap_or_default())]
    Busy {
        path: PathBuf,
        holder: Option<String>,
    },
    #[error("no permission to open {path}")]
    Denied { path: PathBuf },
    #[error("{path} could not be opened: {source}")]
    Io { path: PathBuf, source: io::Error },
}
