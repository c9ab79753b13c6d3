//! Serial numbers that are scanned for boards that start by themselves: before the board and after it.

use proptest::prelude::*;

use super::*;
use crate::settings::{LineRules, Required};

const PAIR_MS: u64 = 30_000;

/// Slots 1, 2, … that start by plugging; `serial`: whether none starts without its serial.
fn bench(slots: &[&str], serial: bool) -> Bench {
    let slots = slots.iter().map(|name| slot(name, Start::Plug)).collect();
    let settings = Settings {
        slots,
        settle: Duration::from_millis(300),
        line: LineRules {
            require: Required {
                serial,
                ..Required::default()
            },
            ..LineRules::NEVER
        },
        ..Settings::of("bench", "m.toml".into(), "db".into())
    };
    let at_work = at_work(&settings, &Arc::new(fixture::bundle()).into());
    let mut bench = Bench::with(settings, at_work);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    bench
}

fn scan(bench: &mut Bench, text: &str) -> Result<(), RequestRefused> {
    scan_at(bench, text, None)
}

fn scan_at(bench: &mut Bench, text: &str, selected: Option<&str>) -> Result<(), RequestRefused> {
    let ask_scan = Ask::Scan {
        text: text.to_owned(),
        slot: selected.map(SlotId::new),
    };
    ask(bench, ask_scan)
}

/// Slots and serials of the rows that were opened since the last call.
fn rows(bench: &mut Bench) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    bench.wanted.retain(|effect| match effect {
        Effect::OpenRow { slot, job } => {
            let serial = job
                .serial
                .as_ref()
                .map_or("-".to_owned(), Serial::to_string);
            rows.push((slot.to_string(), serial));
            false
        }
        _ => true,
    });
    rows
}

#[track_caller]
fn check_rows(bench: &mut Bench, expected: &[(&str, &str)]) {
    let rows = rows(bench);
    let rows: Vec<(&str, &str)> = rows.iter().map(|(slot, s)| (&**slot, &**s)).collect();
    assert_eq!(rows, expected);
}

fn orphans(bench: &mut Bench) -> Vec<String> {
    let now = bench.now();
    let notices = bench.dispatcher.snapshot(now).notices;
    let orphans = notices.iter().filter_map(|notice| match &notice.what {
        Happening::ScanOrphan { serial } => Some(serial.to_string()),
        _ => None,
    });
    orphans.collect()
}

/// The serial that waits for a board.
fn waiting(bench: &mut Bench) -> Option<String> {
    let now = bench.now();
    let at_hand = bench.dispatcher.snapshot(now).at_hand;
    at_hand.scanned.as_ref().map(|it| it.serial.to_string())
}

fn settled(bench: &mut Bench, slots: &[&str]) {
    for slot in slots {
        bench.plug(&format!("/bench/{slot}"));
    }
    bench.pass(300);
}

#[test]
fn scanned_first_then_plugged() {
    for required in [true, false] {
        let mut one = bench(&["1", "2"], required);
        assert_eq!(scan(&mut one, "A17"), Ok(()));
        assert_eq!(waiting(&mut one).as_deref(), Some("A17"));
        settled(&mut one, &["2"]);
        check_rows(&mut one, &[("2", "A17")]);
        assert_eq!(waiting(&mut one), None);
        one.pass(PAIR_MS);
        assert_eq!(orphans(&mut one), [""; 0]);
    }
}

#[test]
fn plugged_first_then_scanned() {
    let mut one = bench(&["1", "2"], true);
    settled(&mut one, &["2"]);
    assert_eq!(one.state("2"), SlotState::Waiting(Waiting::Scan));
    check_rows(&mut one, &[]);
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    check_rows(&mut one, &[("2", "A17")]);
    // the contact has not even settled
    one.plug("/bench/1");
    assert_eq!(scan(&mut one, "A18"), Ok(()));
    one.pass(300);
    check_rows(&mut one, &[("1", "A18")]);
    assert_eq!(waiting(&mut one), None);
}

#[test]
fn of_several_that_wait_one_is_chosen() {
    let mut one = bench(&["1", "2", "3"], true);
    settled(&mut one, &["1", "2"]);
    assert_eq!(scan(&mut one, "A17"), Err(RequestRefused::WhichSlot));
    assert_eq!(waiting(&mut one), None, "nobody waits with it");
    // selected where no board waits: as if nothing were
    let elsewhere = scan_at(&mut one, "A17", Some("3"));
    assert_eq!(elsewhere, Err(RequestRefused::WhichSlot));
    assert_eq!(scan_at(&mut one, "A17", Some("2")), Ok(()));
    check_rows(&mut one, &[("2", "A17")]);
    assert_eq!(scan(&mut one, "A18"), Ok(()));
    check_rows(&mut one, &[("1", "A18")]);
}

