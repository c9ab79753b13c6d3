//! Boards that come again: questions and their answers, leave for one more try, golden boards.

use super::service::{begin, end, id, kept, line, mac, said, settings, started, work};
use super::*;
use crate::event::{Again, Code, Golden, Outcome};
use crate::record::{EndedJob, OutOfService, StopCause};
use crate::settings::{GoldenBoard, GoldenBoards, LineRules};
use crate::station::{BoardView, Halt, LineState, Question};

fn question() -> Question {
    Question::Again {
        passed: jiff::Timestamp::UNIX_EPOCH,
        lot: None,
    }
}

fn board(bench: &mut Bench) -> BoardView {
    match bench.state("1") {
        SlotState::Working(board) => board,
        other => panic!("{other:?}"),
    }
}

fn decide(again: Again) -> Ask {
    let slot = id("1");
    Ask::Decide { slot, again }
}

/// A job that waits to be told.
fn asking() -> (Bench, JobId) {
    let mut bench = Bench::plug_slot();
    let job = bench.start_job();
    let refused = ask(&mut bench, decide(Again::Skip));
    assert_eq!(refused, Err(RequestRefused::NothingAsked(id("1"))));
    bench.tell(Input::Fact {
        slot: id("1"),
        job,
        fact: Fact::Asks(question()),
    });
    assert_eq!(board(&mut bench).asks, Some(question()));
    assert_eq!(said(&mut bench).last(), Some(&Happening::AskedAgain));
    (bench, job)
}

#[test]
fn what_an_operator_says_of_a_good_board_reaches_its_job_once() {
    for said in [Again::Skip, Again::Flash] {
        let (mut bench, job) = asking();
        assert_eq!(ask(&mut bench, decide(said)), Ok(()));
        assert!(bench.wants(|effect| matches!(
            effect,
            Effect::Decide { job: told, again, .. } if *told == job && *again == said
        )));
        assert_eq!(board(&mut bench).asks, None);
        let refused = ask(&mut bench, decide(said));
        assert_eq!(refused, Err(RequestRefused::NothingAsked(id("1"))));
    }
    let (mut bench, _) = asking();
    let nowhere = Ask::Decide {
        slot: id("9"),
        again: Again::Skip,
    };
    let refused = ask(&mut bench, nowhere);
    assert_eq!(refused, Err(RequestRefused::NoSuchSlot(id("9"))));
}

#[test]
fn a_stop_reaches_a_job_that_waits_to_be_told() {
    let (mut bench, _) = asking();
    assert_eq!(ask(&mut bench, Ask::StopJob { slot: id("1") }), Ok(()));
    assert!(bench.wants(|effect| matches!(effect, Effect::StopJob { .. })));
}

#[test]
fn a_board_pulled_while_it_is_asked_about_makes_room_for_the_next() {
    let (mut bench, job) = asking();
    bench.pull("/bench/1");
    // the next one is there before the job's end is told
    bench.plug("/bench/1");
    bench.finish(job, Some(Code::Stopped));
    bench.record(job, Ok(Standing::default()));
    assert_eq!(bench.state("1"), SlotState::Settling);
}

#[test]
fn a_skipped_board_is_one_that_its_slot_is_through_with() {
    let mut bench = Bench::new(vec![slot("1", Start::Request)]);
    bench.plug("/bench/1");
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    let job = bench.commit_row();
    bench.finish(job, Some(Code::AlreadyDone));
    bench.record(job, Ok(Standing::default()));
    bench.wanted.clear();
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    bench.commit_row();
    let through_with = |effect: &Effect| match effect {
        Effect::Spawn { through_with, .. } => through_with.clone(),
        _ => None,
    };
    let found = bench.wanted.iter().find_map(through_with);
    assert_eq!(found, Unit::of(Some(&identity()), None));
}

/// A bench whose rules have this limit.
fn limited(retest_limit: Option<u32>) -> Bench {
    let settings = Settings {
        line: LineRules {
            retest_limit,
            ..LineRules::default()
        },
        ..settings(1)
    };
    started(settings, &History::default())
}

