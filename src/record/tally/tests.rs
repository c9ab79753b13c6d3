use super::*;
use crate::chip::Mac;

/// Arrivals in order: (board, `None` without contact; code, `None` for PASS; flash touched; attempts;
/// seconds).
type Arrival = (Option<u8>, Option<Code>, bool, u32, u64);

fn tally(arrivals: &[Arrival]) -> Tally {
    let mut tally = Tally::default();
    for (number, &(board, code, flash_touched, attempts, seconds)) in (1..).zip(arrivals) {
        tally.add(&ClosedJob {
            number,
            slot: SlotId::new("3"),
            started: Timestamp::UNIX_EPOCH,
            unit: board.map(|last| Mac([0x24, 0x0A, 0xC4, 0, 0, last]).into()),
            lot: None,
            golden: None,
            outcome: code.map_or(Outcome::Pass, Code::outcome),
            code,
            flash_touched,
            attempts,
            took_ms: seconds * 1000,
            ended: jiff::Timestamp::UNIX_EPOCH,
        });
    }
    tally
}

#[track_caller]
fn check(arrivals: &[Arrival], [units, first_pass, passed]: [u64; 3]) {
    let figures = tally(arrivals).figures();
    assert_eq!(
        [figures.units, figures.first_pass, figures.passed],
        [units, first_pass, passed],
        "units, first-pass, final of {arrivals:?}"
    );
}

#[test]
fn each_rule_alone() {
    use Code::*;
    let pass = (Some(1), None, true, 1, 10);
    let after_retry = (Some(1), None, true, 2, 20);
    let failed = (Some(1), Some(VerifyMismatch), true, 1, 9);
    let pulled = (Some(1), Some(Unplugged), true, 1, 4);
    let pulled_before_the_write = (Some(1), Some(Unplugged), false, 1, 1);
    let stopped_early = (Some(1), Some(Stopped), false, 1, 1);
    let stopped_late = (Some(1), Some(Stopped), true, 1, 5);
    let interrupted = (Some(1), Some(Interrupted), true, 0, 5);
    let bench_error = (Some(1), Some(PortError), true, 1, 5);
    let nothing = (None, Some(NoSync), false, 2, 3);
    let other = (Some(2), None, true, 1, 10);

    let refused = (Some(1), Some(RetestLimit), false, 1, 1);
    let skipped = (Some(1), Some(AlreadyDone), false, 1, 1);

    check(&[], [0, 0, 0]);
    // neither adds a unit, nor takes anything from one
    for again in [refused, skipped] {
        check(&[again], [0, 0, 0]);
        check(&[pass, again], [1, 1, 1]);
        check(&[failed, again], [1, 0, 0]);
        check(&[failed, again, pass], [1, 0, 1]);
    }
    check(&[pass], [1, 1, 1]);
    // two attempts in the first job: not at the first
    check(&[after_retry], [1, 0, 1]);
    check(&[failed], [1, 0, 0]);
    // tried again it is one unit
    check(&[failed, pass], [1, 0, 1]);
    check(&[pass, failed], [1, 1, 0]);
    check(&[failed, failed, pass, other], [2, 1, 2]);
    // pulled in mid-job is a first-pass failure, written or not
    check(&[pulled], [1, 0, 0]);
    check(&[pulled_before_the_write, pass], [1, 0, 1]);
    // stopped: no unit unless something was written
    check(&[stopped_early], [0, 0, 0]);
    check(&[stopped_early, pass], [1, 1, 1]);
    check(&[stopped_late], [1, 0, 0]);
    check(&[stopped_late, pass], [1, 0, 1]);
    check(&[interrupted, pass], [1, 0, 1]);
    // the bench's fault is not the board's, before or after
    check(&[bench_error], [0, 0, 0]);
    check(&[bench_error, pass], [1, 1, 1]);
    check(&[pass, bench_error], [1, 1, 1]);
    // written and not verified: a unit that neither passed nor failed
    let written = (Some(1), Some(NotVerified), true, 1, 9);
    check(&[written], [1, 0, 0]);
    check(&[written, pass], [1, 0, 1]);
    check(&[pass, written], [1, 1, 0]);
    check(&[failed, written], [1, 0, 0]);
    // no MAC, no unit
    check(&[nothing, nothing], [0, 0, 0]);
    check(&[nothing, pass], [1, 1, 1]);
}

