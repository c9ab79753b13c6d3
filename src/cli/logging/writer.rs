//! The thread that writes the diagnostic log, so that no worker waits for a disk, a journal or a pipe that
//! nobody reads; lines that come faster are dropped and counted. Leaves out what is logged, and log files
//! (`file`).

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use crate::settings::LogFormat;

/// Lines that may wait for the writer.
const WAITING_LINES: usize = 4096;

/// How long the program's end waits for it.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where lines end up. May block.
pub trait Sink: Send + 'static {
    /// Takes a whole line, or an empty one; `missed` are those just before it that never came here.
    fn write(&mut self, line: &[u8], missed: u64, now: Instant);

    /// Another program has put the file aside.
    fn reopen(&mut self) {}
}

/// The log, as its owner holds it: dropped once all that was logged is written, or not taken for too long.
#[derive(Debug)]
pub struct Log {
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
    Line {
        line: Vec<u8>,
        /// Lines just before it for which there was no room.
        missed: u64,
    },
    Reopen,
    Flush(SyncSender<()>),
}

impl Log {
    /// Starts the thread.
    pub fn start(sink: impl Sink) -> io::Result<Log> {
        Log::with_room(WAITING_LINES, sink)
    }

    fn with_room(waiting_lines: usize, mut sink: impl Sink) -> io::Result<Log> {
        let (lines, messages) = Lines::new(waiting_lines);
        let dropped = lines.dropped.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                while let Ok(message) = messages.recv() {
                    match message {
                        Message::Line { line, missed } => {
                            sink.write(&line, missed, Instant::now());
                        }
                        Message::Reopen => sink.reopen(),
                        Message::Flush(done) => {
                            let missed = dropped.swap(0, Ordering::Relaxed);
                            if missed > 0 {
                                sink.write(b"", missed, Instant::now());
                            }
                            // who asked may have stopped waiting
                            let _ = done.try_send(());
                        }
                    }
                }
            })?;
        Ok(Log { lines })
    }

    pub fn writer(&self) -> Lines {
        self.lines.clone()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        let deadline = Instant::now() + LAST_LINES;
        let mut asked = Message::Flush(done);
        // what does not take them keeps nobody from leaving
        while let Err(TrySendError::Full(again)) = self.lines.messages.try_send(asked) {
            if Instant::now() >= deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
            asked = again;
        }
        let _ = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
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
        let missed = self.dropped.swap(0, Ordering::Relaxed);
        let message = Message::Line {
            line: line.to_vec(),
            missed,
        };
        if self.messages.try_send(message).is_err() {
            self.dropped.fetch_add(missed + 1, Ordering::Relaxed);
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

/// A stream that is there from the beginning: stderr.
pub struct Stream<W> {
    out: W,
    format: LogFormat,
    /// Lines that could not be written, and not yet told.
    lost: u64,
}

impl<W> Stream<W> {
    pub fn new(out: W, format: LogFormat) -> Stream<W> {
        Stream {
            out,
            format,
            lost: 0,
        }
    }
}

impl<W: Write + Send + 'static> Sink for Stream<W> {
    fn write(&mut self, line: &[u8], missed: u64, _: Instant) {
        self.lost += missed;
        let note = (self.lost > 0).then(|| {
            let why = "nobody read them, or too slowly";
            lost_note(self.format, self.lost, why)
        });
        let text = [note.as_deref().unwrap_or_default().as_bytes(), line].concat();
        match self.out.write_all(&text).and_then(|()| self.out.flush()) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += 1,
        }
    }
}

/// A line that says that lines are missing here.
pub fn lost_note(format: LogFormat, lost: u64, why: &str) -> String {
    // microseconds, as the other lines have them
    let now = format!("{:.6}", jiff::Timestamp::now());
    let text = format!("{lost} lines of this log were lost: {why}");
    match format {
        LogFormat::Text => format!("{now} WARN {text}\n"),
        LogFormat::Json => {
            let object = serde_json::json!({
                "timestamp": now,
                "level": "WARN",
                "message": text,
            });
            format!("{object}\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn who_logs_never_waits() {
        let (mut lines, waiting) = Lines::new(2);
        for _ in 0..5 {
            lines.write_all(b"line\n").unwrap();
        }
        assert_eq!(lines.dropped.load(Ordering::Relaxed), 3);
        assert_eq!(waiting.try_iter().count(), 2);
    }

    /// Takes nothing until it may: a journal that stands still.
    struct Stuck {
        entered: SyncSender<()>,
        leave: Receiver<()>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.entered.try_send(());
            // whoever held it may be gone
            let _ = self.leave.recv();
            self.taken.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stream_that_stands_still_holds_nobody_and_says_what_it_missed() {
        let (entered, is_in) = sync_channel(1);
        let (let_go, leave) = sync_channel(0);
        let taken: Arc<Mutex<Vec<u8>>> = Arc::default();
        let stuck = Stuck {
            entered,
            leave,
            taken: taken.clone(),
        };
        let log = Log::with_room(3, Stream::new(stuck, LogFormat::Text)).unwrap();
        let mut lines = log.writer();
        lines.write_all(b"first\n").unwrap();
        is_in.recv().unwrap();
        for _ in 0..7 {
            lines.write_all(b"next\n").unwrap();
        }
        drop(let_go);
        // three waited, the rest were dropped, which is told after those; room again once they are through
        let (done, written) = sync_channel(1);
        lines.messages.send(Message::Flush(done)).unwrap();
        written.recv().unwrap();
        lines.write_all(b"last\n").unwrap();
        drop(log);
        let told = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
        let told: Vec<&str> = told.lines().collect();
        assert_eq!(told[0], "first");
        assert_eq!(told[1..4], ["next", "next", "next"]);
        assert!(told[4].contains(" WARN 4 lines of this log were lost"));
        assert_eq!(told[5..], ["last"]);
    }
}
