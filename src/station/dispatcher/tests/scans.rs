//! Jigs that start when their board's serial number is scanned.

use super::super::scans::CHOSEN_FOR;
use super::*;

fn bench(slots: &[(&str, Start)]) -> Bench {
    let slots = slots.iter().map(|(name, how)| slot(name, *how)).collect();
    let mut bench = Bench::new(slots);
    let ports = ["/bench/a", "/bench/b", "/bench/c"].map(port);
    bench.tell(Input::Port(PortChange::Present(ports.into())));
    bench
}

fn scan(bench: &mut Bench, text: &str, selected: Option<&str>) -> Result<(), RequestRefused> {
    let ask_scan = Ask::Scan {
        text: text.to_owned(),
        slot: selected.map(SlotId::new),
    };
    ask(bench, ask_scan)
}

/// The slot and serial of the only row that was opened since the last call.
#[track_caller]
fn row(bench: &mut Bench) -> (String, Option<Serial>) {
    let rows: Vec<_> = bench
        .wanted
        .drain(..)
        .filter_map(|effect| match effect {
            Effect::OpenRow { slot, job } => Some((slot.to_string(), job.serial)),
            _ => None,
        })
        .collect();
    let [row] = rows.try_into().expect("one row");
    row
}

fn started(slot: &str, serial: &str) -> (String, Option<Serial>) {
    (slot.to_owned(), Serial::parse(serial))
}

#[test]
fn the_only_slot_that_waits_for_a_scan_gets_it() {
    let mut bench = bench(&[("a", Start::Plug), ("b", Start::Scan)]);
    assert_eq!(bench.state("b"), SlotState::Waiting(Waiting::Scan));
    // what is selected elsewhere does not matter
    assert_eq!(scan(&mut bench, " A17\n", Some("a")), Ok(()));
    assert_eq!(row(&mut bench), started("b", "A17"));
    let at_work = RequestRefused::AtWork(SlotId::new("b"));
    assert_eq!(scan(&mut bench, "A18", None), Err(at_work));
}

#[test]
fn of_several_the_one_is_meant_that_is_selected_or_whose_name_was_scanned_before() {
    let all = [("a", Start::Scan), ("b", Start::Scan), ("c", Start::Plug)];
    let which = Err(RequestRefused::WhichSlot);
    let mut one = bench(&all);
    assert_eq!(scan(&mut one, "A17", None), which);
    assert_eq!(scan(&mut one, "A17", Some("c")), which);
    assert_eq!(scan(&mut one, "A17", Some("b")), Ok(()));
    assert_eq!(row(&mut one), started("b", "A17"));

    let mut one = bench(&all);
    assert_eq!(scan(&mut one, "a", Some("b")), Ok(()));
    assert!(one.opened().is_empty());
    assert_eq!(scan(&mut one, "A17", Some("b")), Ok(()));
    assert_eq!(row(&mut one), started("a", "A17"));
    // it was for one scan
    assert_eq!(scan(&mut one, "A18", None), which);

    let mut one = bench(&all);
    assert_eq!(scan(&mut one, "a", None), Ok(()));
    one.pass(CHOSEN_FOR.as_millis() as u64);
    assert_eq!(scan(&mut one, "A17", None), which);
}

#[test]
fn what_cannot_be_started_is_said() {
    let mut one = bench(&[("a", Start::Plug)]);
    assert_eq!(
        scan(&mut one, "A17", None),
        Err(RequestRefused::NobodyScans)
    );
    let mut one = bench(&[("a", Start::Scan)]);
    for odd in ["", " \n", "A\u{7}17"] {
        let refused = RequestRefused::NotASerial(odd.to_owned());
        assert_eq!(scan(&mut one, odd, None), Err(refused));
    }
    one.pull("/bench/a");
    let no_board = RequestRefused::NoBoard(SlotId::new("a"));
    assert_eq!(scan(&mut one, "A17", None), Err(no_board));
}
