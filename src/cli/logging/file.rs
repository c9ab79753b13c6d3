//! A log file that keeps its bounds: a thread writes it, so that no worker waits for a disk; lines that
//! come faster are dropped and counted; what it has grown to is put aside. A full disk or a deleted folder
//! costs lines and nothing else. Leaves out what is logged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use crate::settings::{LogFormat, LogSettings};

/// Lines that may wait for the disk.
const WAITING_LINES: usize = 4096;

/// How often a file that cannot be written is tried again, and one that can is looked for in its place.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// How long the program's end waits for the disk.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The log's file, as its owner holds it: dropped once all that was logged is written.
#[derive(Debug)]
pub struct LogFile {
    lines: Lines,
}

/// Where log lines go in. Never waits.
#[derive(Debug, Clone)]
pub struct Lines {
    messages: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    Reopen,
    Flush(SyncSender<()>),
}

impl LogFile {
    /// Opens the file and starts its thread.
    pub fn start(path: &Path, log: &LogSettings) -> io::Result<LogFile> {
        let (lines, messages) = Lines::new(WAITING_LINES);
        let mut file = Rotating::new(path, log, lines.dropped.clone());
        file.open()?;
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                while let Ok(message) = messages.recv() {
                    match message {
                        Message::Line(line) => file.write(&line, Instant::now()),
                        Message::Reopen => file.reopen(),
                        // who asked may have stopped waiting
                        Message::Flush(done) => drop(done.try_send(())),
                    }
                }
            })?;
        Ok(LogFile { lines })
    }

    pub fn writer(&self) -> Lines {
        self.lines.clone()
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        if self.lines.messages.try_send(Message::Flush(done)).is_ok() {
            // a disk that does not answer keeps nobody from leaving
            let _ = written.recv_timeout(LAST_LINES);
        }
    }
}

impl Lines {
    fn new(waiting: usize) -> (Lines, Receiver<Message>) {
        let (messages, received) = sync_channel(waiting);
        let dropped = Arc::default();
        (Lines { messages, dropped }, received)
    }

    /// The file is closed and opened anew under its name: another program has put it aside.
    pub fn reopen(&self) {
        // it is looked for in its place anyhow
        let _ = self.messages.try_send(Message::Reopen);
    }
}

impl Write for Lines {
    /// Takes a whole line: the log's formatter writes each at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if (self.messages.try_send(Message::Line(line.to_vec()))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}

/// The file as its thread holds it.
struct Rotating {
    path: PathBuf,
    format: LogFormat,
    rotate_bytes: u64,
    keep: u32,
    open: Option<Open>,
    /// When it is tried again, or looked for in its place.
    look_at: Option<Instant>,
    /// Lines that could not be written, and not yet told.
    lost: u64,
    /// The file ends in the middle of a line.
    torn: bool,
    /// Lines that never came to be written.
    dropped: Arc<AtomicU64>,
}

struct Open {
    file: File,
    bytes: u64,
    device_and_inode: (u64, u64),
}

impl Rotating {
    fn new(path: &Path, log: &LogSettings, dropped: Arc<AtomicU64>) -> Rotating {
        Rotating {
            path: path.to_owned(),
            format: log.format,
            rotate_bytes: log.rotate_bytes,
            keep: log.keep,
            open: None,
            look_at: None,
            lost: 0,
            torn: false,
            dropped,
        }
    }

    fn open(&mut self) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        let there = file.metadata()?;
        self.open = Some(Open {
            file,
            bytes: there.len(),
            device_and_inode: (there.dev(), there.ino()),
        });
        Ok(())
    }

    fn reopen(&mut self) {
        self.open = None;
        self.look_at = None;
    }

    fn write(&mut self, line: &[u8], now: Instant) {
        self.look(now);
        if (self.open.as_ref()).is_some_and(|open| {
            open.bytes > 0 && open.bytes + line.len() as u64 > self.rotate_bytes
        }) {
            self.rotate();
        }
        let lost = self.lost + self.dropped.swap(0, Ordering::Relaxed);
        self.lost = lost;
        let note = (lost > 0).then(|| self.note(lost));
        let Some(open) = &mut self.open else {
            self.lost += 1;
            return;
        };
        let text = [note.as_deref().unwrap_or_default().as_bytes(), line].concat();
        match open.file.write_all(&text) {
            Ok(()) => {
                open.bytes += text.len() as u64;
                (self.lost, self.torn) = (0, false);
            }
            Err(_) => {
                let there = open.file.metadata();
                self.torn |= there.is_ok_and(|there| there.len() > open.bytes);
                self.lost += 1;
                self.open = None;
            }
        }
    }

    /// Once a moment: opens what is not open, and anew what is no longer where it was.
    fn look(&mut self, now: Instant) {
        if self.look_at.is_some_and(|look_at| now < look_at) {
            return;
        }
        self.look_at = Some(now + LOOK_EACH);
        let there = fs::metadata(&self.path).map(|there| (there.dev(), there.ino()));
        let is_there = |open: &Open| {
            there
                .as_ref()
                .is_ok_and(|there| *there == open.device_and_inode)
        };
        if self.open.as_ref().is_some_and(is_there) {
            return;
        }
        self.open = None;
        if let Some(folder) = self.path.parent() {
            // what is wrong with it, opening the file tells
            let _ = fs::create_dir_all(folder);
        }
        // tried again in a moment, the lines until then are counted
        let _ = self.open();
    }

    /// Puts the file aside as `.1`, those before one further; the oldest goes. Where that fails the file
    /// goes on growing: a log that is too long is better than none.
    fn rotate(&mut self) {
        let aside = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        let moved = match self.keep {
            0 => fs::remove_file(&self.path),
            keep => {
                for number in (1..keep).rev() {
                    // it may not be there yet
                    let _ = fs::rename(aside(number), aside(number + 1));
                }
                fs::rename(&self.path, aside(1))
            }
        };
        if moved.is_ok() {
            self.open = None;
            // tried again in a moment
            let _ = self.open();
        }
    }

    /// That lines are missing here.
    fn note(&self, lost: u64) -> String {
        let now = jiff::Timestamp::now();
        let torn = if self.torn { "\n" } else { "" };
        let text = format!("{lost} lines of this log were lost: the disk was full, gone or slow");
        match self.format {
            LogFormat::Text => format!("{torn}{now} WARN {text}\n"),
            LogFormat::Json => {
                let object = serde_json::json!({
                    "timestamp": now.to_string(),
                    "level": "WARN",
                    "message": text,
                });
                format!("{torn}{object}\n")
            }
        }
    }
}

#[cfg(test)]
mod tests;
