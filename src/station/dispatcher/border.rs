//! What the dispatcher is told, and what it wants done.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::switch::{SwitchInput, SwitchTold};
use super::{AllowingRetest, Granted, NotTaken, Refusing, Reply, Taking, WritingOff};
use crate::chip::Identity;
use crate::event::{Again, Code, JobId, Progress, Serial, SlotId, Step, StopReason, Unit};
use crate::job::{Silence, Verdict};
use crate::plan::Planner;
use crate::port::{OpenError, PortChange, PortInfo};
use crate::record::{
    Allowed, Approval, LotChange, NewJob, RecordError, ServiceChange, Standing, WrongPins,
};
use crate::settings::{After, Reset};
use crate::station::{NamedPin, Question, Request, RequestRefused, Tried};

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    Port(PortChange),
    /// The row of a job was committed, or not.
    Opened {
        slot: SlotId,
        job: JobId,
        result: Result<(), RecordError>,
    },
    /// The row was not opened: another program has the port.
    Taken {
        slot: SlotId,
        job: JobId,
        by: String,
    },
    /// Who works on slots' ports by hand now.
    Holders(Vec<(SlotId, Option<String>)>),
    Fact {
        slot: SlotId,
        job: JobId,
        fact: Fact,
    },
    Progress {
        slot: SlotId,
        job: JobId,
        progress: Progress,
    },
    Finished {
        slot: SlotId,
        job: JobId,
        verdict: Verdict,
    },
    Recorded {
        slot: SlotId,
        job: JobId,
        result: Result<Standing, RecordError>,
    },
    Probed {
        slot: SlotId,
        result: Result<bool, OpenError>,
    },
    /// What the watch with this number tells of the slot's switch.
    Switch {
        slot: SlotId,
        watch: u64,
        told: SwitchTold,
    },
    Health(Result<Standing, RecordError>),
    /// What is in service was committed, or not.
    ServiceKept(Result<(), RecordError>),
    Request(Request),
    /// Who has a PIN, where the file can be read.
    Supervisors(Result<Vec<Arc<str>>, Arc<str>>),
    /// A PIN that was given in someone's name was tried.
    Tried {
        supervisor: Arc<str>,
        tried: Tried,
    },
    /// A wrong PIN is on record, or not.
    WrongPinKept {
        refusing: Refusing,
        result: Result<(), RecordError>,
    },
    /// What a supervisor allowed is on record, or not.
    Allowed {
        granted: Granted,
        result: Result<(), RecordError>,
    },
    /// The files of a manifest (which one of them) are others than at the last look: its bundle, or the
    /// first of its faults.
    Manifest {
        manifest: usize,
        found: Result<Arc<Planner>, Arc<str>>,
    },
    /// A bundle that a supervisor wants at work is on record, or not.
    Approved {
        taking: Taking,
        result: Result<(), NotTaken>,
    },
    /// An open unit is written off; `false`: it is none.
    WrittenOff {
        writing_off: WritingOff,
        result: Result<bool, RecordError>,
    },
    /// The change of a lot that is under way is on record, and where the line stands then; `false`: it could
    /// not be done.
    LotChanged(Result<(bool, Standing), RecordError>),
    /// Leave for one more try is on record, or not; `false`: none is needed.
    RetestAllowed {
        allowing: AllowingRetest,
        result: Result<bool, RecordError>,
    },
    /// The program is to end.
    Stop,
    /// A deadline passed.
    Tick,
}

/// What a job tells while it works.
#[derive(Debug)]
pub enum Fact {
    Identified(Identity),
    Retried {
        step: Step,
        code: Code,
        detail: String,
        attempt: u32,
    },
    PortLost,
    /// It waits to be told.
    Asks(Question),
}

/// What is to be done outside.
#[derive(Debug)]
pub enum Effect {
    /// The port at a slot changed: its job wants to know.
    Presence {
        slot: SlotId,
        port: Option<PortInfo>,
    },
    /// Claim the port and open the row: `Opened` or, where another program has it, `Taken`.
    OpenRow {
        slot: SlotId,
        job: NewJob,
    },
    Spawn {
        slot: SlotId,
        job: JobId,
        serial: Option<Serial>,
        reset: Reset,
        after: After,
        silence: Silence,
        /// The bundle that it flashes.
        planner: Arc<Planner>,
        /// The unit that the slot is through with and that may still be in it.
        through_with: Option<Unit>,
    },
    StopJob {
        slot: SlotId,
        reason: StopReason,
    },
    CloseRow {
        slot: SlotId,
        job: JobId,
        verdict: Verdict,
        ended: jiff::Timestamp,
    },
    /// The slot's board has left: its MAC is free.
    Release {
        slot: SlotId,
    },
    Probe {
        slot: SlotId,
        port: PortInfo,
        reset: Reset,
    },
    /// Watch the slot's switch, once the watch before is over.
    WatchSwitch {
        slot: SlotId,
        watch: u64,
        path: PathBuf,
        input: SwitchInput,
    },
    /// Let go of the slot's port.
    LeaveSwitch {
        slot: SlotId,
    },
    CheckHealth,
    /// Put on record what is in service: `ServiceKept`.
    KeepService(ServiceChange),
    /// Put on record what is done with a lot: `LotChanged`.
    ChangeLot(LotChange),
    /// The job of the slot is told what becomes of its board.
    Decide {
        slot: SlotId,
        job: JobId,
        again: Again,
    },
    /// Put leave for one more try on record: `RetestAllowed`.
    AllowRetest {
        allowing: AllowingRetest,
        retest_limit: u32,
    },
    /// Build what the boards of a bundle share.
    Prepare {
        planner: Arc<Planner>,
    },
    /// Look that the manifest is still what was approved, and record it: `Approved`.
    Approve {
        approval: Approval,
        path: PathBuf,
        taking: Taking,
    },
    /// Try a PIN: `Tried`.
    TryPin(NamedPin),
    /// Put on record that a PIN was wrong: `WrongPinKept`.
    KeepWrongPin {
        wrong: WrongPins,
        refusing: Refusing,
    },
    /// Put on record what a supervisor allows: `Allowed`.
    Allow {
        allowed: Allowed,
        granted: Granted,
    },
    /// Take an open unit off the list: `WrittenOff`.
    WriteOff {
        writing_off: WritingOff,
        why: Arc<str>,
    },
    Answer(Reply, Result<(), RequestRefused>),
    /// Everything is over.
    End,
}
