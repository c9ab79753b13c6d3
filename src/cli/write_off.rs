//! `flashline write-off`: takes an open unit off the list.

use super::Exit;

/// Take a board that was pulled too early off the list of open units
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(args: Args) -> Exit {
    let _ = args;
    todo!("helper R")
}
