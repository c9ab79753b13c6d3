//! The slot whose first tries fail more often than chance explains: a worn pogo pin, a bad cable.
//!
//! - A try: a unit's first counted job of the day (`tally`), failed unless it passed at its first attempt.
//!   A job in which nothing answered is the failed try of a board that nobody knows, since that is how a
//!   worn pin shows; several of them in a row on one slot are one try, since it may be one board put in
//!   again and again. (A slot that has no contact at all any more is stopped by its quarantine.)
//! - Each slot is held against all the others together by Fisher's exact test, one-sided, and the smallest
//!   p-value is multiplied by the number of slots that have tries: Holm's first step, and his others do not
//!   matter to the one slot that is pointed out.
//! - Looking again and again finds something in the end. So it is looked 16 times a day at the most, when
//!   there are [`LEAST_TRIES`] tries and 4, 6, 9, 14, … failed ones (half as many again each time), and each
//!   look may go wrong with a sixteenth of 1 %. However these looks hang together, that is 1 % at the most of
//!   days on which equal slots raise an alarm at all; the exact test, which is careful where there are few
//!   failures, makes it less than half of that. Looks go by failures and not by units because there is
//!   nothing to find in between.
//! - What the last look found holds until the next one.

use std::collections::BTreeMap;

use super::WorstSlot;
use super::tally::{ClosedJob, Counted};
use crate::event::{Outcome, SlotId};

/// Fewer tries tell nothing.
const LEAST_TRIES: u64 = 30;
/// The failed tries at which it is looked: half as many again each time.
const LOOKS: [u64; 16] = [
    4, 6, 9, 14, 21, 31, 46, 69, 103, 154, 231, 346, 519, 779, 1168, 1752,
];
/// How often equal slots may raise an alarm in a day.
const FALSE_ALARMS: f64 = 0.01;

/// A slot's tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tried {
    tries: u64,
    failed: u64,
}

/// The tries of a day, as its jobs end.
#[derive(Debug, Default)]
pub struct Tries {
    /// Index into `tried`.
    slots: BTreeMap<SlotId, usize>,
    tried: Vec<Tried>,
    /// By the same index: nothing answered in the last job that tells.
    silent: Vec<bool>,
    looks: Looks,
}

impl Tries {
    /// Takes in a job, by the order of their ends; `counted`: what it told of its unit.
    pub fn add(&mut self, job: &ClosedJob, counted: Counted) {
        let next = self.tried.len();
        let slot = *self.slots.entry(job.slot.clone()).or_insert(next);
        if slot == next {
            self.tried.push(Tried::default());
            self.silent.push(false);
        }
        let silent = &mut self.silent[slot];
        let failed = if job.is_no_contact() {
            if std::mem::replace(silent, true) {
                return;
            }
            true
        } else {
            let answered =
                job.unit.is_some() || matches!(job.outcome, Outcome::Pass | Outcome::Written);
            *silent &= !answered;
            if counted != Counted::First {
                return;
            }
            !job.is_first_pass()
        };
        self.tried[slot].tries += 1;
        self.tried[slot].failed += u64::from(failed);
        self.looks.look(&self.tried);
    }

    /// What the last look found.
    pub fn worst(&self) -> Option<WorstSlot> {
        let found = self.looks.found.as_ref()?;
        let (slot, _) = self.slots.iter().find(|(_, index)| **index == found.slot)?;
        let Tried { tries, failed } = found.of_all;
        Some(WorstSlot {
            slot: slot.clone(),
            units: found.of_slot.tries,
            failed: found.of_slot.failed,
            other_units: tries - found.of_slot.tries,
            other_failed: failed - found.of_slot.failed,
        })
    }
}

/// What was looked at and what was found.
#[derive(Debug, Default)]
struct Looks {
    /// How many of [`LOOKS`] are through.
    through: usize,
    found: Option<Found>,
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    slot: usize,
    of_slot: Tried,
    of_all: Tried,
}

impl Looks {
    /// Looks, if it is time.
    fn look(&mut self, slots: &[Tried]) {
        let sum = |part: fn(&Tried) -> u64| slots.iter().map(part).sum();
        let of_all = Tried {
            tries: sum(|slot| slot.tries),
            failed: sum(|slot| slot.failed),
        };
        let due = LOOKS.get(self.through);
        if of_all.tries < LEAST_TRIES || due.is_none_or(|due| of_all.failed < *due) {
            return;
        }
        // those that were passed over before there were tries enough are one
        self.through = LOOKS.partition_point(|failed| *failed <= of_all.failed);
        self.found = worst(slots, of_all, FALSE_ALARMS / LOOKS.len() as f64);
    }
}

/// The slot that differs most from the others, if chance makes slots differ so with at most this
/// probability.
fn worst(slots: &[Tried], of_all: Tried, probability: f64) -> Option<Found> {
    let tried = slots.iter().filter(|slot| slot.tries > 0).count();
    let chance = |slot: &Tried| by_chance(*slot, of_all);
    let all = slots.iter().enumerate();
    let (slot, of_slot, chance) = all
        .map(|(index, slot)| (index, *slot, chance(slot)))
        .min_by(|(.., one), (.., other)| one.total_cmp(other))?;
    (chance * tried as f64 <= probability).then_some(Found {
        slot,
        of_slot,
        of_all,
    })
}

/// Fisher's exact test, one-sided: the probability that so many or more of all failures fall on this slot's
/// tries, were they spread over all tries by chance.
fn by_chance(slot: Tried, all: Tried) -> f64 {
    let passed = all.tries - all.failed;
    let most = slot.tries.min(all.failed);
    let least = slot.failed.max(slot.tries.saturating_sub(passed));
    let ways = |failed: u64| {
        ln_choose(all.failed, failed) + ln_choose(passed, slot.tries - failed)
            - ln_choose(all.tries, slot.tries)
    };
    let chance: f64 = (least..=most).map(|failed| ways(failed).exp()).sum();
    chance.min(1.0)
}

/// The logarithm of the number of ways to choose so many of all.
fn ln_choose(all: u64, chosen: u64) -> f64 {
    ln_factorial(all) - ln_factorial(chosen) - ln_factorial(all - chosen)
}

/// By Stirling's series, whose first term left out is below 1e-13 from 32 on.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|factor| (factor as f64).ln()).sum();
    }
    let n = n as f64;
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

#[cfg(test)]
mod tests;
