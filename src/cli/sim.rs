//! `flashline sim`: simulated boards for any client.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::Exit;
use crate::chip::Chip;

/// Simulated boards on pseudo-terminals, for any client
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many boards
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    boards: u16,
    /// Folder for the links to the boards' pseudo-terminals (board0, board1, …)
    #[arg(long, value_name = "DIR")]
    link_dir: PathBuf,
    /// Serve board n over RFC2217, with lines that reset it, on this port + n
    #[arg(long, value_name = "HOST:PORT")]
    rfc2217: Option<SocketAddr>,
    /// Keep each board's flash in this folder (board0.bin, …): read at the start if there, written
    /// when a client closes and at the end
    #[arg(long, value_name = "DIR")]
    flash_dir: Option<PathBuf>,
    /// What the boards' MACs and random choices come from
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// As fast as bytes can be moved, without the real parts' time
    #[arg(long)]
    unpaced: bool,
    /// Which chip
    #[arg(long, default_value = "esp32", value_parser = chip)]
    chip: Chip,
}

fn chip(name: &str) -> Result<Chip, String> {
    Chip::from_name(name).ok_or_else(|| format!("no chip is called {name}"))
}

pub fn run(args: Args) -> Exit {
    let _ = args;
    todo!("helper S")
}
