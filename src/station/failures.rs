//! What a finished job tells about its slot and about the line, and the two runs of failures that take
//! them out of service. Pure: no ports, no clock; the same for jobs as they end and for those of the record
//! at the start. What is done about a run that is long enough is the dispatcher's (`dispatcher/service`).
//!
//! | a job that ended | tells |
//! |---|---|
//! | `PASS`, `WRITTEN` | the slot works: its run and the line's end |
//! | `FAIL`, but not `UNPLUGGED`, `BOARD_SWAPPED` or `RETEST_LIMIT` | a failure |
//! | `PORT_NOT_SERIAL`, `PORT_DENIED`, `PORT_ERROR`, `BAUD_NOT_REACHED` | a failure: the slot's own |
//! | `UNPLUGGED`, `BOARD_SWAPPED`, `PORT_ABSENT`, `NO_BOARD`, `NOT_REMOVED` | nothing: a hand |
//! | `PORT_BUSY` | nothing: another program, named there |
//! | `HUB_POWER`, `RECORD_FAILED`, `DISK_FULL` | nothing: told of the hub, or of the line, by itself |
//! | a golden board that is known to be good | the same as any other |
//! | a golden board that is known to be bad | nothing: it is there to fail |
//! | `GOLDEN_ESCAPED` | that the bench does not see faults: it halts the line at once |
//! | `RETEST_LIMIT`, `SKIPPED` | nothing: known from before |
//! | `ABORTED` | nothing: someone stopped it |
//!
//! A slot's run counts different boards, whatever they failed with. A board is known by its MAC (or its
//! serial where it hides that); one that nothing is known of is another board once the one before was
//! taken out. The line's run counts different slots that failed with the same code, with different
//! boards: one bad board carried from slot to slot is one failure. A failure with another code begins it
//! anew.

use crate::event::{Code, Golden, Outcome, SlotId, Unit};

/// What a finished job tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    Works,
    Fails(Code),
    /// A board that is known to be bad did not fail.
    Escapes,
    Nothing,
}

impl Tells {
    /// By the table above.
    pub fn of(outcome: Outcome, code: Option<Code>, golden: Option<Golden>) -> Tells {
        match (outcome, code) {
            (_, Some(Code::GoldenEscaped)) => Tells::Escapes,
            _ if golden == Some(Golden::Bad) => Tells::Nothing,
            (Outcome::Pass | Outcome::Written, _) => Tells::Works,
            (Outcome::Fail, Some(Code::Unplugged | Code::BoardSwapped | Code::RetestLimit)) => {
                Tells::Nothing
            }
            (Outcome::Fail, Some(code)) => Tells::Fails(code),
            (
                Outcome::Error,
                Some(
                    code @ (Code::PortNotSerial
                    | Code::PortDenied
                    | Code::PortError
                    | Code::BaudNotReached),
                ),
            ) => Tells::Fails(code),
            (Outcome::Fail | Outcome::Error | Outcome::Aborted | Outcome::Skipped, _) => {
                Tells::Nothing
            }
        }
    }
}

/// The different boards in a row that failed on a slot.
#[derive(Debug, Default)]
pub struct SlotRun {
    /// What is known of each.
    boards: Vec<Option<Unit>>,
    /// The last of them has not left the slot since.
    last_is_in: bool,
}

/// More boards of a run than this are not told apart; no setting asks for more.
const MOST_BOARDS: usize = 100;

impl SlotRun {
    pub fn job_ended(&mut self, tells: Tells, unit: Option<&Unit>) {
        match tells {
            Tells::Nothing | Tells::Escapes => {}
            Tells::Works => *self = SlotRun::default(),
            Tells::Fails(_) => {
                self.failed(unit);
                self.last_is_in = true;
            }
        }
    }

    fn failed(&mut self, unit: Option<&Unit>) {
        let is_same = match (self.boards.last_mut(), unit) {
            (Some(_), None) => self.last_is_in,
            // the board in the slot, of which something is known now
            (Some(last @ None), Some(unit)) if self.last_is_in => {
                *last = Some(unit.clone());
                true
            }
            (_, Some(unit)) => self.boards.iter().flatten().any(|known| known == unit),
            (None, None) => false,
        };
        if !is_same && self.boards.len() < MOST_BOARDS {
            self.boards.push(unit.cloned());
        }
    }

