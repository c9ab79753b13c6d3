//! What commands that work on one board show meanwhile: on stderr a bar that is painted over on a
//! terminal, a line per step elsewhere; or JSON lines on stdout. A thread of its own paints, so that a
//! terminal that stands still holds up no port.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::event::{Code, Happening, Notice, Progress, Step};
use crate::job::Reports;
use crate::lang::Language;

/// Between two paintings of the bar.
const PAINT_EACH: Duration = Duration::from_millis(100);

/// What may be told and not yet be painted; more is dropped.
const QUEUE: usize = 256;

/// Between two objects of progress.
const JSON_EACH: Duration = Duration::from_millis(250);

/// Cells of the bar itself.
const BAR_CELLS: usize = 30;

enum Told {
    Progress(Progress),
    Retried {
        step: Step,
        code: Code,
        detail: String,
        attempt: u32,
    },
    PortLost,
    Line(String),
}

impl Told {
    /// The line for good, of what has one.
    fn line(self) -> Option<String> {
        match self {
            Told::Progress(_) => None,
            Told::Line(line) => Some(line),
            Told::PortLost => Some("the port is lost, waiting for it to come back".to_owned()),
            Told::Retried {
                step,
                code,
                detail,
                attempt,
            } => Some(words(Happening::Retried {
                step,
                code,
                detail,
                attempt,
            })),
        }
    }
}

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// For people, on stderr.
    People,
    /// JSON lines, on stdout.
    Json,
}

/// The screen, as the job and the command see it.
pub(super) struct Screen {
    painter: Mutex<Option<Painter>>,
}

struct Painter {
    tell: SyncSender<Told>,
    thread: JoinHandle<()>,
}

impl Screen {
    pub(super) fn new(style: Style) -> Screen {
        let (tell, told) = sync_channel(QUEUE);
        let thread =
            std::thread::Builder::new()
                .name("screen".to_owned())
                .spawn(move || match style {
                    Style::Json => print_json(&told),
                    Style::People if std::io::stderr().is_terminal() => paint_bar(&told),
                    Style::People => print_steps(&told),
                });
        // without a thread the work goes on unseen
        let painter = thread.ok().map(|thread| Painter { tell, thread });
        Screen {
            painter: Mutex::new(painter),
        }
    }

    /// A line for good.
    pub(super) fn line(&self, text: String) {
        self.tell(Told::Line(text));
    }

    /// Paints what was told and ends.
    pub(super) fn close(&self) {
        let painter = self.lock().take();
        if let Some(Painter { tell, thread }) = painter {
            drop(tell);
            // a panic there has been printed
            let _ = thread.join();
        }
    }

