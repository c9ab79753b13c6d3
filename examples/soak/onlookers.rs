//! Dashboards on terminals of their own, attached to the station's socket as another person's would be: one
//! that is stopped in its tracks, and many that are killed. Leaves out what they show.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A dashboard that has drawn something.
struct Dashboard {
    child: Child,
    /// The other side of its terminal.
    _master: File,
}

/// The program that was built beside this example.
pub fn flashline() -> io::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let built = here
        .parent()
        .and_then(Path::parent)
        .map(|folder| folder.join("flashline"));
    built.filter(|path| path.is_file()).ok_or_else(|| {
        io::Error::other("there is no flashline beside the examples: cargo build --release first")
    })
}

impl Dashboard {
    /// Attaches, and waits until it has drawn its first screen. Blocks.
    fn attach(flashline: &Path, socket: &Path) -> io::Result<Dashboard> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        tcsetwinsize(&master, SCREEN)?;
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let slave = rustix::fs::open(ptsname(&master, Vec::new())?, flags, Mode::empty())?;
        let slave = File::from(slave);
        let child = Command::new(flashline)
            .arg("dashboard")
            .arg("--socket")
            .arg(socket)
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave.try_clone()?))
            .stderr(Stdio::from(slave))
            .spawn()?;
        let mut master = File::from(master);
        let (mut drawn, mut buffer) = (0, [0; 4096]);
        while drawn < SCREEN_BYTES {
            drawn += master.read(&mut buffer)?;
        }
        Ok(Dashboard {
            child,
            _master: master,
        })
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let process = Pid::from_child(&self.child);
        Ok(kill_process(process, signal)?)
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        // one that is gone already is what is wanted
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SCREEN: Winsize = Winsize {
    ws_row: 60,
    ws_col: 200,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

/// More than what enters and clears the screen.
const SCREEN_BYTES: usize = 1500;

/// A dashboard that has been stopped in its tracks, until it is dropped.
pub struct Frozen(#[expect(dead_code, reason = "it lives as long as this does")] Dashboard);

impl Frozen {
    /// Blocks until it has drawn something and stands still.
    pub fn attach(flashline: &Path, socket: &Path) -> io::Result<Frozen> {
        let dashboard = Dashboard::attach(flashline, socket)?;
        dashboard.signal(Signal::STOP)?;
        Ok(Frozen(dashboard))
    }
}

/// Attaches and kills so many dashboards, one after the other; how many had drawn something. Blocks.
pub fn come_and_go(flashline: &Path, socket: &Path, times: usize) -> io::Result<usize> {
    for _ in 0..times {
        let dashboard = Dashboard::attach(flashline, socket)?;
        dashboard.signal(Signal::KILL)?;
        drop(dashboard);
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(times)
}
