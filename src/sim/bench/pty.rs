//! A board on a pseudo-terminal, behind a symlink. A thread of its own serves the master: ptys and a
//! paused clock do not mix, and a thread can sleep to the microsecond.

use std::collections::VecDeque;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, QueueSelector};
use tokio::time::Instant;

use super::plug::{Core, Plug};
use crate::sim::spec::Wiring;

/// What is kept for a client that does not read; the rest is lost, as on a wire.
const OUTPUT_BYTES: usize = 64 << 10;

/// A pty that is served.
pub struct Served {
    pub plug: Arc<Plug>,
    pub thread: JoinHandle<()>,
}

/// Puts a board at `link` and serves it until it is pulled.
pub fn serve(link: &Path, core: Arc<Core>) -> io::Result<Served> {
    let master =
        rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let terminal = PathBuf::from(std::ffi::OsStr::from_bytes(name.as_bytes()));
    rustix::io::ioctl_fionbio(&master, true)?;
    // raw from the start, or the line discipline would echo the board's words back at it
    let mut settings = rustix::termios::tcgetattr(&master)?;
    settings.make_raw();
    rustix::termios::tcsetattr(&master, OptionalActions::Now, &settings)?;

    // opened and closed once: from now on the master hangs up whenever nobody has the terminal open
    drop(
        std::fs::File::options()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits() as i32)
            .open(&terminal)?,
    );
    let clients = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    inotify::add_watch(
        &clients,
        &terminal,
        WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE,
    )?;
    let bell = Arc::new(rustix::event::eventfd(
        0,
        EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
    )?);

    remove_link(link)?;
    std::os::unix::fs::symlink(&terminal, link)?;
    let plug = Plug::new(core, link.to_owned(), Wiring::Strapped, {
        let (bell, link) = (bell.clone(), link.to_owned());
        Box::new(move || {
            // gone already, or a folder that was removed: either way there is no link any more
            let _ = remove_link(&link);
            // a counter that is full has rung
            let _ = rustix::io::write(&*bell, &1u64.to_ne_bytes());
        })
    });
    let server = Server {
        plug: plug.clone(),
        master,
        clients,
        bell,
        open: false,
        output: VecDeque::new(),
    };
    let thread = std::thread::Builder::new()
        .name("simulated board".to_owned())
        .spawn(move || server.run())?;
    Ok(Served { plug, thread })
}

/// Removes a link that is there; anything else at this path is left and told.
fn remove_link(link: &Path) -> io::Result<()> {
    match link.symlink_metadata() {
        Ok(there) if there.file_type().is_symlink() => std::fs::remove_file(link),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is there and is no link", link.display()),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

struct Server {
    plug: Arc<Plug>,
    master: OwnedFd,
    /// Opens and closes of the terminal, as inotify sees them.
    clients: OwnedFd,
    bell: Arc<OwnedFd>,
    open: bool,
    output: VecDeque<u8>,
}

impl Server {
    /// Until the board is pulled: dropping the master is what makes the terminal hang up.
    fn run(mut self) {
        while !self.plug.is_pulled() {
            self.speak();
            let (from_client, clients_changed) = match self.wait() {
                Ok(ready) => ready,
                Err(Errno::INTR) => continue,
                // nothing can be served without poll
                Err(_) => break,
            };
            if clients_changed {
                self.look_for_clients();
            }
            if from_client {
                self.listen();
            }
        }
        self.plug.pull();
    }

    /// What the board has to say goes to whoever has the terminal open.
    fn speak(&mut self) {
        if !self.open {
            return;
        }
        let baud = self.baud();
        if let Some(bytes) = self.plug.with(|board, now| board.take(now, baud)) {
            self.output.extend(bytes);
        }
        let surplus = self.output.len().saturating_sub(OUTPUT_BYTES);
        self.output.drain(..surplus);
        while !self.output.is_empty() {
            let (head, _) = self.output.as_slices();
            match rustix::io::write(&self.master, head) {
                Ok(count) if count > 0 => drop(self.output.drain(..count)),
                Err(Errno::INTR) => {}
                // full, or the client is just leaving
                _ => return,
            }
        }
    }

    /// Waits for the client, for clients coming and going, for the bell, or for the board's next
    /// moment.
    fn wait(&self) -> Result<(bool, bool), Errno> {
        let timeout = match self.open {
            false => None,
            true => self.plug.next_due().map(until),
        };
        let mut interest = PollFlags::empty();
        if self.open {
            interest |= PollFlags::IN;
            if !self.output.is_empty() {
                interest |= PollFlags::OUT;
            }
        }
        let mut ready = [
            PollFd::new(&*self.bell, PollFlags::IN),
            PollFd::new(&self.clients, PollFlags::IN),
            PollFd::new(&self.master, interest),
        ];
        // with nobody there the master only says HUP, over and over
        let watched = if self.open { 3 } else { 2 };
        rustix::event::poll(&mut ready[..watched], timeout.as_ref())?;
        let hung_up = ready[2].revents().contains(PollFlags::HUP);
        let clients_changed = hung_up || !ready[1].revents().is_empty();
        let from_client = ready[2].revents().contains(PollFlags::IN);
        Ok((from_client, clients_changed))
    }

    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = rustix::io::read(&self.master, &mut buffer) {
            let baud = self.baud();
            self.plug
                .with(|board, now| board.receive(now, baud, &buffer[..count]));
        }
    }

    /// Whether somebody has the terminal open is asked of the master; inotify tells when to ask, and of
    /// sessions that were over before anybody looked. It does not count: equal events that nobody has
    /// read yet become one.
    fn look_for_clients(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut events = inotify::Reader::new(&self.clients, &mut buffer);
        let mut opens = Vec::new();
        while let Ok(event) = events.next() {
            opens.push(event.events().contains(ReadFlags::OPEN));
        }
        let now = self.is_open();
        let reopened = opens.windows(2).any(|pair| pair == [false, true]);
        match (self.open, now) {
            (false, true) => self.client_came(),
            (true, false) => self.last_client_left(),
            (true, true) if reopened => {
                self.last_client_left();
                self.client_came();
            }
            (false, false) if opens.contains(&true) => {
                self.client_came();
                self.last_client_left();
            }
            _ => {}
        }
    }

    /// The master hangs up while no one has the terminal open.
    fn is_open(&self) -> bool {
        let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        match rustix::event::poll(&mut ready, Some(&none)) {
            Ok(_) => !ready[0].revents().contains(PollFlags::HUP),
            Err(_) => self.open,
        }
    }

    fn client_came(&mut self) {
        self.open = true;
        self.plug.opened();
    }

    /// What either side had not read is lost; the board starts afresh.
    fn last_client_left(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(1..) = rustix::io::read(&self.master, &mut buffer) {}
        self.output.clear();
        self.open = false;
        // a pty knows no failure here that would matter
        let _ = rustix::termios::tcflush(&self.master, QueueSelector::IOFlush);
        self.plug.closed();
    }

    /// The rate that the client has set; on Linux the master shows the terminal's settings.
    fn baud(&self) -> u32 {
        rustix::termios::tcgetattr(&self.master).map_or(0, |settings| settings.output_speed())
    }
}

fn until(due: Instant) -> Timespec {
    let left = due.saturating_duration_since(Instant::now());
    Timespec {
        tv_sec: left.as_secs() as i64,
        tv_nsec: i64::from(left.subsec_nanos()),
    }
}
