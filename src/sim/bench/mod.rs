//! The bench: boards on ptys (with symlinks in a folder), on RFC2217 ports, and on ports in memory,
//! with handles through which a script plugs and pulls them and looks at their flash.

mod memory;
mod plug;
mod pty;
mod rfc2217;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

pub use memory::SimPorts;
pub use plug::BoardHandle;

use super::board::Board;
use super::spec::{BoardSpec, Wiring};
use plug::{Core, Plug};

/// Boards on ptys, each a symlink in one folder, and on RFC2217 ports. Dropping the bench pulls them
/// all and leaves no link behind.
#[derive(Debug)]
pub struct Bench {
    dir: PathBuf,
    plugged: Mutex<Vec<Plugged>>,
}

#[derive(Debug)]
struct Plugged {
    plug: Arc<Plug>,
    thread: Option<JoinHandle<()>>,
}

impl Bench {
    /// A bench whose ptys are linked in `dir` (made if it is not there).
    pub fn new(dir: &Path) -> io::Result<Bench> {
        std::fs::create_dir_all(dir)?;
        Ok(Bench {
            dir: dir.to_owned(),
            plugged: Mutex::new(Vec::new()),
        })
    }

    /// Puts a board at `dir/name`: a pty behind a symlink. The board starts afresh when the last
    /// client closes.
    pub fn plug(&self, name: &str, spec: BoardSpec) -> io::Result<BoardHandle> {
        let spec = spec.wiring(Wiring::Strapped);
        self.serve(name, Core::new(Board::new(spec)))
    }

    /// Plugs a pulled board in again, at the same or another place: same chip, same flash.
    pub fn replug(&self, name: &str, board: &BoardHandle) -> io::Result<BoardHandle> {
        board.pull();
        board.plug.core().power_on();
        self.serve(name, board.plug.core().clone())
    }

    /// Puts a board behind an RFC2217 server (one client at a time; DTR and RTS reset it, whatever
    /// the spec's wiring says). Call it within a tokio runtime. Port 0 takes a free one: the handle's
    /// path tells which.
    pub fn plug_rfc2217(&self, address: SocketAddr, spec: BoardSpec) -> io::Result<BoardHandle> {
        let core = Core::new(Board::new(spec.wiring(Wiring::Lines)));
        self.serve_rfc2217(address, core, Wiring::Lines)
    }

    /// Gives a board that is plugged elsewhere an RFC2217 port as well, wired so: one chip, one flash.
    /// Whichever port is opened last has the board; both at once is as on a real board with two cables.
    pub fn also_rfc2217(
        &self,
        address: SocketAddr,
        board: &BoardHandle,
        wiring: Wiring,
    ) -> io::Result<BoardHandle> {
        self.serve_rfc2217(address, board.plug.core().clone(), wiring)
    }

    fn serve_rfc2217(
        &self,
        address: SocketAddr,
        core: Arc<Core>,
        wiring: Wiring,
    ) -> io::Result<BoardHandle> {
        let plug = rfc2217::serve(address, core, wiring)?;
        self.keep(plug.clone(), None);
        Ok(BoardHandle { plug })
    }

    fn serve(&self, name: &str, core: Arc<Core>) -> io::Result<BoardHandle> {
        let served = pty::serve(&self.dir.join(name), core)?;
        self.keep(served.plug.clone(), Some(served.thread));
        Ok(BoardHandle { plug: served.plug })
    }

    fn keep(&self, plug: Arc<Plug>, thread: Option<JoinHandle<()>>) {
        let mut plugged = self.plugged.lock().unwrap_or_else(PoisonError::into_inner);
        plugged.retain(|earlier| !earlier.plug.is_pulled());
        plugged.push(Plugged { plug, thread });
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let plugged = std::mem::take(
            self.plugged
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for board in &plugged {
            board.plug.pull();
        }
        for thread in plugged.into_iter().filter_map(|board| board.thread) {
            // a server that panicked has told so on stderr
            let _ = thread.join();
        }
    }
}
