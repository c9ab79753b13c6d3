//! `flashline sim`: simulated boards for any client.

use super::Exit;

/// Simulated boards on pseudo-terminals, for any client
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(args: Args) -> Exit {
    let _ = args;
    todo!("helper S")
}
