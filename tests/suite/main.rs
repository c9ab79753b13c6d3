//! The integration tests, in one binary.

mod arrows;
mod check;
mod crash;
mod docs;
mod report;
