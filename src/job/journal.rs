//! What one job tells while it works and what it will have to say at its end: steps, retries, rate,
//! bytes. Leaves out the work itself.

use std::sync::Arc;

use tokio::time::Instant;

use super::border::{Reports, Retries, StepResult};
use super::error::JobError;
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
        }
    }

    /// For work on a line that is already at this rate.
    pub(super) fn at_rate(mut self, baud: u32) -> Journal {
        self.now.baud = baud;
        self
    }

    pub(super) fn begin(&mut self, step: Step) -> Mark {
        self.now.step = step;
        self.length(0, 0);
        Mark {
            step,
            began: Instant::now(),
        }
    }

    pub(super) fn end<T>(&mut self, mark: Mark, result: &Result<T, JobError>) {
        self.steps.push(StepResult {
            step: mark.step,
            attempt: self.attempt,
            began: mark.began - self.began,
            took: mark.began.elapsed(),
            code: result.as_ref().err().map(JobError::code),
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
        self.now.baud = baud;
        self.tell();
    }

    /// Something failed and is tried again.
    pub(super) fn retried(&mut self, again: Again, error: &JobError) {
        match again {
            Again::Block => self.retries.blocks += 1,
            Again::Rate => self.retries.rates += 1,
            Again::Connection => self.retries.connections += 1,
        }
        self.now.retries = self.retries.total();
        let (code, detail) = (error.code(), error.to_string());
        self.reports
            .retried(self.now.step, code, &detail, self.attempt);
        self.tell();
    }

    pub(super) fn port_lost(&self) {
        self.reports.port_lost();
    }

    pub(super) fn next_attempt(&mut self) {
        self.attempt += 1;
        self.now.attempt = self.attempt;
    }

    fn tell(&self) {
        self.reports.progress(self.now);
    }
}
