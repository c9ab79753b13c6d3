//! All that is done to one board from its arrival to its verdict: connect → identify → Gate → rate →
//! stub → erase → write → verify → reset → boot check. Each step turns one state type into the next;
//! what to try again is decided by one pure function (`ladder`). Leaves out slots, lots and the record:
//! it asks the Gate for leave once (before that only which rate is likely, after it only whether a board that
//! is good already is flashed again), reports through `Reports`, and returns a `Verdict`.

mod admit;
mod again;
mod boot;
mod border;
mod compare;
mod connect;
mod erase;
mod error;
mod excerpt;
mod identify;
mod journal;
mod kept;
mod ladder;
mod load;
mod log;
mod probe;
mod rate;
mod proof;
mod read;
mod reset;
mod run;
mod session;
mod timeout;
mod verify;
mod write;

pub use border::{
    Admission, Assignment, BootLog, Gate, Grant, Measurement, RegionResult, Reports, Retries,
    Silence, StepResult, StubUse, Verdict,
};
pub(crate) use kept::{Effort, Failed, Kept, Work};
pub use probe::probe;
pub use reset::starts_app;
pub use run::run;
