//! `flashline sim`: simulated boards for any client.

use std::fmt;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use super::Exit;
use crate::chip::{Chip, Revision};
use crate::port::Inputs;
use crate::sim::{Access, Bench, BoardHandle, BoardSpec, Contents, Costs, Pace, Strap, Wiring};

/// Simulated boards on pseudo-terminals, for any client
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many boards
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    boards: u16,
    /// Folder for the links to the boards' pseudo-terminals (board0, board1, …)
    #[arg(long, value_name = "DIR")]
    link_dir: PathBuf,
    /// Serve board n over RFC2217 as well, with lines that reset it, on this port + n
    #[arg(long, value_name = "HOST:PORT")]
    rfc2217: Option<SocketAddr>,
    /// Over RFC2217 the lines are those of the chip's own USB-Serial-JTAG, not a bridge's
    #[arg(long, requires = "rfc2217")]
    usb_jtag: bool,
    /// Move the boards' switches by lines on standard input, such as `cts 0 closed` and `dsr 3 open`: the
    /// inputs of their RFC2217 ports follow
    #[arg(long, requires = "rfc2217")]
    switches: bool,
    /// Keep each board's flash in this folder (board0.bin, …): read at the start if there, written
    /// whenever a client closes, and at the end
    #[arg(long, value_name = "DIR")]
    flash_dir: Option<PathBuf>,
    /// What the boards' MACs and random choices come from
    #[arg(long, default_value_t = 0)]
    seed: u16,
    /// As fast as bytes can be moved, without the real parts' time
    #[arg(long)]
    unpaced: bool,
    /// Which chip
    #[arg(long, default_value = "esp32", value_parser = chip)]
    chip: Chip,
    /// The chip's revision, such as 3.1; a usual one if it is not given
    #[arg(long, value_name = "MAJOR.MINOR", value_parser = revision)]
    revision: Option<Revision>,
    /// Secure Download Mode is burnt: plain writing only (not on the ESP8266 and the ESP32)
    #[arg(long)]
    secure_download: bool,
    /// The crystal, where it is not the chip's usual one
    #[arg(long, value_name = "MHZ", value_parser = clap::value_parser!(u32).range(20..=48))]
    crystal: Option<u32>,
    /// What is in the boards' flash at first: `blank`, `used` (written before, all over), or a file
    #[arg(long, default_value = "blank", value_name = "blank|used|FILE", value_parser = contents)]
    contents: Contents,
    /// From an answer's last bit on the wire to its arrival: a USB bridge's latency timer
    #[arg(long, default_value_t = 1, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=1000))]
    answer_latency: u64,
    /// Erasing and programming take this much of their usual time
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    flash_cost: f64,
    /// The chip's MD5 of its flash takes this much of its usual time
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    md5_cost: f64,
}

fn contents(text: &str) -> Result<Contents, String> {
    match text {
        "blank" => Ok(Contents::Blank),
        "used" => Ok(Contents::Used),
        file => match std::fs::read(file) {
            Ok(bytes) => Ok(Contents::Holds(bytes.into())),
            Err(error) => Err(error.to_string()),
        },
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor @ 0.0..=1000.0) => Ok(factor),
        _ => Err("a factor is a number from 0 to 1000".to_owned()),
    }
}

fn chip(name: &str) -> Result<Chip, String> {
    Chip::from_name(name).ok_or_else(|| format!("no chip is called {name}"))
}

fn revision(text: &str) -> Result<Revision, String> {
    let parsed = text
        .trim_start_matches('v')
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    match parsed {
        Some((major @ 0..=7, minor @ 0..=15)) => Ok(Revision { major, minor }),
        _ => Err(format!(
            "{text} is no revision: two small numbers, such as 3.1"
        )),
    }
}

/// What was being done, to what, when it failed.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {what}: {source}")]
struct SimError {
    doing: &'static str,
    what: String,
    source: io::Error,
}

