//! Hubs: turns, staggered starts, and ports that go together.

use super::super::super::slot::BEGUN;
use super::*;
use crate::event::Again;
use crate::settings::HubLimits;
use crate::station::Question;

/// Boards 1.1, 1.2, … on one hub and 2.1 on another, each its own slot.
fn bench(limits: HubLimits) -> Bench {
    let mut bench = Bench::with_hub(Vec::new(), limits);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    bench
}

fn limits(max_active: Option<u32>, stagger_ms: u64) -> HubLimits {
    HubLimits {
        max_active,
        stagger: Duration::from_millis(stagger_ms),
    }
}

fn plug(bench: &mut Bench, chain: &str) {
    let port = usb_port(&format!("/dev/tty-{chain}"), chain);
    bench.tell(Input::Port(PortChange::Appeared(port)));
}

fn pull(bench: &mut Bench, chain: &str) {
    bench.pull(&format!("/dev/tty-{chain}"));
}

/// The boards whose jobs begin now; their rows are committed.
fn started(bench: &mut Bench) -> Vec<(SlotId, JobId)> {
    let rows = bench.opened();
    for (slot, job) in rows.clone() {
        let result = Ok(());
        bench.tell(Input::Opened { slot, job, result });
    }
    rows
}

fn names(rows: &[(SlotId, JobId)]) -> Vec<&str> {
    rows.iter().map(|(slot, _)| slot.as_str()).collect()
}

fn finish(bench: &mut Bench, (slot, job): &(SlotId, JobId), code: Option<Code>) -> Verdict {
    bench.tell(Input::Finished {
        slot: slot.clone(),
        job: *job,
        verdict: verdict(code),
    });
    let closed = bench.wanted.iter().rev().find_map(|effect| match effect {
        Effect::CloseRow {
            job: closed,
            verdict,
            ..
        } if closed == job => Some(verdict.clone()),
        _ => None,
    });
    bench.tell(Input::Recorded {
        slot: slot.clone(),
        job: *job,
        result: Ok(Standing::default()),
    });
    closed.expect("the row is closed")
}

#[test]
fn a_hub_works_on_as_many_boards_as_it_may_and_the_next_follows_by_itself() {
    let mut bench = bench(limits(Some(2), 0));
    for chain in ["1.1", "1.2", "1.3", "2.1"] {
        plug(&mut bench, chain);
    }
    bench.pass(300);
    let first = started(&mut bench);
    assert_eq!(names(&first), ["usb-1.1", "usb-1.2", "usb-2.1"]);
    assert_eq!(bench.state("usb-1.3"), SlotState::Waiting(Waiting::HubTurn));
    finish(&mut bench, &first[0], None);
    assert_eq!(names(&started(&mut bench)), ["usb-1.3"]);
}

#[test]
fn a_board_that_waits_for_an_answer_leaves_its_place_to_the_next() {
    let mut bench = bench(limits(Some(1), 0));
    for chain in ["1.1", "1.2", "1.3"] {
        plug(&mut bench, chain);
        bench.pass(300);
    }
    let first = started(&mut bench);
    assert_eq!(names(&first), ["usb-1.1"]);
    let (slot, job) = first[0].clone();
    bench.tell(Input::Fact {
        slot: slot.clone(),
        job,
        fact: Fact::Asks(Question::Again {
            passed: jiff::Timestamp::UNIX_EPOCH,
            lot: None,
        }),
    });
    let second = started(&mut bench);
    assert_eq!(names(&second), ["usb-1.2"]);
    // told to flash, it goes on beside the other, and counts again
    let again = Again::Flash;
    let told = super::ask(&mut bench, Ask::Decide { slot, again });
    assert_eq!(told, Ok(()));
    assert!(bench.wants(|effect| matches!(effect, Effect::Decide { .. })));
    finish(&mut bench, &second[0], None);
    assert_eq!(bench.state("usb-1.3"), SlotState::Waiting(Waiting::HubTurn));
    finish(&mut bench, &first[0], None);
    assert_eq!(names(&started(&mut bench)), ["usb-1.3"]);
}

