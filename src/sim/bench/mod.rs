//! The bench: boards on ptys (with symlinks in a folder), on RFC2217 ports, and on ports in memory,
//! with handles through which a script plugs and pulls them and looks at their flash.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::board::BoardState;
use super::spec::BoardSpec;
use crate::chip::Mac;
use crate::port::{OpenError, Pending, Port, PortChange, Ports};

/// Boards on ptys, each a symlink in one folder, and on RFC2217 ports.
#[derive(Debug)]
pub struct Bench {}

impl Bench {
    /// A bench whose ptys are linked in `dir` (made if it is not there).
    pub fn new(dir: &Path) -> io::Result<Bench> {
        let _ = dir;
        todo!("helper S")
    }

    /// Puts a board at `dir/name`: a pty behind a symlink. The board starts afresh when the last
    /// client closes.
    pub fn plug(&self, name: &str, spec: BoardSpec) -> io::Result<BoardHandle> {
        let _ = (name, spec);
        todo!("helper S")
    }

    /// Plugs a pulled board in again, at the same or another place: same chip, same flash.
    pub fn replug(&self, name: &str, board: &BoardHandle) -> io::Result<BoardHandle> {
        let _ = (name, board);
        todo!("helper S")
    }

    /// Puts a board behind an RFC2217 server (one client at a time; DTR and RTS reset it).
    /// Call it within a tokio runtime.
    pub fn plug_rfc2217(&self, address: SocketAddr, spec: BoardSpec) -> io::Result<BoardHandle> {
        let _ = (address, spec);
        todo!("helper S")
    }
}

/// A plugged board, wherever it is plugged. Dropping the handle leaves the board plugged.
#[derive(Debug, Clone)]
pub struct BoardHandle {}

impl BoardHandle {
    /// The path of its port (the symlink), or its `rfc2217://` URL.
    pub fn path(&self) -> PathBuf {
        todo!("helper S")
    }

    pub fn mac(&self) -> Mac {
        todo!("helper S")
    }

    /// Pulls the board out now: the port vanishes, power is gone, what is in flash stays.
    pub fn pull(&self) {
        todo!("helper S")
    }

    /// Pulls the board out at the first moment when `when` holds; decided inside the model, so it
    /// cannot come too late.
    pub fn pull_when(&self, when: impl Fn(&BoardState) -> bool + Send + 'static) {
        let _ = when;
        todo!("helper S")
    }

    /// The whole flash as it is now.
    pub fn flash(&self) -> Vec<u8> {
        todo!("helper S")
    }

    pub fn state(&self) -> BoardState {
        todo!("helper S")
    }

    /// Waits until the state is so, and returns it.
    pub async fn wait_until(&self, when: impl FnMut(&BoardState) -> bool) -> BoardState {
        let _ = when;
        todo!("helper S")
    }
}

/// Boards on ports in memory, on tokio's clock (a paused one included): no file, no thread.
#[derive(Debug, Clone)]
pub struct SimPorts {}

impl SimPorts {
    pub fn new() -> SimPorts {
        todo!("helper S")
    }

    /// Plugs a board: the port `/sim/name` appears.
    pub fn plug(&self, name: &str, spec: BoardSpec) -> BoardHandle {
        let _ = (name, spec);
        todo!("helper S")
    }

    /// Plugs a pulled board in again, at the same or another place: same chip, same flash.
    pub fn replug(&self, name: &str, board: &BoardHandle) -> BoardHandle {
        let _ = (name, board);
        todo!("helper S")
    }
}

impl Default for SimPorts {
    fn default() -> SimPorts {
        SimPorts::new()
    }
}

impl Ports for SimPorts {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        todo!("helper S")
    }

    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        let _ = (path, baud);
        todo!("helper S")
    }
}
