//! Bridges that say themselves what they make of a rate.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use flashline::event::{Code, Step};
use flashline::plan::Planner;
use flashline::port::{Lines, OpenError, Pending, Port, PortChange, Ports};
use flashline::sim::{BoardSpec, Contents, SimPorts};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

use super::{Ended, Keeper, MANIFEST, Rig, planner};

/// Ports whose bridge goes no faster than this, and says so.
struct Slow {
    ports: SimPorts,
    fastest_baud: u32,
}

/// A port that goes no faster than this, and says so.
pub(crate) struct SlowPort {
    pub(crate) port: Box<dyn Port>,
    pub(crate) fastest_baud: u32,
}

impl Ports for Slow {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        self.ports.watch()
    }

    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        let (opening, fastest_baud) = (self.ports.open(path, baud), self.fastest_baud);
        Box::pin(async move {
            let port = opening.await?;
            Ok(Box::new(SlowPort { port, fastest_baud }) as Box<dyn Port>)
        })
    }
}

impl Port for SlowPort {
    fn set_baud(&mut self, baud: u32) -> Pending<'_, io::Result<u32>> {
        self.port.set_baud(baud.min(self.fastest_baud))
    }

    fn set_lines(&mut self, lines: Lines) -> Pending<'_, io::Result<bool>> {
        self.port.set_lines(lines)
    }

    fn clear_input(&mut self) -> io::Result<()> {
        self.port.clear_input()
    }

    fn close(self: Box<Self>) -> Pending<'static, ()> {
        self.port.close()
    }
}

impl AsyncRead for SlowPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.port).poll_read(cx, buffer)
    }
}

impl AsyncWrite for SlowPort {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.port).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.port).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.port).poll_shutdown(cx)
    }
}

fn rig() -> Rig {
    let mut spec = BoardSpec::esp32(1);
    spec.contents = Contents::Used;
    let mut rig = Rig::new(spec);
    rig.assignment.attempts = 1;
    rig
}

async fn behind(fastest_baud: u32, rig: Rig) -> Ended {
    let ports = rig.ports.clone();
    let slow = Slow {
        ports,
        fastest_baud,
    };
    rig.run_on(Arc::new(slow)).await
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_the_bridge_does_not_make_is_left_for_the_next_lower_one() {
    let ended = behind(500_000, rig()).await;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 1, retried 0+1+0, 460800 baud, flash right",
        "{}",
        ended.verdict.detail
    );
    let told = ended.ear.retried.lock().unwrap().clone();
    assert_eq!(told, [(Step::Identify, Code::BaudNotReached)]);
}

#[tokio::test(start_paused = true)]
async fn a_bridge_that_makes_the_rate_nearly_is_believed() {
    // 2 per cent off, as many bridges are
    let ended = behind(903_000, rig()).await;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right"
    );
}

/// A manifest that names no rate below.
static ONE_RATE: LazyLock<Planner> =
    LazyLock::new(|| planner(&MANIFEST.replace("[921600, 460800, 115200]", "[921600]")));

#[tokio::test(start_paused = true)]
async fn without_a_lower_rate_the_job_ends_with_what_the_bridge_makes() {
    let mut rig = rig();
    rig.keeper = Arc::new(Keeper::new(&ONE_RATE));
    let ended = behind(500_000, rig).await;
    assert_eq!(ended.verdict.code, Some(Code::BaudNotReached));
    assert_eq!(
        ended.verdict.detail,
        "the adapter makes 500000 baud of 921600"
    );
    assert_eq!(ended.flash(), "untouched");
}
