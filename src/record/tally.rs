//! The rules of yield, in one place; the dashboard's running figures and every report go through them.
//!
//! - A unit is a board, known by its MAC or, where its chip hides that, by the serial that someone
//!   typed or scanned; tried again it is still one unit. A job that cannot tell its unit belongs to
//!   none: a failed one counts as `no_contact`.
//! - A golden board is no unit: its jobs are counted as `golden` and nowhere else. A skipped board was
//!   good already: it is counted as `skipped` and for no unit.
//! - A board that was refused because it failed as often as it may (`RETEST_LIMIT`) is a failed job, and
//!   counts for no unit: its unit failed already, and its last counted job stays what it was.
//! - A job counts for its unit when it passed, failed or was written without being verified to the
//!   end (WRITTEN). A stopped or interrupted one counts (as not
//!   passed) when the flash had been touched. A bench error never counts against the board.
//! - A board that is pulled in mid-job failed that job (`UNPLUGGED` is a FAIL).
//! - First-pass yield: the unit's first counted job passed at its first attempt. Blocks and rates tried
//!   again within the attempt do not matter. Final yield: its last counted job passed. WRITTEN is no
//!   pass of either; a unit whose last counted job is WRITTEN is neither passed nor failed, and has a
//!   figure of its own.
//! - First and last are by arrival, among the jobs that the question is about: a unit's jobs before the
//!   asked period are not looked at.
//! - Cycle time: arrival to verdict, passed jobs only; the median of an even number is the mean of the
//!   middle two.

mod day;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use super::speed::Speed;
use super::{Jobs, Yield};
use crate::event::{Code, Golden, LotName, Outcome, SlotId, Unit};

/// What the rules look at in a closed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedJob {
    /// Counts up by arrival.
    pub number: i64,
    pub slot: SlotId,
    pub started: Timestamp,
    pub unit: Option<Unit>,
    /// The lot that it was worked on for.
    pub lot: Option<LotName>,
    pub golden: Option<Golden>,
    pub outcome: Outcome,
    pub code: Option<Code>,
    pub flash_touched: bool,
    pub attempts: u32,
    pub took_ms: u64,
    pub ended: Timestamp,
}

impl ClosedJob {
    /// The unit that this job counts for.
    pub fn counts_for(&self) -> Option<&Unit> {
        let counts = self.golden.is_none() && counts(self.outcome, self.code, self.flash_touched);
        self.unit.as_ref().filter(|_| counts)
    }

    /// Whether it failed, and nothing told which board it was.
    pub fn is_no_contact(&self) -> bool {
        self.golden.is_none() && self.outcome == Outcome::Fail && self.unit.is_none()
    }

    /// Whether it passed at its first attempt.
    pub fn is_first_pass(&self) -> bool {
        self.outcome == Outcome::Pass && self.attempts <= 1
    }
}

/// Whether a job that ended so counts for its unit, golden boards aside.
pub fn counts(outcome: Outcome, code: Option<Code>, flash_touched: bool) -> bool {
    match outcome {
        Outcome::Pass | Outcome::Written => true,
        Outcome::Fail => code != Some(Code::RetestLimit),
        Outcome::Error | Outcome::Skipped => false,
        Outcome::Aborted => flash_touched,
    }
}

/// Whether a job's board was left half-worked: it must pass or be written off before it is shipped.
/// A FAIL that the job itself found is none: the board is red, and known to be bad. A WRITTEN one is
/// whole, and known to be unverified.
pub fn leaves_open(outcome: Outcome, code: Option<Code>, flash_touched: bool) -> bool {
    match outcome {
        Outcome::Pass | Outcome::Written | Outcome::Skipped => false,
        Outcome::Fail => matches!(code, Some(Code::Unplugged | Code::BoardSwapped)),
        Outcome::Error | Outcome::Aborted => flash_touched,
    }
}

/// A unit's first and last counted job.
#[derive(Debug, Clone)]
struct Ends {
    first: i64,
    first_pass: bool,
    first_slot: SlotId,
    first_started: Timestamp,
    last: i64,
    last_outcome: Outcome,
}