    /// Whatever comes now may be another board.
    pub fn board_left(&mut self) {
        self.last_is_in = false;
    }

    /// How many different boards in a row.
    pub fn boards(&self) -> u32 {
        self.boards.len() as u32
    }
}

/// The different slots in a row that failed with the same code.
#[derive(Debug, Default)]
pub struct LineRun {
    code: Option<Code>,
    slots: Vec<(SlotId, Option<Unit>)>,
}

impl LineRun {
    pub fn job_ended(&mut self, tells: Tells, slot: &SlotId, unit: Option<&Unit>) {
        match tells {
            Tells::Nothing | Tells::Escapes => {}
            Tells::Works => *self = LineRun::default(),
            Tells::Fails(code) => {
                if self.code != Some(code) {
                    self.code = Some(code);
                    self.slots.clear();
                }
                let is_known = |(known, board): &(SlotId, Option<Unit>)| {
                    known == slot || (board.is_some() && board.as_ref() == unit)
                };
                if !self.slots.iter().any(is_known) {
                    self.slots.push((slot.clone(), unit.cloned()));
                }
            }
        }
    }

    /// How many different slots in a row.
    pub fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// What they failed with.
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|(slot, _)| slot.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::Mac;

    #[test]
    fn every_code_tells_what_the_table_says() {
        let failures: Vec<Code> = Code::ALL
            .into_iter()
            .filter(|code| Tells::of(code.outcome(), Some(*code), None) == Tells::Fails(*code))
            .collect();
        let but = [Code::Unplugged, Code::BoardSwapped, Code::RetestLimit];
        let bench = [
            Code::PortNotSerial,
            Code::PortDenied,
            Code::PortError,
            Code::BaudNotReached,
        ];
        let expected: Vec<Code> = Code::ALL
            .into_iter()
            .filter(|code| {
                code.outcome() == Outcome::Fail && !but.contains(code) || bench.contains(code)
            })
            .collect();
        assert_eq!(failures, expected);
        assert_eq!(Tells::of(Outcome::Pass, None, None), Tells::Works);
        let written = Tells::of(Outcome::Written, Some(Code::NotVerified), None);
        assert_eq!(written, Tells::Works);
    }

    #[test]
    fn golden_boards_tell_of_the_bench() {
        use Golden::{Bad, Good};
        let check = |code: Option<Code>, golden, expected| {
            let outcome = code.map_or(Outcome::Pass, Code::outcome);
            assert_eq!(Tells::of(outcome, code, Some(golden)), expected, "{code:?}");
        };
        check(None, Good, Tells::Works);
        check(Some(Code::NoReply), Good, Tells::Fails(Code::NoReply));
        check(Some(Code::NoReply), Bad, Tells::Nothing);
        check(Some(Code::PortError), Bad, Tells::Nothing);
        check(Some(Code::GoldenEscaped), Bad, Tells::Escapes);
    }

    /// The table above and that of the supervisor's page name the same codes.
    #[test]
    fn the_page_for_supervisors_has_the_same_table() {
        let page = include_str!("../../docs/supervisor.md");
        // what ended, and the first word of what that tells
        let rows = |text: &str, prefix: &str| -> Vec<(String, String)> {
            text.lines()
                .skip_while(|line| !line.ends_with("| a job that ended | tells |"))
                .take_while(|line| line.starts_with(prefix.trim_end()))
                .filter_map(|line| {
                    let (job, tells) = line.strip_prefix(prefix)?.split_once('|')?;
                    let word = tells.split([' ', ':', '|']).find(|word| !word.is_empty())?;
                    Some((job.trim().to_owned(), word.to_owned()))
                })
                .collect()
        };
        let here = rows(include_str!("failures.rs"), "//! | ");
        assert!(here.len() > 7, "{here:?}");
        assert_eq!(rows(page, "| "), here);
    }

