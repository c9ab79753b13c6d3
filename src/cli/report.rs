//! `flashline report`: figures from the record.

use super::Exit;

/// Units, yield and failures from the record
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(args: Args) -> Exit {
    let _ = args;
    todo!("helper R")
}
