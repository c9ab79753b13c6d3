//! Boards that passed before: left as they are where the chip's digests say that they hold everything, worked on
//! where one differs or the chip cannot tell; and what ends the wait for someone's word.

use std::sync::Arc;
use std::time::Duration;

use flashline::chip::Chip;
use flashline::event::{Again, Code, LotName, Passed, Step, StopReason};
use flashline::job::StubUse::{self, RomDeflate, Stub};
use flashline::plan::Planner;
use flashline::sim::{BoardSpec, Contents, Wiring};
use tokio::time::sleep;

use super::policies::{Before, contents, rig, with};
use super::unverified::PLANNER_8266;
use super::{Ended, Keeper, Rig};

fn passed() -> Passed {
    Passed {
        at: "2026-11-20T08:00:00Z".parse().unwrap(),
        lot: LotName::parse("L-17"),
    }
}

/// A job on a board that passed before, and of which this is said where it holds everything still.
fn second(planner: &'static Planner, spec: BoardSpec, stub: StubUse, again: Option<Again>) -> Rig {
    let mut rig = rig(planner, spec, stub);
    rig.keeper = Arc::new(Keeper {
        passed: Some(passed()),
        again,
        ..Keeper::new(planner)
    });
    rig
}

fn holding(before: Before, planner: &'static Planner) -> BoardSpec {
    let mut spec = BoardSpec::esp32(1).wiring(Wiring::Lines);
    spec.contents = contents(before, planner);
    spec
}

fn steps(ended: &Ended) -> Vec<Step> {
    ended.verdict.steps.iter().map(|step| step.step).collect()
}

fn logs(ended: &Ended, words: &str) -> bool {
    ended.verdict.log.contains(words)
}

/// Left as it is: nothing erased, nothing written, its app started, and all of it counted as held.
async fn assert_left(ended: &Ended, label: &str) {
    let verdict = &ended.verdict;
    assert_eq!(verdict.code, Some(Code::AlreadyDone), "{label}");
    assert_eq!(
        verdict.detail,
        "passed on 2026-11-20 08:00:00 UTC in lot L-17, and the flash holds all of it still"
    );
    assert_eq!(ended.flash(), "untouched", "{label}");
    // its app runs
    let runs = ended.board.wait_until(|board| board.app_starts > 0);
    let state = tokio::time::timeout(Duration::from_secs(30), runs).await;
    let state = state.unwrap_or_else(|_| panic!("{label}: {:?}", ended.board.state()));
    assert_eq!((state.bytes_written, state.bytes_erased), (0, 0), "{label}");
    assert_eq!(verdict.bytes_written, 0);
    let regions = super::plan(&ended.keeper).regions;
    let bytes: u64 = regions.iter().map(|region| region.bytes.len() as u64).sum();
    assert_eq!(verdict.bytes_skipped, bytes, "{label}");
    let found = verdict.regions.iter().zip(&regions);
    assert!(
        found
            .into_iter()
            .all(|(found, region)| found.found_md5 == Some(region.md5))
    );
    assert!(!steps(ended).contains(&Step::Erase) && !steps(ended).contains(&Step::Write));
}

#[tokio::test(start_paused = true)]
async fn a_board_that_holds_everything_is_left_as_it_is_under_every_policy() {
    let boot = "boot = { expect = ['never said'] }";
    for lines in [
        "",
        "write = \"all\"",
        "erase = \"all\"",
        "erase = \"regions\"",
        "verify = \"readback\"",
        // it was booted and measured when it passed
        boot,
    ] {
        for stub in [Stub, RomDeflate] {
            let planner = with(lines);
            let spec = holding(Before::Right, planner);
            let ended = second(planner, spec, stub, Some(Again::Skip)).run().await;
            assert_left(&ended, &format!("{lines:?} {stub:?}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_differs_is_worked_on_and_nobody_is_asked() {
    for lines in ["", "write = \"all\"", "erase = \"all\""] {
        for before in [Before::Blank, Before::Used, Before::Partly, Before::Half] {
            let planner = with(lines);
            let spec = holding(before, planner);
            // who asks waits for ever
            let ended = second(planner, spec, Stub, None).run().await;
            assert_eq!(ended.verdict.code, None, "{lines:?} {before:?}");
            assert_eq!(ended.flash(), "right", "{lines:?} {before:?}");
            assert!(logs(&ended, "differs"), "{}", ended.verdict.log);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_is_to_be_flashed_again_is() {
    let planner = with("write = \"all\"");
    let spec = holding(Before::Right, planner);
    let ended = second(planner, spec, Stub, Some(Again::Flash)).run().await;
    assert_eq!(ended.verdict.code, None);
    assert!(ended.verdict.bytes_written > 0 && ended.verdict.bytes_skipped == 0);
    let planner = with("");
    let spec = holding(Before::Right, planner);
    let ended = second(planner, spec, Stub, Some(Again::Flash)).run().await;
    assert_eq!(ended.verdict.code, None);
    // and what its digests told is not asked for once more
    let asked = steps(&ended)
        .into_iter()
        .filter(|step| *step == Step::Verify);
    assert_eq!((asked.count(), ended.verdict.bytes_written), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_loader_without_digests_cannot_tell_and_works_on_it() {
    let planner = &*PLANNER_8266;
    let mut spec = BoardSpec::esp32(1).chip(Chip::Esp8266);
    let mut flash = vec![0xFF; 4 << 20];
    for region in super::plan(&Keeper::new(planner)).regions {
        let range = region.range();
        flash[range.start as usize..range.end as usize].copy_from_slice(&region.bytes);
    }
    spec.contents = Contents::Holds(flash.into());
    let mut rig = second(planner, spec, Stub, Some(Again::Skip));
    rig.assignment.likely = Chip::Esp8266;
    let ended = rig.run().await;
    assert_eq!(ended.verdict.code, Some(Code::NotVerified));
    assert!(ended.verdict.bytes_written > 0);
    assert!(logs(&ended, "computes no digests"), "{}", ended.verdict.log);
}

/// Runs a job that waits to be told, and lets `then` happen while it waits.
async fn waiting(then: impl FnOnce(&Rig) -> Box<dyn FnOnce()>) -> Ended {
    let planner = with("");
    let spec = holding(Before::Right, planner);
    let rig = second(planner, spec, Stub, None);
    let then = then(&rig);
    let script = async {
        // longer than a job: only the question is left
        sleep(Duration::from_secs(600)).await;
        then();
    };
    let (ended, ()) = tokio::join!(rig.run(), script);
    ended
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait() {
    for reason in [StopReason::Operator, StopReason::Shutdown] {
        let ended = waiting(|rig| {
            let stop = rig.stop_handle.clone();
            Box::new(move || stop.ask(reason))
        })
        .await;
        assert_eq!(
            ended.summary(),
            "ABORTED STOPPED, attempt 1, retried 0+0+0, 0 baud, flash untouched"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_is_pulled_while_it_is_asked_about_did_not_fail() {
    let ended = waiting(|rig| {
        let (board, presence) = (rig.board.clone(), rig.presence.clone());
        Box::new(move || {
            board.pull();
            presence.send_replace(None);
        })
    })
    .await;
    assert_eq!(
        ended.summary(),
        "ABORTED STOPPED, attempt 1, retried 0+0+0, 0 baud, flash untouched"
    );
    assert!(ended.verdict.detail.contains("taken out before"));
}
