//! Boards that come again: what a job waits to be told, who gives a board one more try, and golden boards, which
//! tell of the bench and not of themselves. What the record looks at is its own (`record/again`).

use super::super::slot::{Now, Phase};
use super::{Dispatcher, Effect, Reply};
use crate::event::{Again, Code, Golden, Happening, Outcome, SlotId, Unit, Who};
use crate::job::Verdict;
use crate::record::RecordError;
use crate::settings::GoldenBoards;
use crate::station::RequestRefused;

/// A unit that is to be tried once more.
#[derive(Debug)]
pub struct AllowingRetest {
    pub unit: Unit,
    pub by: Who,
    pub reply: Reply,
}

impl Dispatcher {
    /// Someone said what becomes of the board that the slot's job asks about.
    pub(super) fn decide(
        &mut self,
        id: SlotId,
        again: Again,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RequestRefused> {
        let Some(slot) = self.slot_mut(&id) else {
            return Err(RequestRefused::NoSuchSlot(id));
        };
        let asking = match &mut slot.phase {
            Phase::Working(running) => running.asks.take().map(|_| running.job),
            _ => None,
        };
        let Some(job) = asking else {
            return Err(RequestRefused::NothingAsked(id));
        };
        effects.push(Effect::Decide {
            slot: id,
            job,
            again,
        });
        Ok(())
    }

    /// Goes on record first: [`Dispatcher::retest_allowed`].
    pub(super) fn allow_retest(
        &self,
        unit: Unit,
        by: Who,
        reply: Reply,
        effects: &mut Vec<Effect>,
    ) {
        effects.push(match self.settings.line.retest_limit {
            None => Effect::Answer(reply, Err(RequestRefused::RetestFree(unit))),
            Some(retest_limit) => Effect::AllowRetest {
                allowing: AllowingRetest { unit, by, reply },
                retest_limit,
            },
        });
    }

    pub(super) fn retest_allowed(
        &mut self,
        allowing: AllowingRetest,
        result: Result<bool, RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let AllowingRetest { unit, by, reply } = allowing;
        let result = match result {
            Ok(true) => {
                self.journal
                    .line(now, Happening::RetestAllowed { unit, by });
                Ok(())
            }
            Ok(false) => Err(RequestRefused::RetestFree(unit)),
            Err(error) => {
                self.stop_line(&error, now);
                Err(RequestRefused::NotRecorded(error.to_string()))
            }
        };
        effects.push(Effect::Answer(reply, result));
    }
}

/// The verdict on a board, seen against what it is known to be: one that is known to be bad and did not fail
/// says that the bench does not see faults.
pub(super) fn against_golden(verdict: Verdict, golden: &GoldenBoards) -> Verdict {
    let Some(board) = verdict.identity.as_ref().and_then(|board| golden.of(board)) else {
        return verdict;
    };
    match (board.expect, verdict.outcome) {
        (Golden::Bad, outcome @ (Outcome::Pass | Outcome::Written)) => {
            let name = board.name.as_deref().unwrap_or("golden board");
            Verdict {
                outcome: Code::GoldenEscaped.outcome(),
                code: Some(Code::GoldenEscaped),
                detail: format!(
                    "{name} ({}) is known to be bad, and came to {outcome}",
                    board.mac
                ),
                ..verdict
            }
        }
        _ => verdict,
    }
}
