//! `flashline allow-retest`: one more try for a board that failed as often as it may.

use super::Exit;
use super::daemon::{self, Which, Why};
use crate::event::Unit;
use crate::socket::What;
use crate::station::Ask;

/// Give a board that failed as often as it may one more try (supervisors only)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The board, as its slot shows it
    #[arg(value_name = "MAC|serial:SERIAL", value_parser = super::write_off::unit)]
    unit: Unit,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: Args) -> Exit {
    args.which.talk(async |client| {
        let why = Some(daemon::by_login(args.why.text()));
        let asked = What::Ask(Ask::AllowRetest { unit: args.unit });
        Ok(match client.answer_with(asked, why).await? {
            Ok(_) => Exit::Pass,
            Err(refused) => daemon::refusal(&refused),
        })
    })
}