#[test]
fn who_is_pulled_while_waiting_waits_no_more() {
    let mut bench = bench(limits(Some(1), 0));
    for chain in ["1.1", "1.2", "1.3"] {
        plug(&mut bench, chain);
        bench.pass(300);
    }
    let first = started(&mut bench);
    assert_eq!(names(&first), ["usb-1.1"]);
    pull(&mut bench, "1.2");
    assert_eq!(bench.state("usb-1.2"), SlotState::Empty);
    finish(&mut bench, &first[0], None);
    assert_eq!(names(&started(&mut bench)), ["usb-1.3"]);
}

#[test]
fn starts_on_one_hub_are_staggered() {
    let mut bench = bench(limits(None, 200));
    for chain in ["1.1", "1.2", "2.1"] {
        plug(&mut bench, chain);
    }
    bench.pass(300);
    assert_eq!(names(&started(&mut bench)), ["usb-1.1", "usb-2.1"]);
    let due = bench.dispatcher.next_deadline(bench.clock);
    assert_eq!(due, Some(bench.clock + Duration::from_millis(200)));
    bench.pass(199);
    assert_eq!(names(&started(&mut bench)), [""; 0]);
    bench.pass(1);
    assert_eq!(names(&started(&mut bench)), ["usb-1.2"]);
}

/// Three boards of a hub at work; `lost` go, `between_ms` apart; how they end.
fn check(lost: &[&str], between_ms: u64, expected: Code) {
    let mut bench = bench(limits(None, 0));
    for chain in ["1.1", "1.2", "1.3"] {
        plug(&mut bench, chain);
    }
    bench.pass(300);
    let rows = started(&mut bench);
    for chain in lost {
        pull(&mut bench, chain);
        bench.pass(between_ms);
    }
    bench.pass(1500);
    let notices = bench.dispatcher.journal.newest();
    let told = notices
        .iter()
        .filter(|notice| matches!(notice.what, Happening::HubLost { .. }));
    assert_eq!(told.count(), usize::from(expected == Code::HubPower));
    for row in &rows[..lost.len()] {
        let closed = finish(&mut bench, row, Some(Code::Unplugged));
        assert_eq!(
            closed.code,
            Some(expected),
            "{lost:?} {between_ms} ms apart"
        );
        assert_eq!(closed.outcome, expected.outcome());
    }
}

#[test]
fn slots_of_one_hub_lost_together_are_the_hubs_fault() {
    check(&["1.1", "1.2", "1.3"], 20, Code::HubPower);
    // a hub with a board left has its power
    check(&["1.1", "1.2"], 20, Code::Unplugged);
    // by hand, one after the other
    check(&["1.1", "1.2", "1.3"], 700, Code::Unplugged);
}

#[test]
fn a_hub_that_comes_back_in_time_costs_no_board() {
    let mut bench = bench(limits(None, 0));
    for chain in ["1.1", "1.2"] {
        plug(&mut bench, chain);
    }
    bench.pass(300);
    let rows = started(&mut bench);
    for chain in ["1.1", "1.2"] {
        pull(&mut bench, chain);
    }
    bench.pass(500);
    for chain in ["1.1", "1.2"] {
        plug(&mut bench, chain);
    }
    for (slot, job) in rows.clone() {
        let progress = Progress {
            done_bytes: 4096,
            total_bytes: 8192,
            ..BEGUN
        };
        bench.tell(Input::Progress {
            slot,
            job,
            progress,
        });
    }
    // pulled by hand after that
    pull(&mut bench, "1.1");
    bench.pass(1500);
    let closed = finish(&mut bench, &rows[0], Some(Code::Unplugged));
    assert_eq!(closed.code, Some(Code::Unplugged));
    let closed = finish(&mut bench, &rows[1], None);
    assert_eq!(closed.code, None);
}
