//! A bench on which a cause is played and remedies are tried, as people would: one slot that is looked
//! at, its board, and what surrounds them.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flashline::chip::Chip;
use flashline::dashboard::{Options, closing_table};
use flashline::event::{
    Code, Golden, Happening, JobId, Notice, Outcome, Role, SlotId, Waiting, Who,
};
use flashline::image::sample;
use flashline::lang::{self, Bin, Language, Remedy};
use flashline::record::{JobRow, Reader, Since};
use flashline::settings::{GoldenBoard, GoldenBoards, LineRules, Place, Settings, Start};
use flashline::sim::{BoardHandle, BoardSpec, BoardState, Contents, Fault, Pace, SimPorts};
use flashline::station::{Ask, OnDisk, SlotState};

use super::cause::{Cause, Event, Fixture, Product, Spoilt, Tempo};
use super::doors::{Doors, Shut};
use super::killed;
use crate::line::{Line, said, settings, state};
use crate::product;
use crate::warrants::by_login;

/// The slot that is looked at, and its label in a jig.
const SLOT: &str = "1";
const LABEL: &str = "A17";

/// The board that is known to be bad.
const GOLDEN: u32 = 60;

/// Where a slot's path leads that is not its own.
const WRONG: &str = "wrong";

/// Kept free of what the disk has when the station starts, and more than that, which is then used up.
const RESERVE_BYTES: u64 = 64 << 20;

/// What became of what someone did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The board passed, or is where it belongs.
    Helped,
    /// The slot shows this.
    Shows(Code),
    /// It has nothing to do with this bench, or was refused.
    Nothing,
}

pub struct World {
    cause: Cause,
    doors: Doors,
    line: Option<Line>,
    board: Option<BoardHandle>,
    /// The board on the slot beside it, which shares its hub.
    neighbour: Option<BoardHandle>,
    hub_is_weak: bool,
    /// The last job whose result was looked at.
    seen: Option<JobId>,
    baud_ceiling: Option<u32>,
    disk: Option<FullDisk>,
    /// Keeps the database locked.
    other_program: Option<rusqlite::Connection>,
    /// Who starts the station.
    role: Role,
}

/// A disk that is as full as somebody likes. One process at a time plays with it.
struct FullDisk {
    filler: PathBuf,
    reserve_bytes: u64,
    _turn: File,
}

impl World {
    /// A bench where the cause has struck.
    pub async fn after(cause: Cause) -> World {
        let doors = Doors::new(cause.fixture == Fixture::Hub);
        if let Some(why) = cause.shut {
            doors.shut(if cause.wrong_path { WRONG } else { SLOT }, why);
        }
        if let Some(baud) = cause.fastest_baud {
            doors.slow_down(baud);
        }
        let mut world = World {
            doors,
            line: None,
            board: None,
            neighbour: None,
            hub_is_weak: cause.event == Event::HubFails,
            seen: None,
            baud_ceiling: None,
            disk: None,
            other_program: None,
            role: Role::Supervisor,
            cause,
        };
        world.strike().await;
        world
    }

    fn is_jig(&self) -> bool {
        matches!(self.cause.fixture, Fixture::Jig | Fixture::ScannedJig)
    }

    fn line(&mut self) -> &mut Line {
        self.line.as_mut().unwrap()
    }

    fn boards(&self) -> &SimPorts {
        &self.doors.boards
    }

