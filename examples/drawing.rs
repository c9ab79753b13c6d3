//! Measures what drawing the dashboard costs: 64 slots at work, each changed in every one of 20 snapshots a
//! second, on a real pseudo-terminal; and what is written to the terminal while nothing changes. Prints the
//! share of a core that the face's process used, less that of the same process without a face.
//!
//! ```text
//! cargo build --release && cargo run --release --example drawing
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that cannot be made says by panicking why"
)]

#[path = "../tests/suite/pty.rs"]
#[expect(dead_code, reason = "nothing is typed, resized or signalled here")]
mod pty;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use flashline::dashboard::{self, Options, Quit};
use flashline::event::{JobId, Progress, Role, SlotId, Step, Who};
use flashline::record::Standing;
use flashline::station::enquiry::Enquirer;
use flashline::station::{Asker, BoardView, LineState, SlotState, SlotView, Snapshot};
use pty::Terminal;
use tokio::sync::{mpsc, watch};

const SLOTS: usize = 64;
const A_SECOND: u32 = 20;
const AT_WORK: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_secs(20);
/// Clock ticks a second in /proc (proc_pid_stat(5); sysconf(_SC_CLK_TCK) is 100 on Linux).
const TICKS: f64 = 100.0;

fn main() {
    match std::env::args().nth(1) {
        Some(told) => face(Path::new(&told)),
        None => measure(),
    }
}

fn measure() {
    for (columns, rows) in [(80, 24), (200, 60)] {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .arg(&told)
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR");
        let (status, screen) = Terminal::start(&command, columns, rows).end();
        assert!(status.success(), "{}", screen.contents());
        let told = std::fs::read_to_string(told).expect("it was measured");
        println!("{columns} x {rows}, {SLOTS} slots: {told}");
    }
}

/// The process that draws, in its terminal.
fn face(told: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let without = cost(AT_WORK, watch::channel(Arc::new(bench(0))).0).await.0;
        let (station, snapshots) = watch::channel(Arc::new(bench(0)));
        let asker = Asker::new(Who::new("li", Role::Operator), mpsc::channel(1).0);
        let options = Options {
            quit: Quit::LeaveOnly,
            ..Options::from_env()
        };
        let measured = async {
            let (with, station) = cost(AT_WORK, station).await;
            station.send_replace(Arc::new(empty()));
            tokio::time::sleep(Duration::from_secs(2)).await;
            let (before, written) = (processor(), bytes_written());
            tokio::time::sleep(IDLE).await;
            let idle = (processor() - before) / IDLE.as_secs_f64();
            let drawn = bytes_written() - written;
            format!(
                "drawing {A_SECOND} frames a second takes {:.1} % of a core (the process without a face {:.1} %); \
                 with nothing changing {drawn} bytes are written in {} s, {:.2} % of a core",
                100.0 * (with - without),
                100.0 * without,
                IDLE.as_secs(),
                100.0 * idle
            )
        };
        let enquirer = Enquirer::new().0;
        let (shown, measured) =
            tokio::join!(dashboard::tui(snapshots, asker, enquirer, options), measured);
        shown.unwrap();
        std::fs::write(told, measured).unwrap();
    });
}

/// Shows a bench at work for so long; the share of a core that took.
async fn cost(
    lasts: Duration,
    station: watch::Sender<Arc<Snapshot>>,
) -> (f64, watch::Sender<Arc<Snapshot>>) {
    let before = processor();
    let mut next = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
    let frames = lasts.as_secs() as u32 * A_SECOND;
    for frame in 0..frames {
        next.tick().await;
        station.send_replace(Arc::new(bench(frame)));
    }
    ((processor() - before) / lasts.as_secs_f64(), station)
}

/// Processor time of this process, in seconds.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // the name in brackets may hold anything
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS
}

/// Bytes that this process has written anywhere.
fn bytes_written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.unwrap().parse().unwrap()
}

fn bench(frame: u32) -> Snapshot {
    let started = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(3);
    let state = |slot: usize| {
        SlotState::Working(BoardView {
            job: JobId(uuid::Uuid::from_u128(slot as u128)),
            started,
            serial: None,
            identity: None,
            progress: Progress {
                step: Step::Write,
                attempt: 1,
                done_bytes: u64::from(frame) * 2_600 + 640 * slot as u64,
                total_bytes: 1 << 20,
                baud: 921_600,
                retries: 0,
            },
            step_began: started,
            step_from_bytes: 0,
            lost: false,
            asks: None,
        })
    };
    with((0..SLOTS).map(state))
}

fn empty() -> Snapshot {
    with((0..SLOTS).map(|_| SlotState::Empty))
}

fn with(states: impl Iterator<Item = SlotState>) -> Snapshot {
    let slot = |(number, state): (usize, SlotState)| {
        Arc::new(SlotView {
            slot: SlotId::new(&(number + 1).to_string()),
            place: format!("usb-1.{number}"),
            seat: None,
            product: None,
            state,
            out: None,
            since: jiff::Timestamp::UNIX_EPOCH,
        })
    };
    Snapshot {
        at: jiff::Timestamp::now(),
        station: "bench-1".into(),
        product: "thermostat".into(),
        version: "1.4.2".into(),
        bundle: "3f2a91c07be4".into(),
        bundles: Arc::new([]),
        line: LineState::Running,
        slots: states.enumerate().map(slot).collect(),
        unassigned: Arc::new([]),
        standing: Arc::new(Standing::default()),
        at_hand: Arc::default(),
        notices: Arc::new([]),
    }
}
