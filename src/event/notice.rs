//! Something that happened, said once, in the past tense.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::{Code, JobId, LotName, Outcome, Serial, SlotId, Step, Unit, Who, spelling};
use crate::chip::Identity;

/// A numbered notice. Numbers count up by one from 1 within a run of the station, so a reader can
/// tell that it missed some.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Notice {
    pub number: u64,
    #[serde(with = "spelling::time")]
    pub at: jiff::Timestamp,
    pub slot: Option<SlotId>,
    pub job: Option<JobId>,
    #[serde(flatten)]
    pub what: Happening,
}

/// As `docs/json.md` describes it. A happening that is one code's has that code beside it.
impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Object<'a> {
            number: u64,
            #[serde(with = "spelling::time")]
            at: jiff::Timestamp,
            slot: &'a Option<SlotId>,
            job: Option<JobId>,
            #[serde(flatten)]
            what: &'a Happening,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<Code>,
        }
        Object {
            number: self.number,
            at: self.at,
            slot: &self.slot,
            job: self.job,
            what: &self.what,
            code: match self.what {
                Happening::HubLost { .. } => Some(Code::HubPower),
                Happening::ScanOrphan { .. } => Some(Code::ScanOrphan),
                Happening::ManifestChanged { .. } | Happening::ManifestInvalid { .. } => {
                    Some(Code::ManifestChangedOnDisk)
                }
                _ => None,
            },
        }
        .serialize(serializer)
    }
}

/// Why a board that is present is not worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// It was there before the station started: replug it or request it.
    PresentAtStart,
    /// The slot starts on request only.
    Request,
    /// The jig starts when its board's serial number is scanned.
    Scan,
    /// The jig's switch is closed, and was when it was first read: it starts when it opens and closes.
    SwitchClosed,
    /// The input that the jig's switch closes cannot be read.
    SwitchUnread,
    /// Its slot or the line takes no boards until a supervisor lets it go on.
    Stopped,
    /// Its station wants an operator's badge scanned first.
    Operator,
    /// Its station works for lots only, and none of its bundle is running.
    Lot,
    /// Its lot is paused.
    LotPaused,
    /// Its lot has, with the boards at work, as many as it is to have.
    LotFull,
    /// Its lot's first article is worked on, or waits for a supervisor's approval.
    FirstArticle,
    /// Its hub has as many boards at work as it may, or started one a moment ago.
    #[serde(rename = "hub")]
    HubTurn,
}