#[test]
fn a_slot_whose_name_was_scanned_gets_it_board_or_not() {
    let mut one = bench(&["1", "2", "3"], true);
    settled(&mut one, &["1", "2"]);
    assert_eq!(scan(&mut one, "1"), Ok(()));
    assert_eq!(scan_at(&mut one, "A17", Some("2")), Ok(()));
    check_rows(&mut one, &[("1", "A17")]);
    assert_eq!(scan(&mut one, "3"), Ok(()));
    assert_eq!(scan(&mut one, "A18"), Ok(()));
    assert_eq!(waiting(&mut one).as_deref(), Some("A18"));
    one.pull("/bench/2");
    settled(&mut one, &["2"]);
    check_rows(&mut one, &[]);
    settled(&mut one, &["3"]);
    check_rows(&mut one, &[("3", "A18")]);
}

#[test]
fn of_two_that_come_at_once_one_gets_it() {
    let mut one = bench(&["1", "2"], true);
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    settled(&mut one, &["2", "1"]);
    check_rows(&mut one, &[("2", "A17")]);
    assert_eq!(one.state("1"), SlotState::Waiting(Waiting::Scan));
    assert_eq!(scan(&mut one, "A18"), Ok(()));
    check_rows(&mut one, &[("1", "A18")]);
}

#[test]
fn what_no_board_comes_for_is_an_orphan() {
    let mut one = bench(&["1"], true);
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    let due = one.dispatcher.next_deadline(one.clock);
    assert!(due <= Some(one.clock + Duration::from_millis(PAIR_MS)));
    one.pass(PAIR_MS - 1);
    assert_eq!(orphans(&mut one), [""; 0]);
    one.pass(1);
    assert_eq!(orphans(&mut one), ["A17"]);
    assert_eq!(waiting(&mut one), None);
    settled(&mut one, &["1"]);
    assert_eq!(one.state("1"), SlotState::Waiting(Waiting::Scan));
    // a scan for the next while one waits: the first is given up; the same once more waits anew
    let mut one = bench(&["1"], true);
    for text in ["A17", "A18", "A18"] {
        assert_eq!(scan(&mut one, text), Ok(()));
        one.pass(PAIR_MS - 1);
    }
    assert_eq!(orphans(&mut one), ["A17"]);
    assert_eq!(waiting(&mut one).as_deref(), Some("A18"));
}

#[test]
fn a_contact_that_bounces_keeps_it_and_a_board_that_was_pulled_does_not() {
    let mut one = bench(&["1"], true);
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    one.plug("/bench/1");
    assert_eq!(waiting(&mut one), None);
    one.pass(100);
    one.pull("/bench/1");
    assert_eq!(waiting(&mut one).as_deref(), Some("A17"));
    settled(&mut one, &["1"]);
    check_rows(&mut one, &[("1", "A17")]);

    // the line is stopped, so the board waits; another one comes
    let mut one = bench(&["1"], true);
    assert_eq!(ask(&mut one, Ask::StopLine), Ok(()));
    settled(&mut one, &["1"]);
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    one.pass(PAIR_MS);
    assert_eq!(orphans(&mut one), [""; 0], "its board is there");
    one.pull("/bench/1");
    assert_eq!(orphans(&mut one), ["A17"]);
    assert_eq!(waiting(&mut one), None);
}

#[test]
fn a_serial_is_on_one_slot_at_a_time() {
    let mut one = bench(&["1", "2"], true);
    let in_use = Err(RequestRefused::SerialInUse {
        serial: Serial::parse("A17").unwrap(),
        slot: SlotId::new("1"),
    });
    one.plug("/bench/1");
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    assert_eq!(scan(&mut one, "A17"), in_use, "it settles");
    one.pass(300);
    assert_eq!(scan(&mut one, "A17"), in_use, "its row is opened");
    let job = one.commit_row();
    assert_eq!(scan(&mut one, "A17"), in_use, "it is worked on");
    settled(&mut one, &["2"]);
    let typed = start("2", Serial::parse("A17"));
    assert_eq!(ask(&mut one, typed.clone()), in_use);
    one.finish(job, None);
    assert_eq!(scan(&mut one, "A17"), in_use, "its result is written down");
    one.record(job, Ok(Standing::default()));
    // the label of a board that is done may come again
    assert_eq!(ask(&mut one, typed), Ok(()));
    check_rows(&mut one, &[("2", "A17")]);
}

