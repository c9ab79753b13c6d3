//! The faces of a running station in a terminal: the live dashboard (`tui`), one line per notice
//! (`plain`) and one JSON object per notice (`json`). Each is a view of snapshots; none decides
//! anything. Leaves out every word that people read (`lang`) and every figure's computation
//! (`record`).
//!
//! A face ends when the station has ended (its watch is closed), after showing the last of it.

mod banners;
mod bell;
mod big;
mod course;
mod draw;
mod feed;
mod figures;
mod footer;
mod grid;
mod json;
mod keyboard;
mod notices;
mod options;
mod pace;
mod pages;
mod palette;
mod past;
mod plain;
mod scan;
mod screen;
mod signs;
mod status;
mod text;
mod tile;
mod tui;
mod view;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod looks;

pub use json::json;
pub use options::{Colour, Mouse, Options, Quit, Speaks, Times, Wanted};
pub use plain::{closing_table, plain};
pub use signs::Signs;
pub use tui::tui;
