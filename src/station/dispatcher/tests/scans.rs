//! Scans: what they are, and jigs that start when their board's serial number is scanned.

use super::super::scans::CHOSEN_FOR;
use super::*;
use crate::event::{LotName, ScanKind};

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
    let mut one = bench(&[("a", Start::Scan)]);
    for odd in ["", " \n", "A\u{7}17"] {
        let refused = RequestRefused::NotASerial(odd.to_owned());
        assert_eq!(scan(&mut one, odd, None), Err(refused));
    }
    one.pull("/bench/a");
    let no_board = RequestRefused::NoBoard(SlotId::new("a"));
    assert_eq!(scan(&mut one, "A17", None), Err(no_board));
}

/// Badges begin with OP-, lots with L-.
fn with_patterns(require: &str, slots: &[&str]) -> Bench {
    let text = format!(
        "station = \"b\"\nmanifest = \"m.toml\"\n[line]\nrequire = [{require}]\n\
         [scan]\noperator = 'OP-(.*)'\nlot = 'L-.*'\nserial = 'SN-?(\\d+)'\n"
    );
    let settings = Settings {
        slots: slots.iter().map(|name| slot(name, Start::Plug)).collect(),
        ..Settings::parse("station.toml".as_ref(), &text).unwrap()
    };
    let at_work = at_work(&settings, &Arc::new(fixture::bundle()).into());
    let mut bench = Bench::with(settings, at_work);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    bench
}

fn operator(bench: &mut Bench) -> Option<String> {
    let now = bench.now();
    let at_hand = bench.dispatcher.snapshot(now).at_hand;
    at_hand.operator.as_deref().map(str::to_owned)
}

fn operators_told(bench: &mut Bench) -> Vec<String> {
    let now = bench.now();
    let notices = bench.dispatcher.snapshot(now).notices;
    let names = notices.iter().filter_map(|notice| match &notice.what {
        Happening::OperatorCame { operator } => Some(operator.clone()),
        _ => None,
    });
    names.collect()
}

#[test]
fn a_badge_is_whoever_works_from_then_on() {
    let mut bench = with_patterns("", &["1", "2"]);
    let operator_of_row = |bench: &mut Bench| {
        let row = bench.wanted.drain(..).find_map(|effect| match effect {
            Effect::OpenRow { job, .. } => Some(job.operator),
            _ => None,
        });
        row.expect("a row").as_deref().map(str::to_owned)
    };
    bench.plug("/bench/1");
    bench.pass(300);
    assert_eq!(operator_of_row(&mut bench), None);
    assert_eq!(scan(&mut bench, "OP-wang", None), Ok(()));
    assert_eq!(scan(&mut bench, "OP-wang", None), Ok(()));
    assert_eq!(operator(&mut bench).as_deref(), Some("wang"));
    assert_eq!(operators_told(&mut bench), ["wang"]);
    bench.plug("/bench/2");
    bench.pass(300);
    assert_eq!(operator_of_row(&mut bench).as_deref(), Some("wang"));
    assert_eq!(scan(&mut bench, "OP-li", None), Ok(()));
    assert_eq!(operator(&mut bench).as_deref(), Some("li"));
    assert_eq!(operators_told(&mut bench), ["wang", "li"]);
}

#[test]
fn where_a_badge_is_required_boards_wait_for_it() {
    let mut bench = with_patterns("\"operator\"", &["1"]);
    bench.plug("/bench/1");
    bench.pass(300);
    let waits = SlotState::Waiting(Waiting::Operator);
    assert_eq!(bench.state("1"), waits);
    // its serial comes first
    assert_eq!(scan(&mut bench, "SN17", None), Ok(()));
    assert_eq!(bench.state("1"), waits);
    assert!(bench.opened().is_empty());
    assert_eq!(scan(&mut bench, "OP-wang", None), Ok(()));
    assert_eq!(row(&mut bench), started("1", "17"));
}

#[test]
fn what_fits_no_pattern_is_refused_with_what_would() {
    let mut bench = with_patterns("", &["1"]);
    let long = format!("OP-{}", "x".repeat(65));
    for text in ["A17", "SN", "OP-", long.as_str(), "L-"] {
        let refused = RequestRefused::UnknownScan {
            text: text.to_owned(),
            expected: vec![ScanKind::Operator, ScanKind::Lot, ScanKind::Serial],
        };
        let told = scan(&mut bench, text, None);
        // the shortest lot of all is one
        if text == "L-" {
            let lot = LotName::parse(text).unwrap();
            assert_eq!(told, Err(RequestRefused::NoSuchLot(lot)));
        } else {
            assert_eq!(told, Err(refused));
        }
    }
}

#[test]
fn a_lots_number_starts_the_lot() {
    let mut bench = with_patterns("", &["1"]);
    let lot = LotName::parse("L-2031").unwrap();
    let started = ask(&mut bench, Ask::StartLot { lot });
    assert_eq!(scan(&mut bench, "L-2031\n", None), started);
}
