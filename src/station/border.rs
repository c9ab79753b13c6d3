//! What faces are given, and what they may ask.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::chip::Identity;
use crate::event::{
    Again, Code, JobId, LotName, LotState, Notice, Outcome, Progress, Role, ScanKind, Serial,
    SlotId, Unit, Waiting, Who, spelling,
};
use crate::job::Measurement;
use crate::record::Standing;
use crate::settings::Seat;

/// The station at a moment. Parts that did not change are shared with the snapshot before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(with = "spelling::time")]
    pub at: jiff::Timestamp,
    pub station: Arc<str>,
    /// Of the station's own bundle: what slots flash that name no other manifest.
    pub product: Arc<str>,
    pub version: Arc<str>,
    /// The first 12 hex digits of its digest.
    pub bundle: Arc<str>,
    /// Every bundle at work: the station's first, then those of slots that have one of their own.
    pub bundles: Arc<[BundleView]>,
    pub line: LineState,
    /// In the station file's order.
    pub slots: Vec<Arc<SlotView>>,
    pub unassigned: Arc<[PortView]>,
    pub standing: Arc<Standing>,
    pub at_hand: Arc<AtHand>,
    /// The newest notices, oldest first, numbered: a face knows when it missed some.
    #[serde(skip)]
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
            && Arc::ptr_eq(&self.bundles, &other.bundles)
            && Arc::ptr_eq(&self.unassigned, &other.unassigned)
            && Arc::ptr_eq(&self.standing, &other.standing)
            && Arc::ptr_eq(&self.at_hand, &other.at_hand)
            && Arc::ptr_eq(&self.notices, &other.notices)
    }
}

/// Who works at the bench, what was scanned there, and who can be asked for leave.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AtHand {
    /// Whose badge was scanned last.
    pub operator: Option<Arc<str>>,
    /// A serial number that waits for its board.
    pub scanned: Option<Scanned>,
    /// Who has a PIN, by name.
    pub supervisors: Vec<Arc<str>>,
}

/// A serial number that was scanned before its board came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    pub serial: Serial,
    /// When it is given up (`SCAN_ORPHAN`).
    #[serde(with = "spelling::time")]
    pub until: jiff::Timestamp,
}

/// Whether boards are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    Running,
    /// No job starts until the cause is gone.
    Stopped {
        code: Code,
        detail: String,
    },
    /// No job starts until a supervisor lets the line go on.
    Halted(Halt),
    /// The program is ending.
    Ending,
}

/// Why the line waits for a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// So many slots in a row failed with the same code (`LINE_HALTED`), or a golden board that is known to be
    /// bad passed (`GOLDEN_ESCAPED`).
    Failures { slots: u32, code: Code },
    /// Someone stopped it.
    Asked {
        #[serde(flatten)]
        by: Who,
    },
}

impl Halt {
    /// Whether a golden board that is known to be bad passed.
    pub fn is_escape(&self) -> bool {
        let escaped = Code::GoldenEscaped;
        matches!(self, Halt::Failures { code, .. } if *code == escaped)
    }

    /// The code of what a halted line is, whose advice says what to do.
    pub fn code(&self) -> Code {
        match self.is_escape() {
            true => Code::GoldenEscaped,
            false => Code::LineHalted,
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            halt if halt.is_escape() => {
                f.write_str("a golden board that is known to be bad passed")
            }
            Halt::Failures { slots: 1, code } => write!(f, "a slot failed with {code}"),
            Halt::Failures { slots, code } => {
                write!(f, "{slots} slots in a row failed with {code}")
            }
            Halt::Asked { by } => write!(f, "{by} stopped it"),
        }
    }
}

/// A bundle at work, and what became of its manifest on the disk since it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleView {
    /// Where it was read.
    pub manifest: Arc<str>,
    pub product: Arc<str>,
    pub version: Arc<str>,
    /// The first 12 hex digits of its digest.
    pub bundle: Arc<str>,
    pub on_disk: OnDisk,
}

