//! A log file that keeps its bounds: what it has grown to is put aside. A full disk or a deleted folder
//! costs lines, which are counted, and nothing else. Leaves out who waits for it (`writer`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::writer::{Sink, lost_note};
use crate::settings::{LogFormat, LogSettings};

/// How often a file that cannot be written is tried again, and one that can is looked for in its place.
const LOOK_EACH: Duration = Duration::from_secs(1);

/// The file as its thread holds it.
pub struct Rotating {
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
}

struct Open {
    file: File,
    bytes: u64,
    device_and_inode: (u64, u64),
}

impl Rotating {
    /// # Errors
    /// It cannot be opened for appending.
    pub fn open(path: &Path, log: &LogSettings) -> io::Result<Rotating> {
        let mut file = Rotating::new(path, log);
        file.append()?;
        Ok(file)
    }

    fn new(path: &Path, log: &LogSettings) -> Rotating {
        Rotating {
            path: path.to_owned(),
            format: log.format,
            rotate_bytes: log.rotate_bytes,
            keep: log.keep,
            open: None,
            look_at: None,
            lost: 0,
            torn: false,
        }
    }

    fn append(&mut self) -> io::Result<()> {
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
        let _ = self.append();
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
            let _ = self.append();
        }
    }

    /// That lines are missing here.
    fn note(&self) -> String {
        let torn = if self.torn { "\n" } else { "" };
        let why = "the disk was full, gone or slow";
        format!("{torn}{}", lost_note(self.format, self.lost, why))
    }
}

impl Sink for Rotating {
    fn reopen(&mut self) {
        self.open = None;
        self.look_at = None;
    }

    fn write(&mut self, line: &[u8], missed: u64, now: Instant) {
        self.look(now);
        if (self.open.as_ref()).is_some_and(|open| {
            open.bytes > 0 && open.bytes + line.len() as u64 > self.rotate_bytes
        }) {
            self.rotate();
        }
        self.lost += missed;
        let note = (self.lost > 0).then(|| self.note());
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
}

#[cfg(test)]
mod tests;