#[test]
fn what_is_typed_is_not_waited_with_any_longer() {
    let mut one = bench(&["1", "2"], false);
    one.tell(Input::Port(PortChange::Present(vec![port("/bench/1")])));
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    assert_eq!(ask(&mut one, start("1", Serial::parse("A17"))), Ok(()));
    settled(&mut one, &["2"]);
    check_rows(&mut one, &[("1", "A17"), ("2", "-")]);
    // nothing typed: what waits
    let mut one = bench(&["1"], false);
    one.tell(Input::Port(PortChange::Present(vec![port("/bench/1")])));
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    assert_eq!(ask(&mut one, start("1", None)), Ok(()));
    check_rows(&mut one, &[("1", "A17")]);
}

#[test]
fn an_end_gives_up_what_waits() {
    let mut one = bench(&["1"], true);
    assert_eq!(scan(&mut one, "A17"), Ok(()));
    one.tell(Input::Stop);
    assert_eq!(orphans(&mut one), ["A17"]);
    assert!(matches!(
        scan(&mut one, "A18"),
        Err(RequestRefused::LineStopped(_))
    ));
}

/// Something at the bench.
#[derive(Debug, Clone)]
enum Event {
    Scan(usize, Option<usize>),
    Name(usize),
    Type(usize, Option<usize>),
    Plug(usize),
    Pull(usize),
    Hold(usize),
    Free(usize),
    /// The record takes a row that was opened, or not, or someone else has the port.
    Row(Row),
    Finish(usize),
    Well,
    Pass(u64),
}

#[derive(Debug, Clone, Copy)]
enum Row {
    Taken,
    Kept,
    Full,
}

const SLOTS: [&str; 3] = ["a", "b", "c"];
const SERIALS: [&str; 4] = ["S1", "S2", "S3", "S4"];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let slot = 0..SLOTS.len();
    let one = prop_oneof![
        6 => (0..SERIALS.len(), prop::option::of(slot.clone())).prop_map(|(s, at)| Event::Scan(s, at)),
        1 => slot.clone().prop_map(Event::Name),
        1 => (slot.clone(), prop::option::of(0..SERIALS.len())).prop_map(|(at, s)| Event::Type(at, s)),
        6 => slot.clone().prop_map(Event::Plug),
        3 => slot.clone().prop_map(Event::Pull),
        1 => slot.clone().prop_map(Event::Hold),
        1 => slot.clone().prop_map(Event::Free),
        5 => prop_oneof![6 => Just(Row::Kept), 1 => Just(Row::Full), 1 => Just(Row::Taken)]
            .prop_map(Event::Row),
        3 => slot.prop_map(Event::Finish),
        2 => Just(Event::Well),
        4 => prop_oneof![Just(50u64), Just(300), Just(5_000), Just(PAIR_MS)].prop_map(Event::Pass),
    ];
    prop::collection::vec(one, 1..60)
}

/// A bench with hands at it, and what became of every serial that was taken.
struct Watched {
    bench: Bench,
    plugged: [bool; SLOTS.len()],
    rows: Vec<(SlotId, NewJobOf)>,
    at_work: Vec<(SlotId, JobId, Option<Serial>)>,
    /// Scans that were taken, less those that say the same again.
    taken: Vec<Serial>,
    typed: Vec<Serial>,
    jobs: Vec<Serial>,
}

type NewJobOf = (JobId, Option<Serial>);

impl Watched {
    fn new(required: bool) -> Watched {
        let slots = vec![
            slot("a", Start::Plug),
            slot("b", Start::Plug),
            slot("c", Start::Scan),
        ];
        let bench = bench(&[], required);
        let settings = Settings {
            slots,
            ..Settings::clone(&bench.dispatcher.settings)
        };
        let at_work = at_work(&settings, &Arc::new(fixture::bundle()).into());
        let mut bench = Bench::with(settings, at_work);
        bench.tell(Input::Port(PortChange::Present(Vec::new())));
        Watched {
            bench,
            plugged: [false; SLOTS.len()],
            rows: Vec::new(),
            at_work: Vec::new(),
            taken: Vec::new(),
            typed: Vec::new(),
            jobs: Vec::new(),
        }
    }

