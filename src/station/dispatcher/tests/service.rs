//! Stopping and going on: what failures take out of service, what people do, and what survives.

mod past;

use super::*;
use crate::event::Unit;
use crate::record::{OutOfService, StopCause};
use crate::settings::LineRules;
use crate::station::{Halt, LineState, SlotOut};

pub(super) fn id(name: &str) -> SlotId {
    SlotId::new(name)
}

pub(super) fn mac(last: u8) -> Mac {
    Mac([0x24, 0x0A, 0xC4, 0, 1, last])
}

pub(super) fn settings(slots: usize) -> Settings {
    Settings {
        slots: (1..=slots)
            .map(|number| slot(&number.to_string(), Start::Plug))
            .collect(),
        settle: Duration::from_millis(300),
        ..Settings::of("bench", "m.toml".into(), "db".into())
    }
}

fn bench(slots: usize) -> Bench {
    bench_with(slots, &History::default())
}

fn bench_with(slots: usize, history: &History) -> Bench {
    started(settings(slots), history)
}

pub(super) fn started(settings: Settings, history: &History) -> Bench {
    let at_work = at_work(&settings, &Arc::new(fixture::bundle()).into());
    let mut bench = Bench::after(history, settings, at_work);
    bench.tell(Input::Port(PortChange::Present(Vec::new())));
    bench
}

/// A board comes and its job begins.
pub(super) fn begin(bench: &mut Bench, name: &str) -> JobId {
    bench.plug(&format!("/bench/{name}"));
    bench.pass(300);
    bench.commit_row()
}

/// It ends and is on record; the board is pulled.
pub(super) fn end(bench: &mut Bench, name: &str, job: JobId, code: Option<Code>, board: u8) {
    let identity = Identity {
        mac: Some(mac(board)),
        ..identity()
    };
    bench.tell(Input::Finished {
        slot: id(name),
        job,
        verdict: Verdict {
            identity: Some(identity),
            ..verdict(code)
        },
    });
    bench.tell(Input::Recorded {
        slot: id(name),
        job,
        result: Ok(Standing::default()),
    });
    bench.pull(&format!("/bench/{name}"));
}

pub(super) fn work(bench: &mut Bench, name: &str, code: Option<Code>, board: u8) {
    let job = begin(bench, name);
    end(bench, name, job, code, board);
}

fn out(bench: &mut Bench, name: &str) -> Option<SlotOut> {
    let now = bench.now();
    let snapshot = bench.dispatcher.snapshot(now);
    let view = snapshot.slots.iter().find(|view| view.slot == id(name));
    view.unwrap().out.clone()
}

pub(super) fn line(bench: &mut Bench) -> LineState {
    let now = bench.now();
    bench.dispatcher.snapshot(now).line
}

/// Everything that was said, by slots and of the line.
pub(super) fn said(bench: &mut Bench) -> Vec<Happening> {
    let now = bench.now();
    let notices = bench.dispatcher.snapshot(now).notices;
    notices.iter().map(|notice| notice.what.clone()).collect()
}

/// Takes out what the record is to keep.
pub(super) fn kept(bench: &mut Bench) -> Vec<ServiceChange> {
    let mut changes = Vec::new();
    bench.wanted.retain(|effect| match effect {
        Effect::KeepService(change) => {
            changes.push(change.clone());
            false
        }
        _ => true,
    });
    changes
}

fn failures(slot: Option<&str>, count: u32, code: Code) -> ServiceChange {
    ServiceChange::Out(OutOfService {
        slot: slot.map(SlotId::new),
        cause: StopCause::Failures { count, code },
        since: jiff::Timestamp::UNIX_EPOCH,
    })
}

fn free_slot(name: &str) -> Ask {
    Ask::FreeSlot { slot: id(name) }
}

fn stop_slot(name: &str) -> Ask {
    Ask::StopSlot { slot: id(name) }
}

fn words(refused: Result<(), RequestRefused>) -> String {
    refused.unwrap_err().to_string()
}

