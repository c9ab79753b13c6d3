//! Soaks a whole station: so many slots on simulated boards at full plug rate, on a database that already
//! holds years of jobs. Prints memory, descriptors, threads and tasks as it goes on, then checks that
//! every job has its row, and what the station costs while nothing happens.
//!
//! ```text
//! cargo run --release --example soak [-- --jobs 20000 --history 1000000 --slots 64]
//! ```
//!
//! Boards are in memory and unpaced, in the same process; so memory holds the simulator's, too.

mod feeder;
mod figures;
mod history;
mod onlookers;
#[path = "../product/mod.rs"]
mod product;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use flashline::event::{Role, Who};
use flashline::record::Record;
use flashline::settings::{LineRules, Settings};
use flashline::sim::SimPorts;
use flashline::socket;
use flashline::station::{Access, Station};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::feeder::{Fed, Feeder};
use crate::figures::{Figures, processor_time};
use crate::onlookers::Frozen;

/// Soaks a station with simulated boards
#[derive(Debug, Parser)]
struct Args {
    /// Jobs to be done
    #[arg(long, default_value_t = 20_000)]
    jobs: u64,
    /// Jobs that the database holds before
    #[arg(long, default_value_t = 1_000_000)]
    history: u64,
    /// Slots at work at once
    #[arg(long, default_value_t = 64)]
    slots: u32,
    /// Dashboards that are attached and killed meanwhile
    #[arg(long, default_value_t = 50)]
    dashboards: usize,
    /// How long the idle station is looked at, in seconds
    #[arg(long, default_value_t = 60)]
    idle: u64,
}