impl Ends {
    fn is_good(&self) -> bool {
        self.last_outcome == Outcome::Pass
    }

    /// Takes in another job of the unit.
    fn join(&mut self, other: Ends) {
        if other.last > self.last {
            (self.last, self.last_outcome) = (other.last, other.last_outcome);
        }
        if other.first < self.first {
            *self = Ends {
                last: self.last,
                last_outcome: self.last_outcome,
                ..other
            };
        }
    }
}

/// What a job told of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It is the first that counts for it.
    First,
    Again,
    /// It counts for no unit.
    Not,
}

/// Closed jobs, summed up as they come, in any order.
#[derive(Debug, Default)]
pub struct Tally {
    units: HashMap<Unit, Ends>,
    cycles_ms: Vec<u64>,
    failures: BTreeMap<Code, u64>,
    jobs: Jobs,
    speed: Speed,
    no_contact: BTreeMap<SlotId, u64>,
}

impl Tally {
    /// Counts a job in. Once for each job.
    pub fn add(&mut self, job: &ClosedJob) -> Counted {
        if job.golden.is_some() {
            self.jobs.golden += 1;
            return Counted::Not;
        }
        match job.outcome {
            Outcome::Pass => {
                self.jobs.passed += 1;
                self.cycles_ms.push(job.took_ms);
            }
            Outcome::Written => self.jobs.written += 1,
            Outcome::Fail => self.jobs.failed += 1,
            Outcome::Error => self.jobs.errors += 1,
            Outcome::Aborted => self.jobs.aborted += 1,
            Outcome::Skipped => self.jobs.skipped += 1,
        }
        if job.is_no_contact() {
            self.jobs.no_contact += 1;
            *self.no_contact.entry(job.slot.clone()).or_default() += 1;
        }
        if let Some(code) = job.code
            && !matches!(job.outcome, Outcome::Written | Outcome::Skipped)
        {
            *self.failures.entry(code).or_default() += 1;
        }
        let Some(unit) = job.counts_for() else {
            return Counted::Not;
        };
        let ends = Ends {
            first: job.number,
            first_pass: job.is_first_pass(),
            first_slot: job.slot.clone(),
            first_started: job.started,
            last: job.number,
            last_outcome: job.outcome,
        };
        let (counted, became_good) = match self.units.entry(unit.clone()) {
            Entry::Vacant(new) => (Counted::First, new.insert(ends).is_good()),
            Entry::Occupied(mut known) => {
                let was_good = known.get().is_good();
                known.get_mut().join(ends);
                (Counted::Again, !was_good && known.get().is_good())
            }
        };
        if became_good {
            self.speed.add(job.ended);
        }
        counted
    }

    /// Units that became good per hour of work; `None` where too few tell.
    pub fn units_per_hour(&self) -> Option<f64> {
        self.speed.per_hour()
    }

    pub fn figures(&self) -> Yield {
        let count = |of: fn(&Ends) -> bool| self.units.values().filter(|ends| of(ends)).count();
        Yield {
            units: self.units.len() as u64,
            first_pass: count(|unit| unit.first_pass) as u64,
            passed: count(Ends::is_good) as u64,
            written: count(|unit| unit.last_outcome == Outcome::Written) as u64,
            median_cycle: median(self.cycles_ms.clone()).map(Duration::from_millis),
            failures: self.failures(),
            jobs: self.jobs,
        }
    }

    /// Most frequent first.
    fn failures(&self) -> Vec<(Code, u64)> {
        let jobs = self.failures.iter();
        let mut failures: Vec<(Code, u64)> = jobs.map(|(&code, &jobs)| (code, jobs)).collect();
        failures.sort_by_key(|&(_, jobs)| std::cmp::Reverse(jobs));
        failures
    }
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable(middle);
    match below.iter().max() {
        Some(&lower) if even => Some(lower.midpoint(upper)),
        _ => Some(upper),
    }
}

#[cfg(test)]
mod tests;
