//! `flashline lot`: lots on a running daemon, one command for each thing that is done with them; `list` shows
//! them.

mod list;

pub use list::progress;

use super::Exit;
use super::daemon::{Which, Why, words};
use crate::event::LotName;
use crate::station::{Ask, NewLot};

/// Lots: enter, start, pause and end them, and tell how far they are
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(New),
    Start(Start),
    Pause(Pause),
    ApproveFirst(Decided),
    End(End),
    List(list::Args),
}

/// Enter a lot, which an operator may then start (supervisors only)
#[derive(Debug, clap::Args)]
struct New {
    #[command(flatten)]
    lot: Lot,
    /// How many good boards it is to have
    #[arg(long, value_name = "BOARDS")]
    target: u64,
    /// The customer's order number
    #[arg(long, value_name = "NUMBER", value_parser = words)]
    order: Option<String>,
    /// The first 12 hex digits of its bundle's digest, as `flashline status` shows it (the station's own, unless
    /// said)
    #[arg(long, value_name = "HEX")]
    bundle: Option<String>,
    /// After the first good board, wait until a supervisor has looked at it
    #[arg(long)]
    hold_first_article: bool,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    which: Which,
}

/// Work for a lot from now on, for the first time or again after a pause
#[derive(Debug, clap::Args)]
struct Start {
    #[command(flatten)]
    lot: Lot,
    /// Why: kept in the record where this ends a supervisor's pause
    #[arg(long, value_name = "TEXT", value_parser = words)]
    why: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// Begin no more boards for a lot; those at work are finished
#[derive(Debug, clap::Args)]
struct Pause {
    #[command(flatten)]
    lot: Lot,
    #[command(flatten)]
    which: Which,
}

/// Say that a lot's first good board is as it should be (supervisors only)
#[derive(Debug, clap::Args)]
struct Decided {
    #[command(flatten)]
    lot: Lot,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    which: Which,
}

/// Close a lot for good (supervisors only)
#[derive(Debug, clap::Args)]
struct End {
    #[command(flatten)]
    decided: Decided,
}

#[derive(Debug, clap::Args)]
struct Lot {
    /// Its name, as on its papers
    #[arg(value_name = "LOT", value_parser = name)]
    lot: LotName,
}

pub fn run(args: Args) -> Exit {
    match args.command {
        Command::New(new) => {
            let lot = NewLot {
                lot: new.lot.lot,
                target: new.target,
                order: new.order,
                bundle: new.bundle.map(|digits| digits.to_ascii_lowercase()),
                hold_first_article: new.hold_first_article,
            };
            new.which.ask(Ask::ApproveLot(lot), Some(new.why.text()))
        }
        Command::Start(Start { lot, why, which }) => {
            let lot = lot.lot;
            which.ask(Ask::StartLot { lot }, why.map(Into::into))
        }
        Command::Pause(Pause { lot, which }) => {
            let lot = lot.lot;
            which.ask(Ask::PauseLot { lot }, None)
        }
        Command::ApproveFirst(decided) => decided.ask(|lot| Ask::ApproveFirstArticle { lot }),
        Command::End(End { decided }) => decided.ask(|lot| Ask::EndLot { lot }),
        Command::List(args) => list::run(&args),
    }
}

impl Decided {
    fn ask(self, ask: impl FnOnce(LotName) -> Ask) -> Exit {
        self.which.ask(ask(self.lot.lot), Some(self.why.text()))
    }
}

/// A lot's name, as an argument.
pub fn name(text: &str) -> Result<LotName, String> {
    LotName::parse(text).ok_or_else(|| {
        let most = LotName::MOST_CHARS;
        format!("a lot's name has 1 to {most} characters that can be printed")
    })
}