fn failed(doing: &'static str, what: impl fmt::Display) -> impl FnOnce(io::Error) -> SimError {
    let what = what.to_string();
    move |source| SimError {
        doing,
        what,
        source,
    }
}

pub fn run(args: Args) -> Exit {
    let result = tokio::runtime::Runtime::new()
        .map_err(failed("starting", "the runtime"))
        .and_then(|runtime| runtime.block_on(serve(&args)));
    match result {
        Ok(()) => Exit::Pass,
        Err(error) => {
            eprintln!("flashline sim: {error}");
            Exit::BenchError
        }
    }
}

/// Until SIGINT or SIGTERM; the bench takes its links away when it is dropped.
async fn serve(args: &Args) -> Result<(), SimError> {
    let mut interrupt =
        signal(SignalKind::interrupt()).map_err(failed("listening for", "SIGINT"))?;
    let mut terminate =
        signal(SignalKind::terminate()).map_err(failed("listening for", "SIGTERM"))?;
    let bench =
        Bench::new(&args.link_dir).map_err(failed("making the folder", args.link_dir.display()))?;
    if let Some(dir) = &args.flash_dir {
        std::fs::create_dir_all(dir).map_err(failed("making the folder", dir.display()))?;
    }
    if args.secure_download && matches!(args.chip, Chip::Esp8266 | Chip::Esp32) {
        let says = "there is no Secure Download Mode on it; it came with the ESP32-S2";
        return Err(failed("making a", args.chip)(io::Error::other(says)));
    }
    let mut keepers = JoinSet::new();
    let mut kept = Vec::new();
    let mut remotes = Vec::new();
    let mut out = io::stdout().lock();
    for number in 0..args.boards {
        let name = format!("board{number}");
        let file = args
            .flash_dir
            .as_ref()
            .map(|dir| dir.join(format!("{name}.bin")));
        let spec = spec(args, number, file.as_deref())?;
        let board = bench.plug(&name, spec).map_err(failed(
            "putting a board at",
            args.link_dir.join(&name).display(),
        ))?;
        let mut line = format!("{} {}", board.path().display(), board.mac());
        let mut faces = vec![board];
        if let Some(first) = args.rfc2217 {
            let wiring = match args.usb_jtag {
                true => Wiring::UsbSerialJtag(Strap::Free),
                false => Wiring::Lines,
            };
            let port = first.port().checked_add(number).ok_or_else(|| {
                failed("counting on from", first)(io::Error::other("ports end at 65535"))
            })?;
            let address = SocketAddr::new(first.ip(), port);
            let remote = bench
                .also_rfc2217(address, &faces[0], wiring)
                .map_err(failed("listening on", address))?;
            line.push_str(&format!(" {}", remote.path().display()));
            remotes.push(remote.clone());
            faces.push(remote);
        }
        // who reads this has gone: serving goes on
        let _ = writeln!(out, "{line}");
        if let Some(file) = file {
            for (face, part) in faces.iter().zip(["pty", "rfc2217"]) {
                keepers.spawn(keep_flash(face.clone(), file.clone(), part));
            }
            kept.push((faces[0].clone(), file));
        }
    }
    let _ = out.flush();
    drop(out);
    if args.switches {
        // a read of standard input ends with the process alone, so it has a thread of its own
        std::thread::Builder::new()
            .name("switches".to_owned())
            .spawn(move || move_switches(&remotes, io::stdin().lock()))
            .map_err(failed("starting", "the reader of switches"))?;
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    keepers.shutdown().await;
    drop(bench);
    for (board, file) in kept {
        write_flash(&board, &file, "end").map_err(failed("writing", file.display()))?;
    }
    Ok(())
}

/// Until the input ends. A line that means nothing is told and moves nothing.
fn move_switches(boards: &[BoardHandle], lines: impl BufRead) {
    let mut inputs = vec![Inputs::default(); boards.len()];
    for line in lines.lines().map_while(Result::ok) {
        match moved(&line, &mut inputs) {
            Some(number) => boards[number].set_inputs(inputs[number]),
            None => eprintln!(
                "flashline sim: {line:?} moves no switch; write such as `cts 0 closed`, `dsr 0 open`"
            ),
        }
    }
}

/// The board whose switch the line moves.
fn moved(line: &str, inputs: &mut [Inputs]) -> Option<usize> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [input, number, contact] = words[..] else {
        return None;
    };
    let number = number.parse().ok()?;
    let of_board: &mut Inputs = inputs.get_mut::<usize>(number)?;
    let line = match input {
        "cts" => &mut of_board.cts,
        "dsr" => &mut of_board.dsr,
        _ => return None,
    };
    *line = match contact {
        "closed" => true,
        "open" => false,
        _ => return None,
    };
    Some(number)
}