fn allow() -> Ask {
    Ask::AllowRetest {
        unit: mac(1).into(),
    }
}

#[test]
fn leave_for_one_more_try_is_on_record_before_it_is_told() {
    let told = Happening::RetestAllowed {
        unit: mac(1).into(),
        by: Who::new("anna", Role::Supervisor),
    };
    let free = || Err(RequestRefused::RetestFree(mac(1).into()));
    let check = |result: Result<bool, RecordError>, expected: Result<(), RequestRefused>| {
        let mut bench = limited(Some(3));
        let by = Who::new("anna", Role::Supervisor);
        let mut heard = ask_for(&mut bench, by, allow(), Some(warrant("reworked", None)));
        keep_next(&mut bench);
        answer(&mut bench);
        assert!(heard.try_recv().is_err(), "not yet");
        let is_it = |effect: &Effect| matches!(effect, Effect::AllowRetest { .. });
        let Some(Effect::AllowRetest {
            allowing,
            retest_limit: 3,
        }) = take_out(&mut bench, is_it)
        else {
            panic!("{:?}", bench.wanted)
        };
        bench.tell(Input::RetestAllowed { allowing, result });
        answer(&mut bench);
        assert_eq!(heard.try_recv().unwrap(), expected);
        assert_eq!(said(&mut bench).contains(&told), expected.is_ok());
    };
    check(Ok(true), Ok(()));
    check(Ok(false), free());
    let not_recorded = RequestRefused::NotRecorded(full().to_string());
    check(Err(full()), Err(not_recorded));
    let mut bench = limited(None);
    assert_eq!(ask_as(&mut bench, Role::Supervisor, allow()), free());
    let mut bench = limited(Some(3));
    let refused = ask(&mut bench, allow());
    assert!(matches!(
        refused,
        Err(RequestRefused::SupervisorOnly { .. })
    ));
}

const GOOD: u8 = 11;
const BAD: u8 = 12;

fn with_golden(slots: usize) -> Settings {
    let board = |last, expect, name: Option<&str>| GoldenBoard {
        mac: mac(last),
        expect,
        name: name.map(str::to_owned),
    };
    Settings {
        golden: GoldenBoards::new(vec![
            board(GOOD, Golden::Good, None),
            board(BAD, Golden::Bad, Some("dead flash")),
        ]),
        ..settings(slots)
    }
}

fn escaped() -> LineState {
    LineState::Halted(Halt::Failures {
        slots: 1,
        code: Code::GoldenEscaped,
    })
}

fn owed() -> ServiceChange {
    ServiceChange::Out(OutOfService {
        slot: None,
        cause: StopCause::Failures {
            count: 1,
            code: Code::GoldenEscaped,
        },
        since: jiff::Timestamp::UNIX_EPOCH,
    })
}

#[test]
fn a_board_that_is_known_to_be_bad_and_passes_halts_the_line() {
    for code in [None, Some(Code::NotVerified)] {
        let mut bench = started(with_golden(2), &History::default());
        let job = begin(&mut bench, "1");
        end(&mut bench, "1", job, code, BAD);
        let SlotState::Done(result) = bench.state("1") else {
            panic!("a result")
        };
        assert_eq!(
            (result.outcome, result.code),
            (Outcome::Error, Some(Code::GoldenEscaped))
        );
        let came_to = code.map_or("PASS", |_| "WRITTEN");
        assert_eq!(
            result.detail,
            format!("dead flash (24:0a:c4:00:01:0c) is known to be bad, and came to {came_to}")
        );
        assert_eq!(line(&mut bench), escaped());
        assert_eq!(kept(&mut bench), [owed()]);
        let told = Happening::LineStopped {
            code: Code::GoldenEscaped,
            detail: "a golden board that is known to be bad passed".to_owned(),
        };
        assert!(said(&mut bench).contains(&told));
        // so it is in its row
        assert!(bench.wants(|effect| matches!(
            effect,
            Effect::CloseRow { verdict, .. } if verdict.code == Some(Code::GoldenEscaped)
        )));

        bench.tell(Input::ServiceKept(Ok(())));
        bench.plug("/bench/2");
        bench.pass(300);
        let code = Code::GoldenEscaped;
        assert_eq!(bench.state("2"), SlotState::Blocked { code });
        assert_eq!(ask_as(&mut bench, Role::Supervisor, Ask::FreeLine), Ok(()));
        assert_eq!(line(&mut bench), LineState::Running);
        assert_eq!(bench.opened().len(), 1);
    }
}