#[test]
fn three_different_boards_that_fail_take_their_slot_out_until_a_supervisor_frees_it() {
    let mut bench = bench(2);
    work(&mut bench, "1", Some(Code::NoSync), 1);
    work(&mut bench, "1", Some(Code::FlashWrite), 2);
    // the same board again, and one that a hand pulled
    work(&mut bench, "1", Some(Code::FlashWrite), 2);
    work(&mut bench, "1", Some(Code::Unplugged), 3);
    assert_eq!(out(&mut bench, "1"), None);
    work(&mut bench, "1", Some(Code::PortError), 4);
    let quarantined = SlotOut::Quarantined {
        boards: 3,
        code: Code::PortError,
    };
    assert_eq!(out(&mut bench, "1"), Some(quarantined));
    assert_eq!(
        kept(&mut bench),
        [failures(Some("1"), 3, Code::PortError)],
        "for the record"
    );
    bench.tell(Input::ServiceKept(Ok(())));
    let told = Happening::SlotQuarantined {
        boards: 3,
        code: Code::PortError,
    };
    assert!(said(&mut bench).contains(&told));

    // the next board waits
    bench.plug("/bench/1");
    bench.pass(10_000);
    assert!(bench.opened().is_empty());
    let code = Code::SlotQuarantined;
    assert_eq!(bench.state("1"), SlotState::Blocked { code });
    let refused = ask(&mut bench, start("1", None));
    assert_eq!(refused, Err(RequestRefused::SlotOut(id("1"))));
    let refused = ask(&mut bench, free_slot("1"));
    assert!(matches!(
        refused,
        Err(RequestRefused::SupervisorOnly { .. })
    ));
    // the neighbour works on
    work(&mut bench, "2", None, 5);

    assert_eq!(ask_as(&mut bench, Role::Supervisor, free_slot("1")), Ok(()));
    assert_eq!(out(&mut bench, "1"), None);
    let job = bench.commit_row();
    assert!(matches!(
        kept(&mut bench)[..],
        [ServiceChange::Free { slot: Some(_), .. }]
    ));
    // its run has begun anew
    end(&mut bench, "1", job, Some(Code::NoSync), 6);
    assert_eq!(out(&mut bench, "1"), None);
}

#[test]
fn three_slots_that_fail_alike_halt_the_line_until_a_supervisor_lets_it_go_on() {
    let mut bench = bench(5);
    let at_work = begin(&mut bench, "4");
    work(&mut bench, "1", Some(Code::FlashId), 1);
    work(&mut bench, "1", Some(Code::FlashId), 2);
    work(&mut bench, "2", Some(Code::FlashId), 3);
    assert_eq!(line(&mut bench), LineState::Running);
    work(&mut bench, "3", Some(Code::FlashId), 4);
    let halted = LineState::Halted(Halt::Failures {
        slots: 3,
        code: Code::FlashId,
    });
    assert_eq!(line(&mut bench), halted);
    assert_eq!(kept(&mut bench), [failures(None, 3, Code::FlashId)]);
    bench.tell(Input::ServiceKept(Ok(())));
    let told = Happening::LineStopped {
        code: Code::LineHalted,
        detail: "3 slots in a row failed with FLASH_ID: 1, 2, 3".to_owned(),
    };
    assert_eq!(said(&mut bench).iter().filter(|s| **s == told).count(), 1);

    // a board that comes waits; the one at work is finished, whatever comes of it
    bench.plug("/bench/5");
    bench.pass(300);
    let code = Code::LineHalted;
    assert_eq!(bench.state("5"), SlotState::Blocked { code });
    end(&mut bench, "4", at_work, Some(Code::FlashId), 5);
    assert_eq!(line(&mut bench), halted);
    assert!(kept(&mut bench).is_empty(), "it was halted already");
    bench.plug("/bench/1");
    bench.pass(300);
    assert_eq!(
        words(ask(&mut bench, start("1", None))),
        "the line is stopped: 3 slots in a row failed with FLASH_ID"
    );
    assert!(bench.opened().is_empty());
    // one of them is taken out again
    bench.pull("/bench/1");

    assert_eq!(ask_as(&mut bench, Role::Supervisor, Ask::FreeLine), Ok(()));
    assert_eq!(line(&mut bench), LineState::Running);
    let opened = bench.opened();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].0, id("5"));
    assert!(matches!(
        kept(&mut bench)[..],
        [ServiceChange::Free { slot: None, .. }]
    ));
}