/// What a manifest on the disk is by now (`MANIFEST_CHANGED_ON_DISK` unless `Same`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDisk {
    /// What is at work.
    Same,
    /// Another bundle, which a supervisor may approve.
    Changed {
        product: Arc<str>,
        version: Arc<str>,
        /// The first 12 hex digits of its digest.
        bundle: Arc<str>,
    },
    /// It cannot be used: the first of its faults.
    Invalid { fault: Arc<str> },
}

/// A port that belongs to no slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortView {
    pub port: String,
    pub why: String,
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotView {
    pub slot: SlotId,
    /// The place: configured path or USB path.
    pub place: String,
    /// Where its tile is.
    pub seat: Option<Seat>,
    /// What it flashes, where that is not the station's product: name and version.
    pub product: Option<Arc<str>>,
    pub state: SlotState,
    /// Why it takes no more boards, whatever it is doing now.
    pub out: Option<SlotOut>,
    /// When this state began.
    #[serde(with = "spelling::time")]
    pub since: jiff::Timestamp,
}

/// Why a slot takes no more boards until a supervisor sets it free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotOut {
    /// It failed so many different boards in a row, the last one with `code` (`SLOT_QUARANTINED`).
    Quarantined { boards: u32, code: Code },
    /// Someone stopped it.
    Stopped {
        #[serde(flatten)]
        by: Who,
    },
}

/// What a slot is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// The slot has a board and cannot work on it: the line is stopped or halted, or the slot is in
    /// quarantine.
    Blocked {
        code: Code,
    },
}

impl SlotState {
    /// The board that has a job.
    pub fn board(&self) -> Option<&BoardView> {
        match self {
            SlotState::Working(board) | SlotState::Recording(board) => Some(board),
            _ => None,
        }
    }
}

/// A board being worked on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardView {
    pub job: JobId,
    #[serde(with = "spelling::time")]
    pub started: jiff::Timestamp,
    /// What its label says, where someone read it.
    #[serde(default)]
    pub serial: Option<Serial>,
    pub identity: Option<Arc<Identity>>,
    pub progress: Progress,
    /// When the step of `progress` began, and how many of its bytes were done then.
    #[serde(with = "spelling::time")]
    pub step_began: jiff::Timestamp,
    pub step_from_bytes: u64,
    /// The port is lost and may come back.
    pub lost: bool,
    /// What the job waits to be told.
    pub asks: Option<Question>,
}

/// What a job waits to be told by someone at the bench.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The board passed with this bundle before and still holds it: flash it again?
    Again {
        #[serde(with = "spelling::time")]
        passed: jiff::Timestamp,
        lot: Option<LotName>,
    },
}

/// A lot as a supervisor enters it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLot {
    pub lot: LotName,
    /// How many good boards it is to have.
    pub target: u64,
    /// The customer's order number.
    #[serde(default)]
    pub order: Option<String>,
    /// Its bundle, which must be at work: the first 12 hex digits of the digest. `None`: the station's.
    #[serde(default)]
    pub bundle: Option<String>,
    /// Whether its first good board waits for a supervisor's approval.
    #[serde(default)]
    pub hold_first_article: bool,
}

/// A supervisor's own number. Never shown, not even by mistake.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pin(pub Arc<str>);

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Pin(…)")
    }
}

/// What a supervisor gives with a request that changes the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SaidWarrant")]
pub struct Warrant {
    /// Why it is done: kept in the record.
    pub why: Arc<str>,
    /// In whose name, and that person's PIN; `None`: in the name of who asks, where that is a supervisor.
    #[serde(flatten)]
    pub pin: Option<NamedPin>,
}

/// A warrant as it is written: a name without a PIN must not pass for nobody's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidWarrant {
    why: Arc<str>,
    supervisor: Option<Arc<str>>,
    pin: Option<Pin>,
}

impl TryFrom<SaidWarrant> for Warrant {
    type Error = &'static str;

    fn try_from(said: SaidWarrant) -> Result<Warrant, &'static str> {
        let pin = match (said.supervisor, said.pin) {
            (Some(supervisor), Some(pin)) => Some(NamedPin { supervisor, pin }),
            (None, None) => None,
            _ => return Err("a warrant has `supervisor` and `pin`, or neither"),
        };
        let why = said.why;
        Ok(Warrant { why, pin })
    }
}

