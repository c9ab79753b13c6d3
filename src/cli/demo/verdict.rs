//! Whether the boards ended as the story says, by the rows of the record, and the table that tells it.

use std::collections::BTreeMap;

use super::story::{Part, Round};
use crate::event::{Code, Outcome};
use crate::record::JobRow;

/// The story held against the record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// For each part: boards that ended as they must, and boards that were to be.
    parts: BTreeMap<Part, (usize, usize)>,
    /// What is not as the story says, a line each.
    wrong: Vec<String>,
    /// Visits without a finished job, since the demo was ended early.
    unplayed: usize,
}

/// Whether the story was to be played to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Played {
    ToTheEnd,
    /// Someone ended it: what had no time to end is not held against it.
    EndedEarly,
}

impl Verdict {
    /// Holds the demo's rows, by arrival, against the story.
    pub fn of(story: &[Round], rows: &[JobRow], played: Played) -> Verdict {
        let mut verdict = Verdict::default();
        let slots = story.first().map_or(0, Vec::len);
        for slot in 0..slots {
            let name = (slot + 1).to_string();
            let mut jobs = rows.iter().filter(|row| row.slot.as_str() == name);
            for (index, round) in story.iter().enumerate() {
                let part = round[slot].part;
                let place = format!("round {}, slot {name}, {part}", index + 1);
                verdict.judge(part, &place, jobs.next(), played);
            }
            for extra in jobs {
                let ended = ended(extra);
                verdict.wrong.push(format!(
                    "slot {name} has a job that is not in the story: {ended}"
                ));
            }
        }
        verdict
    }

    fn judge(&mut self, part: Part, place: &str, row: Option<&JobRow>, played: Played) {
        let stopped = row.is_none_or(|row| {
            row.outcome == Some(Outcome::Aborted) && row.code == Some(Code::Stopped)
        });
        if stopped && played == Played::EndedEarly {
            self.unplayed += 1;
            return;
        }
        let ending = part.ending();
        let (right, total) = self.parts.entry(part).or_default();
        *total += 1;
        match row {
            Some(row) if ending.holds(row) => *right += 1,
            Some(row) => {
                let ended = ended(row);
                self.wrong
                    .push(format!("{place}: expected {ending}, ended {ended}"));
            }
            None => self
                .wrong
                .push(format!("{place}: expected {ending}, there is no job")),
        }
    }

    pub fn holds(&self) -> bool {
        self.wrong.is_empty()
    }

    /// The table, and what is wrong.
    pub fn table(&self) -> String {
        let mut text = format!(
            "\n{:<31}{:<23}{}\n",
            "boards of the story", "must end", "ended so"
        );
        for (part, (right, total)) in &self.parts {
            let ending = part.ending();
            text.push_str(&format!("{part:<31}{ending:<23}{right} of {total}\n"));
        }
        if self.unplayed > 0 {
            let boards = self.unplayed;
            text.push_str(&format!(
                "ended early: {boards} boards had no time to end\n"
            ));
        }
        for wrong in &self.wrong {
            text.push_str(&format!("NOT AS SCRIPTED  {wrong}\n"));
        }
        text
    }
}

fn ended(row: &JobRow) -> String {
    let outcome = row.outcome.map_or("not at all", Outcome::name);
    let code = row.code.map(|code| format!(" {code}")).unwrap_or_default();
    let mac = row.identity.as_ref().and_then(|identity| identity.mac);
    let mac = mac.map(|mac| format!(" ({mac})"));
    let retries = match row.retries.total() {
        0 => String::new(),
        count => format!(" after {count} retries"),
    };
    let detail = match row.detail.as_str() {
        "" => String::new(),
        detail => format!(": {detail}"),
    };
    format!(
        "{outcome}{code}{retries}{}{detail}",
        mac.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::super::story::{Trouble, Visit};
    use super::*;
    use crate::event::{JobId, SlotId};
    use crate::job::Retries;

    fn row(slot: &str, outcome: Outcome, code: Option<Code>, blocks: u32) -> JobRow {
        JobRow {
            job: JobId(uuid::Uuid::nil()),
            station: "demo".to_owned(),
            slot: SlotId::new(slot),
            place: String::new(),
            product: String::new(),
            version: String::new(),
            bundle_digest: String::new(),
            lot: None,
            operator: None,
            golden: None,
            identity: None,
            outcome: Some(outcome),
            code,
            detail: String::new(),
            attempts: 1,
            retries: Retries {
                blocks,
                ..Retries::default()
            },
            serial: None,
            written_by: None,
            bytes_skipped: 0,
            baud: 921_600,
            bytes_written: 0,
            flash_touched: true,
            started: jiff::Timestamp::UNIX_EPOCH,
            ended: None,
        }
    }

    fn story() -> Vec<Round> {
        let parts = [
            [Part::Troubled(Trouble::Noise), Part::Healthy],
            [Part::Healthy, Part::Troubled(Trouble::Cell)],
        ];
        let visit = |part| Visit { board: 0, part };
        parts.map(|round| round.map(visit).to_vec()).to_vec()
    }

    #[test]
    fn boards_that_end_as_they_must() {
        let rows = [
            row("1", Outcome::Pass, None, 1),
            row("2", Outcome::Pass, None, 0),
            row("2", Outcome::Fail, Some(Code::VerifyMismatch), 0),
            row("1", Outcome::Pass, None, 0),
        ];
        let verdict = Verdict::of(&story(), &rows, Played::ToTheEnd);
        assert!(verdict.holds());
        insta::assert_snapshot!("as_scripted", verdict.table());
    }

    #[test]
    fn boards_that_do_not() {
        let rows = [
            row("1", Outcome::Pass, None, 0),
            row("2", Outcome::Fail, Some(Code::NoSync), 0),
            row("2", Outcome::Fail, Some(Code::VerifyMismatch), 0),
            row("2", Outcome::Pass, None, 0),
        ];
        let verdict = Verdict::of(&story(), &rows, Played::ToTheEnd);
        assert!(!verdict.holds());
        insta::assert_snapshot!("not_as_scripted", verdict.table());
    }

    #[test]
    fn what_was_stopped_by_the_early_end_is_not_held_against_it() {
        let rows = [
            row("1", Outcome::Pass, None, 1),
            row("2", Outcome::Aborted, Some(Code::Stopped), 0),
        ];
        let check = |played, expected| {
            assert_eq!(Verdict::of(&story(), &rows, played).holds(), expected);
        };
        check(Played::EndedEarly, true);
        check(Played::ToTheEnd, false);
    }
}
