//! A lot on a simulated line, from its approval to its end: failures, retries, retests, boards pulled too early,
//! a restart, and more boards than it has room for. What everyone tells of it agrees.

use std::path::Path;

use assert_cmd::Command;
use flashline::event::{Code, Happening, LotName, Outcome, Role, Waiting, Who};
use flashline::record::LotStanding;
use flashline::sim::{BoardHandle, BoardSpec, Fault};
use flashline::station::{Ask, NewLot, RequestRefused, SlotState, Snapshot};
use serde_json::Value;

use crate::line::{Line, said, state};
use crate::warrants::by_login;

fn name() -> LotName {
    LotName::parse("L-2031").unwrap()
}

async fn ask(line: &Line, role: Role, ask: Ask) -> Result<(), RequestRefused> {
    let asker = line.station.asker(Who::new("li", role));
    let why = (role == Role::Supervisor).then(|| by_login("as ordered"));
    asker.ask_with(ask, why).await.unwrap().await.unwrap()
}

fn lot(snapshot: &Snapshot) -> &LotStanding {
    &snapshot.standing.lots[0]
}

/// What becomes of a board.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Good,
    /// Its second attempt is good.
    Retried,
    /// Its flash cannot be written.
    Bad,
    PulledInMidWrite,
}

impl Fate {
    fn spec(self, number: u32) -> BoardSpec {
        let spec = BoardSpec::esp32(number);
        match self {
            Fate::Good | Fate::PulledInMidWrite => spec,
            Fate::Retried => spec.fault(Fault::ResetAfter {
                bytes: 90_000,
                times: 1,
            }),
            Fate::Bad => spec.fault(Fault::WriteProtected),
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Fate::Good | Fate::Retried => Outcome::Pass,
            Fate::Bad | Fate::PulledInMidWrite => Outcome::Fail,
        }
    }
}

fn plug(line: &Line, slot: &str, number: u32, fate: Fate) -> BoardHandle {
    let board = line.plug(slot, fate.spec(number));
    if fate == Fate::PulledInMidWrite {
        board.pull_when(|board| board.bytes_written > 0x4000);
    }
    board
}

/// A board ends as it should, and is taken out.
async fn taken_out(line: &mut Line, slot: &str, board: &BoardHandle, fate: Fate) {
    let is_done = |snapshot: &Snapshot, present: bool| match state(snapshot, slot) {
        SlotState::Done(result) => {
            result.unit.as_ref() == Some(&board.mac().into()) && result.present == present
        }
        _ => false,
    };
    if fate != Fate::PulledInMidWrite {
        line.wait(|snapshot| is_done(snapshot, true)).await;
        board.pull();
    }
    let snapshot = line.wait(|snapshot| is_done(snapshot, false)).await;
    match state(&snapshot, slot) {
        SlotState::Done(result) => {
            assert_eq!(result.outcome, fate.outcome(), "{fate:?} {result:?}")
        }
        other => panic!("{other:?}"),
    }
}

/// Three boards at once, one on each slot.
async fn three(line: &mut Line, boards: [(u32, Fate); 3]) {
    let slots = ["1", "2", "3"];
    let handles = [0, 1, 2].map(|index| {
        let (number, fate) = boards[index];
        plug(line, slots[index], number, fate)
    });
    for index in [0, 1, 2] {
        taken_out(line, slots[index], &handles[index], boards[index].1).await;
    }
}

/// What `flashline` prints.
fn told(arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("flashline").unwrap();
    let output = command.args(arguments).assert().success();
    String::from_utf8(output.get_output().stdout.clone()).unwrap()
}

/// The lot by a query of one's own, by the rules that docs/database.md tells: target, units, first-pass units, good
/// units, units still open.
fn by_hand(database: &Path) -> [u64; 5] {
    let database = rusqlite::Connection::open(database).unwrap();
    let row = database.query_row(
        "WITH counted AS (
             SELECT number, mac, outcome, attempts FROM job
             WHERE lot = 'L-2031' AND golden IS NULL AND mac IS NOT NULL
                 AND (outcome IN ('PASS', 'WRITTEN', 'FAIL') OR outcome = 'ABORTED' AND flash_touched)
         ), unit AS (
             SELECT mac, min(number) AS first, max(number) AS last FROM counted GROUP BY mac
         )
         SELECT (SELECT target FROM lot WHERE lot = 'L-2031'), count(*),
             sum(f.outcome = 'PASS' AND f.attempts <= 1), sum(l.outcome = 'PASS'),
             (SELECT count(*) FROM open_unit JOIN job ON job.number = open_unit.job
              WHERE job.lot = 'L-2031')
         FROM unit JOIN counted f ON f.number = unit.first JOIN counted l ON l.number = unit.last",
        [],
        |row| {
            let figures = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            Ok(figures.map(|figure: i64| u64::try_from(figure).unwrap()))
        },
    );
    row.unwrap()
}

fn in_snapshot(lot: &LotStanding) -> [u64; 5] {
    let figures = &lot.figures;
    [
        lot.target,
        figures.units,
        figures.first_pass,
        figures.passed,
        lot.open_units,
    ]
}