    fn tell(&self, told: Told) {
        if let Some(painter) = &*self.lock() {
            // a full queue costs a line on the screen, never the job
            let _ = painter.tell.try_send(told);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Painter>> {
        // an Option that was moved from or not, whatever panicked
        self.painter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reports for Screen {
    fn progress(&self, progress: Progress) {
        self.tell(Told::Progress(progress));
    }

    fn retried(&self, step: Step, code: Code, detail: &str, attempt: u32) {
        self.tell(Told::Retried {
            step,
            code,
            detail: detail.to_owned(),
            attempt,
        });
    }

    fn port_lost(&self) {
        self.tell(Told::PortLost);
    }
}

/// A happening in the words that the bench uses.
pub(super) fn words(what: Happening) -> String {
    let notice = Notice {
        number: 0,
        at: jiff::Timestamp::now(),
        slot: None,
        job: None,
        what,
    };
    crate::lang::notice(&notice, Language::English)
}

/// A step's name when it begins, and every line.
fn print_steps(told: &Receiver<Told>) {
    let mut step = None;
    for told in told {
        let line = match told {
            Told::Progress(now) if step == Some((now.step, now.attempt)) => None,
            Told::Progress(now) => {
                step = Some((now.step, now.attempt));
                Some(now.step.to_string())
            }
            other => other.line(),
        };
        if let Some(line) = line {
            // nobody is left to tell of an error of stderr
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// An object for each step when it begins, for its progress now and then, for everything else at once.
fn print_json(told: &Receiver<Told>) {
    let mut step = None;
    let mut printed = Instant::now();
    for told in told {
        let object = match told {
            Told::Progress(now) => {
                let begins = step != Some((now.step, now.attempt));
                let ends = now.total_bytes > 0 && now.done_bytes == now.total_bytes;
                if !begins && !ends && printed.elapsed() < JSON_EACH {
                    continue;
                }
                step = Some((now.step, now.attempt));
                printed = Instant::now();
                json!({
                    "event": "progress", "step": now.step.name(), "attempt": now.attempt,
                    "done_bytes": now.done_bytes, "total_bytes": now.total_bytes,
                    "baud": now.baud, "retries": now.retries,
                })
            }
            Told::Retried {
                step,
                code,
                detail,
                attempt,
            } => json!({
                "event": "retried", "step": step.name(), "code": code.word(), "detail": detail,
                "attempt": attempt,
            }),
            Told::PortLost => json!({ "event": "port_lost" }),
            Told::Line(_) => continue,
        };
        // who does not read will see the exit code
        let _ = writeln!(std::io::stdout(), "{object}");
    }
}

/// The bar, painted over itself; lines go above it.
fn paint_bar(told: &Receiver<Told>) {
    const CLEAR: &str = "\r\x1b[K";
    let began = Instant::now();
    let mut newest: Option<Progress> = None;
    let mut painted = began;
    loop {
        let wait = PAINT_EACH.saturating_sub(painted.elapsed());
        let mut out = std::io::stderr().lock();
        // nobody is left to tell of an error of stderr
        let _ = match told.recv_timeout(wait) {
            Ok(Told::Progress(progress)) => {
                newest = Some(progress);
                Ok(())
            }
            Ok(told) => match told.line() {
                Some(line) => writeln!(out, "{CLEAR}{line}"),
                None => Ok(()),
            },
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                let _ = write!(out, "{CLEAR}");
                return;
            }
        };
        if painted.elapsed() >= PAINT_EACH {
            painted = Instant::now();
            if let Some(progress) = &newest {
                let width = crossterm::terminal::size().map_or(80, |(columns, _)| columns);
                let bar = bar(progress, began.elapsed(), usize::from(width));
                let _ = write!(out, "{CLEAR}{bar}").and_then(|()| out.flush());
            }
        }
    }
}

/// The line at a moment, at most `width - 1` cells wide.
fn bar(progress: &Progress, elapsed: Duration, width: usize) -> String {
    let mut line = format!("{:>5.1} s  {:<8}", elapsed.as_secs_f64(), progress.step);
    if let Some(percent) = progress.percent() {
        let full = usize::from(percent) * BAR_CELLS / 100;
        let (full, empty) = ("#".repeat(full), ".".repeat(BAR_CELLS - full));
        line += &format!(" [{full}{empty}] {percent:>3} %");
    }
    if progress.baud > 0 {
        line += &format!("  {} baud", progress.baud);
    }
    if progress.retries > 0 {
        line += &format!("  {} retries", progress.retries);
    }
    // ASCII throughout, so cells are bytes
    line.truncate(width.saturating_sub(1));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar() {
        let mut progress = Progress {
            step: Step::Write,
            attempt: 1,
            done_bytes: 420,
            total_bytes: 1000,
            baud: 921_600,
            retries: 0,
        };
        let check = |progress: &Progress, width, expected: &str| {
            assert_eq!(bar(progress, Duration::from_millis(3_210), width), expected);
        };
        check(
            &progress,
            80,
            "  3.2 s  write    [############..................]  42 %  921600 baud",
        );
        check(&progress, 30, "  3.2 s  write    [##########");
        progress.retries = 2;
        progress.total_bytes = 0;
        check(&progress, 80, "  3.2 s  write     921600 baud  2 retries");
        progress.baud = 0;
        progress.step = Step::Identify;
        check(&progress, 80, "  3.2 s  identify  2 retries");
    }
}
