//! `flashline erase`: one board's flash, or a range of it.

use std::io::{self, IsTerminal, Write};

use super::Exit;
use super::hand::{self, Reach, Report, Took, Where};

/// Erase one board's flash, or a range of it
///
/// Asks first on a terminal; elsewhere it wants --yes. Exit code: 0 done, 1 stopped or declined, 2 the
/// board failed, 3 the bench failed, 4 usage.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    place: Where,
    /// The whole part
    #[arg(long, required_unless_present_any = ["size", "partition"], conflicts_with_all = ["offset", "size", "partition"])]
    all: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub fn run(args: Args) -> Exit {
    if !args.yes {
        let asks = io::stdin().is_terminal() && io::stderr().is_terminal() && !args.reach.json;
        if !asks {
            let says = "nobody is there to be asked: say --yes";
            return hand::usage("erase", &args.reach, says);
        }
        if !confirmed(&args) {
            eprintln!("nothing was erased");
            return Exit::Failure;
        }
    }
    hand::run("erase", &args.reach, async |board| {
        let done = match args.place.range(board).await? {
            Some(range) => board.erase(range).await?,
            None => board.erase_all().await?,
        };
        let mut fields = hand::board_fields(board);
        hand::merge(&mut fields, hand::done_fields(&done));
        Ok(Report {
            text: format!("erased: {}", Took(&done)),
            fields,
            exit: Exit::Pass,
        })
    })
}

/// Asks on the terminal.
fn confirmed(args: &Args) -> bool {
    let what = match &args.place.partition {
        Some(name) => format!("partition {name}"),
        None if args.all => "the whole flash".to_owned(),
        None => "a range of the flash".to_owned(),
    };
    eprint!(
        "Erase {what} of the board at {}? [y/N] ",
        args.reach.port.display()
    );
    let mut answer = String::new();
    // who cannot be asked has not said yes
    let heard = io::stderr()
        .flush()
        .and_then(|()| io::stdin().read_line(&mut answer));
    heard.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
