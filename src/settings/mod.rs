//! `station.toml`, and what every file of ours shares: its text with places in it (`Source`), its
//! mistakes (`Fault`), and the typed reading of TOML that tells all of them at once (`Fields`).
//! Leaves out the manifest's own rules.

mod fault;
mod fields;
mod likeness;
mod source;
mod station;
mod value;

pub use fault::{Fault, Paint, Pointer, Severity};
pub use fields::{Document, Fields, Found};
pub use source::{FileError, Source, read_bounded};
pub use station::{DATABASE, DISK_RESERVE_MB, GRACE, Place, Reset, Settings, SlotSettings, Start};
pub use value::{Misfit, text, whole, word, yes_or_no};
