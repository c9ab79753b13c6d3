//! The same job in real time, on pseudo-terminals opened through the code that real ports go through.

use std::sync::Arc;

use flashline::event::Code;
use flashline::port::{OpenError, Pending, Port, PortChange, Ports, tty};
use flashline::sim::{Bench, BoardHandle, BoardSpec, Contents, Pace};
use tokio::sync::mpsc;

use super::{Rig, info};

struct Devices;

impl Ports for Devices {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        mpsc::channel(1).1
    }

    fn open(
        &self,
        path: std::path::PathBuf,
        baud: u32,
    ) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        Box::pin(tty::open(path, baud))
    }
}

/// A job for a board on a pty.
fn rig(bench: &Bench) -> Rig {
    let mut spec = BoardSpec::esp32(1).pace(Pace::Unpaced);
    spec.contents = Contents::Used;
    let mut rig = Rig::new(BoardSpec::esp32(1));
    rig.board = bench.plug("a", spec).unwrap();
    rig.presence.send_replace(Some(info(&rig.board.path())));
    rig
}

#[tokio::test]
async fn a_good_board_passes() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path()).unwrap();
    let ended = rig(&bench).run_on(Arc::new(Devices)).await;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right",
        "{}",
        ended.verdict.detail
    );
}

async fn pulled(bench: &Bench, then: impl FnOnce(&BoardHandle)) -> super::Ended {
    let rig = rig(bench);
    let board = rig.board.clone();
    board.pull_when(|state| state.bytes_written >= 100_000);
    let script = async {
        board.wait_until(|state| state.pulled).await;
        then(&board);
    };
    tokio::join!(rig.run_on(Arc::new(Devices)), script).0
}

#[tokio::test]
async fn a_board_that_is_pulled_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path()).unwrap();
    let ended = pulled(&bench, |_| {}).await;
    assert_eq!(ended.verdict.code, Some(Code::Unplugged));
    assert_eq!(ended.verdict.attempts, 1);
}

#[tokio::test]
async fn a_board_that_comes_back_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path()).unwrap();
    let mut back = None;
    let ended = pulled(&bench, |board| {
        back = Some(bench.replug("a", board).unwrap());
    })
    .await;
    let detail = &ended.verdict.detail;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 2, retried 0+0+1, 921600 baud, flash right",
        "{detail}"
    );
}
