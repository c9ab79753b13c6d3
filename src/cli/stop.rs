//! `flashline stop`: a slot or the line takes no more boards.

use super::Exit;
use super::daemon::Which;
use crate::event::SlotId;
use crate::station::Ask;

/// Stop the line, or one slot: boards at work are finished, no more are taken
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The slot; without one, the line
    #[arg(value_name = "SLOT")]
    slot: Option<String>,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: Args) -> Exit {
    args.which.ask(match args.slot {
        Some(slot) => Ask::StopSlot {
            slot: SlotId::new(&slot),
        },
        None => Ask::StopLine,
    })
}
