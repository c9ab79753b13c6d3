//! Jobs that are stopped, ports that cannot be opened or fail, and a loader that refuses what it must
//! know.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flashline::event::{Code, Outcome, Step, StopReason};
use flashline::job::probe;
use flashline::port::{
    FarEnd, MemoryPort, ModemLines, OpenError, Pending, Port, PortChange, PortInfo, Ports,
    StopHandle,
};
use flashline::settings::Reset;
use flashline::sim::{BoardSpec, Contents, Fault, SimPorts};
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Keeper, MANIFEST, Rig, planner};

#[tokio::test(start_paused = true)]
async fn a_stop_is_heeded_at_every_step() {
    for step in &super::STEPS {
        let mut rig = Rig::new(BoardSpec::esp32(1));
        let (stop, at) = (rig.stop_handle.clone(), *step);
        rig.ear.on_progress = Some(Box::new(move |progress| {
            if progress.step == at {
                stop.ask(StopReason::Operator);
            }
        }));
        let ended = rig.run().await;
        assert_eq!(ended.verdict.code, Some(Code::Stopped), "{step}");
        assert_eq!(ended.verdict.outcome, Outcome::Aborted);
        assert!(!ended.board.state().open, "{step}: the port is closed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_an_erase() {
    let all = Box::leak(Box::new(planner(&format!("erase = \"all\"\n{MANIFEST}"))));
    let mut spec = BoardSpec::esp32(1).flash_size(16 << 20);
    spec.contents = Contents::Used;
    let mut rig = Rig::new(spec);
    rig.keeper = Arc::new(Keeper::new(all));
    let (stop, began) = (rig.stop_handle.clone(), Instant::now());
    rig.ear.on_progress = Some(Box::new(move |progress| {
        let stop = stop.clone();
        if progress.step == Step::Erase {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                stop.ask(StopReason::Shutdown);
            });
        }
    }));
    let ended = rig.run().await;
    assert_eq!(ended.verdict.code, Some(Code::EraseUnfinished));
    let erase = ended.verdict.steps.last().unwrap();
    assert_eq!((erase.step, erase.code), (Step::Erase, Some(Code::Stopped)));
    assert!(erase.took < Duration::from_secs(2), "{erase:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_whole_part_is_erased_when_asked() {
    let all = Box::leak(Box::new(planner(&format!("erase = \"all\"\n{MANIFEST}"))));
    for stub in [
        flashline::job::StubUse::Stub,
        flashline::job::StubUse::RomDeflate,
    ] {
        let mut spec = BoardSpec::esp32(1);
        spec.contents = Contents::Used;
        let mut rig = Rig::new(spec).writing_by(stub);
        rig.keeper = Arc::new(Keeper::new(all));
        let ended = rig.run().await;
        assert_eq!(
            ended.summary(),
            "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right"
        );
        assert!(
            ended.board.flash()[0x20_0000..]
                .iter()
                .all(|byte| *byte == 0xFF)
        );
    }
}

/// Ports that open as told.
struct Opening<F>(F);

impl<F> Ports for Opening<F>
where
    F: Fn(PathBuf) -> Result<Box<dyn Port>, OpenError> + Send + Sync + 'static,
{
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        mpsc::channel(1).1
    }

    fn open(&self, path: PathBuf, _: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        Box::pin(std::future::ready(self.0(path)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_that_does_not_open() {
    type Make = fn(PathBuf) -> OpenError;
    let refusals: [(Code, Make); 5] = [
        (Code::PortAbsent, |path| OpenError::Absent { path }),
        (Code::PortNotSerial, |path| OpenError::NotSerial {
            path,
            what: "a plain file".to_owned(),
        }),
        (Code::PortBusy, |path| OpenError::Busy {
            path,
            holder: None,
        }),
        (Code::PortDenied, |path| OpenError::Denied { path }),
        (Code::PortError, |path| OpenError::Io {
            path,
            source: io::ErrorKind::Other.into(),
        }),
    ];
    for (code, refuse) in refusals {
        let rig = Rig::new(BoardSpec::esp32(1));
        let ended = rig
            .run_on(Arc::new(Opening(move |path| Err(refuse(path)))))
            .await;
        let expected = format!("ERROR {code}, attempt 1, retried 0+0+0, 0 baud, flash untouched");
        assert_eq!(ended.summary(), expected);
    }
}

/// Who asks each new port whether it is a modem costs the board nothing.
#[tokio::test(start_paused = true)]
async fn a_port_that_is_open_elsewhere_for_a_while() {
    let run = async |frees_after: usize| {
        let mut rig = Rig::new(BoardSpec::esp32(1));
        rig.assignment.busy = Duration::from_secs(2);
        let (ports, tries) = (rig.ports.clone(), AtomicUsize::new(0));
        let ends = Opening(move |path: PathBuf| {
            if tries.fetch_add(1, Ordering::Relaxed) < frees_after {
                let holder = Some("ModemManager (process 812)".to_owned());
                return Err(OpenError::Busy { path, holder });
            }
            let port = ports.open(path, 115_200);
            port.now_or_never()
                .expect("a board in memory opens at once")
        });
        rig.run_on(Arc::new(ends)).await
    };
    let ended = run(7).await;
    assert_eq!(ended.verdict.outcome, Outcome::Pass, "{:?}", ended.verdict);
    assert_eq!(
        (ended.verdict.attempts, ended.verdict.retries.total()),
        (1, 0)
    );
    assert_eq!(
        *ended.ear.retried.lock().unwrap(),
        [(Step::Connect, Code::PortBusy)]
    );
    let ended = run(9).await;
    assert_eq!(ended.verdict.code, Some(Code::PortBusy));
    let detail = "is in use by ModemManager (process 812); `flashline install-udev` keeps ModemManager \
                  away from known bridges";
    assert!(
        ended.verdict.detail.ends_with(detail),
        "{}",
        ended.verdict.detail
    );
}

/// An ESP32 that answers SYNC and its magic word, and refuses everything else.
async fn refusing(mut board: FarEnd) {
    const ACCEPTED: [u8; 4] = [0; 4];
    const REFUSED: [u8; 4] = [1, 5, 0, 0];
    let mut buffer = [0; 512];
    while let Ok(count @ 1..) = board.stream.read(&mut buffer).await {
        let request = &buffer[..count];
        let (value, status, copies): (u32, _, _) = match (request[2], request.get(9..13)) {
            (0x08, _) => (0x2012_0707, ACCEPTED, 8),
            (0x0A, Some([0, 0x10, 0, 0x40])) => (0x00F0_1D83, ACCEPTED, 1),
            _ => (0, REFUSED, 1),
        };
        let mut reply = vec![0xC0, 1, request[2], 4, 0];
        reply.extend(value.to_le_bytes());
        reply.extend(status);
        reply.push(0xC0);
        if board.stream.write_all(&reply.repeat(copies)).await.is_err() {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_loader_that_refuses_what_it_must_know() {
    let ports = Opening(|_| {
        let (port, board) = MemoryPort::pair(4096, ModemLines::Absent);
        tokio::spawn(refusing(board));
        Ok(Box::new(port) as Box<dyn Port>)
    });
    let ended = Rig::new(BoardSpec::esp32(1)).run_on(Arc::new(ports)).await;
    assert_eq!(
        ended.summary(),
        "FAIL COMMAND_REFUSED, attempt 2, retried 4+0+1, 0 baud, flash untouched"
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_tells_whether_a_board_is_there() {
    let ports = SimPorts::new();
    let silent = ports.plug("silent", BoardSpec::esp32(1).fault(Fault::Silent));
    let board = ports.plug("board", BoardSpec::esp32(2));
    let ask = async |path: PathBuf| {
        let (_handle, stop) = StopHandle::new();
        probe(
            Arc::new(ports.clone()),
            PortInfo::at(path),
            Reset::Auto,
            stop,
        )
        .await
    };
    assert!(ask(board.path()).await.unwrap());
    assert!(!ask(silent.path()).await.unwrap());
    assert!(!board.state().open && !silent.state().open);
    let absent = ask(SimPorts::path("absent")).await;
    assert!(matches!(absent, Err(OpenError::Absent { .. })));
}
