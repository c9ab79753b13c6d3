//! Boards that come to the line a second time, as often as they may, and golden ones.

use std::path::Path;

use flashline::event::{Again, Golden, JobId};
use flashline::record::{JobRow, Jobs};
use flashline::settings::{GoldenBoard, GoldenBoards};
use flashline::station::{Halt, Question, RequestRefused, ResultView, Warrant};

use flashline::sim::Contents;

use super::*;

/// A line whose manifest and settings say more; its database may be there already.
async fn line(folder: tempfile::TempDir, manifest: &str, more: impl FnOnce(&mut Settings)) -> Line {
    product::write_with(folder.path(), manifest);
    let mut settings = settings(folder.path(), 2);
    more(&mut settings);
    let ports = SimPorts::new();
    let by = Who::new("mei", Role::Supervisor);
    Line::start(folder, settings, by, ports.clone(), Arc::new(ports)).await
}

async fn ask(line: &Line, ask: Ask) -> Result<(), RequestRefused> {
    let asker = line.station.asker(Who::new("li", Role::Supervisor));
    let why = "tried by hand".into();
    let warrant = Some(Warrant { why, pin: None });
    let answer = asker.ask_with(ask, warrant).await.unwrap();
    answer.await.unwrap()
}

/// The result of another job than `before`, its board still in slot 1.
async fn next(line: &mut Line, before: Option<JobId>) -> ResultView {
    let is_it = |result: &ResultView| result.present && Some(result.job) != before;
    let snapshot = line
        .wait(|snapshot| matches!(state(snapshot, "1"), SlotState::Done(result) if is_it(result)))
        .await;
    match state(&snapshot, "1") {
        SlotState::Done(result) => result.clone(),
        other => panic!("{other:?}"),
    }
}

async fn pull(line: &mut Line, board: &BoardHandle) {
    board.pull();
    line.wait(
        |snapshot| matches!(state(snapshot, "1"), SlotState::Done(result) if !result.present),
    )
    .await;
}

/// A board comes to slot 1 and is pulled when its job has ended.
async fn comes(line: &mut Line, spec: BoardSpec) -> (ResultView, BoardHandle) {
    let before = done(line);
    let board = line.plug("1", spec);
    let result = next(line, before).await;
    pull(line, &board).await;
    (result, board)
}

/// The same board comes again.
async fn comes_again(line: &mut Line, board: &BoardHandle) -> (ResultView, BoardHandle) {
    let before = done(line);
    let board = line.ports.replug("1", board);
    let result = next(line, before).await;
    pull(line, &board).await;
    (result, board)
}

fn done(line: &Line) -> Option<JobId> {
    match state(&line.station.snapshots.borrow(), "1") {
        SlotState::Done(result) => Some(result.job),
        _ => None,
    }
}

fn jobs(last: &Snapshot) -> (u64, u64, Jobs) {
    let today = &last.standing.today;
    (today.units, today.passed, today.jobs)
}

fn ended(rows: &[JobRow]) -> Vec<(Outcome, Option<Code>)> {
    let ends = rows.iter().map(|row| (row.outcome.unwrap(), row.code));
    ends.collect()
}

const PASS: (Outcome, Option<Code>) = (Outcome::Pass, None);
const SKIPPED: (Outcome, Option<Code>) = (Outcome::Skipped, Some(Code::AlreadyDone));

