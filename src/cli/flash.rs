//! `flashline flash`: one board, by hand.

use super::Exit;

/// Flash one board
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(args: Args) -> Exit {
    let _ = args;
    todo!("helper J")
}
