//! `flashline run`: the daemon.

use super::Exit;

/// Watch the bench and flash every board that appears
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(args: Args) -> Exit {
    let _ = args;
    todo!("lead")
}
