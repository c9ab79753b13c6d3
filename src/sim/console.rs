//! What a simulated board's app prints once it runs, and how that ends. Data only.

use std::sync::Arc;
use std::time::Duration;

/// The app's console. The default says one line and runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// The app's own rate; ROM and bootloader have theirs.
    pub baud: u32,
    pub says: Vec<Said>,
    pub end: AppEnd,
}

/// Bytes, and how long after those before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub after: Duration,
    pub bytes: Arc<[u8]>,
}

/// What becomes of the app when it has said all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppEnd {
    Runs,
    /// It resets the chip, as a panic handler does, and starts over.
    Resets,
    /// The supply breaks down, and it starts over.
    BrownsOut,
}

impl Default for Console {
    fn default() -> Console {
        Console::silent().line(0, "I (310) cpu_start: Pro cpu up.")
    }
}

impl Console {
    /// An app that says nothing.
    pub fn silent() -> Console {
        Console {
            baud: 115_200,
            says: Vec::new(),
            end: AppEnd::Runs,
        }
    }

    /// An app that panics as soon as it runs, each time.
    pub fn panics() -> Console {
        let mut console = Console::default()
            .line(50, "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.")
            .line(1, "Backtrace: 0x400d1f5c:0x3ffb4f60 0x400d1a33:0x3ffb4f80")
            .line(1, "Rebooting...");
        console.end = AppEnd::Resets;
        console
    }

    /// A supply that breaks down as soon as the app runs, each time.
    pub fn browns_out() -> Console {
        let mut console = Console::default().line(20, "Brownout detector was triggered");
        console.end = AppEnd::BrownsOut;
        console
    }

    /// A line more, this many milliseconds after the one before it.
    pub fn line(self, after_ms: u64, text: &str) -> Console {
        self.bytes(after_ms, format!("{text}\r\n").as_bytes())
    }

    /// Any bytes.
    pub fn bytes(mut self, after_ms: u64, bytes: &[u8]) -> Console {
        self.says.push(Said {
            after: Duration::from_millis(after_ms),
            bytes: bytes.into(),
        });
        self
    }

    pub fn at(mut self, baud: u32) -> Console {
        self.baud = baud;
        self
    }

    pub fn ends(mut self, end: AppEnd) -> Console {
        self.end = end;
        self
    }
}
