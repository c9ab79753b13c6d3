//! `flashline go-on`: a stopped slot or line takes boards again.

use super::Exit;
use super::daemon::SlotOrLine;
use crate::station::Ask;

/// Let a stopped or halted line go on, or a stopped or quarantined slot (supervisors only)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: SlotOrLine,
}

pub fn run(args: Args) -> Exit {
    args.what.ask(|slot| Ask::FreeSlot { slot }, Ask::FreeLine)
}
