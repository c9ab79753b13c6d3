//! `flashline stop`: a slot or the line takes no more boards.

use super::Exit;
use super::daemon::SlotOrLine;
use crate::station::Ask;

/// Stop the line, or one slot: boards at work are finished, no more are taken
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: SlotOrLine,
}

pub fn run(args: Args) -> Exit {
    args.what
        .ask(|slot| Ask::StopSlot { slot }, Ask::StopLine, None)
}
