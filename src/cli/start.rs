//! `flashline start`: a job on a slot that waits to be asked.

use super::Exit;
use super::daemon::Which;
use crate::event::{Serial, SlotId};
use crate::station::Ask;

/// Flash the board that is in a slot; its result is shown by the daemon's faces
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "SLOT")]
    slot: String,
    /// The serial number on the board's label
    #[arg(long, value_name = "SERIAL", value_parser = serial)]
    serial: Option<Serial>,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: Args) -> Exit {
    args.which.ask(
        Ask::Start {
            slot: SlotId::new(&args.slot),
            serial: args.serial,
        },
        None,
    )
}

fn serial(text: &str) -> Result<Serial, String> {
    let most = Serial::MOST_CHARS;
    Serial::parse(text)
        .ok_or_else(|| format!("a serial number has 1 to {most} printable characters"))
}
