//! The steps of the jobs at work, with their times: the record has them when a job has ended, a snapshot only
//! the one that it is in. So they are noted as snapshots come; what was over before this face looked is not
//! known.

use std::collections::HashMap;

use jiff::Timestamp;

use super::status;
use crate::event::{JobId, SlotId, Step};
use crate::station::Snapshot;

/// A job that is tried that often has a line for each of these; more are not noted.
const MOST_LAPS: usize = 64;

/// The courses of the jobs at work, by slot.
#[derive(Debug, Default)]
pub struct Courses {
    slots: HashMap<SlotId, Course>,
}

#[derive(Debug)]
struct Course {
    job: JobId,
    laps: Vec<Lap>,
}

/// A step that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lap {
    pub step: Step,
    pub attempt: u32,
    pub began: Timestamp,
    /// `None`: the job is in it.
    pub ended: Option<Timestamp>,
}

impl Courses {
    /// Notes what a snapshot tells.
    pub fn look(&mut self, snapshot: &Snapshot) {
        for slot in &snapshot.slots {
            let Some(board) = status::board(&slot.state) else {
                self.slots.remove(&slot.slot);
                continue;
            };
            let fresh = || Course {
                job: board.job,
                laps: Vec::new(),
            };
            let course = self.slots.entry(slot.slot.clone()).or_insert_with(fresh);
            if course.job != board.job {
                *course = fresh();
            }
            let now = (board.progress.step, board.progress.attempt);
            let last = course.laps.last();
            if last.is_some_and(|lap| (lap.step, lap.attempt) == now) {
                continue;
            }
            if let Some(last) = course.laps.last_mut() {
                last.ended = Some(snapshot.at);
            }
            if course.laps.len() < MOST_LAPS {
                // the first step is as old as the job
                let first = course.laps.is_empty() && now.0 == Step::ALL[0];
                let began = if first { board.started } else { snapshot.at };
                course.laps.push(Lap {
                    step: now.0,
                    attempt: now.1,
                    began,
                    ended: None,
                });
            }
        }
    }

    /// The steps of this job, the oldest first.
    pub fn of(&self, slot: &SlotId, job: JobId) -> &[Lap] {
        let course = self.slots.get(slot).filter(|course| course.job == job);
        course.map_or(&[], |course| &course.laps)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dashboard::fixture;
    use crate::station::{SlotState, SlotView};

    fn at(second: i64, step: Step, attempt: u32) -> Snapshot {
        let mut snapshot = fixture::with(vec![fixture::slot("1", fixture::working(1))]);
        snapshot.at = fixture::ago(-second);
        let slot: &mut SlotView = Arc::make_mut(&mut snapshot.slots[0]);
        let SlotState::Working(board) = &mut slot.state else {
            unreachable!()
        };
        board.progress.step = step;
        board.progress.attempt = attempt;
        snapshot
    }

    #[test]
    fn steps_are_noted_with_their_ends() {
        let mut courses = Courses::default();
        for (second, step, attempt) in [
            (0, Step::Connect, 1),
            (1, Step::Connect, 1),
            (2, Step::Write, 1),
            (5, Step::Connect, 2),
        ] {
            courses.look(&at(second, step, attempt));
        }
        let snapshot = at(9, Step::Connect, 2);
        let job = status::board(&snapshot.slots[0].state).unwrap().job;
        let slot = SlotId::new("1");
        let told: Vec<_> = courses
            .of(&slot, job)
            .iter()
            .map(|lap| {
                let seconds = |at: Timestamp| at.duration_since(fixture::now()).as_secs();
                (
                    lap.step,
                    lap.attempt,
                    seconds(lap.began),
                    lap.ended.map(seconds),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Step::Connect, 1, -7, Some(2)),
                (Step::Write, 1, 2, Some(5)),
                (Step::Connect, 2, 5, None),
            ]
        );
        // the board is gone, and so is what was noted
        courses.look(&fixture::with(vec![fixture::slot("1", SlotState::Empty)]));
        assert_eq!(courses.of(&slot, job), []);
    }
}
