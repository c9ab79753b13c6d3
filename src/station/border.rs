//! What faces are given, and what they may ask.

use std::sync::Arc;
use std::time::Duration;

use crate::chip::Identity;
use crate::event::{Code, JobId, Notice, Outcome, Progress, Serial, SlotId, Unit, Waiting};
use crate::job::Measurement;
use crate::record::Standing;

/// The station at a moment. Parts that did not change are shared with the snapshot before.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub at: jiff::Timestamp,
    pub station: Arc<str>,
    pub product: Arc<str>,
    pub version: Arc<str>,
    /// The first 12 hex digits of the bundle's digest.
    pub bundle: Arc<str>,
    pub line: LineState,
    /// In the station file's order.
    pub slots: Vec<Arc<SlotView>>,
    pub unassigned: Arc<[PortView]>,
    pub standing: Arc<Standing>,
    /// The newest notices, oldest first, numbered: a face knows when it missed some.
    pub notices: Arc<[Arc<Notice>]>,
}

impl Snapshot {
    /// Whether a face would draw the same, the time of day aside. Cheap: parts that did not change are
    /// shared.
    pub fn shows_the_same(&self, other: &Snapshot) -> bool {
        self.line == other.line
            && self.slots.len() == other.slots.len()
            && self
                .slots
                .iter()
                .zip(&other.slots)
                .all(|(one, two)| Arc::ptr_eq(one, two))
            && Arc::ptr_eq(&self.unassigned, &other.unassigned)
            && Arc::ptr_eq(&self.standing, &other.standing)
            && Arc::ptr_eq(&self.notices, &other.notices)
    }
}

/// Whether boards are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineState {
    Running,
    /// No job starts until the cause is gone.
    Stopped {
        code: Code,
        detail: String,
    },
    /// The program is ending.
    Ending,
}

/// A port that belongs to no slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortView {
    pub port: String,
    pub why: String,
}

/// One slot.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotView {
    pub slot: SlotId,
    /// The place: configured path or USB path.
    pub place: String,
    pub state: SlotState,
    /// When this state began.
    pub since: jiff::Timestamp,
}

/// What a slot is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotState {
    /// No board, no result yet.
    Empty,
    /// A board is there and is not worked on.
    Waiting(Waiting),
    /// A board came and has not been there long enough.
    Settling,
    Working(BoardView),
    /// The verdict is being committed: nothing is shown before that.
    Recording(BoardView),
    /// The result of the last board; it stays until the next one.
    Done(ResultView),
    /// Another program works on the slot's port by hand; no job starts until it is through.
    Held {
        /// Command and process.
        by: Arc<str>,
    },
    /// The slot has a board and cannot work on it (the line is stopped).
    Blocked {
        code: Code,
    },
}

/// A board being worked on.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardView {
    pub job: JobId,
    pub started: jiff::Timestamp,
    pub identity: Option<Arc<Identity>>,
    pub progress: Progress,
    /// The port is lost and may come back.
    pub lost: bool,
}

/// A committed result.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultView {
    pub job: JobId,
    pub outcome: Outcome,
    pub code: Option<Code>,
    pub detail: String,
    pub unit: Option<Unit>,
    pub attempts: u32,
    pub retries: u32,
    pub took: Duration,
    /// What its app told of itself, in the order it came.
    pub measurements: Arc<[Measurement]>,
    /// The board is still in the slot.
    pub present: bool,
}

/// What a face may ask; each with a place for the answer.
#[derive(Debug)]
pub enum Request {
    /// Work on the board that is in this slot, whose label says `serial` where someone read it.
    Start {
        slot: SlotId,
        serial: Option<Serial>,
        answer: tokio::sync::oneshot::Sender<Result<(), RequestRefused>>,
    },
    /// Stop the job on this slot at a safe point.
    Stop {
        slot: SlotId,
        answer: tokio::sync::oneshot::Sender<Result<(), RequestRefused>>,
    },
    /// Stop everything and end.
    Shutdown,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestRefused {
    #[error("there is no slot {0}")]
    NoSuchSlot(SlotId),
    #[error("slot {0} has no board")]
    NoBoard(SlotId),
    #[error("slot {0} is already at work")]
    AtWork(SlotId),
    #[error("slot {slot} is held by {by}")]
    Held { slot: SlotId, by: Arc<str> },
    #[error("nothing is running on slot {0}")]
    Idle(SlotId),
    #[error("the line is stopped: {0}")]
    LineStopped(String),
}
