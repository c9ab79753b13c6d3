use jiff::Timestamp;

use super::*;
use crate::chip::Mac;
use crate::event::Code;
use crate::record::tally::Tally;

fn tried(tries: u64, failed: u64) -> Tried {
    Tried { tries, failed }
}

#[track_caller]
fn check_close(found: f64, expected: f64) {
    assert!(
        (found / expected - 1.0).abs() < 1e-9,
        "{found} instead of {expected}"
    );
}

#[test]
fn the_exact_test_is_that_of_the_books() {
    let check = |slot, all, expected| check_close(by_chance(slot, all), expected);
    // the lady tasting tea (Fisher, The Design of Experiments, 1935): three of four, and all
    check(tried(4, 3), tried(8, 4), 17.0 / 70.0);
    check(tried(4, 4), tried(8, 4), 1.0 / 70.0);
    // scipy.stats.fisher_exact's examples, alternative="greater": [[6, 2], [1, 4]] and [[8, 2], [1, 5]]
    check(tried(8, 6), tried(13, 7), 0.086_247_086_247_086_27);
    check(tried(10, 8), tried(16, 9), 0.024_475_524_475_524_483);
    // what is certain
    check(tried(10, 0), tried(100, 7), 1.0);
    check(tried(10, 3), tried(10, 3), 1.0);
    check(tried(7, 7), tried(7, 7), 1.0);
    check(tried(0, 0), tried(50, 7), 1.0);
}

