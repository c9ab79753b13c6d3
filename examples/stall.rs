//! Measures that one port's trouble is its own: boards are flashed while one slot's port blocks a
//! kernel call for 30 seconds, in open, in a rate change, and in close. Prints the largest gap between
//! two blocks on the other ports, beside that of an undisturbed run.
//!
//! ```text
//! cargo run --release --example stall
//! ```
//!
//! The boards are simulated, in memory, at the real parts' pace.

#[path = "product/mod.rs"]
mod product;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use flashline::port::{Lines, OpenError, Pending, Port, PortChange, Ports};
use flashline::record::Record;
use flashline::settings::Settings;
use flashline::sim::{BoardSpec, SimPorts};
use flashline::station::{SlotState, Station};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long the call blocks.
const STALL: Duration = Duration::from_secs(30);
/// Boards that are flashed meanwhile.
const OTHERS: usize = 7;
/// A write of at least this is a data block.
const BLOCK_BYTES: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stall {
    Nowhere,
    Open,
    Rate,
    Close,
}

/// The largest time between two blocks on one port within one job.
#[derive(Default)]
struct Gaps {
    last: HashMap<PathBuf, Instant>,
    largest: Duration,
    blocks: u64,
}

/// Ports whose blocks are timed; the one at `stuck` blocks where it is told.
struct Watched {
    inner: SimPorts,
    stuck: PathBuf,
    stall: Stall,
    gaps: Arc<Mutex<Gaps>>,
}

struct WatchedPort {
    inner: Box<dyn Port>,
    path: PathBuf,
    stall: Stall,
    gaps: Arc<Mutex<Gaps>>,
}

/// As a kernel call does that waits for a device.
async fn block() {
    // the thread's end is all that is waited for
    let _ = tokio::task::spawn_blocking(|| std::thread::sleep(STALL)).await;
}

impl Ports for Watched {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        self.inner.watch()
    }

    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        let stall = if path == self.stuck {
            self.stall
        } else {
            Stall::Nowhere
        };
        let opening = self.inner.open(path.clone(), baud);
        let gaps = self.gaps.clone();
        Box::pin(async move {
            if stall == Stall::Open {
                block().await;
            }
            let inner = opening.await?;
            Ok(Box::new(WatchedPort {
                inner,
                path,
                stall,
                gaps,
            }) as Box<dyn Port>)
        })
    }
}

impl AsyncRead for WatchedPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for WatchedPort {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        if bytes.len() >= BLOCK_BYTES && polled.is_ready() {
            let now = Instant::now();
            let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
            gaps.blocks += 1;
            if let Some(last) = gaps.last.insert(self.path.clone(), now) {
                gaps.largest = gaps.largest.max(now - last);
            }
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl Port for WatchedPort {
    fn set_baud(&mut self, baud: u32) -> Pending<'_, io::Result<u32>> {
        Box::pin(async move {
            if self.stall == Stall::Rate {
                block().await;
            }
            self.inner.set_baud(baud).await
        })
    }

    fn set_lines(&mut self, lines: Lines) -> Pending<'_, io::Result<bool>> {
        self.inner.set_lines(lines)
    }

    fn clear_input(&mut self) -> io::Result<()> {
        self.inner.clear_input()
    }

    fn close(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move {
            // the next job's first block does not follow this one's last
            self.gaps
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .last
                .remove(&self.path);
            if self.stall == Stall::Close {
                block().await;
            }
            self.inner.close().await;
        })
    }
}

fn main() -> io::Result<()> {
    println!(
        "simulated boards, {OTHERS} at once at 921600 baud, one more whose port blocks for 30 s"
    );
    println!(
        "{:<22}{:>8}{:>24}{:>10}",
        "the stuck port blocks", "blocks", "largest gap elsewhere", "passed"
    );
    for stall in [Stall::Nowhere, Stall::Open, Stall::Rate, Stall::Close] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let (gaps, passed) = runtime.block_on(run(stall))?;
        runtime.shutdown_background();
        let name = format!("{stall:?}").to_lowercase();
        let largest = format!("{:.0} ms", gaps.largest.as_secs_f64() * 1000.0);
        println!(
            "{name:<22}{:>8}{largest:>24}{:>10}",
            gaps.blocks,
            format!("{passed}/{OTHERS}")
        );
    }
    Ok(())
}

/// One run: every other board is flashed to its end.
async fn run(stall: Stall) -> io::Result<(Gaps, usize)> {
    let folder =
        std::env::temp_dir().join(format!("flashline-stall-{}-{stall:?}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let bundle = product::write(&folder, "stall", 600 << 10)?;
    let (record, _) = Record::open(&folder.join("stall.db")).map_err(io::Error::other)?;
    let inner = SimPorts::new();
    let gaps = Arc::new(Mutex::new(Gaps::default()));
    let stuck = PathBuf::from("/sim/0");
    let ports = Watched {
        inner: inner.clone(),
        stuck,
        stall,
        gaps: gaps.clone(),
    };
    let stop = CancellationToken::new();
    let station = Station::start(
        settings(&folder),
        Arc::new(bundle),
        Arc::new(ports),
        record,
        0,
        stop.clone(),
    )
    .await
    .map_err(io::Error::other)?;
    let first = if stall == Stall::Nowhere { 1 } else { 0 };
    for number in first..=OTHERS as u32 {
        inner.plug(&number.to_string(), BoardSpec::esp32(number));
    }
    let mut snapshots = station.snapshots.clone();
    let done = snapshots.wait_for(|snapshot| {
        snapshot.slots[1..]
            .iter()
            .all(|slot| matches!(slot.state, SlotState::Done(_)))
    });
    let passed = match done.await {
        Ok(snapshot) => snapshot.slots[1..]
            .iter()
            .filter(|slot| matches!(&slot.state, SlotState::Done(result) if result.code.is_none()))
            .count(),
        Err(_) => 0,
    };
    stop.cancel();
    station.ended().await;
    fs::remove_dir_all(&folder)?;
    let gaps = std::mem::take(&mut *gaps.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((gaps, passed))
}

fn settings(folder: &Path) -> Settings {
    Settings {
        slots: product::slots(0..=OTHERS as u32),
        attempts: 1,
        settle: Duration::from_millis(10),
        grace: Duration::from_millis(100),
        disk_reserve_bytes: 0,
        ..Settings::of(
            "stall",
            folder.join("manifest.toml"),
            folder.join("stall.db"),
        )
    }
}
