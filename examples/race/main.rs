//! Races flashline against the field's own clients: the same image, the same paced simulated board in a
//! process of its own.
//!
//! ```text
//! cargo run --release --example race [-- --quick | --all | --boards 64 | --help]
//! ```
//!
//! Prints for each race the wall time from opening the port to the verdict, the limit (the larger of the
//! image frames' bytes × 10 / baud and the flash part's own time), the ratio of the two, processor
//! seconds and peak memory of the whole process; then each target with what was measured. All figures
//! are of simulated boards.

mod bench;
mod boards;
mod clients;
mod racer;
mod image;
mod process;
mod races;
mod targets;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

use crate::clients::{Client, Others, Set};

/// Races flashline, esptool and espflash's library on simulated boards
#[derive(Debug, Parser)]
struct Args {
    /// One race: 1 MB, 921600 baud, 1 ms, blank
    #[arg(long)]
    quick: bool,
    /// Every rate, latency, content and cost: about an hour
    #[arg(long, conflicts_with = "quick")]
    all: bool,
    /// Each race so often; the median counts
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// flashline alone
    #[arg(long)]
    alone: bool,
    /// Without espflash's library (a release build of a minute, and 6 s longer in each race)
    #[arg(long)]
    no_espflash: bool,
    /// Only races at these rates
    #[arg(long, value_name = "RATE")]
    baud: Vec<u32>,
    /// So many boards at once against one alone; nothing else
    #[arg(long, value_name = "N")]
    boards: Option<usize>,
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().collect();
    let role = arguments.get(1).map(String::as_str).unwrap_or_default();
    if role == boards::AS_FLASHLINE {
        arguments.remove(1);
        return flashline::cli::main_with(arguments);
    }
    let result = match (role, &arguments[..]) {
        (racer::AS_RACER, [_, _, port, manifest]) => {
            racer::race(Path::new(port), Path::new(manifest))
        }
        _ => race(&Args::parse()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("race: {error}");
            ExitCode::FAILURE
        }
    }
}

fn race(args: &Args) -> io::Result<()> {
    let source = image::Source::of_toolchain()?;
    let folder = std::env::temp_dir().join(format!("flashline-race-{}", std::process::id()));
    let result = races(args, &source, &folder);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn races(args: &Args, source: &image::Source, folder: &Path) -> io::Result<()> {
    let app = source.app(1 << 20)?;
    let megabyte = Set::new(
        folder.join("1mb"),
        app.ratio,
        &[("app", 0x1_0000, app.bytes)],
    )?;
    let small = small_set(source, folder)?;
    println!("simulated ESP32 boards on pseudo-terminals; {}", machine());
    println!(
        "code from {}: {} bytes deflate to {:.1} %, the set of three files ({} bytes) to {:.1} %",
        source.path.display(),
        megabyte.bytes,
        megabyte.ratio * 100.0,
        small.bytes,
        small.ratio * 100.0
    );
    let mut results = targets::Results::default();
    if args.boards.is_none() {
        let mut clients = vec![Client::Flashline];
        let mut others = Others {
            python: None,
            espflash: None,
        };
        if !args.alone {
            others.python = Some(python()?);
            clients.push(Client::Esptool);
            if !args.no_espflash {
                others.espflash = Some(espflash()?);
                clients.push(Client::Espflash);
            }
        }
        let plan = if args.quick {
            races::quick()
        } else if args.all {
            races::all()
        } else {
            races::default()
        };
        let wanted = plan
            .into_iter()
            .filter(|race| args.baud.is_empty() || args.baud.contains(&race.baud));
        races::print_head();
        for race in wanted {
            let set = if race.small { &small } else { &megabyte };
            let row = race.run(set, &clients, &others, args.repeat, folder)?;
            results.add(race, row);
        }
    }
    if let Some(count) = args.boards.or((!args.quick && !args.alone).then_some(64)) {
        results.bench = Some(bench::race(&megabyte, count, args.repeat, folder)?);
    }
    results.print();
    Ok(())
}

/// Bootloader, partition table and app: 0.6 MB.
fn small_set(source: &image::Source, folder: &Path) -> io::Result<Set> {
    use flashline::chip::Chip;
    use flashline::image::sample;
    let app = source.app(560 << 10)?;
    let files = [
        ("bootloader", 0x1000, sample::bootloader(Chip::Esp32)),
        (
            "partition-table",
            0x8000,
            sample::single_app_table().to_bytes(),
        ),
        ("app", 0x1_0000, app.bytes),
    ];
    Set::new(folder.join("set"), app.ratio, &files)
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("a processor", |rest| {
        rest.trim_start_matches([' ', '\t', ':'])
    });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {model}")
}

/// A Python with esptool; made by the conformance run's script.
fn python() -> io::Result<PathBuf> {
    let output = Command::new("tests/conformance/venv.sh")
        .current_dir(here())
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    Ok(here().join(String::from_utf8_lossy(&output.stdout).trim()))
}

/// The conformance run's client with espflash's library, built where it is not.
fn espflash() -> io::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let target = here().join(target).join("conformance/espflash");
    let status = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--quiet",
            "--locked",
            "--manifest-path",
        ])
        .arg("tests/conformance/espflash/Cargo.toml")
        .arg("--target-dir")
        .arg(&target)
        .current_dir(here())
        .status()?;
    match status.success() {
        true => Ok(target.join("release/espflash-client")),
        false => Err(io::Error::other(
            "the client with espflash's library cannot be built",
        )),
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
