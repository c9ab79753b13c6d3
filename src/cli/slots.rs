//! `flashline slots`: the bench's places. A file for each thing that is done with them: `list` shows them,
//! `learn` finds out where they are.

mod file;
mod keys;
mod layout;
mod learn;
mod lesson;
mod list;

use std::path::PathBuf;

use super::Exit;

/// Show the bench's slots, or learn where they are
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::Args),
    Learn(learn::Args),
}

/// Which station file.
#[derive(Debug, clap::Args)]
struct Which {
    /// The station file
    #[arg(long, value_name = "FILE", default_value = "station.toml")]
    config: PathBuf,
}

pub fn run(args: Args) -> Exit {
    match args.command {
        Some(Command::Learn(args)) => learn::run(args),
        Some(Command::List(args)) => list::run(args),
        None => list::run(list::Args { which: args.which }),
    }
}
