//! Jigs whose adapter stays plugged in.

use super::*;

#[test]
fn a_jigs_board_is_one_job_until_silence() {
    let mut bench = Bench::new(vec![slot("1", Start::Probe)]);
    let answers = |bench: &mut Bench, answer| {
        bench.tell(Input::Probed {
            slot: SlotId::new("1"),
            result: Ok(answer),
        });
        bench.pass(PROBE_INTERVAL.as_millis() as u64);
    };
    bench.tell(Input::Port(PortChange::Present(vec![port("/bench/1")])));
    assert!(bench.wants(|e| matches!(e, Effect::Probe { .. })));
    // a board that sits there before the start is not flashed
    answers(&mut bench, true);
    assert_eq!(
        bench.state("1"),
        SlotState::Waiting(Waiting::PresentAtStart)
    );
    answers(&mut bench, false);
    answers(&mut bench, true);
    assert!(bench.opened().is_empty(), "one silence is a bad contact");
    answers(&mut bench, false);
    answers(&mut bench, false);
    assert_eq!(bench.state("1"), SlotState::Empty);
    answers(&mut bench, true);
    let job = bench.commit_row();
    bench.finish(job, None);
    bench.record(job, Ok(Standing::default()));
    answers(&mut bench, true);
    assert!(bench.opened().is_empty(), "the same board answers again");
    answers(&mut bench, false);
    answers(&mut bench, false);
    assert!(bench.wants(|e| matches!(e, Effect::Release { .. })));
    answers(&mut bench, true);
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn a_jig_is_probed_once_at_a_time_and_not_while_it_works() {
    let mut bench = Bench::new(vec![slot("1", Start::Probe)]);
    bench.plug("/bench/1");
    bench.pass(60_000);
    let probes = bench
        .wanted
        .iter()
        .filter(|e| matches!(e, Effect::Probe { .. }))
        .count();
    assert_eq!(probes, 1);
}