    fn settings(&self, folder: &std::path::Path) -> Settings {
        let slots = match self.cause.event {
            Event::NewLotFails => 4,
            Event::TwinIsThere | Event::HubFails | Event::GoldenPasses => 2,
            _ => 1,
        };
        let mut settings = settings(folder, slots);
        settings.line = match self.cause.event {
            Event::ThreeFailed | Event::NewLotFails => LineRules::default(),
            _ => LineRules::NEVER,
        };
        match self.cause.event {
            Event::FailedOften => settings.line.retest_limit = Some(2),
            Event::GoldenPasses => {
                settings.golden = GoldenBoards::new(vec![GoldenBoard {
                    mac: BoardSpec::esp32(GOLDEN).mac,
                    expect: Golden::Bad,
                    name: None,
                }]);
            }
            _ => {}
        }
        for slot in &mut settings.slots {
            if self.cause.fixture == Fixture::Hub {
                slot.place = Place::Usb(Doors::place(slot.name.as_str()));
            }
        }
        let slot = &mut settings.slots[0];
        slot.baud_ceiling = self.baud_ceiling;
        slot.start = match self.cause.fixture {
            Fixture::Plugged | Fixture::Hub => Start::Plug,
            Fixture::Jig => Start::Request,
            Fixture::ScannedJig => Start::Scan,
        };
        if self.cause.wrong_path {
            slot.place = Place::Path(SimPorts::path(WRONG));
        }
        settings.ports.busy = Duration::ZERO;
        settings.manifest_looks = Duration::from_millis(10);
        match self.cause.event {
            Event::SwappedInMidWrite => settings.grace = Duration::from_secs(5),
            // whether ports went together is known after 0.4 s
            Event::HubFails => settings.grace = Duration::from_secs(1),
            // for a hand that scans and plugs
            Event::LabelWithoutBoard => settings.scan.pair = Duration::from_secs(2),
            _ => {}
        }
        if self.cause.tempo != Tempo::Quick {
            settings.attempts = 1;
        }
        if let Some(disk) = &self.disk {
            settings.disk_reserve_bytes = disk.reserve_bytes;
        }
        settings
    }

    async fn start(&mut self, folder: tempfile::TempDir) {
        let settings = self.settings(folder.path());
        let by = Who::new("mei", self.role);
        let doors = Arc::new(self.doors.clone());
        let boards = self.boards().clone();
        self.line = Some(Line::start(folder, settings, by, boards, doors).await);
    }

    /// Ends the station and starts it again, as after a change of station.toml.
    async fn restart(&mut self) {
        let folder = self.line.take().unwrap().leave().await;
        self.start(folder).await;
    }

    /// The board as the line sees it now: with its seat's and its cable's faults.
    fn dressed(&self, pace: Pace) -> BoardSpec {
        let mut spec = self.cause.board.clone().pace(pace);
        spec.faults.extend(self.cause.cable.clone());
        match &self.cause.seat {
            Some(Spoilt::Board(fault)) => spec.faults.push(fault.clone()),
            Some(Spoilt::App(console)) => spec.console = console.clone(),
            None => {}
        }
        if let Some(board) = &self.board {
            spec.contents = Contents::Holds(board.flash().into());
        }
        spec
    }

    /// What is in the slot's place before its board is.
    fn empty_socket() -> BoardSpec {
        BoardSpec::esp32(99)
            .pace(Pace::Unpaced)
            .fault(Fault::Silent)
    }

    /// Plugs the board, and on a hub its neighbour.
    async fn plug(&mut self) {
        // to be at work both when the hub fails
        let pace = match self.hub_is_weak {
            true => Pace::Real,
            false => Pace::Unpaced,
        };
        let board = self.boards().plug(SLOT, self.dressed(pace));
        if self.cause.fixture == Fixture::Hub {
            let neighbour = BoardSpec::esp32(2).pace(pace);
            self.neighbour = Some(self.boards().plug("2", neighbour));
        }
        if let Some(neighbour) = self.neighbour.as_ref().filter(|_| self.hub_is_weak) {
            let writes = |board: &BoardState| board.bytes_written > 0;
            tokio::join!(board.wait_until(writes), neighbour.wait_until(writes));
            neighbour.pull();
            board.pull();
        }
        self.board = Some(board);
    }

    /// Puts the board into its jig and starts it.
    async fn put_in(&mut self) -> After {
        let spec = self.dressed(Pace::Unpaced);
        self.board.as_ref().unwrap().exchange(spec);
        self.begin().await
    }

    async fn scan(&mut self) -> bool {
        let (text, slot) = (LABEL.to_owned(), None);
        self.ask(Role::Operator, Ask::Scan { text, slot }).await
    }

    async fn begin(&mut self) -> After {
        let (slot, serial) = (SlotId::new(SLOT), None);
        let begun = match self.cause.fixture {
            Fixture::ScannedJig => self.scan().await,
            _ => self.ask(Role::Operator, Ask::Start { slot, serial }).await,
        };
        match begun {
            true => self.ends().await,
            false => After::Nothing,
        }
    }

    /// Whether it was granted.
    async fn ask(&mut self, role: Role, ask: Ask) -> bool {
        let asker = self.line().station.asker(Who::new("li", role));
        let warrant = Some(by_login("as the advice says"));
        asker
            .ask_with(ask, warrant)
            .await
            .unwrap()
            .await
            .unwrap()
            .is_ok()
    }

