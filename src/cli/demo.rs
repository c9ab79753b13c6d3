//! `flashline demo`: the main job on a simulated bench.

use super::Exit;

/// Show the main job on a simulated bench, with nothing attached
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(args: Args) -> Exit {
    let _ = args;
    todo!("helper F")
}