fn spec(args: &Args, number: u16, file: Option<&Path>) -> Result<BoardSpec, SimError> {
    // the seed and the number share the MAC's last three bytes
    let mut spec = BoardSpec::esp32(u32::from(args.seed) << 8 | u32::from(number)).chip(args.chip);
    if let Some(revision) = args.revision {
        spec.revision = revision;
    }
    spec.crystal_mhz = args.crystal;
    if args.secure_download {
        spec.access = Access::SecureDownload;
    }
    if let Contents::Holds(bytes) = &args.contents
        && bytes.len() > spec.flash_bytes as usize
    {
        let says = format!(
            "the file has {} bytes and a board's flash {}",
            bytes.len(),
            spec.flash_bytes
        );
        return Err(failed("filling", "the flash")(io::Error::other(says)));
    }
    spec.contents = args.contents.clone();
    spec.answer_latency = Duration::from_millis(args.answer_latency);
    spec.costs = Costs {
        flash: args.flash_cost,
        md5: args.md5_cost,
    };
    if args.unpaced {
        spec = spec.pace(Pace::Unpaced);
    }
    if let Some(file) = file.filter(|file| file.exists()) {
        let bytes = std::fs::read(file).map_err(failed("reading", file.display()))?;
        if bytes.len() != spec.flash_bytes as usize {
            let says = format!(
                "it has {} bytes and a board's flash {}; remove it for a blank board",
                bytes.len(),
                spec.flash_bytes
            );
            return Err(failed("reading", file.display())(io::Error::other(says)));
        }
        spec.contents = Contents::Holds(bytes.into());
    }
    Ok(spec)
}

/// Writes the file each time a client has closed the port.
async fn keep_flash(board: BoardHandle, file: PathBuf, part: &'static str) {
    let mut seen = 0;
    loop {
        // a session may be over before this gets to run: count them
        let state = board.wait_until(|state| state.sessions > seen).await;
        seen = state.sessions;
        let (board, file) = (board.clone(), file.clone());
        let written = tokio::task::spawn_blocking(move || {
            write_flash(&board, &file, part).map_err(failed("writing", file.display()))
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("flashline sim: {error}"),
            Err(_) => return,
        }
    }
}

/// Whole or not at all: a reader never sees half of it, nor do two writers meet in one part file.
fn write_flash(board: &BoardHandle, file: &Path, part: &str) -> io::Result<()> {
    let part = file.with_extension(format!("bin.{part}"));
    std::fs::write(&part, board.flash())?;
    std::fs::rename(&part, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_move_switches() {
        let mut inputs = [Inputs::default(); 2];
        let mut check = |line: &str, number: Option<usize>, second: (bool, bool)| {
            assert_eq!(moved(line, &mut inputs), number, "{line}");
            assert_eq!((inputs[1].cts, inputs[1].dsr), second, "{line}");
            assert_eq!(inputs[0], Inputs::default());
        };
        check("cts 1 closed", Some(1), (true, false));
        check(" dsr  1 closed\r", Some(1), (true, true));
        check("cts 1 open", Some(1), (false, true));
        for odd in [
            "",
            "cts",
            "cts 2 closed",
            "cts -1 open",
            "rts 1 closed",
            "cts 1 shut",
            "cts 1 open now",
        ] {
            check(odd, None, (false, true));
        }
    }
}
