//! `flashline check`: a manifest and its images, without a board.

use super::Exit;

/// Read a manifest and its images: print the plan, or every fault
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(args: Args) -> Exit {
    let _ = args;
    todo!("helper M2")
}