    fn does(&mut self, event: &Event) {
        let path = |at: usize| format!("/bench/{}", SLOTS[at]);
        match event {
            Event::Scan(serial, selected) => {
                let serial = SERIALS[*serial];
                let again = waiting(&mut self.bench).as_deref() == Some(serial);
                let selected = selected.map(|at| SLOTS[at]);
                if scan_at(&mut self.bench, serial, selected).is_ok() && !again {
                    self.taken.push(Serial::parse(serial).unwrap());
                }
            }
            Event::Name(at) => scan(&mut self.bench, SLOTS[*at]).unwrap(),
            Event::Type(at, serial) => {
                let serial = serial.and_then(|serial| Serial::parse(SERIALS[serial]));
                let waits = waiting(&mut self.bench);
                let scanned = |serial: &Serial| waits.as_deref() == Some(serial.as_str());
                let started = ask(&mut self.bench, start(SLOTS[*at], serial.clone()));
                if let (Ok(()), Some(serial)) = (started, serial.filter(|s| !scanned(s))) {
                    self.typed.push(serial);
                }
            }
            Event::Plug(at) if !self.plugged[*at] => {
                self.plugged[*at] = true;
                self.bench.plug(&path(*at));
            }
            Event::Pull(at) if self.plugged[*at] => {
                self.plugged[*at] = false;
                self.bench.pull(&path(*at));
            }
            Event::Plug(_) | Event::Pull(_) => {}
            Event::Hold(at) | Event::Free(at) => {
                let by = matches!(event, Event::Hold(_)).then(|| "flashline info".to_owned());
                let holders = vec![(SlotId::new(SLOTS[*at]), by)];
                self.bench.tell(Input::Holders(holders));
            }
            Event::Row(row) if !self.rows.is_empty() => {
                let (slot, (job, serial)) = self.rows.remove(0);
                let input = match row {
                    Row::Kept => {
                        self.jobs.extend(serial.clone());
                        self.at_work.push((slot.clone(), job, serial));
                        let result = Ok(());
                        Input::Opened { slot, job, result }
                    }
                    Row::Full => {
                        let result = Err(full());
                        Input::Opened { slot, job, result }
                    }
                    Row::Taken => {
                        let by = "flashline info".to_owned();
                        Input::Taken { slot, job, by }
                    }
                };
                self.bench.tell(input);
            }
            Event::Finish(at) if *at < self.at_work.len() => {
                let (slot, job, _) = self.at_work.remove(*at);
                let verdict = verdict(None);
                self.bench.tell(Input::Finished {
                    slot: slot.clone(),
                    job,
                    verdict,
                });
                let result = Ok(Standing::default());
                self.bench.tell(Input::Recorded { slot, job, result });
            }
            Event::Row(_) | Event::Finish(_) => {}
            Event::Well => self.bench.tell(Input::Health(Ok(Standing::default()))),
            Event::Pass(ms) => self.bench.pass(*ms),
        }
        self.bench.wanted.retain(|effect| match effect {
            Effect::OpenRow { slot, job } => {
                self.rows
                    .push((slot.clone(), (job.job, job.serial.clone())));
                false
            }
            _ => true,
        });
    }

    /// Nobody has a serial twice, and none is lost.
    fn check(&mut self) {
        let at_work = self.at_work.iter().map(|(_, _, serial)| serial);
        let opening = self.rows.iter().map(|(_, (_, serial))| serial);
        let mut at_once: Vec<&Serial> = at_work.chain(opening).flatten().collect();
        let all = at_once.len();
        at_once.sort();
        at_once.dedup();
        assert_eq!(at_once.len(), all, "one serial, one job");
        let orphans = orphans(&mut self.bench);
        for text in SERIALS {
            let serial = Serial::parse(text).unwrap();
            let count = |of: &[Serial]| of.iter().filter(|one| **one == serial).count();
            let orphaned = orphans.iter().filter(|one| *one == text).count();
            let open = self.bench.dispatcher.scans.open();
            let open = open.filter(|one| **one == serial).count();
            let came = count(&self.taken);
            let became = count(&self.jobs) + orphaned + open;
            // what was typed comes without a scan
            let typed = count(&self.typed);
            assert!(
                (came..=came + typed).contains(&became),
                "{text}: {came} scanned, {typed} typed, {became} accounted for"
            );
        }
    }
}

proptest! {
    #[test]
    fn every_serial_is_with_one_job_or_told(events in events(), required: bool) {
        let mut watched = Watched::new(required);
        for event in &events {
            watched.does(event);
            watched.check();
        }
        watched.bench.tell(Input::Stop);
        // rows that are under way are still opened
        while !watched.rows.is_empty() {
            watched.does(&Event::Row(Row::Kept));
        }
        watched.check();
        assert_eq!(watched.bench.dispatcher.scans.open().count(), 0);
    }
}
