//! The record: SQLite, one writer thread, a row per job and per step, and every question that is asked
//! of it (yield is computed here and nowhere else). Leaves out how figures are shown (`report`).
//!
//! The rule: a call returns after its commit is on the disk (WAL, synchronous=FULL).

mod again;
mod border;
mod change;
mod fault;
mod find;
mod lock;
mod lots;
mod pace;
mod reader;
mod row;
mod schema;
mod service;
mod speed;
mod store;
mod story;
mod tally;
#[cfg(test)]
mod testbench;
mod warrants;
mod worst;
mod writer;

pub use again::{Came, Comer};
pub use border::{
    Approval, Approved, Day, Hour, JobFilter, JobRow, Jobs, LotStanding, NewJob, OpenUnit, Since,
    SlotDay, Standing, Story, WorstSlot, Yield,
};
pub use fault::RecordError;
pub use lots::{LotChange, LotStep, NewLotRow};
pub use pace::SlowSlot;
pub use reader::{Figures, Reader};
pub use service::{EndedJob, History, OutOfService, ServiceChange, StopCause};
pub use warrants::{Allowed, Proof, WarrantChange, WarrantId, WrongPins};
pub use writer::Record;
