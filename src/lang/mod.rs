//! Every word that people read, in both languages, and a code's advice. Leaves out layout.

mod advice;
mod notice;
mod pages;
mod phrase;
mod remedy;
mod screen;

pub use advice::{Advice, advice};
pub use notice::notice;
pub use pages::{Label, label};
pub use phrase::{
    Caption, caption, changed_on_disk, confirm_quit, effort, halted, invalid_on_disk, left,
    lot_done, missed, more_lots, passed_on, paused_by, per_hour, rate, serial_waits, stopped_by,
    to_go, too_small, unassigned, units, worst_slot,
};
pub use remedy::{Bin, Remedy, remedies};
pub use screen::{Word, step, word};

/// A language of the faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    #[default]
    English,
    Chinese,
}
