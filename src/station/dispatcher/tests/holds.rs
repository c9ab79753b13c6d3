//! Slots whose port another program works on.

use super::*;

fn is_held(bench: &mut Bench) -> bool {
    matches!(bench.state("1"), SlotState::Held { .. })
}

#[test]
fn a_board_that_comes_to_a_held_slot_waits_until_it_is_free() {
    let mut bench = Bench::plug_slot();
    held(&mut bench, Some("flashline read (process 7)"));
    let by = "flashline read (process 7)".into();
    assert_eq!(bench.state("1"), SlotState::Held { by });
    bench.plug("/bench/1");
    bench.pass(10_000);
    assert_eq!(bench.opened(), []);
    assert!(is_held(&mut bench));
    held(&mut bench, None);
    assert_eq!(bench.state("1"), SlotState::Settling);
    bench.pass(300);
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn a_hold_leaves_a_slot_as_it_was() {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    // a station's own claim is not its affair
    held(&mut bench, Some("flashline run (process 1)"));
    assert!(matches!(bench.state("1"), SlotState::Working(_)));
    bench.finish(job, None);
    bench.tell(Input::Recorded {
        slot: SlotId::new("1"),
        job,
        result: Ok(Standing::default()),
    });
    held(&mut bench, Some("flashline read (process 7)"));
    assert!(is_held(&mut bench));
    let refused = ask(&mut bench, start("1", None));
    assert!(
        matches!(refused, Err(RequestRefused::Held { .. })),
        "{refused:?}"
    );
    held(&mut bench, None);
    assert!(matches!(bench.state("1"), SlotState::Done(result) if result.present));
    bench.pass(10_000);
    assert_eq!(bench.opened(), []);
    // pulled and put back under the other's hands: a new board
    held(&mut bench, Some("flashline read (process 7)"));
    bench.pull("/bench/1");
    assert!(is_held(&mut bench));
    bench.plug("/bench/1");
    held(&mut bench, None);
    assert_eq!(bench.state("1"), SlotState::Settling);
    bench.pull("/bench/1");
    held(&mut bench, Some("flashline read (process 7)"));
    bench.plug("/bench/1");
    bench.pull("/bench/1");
    held(&mut bench, None);
    assert!(matches!(bench.state("1"), SlotState::Done(result) if !result.present));
}

#[test]
fn who_is_first_at_the_port_has_it() {
    let mut bench = Bench::plug_slot();
    bench.plug("/bench/1");
    bench.pass(300);
    let (slot, job) = bench.opened().pop().unwrap();
    let by = "flashline write (process 7)".to_owned();
    bench.tell(Input::Taken { slot, job, by });
    assert!(is_held(&mut bench));
    assert!(!bench.wants(|effect| matches!(effect, Effect::CloseRow { .. })));
    held(&mut bench, None);
    bench.pass(300);
    bench.commit_row();
}

#[test]
fn a_held_jig_is_not_probed() {
    let mut bench = Bench::new(vec![slot("1", Start::Probe)]);
    bench.plug("/bench/1");
    held(&mut bench, Some("flashline info (process 7)"));
    bench.wanted.clear();
    bench.pass(10_000);
    assert!(!bench.wants(|effect| matches!(effect, Effect::Probe { .. })));
}

#[test]
fn a_look_that_found_nobody_tells_something_only_where_someone_held() {
    let mut bench = Bench::plug_slot();
    let nobody = [(SlotId::new("1"), None)];
    let someone = [(
        SlotId::new("1"),
        Some("flashline read (process 7)".to_owned()),
    )];
    assert!(!bench.dispatcher.holders_tell(&nobody));
    assert!(bench.dispatcher.holders_tell(&someone));
    held(&mut bench, Some("flashline read (process 7)"));
    assert!(bench.dispatcher.holders_tell(&nobody));
    held(&mut bench, None);
    assert!(!bench.dispatcher.holders_tell(&nobody));
}
