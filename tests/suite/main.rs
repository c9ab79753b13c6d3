//! The integration tests, in one binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says by panicking what went wrong; clippy's own exception stops at helpers"
)]

mod arrows;
mod bundles;
mod check;
mod crash;
mod daemon;
mod demo;
mod docs;
mod hand;
mod hand_chips;
mod held;
mod job;
mod job_cli;
mod pty;
mod line;
mod lots;
mod out_of_service;
mod ports;
mod product;
mod remedy;
mod report;
mod service;
mod sessions;
mod sim_bench;
mod sim_chips;
mod sim_faults;
mod sim_talk;
mod sim_wire;
mod slots;
mod socket;
mod terminal;
mod warrants;
mod wire_frames;
