//! Admit: the Gate is asked once, at the first connection; after a reconnect the board must be the
//! same. What is known of the board's flash from then on outlives connections.

use std::sync::Arc;

use super::border::{Admission, Assignment, Gate};
use super::connect::HasLines;
use super::error::JobError;
use super::identify::Identified;
use super::session::Session;
use crate::event::Step;
use crate::plan::Plan;
use crate::port::Stop;

/// How far a region is. Flash keeps what it holds over a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Written up to this flash address, a sector boundary.
    Todo { from: u32 },
    /// Written to its end.
    Written,
    /// The MD5 that the chip answered is the one that was expected.
    Verified([u8; 16]),
}

/// A board that may be written, and how far that is.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) plan: Arc<Plan>,
    /// One for each of the plan's regions.
    pub(super) regions: Vec<Standing>,
    /// The MD5s that the chip answered last, right or wrong.
    pub(super) found: Vec<Option<[u8; 16]>>,
    /// The whole part was erased, as the plan asks.
    pub(super) erased_all: bool,
    /// The plan's erases are done below this flash address.
    pub(super) erased_to: u32,
    /// Which of the plan's rates is in use.
    pub(super) rate: usize,
}

impl Board {
    fn new(plan: Arc<Plan>) -> Board {
        let todo = |region: &Arc<crate::plan::Region>| Standing::Todo {
            from: region.offset,
        };
        Board {
            regions: plan.regions.iter().map(todo).collect(),
            found: vec![None; plan.regions.len()],
            erased_all: false,
            erased_to: 0,
            rate: 0,
            plan,
        }
    }

    /// The rate to work at; a plan without rates stays where the ROM listens.
    pub(super) fn baud(&self) -> u32 {
        self.plan
            .bauds
            .get(self.rate)
            .copied()
            .unwrap_or(super::session::ROM_BAUD)
    }

    /// Rates below the one in use.
    pub(super) fn lower_rates(&self) -> usize {
        self.plan.bauds.len().saturating_sub(self.rate + 1)
    }
}

/// The board may be written.
pub(super) struct Admitted<'a> {
    pub(super) session: Session<'a>,
    pub(super) lines: HasLines,
    pub(super) board: &'a mut Board,
}

impl<'a> Identified<'a> {
    /// Asks the Gate, or recognises the board that it admitted. `stop` ends the wait for an answer.
    pub(super) async fn admit(
        mut self,
        assignment: &Assignment,
        gate: &dyn Gate,
        stop: &mut Stop,
        board: &'a mut Option<Board>,
    ) -> Result<Admitted<'a>, JobError> {
        let board = match board {
            Some(board) => board,
            None => {
                let mark = self.session.journal.begin(Step::Admit);
                let answer = tokio::select! {
                    reason = stop.asked() => Err(JobError::Stopped(reason)),
                    admission = gate.admit(
                        assignment.job,
                        &assignment.slot,
                        assignment.serial.as_ref(),
                        &self.identity,
                    ) => {
                        match admission {
                            Admission::Grant(grant) => Ok(Board::new(grant.plan)),
                            Admission::Refuse { code, detail } => {
                                Err(JobError::Refused { code, detail })
                            }
                        }
                    }
                };
                self.session.journal.end(mark, &answer);
                board.insert(answer?)
            }
        };
        self.session.lower_rates = board.lower_rates();
        Ok(Admitted {
            session: self.session,
            lines: self.lines,
            board,
        })
    }
}
