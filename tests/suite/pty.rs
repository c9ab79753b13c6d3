//! A program in a terminal of a given size: what it shows, keys, signals and new sizes.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running program and its terminal.
pub struct Terminal {
    child: Child,
    master: File,
    shared: Arc<(Mutex<Shown>, Condvar)>,
}

struct Shown {
    parser: vt100::Parser,
    /// The program has closed the terminal.
    closed: bool,
}

impl Terminal {
    /// Starts a program on a terminal of its own (the controlling one, as a shell would).
    pub fn start(command: &Command, columns: u16, rows: u16) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, size(columns, rows)).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let slave = File::from(rustix::fs::open(name, flags, Mode::empty()).unwrap());
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        let mut session = Command::new("setsid");
        session
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            session.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        let child = session
            .env("TERM", "xterm-256color")
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("setsid of util-linux starts the program");
        let shown = Shown {
            parser: vt100::Parser::new(some(rows), some(columns), 0),
            closed: false,
        };
        let shared = Arc::new((Mutex::new(shown), Condvar::new()));
        let master = File::from(master);
        let reader = master.try_clone().unwrap();
        let told = Arc::clone(&shared);
        std::thread::spawn(move || read(reader, &told));
        Terminal {
            child,
            master,
            shared,
        }
    }

    /// Waits until the screen is so; fails with what is on it when it never is.
    pub fn wait(&self, what: &str, so: impl Fn(&vt100::Screen) -> bool) {
        let (shown, changed) = &*self.shared;
        let deadline = Instant::now() + PATIENCE;
        let mut shown = shown.lock().unwrap();
        while !so(shown.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !shown.closed,
                "waited for {what}; on the screen is\n{}",
                shown.parser.screen().contents()
            );
            shown = changed.wait_timeout(shown, left).unwrap().0;
        }
    }

    /// Waits until these words are on the screen.
    pub fn wait_for(&self, words: &str) {
        self.wait(words, |screen| screen.contents().contains(words));
    }

    /// The screen of now.
    pub fn screen(&self) -> vt100::Screen {
        self.shared.0.lock().unwrap().parser.screen().clone()
    }

    pub fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// The left button goes down and up at these words, as xterm tells of it (SGR coordinates, from 1).
    pub fn click(&mut self, words: &str) {
        let (column, row) = self.place_of(words);
        self.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }

    /// Where these words begin on the screen, from 1: column, row.
    fn place_of(&self, words: &str) -> (usize, usize) {
        let screen = self.screen();
        let (_, columns) = screen.size();
        for (row, text) in screen.rows(0, columns.get()).enumerate() {
            if let Some(at) = text.find(words) {
                return (text[..at].chars().count() + 1, row + 1);
            }
        }
        panic!("nowhere is {words}:\n{}", screen.contents());
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.shared
            .0
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(some(rows), some(columns));
        tcsetwinsize(&self.master, size(columns, rows)).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until the program has ended; returns how, and the screen that it left behind.
    pub fn end(mut self) -> (ExitStatus, vt100::Screen) {
        let (shown, changed) = &*self.shared;
        let shown = shown.lock().unwrap();
        let (shown, late) = changed
            .wait_timeout_while(shown, PATIENCE, |shown| !shown.closed)
            .unwrap();
        let screen = shown.parser.screen().clone();
        assert!(!late.timed_out(), "it did not end:\n{}", screen.contents());
        drop(shown);
        (self.child.wait().unwrap(), screen)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // one that has ended is no longer there to be killed
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn some(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("a terminal has cells")
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// Reads until the last holder of the terminal has closed it (EIO on Linux).
fn read(mut master: File, told: &(Mutex<Shown>, Condvar)) {
    let (shown, changed) = told;
    let mut bytes = [0; 4096];
    loop {
        let count = master.read(&mut bytes).unwrap_or(0);
        let mut shown = shown.lock().unwrap();
        if count == 0 {
            shown.closed = true;
        } else {
            shown.parser.process(&bytes[..count]);
        }
        changed.notify_all();
        if count == 0 {
            return;
        }
    }
}
