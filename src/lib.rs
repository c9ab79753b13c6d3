//! flashline: a production-line flashing station for Espressif chips.
//!
//! The crate is a house of rooms; a room uses only the rooms above it in the list below
//! (`ARCHITECTURE.md` says why, `tests/suite/arrows.rs` holds it).

// pure: no tokio, no files, no clock
pub mod chip;
pub mod event;
pub mod lang;
pub mod image;
pub mod protocol;
pub mod settings;
pub mod manifest;
pub mod plan;
// one board
pub mod port;
pub mod sim;
pub mod job;
pub mod hand;
// many boards
pub mod record;
pub mod station;
pub mod socket;
// faces
pub mod report;
pub mod dashboard;
pub mod cli;