    const FAILS: Tells = Tells::Fails(Code::NoSync);

    fn unit(last: u8) -> Option<Unit> {
        (last > 0).then(|| Mac([2, 0, 0, 0, 0, last]).into())
    }

    /// Jobs on one slot: what each tells, its board (0: unknown), and whether it was then taken out.
    fn check_slot(jobs: &[(Tells, u8, bool)], expected: u32) {
        let mut run = SlotRun::default();
        for (tells, board, left) in jobs {
            run.job_ended(*tells, unit(*board).as_ref());
            if *left {
                run.board_left();
            }
        }
        assert_eq!(run.boards(), expected, "{jobs:?}");
    }

    #[test]
    fn a_slots_run_counts_different_boards() {
        use Tells::{Nothing, Works};
        let other = Tells::Fails(Code::FlashWrite);
        check_slot(&[(FAILS, 1, true), (other, 2, true), (FAILS, 3, true)], 3);
        // one board tried thrice, plugged anew each time
        check_slot(&[(FAILS, 1, true), (FAILS, 1, true), (FAILS, 1, true)], 1);
        // one that came back after another
        check_slot(&[(FAILS, 1, true), (FAILS, 2, true), (FAILS, 1, true)], 2);
        check_slot(&[(FAILS, 1, true), (Works, 2, true), (FAILS, 3, true)], 1);
        check_slot(&[(FAILS, 1, true), (Nothing, 2, true), (FAILS, 3, true)], 2);
        // nothing answers: taken out between, or started again as it is
        check_slot(&[(FAILS, 0, true), (FAILS, 0, true), (FAILS, 0, true)], 3);
        check_slot(&[(FAILS, 0, false), (FAILS, 0, false), (FAILS, 0, true)], 1);
        // started again, and this time it told its name
        check_slot(&[(FAILS, 0, false), (other, 1, true), (FAILS, 1, true)], 1);
        // known, and then not: the same one while it is in
        check_slot(&[(other, 1, false), (FAILS, 0, false)], 1);
        check_slot(&[(other, 1, true), (FAILS, 0, false)], 2);
        // a jig where nobody saw the change
        check_slot(&[(FAILS, 1, false), (FAILS, 2, false)], 2);
    }

    #[test]
    fn a_run_does_not_grow_without_bound() {
        let jobs = [(FAILS, 0, true); MOST_BOARDS + 5];
        check_slot(&jobs, MOST_BOARDS as u32);
    }

    /// Jobs on the line: what each tells, its slot and its board (0: unknown).
    fn check_line(jobs: &[(Tells, &str, u8)], expected: &[&str]) {
        let mut run = LineRun::default();
        for (tells, slot, board) in jobs {
            run.job_ended(*tells, &SlotId::new(slot), unit(*board).as_ref());
        }
        assert_eq!(run.names().collect::<Vec<_>>(), expected, "{jobs:?}");
        assert_eq!(run.slots() as usize, expected.len());
    }

    #[test]
    fn the_lines_run_counts_different_slots_with_one_code() {
        use Tells::{Nothing, Works};
        let other = Tells::Fails(Code::FlashId);
        check_line(
            &[(FAILS, "1", 1), (FAILS, "2", 2), (FAILS, "3", 0)],
            &["1", "2", "3"],
        );
        check_line(&[(FAILS, "1", 1), (FAILS, "1", 2), (FAILS, "1", 3)], &["1"]);
        check_line(&[(FAILS, "1", 1), (Works, "2", 2), (FAILS, "3", 3)], &["3"]);
        check_line(
            &[(FAILS, "1", 1), (Nothing, "2", 2), (FAILS, "3", 3)],
            &["1", "3"],
        );
        check_line(&[(FAILS, "1", 1), (FAILS, "2", 2), (other, "3", 3)], &["3"]);
        // one bad board carried along the bench
        check_line(&[(FAILS, "1", 1), (FAILS, "2", 1), (FAILS, "3", 1)], &["1"]);
        check_line(
            &[(FAILS, "1", 1), (FAILS, "2", 1), (FAILS, "2", 2)],
            &["1", "2"],
        );
    }
}