/// A small shift, worked out by hand: boards 1–8.
#[test]
fn a_shift_worked_out_by_hand() {
    use Code::*;
    let arrivals = [
        (Some(1), None, true, 1, 12),                 // 1: first-pass
        (Some(2), None, true, 2, 31),                 // 2: second attempt, final only
        (Some(3), Some(VerifyMismatch), true, 2, 25), // 3: red …
        (None, Some(NoSync), false, 2, 4),            // nobody
        (Some(4), Some(Unplugged), true, 1, 6),       // 4: pulled …
        (Some(5), Some(PortError), true, 1, 8),       // 5: the bench …
        (Some(4), None, true, 1, 13),                 // … 4 final
        (Some(6), Some(Stopped), false, 1, 2),        // 6: stopped before the write, no unit
        (Some(7), Some(Stopped), true, 1, 7),         // 7: stopped in the write, failed
        (Some(5), None, true, 1, 11),                 // … 5: first-pass all the same
        (Some(3), Some(VerifyMismatch), true, 2, 26), // … 3 red for good
        (None, Some(PortBusy), false, 1, 0),          // the bench, nobody
        (Some(8), Some(WrongChip), false, 1, 1),      // 8: red
        (None, Some(Unplugged), false, 1, 1),         // nobody
    ];
    let figures = tally(&arrivals).figures();
    assert_eq!(
        figures,
        Yield {
            units: 7,      // 1 2 3 4 5 7 8
            first_pass: 2, // 1 5
            passed: 4,     // 1 2 4 5
            written: 0,
            // of 11 12 13 31
            median_cycle: Some(Duration::from_millis(12_500)),
            failures: vec![
                (VerifyMismatch, 2),
                (Unplugged, 2),
                (Stopped, 2),
                (NoSync, 1),
                (WrongChip, 1),
                (PortBusy, 1),
                (PortError, 1),
            ],
            jobs: Jobs {
                passed: 4,
                written: 0,
                failed: 6,
                no_contact: 2,
                errors: 2,
                aborted: 2,
                skipped: 0,
                golden: 0,
            },
        }
    );
    assert_eq!(figures.jobs.total(), arrivals.len() as u64);
}

#[test]
fn written_has_figures_of_its_own() {
    use Code::*;
    let arrivals = [
        (Some(1), Some(NotVerified), true, 1, 9),    // 1: unverified
        (Some(2), Some(NotVerified), true, 1, 9),    // 2: unverified …
        (Some(3), None, true, 1, 10),                // 3: passed …
        (Some(4), Some(VerifyMismatch), true, 1, 9), // 4: red
        (Some(2), None, true, 1, 10),                // … 2 passed
        (Some(3), Some(NotVerified), true, 1, 9),    // … 3 unverified
    ];
    let figures = tally(&arrivals).figures();
    let units = [
        figures.units,
        figures.first_pass,
        figures.passed,
        figures.written,
    ];
    assert_eq!(units, [4, 1, 1, 2]);
    assert_eq!((figures.jobs.passed, figures.jobs.written), (2, 3));
    assert_eq!(figures.jobs.total(), arrivals.len() as u64);
    // it is no failure
    assert_eq!(figures.failures, [(VerifyMismatch, 1)]);
}

#[test]
fn jobs_may_be_counted_in_any_order() {
    let arrivals = [
        (Some(1), Some(Code::NoReply), true, 1, 5),
        (Some(1), None, true, 1, 12),
        (Some(2), None, true, 1, 14),
        (Some(2), Some(Code::NoReply), true, 1, 5),
    ];
    let jobs: Vec<ClosedJob> = (1..)
        .zip(&arrivals)
        .map(
            |(number, &(board, code, flash_touched, attempts, seconds))| ClosedJob {
                number,
                slot: SlotId::new("3"),
                started: Timestamp::UNIX_EPOCH,
                unit: board.map(|last| Mac([2, 0, 0, 0, 0, last]).into()),
                lot: None,
                golden: None,
                outcome: code.map_or(Outcome::Pass, Code::outcome),
                code,
                flash_touched,
                attempts,
                took_ms: seconds * 1000,
                ended: jiff::Timestamp::UNIX_EPOCH,
            },
        )
        .collect();
    let mut backwards = Tally::default();
    for job in jobs.iter().rev() {
        backwards.add(job);
    }
    assert_eq!(backwards.figures(), tally(&arrivals).figures());
}

#[test]
fn medians() {
    for (values, expected) in [
        (vec![], None),
        (vec![7], Some(7)),
        (vec![9, 1], Some(5)),
        (vec![9, 1, 2], Some(2)),
        (vec![4, 4, 1, 9], Some(4)),
        (vec![u64::MAX, u64::MAX], Some(u64::MAX)),
    ] {
        assert_eq!(median(values.clone()), expected, "{values:?}");
    }
}