#[test]
fn nothing_stops_by_itself_where_the_settings_say_never() {
    let never = Settings {
        line: LineRules::NEVER,
        ..settings(4)
    };
    let mut bench = started(never, &History::default());
    for board in 0..12 {
        let name = (board % 4 + 1).to_string();
        work(&mut bench, &name, Some(Code::NoSync), board);
    }
    assert_eq!(line(&mut bench), LineState::Running);
    assert_eq!(out(&mut bench, "1"), None);
    assert!(kept(&mut bench).is_empty());
}

#[test]
fn a_stopped_slot_finishes_its_board_and_takes_no_other() {
    let mut bench = bench(1);
    let job = begin(&mut bench, "1");
    assert_eq!(ask(&mut bench, stop_slot("1")), Ok(()));
    assert!(!bench.wants(|effect| matches!(effect, Effect::StopJob { .. })));
    let by = Who::new("li", Role::Operator);
    assert_eq!(out(&mut bench, "1"), Some(SlotOut::Stopped { by }));
    assert!(matches!(bench.state("1"), SlotState::Working(_)));
    assert_eq!(kept(&mut bench).len(), 1);
    end(&mut bench, "1", job, None, 1);
    assert!(matches!(bench.state("1"), SlotState::Done(_)));

    bench.plug("/bench/1");
    bench.pass(300);
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::Stopped));
    let waits = Happening::BoardWaits {
        port: "/bench/1".to_owned(),
        why: Waiting::Stopped,
    };
    assert!(said(&mut bench).contains(&waits));
    assert_eq!(ask_as(&mut bench, Role::Supervisor, free_slot("1")), Ok(()));
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn what_is_asked_of_what_is_so_already_is_refused() {
    let mut bench = bench(1);
    let check = |bench: &mut Bench, asked: Ask, expected: &str| {
        let refused = ask_as(bench, Role::Supervisor, asked);
        assert_eq!(words(refused), expected);
    };
    check(&mut bench, free_slot("1"), "slot 1 is in service");
    check(&mut bench, free_slot("9"), "there is no slot 9");
    check(&mut bench, stop_slot("9"), "there is no slot 9");
    check(&mut bench, Ask::FreeLine, "the line is running");
    assert_eq!(ask(&mut bench, stop_slot("1")), Ok(()));
    check(
        &mut bench,
        stop_slot("1"),
        "slot 1 takes no boards until a supervisor sets it free",
    );
    assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
    check(
        &mut bench,
        Ask::StopLine,
        "the line is stopped: li stopped it",
    );
    for asked in [free_slot("1"), Ask::FreeLine] {
        let refused = ask(&mut bench, asked);
        assert_eq!(
            words(refused),
            "only a supervisor may do this, and li is not one"
        );
    }
}

#[test]
fn a_stopped_line_frees_only_what_nothing_else_keeps() {
    let mut bench = bench(2);
    assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
    assert_eq!(ask(&mut bench, stop_slot("1")), Ok(()));
    for name in ["/bench/1", "/bench/2"] {
        bench.plug(name);
    }
    bench.pass(300);
    assert_eq!(bench.state("2"), SlotState::Waiting(Waiting::Stopped));
    assert_eq!(ask_as(&mut bench, Role::Supervisor, Ask::FreeLine), Ok(()));
    let opened = bench.opened();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].0, id("2"));
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::Stopped));
}