#[test]
fn an_escape_is_told_of_a_line_that_is_stopped_already() {
    let mut bench = started(with_golden(1), &History::default());
    let job = begin(&mut bench, "1");
    assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
    end(&mut bench, "1", job, None, BAD);
    assert_eq!(line(&mut bench), escaped());
}

#[test]
fn a_bad_board_that_fails_tells_nothing_and_a_good_one_tells_of_its_slot() {
    let mut bench = started(with_golden(4), &History::default());
    for _ in 0..3 {
        for slot in ["1", "2", "3", "4"] {
            work(&mut bench, slot, Some(Code::NoReply), BAD);
        }
    }
    assert_eq!(line(&mut bench), LineState::Running);
    for board in [1, 2] {
        work(&mut bench, "1", Some(Code::NoReply), board);
    }
    assert!(kept(&mut bench).is_empty());
    work(&mut bench, "1", Some(Code::NoReply), GOOD);
    let quarantined = |change: &ServiceChange| matches!(change, ServiceChange::Out(out) if out.slot == Some(id("1")));
    assert!(kept(&mut bench).iter().all(quarantined));
    // and one that passes ends the line's run
    work(&mut bench, "2", Some(Code::NoReply), 3);
    work(&mut bench, "3", None, GOOD);
    work(&mut bench, "4", Some(Code::NoReply), 4);
    assert_eq!(line(&mut bench), LineState::Running);
}

/// The row of the job is on the disk, and its process died before that of the halt.
#[test]
fn an_escape_that_was_not_written_down_follows_from_the_jobs() {
    let job = |golden, code: Option<Code>| EndedJob {
        slot: id("1"),
        unit: Some(mac(BAD).into()),
        golden,
        outcome: code.map_or(Outcome::Pass, Code::outcome),
        code,
        bundle_digest: [0; 32],
        ended: jiff::Timestamp::from_second(100).unwrap(),
    };
    let check = |jobs: Vec<EndedJob>, freed: Option<i64>, expected: LineState| {
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let history = History {
            jobs,
            freed: freed.map(|second| (None, at(second))).into_iter().collect(),
            ..History::default()
        };
        let mut bench = started(with_golden(1), &history);
        assert_eq!(line(&mut bench), expected);
        let owes = kept(&mut bench).len();
        assert_eq!(owes, usize::from(expected != LineState::Running));
    };
    let escape = job(Some(Golden::Bad), Some(Code::GoldenEscaped));
    check(vec![escape.clone()], None, escaped());
    check(vec![escape.clone(), job(None, None)], Some(99), escaped());
    check(vec![escape], Some(101), LineState::Running);
    check(
        vec![job(Some(Golden::Bad), Some(Code::NoReply))],
        None,
        LineState::Running,
    );
}

#[test]
fn an_escape_that_is_on_record_halts_the_line_once() {
    let ServiceChange::Out(out) = owed() else {
        panic!("out")
    };
    let escape = EndedJob {
        slot: id("1"),
        unit: Some(mac(BAD).into()),
        golden: Some(Golden::Bad),
        outcome: Outcome::Error,
        code: Some(Code::GoldenEscaped),
        bundle_digest: [0; 32],
        ended: jiff::Timestamp::UNIX_EPOCH,
    };
    let history = History {
        out: vec![out],
        jobs: vec![escape],
        ..History::default()
    };
    let mut bench = started(with_golden(1), &history);
    assert_eq!(line(&mut bench), escaped());
    assert!(kept(&mut bench).is_empty(), "the record knows");
}
