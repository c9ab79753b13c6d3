use std::time::Duration;

use super::*;
use crate::event::{Code, Golden};
use crate::job::Verdict;
use crate::record::change::{Change, WriteOff};
use crate::record::testbench::{Bench, at, board, mac, new_job, verdict};
use crate::record::{NewJob, Standing};

fn name(lot: &str) -> LotName {
    LotName::parse(lot).unwrap()
}

fn li() -> Who {
    Who::new("li", Role::Operator)
}

/// A lot of two for the bundle of the test bench's jobs, or another one's.
fn new_lot(digest: u8, first_article: FirstArticle) -> LotStep {
    LotStep::Enter(NewLotRow {
        product: "thermostat".to_owned(),
        version: "1.4.0".to_owned(),
        bundle_digest: [digest; 32],
        manifest_text: "product = \"thermostat\"".into(),
        order: Some("PO-7".to_owned()),
        target: 2,
        first_article,
    })
}

fn enter(first_article: FirstArticle) -> LotStep {
    new_lot(0xAB, first_article)
}

impl Bench {
    #[track_caller]
    fn lot(&mut self, lot: &str, step: LotStep, changed: bool) {
        let change = Change::Lot(LotChange {
            lot: name(lot),
            step: step.clone(),
            by: li(),
            at: at("08:00:00"),
        });
        assert_eq!(self.change(change).unwrap(), changed, "{lot} {step:?}");
    }

    fn lots(&mut self) -> Vec<LotStanding> {
        self.store.standing(at("12:00:00")).lots
    }

    /// A job of a lot, from arrival to verdict.
    fn lot_job(&mut self, lot: &str, started: &str, last: u8, code: Option<Code>) {
        let new = NewJob {
            lot: Some(name(lot)),
            ..new_job("3", at(started))
        };
        let job = new.job;
        assert!(self.change(Change::Open(new)).unwrap());
        let closed = Change::Close {
            job,
            verdict: Verdict {
                bytes_written: 4096,
                ..verdict(code, Some(board(last)))
            },
            ended: at(started) + Duration::from_secs(12),
        };
        assert!(self.change(closed).unwrap());
    }
}

#[test]
fn a_lots_life_is_on_record() {
    let mut bench = Bench::new();
    let paused = LotState::Paused { by: li() };
    let steps = [
        (enter(FirstArticle::Free), Some(LotState::Approved)),
        (LotStep::Start, Some(LotState::Running)),
        (LotStep::Pause, Some(paused)),
        (LotStep::Start, Some(LotState::Running)),
        (LotStep::End, None),
    ];
    for (step, state) in steps {
        bench.lot("L-1", step, true);
        // as it is told at once, and by a process that starts now
        let told = bench.lots().first().map(|lot| lot.state.clone());
        assert_eq!(told, state);
        (bench, _) = bench.reopen(at("08:00:00"));
        let told = bench.lots().first().map(|lot| lot.state.clone());
        assert_eq!(told, state);
    }
    let connection = Connection::open(&bench.path).unwrap();
    let events: Vec<String> = connection
        .prepare("SELECT lot || ' ' || what || ' ' || who FROM lot_event ORDER BY number")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    let expected = ["approved", "started", "paused", "started", "ended"];
    assert_eq!(events, expected.map(|what| format!("L-1 {what} li")));
    let ended = one(&connection, &name("L-1")).unwrap().unwrap();
    assert_eq!(ended.state, LotState::Ended);
    assert_eq!(ended.bundle, "abababababab");
    assert_eq!(ended.order.as_deref(), Some("PO-7"));
    assert_eq!(all(&connection).unwrap(), [ended]);
    assert_eq!(one(&connection, &name("L-2")).unwrap(), None);
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let mut bench = Bench::new();
    bench.lot("L-1", LotStep::Start, false);
    bench.lot("L-1", enter(FirstArticle::Free), true);
    // a name is used once, even after the end
    bench.lot("L-1", enter(FirstArticle::Free), false);
    bench.lot("L-1", LotStep::Pause, false);
    bench.lot("L-1", LotStep::ApproveFirstArticle, false);
    bench.lot("L-1", LotStep::Start, true);
    bench.lot("L-1", LotStep::Start, false);
    // one lot per bundle runs
    bench.lot("L-2", enter(FirstArticle::Free), true);
    bench.lot("L-2", LotStep::Start, false);
    bench.lot("L-3", new_lot(0xCD, FirstArticle::Free), true);
    bench.lot("L-3", LotStep::Start, true);
    bench.lot("L-1", LotStep::Pause, true);
    bench.lot("L-2", LotStep::Start, true);
    bench.lot("L-1", LotStep::Start, false);
    let names: Vec<String> = bench.lots().iter().map(|lot| lot.lot.to_string()).collect();
    assert_eq!(names, ["L-2", "L-3", "L-1"]);
    for lot in ["L-1", "L-2", "L-3"] {
        bench.lot(lot, LotStep::End, true);
        bench.lot(lot, LotStep::End, false);
        bench.lot(lot, LotStep::Start, false);
    }
    bench.lot("L-1", enter(FirstArticle::Free), false);
    assert_eq!(bench.lots(), []);
}