#[test]
fn a_halted_line_whose_record_is_ill_shows_the_record_and_stays_halted_when_it_is_well() {
    let mut bench = bench(1);
    assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
    bench.tell(Input::ServiceKept(Ok(())));
    bench.plug("/bench/1");
    bench.pass(300);
    bench.tell(Input::Health(Err(full())));
    assert!(matches!(line(&mut bench), LineState::Stopped { .. }));
    let refused = ask_as(&mut bench, Role::Supervisor, Ask::FreeLine);
    assert!(matches!(refused, Err(RequestRefused::NotRecorded(_))));

    bench.tell(Input::Health(Ok(Standing::default())));
    assert!(matches!(
        line(&mut bench),
        LineState::Halted(Halt::Asked { .. })
    ));
    assert!(matches!(
        said(&mut bench).last(),
        Some(Happening::LineStoppedBy { .. })
    ));
    assert!(bench.opened().is_empty());
    assert_eq!(ask_as(&mut bench, Role::Supervisor, Ask::FreeLine), Ok(()));
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn what_the_record_is_owed_goes_one_by_one_in_order_and_again_when_it_is_well() {
    let mut bench = bench(2);
    for asked in [stop_slot("1"), stop_slot("2"), Ask::StopLine] {
        assert_eq!(ask(&mut bench, asked), Ok(()));
    }
    let of = |change: &ServiceChange| match change {
        ServiceChange::Out(out) => out.slot.clone(),
        ServiceChange::Free { slot, .. } => slot.clone(),
    };
    let next = |bench: &mut Bench| kept(bench).iter().map(of).collect::<Vec<_>>();
    assert_eq!(next(&mut bench), [Some(id("1"))]);
    bench.tell(Input::ServiceKept(Ok(())));
    assert_eq!(next(&mut bench), [Some(id("2"))]);
    bench.tell(Input::ServiceKept(Err(full())));
    assert!(next(&mut bench).is_empty());
    assert!(matches!(line(&mut bench), LineState::Stopped { .. }));
    // out all the same
    assert!(out(&mut bench, "2").is_some());
    bench.tell(Input::Health(Ok(Standing::default())));
    assert_eq!(next(&mut bench), [Some(id("2"))]);
    // the end waits for the rest
    bench.tell(Input::Stop);
    assert!(!bench.wants(|effect| matches!(effect, Effect::End)));
    bench.tell(Input::ServiceKept(Ok(())));
    assert_eq!(next(&mut bench), [None]);
    assert!(!bench.wants(|effect| matches!(effect, Effect::End)));
    bench.tell(Input::ServiceKept(Ok(())));
    assert!(bench.wants(|effect| matches!(effect, Effect::End)));
}

#[test]
fn a_jigs_board_that_waits_is_still_probed_and_may_be_another_when_the_slot_goes_on() {
    let mut bench = Bench::new(vec![slot("1", Start::Probe)]);
    let answers = |bench: &mut Bench, answer| {
        bench.tell(Input::Probed {
            slot: id("1"),
            result: Ok(answer),
        });
        bench.pass(PROBE_INTERVAL.as_millis() as u64);
    };
    bench.tell(Input::Port(PortChange::Present(vec![port("/bench/1")])));
    for _ in 0..PROBE_SILENCES {
        answers(&mut bench, false);
    }
    assert_eq!(ask(&mut bench, stop_slot("1")), Ok(()));
    answers(&mut bench, true);
    assert_eq!(bench.state("1"), SlotState::Waiting(Waiting::Stopped));
    answers(&mut bench, true);
    // it is taken out, and nothing is begun with what is not there
    answers(&mut bench, false);
    answers(&mut bench, false);
    assert_eq!(bench.state("1"), SlotState::Empty);
    assert_eq!(ask_as(&mut bench, Role::Supervisor, free_slot("1")), Ok(()));
    assert!(bench.opened().is_empty());
    answers(&mut bench, true);
    assert_eq!(bench.opened().len(), 1);
}