impl Waiting {
    pub const ALL: [Waiting; 12] = [
        Waiting::PresentAtStart,
        Waiting::Request,
        Waiting::Scan,
        Waiting::SwitchClosed,
        Waiting::SwitchUnread,
        Waiting::Stopped,
        Waiting::Operator,
        Waiting::Lot,
        Waiting::LotPaused,
        Waiting::LotFull,
        Waiting::FirstArticle,
        Waiting::HubTurn,
    ];
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// The station is at work; `product`, `version`: what its slots flash but for `own_manifests` of them.
    StationStarted {
        station: String,
        product: String,
        version: String,
        slots: usize,
        /// How many of them flash what another manifest says.
        own_manifests: usize,
    },
    /// Jobs that an earlier run left open were closed as INTERRUPTED.
    InterruptedClosed { jobs: usize },
    /// A board's port is there and will not be worked on without being asked.
    BoardWaits { port: String, why: Waiting },
    /// The switch that starts the jig cannot be read: no board starts by it.
    SwitchUnread { port: String, why: String },
    /// A port that belongs to no slot.
    PortUnassigned { port: String, why: String },
    /// A board arrived; its job is open.
    BoardArrived { port: String },
    /// The board is known.
    BoardIdentified {
        #[serde(flatten)]
        identity: Identity,
    },
    /// Something failed and is being tried again.
    Retried {
        step: Step,
        code: Code,
        detail: String,
        attempt: u32,
    },
    /// The port was lost and may come back within the grace time.
    PortLost { port: String },
    /// Slots of one hub were lost at the same moment, and it has none left.
    HubLost { hub: String, slots: Vec<SlotId> },
    /// The job ended and its row is committed.
    JobEnded {
        outcome: Outcome,
        code: Option<Code>,
        detail: String,
        #[serde(flatten, with = "spelling::unit")]
        unit: Option<Unit>,
        attempts: u32,
        retries: u32,
        #[serde(rename = "seconds", with = "spelling::seconds")]
        took: Duration,
    },
    /// Another program works on the slot's port by hand: no job starts until it is through.
    SlotHeld { by: String },
    /// The slot's port is free again.
    SlotFreed,
    /// The board left the slot.
    BoardRemoved,
    /// Someone stopped the slot: it takes no more boards.
    SlotStopped {
        #[serde(flatten)]
        by: Who,
    },
    /// The slot failed so many different boards in a row, the last one with `code`: it takes no more.
    SlotQuarantined { boards: u32, code: Code },
    /// A stopped or quarantined slot takes boards again.
    SlotGoesOn {
        #[serde(flatten)]
        by: Who,
    },
    /// The line takes no boards: said once, with why.
    LineStopped { code: Code, detail: String },
    /// Someone stopped the line: it takes no more boards.
    LineStoppedBy {
        #[serde(flatten)]
        by: Who,
    },
    /// The line takes boards again.
    LineResumed,
    /// Someone let the line go on.
    LineGoesOn {
        #[serde(flatten)]
        by: Who,
    },
    /// A manifest or its files changed on disk; what is at work did not. `bundle`: the first 12 hex digits
    /// of the new digest.
    ManifestChanged {
        manifest: String,
        product: String,
        version: String,
        bundle: String,
    },
    /// A manifest changed on disk into one that cannot be used: the old one stays at work.
    ManifestInvalid { manifest: String, fault: String },
    /// The manifest on disk is again the one at work.
    ManifestUnchanged { manifest: String },
    /// The next boards get the new bundle.
    BundleTaken {
        manifest: String,
        product: String,
        version: String,
        bundle: String,
        #[serde(flatten)]
        by: Who,
    },
    /// A supervisor entered a lot: an operator may start it.
    LotApproved {
        lot: LotName,
        target: u64,
        #[serde(flatten)]
        by: Who,
    },
    /// Boards are worked on for the lot from now on, for the first time or again.
    LotStarted {
        lot: LotName,
        #[serde(flatten)]
        by: Who,
    },
    /// No board is begun for the lot.
    LotPaused {
        lot: LotName,
        #[serde(flatten)]
        by: Who,
    },
    /// The lot has as many good boards as it is to have.
    LotDone { lot: LotName, passed: u64 },
    /// The lot is closed.
    LotEnded {
        lot: LotName,
        passed: u64,
        target: u64,
        #[serde(flatten)]
        by: Who,
    },
    /// The lot's first good board waits for a supervisor's approval.
    FirstArticleHeld { lot: LotName },
    /// The lot's first good board was approved: the lot goes on.
    FirstArticleApproved {
        lot: LotName,
        #[serde(flatten)]
        by: Who,
    },
    /// The job waits to be told whether its board, which passed before, is flashed again.
    AskedAgain,
    /// A board that was tried as often as it may be is given one more try.
    RetestAllowed {
        #[serde(flatten, with = "spelling::one_unit")]
        unit: Unit,
        #[serde(flatten)]
        by: Who,
    },
    /// An open unit was written off.
    WrittenOff {
        #[serde(flatten, with = "spelling::one_unit")]
        unit: Unit,
        #[serde(flatten)]
        by: Who,
    },
    /// An operator's badge was scanned.
    OperatorCame { operator: String },
    /// A serial number was scanned and no board came for it in time (`SCAN_ORPHAN`).
    ScanOrphan { serial: Serial },
    /// A wrong PIN was typed in a supervisor's name; so many more lock it.
    PinWrong { name: String, left: u32 },
    /// Too many wrong PINs in a row: none is taken in that name for so long.
    PinLocked {
        name: String,
        #[serde(rename = "for_seconds", with = "spelling::seconds")]
        lasts: Duration,
    },
    /// The station ended in order.
    StationStopped,
}
