//! The whole line on boards in memory: station, job, record. Unpaced, so no test waits for a wire.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flashline::chip::{Chip, FlashId, Revision};
use flashline::event::{Code, Happening, Notice, Outcome, Role, SlotId, Step, Who};
use flashline::manifest::Bundle;
use flashline::port::{OpenError, Pending, Port, PortChange, PortInfo, Ports};
use flashline::record::{Reader, Record};
use flashline::settings::{Place, Reset, Settings, SlotSettings, Start};
use flashline::sim::{BoardHandle, BoardSpec, Fault, Pace, SimPorts};
use flashline::station::{Ask, BoardView, Bundles, LineState, SlotState, Snapshot, Station};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::product;

mod again;
mod jigs;

/// A line of slots `1`, `2`, … at `/sim/1`, `/sim/2`, ….
pub(crate) struct Line {
    pub(crate) station: Station,
    pub(crate) ports: SimPorts,
    record: Record,
    stop: CancellationToken,
    pub(crate) folder: tempfile::TempDir,
}

impl Line {
    pub(crate) async fn new(slots: usize) -> Line {
        Line::with(slots, "").await
    }

    /// A line whose manifest says more.
    async fn with(slots: usize, more: &str) -> Line {
        Line::at(tempfile::tempdir().unwrap(), slots, more).await
    }

    /// A line whose database may be there already.
    pub(crate) async fn at(folder: tempfile::TempDir, slots: usize, more: &str) -> Line {
        product::write_with(folder.path(), more);
        let settings = settings(folder.path(), slots);
        let ports = SimPorts::new();
        let by = Who::new("mei", Role::Supervisor);
        Line::start(folder, settings, by, ports.clone(), Arc::new(ports)).await
    }

    /// A line as its settings say, on boards that are behind these doors.
    pub(crate) async fn start(
        folder: tempfile::TempDir,
        settings: Settings,
        by: Who,
        ports: SimPorts,
        doors: Arc<dyn Ports>,
    ) -> Line {
        let bundles = Bundles::load(&settings).unwrap().started_by(by);
        let (record, interrupted) = Record::open(&settings.database).unwrap();
        let stop = CancellationToken::new();
        let station = Station::start(
            settings,
            bundles,
            doors,
            record.clone(),
            interrupted,
            stop.clone(),
        )
        .await
        .unwrap();
        Line {
            station,
            ports,
            record,
            stop,
            folder,
        }
    }

    pub(crate) fn plug(&self, slot: &str, spec: BoardSpec) -> BoardHandle {
        self.ports.plug(slot, spec.pace(Pace::Unpaced))
    }

    /// Waits until the snapshot is so.
    pub(crate) async fn wait(&mut self, mut when: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut snapshots = self.station.snapshots.clone();
        let reached = snapshots.wait_for(|snapshot| when(snapshot));
        let patience = Duration::from_secs(20);
        if let Ok(snapshot) = tokio::time::timeout(patience, reached).await {
            return snapshot.unwrap().clone();
        }
        let now = self.station.snapshots.borrow().clone();
        let said: Vec<&Happening> = now.notices.iter().map(|notice| &notice.what).collect();
        panic!(
            "it does not come: {:#?}\n{:#?}\n{said:#?}",
            now.slots, now.standing
        );
    }

    /// Waits for the result of a slot's job.
    pub(crate) async fn result(&mut self, slot: &str) -> (Outcome, Option<Code>) {
        let snapshot = self
            .wait(|snapshot| matches!(state(snapshot, slot), SlotState::Done(_)))
            .await;
        match state(&snapshot, slot) {
            SlotState::Done(result) => (result.outcome, result.code),
            other => panic!("{other:?}"),
        }
    }

    /// Ends the station, and gives its folder back.
    pub(crate) async fn leave(self) -> tempfile::TempDir {
        self.stop.cancel();
        self.station.ended().await;
        self.record.close().await;
        self.folder
    }

    /// Ends the station; returns its last snapshot and every row of the record.
    pub(crate) async fn end(self) -> (Arc<Snapshot>, Vec<flashline::record::JobRow>) {
        self.stop.cancel();
        let mut snapshots = self.station.snapshots.clone();
        self.station.ended().await;
        self.record.close().await;
        let last = snapshots.borrow_and_update().clone();
        let rows = Reader::open(&self.folder.path().join("line.db"))
            .unwrap()
            .jobs(flashline::record::Since::default())
            .unwrap();
        (last, rows)
    }
}