/// The same with whole numbers.
#[test]
fn small_tables_are_those_of_whole_numbers() {
    let mut rows: Vec<Vec<u128>> = vec![vec![1]];
    for n in 1..=60 {
        let above = &rows[n - 1];
        let inner = (1..n).map(|k| above[k - 1] + above[k]);
        rows.push([1].into_iter().chain(inner).chain([1]).collect());
    }
    let choose = |n: u64, k: u64| -> u128 {
        let row = &rows[n as usize];
        row.get(k as usize).copied().unwrap_or(0)
    };
    for all in [1, 2, 5, 12, 31, 32, 33, 60] {
        for failed in [0, 1, 3, all / 2, all].into_iter().filter(|f| *f <= all) {
            for tries in 0..=all {
                for hits in 0..=tries.min(failed) {
                    let ways: u128 = (hits..=tries.min(failed))
                        .map(|hits| choose(failed, hits) * choose(all - failed, tries - hits))
                        .sum();
                    let expected = ways as f64 / choose(all, tries) as f64;
                    let found = by_chance(tried(tries, hits), tried(all, failed));
                    assert!(
                        (found - expected).abs() <= 1e-11 * expected.max(1e-3),
                        "{hits} of {tries}, {failed} of {all}: {found} instead of {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn factorials_are_exact_enough_where_the_series_begins() {
    let exact = |n: u64| (2..=n).map(|factor| (factor as f64).ln()).sum::<f64>();
    for n in [0, 1, 31, 32, 33, 100, 20_000] {
        assert!((ln_factorial(n) - exact(n)).abs() < 1e-9, "{n}");
    }
}

/// A slot, and what became of a job on it.
enum Job {
    Passed(u8),
    Retried(u8),
    Failed(u8),
    Silent,
    Bench,
    Limit(u8),
}

fn tries(jobs: impl IntoIterator<Item = (&'static str, Job)>) -> Tries {
    let mut tally = Tally::default();
    let mut tries = Tries::default();
    for (number, (slot, job)) in (1..).zip(jobs) {
        let (unit, code, attempts) = match job {
            Job::Passed(board) => (Some(board), None, 1),
            Job::Retried(board) => (Some(board), None, 2),
            Job::Failed(board) => (Some(board), Some(Code::VerifyMismatch), 1),
            Job::Silent => (None, Some(Code::NoSync), 1),
            Job::Bench => (None, Some(Code::PortError), 1),
            Job::Limit(board) => (Some(board), Some(Code::RetestLimit), 1),
        };
        let job = ClosedJob {
            number,
            slot: SlotId::new(slot),
            started: Timestamp::UNIX_EPOCH,
            unit: unit.map(|last| Mac([2, 0, 0, 0, 0, last]).into()),
            lot: None,
            golden: None,
            outcome: code.map_or(Outcome::Pass, Code::outcome),
            code,
            flash_touched: true,
            attempts,
            took_ms: 1000,
            ended: Timestamp::UNIX_EPOCH,
        };
        let counted = tally.add(&job);
        tries.add(&job, counted);
    }
    tries
}

#[test]
fn what_a_try_is() {
    use Job::*;
    let check = |jobs: Vec<Job>, expected: Tried| {
        let tries = tries(jobs.into_iter().map(|job| ("3", job)));
        assert_eq!(tries.tried, [expected]);
    };
    check(vec![Passed(1), Failed(2), Retried(3)], tried(3, 2));
    // a unit's first job tells, whatever the others do
    check(vec![Failed(1), Passed(1), Passed(1)], tried(1, 1));
    check(vec![Passed(1), Failed(1)], tried(1, 0));
    // silence in a row may be one board; a bench error in between tells nothing
    check(vec![Silent, Silent, Bench, Silent, Passed(1)], tried(2, 1));
    check(
        vec![Silent, Passed(1), Silent, Passed(1), Silent],
        tried(4, 3),
    );
    check(vec![Bench, Limit(1)], tried(0, 0));
}

/// As many boards pass on each of four slots, and then some of slot 3 fail.
fn shift(passed: u8, failed: u8) -> Tries {
    let names = ["1", "2", "3", "4"];
    let good = (0..passed).map(|board| (names[usize::from(board % 4)], Job::Passed(board)));
    let bad = (0..failed).map(|board| ("3", Job::Failed(200 + board)));
    tries(good.chain(bad))
}

#[test]
fn the_worst_slot_is_pointed_out_with_what_speaks_against_it() {
    assert_eq!(shift(100, 3).worst(), None, "too few failures to look at");
    // 9 of 34 and 0 of 75: 1.6e-5, by scipy
    let worst = shift(100, 9).worst().unwrap();
    assert_eq!(
        worst,
        WorstSlot {
            slot: SlotId::new("3"),
            units: 34,
            failed: 9,
            other_units: 75,
            other_failed: 0
        }
    );
    // it is looked at 9 and then at 14
    assert_eq!(shift(100, 12).worst(), Some(worst));
    assert_eq!(shift(100, 14).worst().unwrap().failed, 14);
    // with fewer than 30 nothing is looked at
    assert_eq!(shift(8, 9).worst(), None);
    let equal =
        tries((0..200).map(|board| (["1", "2"][usize::from(board % 2)], Job::Failed(board))));
    assert_eq!(equal.worst(), None);
}

/// A linear congruential generator (Knuth's MMIX constants): the same shifts every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = (self.0)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// One shift; the first slot fails so many times as often. The slot that was pointed out first.
fn simulate(dice: &mut Dice, slots: usize, units: u64, permille: u64, times: u64) -> Option<usize> {
    let mut tried = vec![Tried::default(); slots];
    let mut looks = Looks::default();
    for unit in 1..=units {
        let slot = dice.below(slots as u64) as usize;
        let rate = permille * if slot == 0 { times } else { 1 };
        tried[slot].tries += 1;
        let failed = dice.below(1000) < rate;
        tried[slot].failed += u64::from(failed);
        // in between nothing would be looked at
        if failed || unit == LEAST_TRIES {
            looks.look(&tried);
            if let Some(found) = looks.found {
                return Some(found.slot);
            }
        }
    }
    None
}

#[test]
fn equal_slots_raise_an_alarm_on_at_most_one_shift_in_a_hundred() {
    const SHIFTS: u64 = 75;
    let mut dice = Dice(20_261_120);
    let (mut shifts, mut alarms) = (0, 0);
    for slots in [4, 8, 16, 64] {
        for permille in [10, 30, 100] {
            for units in [300, 800, 2000] {
                let raised = (0..SHIFTS)
                    .filter(|_| simulate(&mut dice, slots, units, permille, 1).is_some())
                    .count() as u64;
                // of 1 % more would be no accident
                assert!(
                    raised <= 3,
                    "{slots} slots, {permille} ‰, {units} units: {raised}"
                );
                shifts += SHIFTS;
                alarms += raised;
            }
        }
    }
    println!("{alarms} alarms in {shifts} shifts");
    assert!(alarms * 100 <= shifts, "{alarms} in {shifts}");
    assert!(alarms > 0, "the simulation can raise one");
}

/// And nearly always that one, not another.
#[test]
fn a_slot_that_fails_five_times_as_often_is_found_in_most_shifts() {
    const SHIFTS: u64 = 60;
    let mut dice = Dice(7);
    // slots, units of the shift, failures of the others per thousand, found in at least so many per cent
    for (slots, units, permille, least_percent) in [
        (4, 2000, 10, 60),
        (8, 600, 50, 55),
        (8, 1000, 30, 55),
        (8, 2000, 30, 90),
        (16, 2000, 30, 55),
        (64, 2000, 100, 45),
    ] {
        let shifts = (0..SHIFTS).map(|_| simulate(&mut dice, slots, units, permille, 5));
        let pointed: Vec<usize> = shifts.flatten().collect();
        let right = pointed.iter().filter(|slot| **slot == 0).count() as u64;
        let percent = right * 100 / SHIFTS;
        println!("{slots} slots, {units} units, {permille} ‰ and five times that: {percent} %");
        assert!(
            percent >= least_percent,
            "{slots} {units} {permille}: {percent} %"
        );
        assert!(pointed.len() as u64 - right <= 1);
    }
}
