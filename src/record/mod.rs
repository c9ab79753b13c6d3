//! The record: SQLite, one writer thread, a row per job and per step, and every question that is asked
//! of it (yield is computed here and nowhere else). Leaves out how figures are shown (`report`).
//!
//! The rule: a call returns after its commit is on the disk (WAL, synchronous=FULL).

mod border;

pub use border::{JobRow, NewJob, OpenUnit, Record, RecordError, Since, Standing, Yield};
