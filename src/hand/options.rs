//! How a board is reached, and who is told how far the work is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chip::Stubs;
use crate::event::{Code, Progress, Step};
use crate::job::{Reports, StubUse};
use crate::port::{Ports, Stop, StopHandle, SystemPorts};
use crate::settings::{After, Reset};

/// What [`super::Board::connect`] is given: the port, and what differs from the usual.
#[derive(Clone)]
pub struct Options {
    pub(super) path: PathBuf,
    pub(super) ports: Arc<dyn Ports>,
    pub(super) baud: Option<u32>,
    pub(super) before: Reset,
    pub(super) after: After,
    pub(super) attempts: u32,
    pub(super) stub: StubUse,
    pub(super) stubs: Arc<Stubs>,
    pub(super) who: String,
    pub(super) reports: Arc<dyn Reports>,
    pub(super) stop: Stop,
}

impl Options {
    /// A device file, a pty, a symlink to one, or the URL of a network port. Without more: reset by the
    /// port's lines, at 921600 baud or whatever lower rate holds, through Espressif's stub, two attempts.
    pub fn new(port: impl AsRef<Path>) -> Options {
        let path = port.as_ref().to_owned();
        Options {
            ports: Arc::new(SystemPorts::new(vec![path.clone()])),
            path,
            baud: None,
            before: Reset::Auto,
            after: After::Auto,
            attempts: 2,
            stub: StubUse::Stub,
            stubs: Arc::default(),
            who: this_program(),
            reports: Arc::new(Silence),
            stop: StopHandle::new().1,
        }
    }

    /// The rate to begin with, instead of 921600.
    #[must_use]
    pub fn baud(self, baud: u32) -> Options {
        Options {
            baud: Some(baud),
            ..self
        }
    }

    /// How the board gets into its loader.
    #[must_use]
    pub fn before(self, before: Reset) -> Options {
        Options { before, ..self }
    }

    /// What becomes of it when it is let go.
    #[must_use]
    pub fn after(self, after: After) -> Options {
        Options { after, ..self }
    }

    /// Attempts for each piece of work, the first included; at least 1.
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Options {
        Options {
            attempts: attempts.max(1),
            ..self
        }
    }

    /// Whether the chip's ROM works alone.
    #[must_use]
    pub fn stub(self, stub: StubUse) -> Options {
        Options { stub, ..self }
    }

    /// Stubs beside the built-in ones: the ESP8266's, from an installed esptool.
    #[must_use]
    pub fn stubs(self, stubs: Arc<Stubs>) -> Options {
        Options { stubs, ..self }
    }

    /// The name that others are told who find the port held; else the program's own.
    #[must_use]
    pub fn who(self, who: &str) -> Options {
        Options {
            who: who.to_owned(),
            ..self
        }
    }

    /// Ports of another sort (a simulation's, in memory).
    #[must_use]
    pub fn ports(self, ports: Arc<dyn Ports>) -> Options {
        Options { ports, ..self }
    }

    /// Called with each step of the way. It must return at once: the line waits for it.
    #[must_use]
    pub fn progress(self, told: impl Fn(Progress) + Send + Sync + 'static) -> Options {
        self.reports(Arc::new(Told(told)))
    }

    /// As [`Options::progress`], with what was tried again.
    #[must_use]
    pub fn reports(self, reports: Arc<dyn Reports>) -> Options {
        Options { reports, ..self }
    }

    /// What stops the work at a safe point.
    #[must_use]
    pub fn stop(self, stop: Stop) -> Options {
        Options { stop, ..self }
    }
}

fn this_program() -> String {
    let name = std::env::current_exe().ok();
    let name = name.as_deref().and_then(Path::file_name);
    name.map_or_else(
        || "another program".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

struct Silence;

impl Reports for Silence {
    fn progress(&self, _: Progress) {}
    fn retried(&self, _: Step, _: Code, _: &str, _: u32) {}
    fn port_lost(&self) {}
}

struct Told<F>(F);

impl<F: Fn(Progress) + Send + Sync> Reports for Told<F> {
    fn progress(&self, progress: Progress) {
        (self.0)(progress);
    }
    fn retried(&self, _: Step, _: Code, _: &str, _: u32) {}
    fn port_lost(&self) {}
}
