//! Slots and lines that are stopped, by failures and by people, over ends, restarts and `kill -9`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flashline::chip::Chip;
use flashline::event::{Code, Happening, Outcome, Role, SlotId, Who};
use flashline::sim::{BoardHandle, BoardSpec};
use flashline::station::{Ask, Halt, LineState, RequestRefused, SlotOut, SlotState, Snapshot};

use crate::line::{Line, said, state};

/// Names the folder to the child.
const FOLDER: &str = "FLASHLINE_SERVICE_FOLDER";

/// A board that this product cannot be: it fails at once, untouched.
fn wrong_chip(number: u32) -> BoardSpec {
    BoardSpec::esp32(number).chip(Chip::Esp32C3)
}

fn out(snapshot: &Snapshot, slot: &str) -> Option<SlotOut> {
    let mut slots = snapshot.slots.iter();
    let view = slots.find(|view| view.slot.as_str() == slot);
    view.unwrap().out.clone()
}

fn quarantined() -> Option<SlotOut> {
    Some(SlotOut::Quarantined {
        boards: 3,
        code: Code::WrongChip,
    })
}

fn halted() -> LineState {
    LineState::Halted(Halt::Failures {
        slots: 3,
        code: Code::WrongChip,
    })
}

/// A board comes, fails and is pulled.
async fn fail(line: &mut Line, slot: &str, number: u32) {
    let board = line.plug(slot, wrong_chip(number));
    line.wait(
        |snapshot| matches!(state(snapshot, slot), SlotState::Done(result) if result.present),
    )
    .await;
    pull(line, slot, &board).await;
}

async fn pull(line: &mut Line, slot: &str, board: &BoardHandle) {
    board.pull();
    line.wait(
        |snapshot| matches!(state(snapshot, slot), SlotState::Done(result) if !result.present),
    )
    .await;
}

async fn ask(line: &Line, role: Role, ask: Ask) -> Result<(), RequestRefused> {
    let asker = line.station.asker(Who::new("li", role));
    let why = Some(super::warrants::by_login("mended"));
    asker.ask_with(ask, why).await.unwrap().await.unwrap()
}

fn free(slot: &str) -> Ask {
    Ask::FreeSlot {
        slot: SlotId::new(slot),
    }
}

