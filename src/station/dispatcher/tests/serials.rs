//! A serial that was typed or scanned stays with its board, however long that waits.

use super::*;

/// The serial that the last row was to be opened with.
fn serial(bench: &Bench) -> Option<Serial> {
    let opened = bench.wanted.iter().rev().find_map(|effect| match effect {
        Effect::OpenRow { job, .. } => Some(job.serial.clone()),
        _ => None,
    });
    opened.expect("a row")
}

fn start_with(bench: &mut Bench, name: &str, typed: &str) {
    assert_eq!(ask(bench, start(name, Serial::parse(typed))), Ok(()));
}

#[test]
fn a_board_keeps_its_serial_while_it_waits() {
    let a17 = Serial::parse("A17");
    // the line stops
    let mut bench = Bench::new(vec![slot("1", Start::Request)]);
    bench.plug("/bench/1");
    start_with(&mut bench, "1", "A17");
    let (slot_id, job) = bench.opened().pop().unwrap();
    bench.tell(Input::Opened {
        slot: slot_id.clone(),
        job,
        result: Err(full()),
    });
    bench.wanted.clear();
    bench.tell(Input::Health(Ok(Standing::default())));
    assert_eq!(serial(&bench), a17);
    // another program was first, and another one after it
    let (_, job) = bench.opened().pop().unwrap();
    let by = "flashline read".to_owned();
    bench.tell(Input::Taken {
        slot: slot_id,
        job,
        by,
    });
    held(&mut bench, Some("flashline info"));
    bench.wanted.clear();
    held(&mut bench, None);
    bench.pass(300);
    assert_eq!(serial(&bench), a17);
}

#[test]
fn another_board_does_not_get_the_serial_of_the_one_that_waited() {
    let mut bench = Bench::plug_slot();
    bench.plug("/bench/1");
    start_with(&mut bench, "1", "A17");
    let (slot, job) = bench.opened().pop().unwrap();
    let by = "flashline read".to_owned();
    bench.tell(Input::Taken { slot, job, by });
    bench.pull("/bench/1");
    bench.plug("/bench/1");
    bench.wanted.clear();
    held(&mut bench, None);
    bench.pass(300);
    assert_eq!(serial(&bench), None);
}
