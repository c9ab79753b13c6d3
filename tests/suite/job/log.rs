//! The log of a job: what it tells of boards that pass, stumble, go and are refused.

use std::time::Duration;

use flashline::chip::Chip;
use flashline::sim::{BoardSpec, Fault};

use super::{Ended, Rig};

/// The log without its times, which only ever go up.
fn lines(ended: &Ended) -> String {
    let mut last = 0.0;
    let mut text = String::new();
    for line in ended.verdict.log.lines() {
        let (seconds, what) = line.trim_start().split_once(' ').unwrap();
        let seconds: f64 = seconds.parse().unwrap();
        assert!(last <= seconds, "{line}");
        last = seconds;
        let what = match what.rsplit_once(" after ") {
            Some((what, took)) if took.ends_with(" s") => what,
            _ => what,
        };
        text += &format!("{what}\n");
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_board_that_passes() {
    let ended = Rig::new(BoardSpec::esp32(1)).run().await;
    insta::assert_snapshot!(lines(&ended));
    assert!(
        ended.verdict.log.len() < 2048,
        "{}",
        ended.verdict.log.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_board_on_a_bad_line_that_is_pulled_and_comes_back() {
    let damaged = Fault::DamagedBlocks {
        from_baud: 500_000,
        frames: 2,
    };
    let rig = Rig::new(BoardSpec::esp32(1).fault(damaged));
    let (ports, board) = (rig.ports.clone(), rig.board.clone());
    board.pull_when(|state| state.bytes_written >= 120_000);
    let script = async {
        board.wait_until(|state| state.pulled).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        ports.replug("a", &board);
    };
    let (ended, ()) = tokio::join!(rig.run(), script);
    insta::assert_snapshot!(lines(&ended));
}

#[tokio::test(start_paused = true)]
async fn a_board_that_says_nothing() {
    let ended = Rig::new(BoardSpec::esp32(1).fault(Fault::Silent))
        .run()
        .await;
    insta::assert_snapshot!(lines(&ended));
}

#[tokio::test(start_paused = true)]
async fn a_board_of_another_chip() {
    let ended = Rig::new(BoardSpec::esp32(1).chip(Chip::Esp32C3))
        .run()
        .await;
    insta::assert_snapshot!(lines(&ended));
}