    /// What the slot shows once it has come to an end of something new.
    async fn ends(&mut self) -> After {
        let seen = self.seen;
        let snapshot = self
            .line()
            .wait(|snapshot| match state(snapshot, SLOT) {
                SlotState::Done(result) => Some(result.job) != seen,
                SlotState::Blocked { .. } => true,
                SlotState::Waiting(waiting) => *waiting == Waiting::PresentAtStart,
                _ => false,
            })
            .await;
        match state(&snapshot, SLOT) {
            SlotState::Done(result) => {
                self.seen = Some(result.job);
                match (result.outcome, result.code) {
                    (Outcome::Pass, None) => {
                        self.must_hold_the_firmware();
                        self.counts()
                    }
                    (_, Some(code)) => After::Shows(code),
                    other => panic!("{other:?}"),
                }
            }
            SlotState::Blocked { code } => After::Shows(*code),
            _ => After::Nothing,
        }
    }

    /// A board whose label was scanned is that label's from then on.
    fn counts(&self) -> After {
        let rows = self.rows();
        let serial = rows.last().and_then(|row| row.serial.as_ref());
        let is_its = serial.is_some_and(|serial| serial.to_string() == LABEL);
        match self.cause.event == Event::LabelWithoutBoard && !is_its {
            true => After::Nothing,
            false => After::Helped,
        }
    }

    fn rows(&self) -> Vec<JobRow> {
        let folder = &self.line.as_ref().unwrap().folder;
        let reader = Reader::open(&folder.path().join("line.db")).unwrap();
        reader.jobs(Since::default()).unwrap()
    }

    fn must_hold_the_firmware(&self) {
        let flash = self.board.as_ref().unwrap().flash();
        for (offset, bytes) in product::flash_image() {
            let range = offset as usize..offset as usize + bytes.len();
            assert!(flash[range] == bytes[..], "PASS and wrong at {offset:#x}");
        }
    }

    async fn pull(&mut self) {
        for board in self.board.iter().chain(&self.neighbour) {
            board.pull();
        }
        self.line()
            .wait(|snapshot| match state(snapshot, SLOT) {
                SlotState::Done(result) => !result.present,
                SlotState::Empty => true,
                _ => false,
            })
            .await;
    }

    /// Takes the board (or the adapter) out and plugs it again.
    async fn plug_again(&mut self) -> After {
        self.pull().await;
        self.cause.seat = None;
        self.doors.mend(Shut::HungUp);
        self.plug().await;
        self.ends().await
    }

    /// Whether the slot shows this code, and its words; of a job that an earlier run left open, the record.
    pub fn shows(&self, code: Code) -> bool {
        let line = self.line.as_ref().unwrap();
        let snapshot = line.station.snapshots.borrow().clone();
        let is_orphan = |notice: &Notice| matches!(notice.what, Happening::ScanOrphan { .. });
        let shown = match state(&snapshot, SLOT) {
            _ if said(&snapshot, is_orphan) => Some(Code::ScanOrphan),
            SlotState::Done(result) => result.code,
            SlotState::Blocked { code } => Some(*code),
            SlotState::Waiting(Waiting::PresentAtStart) => {
                let rows = self.rows();
                return rows.last().is_some_and(|row| row.code == Some(code));
            }
            _ => None,
        };
        // in the slot's row, or for the whole line
        let notices = snapshot.notices.iter();
        let told = notices.map(|notice| lang::notice(notice, Language::English));
        let told: String = told
            .chain([closing_table(&snapshot, &Options::from_env())])
            .collect();
        shown == Some(code) && told.contains(code.word())
    }

    /// Whether this can be done here at all.
    fn is_possible(&self, remedy: Remedy) -> bool {
        let is_empty = self.cause.event == Event::JigIsEmpty
            && self
                .board
                .as_ref()
                .is_none_or(|board| board.state().bytes_written == 0);
        match remedy {
            Remedy::PutBoardIn => self.is_jig() && is_empty,
            Remedy::SeatAnew => self.is_jig() && !is_empty,
            // that another board passes says nothing of this one
            Remedy::NextBoard => self.cause.event == Event::StaysInJig,
            Remedy::PlugAgain | Remedy::ChangeCable | Remedy::ChangeAdapter => !self.is_jig(),
            Remedy::CorrectPath | Remedy::GrantAccess | Remedy::LowerCeiling => {
                match self.cause.event {
                    // it would not start
                    Event::DatabaseIsLocked | Event::DiskFills => false,
                    // a start forgets a twin that stays in its slot, and nobody reads it again
                    Event::TwinIsThere => false,
                    _ => true,
                }
            }
            _ => true,
        }
    }

