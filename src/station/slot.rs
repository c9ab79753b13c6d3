//! One slot's state, and what it looks like from outside. Leaves out every decision: those are the
//! dispatcher's.

use std::sync::Arc;
use std::time::Instant;

use super::switch::{Contact, Switch, SwitchInput};
use super::{BoardView, Question, ResultView, SlotOut, SlotState, SlotView};
use crate::chip::Identity;
use crate::event::{Code, JobId, LotName, Progress, Serial, SlotId, Step, Unit, UsbHub, Waiting};
use crate::job::{Silence, Verdict};
use crate::plan::Planner;
use crate::port::PortInfo;
use crate::settings::{Place, SlotSettings, Start};

/// A moment on both clocks: the one that only counts up, and the wall's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub steady: Instant,
    pub wall: jiff::Timestamp,
}

/// What a slot is doing.
#[derive(Debug)]
pub enum Phase {
    /// Nothing: the last board's result stays on show.
    Idle,
    /// A board is there and nobody asked for it.
    Waiting(Waiting),
    /// A board has just come; `serial` where someone named it before.
    Settling {
        until: Instant,
        serial: Option<Serial>,
    },
    /// A board is ready, and its slot or the line takes none.
    Blocked { why: Block, serial: Option<Serial> },
    /// Another program works on the port by hand.
    Held { by: Arc<str>, after: AfterHold },
    /// The job's row is being committed.
    Opening(Running),
    /// The job is at work.
    Working(Running),
    /// The verdict is being committed; `next` tells whether another board came meanwhile.
    Recording {
        running: Running,
        verdict: Box<Verdict>,
        commit: Commit,
        next: Next,
    },
}

/// Why a board that is ready is not begun with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// The record cannot be written, or failures took the slot or the line out of service.
    Code(Code),
    /// It begins by itself when that is over.
    Waits(Waiting),
}

/// Where a slot goes on once it is no longer held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterHold {
    /// As before: the last result, if there is one.
    Idle,
    Waiting(Waiting),
    /// A board came that nobody has worked on; `serial` as it was started with.
    Arrived {
        serial: Option<Serial>,
    },
}

/// Whether a verdict's commit is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    UnderWay,
    Failed,
}

/// Whether a board came while the one before it was being recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    None,
    Arrived,
}

/// A job under way.
#[derive(Debug, Clone)]
pub struct Running {
    pub job: JobId,
    /// Typed or scanned.
    pub serial: Option<Serial>,
    /// The lot that its board counts for.
    pub lot: Option<LotName>,
    /// What its board gets, whatever the disk holds by now.
    pub planner: Arc<Planner>,
    /// That one's product and version.
    pub product: Arc<str>,
    pub began: Now,
    pub identity: Option<Arc<Identity>>,
    pub progress: Progress,
    /// When the step of `progress` began, and how many of its bytes were done then.
    pub step_began: jiff::Timestamp,
    pub step_from_bytes: u64,
    pub lost: bool,
    /// The port's device has gone since the job last moved.
    pub left: bool,
    /// The port was lost together with all others of this hub.
    pub hub_lost: Option<Arc<UsbHub>>,
    /// What it waits to be told.
    pub asks: Option<Question>,
}

/// A job's progress at its start.
pub const BEGUN: Progress = Progress {
    step: Step::Connect,
    attempt: 1,
    done_bytes: 0,
    total_bytes: 0,
    baud: 0,
    retries: 0,
};

impl Running {
    pub fn new(
        job: JobId,
        serial: Option<Serial>,
        planner: Arc<Planner>,
        product: Arc<str>,
        began: Now,
    ) -> Running {
        Running {
            job,
            serial,
            lot: None,
            planner,
            product,
            began,
            identity: None,
            progress: BEGUN,
            step_began: began.wall,
            step_from_bytes: 0,
            lost: false,
            left: false,
            hub_lost: None,
            asks: None,
        }
    }

    fn view(&self) -> BoardView {
        BoardView {
            job: self.job,
            started: self.began.wall,
            serial: self.serial.clone(),
            identity: self.identity.clone(),
            progress: self.progress,
            step_began: self.step_began,
            step_from_bytes: self.step_from_bytes,
            lost: self.lost,
            asks: self.asks.clone(),
        }
    }
}

/// A jig's adapter that stays plugged in: what probing has found.
#[derive(Debug)]
pub struct Probing {
    /// Whether an answer starts a job: only after a silence, so that one board is one job.
    pub arming: Arming,
    /// Silent probes in a row.
    pub silences: u32,
    pub next: ProbeDue,
}

/// Whether the next answer is a new board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arming {
    /// Not probed yet: an answer now is a board that was there before the start.
    Unknown,
    /// The board that was worked on (or refused) has not left.
    SameBoard,
    /// Silence was heard: an answer is a new board.
    Armed,
}

/// When the next probe is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeDue {
    At(Instant),
    UnderWay,
}

