//! `flashline scan`: what a barcode reader elsewhere has read.

use super::Exit;
use super::daemon::{Which, words};
use crate::event::SlotId;
use crate::station::Ask;

/// Hand a running daemon what a barcode reader has read, as if it were typed at its screen
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "TEXT", value_parser = words)]
    text: String,
    /// The slot that it is meant for
    #[arg(long, value_name = "SLOT")]
    slot: Option<String>,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: Args) -> Exit {
    args.which.ask(
        Ask::Scan {
            text: args.text,
            slot: args.slot.as_deref().map(SlotId::new),
        },
        None,
    )
}
