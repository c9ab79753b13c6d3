//! The line as a whole: a record that cannot be written, the end, requests that are refused.

use super::*;

#[test]
fn requests_that_cannot_be_carried_out_say_why() {
    let mut bench = Bench::plug_slot();
    let check = |bench: &mut Bench, what: fn(SlotId) -> Ask, name: &str, expected: &str| {
        let refused = ask(bench, what(SlotId::new(name)));
        assert_eq!(refused.unwrap_err().to_string(), expected);
    };
    let start: fn(SlotId) -> Ask = |slot| Ask::Start { slot, serial: None };
    let stop: fn(SlotId) -> Ask = |slot| Ask::StopJob { slot };
    check(&mut bench, start, "9", "there is no slot 9");
    check(&mut bench, stop, "9", "there is no slot 9");
    check(&mut bench, start, "1", "slot 1 has no board");
    check(&mut bench, stop, "1", "nothing is running on slot 1");
    bench.start_job();
    check(&mut bench, start, "1", "slot 1 is already at work");
}

#[test]
fn a_row_that_cannot_be_opened_stops_the_line_before_the_board_is_touched() {
    let mut bench = Bench::plug_slot();
    bench.plug("/bench/1");
    bench.pass(300);
    let (slot, job) = bench.opened().pop().unwrap();
    bench.tell(Input::Opened {
        slot,
        job,
        result: Err(full()),
    });
    assert!(!bench.wants(|e| matches!(e, Effect::Spawn { .. })));
    assert_eq!(
        bench.state("1"),
        SlotState::Blocked {
            code: Code::DiskFull
        }
    );
    let now = bench.now();
    let line = bench.dispatcher.snapshot(now).line;
    assert!(matches!(
        line,
        LineState::Stopped {
            code: Code::DiskFull,
            ..
        }
    ));
    // room again: the board that waited is taken by itself
    bench.pass(5_000);
    assert!(bench.wants(|e| matches!(e, Effect::CheckHealth)));
    bench.tell(Input::Health(Ok(Standing::default())));
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn a_board_that_left_before_its_row_could_be_opened_is_not_begun_with_later() {
    let mut bench = Bench::plug_slot();
    bench.plug("/bench/1");
    bench.pass(300);
    let (slot, job) = bench.opened().pop().unwrap();
    bench.pull("/bench/1");
    let result = Err(full());
    bench.tell(Input::Opened { slot, job, result });
    assert_eq!(bench.state("1"), SlotState::Empty);
    bench.pass(5_000);
    bench.tell(Input::Health(Ok(Standing::default())));
    assert!(bench.opened().is_empty(), "nobody is there");
}

#[test]
fn the_end_does_not_come_back_for_a_board_that_settles() {
    let mut bench = Bench::new(vec![slot("1", Start::Plug), slot("2", Start::Plug)]);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    bench.start_job();
    bench.tell(Input::Stop);
    bench.plug("/bench/2");
    bench.pass(300);
    assert_eq!(bench.state("2"), SlotState::Empty);
    let now = bench.now().steady;
    assert!(bench.dispatcher.next_deadline(now) > Some(now));
}

#[test]
fn a_verdict_that_cannot_be_committed_is_not_shown_and_is_committed_later() {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    bench.finish(job, None);
    bench.wanted.clear();
    bench.record(job, Err(full()));
    assert!(matches!(bench.state("1"), SlotState::Recording(_)));
    bench.tell(Input::Health(Err(full())));
    assert!(!bench.wants(|e| matches!(e, Effect::CloseRow { .. })));
    bench.tell(Input::Health(Ok(Standing::default())));
    assert!(bench.wants(|e| matches!(e, Effect::CloseRow { .. })));
    bench.record(job, Ok(Standing::default()));
    assert!(matches!(bench.state("1"), SlotState::Done(_)));
}

#[test]
fn the_end_waits_for_jobs_and_their_rows() {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    bench.tell(Input::Stop);
    assert!(bench.wants(|e| matches!(
        e,
        Effect::StopJob {
            reason: StopReason::Shutdown,
            ..
        }
    )));
    assert!(!bench.wants(|e| matches!(e, Effect::End)));
    bench.finish(job, Some(Code::Stopped));
    assert!(!bench.wants(|e| matches!(e, Effect::End)));
    bench.record(job, Ok(Standing::default()));
    assert!(bench.wants(|e| matches!(e, Effect::End)));
}

#[test]
fn the_end_does_not_wait_for_a_port_that_hangs() {
    let mut bench = Bench::plug_slot();
    bench.start_job();
    bench.tell(Input::Stop);
    bench.wanted.clear();
    bench.pass(STOP_PATIENCE.as_millis() as u64);
    let closed = bench.wants(
        |e| matches!(e, Effect::CloseRow { verdict, .. } if verdict.code == Some(Code::Stopped)),
    );
    assert!(closed, "the row of a job that hangs is closed as stopped");
    bench.pass(COMMIT_PATIENCE.as_millis() as u64);
    assert!(bench.wants(|e| matches!(e, Effect::End)));
}

#[test]
fn nothing_starts_while_the_program_ends() {
    let mut bench = Bench::plug_slot();
    bench.tell(Input::Stop);
    bench.plug("/bench/1");
    bench.pass(400);
    assert!(bench.opened().is_empty());
}
