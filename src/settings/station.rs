//! The station file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Fault;
use crate::event::SlotId;

/// A station's settings, paths resolved against the file's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub station: String,
    pub manifest: PathBuf,
    pub database: PathBuf,
    /// Empty: every known ESP bridge that appears is a slot of its own.
    pub slots: Vec<SlotSettings>,
    /// No job goes faster, whatever the manifest says.
    pub baud_ceiling: Option<u32>,
    /// Attempts a job has, the first included.
    pub attempts: u32,
    /// How long a port must have been there before it is opened.
    pub settle: Duration,
    /// How long a lost port may be away before the board counts as pulled.
    pub grace: Duration,
    /// Less free space than this on the database's disk stops the line.
    pub disk_reserve_bytes: u64,
    /// Use the flasher stub.
    pub stub: bool,
}

/// Where a slot is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A device file, a pty, or a symlink to one.
    Path(PathBuf),
    /// A place on USB.
    Usb(crate::event::UsbPath),
}

/// How a board is brought into its loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reset {
    /// By DTR and RTS where the port has them, else none.
    #[default]
    Auto,
    /// A jig holds the strap: just SYNC.
    None,
}

/// What starts a job on a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Start {
    /// The port appears.
    #[default]
    Plug,
    /// The adapter stays plugged in: SYNC is tried while idle, silence ends the board.
    Probe,
    /// Only when asked.
    Request,
}

/// One `[[slot]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSettings {
    pub name: SlotId,
    pub place: Place,
    pub baud_ceiling: Option<u32>,
    pub reset: Reset,
    pub start: Start,
}

impl Settings {
    /// Reads the station file's text, or tells every fault in it.
    pub fn parse(file: &Path, text: &str) -> Result<Settings, Vec<Fault>> {
        let _ = (file, text);
        todo!("helper M2")
    }
}
