//! `flashline verify`: whether one board's flash holds these files, by the chip's own digests.

use serde_json::json;

use super::Exit;
use super::hand::{self, Reach, Report, Took};
use super::write::names;

/// Tell whether one board's flash holds these files
///
/// Nothing is written. Exit code: 0 it does, 1 stopped, 2 it does not, or the board failed, 3 the bench
/// failed, 4 usage, 5 nothing can be compared.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    reach: Reach,
    /// Flash address and file, as often as there are files
    #[arg(required = true, num_args = 2.., value_names = ["OFFSET", "FILE"])]
    what: Vec<String>,
}

pub fn run(args: Args) -> Exit {
    let parts = match hand::parts(&args.what) {
        Ok(parts) => parts,
        Err(says) => return hand::usage("verify", &args.reach, &says),
    };
    hand::run("verify", &args.reach, async |board| {
        let told = hand::part_fields(&parts);
        let names = names(&parts);
        let done = board.verify_parts(parts).await?;
        let mut fields = hand::board_fields(board);
        hand::merge(&mut fields, hand::done_fields(&done));
        hand::merge(&mut fields, json!({ "parts": told }));
        Ok(Report {
            text: format!("{names} verified: {}", Took(&done)),
            fields,
            exit: Exit::Pass,
        })
    })
}
