//! Boards whose port is the chip's own USB: it goes and comes with the chip.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flashline::chip::Chip;
use flashline::event::Code;
use flashline::job::probe;
use flashline::port::{
    Control, FarEnd, Lines, MemoryPort, ModemLines, OpenError, Pending, Port, PortChange, PortInfo,
    Ports, StopHandle, UsbId,
};
use flashline::settings::Reset;
use flashline::sim::{BoardSpec, SimPorts, Strap, Wiring};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{Ended, Rig, info};

fn on(path: &str, product: u16) -> PortInfo {
    PortInfo {
        usb_id: Some(UsbId {
            vendor: 0x303A,
            product,
        }),
        ..PortInfo::at(path)
    }
}

/// An app's port that is there once, and the boards' beside it.
struct AppFirst {
    app: Mutex<Option<MemoryPort>>,
    boards: SimPorts,
}

const APP: &str = "/sim/app";

impl Ports for AppFirst {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        self.boards.watch()
    }

    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        if path != std::path::Path::new(APP) {
            return self.boards.open(path, baud);
        }
        let app = self.app.lock().unwrap().take();
        Box::pin(async move {
            let gone = || OpenError::Io {
                path,
                source: io::Error::from_raw_os_error(6),
            };
            app.map(|app| Box::new(app) as Box<dyn Port>)
                .ok_or_else(gone)
        })
    }
}

/// An app that leaves the bus when it hears the sequence that asks for the loader.
async fn leaves_when_asked(mut far: FarEnd) {
    let asks = [(false, true), (true, true), (true, false), (false, false)];
    let mut heard = 0;
    while heard < asks.len() {
        let Some(Control::Lines(Lines { dtr, rts })) = far.controls.recv().await else {
            panic!("the port was closed after {heard} of the sequence's steps");
        };
        assert_eq!((dtr, rts), asks[heard]);
        heard += 1;
    }
}

async fn reset_takes_the_port(back_after: Option<Duration>) -> Ended {
    let (app, far) = MemoryPort::pair(4096, ModemLines::Present);
    let mut rig = Rig::new(BoardSpec::esp32(1).wiring(Wiring::Strapped));
    // one attempt: a reset that takes the port along is no attempt lost
    rig.assignment.attempts = 1;
    let ports = AppFirst {
        app: Mutex::new(Some(app)),
        boards: rig.ports.clone(),
    };
    let presence = rig.presence.clone();
    presence.send_replace(Some(on(APP, 0x4001)));
    let loader = rig.board.path();
    let script = async {
        leaves_when_asked(far).await;
        presence.send_replace(None);
        if let Some(after) = back_after {
            sleep(after).await;
            presence.send_replace(Some(on(loader.to_str().unwrap(), 0x0002)));
        }
    };
    tokio::join!(rig.run_on(Arc::new(ports)), script).0
}

#[tokio::test(start_paused = true)]
async fn a_port_that_goes_with_the_reset_is_followed_to_its_new_name() {
    // longer than a lost port's grace
    let ended = reset_takes_the_port(Some(Duration::from_millis(2_500))).await;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right",
        "{}",
        ended.verdict.detail
    );
    assert_eq!(*ended.ear.lost.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_port_that_goes_with_the_reset_and_stays_away_is_unplugged() {
    let ended = reset_takes_the_port(None).await;
    assert_eq!(ended.verdict.code, Some(Code::Unplugged));
}

/// 303a:1001 gets the sequence that its controller wants: the usual one would start the app.
#[tokio::test(start_paused = true)]
async fn a_chip_on_its_usb_serial_jtag_is_brought_into_its_loader() {
    let ports = SimPorts::new();
    let spec = BoardSpec::esp32(7)
        .chip(Chip::Esp32C3)
        .wiring(Wiring::UsbSerialJtag(Strap::Free));
    let board = ports.plug("a", spec);
    let ask = async |at: PortInfo| {
        let (_handle, stop) = StopHandle::new();
        let ports = Arc::new(ports.clone());
        probe(ports, at, Reset::Auto, stop).await.unwrap()
    };
    let path = board.path();
    assert!(ask(on(path.to_str().unwrap(), 0x1001)).await);
    assert!(!ask(info(&path)).await);
}

/// Written and started, strapped by hand or not: RTS resets the core alone, the watchdog all of it.
#[tokio::test(start_paused = true)]
async fn a_board_on_its_usb_serial_jtag_starts_its_app_however_it_was_strapped() {
    for strap in [Strap::Free, Strap::HeldAtPowerOn] {
        for chip in [Chip::Esp32C3, Chip::Esp32S3] {
            let spec = BoardSpec::esp32(7)
                .chip(chip)
                .wiring(Wiring::UsbSerialJtag(strap));
            let rig = super::chips::rig(spec);
            let path = rig.board.path();
            let port = on(path.to_str().unwrap(), 0x1001);
            rig.presence.send_replace(Some(port));
            let board = rig.board.clone();
            let ended = rig.run().await;
            let detail = &ended.verdict.detail;
            assert_eq!(ended.verdict.code, None, "{chip} {strap:?}: {detail}");
            assert_eq!(board.state().app_starts, 1, "{chip} {strap:?}");
        }
    }
}
