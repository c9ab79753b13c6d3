//! `flashline write`: files into one board's flash, without manifest and record.

use serde_json::json;

use super::Exit;
use super::hand::{self, Reach, Report, Took};
use crate::hand::{Part, Scruples};

/// Write files into one board's flash, and verify them
///
/// No manifest, nothing recorded. Exit code: 0 done, 1 stopped, 2 the board failed, 3 the bench failed,
/// 4 usage, 5 written and not verified.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    reach: Reach,
    /// Take images of another chip, boards with security fuses burnt, and a sector that an ESP8266's ROM
    /// erases besides
    #[arg(long)]
    force: bool,
    /// Flash address and file, as often as there are files
    #[arg(required = true, num_args = 2.., value_names = ["OFFSET", "FILE"])]
    what: Vec<String>,
}

pub fn run(args: Args) -> Exit {
    let parts = match hand::parts(&args.what) {
        Ok(parts) => parts,
        Err(says) => return hand::usage("write", &args.reach, &says),
    };
    let scruples = if args.force {
        Scruples::Forced
    } else {
        Scruples::Kept
    };
    hand::run("write", &args.reach, async |board| {
        let told = hand::part_fields(&parts);
        let names = names(&parts);
        let done = board.write_parts(parts, scruples).await?;
        let mut fields = hand::board_fields(board);
        hand::merge(&mut fields, hand::done_fields(&done));
        hand::merge(&mut fields, json!({ "parts": told }));
        Ok(Report {
            text: format!("{names} written and verified: {}", Took(&done)),
            fields,
            exit: Exit::Pass,
        })
    })
}

/// The names of the parts, with their places.
pub(super) fn names(parts: &[Part]) -> String {
    let named = parts
        .iter()
        .map(|part| format!("{} at 0x{:x}", part.name, part.offset));
    named.collect::<Vec<_>>().join(", ")
}
