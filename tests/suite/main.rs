//! The integration tests, in one binary.

mod arrows;
mod crash;
mod report;