pub(crate) fn settings(folder: &Path, slots: usize) -> Settings {
    Settings {
        slots: (1..=slots)
            .map(|number| {
                SlotSettings::at(
                    &number.to_string(),
                    Place::Path(format!("/sim/{number}").into()),
                )
            })
            .collect(),
        settle: Duration::ZERO,
        grace: Duration::from_millis(50),
        disk_reserve_bytes: 0,
        ..Settings::of("test", folder.join("manifest.toml"), folder.join("line.db"))
    }
}

pub(crate) fn state<'a>(snapshot: &'a Snapshot, slot: &str) -> &'a SlotState {
    &snapshot
        .slots
        .iter()
        .find(|view| view.slot.as_str() == slot)
        .unwrap()
        .state
}

pub(crate) fn said(snapshot: &Snapshot, is: impl Fn(&Notice) -> bool) -> bool {
    snapshot.notices.iter().any(|notice| is(notice))
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_boards_at_once_pass_and_each_has_its_row() {
    let mut line = Line::new(8).await;
    let boards: Vec<BoardHandle> = (1..=8)
        .map(|number| line.plug(&number.to_string(), BoardSpec::esp32(number)))
        .collect();
    for number in 1..=8 {
        assert_eq!(
            line.result(&number.to_string()).await,
            (Outcome::Pass, None)
        );
    }
    let firmware = product::flash_image();
    for board in &boards {
        let flash = board.flash();
        for (offset, bytes) in &firmware {
            let range = *offset as usize..*offset as usize + bytes.len();
            assert!(flash[range] == bytes[..], "{} at {offset:#x}", board.mac());
        }
    }
    let (last, rows) = line.end().await;
    assert_eq!(rows.len(), 8);
    assert!(
        rows.iter()
            .all(|row| row.outcome == Some(Outcome::Pass) && row.ended.is_some())
    );
    assert_eq!(
        (last.standing.today.units, last.standing.today.first_pass),
        (8, 8)
    );
    assert!(said(&last, |notice| notice.what == Happening::StationStopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_pulled_in_mid_write_is_an_open_unit_until_it_passes() {
    let mut line = Line::new(1).await;
    let board = line.plug("1", BoardSpec::esp32(1));
    board.pull_when(|board| board.bytes_written > 0x4000);
    assert_eq!(
        line.result("1").await,
        (Outcome::Fail, Some(Code::Unplugged))
    );
    let snapshot = line
        .wait(|snapshot| !snapshot.standing.open_units.is_empty())
        .await;
    assert_eq!(snapshot.standing.open_units[0].unit, board.mac().into());
    line.ports.replug("1", &board);
    let passed = |snapshot: &Snapshot| matches!(state(snapshot, "1"), SlotState::Done(result) if result.outcome == Outcome::Pass);
    line.wait(passed).await;
    let (last, rows) = line.end().await;
    assert_eq!(last.standing.open_units, []);
    let today = &last.standing.today;
    assert_eq!((today.units, today.first_pass, today.passed), (1, 0, 1));
    let codes: Vec<Option<Code>> = rows.iter().map(|row| row.code).collect();
    assert_eq!(codes, [Some(Code::Unplugged), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mac_on_two_slots_is_refused_untouched_on_the_second() {
    let mut line = Line::new(2).await;
    line.plug("1", BoardSpec::esp32(7));
    assert_eq!(line.result("1").await, (Outcome::Pass, None));
    let twin = line.plug("2", BoardSpec::esp32(7));
    assert_eq!(
        line.result("2").await,
        (Outcome::Fail, Some(Code::MacDuplicate))
    );
    assert_eq!(twin.state().bytes_written, 0);
    line.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_moves_to_another_slot_is_no_duplicate() {
    let mut line = Line::new(2).await;
    let board = line.plug("1", BoardSpec::esp32(7));
    assert_eq!(line.result("1").await, (Outcome::Pass, None));
    board.pull();
    line.wait(
        |snapshot| matches!(state(snapshot, "1"), SlotState::Done(result) if !result.present),
    )
    .await;
    line.ports.replug("2", &board);
    assert_eq!(line.result("2").await, (Outcome::Pass, None));
    line.end().await;
}

/// What the Gate refuses is not touched, has its code, and is on record with what was found.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_gate_refuses_is_not_touched() {
    let security = flashline::chip::Security {
        secure_boot: true,
        ..Default::default()
    };
    let cases = [
        (BoardSpec::esp32(1).chip(Chip::Esp32C3), Code::WrongChip),
        (
            BoardSpec::esp32(2).fault(Fault::MacCrcWrong),
            Code::MacInvalid,
        ),
        (
            BoardSpec {
                flash_id: FlashId(0),
                ..BoardSpec::esp32(3)
            },
            Code::FlashNoAnswer,
        ),
        (
            BoardSpec {
                flash_id: FlashId(0xFF_FFFF),
                ..BoardSpec::esp32(4)
            },
            Code::FlashNoAnswer,
        ),
        (BoardSpec::esp32(5).flash_size(1 << 20), Code::FlashTooSmall),
        (
            BoardSpec::esp32(6).fault(Fault::Secured(security)),
            Code::SecurityState,
        ),
    ];
    refused(cases, "").await;
    // what this manifest asks for beyond that
    let more = "min_chip_revision = \"v2.0\"\nflash_ids = [\"ef4016\"]";
    let old = Revision { major: 1, minor: 0 };
    let cases = [
        (
            BoardSpec {
                revision: old,
                ..BoardSpec::esp32(1)
            },
            Code::ChipRevision,
        ),
        (
            BoardSpec {
                flash_id: FlashId(0xC8_4016),
                ..BoardSpec::esp32(2)
            },
            Code::FlashId,
        ),
    ];
    refused(cases, more).await;
}

async fn refused<const N: usize>(cases: [(BoardSpec, Code); N], manifest: &str) {
    let mut line = Line::with(N, manifest).await;
    for (index, (spec, code)) in cases.into_iter().enumerate() {
        let slot = (index + 1).to_string();
        let board = line.plug(&slot, spec);
        assert_eq!(line.result(&slot).await, (Outcome::Fail, Some(code)));
        let state = board.state();
        assert_eq!((state.bytes_written, state.bytes_erased), (0, 0), "{code}");
    }
    let (_, rows) = line.end().await;
    assert!(rows.iter().all(|row| row.identity.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_in_mid_write_is_recorded_as_stopped() {
    let mut line = Line::new(1).await;
    // paced, so that it is still writing when it is stopped
    line.ports.plug("1", BoardSpec::esp32(1));
    let writing =
        |board: &BoardView| board.progress.step == Step::Write && board.progress.done_bytes > 0;
    line.wait(
        |snapshot| matches!(state(snapshot, "1"), SlotState::Working(board) if writing(board)),
    )
    .await;
    let (last, rows) = line.end().await;
    assert_eq!(last.line, LineState::Ending);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].outcome, rows[0].code),
        (Some(Outcome::Aborted), Some(Code::Stopped))
    );
    assert!(rows[0].bytes_written > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_stop_ends_the_job_and_frees_the_slot() {
    let mut line = Line::new(1).await;
    let board = line.ports.plug("1", BoardSpec::esp32(1));
    board.wait_until(|board| board.bytes_written > 0).await;
    let asker = line.station.asker(Who::new("li", Role::Operator));
    let slot = SlotId::new("1");
    let answered = asker.ask(Ask::StopJob { slot }).await.unwrap();
    assert_eq!(answered.await.unwrap(), Ok(()));
    assert_eq!(
        line.result("1").await,
        (Outcome::Aborted, Some(Code::Stopped))
    );
    let (slot, serial) = (SlotId::new("1"), None);
    let answered = asker.ask(Ask::Start { slot, serial }).await.unwrap();
    assert_eq!(answered.await.unwrap(), Ok(()));
    line.wait(|snapshot| matches!(state(snapshot, "1"), SlotState::Working(_)))
        .await;
    line.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boards_that_were_there_before_the_start_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = Bundle::load(&product::write(folder.path())).unwrap();
    let (record, _) = Record::open(&folder.path().join("line.db")).unwrap();
    let ports = SimPorts::new();
    let board = ports.plug("1", BoardSpec::esp32(1).pace(Pace::Unpaced));
    let stop = CancellationToken::new();
    let station = Station::start(
        settings(folder.path(), 1),
        Arc::new(bundle),
        Arc::new(ports.clone()),
        record.clone(),
        0,
        stop.clone(),
    )
    .await
    .unwrap();
    let mut line = Line {
        station,
        ports,
        record,
        stop,
        folder,
    };
    line.wait(|snapshot| matches!(state(snapshot, "1"), SlotState::Waiting(_)))
        .await;
    assert!(!board.state().open);
    board.pull();
    line.wait(|snapshot| matches!(state(snapshot, "1"), SlotState::Empty))
        .await;
    line.ports.replug("1", &board);
    assert_eq!(line.result("1").await, (Outcome::Pass, None));
    line.end().await;
}

/// A jig: one adapter that stays plugged in, whatever is in its socket.
struct Jig {
    boards: SimPorts,
    socket: Mutex<PathBuf>,
}

impl Jig {
    fn adapter() -> PortInfo {
        PortInfo {
            path: "/jig".into(),
            instance: 1,
            usb_path: None,
            usb_id: None,
            description: String::new(),
        }
    }

    fn insert(&self, name: &str) {
        *self.socket.lock().unwrap() = format!("/sim/{name}").into();
    }
}

impl Ports for Jig {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        let (sender, receiver) = mpsc::channel(1);
        sender
            .try_send(PortChange::Present(vec![Jig::adapter()]))
            .unwrap();
        receiver
    }

    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        assert_eq!(path, Path::new("/jig"));
        self.boards.open(self.socket.lock().unwrap().clone(), baud)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jigs_boards_are_told_apart_by_the_silence_between_them() {
    let boards = SimPorts::new();
    let plug = |name: &str, spec: BoardSpec| boards.plug(name, spec.pace(Pace::Unpaced));
    let empty = plug("empty", BoardSpec::esp32(0).fault(Fault::Silent));
    let (first, second) = (
        plug("a", BoardSpec::esp32(1)),
        plug("b", BoardSpec::esp32(2)),
    );
    let jig = Arc::new(Jig {
        boards: boards.clone(),
        socket: Mutex::new("/sim/empty".into()),
    });
    let folder = tempfile::tempdir().unwrap();
    let bundle = Bundle::load(&product::write(folder.path())).unwrap();
    let mut settings = settings(folder.path(), 1);
    settings.slots[0].place = Place::Path("/jig".into());
    settings.slots[0].start = Start::Probe;
    settings.slots[0].reset = Reset::None;
    let (record, _) = Record::open(&settings.database).unwrap();
    let stop = CancellationToken::new();
    let ports: Arc<dyn Ports> = jig.clone();
    let station = Station::start(
        settings,
        Arc::new(bundle),
        ports,
        record.clone(),
        0,
        stop.clone(),
    )
    .await
    .unwrap();
    let mut line = Line {
        station,
        ports: boards.clone(),
        record,
        stop,
        folder,
    };
    let removed = |snapshot: &Snapshot| {
        let is = |notice: &Arc<Notice>| notice.what == Happening::BoardRemoved;
        snapshot.notices.iter().filter(|notice| is(notice)).count()
    };
    // a socket that was never silent may hold a board from before the start
    for _ in 0..3 {
        empty.wait_until(|board| board.open).await;
        empty.wait_until(|board| !board.open).await;
    }
    jig.insert("a");
    assert_eq!(line.result("1").await, (Outcome::Pass, None));
    assert!(first.state().bytes_written > 0);
    // the same board answers on: it is not flashed again, and not taken for gone
    let starts = first.state().starts;
    first.wait_until(|board| board.starts > starts + 1).await;
    jig.insert("empty");
    line.wait(|snapshot| removed(snapshot) == 1).await;
    jig.insert("b");
    line.wait(|snapshot| snapshot.standing.today.units == 2)
        .await;
    assert!(second.state().bytes_written > 0);
    let (_, rows) = line.end().await;
    assert_eq!(rows.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_gone_stops_the_line_before_a_board_is_touched() {
    let mut line = Line::new(1).await;
    std::fs::remove_file(line.folder.path().join("line.db")).unwrap();
    let board = line.plug("1", BoardSpec::esp32(1));
    let blocked = SlotState::Blocked {
        code: Code::RecordFailed,
    };
    let snapshot = line.wait(|snapshot| *state(snapshot, "1") == blocked).await;
    assert!(matches!(
        snapshot.line,
        LineState::Stopped {
            code: Code::RecordFailed,
            ..
        }
    ));
    let state = board.state();
    assert!(!state.open && state.sessions == 0, "{state:?}");
    line.stop.cancel();
    line.station.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_is_told_before_the_station_starts() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = Bundle::load(&product::write(folder.path())).unwrap();
    let mut settings = settings(folder.path(), 1);
    settings.disk_reserve_bytes = u64::MAX;
    let (record, _) = Record::open(&settings.database).unwrap();
    let ports = Arc::new(SimPorts::new());
    let stop = CancellationToken::new();
    let refused = Station::start(settings, Arc::new(bundle), ports, record, 0, stop).await;
    assert_eq!(
        refused.err().map(|error| error.code()),
        Some(Code::DiskFull)
    );
}