    /// Does it, as the sentence says, and tells what came of it.
    pub async fn apply(&mut self, remedy: Remedy) -> After {
        if !self.is_possible(remedy) {
            return After::Nothing;
        }
        match remedy {
            Remedy::PlugAgain => self.plug_again().await,
            Remedy::PutBoardIn => self.put_in().await,
            Remedy::SeatAnew => {
                self.cause.seat = None;
                self.put_in().await
            }
            Remedy::NextBoard => {
                self.cause.board = BoardSpec::esp32(50);
                let next = BoardSpec::esp32(50).pace(Pace::Unpaced);
                self.board.as_ref().unwrap().exchange(next);
                self.begin().await
            }
            Remedy::ChangeCable => {
                self.cause.cable = None;
                self.doors.mend(Shut::Broken);
                self.plug_again().await
            }
            Remedy::ChangeAdapter => {
                self.doors.speed_up();
                self.plug_again().await
            }
            Remedy::ConnectAdapter => {
                if self.cause.shut != Some(Shut::Off) || self.cause.wrong_path {
                    return After::Nothing;
                }
                self.doors.mend(Shut::Off);
                self.begin().await
            }
            Remedy::CorrectPath => {
                let was_wrong = std::mem::take(&mut self.cause.wrong_path);
                self.after_restart(was_wrong).await
            }
            Remedy::LowerCeiling => {
                self.baud_ceiling = Some(460_800);
                self.after_restart(true).await
            }
            Remedy::GrantAccess => {
                self.doors.mend(Shut::Forbidden);
                self.after_restart(self.cause.shut == Some(Shut::Forbidden))
                    .await
            }
            Remedy::CloseProgram => {
                self.doors.mend(Shut::Taken);
                After::Nothing
            }
            Remedy::PowerHub => {
                self.hub_is_weak = false;
                After::Nothing
            }
            Remedy::SetSlotFree => {
                let slot = SlotId::new(SLOT);
                self.supervise(Ask::FreeSlot { slot }).await
            }
            Remedy::LetLineGoOn => self.supervise(Ask::FreeLine).await,
            Remedy::Approve => {
                let snapshot = self.line().station.snapshots.borrow().clone();
                match &snapshot.bundles[0].on_disk {
                    OnDisk::Changed { bundle, .. } => {
                        let bundle = bundle.to_string();
                        self.supervise(Ask::TakeBundle { bundle }).await
                    }
                    _ => After::Nothing,
                }
            }
            Remedy::MendDatabase => {
                let Some(other) = self.other_program.take() else {
                    return After::Nothing;
                };
                other.close().unwrap();
                self.goes_on().await
            }
            Remedy::MakeRoom => match &self.disk {
                Some(disk) => {
                    fs::remove_file(&disk.filler).unwrap();
                    self.goes_on().await
                }
                None => After::Nothing,
            },
            Remedy::ScanAgain => {
                if self.cause.event != Event::LabelWithoutBoard {
                    return After::Nothing;
                }
                self.pull().await;
                assert!(self.scan().await);
                self.plug().await;
                self.ends().await
            }
            Remedy::AllowRetest => {
                let Some(unit) = self.board.as_ref().map(|board| board.mac().into()) else {
                    return After::Nothing;
                };
                match self.ask(Role::Supervisor, Ask::AllowRetest { unit }).await {
                    true => self.plug_again().await,
                    false => After::Nothing,
                }
            }
            Remedy::Into(bin) => match self.bin() {
                Some(right) if right == bin => After::Helped,
                _ => After::Nothing,
            },
        }
    }

    fn bin(&self) -> Option<Bin> {
        self.cause.bin()
    }

    /// A supervisor asks; what waited for it goes on by itself.
    async fn supervise(&mut self, ask: Ask) -> After {
        match self.ask(Role::Supervisor, ask).await {
            true => self.goes_on().await,
            false => After::Nothing,
        }
    }

    /// What was blocked is so no more.
    async fn goes_on(&mut self) -> After {
        let blocked = |state: &SlotState| matches!(state, SlotState::Blocked { .. });
        self.line()
            .wait(|snapshot| !blocked(state(snapshot, SLOT)))
            .await;
        self.ends().await
    }