/// The column of every row of what was out of service, in order.
fn rows(folder: &Path, column: &str) -> Vec<Option<String>> {
    let database = rusqlite::Connection::open(folder.join("line.db")).unwrap();
    let sql = format!("SELECT CAST({column} AS TEXT) FROM out_of_service ORDER BY number");
    let mut select = database.prepare(&sql).unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_fails_three_boards_waits_for_a_supervisor_over_a_restart() {
    let mut line = Line::new(2).await;
    for number in 1..=3 {
        fail(&mut line, "1", number).await;
    }
    let snapshot = line
        .wait(|snapshot| out(snapshot, "1") == quarantined())
        .await;
    assert!(said(&snapshot, |notice| {
        matches!(notice.what, Happening::SlotQuarantined { boards: 3, .. })
    }));
    let blocked = SlotState::Blocked {
        code: Code::SlotQuarantined,
    };
    let fourth = line.plug("1", BoardSpec::esp32(4));
    line.wait(|snapshot| *state(snapshot, "1") == blocked).await;
    assert!(!fourth.state().open);
    let refused = ask(&line, Role::Operator, free("1")).await;
    assert!(matches!(
        refused,
        Err(RequestRefused::SupervisorOnly { .. })
    ));

    let folder = line.leave().await;
    let mut line = Line::at(folder, 2, "").await;
    assert_eq!(out(&line.station.snapshots.borrow(), "1"), quarantined());
    let fourth = line.plug("1", BoardSpec::esp32(4));
    line.wait(|snapshot| *state(snapshot, "1") == blocked).await;
    assert!(!fourth.state().open);
    // the other slot works
    line.plug("2", BoardSpec::esp32(5));
    assert_eq!(line.result("2").await, (Outcome::Pass, None));

    assert_eq!(ask(&line, Role::Supervisor, free("1")).await, Ok(()));
    assert_eq!(line.result("1").await, (Outcome::Pass, None));
    let folder = line.leave().await;
    let line = Line::at(folder, 2, "").await;
    assert_eq!(out(&line.station.snapshots.borrow(), "1"), None);
    let folder = line.leave().await;
    let (slots, who) = (rows(folder.path(), "slot"), rows(folder.path(), "freed_by"));
    assert_eq!(slots, [Some("1".to_owned())]);
    assert_eq!(who, [Some("li".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_whose_slots_fail_alike_waits_for_a_supervisor_over_a_restart() {
    let mut line = Line::new(4).await;
    for (slot, number) in [("1", 1), ("2", 2), ("3", 3)] {
        fail(&mut line, slot, number).await;
    }
    let snapshot = line.wait(|snapshot| snapshot.line == halted()).await;
    assert!(said(&snapshot, |notice| matches!(
        &notice.what,
        Happening::LineStopped { code: Code::LineHalted, detail }
            if detail == "3 slots in a row failed with WRONG_CHIP: 1, 2, 3"
    )));
    let folder = line.leave().await;
    let mut line = Line::at(folder, 4, "").await;
    assert_eq!(line.station.snapshots.borrow().line, halted());
    let board = line.plug("4", BoardSpec::esp32(4));
    let blocked = SlotState::Blocked {
        code: Code::LineHalted,
    };
    line.wait(|snapshot| *state(snapshot, "4") == blocked).await;
    assert!(!board.state().open);
    assert_eq!(ask(&line, Role::Supervisor, Ask::FreeLine).await, Ok(()));
    assert_eq!(line.result("4").await, (Outcome::Pass, None));
    line.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_stop_is_stopped_over_a_restart() {
    let line = Line::new(2).await;
    let slot = SlotId::new("1");
    let stop = Ask::StopSlot { slot };
    assert_eq!(ask(&line, Role::Operator, stop).await, Ok(()));
    assert_eq!(ask(&line, Role::Operator, Ask::StopLine).await, Ok(()));
    let folder = line.leave().await;
    let mut line = Line::at(folder, 2, "").await;
    let snapshot = line.station.snapshots.borrow().clone();
    let LineState::Halted(Halt::Asked { by }) = &snapshot.line else {
        panic!("{:?}", snapshot.line)
    };
    assert_eq!(&*by.name, "li");
    let Some(SlotOut::Stopped { by }) = out(&snapshot, "1") else {
        panic!("{:?}", snapshot.slots)
    };
    assert_eq!(&*by.name, "li");
    assert_eq!(ask(&line, Role::Supervisor, Ask::FreeLine).await, Ok(()));
    line.plug("2", BoardSpec::esp32(2));
    assert_eq!(line.result("2").await, (Outcome::Pass, None));
    line.end().await;
}

/// The row of the last failure is on the disk, and its process died before that of the quarantine.
#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_that_was_not_written_down_follows_from_the_jobs() {
    let mut line = Line::new(1).await;
    for number in 1..=3 {
        fail(&mut line, "1", number).await;
    }
    let folder = line.leave().await;
    let database = rusqlite::Connection::open(folder.path().join("line.db")).unwrap();
    let deleted = database.execute("DELETE FROM out_of_service", []).unwrap();
    assert_eq!(deleted, 1);
    drop(database);
    let line = Line::at(folder, 1, "").await;
    assert_eq!(out(&line.station.snapshots.borrow(), "1"), quarantined());
    let folder = line.leave().await;
    let codes = rows(folder.path(), "code");
    assert_eq!(codes, [Some("WRONG_CHIP".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_frees_neither_slot_nor_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["out_of_service::the_line_that_is_killed"])
        .args(["--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let left = told.find_map(|line| line.unwrap().strip_prefix("halted in ").map(PathBuf::from));
    let left = left.expect("it ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    for file in std::fs::read_dir(left).unwrap() {
        let file = file.unwrap();
        std::fs::rename(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let line = Line::at(folder, 3, "").await;
    let snapshot = line.station.snapshots.borrow().clone();
    assert_eq!(out(&snapshot, "1"), quarantined());
    assert_eq!(snapshot.line, halted());
    line.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of a_kill_frees_neither_slot_nor_line"]
async fn the_line_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = folder.path().to_owned();
    let mut line = Line::at(folder, 3, "").await;
    for (slot, number) in [("1", 1), ("1", 2), ("1", 3), ("2", 4), ("3", 5)] {
        fail(&mut line, slot, number).await;
    }
    line.wait(|snapshot| snapshot.line == halted()).await;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\nhalted in {}", path.display()).unwrap();
    stdout.flush().unwrap();
    drop(stdout);
    std::future::pending::<()>().await;
}