#[test]
fn figures_are_of_the_lots_own_jobs_and_those_of_a_fresh_start() {
    let mut bench = Bench::new();
    bench.lot("L-1", enter(FirstArticle::Free), true);
    bench.lot("L-1", LotStep::Start, true);
    bench.lot("L-2", new_lot(0xCD, FirstArticle::Free), true);
    // of no lot
    bench.job("08:00:00", None, 9, 4096);
    bench.lot_job("L-1", "08:00:01", 1, Some(Code::VerifyMismatch));
    bench.lot_job("L-1", "08:01:00", 1, None);
    bench.lot_job("L-1", "08:02:00", 2, Some(Code::Unplugged));
    bench.lot_job("L-2", "08:03:00", 3, Some(Code::Unplugged));
    let running = Standing {
        changes: 0,
        ..bench.store.standing(at("12:00:00"))
    };
    let lot = &running.lots[0];
    let figures = &lot.figures;
    assert_eq!(
        [figures.units, figures.first_pass, figures.passed],
        [2, 0, 1]
    );
    assert_eq!((figures.jobs.total(), lot.open_units), (3, 1));
    assert_eq!(running.today.jobs.total(), 5);
    let reader = crate::record::Reader::open(&bench.path).unwrap();
    let read = reader.lot_figures(&name("L-1")).unwrap().unwrap();
    assert_eq!(read.0, *lot);
    assert_eq!(read.1.period, lot.figures);
    assert_eq!(read.1.open_units.len(), 1);
    assert_eq!(reader.lots().unwrap(), running.lots);
    let (mut bench, _) = bench.reopen(at("12:00:00"));
    assert_eq!(bench.store.standing(at("12:00:00")), running);
    // nor does the day matter
    let tomorrow = bench
        .store
        .standing(at("12:00:00") + Duration::from_secs(86_400));
    assert_eq!(tomorrow.lots, running.lots);
    assert_eq!(tomorrow.today.units, 0);
}

#[test]
fn a_lot_is_not_ended_with_open_units() {
    let mut bench = Bench::new();
    bench.lot("L-1", enter(FirstArticle::Free), true);
    bench.lot("L-1", LotStep::Start, true);
    bench.lot_job("L-1", "08:00:01", 1, Some(Code::Unplugged));
    bench.lot_job("L-1", "08:00:02", 2, Some(Code::Unplugged));
    bench.lot("L-1", LotStep::End, false);
    // one is finished, the other written off
    bench.lot_job("L-1", "08:01:00", 1, None);
    bench.lot("L-1", LotStep::End, false);
    let off = Change::WriteOff(WriteOff {
        unit: mac(2).into(),
        who: "mei".to_owned(),
        why: "scrapped".to_owned(),
        at: at("08:02:00"),
    });
    assert!(bench.change(off).unwrap());
    assert_eq!(bench.lots()[0].open_units, 0);
    bench.lot("L-1", LotStep::End, true);
}

