//! `flashline run`: the daemon.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::Exit;

/// Watch the bench and flash every board that appears.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station file.
    #[arg(long, value_name = "FILE", default_value = "station.toml")]
    config: PathBuf,
    /// One line per notice instead of the dashboard.
    #[arg(long, conflicts_with = "json")]
    plain: bool,
    /// One JSON object per notice instead of the dashboard.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Exit {
    let _ = (args, std::io::stdout().is_terminal());
    todo!("lead")
}