fn in_report(database: &Path) -> [u64; 5] {
    let database = database.to_str().unwrap();
    let told = told(&[
        "report", "--db", database, "--lot", "L-2031", "--format", "json",
    ]);
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(report["lot"]["done"], report["final_units"]);
    let count = |figure: &Value| figure.as_u64().unwrap();
    [
        count(&report["lot"]["target"]),
        count(&report["units"]),
        count(&report["first_pass_units"]),
        count(&report["final_units"]),
        report["open_units"].as_array().unwrap().len() as u64,
    ]
}

#[track_caller]
fn all_tell(snapshot: &Snapshot, database: &Path, expected: [u64; 5]) {
    assert_eq!(in_snapshot(lot(snapshot)), expected);
    assert_eq!(by_hand(database), expected);
    assert_eq!(in_report(database), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_runs_to_its_target_and_everyone_tells_the_same_of_it() {
    use Fate::{Bad, Good, PulledInMidWrite, Retried};
    let mut line = Line::new(3).await;
    let database = line.folder.path().join("line.db");
    // of no lot
    let before = plug(&line, "1", 90, Good);
    taken_out(&mut line, "1", &before, Good).await;
    let new = NewLot {
        lot: name(),
        target: 8,
        order: Some("PO-88231".to_owned()),
        bundle: None,
        hold_first_article: false,
    };
    assert_eq!(
        ask(&line, Role::Supervisor, Ask::ApproveLot(new)).await,
        Ok(())
    );
    let start = || Ask::StartLot { lot: name() };
    assert_eq!(ask(&line, Role::Operator, start()).await, Ok(()));

    three(&mut line, [(1, Good), (2, Bad), (3, Retried)]).await;
    three(&mut line, [(2, Good), (4, PulledInMidWrite), (5, Good)]).await;
    three(&mut line, [(4, Good), (6, PulledInMidWrite), (7, Good)]).await;
    let snapshot = line.wait(|snapshot| lot(snapshot).open_units == 1).await;
    all_tell(&snapshot, &database, [8, 7, 3, 6, 1]);

    // over a restart it goes on by itself
    let folder = line.leave().await;
    let mut line = Line::at(folder, 3, "").await;
    all_tell(
        &line.station.snapshots.borrow().clone(),
        &database,
        [8, 7, 3, 6, 1],
    );
    // a good one fails its retest
    three(&mut line, [(1, Bad), (8, Good), (9, Good)]).await;
    let snapshot = line.wait(|snapshot| lot(snapshot).figures.units == 9).await;
    all_tell(&snapshot, &database, [8, 9, 5, 7, 1]);

    // room for one: the one that fails makes room for the next
    let bad = plug(&line, "1", 10, Bad);
    line.wait(|snapshot| !matches!(state(snapshot, "1"), SlotState::Done(it) if it.unit != Some(bad.mac().into())))
        .await;
    let good = plug(&line, "2", 11, Good);
    taken_out(&mut line, "1", &bad, Bad).await;
    taken_out(&mut line, "2", &good, Good).await;
    let too_many = plug(&line, "3", 12, Good);
    let full = SlotState::Waiting(Waiting::LotFull);
    let snapshot = line.wait(|snapshot| *state(snapshot, "3") == full).await;
    assert!(!too_many.state().open);
    all_tell(&snapshot, &database, [8, 11, 6, 8, 1]);
    let is_done = |what: &Happening| matches!(what, Happening::LotDone { passed: 8, .. });
    let done = snapshot.notices.iter().filter(|it| is_done(&it.what));
    assert_eq!(done.count(), 1);

    // what is listed of a database is what the snapshot has
    let db = database.to_str().unwrap();
    let listed: Value =
        serde_json::from_str(&told(&["lot", "list", "--db", db, "--json"])).unwrap();
    assert_eq!(
        listed["lots"],
        serde_json::to_value(&snapshot.standing.lots).unwrap()
    );

    let end = || Ask::EndLot { lot: name() };
    let open = RequestRefused::LotUnitsOpen {
        lot: name(),
        units: 1,
    };
    assert_eq!(ask(&line, Role::Supervisor, end()).await, Err(open));
    let left = snapshot.standing.open_units[0].clone();
    assert_eq!(left.code, Code::Unplugged);
    let unit = left.unit;
    assert_eq!(
        ask(&line, Role::Supervisor, Ask::WriteOff { unit }).await,
        Ok(())
    );
    assert_eq!(ask(&line, Role::Supervisor, end()).await, Ok(()));
    // the one too many is not begun without a lot
    let waits = SlotState::Waiting(Waiting::Lot);
    let snapshot = line.wait(|snapshot| *state(snapshot, "3") == waits).await;
    assert!(said(&snapshot, |it| matches!(
        it.what,
        Happening::LotEnded { .. }
    )));
    assert_eq!(snapshot.standing.lots, []);
    let (_, rows) = line.end().await;
    let of_it = rows.iter().filter(|row| row.lot == Some(name()));
    assert_eq!((rows.len(), of_it.count()), (15, 14));
}
