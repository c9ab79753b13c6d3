//! What systemd is told of a running station (sd_notify(3), a datagram for each message): that boards
//! are taken, a line of status, that it is alive, that it ends. Leaves out how it is installed (`service`).
//!
//! Alive means that the floor turns: it is asked before each ping, and one that hangs lets the watchdog
//! bite.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::station::{LineState, Pulse, SlotOut, Snapshot};

/// The status line changes at most this often.
const STATUS_EACH: Duration = Duration::from_secs(1);

/// Where messages go, and how often systemd wants to hear that the program is alive.
#[derive(Debug)]
pub struct Systemd {
    socket: UnixDatagram,
    ping_each: Option<Duration>,
}

impl Systemd {
    /// The one that started this process; `None` where that was someone else.
    ///
    /// # Errors
    /// It left an address that cannot be reached.
    pub fn from_env() -> io::Result<Option<Systemd>> {
        let text = |name| std::env::var(name).ok();
        let Some(address) = std::env::var_os("NOTIFY_SOCKET") else {
            return Ok(None);
        };
        let watchdog = text("WATCHDOG_USEC").map(|usec| (usec, text("WATCHDOG_PID")));
        let ping_each = watchdog.and_then(|(usec, pid)| ping_each(&usec, pid.as_deref()));
        Systemd::at(address.as_encoded_bytes(), ping_each).map(Some)
    }

    /// `@` begins an abstract address.
    fn at(address: &[u8], ping_each: Option<Duration>) -> io::Result<Systemd> {
        use std::os::unix::ffi::OsStrExt;
        let socket = UnixDatagram::unbound()?;
        let address = match address.strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(address))?,
        };
        socket.connect_addr(&address)?;
        // a service manager that is busy is no reason to wait
        socket.set_nonblocking(true)?;
        Ok(Systemd { socket, ping_each })
    }

    fn tell(&self, message: &str) {
        if let Err(error) = self.socket.send(message.as_bytes()) {
            tracing::warn!(%error, message, "systemd was not told");
        }
    }

    /// Tells what becomes of a station, in a task that ends with it. Boards are taken as of now.
    pub fn follow(
        self,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        pulse: Pulse,
        stop: CancellationToken,
    ) -> JoinHandle<()> {
        tokio::spawn(async move {
            let alive = async {
                self.keep_alive(pulse).await;
                std::future::pending().await
            };
            tokio::select! {
                () = self.tell_status(snapshots, stop) => {}
                () = alive => {}
            }
        })
    }

    /// The station's state: READY first, its line whenever that is another, STOPPING once it ends.
    async fn tell_status(
        &self,
        mut snapshots: watch::Receiver<Arc<Snapshot>>,
        stop: CancellationToken,
    ) {
        let mut told = status(&snapshots.borrow_and_update());
        self.tell(&format!("READY=1\nSTATUS={told}"));
        let mut stopping = false;
        loop {
            tokio::select! {
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.tell("STOPPING=1");
                }
                changed = snapshots.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let line = status(&snapshots.borrow_and_update());
                    if line != told {
                        self.tell(&format!("STATUS={line}"));
                        told = line;
                        tokio::select! {
                            () = tokio::time::sleep(STATUS_EACH) => {}
                            () = stop.cancelled(), if !stopping => {}
                        }
                    }
                }
            }
        }
        if !stopping {
            self.tell("STOPPING=1");
        }
    }

    /// A turn of the floor that takes longer than half of the time between two is told of well before
    /// systemd loses its patience.
    async fn keep_alive(&self, pulse: Pulse) {
        let Some(each) = self.ping_each else {
            return;
        };
        let patience = each / 2;
        loop {
            let next = tokio::time::Instant::now() + each;
            match tokio::time::timeout(patience, pulse.beat()).await {
                Ok(true) => self.tell("WATCHDOG=1"),
                Ok(false) => return,
                Err(_) => tracing::error!(waited = ?patience, "the floor does not turn"),
            }
            tokio::time::sleep_until(next).await;
        }
    }
}

/// Half of the time that systemd waits (sd_watchdog_enabled(3)), where it waits for this process.
fn ping_each(usec: &str, pid: Option<&str>) -> Option<Duration> {
    let meant = pid.is_none_or(|pid| pid.parse() == Ok(std::process::id()));
    let usec: u64 = usec.parse().ok().filter(|usec| *usec > 0 && meant)?;
    Some(Duration::from_micros(usec) / 2)
}

/// The station in one line, for `systemctl status`.
fn status(snapshot: &Snapshot) -> String {
    let slots = &snapshot.slots;
    let at_work = slots.iter().filter(|slot| slot.state.board().is_some());
    let at_work = at_work.count();
    let count = |out: fn(&SlotOut) -> bool| {
        let out = slots
            .iter()
            .filter(|slot| slot.out.as_ref().is_some_and(out));
        out.count()
    };
    let mut words = vec![match &snapshot.line {
        LineState::Running => "running".to_owned(),
        LineState::Stopped { code, detail } => format!("line stopped: {code}: {detail}"),
        LineState::Halted(_) => "line halted: a supervisor lets it go on".to_owned(),
        LineState::Ending => "ending".to_owned(),
    }];
    words.push(format!("{at_work} of {} slots at work", slots.len()));
    let quarantined = count(|out| matches!(out, SlotOut::Quarantined { .. }));
    let stopped = count(|out| matches!(out, SlotOut::Stopped { .. }));
    for (slots, what) in [(quarantined, "quarantined"), (stopped, "stopped")] {
        if slots > 0 {
            words.push(format!("{slots} {what}"));
        }
    }
    let today = &snapshot.standing.today.jobs;
    let mut figures = vec![format!("today {} passed", today.passed)];
    if today.written > 0 {
        figures.push(format!("{} written and not verified", today.written));
    }
    figures.push(format!("{} failed", today.failed));
    figures.push(format!("{} bench errors", today.errors));
    words.push(figures.join(", "));
    // a line is a line, whatever a fault's words are
    words.join("; ").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests;