/// Someone's name and PIN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedPin {
    pub supervisor: Arc<str>,
    pub pin: Pin,
}

/// A committed result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultView {
    pub job: JobId,
    pub outcome: Outcome,
    pub code: Option<Code>,
    pub detail: String,
    pub unit: Option<Unit>,
    /// What its label says, where someone read it.
    #[serde(default)]
    pub serial: Option<Serial>,
    pub attempts: u32,
    pub retries: u32,
    #[serde(rename = "seconds", with = "spelling::seconds")]
    pub took: Duration,
    /// What its app told of itself, in the order it came.
    pub measurements: Arc<[Measurement]>,
    /// The board is still in the slot.
    pub present: bool,
}

/// What someone asks of the station, with a place for the answer.
#[derive(Debug)]
pub struct Request {
    pub by: Who,
    pub ask: Ask,
    /// What makes it a supervisor's, and why it is asked.
    pub warrant: Option<Warrant>,
    pub answer: oneshot::Sender<Result<(), RequestRefused>>,
}

impl Request {
    /// A request, and where its answer comes.
    pub fn new(by: Who, ask: Ask, warrant: Option<Warrant>) -> (Request, Answer) {
        let (answer, answered) = oneshot::channel();
        let request = Request {
            by,
            ask,
            warrant,
            answer,
        };
        (request, answered)
    }
}

/// The station's queue of requests, in the name of someone. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Asker {
    by: Who,
    requests: mpsc::Sender<Request>,
}

/// The answer to a request; dropped where the station ended first.
pub type Answer = oneshot::Receiver<Result<(), RequestRefused>>;

impl Asker {
    pub fn new(by: Who, requests: mpsc::Sender<Request>) -> Asker {
        Asker { by, requests }
    }

    /// The same queue, in another's name.
    pub fn for_another(&self, by: Who) -> Asker {
        Asker::new(by, self.requests.clone())
    }

    /// In whose name.
    pub fn by(&self) -> &Who {
        &self.by
    }

    /// Asks, waiting for room in the queue; `None` where the station is gone.
    pub async fn ask(&self, ask: Ask) -> Option<Answer> {
        self.ask_with(ask, None).await
    }

    /// Asks with what makes it a supervisor's.
    pub async fn ask_with(&self, ask: Ask, warrant: Option<Warrant>) -> Option<Answer> {
        let (request, answer) = Request::new(self.by.clone(), ask, warrant);
        self.requests.send(request).await.ok()?;
        Some(answer)
    }

    /// Asks if there is room in the queue, with what makes it a supervisor's where it needs to be.
    ///
    /// # Errors
    /// There is none now, or the station is gone.
    pub fn try_ask(&self, ask: Ask, warrant: Option<Warrant>) -> Result<Answer, NotAsked> {
        let (request, answer) = Request::new(self.by.clone(), ask, warrant);
        match self.requests.try_send(request) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => Err(NotAsked::QueueFull),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(NotAsked::StationGone),
        }
    }
}

/// Why nothing was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    #[error("the station has more requests than it can take")]
    QueueFull,
    #[error("the station has ended")]
    StationGone,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Work on the board that is in this slot, whose label says `serial` where someone read it.
    Start {
        slot: SlotId,
        serial: Option<Serial>,
    },
    /// A barcode was read; `slot` is the one that the reader had selected.
    Scan { text: String, slot: Option<SlotId> },
    /// Stop the job on this slot at a safe point.
    StopJob { slot: SlotId },
    /// Give this slot no more boards; one at work is finished.
    StopSlot { slot: SlotId },
    /// Let a stopped or quarantined slot go on.
    FreeSlot { slot: SlotId },
    /// Take no more boards; those at work are finished.
    StopLine,
    /// Let a stopped or halted line go on.
    FreeLine,
    /// Take the bundle whose digest begins with these 12 hex digits, from each slot's next board on.
    TakeBundle { bundle: String },
    /// Enter a lot, which an operator may then start.
    ApproveLot(NewLot),
    /// Work for this lot from now on, for the first time or again after a pause.
    StartLot { lot: LotName },
    /// Begin no more boards for this lot; those at work are finished.
    PauseLot { lot: LotName },
    /// The lot's first good board is as it should be.
    ApproveFirstArticle { lot: LotName },
    /// Close a lot for good.
    EndLot { lot: LotName },
    /// What becomes of the board on this slot, which passed before.
    Decide { slot: SlotId, again: Again },
    /// Give a board that was tried as often as it may be one more try.
    AllowRetest { unit: Unit },
    /// Take an open unit off the list: nobody will finish it.
    WriteOff { unit: Unit },
    /// Stop everything and end.
    Shutdown,
}

