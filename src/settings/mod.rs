//! `station.toml`, and the `Fault` that every file's mistakes are told with. Leaves out the manifest.

mod fault;
mod station;

pub use fault::{Fault, Severity};
pub use station::{Place, Reset, Settings, SlotSettings, Start};
