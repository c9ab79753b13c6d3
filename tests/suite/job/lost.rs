//! Ports that go in mid-job: for good, for a moment, and with another board at their return.

use std::time::Duration;

use flashline::event::Code;
use flashline::sim::{BoardHandle, BoardSpec, SimPorts};
use tokio::time::sleep;

use super::{Ended, Rig, info};

const BYTES: u64 = 120_000;

/// Pulls the board once so much is written, and lets `then` happen.
async fn pulled(rig: Rig, then: impl AsyncFnOnce(&SimPorts, &BoardHandle)) -> Ended {
    let (ports, board) = (rig.ports.clone(), rig.board.clone());
    board.pull_when(|state| state.bytes_written >= BYTES);
    let script = async {
        board.wait_until(|state| state.pulled).await;
        then(&ports, &board).await;
    };
    let (ended, ()) = tokio::join!(rig.run(), script);
    ended
}

#[tokio::test(start_paused = true)]
async fn a_board_that_is_pulled_has_failed() {
    let ended = pulled(Rig::new(BoardSpec::esp32(1)), async |_, _| {}).await;
    assert_eq!(
        ended.summary(),
        "FAIL UNPLUGGED, attempt 1, retried 0+0+0, 921600 baud, flash wrong"
    );
    assert!(ended.verdict.identity.is_some());
    assert!(ended.verdict.bytes_written > 0);
    assert_eq!(*ended.ear.lost.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_board_that_comes_back_goes_on() {
    let ended = pulled(Rig::new(BoardSpec::esp32(1)), async |ports, board| {
        sleep(Duration::from_millis(700)).await;
        ports.replug("a", board);
    })
    .await;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 2, retried 0+0+1, 921600 baud, flash right"
    );
    assert_eq!(
        *ended.keeper.asked.lock().unwrap(),
        1,
        "the Gate was asked once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_board_that_comes_back_too_late_has_failed() {
    let ended = pulled(Rig::new(BoardSpec::esp32(1)), async |ports, board| {
        sleep(Duration::from_secs(2)).await;
        ports.replug("a", board);
    })
    .await;
    assert_eq!(ended.verdict.code, Some(Code::Unplugged));
}

#[tokio::test(start_paused = true)]
async fn another_board_in_its_place_is_not_written() {
    let other = SimPorts::new().plug("x", BoardSpec::esp32(2));
    let rig = Rig::new(BoardSpec::esp32(1));
    let mut swapped = None;
    let ended = pulled(rig, async |ports, _| {
        sleep(Duration::from_millis(300)).await;
        swapped = Some(ports.plug("a", BoardSpec::esp32(2)));
    })
    .await;
    assert_eq!(ended.verdict.code, Some(Code::BoardSwapped));
    assert_eq!(swapped.unwrap().flash(), other.flash(), "it is as it was");
    let identity = ended.verdict.identity.unwrap();
    assert_eq!(
        identity.mac,
        Some(ended.board.mac()),
        "the row stays that of the first"
    );
}

#[tokio::test(start_paused = true)]
async fn a_port_that_comes_back_under_another_name_is_followed() {
    let rig = Rig::new(BoardSpec::esp32(1));
    let presence = rig.presence.clone();
    let ended = pulled(rig, async |ports, board| {
        presence.send_replace(None);
        sleep(Duration::from_millis(500)).await;
        let back = ports.replug("b", board);
        presence.send_replace(Some(info(&back.path())));
    })
    .await;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 2, retried 0+0+1, 921600 baud, flash right"
    );
}

#[tokio::test(start_paused = true)]
async fn a_port_can_go_at_every_step() {
    for step in &super::STEPS {
        let mut rig = Rig::new(BoardSpec::esp32(1));
        let (board, at) = (rig.board.clone(), *step);
        rig.ear.on_progress = Some(Box::new(move |progress| {
            if progress.step == at {
                board.pull();
            }
        }));
        let ended = rig.run().await;
        assert_eq!(ended.verdict.code, Some(Code::Unplugged), "{step}");
        let last = ended.verdict.steps.last().unwrap();
        assert!(last.step >= *step, "{step}: {last:?}");
    }
}
