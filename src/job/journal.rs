//! What one job tells while it works and what it will have to say at its end: steps, retries, rate,
//! bytes, and its log. Leaves out the work itself.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::border::{Reports, Retries, StepResult};
use super::error::JobError;
use super::log::JobLog;
use crate::event::{Progress, Step};
use crate::plan::Method;

/// What is being tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// A block or a command.
    Block,
    Rate,
    Connection,
}

/// A step that has begun. Ended with [`Journal::end`].
#[derive(Debug)]
#[must_use]
pub(super) struct Mark {
    step: Step,
    began: Instant,
}

pub(super) struct Journal {
    reports: Arc<dyn Reports>,
    began: Instant,
    /// As it was last told.
    now: Progress,
    pub(super) attempt: u32,
    pub(super) retries: Retries,
    pub(super) steps: Vec<StepResult>,
    /// Who wrote it last.
    pub(super) written_by: Option<Method>,
    /// The rate at which flash was written last.
    pub(super) write_baud: u32,
    /// Over all attempts.
    pub(super) bytes_written: u64,
    log: JobLog,
}

impl Journal {
    pub(super) fn new(reports: Arc<dyn Reports>) -> Journal {
        Journal {
            reports,
            began: Instant::now(),
            now: Progress {
                step: Step::Connect,
                attempt: 1,
                done_bytes: 0,
                total_bytes: 0,
                baud: 0,
                retries: 0,
            },
            attempt: 1,
            retries: Retries::default(),
            steps: Vec::new(),
            written_by: None,
            write_baud: 0,
            bytes_written: 0,
            log: JobLog::default(),
        }
    }

    /// For work on a line that is already at this rate.
    pub(super) fn at_rate(mut self, baud: u32) -> Journal {
        self.now.baud = baud;
        self
    }

    /// Something happened that its log tells.
    pub(super) fn note(&mut self, what: fmt::Arguments<'_>) {
        self.log.note(self.began.elapsed(), what);
    }

    /// What its log tells; nothing is noted after this.
    pub(super) fn take_log(&mut self) -> String {
        std::mem::take(&mut self.log).into_text()
    }

    pub(super) fn begin(&mut self, step: Step) -> Mark {
        self.note(format_args!("{step}: begins"));
        self.now.step = step;
        self.length(0, 0);
        Mark {
            step,
            began: Instant::now(),
        }
    }

    pub(super) fn end<T>(&mut self, mark: Mark, result: &Result<T, JobError>) {
        let (step, took) = (mark.step, mark.began.elapsed());
        let code = result.as_ref().err().map(JobError::code);
        let seconds = took.as_secs_f64();
        match code {
            None => self.note(format_args!("{step}: done after {seconds:.3} s")),
            Some(code) => self.note(format_args!("{step}: {code} after {seconds:.3} s")),
        }
        self.steps.push(StepResult {
            step,
            attempt: self.attempt,
            began: mark.began - self.began,
            took,
            code,
        });
    }

    /// How far the step is.
    pub(super) fn length(&mut self, done_bytes: u64, total_bytes: u64) {
        self.now.done_bytes = done_bytes;
        self.now.total_bytes = total_bytes;
        self.tell();
    }

    /// The line's rate is another.
    pub(super) fn rate(&mut self, baud: u32) {
        if self.now.baud != baud {
            self.note(format_args!("the line is at {baud} baud"));
        }
        self.now.baud = baud;
        self.tell();
    }

    /// Something failed and is tried again.
    pub(super) fn retried(&mut self, again: Again, error: &JobError) {
        let what = match again {
            Again::Block => {
                self.retries.blocks += 1;
                "the same again"
            }
            Again::Rate => {
                self.retries.rates += 1;
                "again at a lower rate"
            }
            Again::Connection => {
                self.retries.connections += 1;
                "again over a new connection"
            }
        };
        self.now.retries = self.retries.total();
        let (step, code, detail) = (self.now.step, error.code(), error.to_string());
        self.note(format_args!("{step}: {what}: {code}: {detail}"));
        self.reports.retried(step, code, &detail, self.attempt);
        self.tell();
    }

    /// The port is open elsewhere and is waited for: nothing that the board did, so it counts nowhere.
    pub(super) fn waits(&mut self, error: &JobError) {
        let (step, code, detail) = (self.now.step, error.code(), error.to_string());
        self.note(format_args!("{step}: waits: {code}: {detail}"));
        self.reports.retried(step, code, &detail, self.attempt);
    }

    pub(super) fn port_lost(&mut self) {
        self.note(format_args!("the port is lost"));
        self.reports.port_lost();
    }

    pub(super) fn next_attempt(&mut self) {
        self.attempt += 1;
        self.now.attempt = self.attempt;
        let attempt = self.attempt;
        self.note(format_args!("attempt {attempt}"));
    }

    fn tell(&self) {
        self.reports.progress(self.now);
    }
}