/// One slot of the bench.
#[derive(Debug)]
pub struct Slot {
    pub settings: SlotSettings,
    /// Which of the station's manifests it flashes.
    pub manifest: usize,
    /// That one's product and version.
    pub product: Arc<str>,
    /// The port at the slot now.
    pub present: Option<PortInfo>,
    pub phase: Phase,
    pub since: jiff::Timestamp,
    /// The last committed result.
    pub result: Option<ResultView>,
    pub probing: Option<Probing>,
    /// What starts it, where a switch does.
    pub switch: Option<Switch>,
    /// The unit that it is through with, by this bundle's digest, and that was not seen leaving.
    pub through_with: Option<(Unit, [u8; 32])>,
    /// The port that came last is the chip's own USB.
    pub own_usb: bool,
    /// On a chip's own USB: that its board starts anew is no other board.
    pub restart: Option<Restart>,
    view: Option<Arc<SlotView>>,
}

/// A board on its own USB whose job has just ended: its reset takes the port off the bus for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// The port may go by itself until then; no hand is that quick.
    Due { until: Instant },
    /// It went, and is the same board when it is back by then.
    Away { until: Instant },
}

impl Slot {
    pub fn new(settings: SlotSettings, now: Now) -> Slot {
        let probing = (settings.start == Start::Probe).then_some(Probing {
            arming: Arming::Unknown,
            silences: 0,
            next: ProbeDue::At(now.steady),
        });
        let switch = SwitchInput::of(settings.start).map(|input| Switch::new(input, now.steady));
        Slot {
            settings,
            manifest: 0,
            product: "".into(),
            present: None,
            phase: Phase::Idle,
            since: now.wall,
            result: None,
            probing,
            switch,
            through_with: None,
            own_usb: false,
            restart: None,
            view: None,
        }
    }

    pub fn id(&self) -> &SlotId {
        &self.settings.name
    }

    /// Whether the port is off the bus because its board starts anew.
    pub fn is_restarting(&self) -> bool {
        matches!(self.restart, Some(Restart::Away { .. }))
    }

    pub fn enter(&mut self, phase: Phase, now: Now) {
        self.phase = phase;
        self.since = now.wall;
    }

    /// Whether nothing of this slot is under way.
    pub fn is_quiet(&self) -> bool {
        !matches!(
            self.phase,
            Phase::Opening(_) | Phase::Working(_) | Phase::Recording { .. }
        )
    }

    /// The job of its board, from its beginning until its end is on record.
    pub fn at_work(&self) -> Option<&Running> {
        match &self.phase {
            Phase::Opening(running)
            | Phase::Working(running)
            | Phase::Recording { running, .. } => Some(running),
            _ => None,
        }
    }

    /// What it means that nothing in it answers: a port that came with the board, or a closed switch,
    /// tells that one is there.
    pub fn silence(&self) -> Silence {
        match self.settings.start {
            Start::Plug => Silence::BadBoard,
            Start::Cts | Start::Dsr if self.switch_reads() == Some(Contact::Closed) => {
                Silence::BadBoard
            }
            Start::Probe | Start::Request | Start::Scan | Start::Cts | Start::Dsr => {
                Silence::NoBoard
            }
        }
    }

    /// How its switch reads; `None` where it has none, or it is not known.
    pub fn switch_reads(&self) -> Option<Contact> {
        self.switch.as_ref().and_then(Switch::reads)
    }

    /// Whether it is seen when the board leaves.
    pub fn sees_removal(&self) -> bool {
        match self.settings.start {
            Start::Plug | Start::Probe | Start::Cts | Start::Dsr => true,
            Start::Request | Start::Scan => false,
        }
    }

    /// Whether the result on show is that of the board that is in it.
    pub fn shows_its_board(&self) -> bool {
        self.result.as_ref().is_some_and(|result| result.present)
    }

    /// The place in words.
    pub fn place(&self) -> String {
        place_words(&self.settings.place)
    }

    /// What faces see; the same `Arc` as before where nothing changed. `station`: the product and version
    /// that need no word; `out`: why it takes no more boards.
    pub fn view(&mut self, station: &Arc<str>, out: Option<SlotOut>) -> Arc<SlotView> {
        let product = match &self.phase {
            Phase::Opening(running)
            | Phase::Working(running)
            | Phase::Recording { running, .. } => &running.product,
            _ => &self.product,
        };
        let fresh = SlotView {
            slot: self.id().clone(),
            place: self.place(),
            seat: self.settings.seat,
            product: (product != station).then(|| product.clone()),
            state: self.state(),
            out,
            since: self.since,
        };
        match &self.view {
            Some(old) if **old == fresh => old.clone(),
            _ => {
                let fresh = Arc::new(fresh);
                self.view = Some(fresh.clone());
                fresh
            }
        }
    }

    fn state(&self) -> SlotState {
        match &self.phase {
            Phase::Idle => match &self.result {
                Some(result) => SlotState::Done(result.clone()),
                None => SlotState::Empty,
            },
            Phase::Waiting(why) => SlotState::Waiting(*why),
            Phase::Settling { .. } => SlotState::Settling,
            Phase::Held { by, .. } => SlotState::Held { by: by.clone() },
            Phase::Blocked { why, .. } => match why {
                Block::Code(code) => SlotState::Blocked { code: *code },
                Block::Waits(why) => SlotState::Waiting(*why),
            },
            Phase::Opening(running) | Phase::Working(running) => SlotState::Working(running.view()),
            Phase::Recording { running, .. } => SlotState::Recording(running.view()),
        }
    }
}

/// A place in words: the configured path, or the USB path.
pub fn place_words(place: &Place) -> String {
    match place {
        Place::Path(path) => path.display().to_string(),
        Place::Usb(usb_path) => usb_path.to_string(),
    }
}