impl Ask {
    /// The least role that may ask it.
    pub fn needs(&self) -> Role {
        match self {
            Ask::Start { .. }
            | Ask::Scan { .. }
            | Ask::StopJob { .. }
            | Ask::StopSlot { .. }
            | Ask::StopLine
            | Ask::StartLot { .. }
            | Ask::PauseLot { .. }
            | Ask::Decide { .. }
            | Ask::Shutdown => Role::Operator,
            Ask::FreeSlot { .. }
            | Ask::FreeLine
            | Ask::TakeBundle { .. }
            | Ask::ApproveLot(_)
            | Ask::ApproveFirstArticle { .. }
            | Ask::EndLot { .. }
            | Ask::AllowRetest { .. }
            | Ask::WriteOff { .. } => Role::Supervisor,
        }
    }
}

impl Ask {
    /// Its word on the socket and in the record.
    pub fn word(&self) -> &'static str {
        match self {
            Ask::Start { .. } => "start",
            Ask::Scan { .. } => "scan",
            Ask::StopJob { .. } => "stop_job",
            Ask::StopSlot { .. } => "stop_slot",
            Ask::FreeSlot { .. } => "free_slot",
            Ask::StopLine => "stop_line",
            Ask::FreeLine => "free_line",
            Ask::TakeBundle { .. } => "take_bundle",
            Ask::ApproveLot(_) => "approve_lot",
            Ask::StartLot { .. } => "start_lot",
            Ask::PauseLot { .. } => "pause_lot",
            Ask::ApproveFirstArticle { .. } => "approve_first_article",
            Ask::EndLot { .. } => "end_lot",
            Ask::Decide { .. } => "decide",
            Ask::AllowRetest { .. } => "allow_retest",
            Ask::WriteOff { .. } => "write_off",
            Ask::Shutdown => "shutdown",
        }
    }

    /// The slot, lot, unit or bundle that it is about; `None`: the line, or what was scanned.
    pub fn subject(&self) -> Option<String> {
        match self {
            Ask::Start { slot, .. }
            | Ask::StopJob { slot }
            | Ask::StopSlot { slot }
            | Ask::FreeSlot { slot }
            | Ask::Decide { slot, .. } => Some(slot.to_string()),
            Ask::TakeBundle { bundle } => Some(bundle.clone()),
            Ask::ApproveLot(NewLot { lot, .. })
            | Ask::StartLot { lot }
            | Ask::PauseLot { lot }
            | Ask::ApproveFirstArticle { lot }
            | Ask::EndLot { lot } => Some(lot.to_string()),
            Ask::AllowRetest { unit } | Ask::WriteOff { unit } => Some(unit.to_string()),
            Ask::Scan { .. } | Ask::StopLine | Ask::FreeLine | Ask::Shutdown => None,
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "word", content = "of", rename_all = "snake_case")]
pub enum RequestRefused {
    #[error("there is no slot {0}")]
    NoSuchSlot(SlotId),
    #[error("slot {0} has no board")]
    NoBoard(SlotId),
    #[error("the board that slot {0} is through with is still in it")]
    NotRemoved(SlotId),
    #[error("slot {0} is already at work")]
    AtWork(SlotId),
    #[error("slot {slot} is held by {by}")]
    Held { slot: SlotId, by: Arc<str> },
    #[error("nothing is running on slot {0}")]
    Idle(SlotId),
    #[error("slot {0} takes no boards until a supervisor sets it free")]
    SlotOut(SlotId),
    #[error("slot {slot} takes no boards until a supervisor approves {manifest}, which changed")]
    NotApproved { slot: SlotId, manifest: Arc<str> },
    #[error("slot {0} is in service")]
    SlotRuns(SlotId),
    #[error("the line is stopped: {0}")]
    LineStopped(String),
    #[error("the line is running")]
    LineRuns,
    #[error("several slots wait for a scan: select one, or scan its name first")]
    WhichSlot,
    #[error("{0:?} is no serial number")]
    NotASerial(String),
    #[error("{}", not_scanned_here(.text, .expected))]
    UnknownScan {
        text: String,
        /// What a scan can be at this station.
        expected: Vec<ScanKind>,
    },
    #[error("serial number {serial} is on slot {slot} already")]
    SerialInUse { serial: Serial, slot: SlotId },
    #[error("no manifest on the disk has become bundle {0}")]
    NoSuchBundle(String),
    #[error("no lot can be entered so: {0}")]
    NotALot(String),
    #[error("there is no lot {0}")]
    NoSuchLot(LotName),
    #[error("there is a lot {0} already")]
    LotExists(LotName),
    #[error("{}", not_in_that_state(.lot, .state))]
    LotIs { lot: LotName, state: LotState },
    #[error("lot {running} runs with the same bundle: pause or end it first")]
    LotRuns { running: LotName },
    #[error("lot {lot} is for bundle {bundle}, which is not at work")]
    LotOfOtherBundle { lot: LotName, bundle: String },
    #[error("lot {lot} has {units} open units: finish them or write them off first")]
    LotUnitsOpen { lot: LotName, units: u64 },
    #[error("boards of lot {0} are at work: let them finish first")]
    LotAtWork(LotName),
    #[error("no first article of lot {0} waits for approval")]
    NoFirstArticle(LotName),
    #[error("slot {0} asks nothing")]
    NothingAsked(SlotId),
    #[error("{0} is no open unit")]
    NotOpen(Unit),
    #[error("{0} may be tried without leave")]
    RetestFree(Unit),
    #[error("say why: it is kept in the record")]
    WhyMissing,
    #[error("this is kept in the record, which does not take it: {0}")]
    NotRecorded(String),
    #[error("{0} has no PIN on this station: flashline supervisor set {0}")]
    NoPin(Arc<str>),
    #[error("the PIN is wrong; {left} more wrong ones lock {name} out")]
    WrongPin { name: Arc<str>, left: u32 },
    #[error("too many wrong PINs: none is taken for {name} for {seconds} s")]
    LockedOut { name: Arc<str>, seconds: u64 },
    #[error("PINs cannot be looked up: {0}")]
    PinsUnreadable(String),
    #[error("only a supervisor may do this, and {by} is not one")]
    SupervisorOnly {
        #[serde(flatten)]
        by: Who,
    },
}

impl RequestRefused {
    /// Its word on the socket and in the record.
    pub fn word(&self) -> String {
        match serde_json::to_value(self) {
            Ok(value) => value["word"].as_str().unwrap_or_default().to_owned(),
            Err(_) => String::new(),
        }
    }
}

/// What a scan was not.
fn not_scanned_here(text: &str, expected: &[ScanKind]) -> String {
    let expected: Vec<&str> = expected.iter().map(|kind| kind.name()).collect();
    format!("{text:?} is none of: {}", expected.join(", "))
}

/// What a lot is that something cannot be done with now.
fn not_in_that_state(lot: &LotName, state: &LotState) -> String {
    match state {
        LotState::Approved => format!("lot {lot} was not started yet"),
        LotState::Running => format!("lot {lot} is running"),
        LotState::Paused { by } => format!("lot {lot} was paused by {by}"),
        LotState::Ended => format!("lot {lot} has ended"),
    }
}