/// So often figures are printed.
const REPORTS: u64 = 10;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let soaked = runtime.and_then(|runtime| runtime.block_on(soak(&args)));
    match soaked {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every job has its row.
async fn soak(args: &Args) -> io::Result<bool> {
    let folder = Folder::new()?;
    let bundle = product::write(&folder.0, "soak", 96 << 10)?;
    let settings = settings(&folder.0, args.slots);
    let database = settings.database.clone();
    let began = Instant::now();
    Record::open(&database)
        .map_err(io::Error::other)?
        .0
        .close()
        .await;
    let before = jiff::Timestamp::now().as_millisecond() - 48 * 3_600_000;
    history::fill(&database, args.history, before, &bundle.digest_hex())?;
    println!(
        "{} jobs of history made in {:.0} s: {} MB",
        args.history,
        began.elapsed().as_secs_f64(),
        std::fs::metadata(&database)?.len() >> 20
    );
    let began = Instant::now();
    let (record, interrupted) = Record::open(&database).map_err(io::Error::other)?;
    println!(
        "database opened in {:.0} ms",
        began.elapsed().as_secs_f64() * 1000.0
    );

    let program = onlookers::flashline()?;
    let ports = SimPorts::new();
    let access = Access::new(settings.access.clone());
    let socket_path = settings.socket.path.clone();
    let listening = socket::listen(&settings.socket).map_err(io::Error::other)?;
    let stop = CancellationToken::new();
    let station = Station::start(
        settings,
        Arc::new(bundle),
        Arc::new(ports.clone()),
        record.clone(),
        interrupted,
        stop.clone(),
    )
    .await
    .map_err(io::Error::other)?;

    let server = socket::serve(
        listening,
        station.snapshots.clone(),
        station.asker(Who::new("soak", Role::Supervisor)),
        access,
        station.enquirer(),
    )?;
    let frozen = {
        let (program, path) = (program.clone(), socket_path.clone());
        tokio::task::spawn_blocking(move || Frozen::attach(&program, &path)).await??
    };
    println!("a dashboard is attached, and stopped in its tracks");
    println!(
        "{:>8} {:>8} {:>8} {:>8} {:>12} {:>8} {:>6}",
        "jobs", "seconds", "jobs/s", "MB", "descriptors", "threads", "tasks"
    );
    let feeder = Feeder::new(ports, station.snapshots.clone(), args.jobs);
    let began = Instant::now();
    let mut feeding = tokio::task::JoinSet::new();
    for slot in 1..=args.slots {
        feeding.spawn(feeder.clone().feed(slot.to_string()));
    }
    let times = args.dashboards;
    let onlookers =
        tokio::task::spawn_blocking(move || onlookers::come_and_go(&program, &socket_path, times));
    let mut next = 0;
    let mut fed = Vec::new();
    let line = |jobs: u64| -> io::Result<()> {
        let figures = Figures::now()?;
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{jobs:>8} {seconds:>8.1} {:>8.0} {:>8.1} {:>12} {:>8} {:>6}",
            jobs as f64 / seconds,
            figures.resident_kb as f64 / 1024.0,
            figures.descriptors,
            figures.threads,
            figures.tasks
        );
        Ok(())
    };
    while !feeding.is_empty() {
        tokio::select! {
            Some(done) = feeding.join_next() => fed.extend(done.map_err(io::Error::other)?),
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
        while feeder.done() >= next && next < args.jobs {
            line(feeder.done())?;
            next += (args.jobs / REPORTS).max(1);
        }
    }
    line(feeder.done())?;
    let left = onlookers.await??;
    println!("{left} dashboards were attached and killed meanwhile");

    tokio::time::sleep(Duration::from_secs(2)).await;
    let (used, began) = (processor_time(None)?, Instant::now());
    tokio::time::sleep(Duration::from_secs(args.idle)).await;
    let share = (processor_time(None)? - used).as_secs_f64() / began.elapsed().as_secs_f64();
    println!("idle for {} s: {:.3} % of a core", args.idle, share * 100.0);
    line(feeder.done())?;

    drop(frozen);
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("the frozen one is gone, too:");
    line(feeder.done())?;
    stop.cancel();
    server.ended().await;
    station.ended().await;
    record.close().await;
    check(&database, args.history, &fed)
}

/// Whether the database holds exactly the jobs that were shown as done, each as it was shown.
fn check(database: &Path, history: u64, fed: &[Fed]) -> io::Result<bool> {
    let connection = Connection::open(database).map_err(io::Error::other)?;
    let look = || -> rusqlite::Result<(i64, i64, i64, i64, String)> {
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let mut one =
            connection.prepare("SELECT count(*) FROM job WHERE job = ?1 AND outcome = ?2")?;
        let mut found = 0;
        for job in fed {
            found += one.query_row([&job.job, job.outcome.name()], |row| row.get::<_, i64>(0))?;
        }
        Ok((
            count("SELECT count(*) FROM job")?,
            count("SELECT count(*) FROM job WHERE ended_ms IS NULL")?,
            count("SELECT count(*) FROM job WHERE outcome = 'PASS'")?,
            found,
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?,
        ))
    };
    let (rows, unclosed, passed, found, integrity) = look().map_err(io::Error::other)?;
    println!(
        "{rows} rows, {unclosed} of them not closed, {passed} PASS in all; {found} of {} jobs that were shown have \
         their row; integrity: {integrity}",
        fed.len()
    );
    let shown = fed.len() as i64;
    Ok(rows == history as i64 + shown && unclosed == 0 && found == shown && integrity == "ok")
}

/// The station, with slots `1`, `2`, ….
fn settings(folder: &Path, slots: u32) -> Settings {
    Settings {
        slots: product::slots(1..=slots),
        settle: Duration::from_millis(10),
        grace: Duration::from_millis(100),
        // a bad board now and then takes no slot out of service
        line: LineRules::NEVER,
        ..Settings::of("soak", folder.join("manifest.toml"), folder.join("soak.db"))
    }
}

/// A folder that goes with the program.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Folder> {
        let folder = std::env::temp_dir().join(format!("flashline-soak-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // what stays is in the temporary folder
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
