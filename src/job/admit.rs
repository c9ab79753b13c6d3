//! Admit: the Gate is asked once, at the first connection; after a reconnect the board must be the
//! same. What is known of the board's flash from then on outlives connections.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::border::{Admission, Assignment, Gate, Grant};
use super::connect::HasLines;
use super::erase::Erasure;
use super::error::JobError;
use super::identify::Identified;
use super::session::Session;
use crate::event::{Passed, Step};
use crate::plan::Plan;
use crate::port::Stop;

/// How far a region is. Flash keeps what it holds over a new connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// What of it has to be written is not known yet.
    Unasked,
    /// These ranges are still to be written, sorted and apart: whole sectors, or to the region's end.
    Todo(VecDeque<Range<u32>>),
    /// All of it is there, as far as the writing tells.
    Written,
    /// What was found in flash is what was expected.
    Verified,
}

/// What the chip told of a region last, right or wrong, and what it held before.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) md5: Option<[u8; 16]>,
    /// Of what was read back.
    pub(super) sha256: Option<[u8; 32]>,
    /// Bytes that were right already and not written.
    pub(super) skipped_bytes: u32,
}

/// Whether a board is good already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Second {
    /// It is worked on, whatever it holds.
    Due,
    /// It passed before: whether its flash holds everything still is to be seen.
    Passed(Passed),
    /// It does, and is left as it is.
    Left(Passed),
}

/// A board that may be written, and how far that is.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) plan: Arc<Plan>,
    /// One for each of the plan's regions.
    pub(super) regions: Vec<Standing>,
    /// One for each of the plan's regions.
    pub(super) found: Vec<Found>,
    /// How far the plan's erases are.
    pub(super) erased: Erasure,
    /// Which of the plan's rates is in use.
    pub(super) rate: usize,
    pub(super) second: Second,
}

impl Board {
    pub(super) fn new(plan: Arc<Plan>) -> Board {
        Board {
            regions: vec![Standing::Unasked; plan.regions.len()],
            found: vec![Found::default(); plan.regions.len()],
            erased: Erasure::default(),
            rate: 0,
            second: Second::Due,
            plan,
        }
    }

    fn granted(grant: Grant) -> Board {
        Board {
            second: grant.passed.map_or(Second::Due, Second::Passed),
            ..Board::new(grant.plan)
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

    /// All of the region has to be written (again).
    pub(super) fn write_all_of(&mut self, index: usize) {
        self.regions[index] = Standing::Todo(VecDeque::from([self.plan.regions[index].range()]));
        self.found[index].skipped_bytes = 0;
    }

    /// A job that ends here leaves a part half erased that was to be erased as a whole.
    pub(super) fn is_erase_unfinished(&self) -> bool {
        self.plan.erase_all && self.erased.begun && self.erased.to < self.plan.flash_bytes
    }

    /// Bytes of the plan's regions that need no more writing.
    pub(super) fn settled_bytes(&self) -> u64 {
        let standings = self.plan.regions.iter().zip(&self.regions);
        let settled = standings.map(|(region, standing)| {
            let bytes = region.bytes.len() as u64;
            match standing {
                Standing::Unasked => 0,
                Standing::Todo(ranges) => {
                    bytes - ranges.iter().map(|range| range.len() as u64).sum::<u64>()
                }
                Standing::Written | Standing::Verified => bytes,
            }
        });
        settled.sum()
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
                            Admission::Grant(grant) => Ok(Board::granted(grant)),
                            Admission::Refuse { code, detail } => {
                                Err(JobError::Refused { code, detail })
                            }
                        }
                    }
                };
                self.session.journal.end(mark, &answer);
                if let Ok(board) = &answer {
                    let (regions, bauds) = (board.plan.regions.len(), &board.plan.bauds);
                    let note = format_args!("admitted: {regions} regions, rates {bauds:?}");
                    self.session.journal.note(note);
                }
                board.insert(answer?)
            }
        };
        self.session.lower_rates = board.lower_rates();
        self.session.access = self.identity.access;
        Ok(Admitted {
            session: self.session,
            lines: self.lines,
            board,
        })
    }
}
