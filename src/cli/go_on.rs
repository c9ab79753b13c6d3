//! `flashline go-on`: a stopped slot or line takes boards again.

use super::Exit;
use super::daemon::Which;
use crate::event::SlotId;
use crate::station::Ask;

/// Let a stopped or halted line go on, or a stopped or quarantined slot (supervisors only)
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
        Some(slot) => Ask::FreeSlot {
            slot: SlotId::new(&slot),
        },
        None => Ask::FreeLine,
    })
}
