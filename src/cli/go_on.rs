//! `flashline go-on`: a stopped slot or line takes boards again.

use super::Exit;
use super::daemon::{SlotOrLine, Why};
use crate::station::Ask;

/// Let a stopped or halted line go on, or a stopped or quarantined slot (supervisors only)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: SlotOrLine,
    #[command(flatten)]
    why: Why,
}

pub fn run(args: Args) -> Exit {
    let why = Some(args.why.text());
    args.what
        .ask(|slot| Ask::FreeSlot { slot }, Ask::FreeLine, why)
}