#[test]
fn the_first_good_board_is_held_where_a_supervisor_is_to_see_it() {
    let mut bench = Bench::new();
    bench.lot("L-1", enter(FirstArticle::Due), true);
    bench.lot("L-1", LotStep::Start, true);
    let first = |bench: &mut Bench| bench.lots()[0].first_article;
    bench.lot_job("L-1", "08:00:01", 1, Some(Code::VerifyMismatch));
    assert_eq!(first(&mut bench), FirstArticle::Due);
    bench.lot("L-1", LotStep::ApproveFirstArticle, false);
    bench.lot_job("L-1", "08:00:02", 2, None);
    assert_eq!(first(&mut bench), FirstArticle::Held);
    let (mut bench, _) = bench.reopen(at("08:01:00"));
    assert_eq!(first(&mut bench), FirstArticle::Held);
    bench.lot("L-1", LotStep::ApproveFirstArticle, true);
    assert_eq!(first(&mut bench), FirstArticle::Approved);
    bench.lot_job("L-1", "08:02:02", 3, None);
    assert_eq!(first(&mut bench), FirstArticle::Approved);
    // where nobody asked for it
    bench.lot("L-1", LotStep::End, true);
    bench.lot("L-2", enter(FirstArticle::Free), true);
    bench.lot_job("L-2", "08:03:02", 4, None);
    assert_eq!(first(&mut bench), FirstArticle::Free);
}

#[test]
fn a_lots_jobs_are_found_by_their_index() {
    let bench = Bench::new();
    let connection = Connection::open(&bench.path).unwrap();
    let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM job WHERE {CLOSED_OF_LOT}");
    let plan: String = connection
        .query_row(&sql, ["L-1"], |row| row.get("detail"))
        .unwrap();
    assert!(plan.contains("job_lot"), "{plan}");
}

#[test]
fn a_job_that_was_cut_short_by_a_kill_leaves_its_unit_open_in_its_lot() {
    let mut bench = Bench::new();
    bench.lot("L-1", enter(FirstArticle::Due), true);
    bench.lot("L-1", LotStep::Start, true);
    let new = NewJob {
        lot: Some(name("L-1")),
        ..new_job("3", at("08:00:01"))
    };
    let job = new.job;
    assert!(bench.change(Change::Open(new)).unwrap());
    let identity = board(1);
    let golden = None;
    let identified = Change::Identify {
        job,
        identity,
        golden,
    };
    assert!(bench.change(identified).unwrap());
    let (mut bench, interrupted) = bench.reopen(at("08:01:00"));
    assert_eq!(interrupted, 1);
    let lot = bench.lots().remove(0);
    let figures = &lot.figures;
    assert_eq!(
        (figures.jobs.aborted, figures.units, figures.passed),
        (1, 1, 0)
    );
    assert_eq!((lot.open_units, lot.first_article), (1, FirstArticle::Due));
    bench.lot("L-1", LotStep::End, false);
}

#[test]
fn what_never_counts_makes_no_first_article_and_no_unit() {
    let mut bench = Bench::new();
    bench.lot("L-1", enter(FirstArticle::Due), true);
    bench.lot("L-1", LotStep::Start, true);
    let run = |bench: &mut Bench, golden: Option<Golden>, outcome: Outcome, code: Option<Code>| {
        let new = NewJob {
            lot: Some(name("L-1")),
            ..new_job("3", at("08:00:01"))
        };
        let job = new.job;
        assert!(bench.change(Change::Open(new)).unwrap());
        let identity = board(1);
        let identified = Change::Identify {
            job,
            identity,
            golden,
        };
        assert!(bench.change(identified).unwrap());
        let verdict = Verdict {
            outcome,
            ..verdict(code, Some(board(1)))
        };
        let ended = at("08:00:12");
        let closed = Change::Close {
            job,
            verdict,
            ended,
        };
        assert!(bench.change(closed).unwrap());
    };
    run(&mut bench, Some(Golden::Good), Outcome::Pass, None);
    run(&mut bench, None, Outcome::Skipped, Some(Code::AlreadyDone));
    let lot = bench.lots().remove(0);
    assert_eq!(lot.first_article, FirstArticle::Due);
    let jobs = lot.figures.jobs;
    assert_eq!((lot.figures.units, jobs.golden, jobs.skipped), (0, 1, 1));
    run(&mut bench, None, Outcome::Pass, None);
    assert_eq!(bench.lots()[0].first_article, FirstArticle::Held);
}