#[tokio::test(flavor = "multi_thread")]
async fn a_good_board_that_comes_again_is_skipped_and_not_counted() {
    let mut line = line(tempfile::tempdir().unwrap(), "again = \"skip\"", |_| ()).await;
    let (_, board) = comes(&mut line, BoardSpec::esp32(1)).await;
    let flash = board.flash();
    let (result, board) = comes_again(&mut line, &board).await;
    assert_eq!((result.outcome, result.code), SKIPPED);
    assert!(board.flash() == flash, "nothing was written");
    // over a restart too, and on another slot
    let folder = line.leave().await;
    let mut line = self::line(folder, "again = \"skip\"", |_| ()).await;
    line.ports.replug("2", &board);
    assert_eq!(line.result("2").await, SKIPPED);
    let (last, rows) = line.end().await;
    assert_eq!(ended(&rows), [PASS, SKIPPED, SKIPPED]);
    assert!(
        rows.iter()
            .skip(1)
            .all(|row| !row.flash_touched && row.bytes_written == 0)
    );
    let (units, passed, jobs) = jobs(&last);
    assert_eq!((units, passed, jobs.passed, jobs.skipped), (1, 1, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_whose_flash_was_changed_is_flashed_again() {
    let mut line = line(tempfile::tempdir().unwrap(), "again = \"skip\"", |_| ()).await;
    let (_, board) = comes(&mut line, BoardSpec::esp32(1)).await;
    let mut flash = board.flash();
    flash[0x1_2345] ^= 1;
    let changed = BoardSpec {
        contents: Contents::Holds(flash.into()),
        ..BoardSpec::esp32(1)
    };
    let (result, board) = comes(&mut line, changed).await;
    assert_eq!((result.outcome, result.code), PASS);
    let (offset, bytes) = product::flash_image().pop().unwrap();
    assert!(board.flash()[offset as usize..][..bytes.len()] == bytes[..]);
    // a good flash on a board that the record does not know
    let copied = BoardSpec {
        contents: Contents::Holds(board.flash().into()),
        ..BoardSpec::esp32(2)
    };
    let (result, _) = comes(&mut line, copied).await;
    assert_eq!((result.outcome, result.code), PASS);
    line.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_word_in_the_manifest_a_good_board_is_worked_on() {
    let mut line = line(tempfile::tempdir().unwrap(), "", |_| ()).await;
    let (_, board) = comes(&mut line, BoardSpec::esp32(1)).await;
    comes_again(&mut line, &board).await;
    let (last, rows) = line.end().await;
    assert_eq!(ended(&rows), [PASS, PASS]);
    assert_eq!(jobs(&last).0, 1);
}

/// Waits until slot 1 asks.
async fn asked(line: &mut Line) -> Question {
    let snapshot = line
        .wait(|snapshot| matches!(state(snapshot, "1"), SlotState::Working(board) if board.asks.is_some()))
        .await;
    assert!(said(&snapshot, |notice| notice.what == Happening::AskedAgain));
    match state(&snapshot, "1") {
        SlotState::Working(board) => board.asks.clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn decide(again: Again) -> Ask {
    let slot = SlotId::new("1");
    Ask::Decide { slot, again }
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_at_the_bench_says_what_becomes_of_a_good_board() {
    let manifest = "again = \"ask\"\nwrite = \"all\"";
    let mut line = line(tempfile::tempdir().unwrap(), manifest, |_| ()).await;
    let (passed, mut board) = comes(&mut line, BoardSpec::esp32(1)).await;
    let mut before = passed.job;
    for (again, expected) in [(Again::Skip, SKIPPED), (Again::Flash, PASS)] {
        board = line.ports.replug("1", &board);
        let Question::Again { lot, .. } = asked(&mut line).await;
        assert_eq!(lot, None);
        assert_eq!(ask(&line, decide(again)).await, Ok(()));
        let result = next(&mut line, Some(before)).await;
        assert_eq!((result.outcome, result.code), expected);
        before = result.job;
        pull(&mut line, &board).await;
    }
    // taken out, stopped, or left when the program ends: nothing was begun with
    board = line.ports.replug("1", &board);
    asked(&mut line).await;
    board.pull();
    line.wait(|snapshot| matches!(state(snapshot, "1"), SlotState::Done(result) if result.job != before && !result.present))
        .await;
    let slot = SlotId::new("1");
    let before = done(&line);
    board = line.ports.replug("1", &board);
    asked(&mut line).await;
    assert_eq!(ask(&line, Ask::StopJob { slot }).await, Ok(()));
    let result = next(&mut line, before).await;
    assert_eq!(result.code, Some(Code::Stopped));
    pull(&mut line, &board).await;
    line.ports.replug("1", &board);
    asked(&mut line).await;
    let (last, rows) = line.end().await;
    let stopped = (Outcome::Aborted, Some(Code::Stopped));
    assert_eq!(
        ended(&rows),
        [PASS, SKIPPED, PASS, stopped, stopped, stopped]
    );
    assert!(rows.iter().skip(3).all(|row| !row.flash_touched));
    let (units, passed, jobs) = jobs(&last);
    assert_eq!((units, passed, jobs.skipped, jobs.aborted), (1, 1, 1, 3));
    assert_eq!(last.standing.open_units, []);
}

/// A board whose flash takes nothing.
fn bad(number: u32) -> BoardSpec {
    BoardSpec::esp32(number).fault(Fault::WritesIgnored)
}

const BAD: (Outcome, Option<Code>) = (Outcome::Fail, Some(Code::VerifyMismatch));

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_failed_as_often_as_it_may_is_refused_until_leave_is_given_for_one_try() {
    let limit = |settings: &mut Settings| {
        settings.line.retest_limit = Some(2);
        settings.line.quarantine_after = None;
        settings.attempts = 1;
    };
    let mut line = line(tempfile::tempdir().unwrap(), "", limit).await;
    let (first, board) = comes(&mut line, bad(1)).await;
    assert_eq!(first.outcome, Outcome::Fail);
    let allow = Ask::AllowRetest {
        unit: board.mac().into(),
    };
    let free = RequestRefused::RetestFree(board.mac().into());
    assert_eq!(ask(&line, allow.clone()).await, Err(free));
    comes(&mut line, bad(1)).await;
    let (refused, third) = comes(&mut line, bad(1)).await;
    assert_eq!(refused.code, Some(Code::RetestLimit), "{}", refused.detail);
    assert_eq!(third.state().bytes_written, 0);
    assert_eq!(ask(&line, allow.clone()).await, Ok(()));
    let snapshot = line.station.snapshots.borrow().clone();
    assert!(said(&snapshot, |notice| {
        matches!(notice.what, Happening::RetestAllowed { .. })
    }));
    // over a restart; it is mended by now
    let folder = line.leave().await;
    let mut line = self::line(folder, "", limit).await;
    let (tried, _) = comes(&mut line, bad(1)).await;
    assert_eq!(tried.code, first.code, "used up");
    let (refused, _) = comes(&mut line, BoardSpec::esp32(1)).await;
    assert_eq!(refused.code, Some(Code::RetestLimit));
    assert_eq!(ask(&line, allow).await, Ok(()));
    let (mended, board) = comes(&mut line, BoardSpec::esp32(1)).await;
    assert_eq!((mended.outcome, mended.code), PASS);
    comes_again(&mut line, &board).await;
    let (last, rows) = line.end().await;
    assert_eq!(rows.len(), 7);
    let (units, passed, jobs) = jobs(&last);
    assert_eq!((units, passed, jobs.failed, jobs.passed), (1, 1, 5, 2));
}

fn golden(number: u32, expect: Golden) -> GoldenBoard {
    GoldenBoard {
        mac: BoardSpec::esp32(number).mac,
        expect,
        name: Some(format!("golden {number}")),
    }
}

fn with_golden(settings: &mut Settings) {
    let boards = vec![golden(1, Golden::Good), golden(2, Golden::Bad)];
    settings.golden = GoldenBoards::new(boards);
    settings.line.retest_limit = Some(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn golden_boards_are_worked_on_each_time_and_never_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut line = line(folder, "again = \"skip\"", with_golden).await;
    let (_, good) = comes(&mut line, BoardSpec::esp32(1)).await;
    comes_again(&mut line, &good).await;
    for _ in 0..3 {
        let (result, _) = comes(&mut line, bad(2)).await;
        assert_eq!((result.outcome, result.code), BAD);
    }
    // a good one that is pulled is nobody's open unit
    let pulled = line.plug("1", BoardSpec::esp32(1));
    pulled.pull_when(|board| board.bytes_written > 0x4000);
    let unplugged = |result: &ResultView| result.code == Some(Code::Unplugged);
    line.wait(
        |snapshot| matches!(state(snapshot, "1"), SlotState::Done(result) if unplugged(result)),
    )
    .await;
    let (last, rows) = line.end().await;
    let marks: Vec<Option<Golden>> = rows.iter().map(|row| row.golden).collect();
    let (good, bad) = (Some(Golden::Good), Some(Golden::Bad));
    assert_eq!(marks, [good, good, bad, bad, bad, good]);
    assert_eq!(ended(&rows)[..2], [PASS, PASS]);
    let (units, _, jobs) = jobs(&last);
    assert_eq!((units, jobs.golden, jobs.total()), (0, 6, 6));
    assert_eq!(last.standing.today.failures, []);
    assert_eq!(last.standing.open_units, []);
    assert!(last.slots.iter().all(|slot| slot.out.is_none()));
}

fn escaped() -> LineState {
    LineState::Halted(Halt::Failures {
        slots: 1,
        code: Code::GoldenEscaped,
    })
}

fn out_of_service(folder: &Path, sql: &str) -> usize {
    let database = rusqlite::Connection::open(folder.join("line.db")).unwrap();
    database.execute(sql, []).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_golden_board_that_passes_halts_the_line_over_a_restart_until_a_supervisor_frees_it()
{
    let mut line = line(tempfile::tempdir().unwrap(), "", with_golden).await;
    let (result, _) = comes(&mut line, BoardSpec::esp32(2)).await;
    assert_eq!(
        (result.outcome, result.code),
        (Outcome::Error, Some(Code::GoldenEscaped))
    );
    assert!(result.detail.starts_with("golden 2 ("), "{}", result.detail);
    line.wait(|snapshot| snapshot.line == escaped()).await;
    // once as it was written down, and once where there was no time for that
    let folder = line.leave().await;
    let line = self::line(folder, "", with_golden).await;
    assert_eq!(line.station.snapshots.borrow().line, escaped());
    let folder = line.leave().await;
    let forgotten = out_of_service(folder.path(), "DELETE FROM out_of_service");
    assert_eq!(forgotten, 1);
    let mut line = self::line(folder, "", with_golden).await;
    let board = line.plug("1", BoardSpec::esp32(3));
    let blocked = SlotState::Blocked {
        code: Code::GoldenEscaped,
    };
    line.wait(|snapshot| *state(snapshot, "1") == blocked).await;
    assert!(!board.state().open);
    assert_eq!(ask(&line, Ask::FreeLine).await, Ok(()));
    assert_eq!(line.result("1").await, PASS);
    let folder = line.leave().await;
    let line = self::line(folder, "", with_golden).await;
    assert_eq!(line.station.snapshots.borrow().line, LineState::Running);
    let (_, rows) = line.end().await;
    assert_eq!(rows[0].golden, Some(Golden::Bad));
}
