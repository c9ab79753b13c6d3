//! Something that happened, said once, in the past tense.

use std::time::Duration;

use super::{Code, JobId, Outcome, SlotId, Step, Unit};
use crate::chip::Identity;

/// A numbered notice. Numbers count up by one from 1 within a run of the station, so a reader can
/// tell that it missed some.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub number: u64,
    pub at: jiff::Timestamp,
    pub slot: Option<SlotId>,
    pub job: Option<JobId>,
    pub what: Happening,
}

/// Why a board that is present is not worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// It was there before the station started: replug it or request it.
    PresentAtStart,
    /// The slot starts on request only.
    Request,
    /// Its hub has as many boards at work as it may, or started one a moment ago.
    HubTurn,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// The station is at work.
    StationStarted {
        station: String,
        product: String,
        version: String,
        slots: usize,
    },
    /// Jobs that an earlier run left open were closed as INTERRUPTED.
    InterruptedClosed { jobs: usize },
    /// A board's port is there and will not be worked on without being asked.
    BoardWaits { port: String, why: Waiting },
    /// A port that belongs to no slot.
    PortUnassigned { port: String, why: String },
    /// A board arrived; its job is open.
    BoardArrived { port: String },
    /// The board is known.
    BoardIdentified { identity: Identity },
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
        unit: Option<Unit>,
        attempts: u32,
        retries: u32,
        took: Duration,
    },
    /// Another program works on the slot's port by hand: no job starts until it is through.
    SlotHeld { by: String },
    /// The slot's port is free again.
    SlotFreed,
    /// The board left the slot.
    BoardRemoved,
    /// The line takes no boards: said once, with why.
    LineStopped { code: Code, detail: String },
    /// The line takes boards again.
    LineResumed,
    /// The station ended in order.
    StationStopped,
}