    /// Restarts, and does what the slot then says to the board that was there before.
    async fn after_restart(&mut self, wanted: bool) -> After {
        if !wanted {
            return After::Nothing;
        }
        self.restart().await;
        if self.is_jig() {
            return self.begin().await;
        }
        self.plug_again().await
    }

    /// Lets it happen.
    async fn strike(&mut self) {
        let folder = match self.cause.event {
            Event::DiskFills => tempfile::tempdir_in("/dev/shm").unwrap(),
            _ => tempfile::tempdir().unwrap(),
        };
        if self.cause.event == Event::DiskFills {
            self.disk = Some(FullDisk::new(folder.path()).await);
        }
        write_product(folder.path(), self.cause.product, self.cause.manifest);
        if self.cause.event == Event::FilesChange {
            let app = sample::app(Chip::Esp32, product::APP_BYTES, 2);
            fs::write(folder.path().join("app.bin"), app).unwrap();
        }
        if self.is_jig() {
            self.board = Some(self.boards().plug(SLOT, World::empty_socket()));
        }
        if self.cause.wrong_path {
            self.boards().plug(WRONG, World::empty_socket());
        }
        if self.cause.event == Event::Killed {
            killed::leave_half_a_job_in(folder.path());
            self.plug().await;
        }
        self.start(folder).await;
        match self.cause.event {
            Event::Comes => self.come().await,
            Event::Killed => {
                self.ends().await;
            }
            Event::TwinIsThere => {
                let twin = self.cause.board.clone().pace(Pace::Unpaced);
                self.boards().plug("2", twin);
                assert_eq!(self.line().result("2").await, (Outcome::Pass, None));
                self.come().await
            }
            Event::PulledInMidWrite => {
                self.plug().await;
                let board = self.board.as_ref().unwrap();
                board.pull_when(|board| board.bytes_written > 0x4000);
                self.ends().await;
            }
            Event::SwappedInMidWrite => {
                let spec = self.dressed(Pace::Real);
                let board = self.boards().plug(SLOT, spec);
                board.wait_until(|board| board.bytes_written > 0x4000).await;
                board.pull();
                // at its own pace: no board is faster than the news that it came
                let other = BoardSpec::esp32(2).pace(Pace::Real);
                self.neighbour = Some(self.boards().plug(SLOT, other));
                self.board = Some(board);
                self.ends().await;
                // it is in the slot for the first one
                self.neighbour.take().unwrap().pull();
            }
            Event::StoppedInMidWrite => self.stop_when(|board| board.bytes_written > 0).await,
            Event::StoppedInErase => self.stop_when(|board| board.bytes_erased > 0).await,
            Event::JigIsEmpty => {
                self.begin().await;
            }
            Event::StaysInJig => {
                assert_eq!(self.put_in().await, After::Helped);
                self.begin().await;
            }
            Event::HubFails => self.come().await,
            Event::ThreeFailed => {
                for number in 2..=4 {
                    let mut spec = BoardSpec::esp32(number).pace(Pace::Unpaced);
                    spec.faults.extend(self.cause.cable.clone());
                    self.board = Some(self.boards().plug(SLOT, spec));
                    self.ends().await;
                    self.pull().await;
                }
                self.board = None;
                self.come().await
            }
            Event::NewLotFails => {
                for number in 2..=4 {
                    let slot = number.to_string();
                    let spec = BoardSpec::esp32(number).chip(Chip::Esp32C3);
                    self.boards().plug(&slot, spec.pace(Pace::Unpaced));
                    self.line().result(&slot).await;
                }
                self.come().await
            }
            Event::FilesChange => {
                let folder = self.line.take().unwrap().leave().await;
                let app = sample::app(Chip::Esp32, product::APP_BYTES, 1);
                fs::write(folder.path().join("app.bin"), app).unwrap();
                self.role = Role::Operator;
                self.start(folder).await;
                self.come().await
            }
            Event::DatabaseIsLocked => {
                let database = self.line().folder.path().join("line.db");
                let other = rusqlite::Connection::open(database).unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                self.other_program = Some(other);
                self.come().await
            }
            Event::FailedOften => {
                for _ in 0..2 {
                    let spec = self.cause.board.clone().pace(Pace::Unpaced);
                    let fails = spec.fault(Fault::WriteProtected);
                    self.board = Some(self.boards().plug(SLOT, fails));
                    assert_eq!(self.ends().await, After::Shows(Code::FlashWrite));
                    self.pull().await;
                }
                self.come().await
            }
            Event::PassedBefore => {
                self.plug().await;
                assert_eq!(self.ends().await, After::Helped);
                self.pull().await;
                self.come().await
            }
            Event::GoldenPasses => {
                let golden = BoardSpec::esp32(GOLDEN).pace(Pace::Unpaced);
                self.boards().plug("2", golden);
                let escaped = (Outcome::Error, Some(Code::GoldenEscaped));
                assert_eq!(self.line().result("2").await, escaped);
                self.come().await
            }
            Event::LabelWithoutBoard => {
                assert!(self.scan().await);
                let is_orphan =
                    |notice: &Notice| matches!(notice.what, Happening::ScanOrphan { .. });
                self.line().wait(|snapshot| said(snapshot, is_orphan)).await;
            }
            Event::DiskFills => {
                self.disk.as_ref().unwrap().fill();
                let stopped = |snapshot: &flashline::station::Snapshot| {
                    matches!(snapshot.line, flashline::station::LineState::Stopped { .. })
                };
                self.line().wait(stopped).await;
                self.come().await
            }
        }
    }

