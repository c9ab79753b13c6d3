//! Again: whether a board that passed before is good still, as the chip's digests tell, and whether it is left
//! as it is then. Comes before anything is erased, so a board that is left was not touched. Leaves out what the
//! record says of it, and who decides (`Gate`).
//!
//! Everything that the plan writes is compared, and nothing else: what an app changes of that at run time makes
//! its board one that is flashed like any other. What is found out is not asked for again by the writing.

use std::sync::Arc;

use tokio::sync::watch;

use super::admit::{Board, Second, Standing};
use super::border::{Assignment, Gate};
use super::compare::compare;
use super::error::JobError;
use super::load::Loaded;
use super::session::Session;
use super::verify::Verified;
use crate::event::{Again, JobId, Passed, SlotId, Step};
use crate::manifest::WritePolicy;
use crate::plan::Method;
use crate::port::{PortInfo, Stop};

/// Whom a job asks about a board that is good already, and what ends the wait.
pub(super) struct Asking {
    job: JobId,
    slot: SlotId,
    gate: Arc<dyn Gate>,
    stop: Stop,
    presence: watch::Receiver<Option<PortInfo>>,
}

/// A board that was looked at.
pub(super) enum Seen<'a> {
    /// It is worked on.
    Due(Loaded<'a>),
    /// It holds everything, and is left as it is.
    Left(Verified<'a>),
}

/// What a flash holds of its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    Everything,
    /// The region, the first of them, holds something else.
    Differs(String),
    /// Whoever answers computes no digests.
    Untold,
}

impl Asking {
    pub(super) fn new(assignment: &Assignment, gate: &Arc<dyn Gate>, stop: &Stop) -> Asking {
        Asking {
            job: assignment.job,
            slot: assignment.slot.clone(),
            gate: gate.clone(),
            stop: stop.clone(),
            presence: assignment.presence.clone(),
        }
    }

    /// A board that is pulled while someone makes up their mind was not worked on.
    async fn ask(mut self, passed: &Passed) -> Result<Again, JobError> {
        tokio::select! {
            reason = self.stop.asked() => Err(JobError::Stopped(reason)),
            () = gone(&mut self.presence) => Err(JobError::LeftUndecided),
            again = self.gate.again(self.job, &self.slot, passed) => Ok(again),
        }
    }
}

/// Waits until the port is gone; for ever where nobody tells.
async fn gone(presence: &mut watch::Receiver<Option<PortInfo>>) {
    if presence.wait_for(Option::is_none).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl<'a> Loaded<'a> {
    /// Looks at a board that passed before.
    pub(super) async fn look_again(mut self, asking: Asking) -> Result<Seen<'a>, JobError> {
        let (passed, is_decided) = match &self.board.second {
            Second::Due => return Ok(Seen::Due(self)),
            Second::Passed(passed) => (passed.clone(), false),
            Second::Left(passed) => (passed.clone(), true),
        };
        let mark = self.session.journal.begin(Step::Verify);
        let result = holds(&mut self.session, self.board, self.method).await;
        self.session.journal.end(mark, &result);
        let again = match result? {
            Holds::Everything if is_decided => Again::Skip,
            Holds::Everything => {
                let mark = self.session.journal.begin(Step::Admit);
                let answer = asking.ask(&passed).await;
                self.session.journal.end(mark, &answer);
                answer?
            }
            Holds::Differs(name) => {
                let note = format_args!("passed on {}, but {name} differs", passed.at);
                self.session.journal.note(note);
                Again::Flash
            }
            Holds::Untold => {
                let note = format_args!(
                    "passed on {}, but this loader computes no digests to see what is there still",
                    passed.at
                );
                self.session.journal.note(note);
                Again::Flash
            }
        };
        match again {
            Again::Flash => {
                self.session.journal.note(format_args!("it is worked on"));
                self.board.second = Second::Due;
                Ok(Seen::Due(self))
            }
            Again::Skip => {
                self.session
                    .journal
                    .note(format_args!("it is left as it is"));
                self.board.second = Second::Left(passed);
                Ok(Seen::Left(Verified {
                    session: self.session,
                    lines: self.lines,
                    chip: self.board.plan.chip,
                    boot_check: None,
                }))
            }
        }
    }
}

/// Asks the chip, up to the first region that differs.
async fn holds(
    session: &mut Session<'_>,
    board: &mut Board,
    method: Method,
) -> Result<Holds, JobError> {
    let plan = board.plan.clone();
    if !session.computes_digests() {
        return Ok(Holds::Untold);
    }
    let total: u64 = plan.regions.iter().map(|r| r.bytes.len() as u64).sum();
    let mut done = 0;
    for (index, region) in plan.regions.iter().enumerate() {
        let length = region.bytes.len() as u32;
        let is_right = match plan.write {
            WritePolicy::Changed => {
                if board.regions[index] == Standing::Unasked {
                    compare(session, board, index, method).await?;
                }
                !matches!(board.regions[index], Standing::Todo(_))
            }
            // it will be written whatever it holds, unless the board is left
            WritePolicy::All => {
                let found = session.md5(region.offset, length).await?;
                board.found[index].md5 = found;
                found == Some(region.md5)
            }
        };
        if !is_right {
            return Ok(Holds::Differs(region.name.clone()));
        }
        if plan.write == WritePolicy::All {
            board.found[index].skipped_bytes = length;
        }
        done += u64::from(length);
        session.journal.length(done, total);
    }
    Ok(Holds::Everything)
}