    /// The board comes to its slot, or into its jig.
    async fn come(&mut self) {
        if self.is_jig() {
            self.put_in().await;
        } else if self.cause.wrong_path {
            self.boards().plug(WRONG, World::empty_socket());
            self.ends().await;
            self.board = Some(self.boards().plug(SLOT, self.dressed(Pace::Unpaced)));
        } else {
            self.plug().await;
            self.ends().await;
        }
    }

    /// At the pace of real parts, so that it is at work when it is stopped.
    async fn stop_when(&mut self, when: impl Fn(&BoardState) -> bool) {
        let mut spec = self.dressed(Pace::Real);
        spec.contents = Contents::Used;
        let board = self.boards().plug(SLOT, spec);
        board.wait_until(when).await;
        self.board = Some(board);
        let slot = SlotId::new(SLOT);
        assert!(self.ask(Role::Operator, Ask::StopJob { slot }).await);
        self.ends().await;
    }

    pub async fn end(self) {
        if let Some(line) = self.line {
            line.leave().await;
        }
    }
}

impl FullDisk {
    async fn new(folder: &std::path::Path) -> FullDisk {
        let turn = tokio::task::spawn_blocking(|| {
            let path = std::env::temp_dir().join("flashline-test-of-a-full-disk");
            let file = File::create(path).unwrap();
            file.lock().unwrap();
            file
        });
        let turn = turn.await.unwrap();
        let disk = rustix::fs::statvfs(folder).unwrap();
        FullDisk {
            filler: folder.join("filler"),
            // the reserve leaves as much as that, and the filler takes twice as much
            reserve_bytes: (disk.f_bavail * disk.f_frsize)
                .checked_sub(2 * RESERVE_BYTES)
                .expect("/dev/shm has too little room for this test: give it 256 MiB")
                + RESERVE_BYTES,
            _turn: turn,
        }
    }

    fn fill(&self) {
        let file = File::create(&self.filler).unwrap();
        let flags = rustix::fs::FallocateFlags::empty();
        rustix::fs::fallocate(&file, flags, 0, 2 * RESERVE_BYTES).unwrap();
    }
}

fn write_product(folder: &std::path::Path, which: Product, more: &str) {
    let path = product::write_with(folder, more);
    let text = fs::read_to_string(&path).unwrap();
    match which {
        Product::Thermostat => {}
        Product::OneRate => {
            let text = text.replace("[921600, 460800, 115200]", "[921600]");
            fs::write(path, text).unwrap();
        }
        Product::Hidden => {
            let chip = Chip::Esp32C3;
            let said = "chip = \"esp32c3\"\nsecure_download = \"allow\"\nflash.size = \"4MB\"";
            let text = text
                .replace("chip = \"esp32\"", said)
                .replace("offset = 0x1000\n", "offset = 0x0\n");
            fs::write(path, text).unwrap();
            fs::write(folder.join("bootloader.bin"), sample::bootloader(chip)).unwrap();
            let app = sample::app(chip, product::APP_BYTES, 1);
            fs::write(folder.join("app.bin"), app).unwrap();
        }
    }
}
