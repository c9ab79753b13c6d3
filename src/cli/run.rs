//! `flashline run`: the daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::look::Look;
use super::notify::Systemd;
use super::session::{self, Face, HangUp};
use super::starts;
use super::{Exit, alarm, journal, logging};
use super::{faults, names};
use crate::dashboard::{Options, Times};
use crate::event::{Role, Who};
use crate::port::SystemPorts;
use crate::record::Record;
use crate::settings::{Fault, LogFormat, LogSettings, Settings, Source};
use crate::socket::{self, ListenError, listen};
use crate::station::{Access, Bundles, Pins, Station};

/// Watch the bench and flash every board that appears
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station file
    #[arg(long, value_name = "FILE", default_value = "station.toml")]
    config: PathBuf,
    /// One line per notice instead of the dashboard
    #[arg(long, conflicts_with = "json")]
    plain: bool,
    /// One JSON object per notice instead of the dashboard
    #[arg(long)]
    json: bool,
    /// Append a diagnostic log to this file (FLASHLINE_LOG names what, such as "debug")
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The log's form, whatever the station file says: text or json
    #[arg(long, value_name = "FORMAT", value_parser = log_format)]
    log_format: Option<LogFormat>,
    #[command(flatten)]
    look: Look,
}

pub fn run(args: Args) -> Exit {
    let face = Face::choose(args.plain, args.json);
    let look = args.look;
    let (settings, bundles) = match load(&args.config) {
        Ok(loaded) => loaded,
        Err(faults) => {
            faults::tell(&faults);
            return Exit::Usage;
        }
    };
    let log = LogSettings {
        file: args.log.or_else(|| settings.log.file.clone()),
        format: args.log_format.unwrap_or(settings.log.format),
        ..settings.log
    };
    let log = match logging::start(&log, face) {
        Ok(log) => log,
        Err(error) => {
            let path = log.file.unwrap_or_default();
            eprintln!(
                "flashline: the log {} cannot be written: {error}",
                path.display()
            );
            return Exit::Usage;
        }
    };
    let hang_up = HangUp::of_daemon(log.as_ref());
    let opened = match Record::open(&settings.database) {
        Ok(opened) => opened,
        Err(error) => {
            bench_error(&error);
            return Exit::from(&error);
        }
    };
    let options = look.options(face, &settings.face, &settings.alarm);
    let here = Access::new(settings.access.clone()).at_terminal();
    let bundles = bundles.started_by(here.clone());
    match session::block_on(work(
        settings, bundles, opened, face, options, here, hang_up,
    )) {
        Ok(exit) => exit,
        Err(error) => bench_error(&error),
    }
}

fn load(config: &Path) -> Result<(Settings, Bundles), Vec<Fault>> {
    let source = Source::load(config)?;
    let settings = Settings::read(&source)?;
    let bundles = Bundles::load(&settings)?;
    faults::tell(&names::warnings(&settings, &source));
    faults::tell(&Pins::at(&settings.pins).check()?);
    let faults: Vec<Fault> = bundles
        .each(&settings.manifest)
        .flat_map(|(path, bundle)| starts::faults(&bundle.manifest, path, &settings, &source))
        .collect();
    if faults.is_empty() {
        Ok((settings, bundles))
    } else {
        Err(faults)
    }
}

async fn work(
    settings: Settings,
    bundles: Bundles,
    (record, interrupted): (Record, usize),
    face: Face,
    options: Options,
    here: Who,
    hang_up: HangUp,
) -> Exit {
    let systemd = match Systemd::from_env() {
        Ok(systemd) => systemd,
        Err(error) => {
            tracing::warn!(%error, "systemd cannot be told how it goes");
            None
        }
    };
    let ports = Arc::new(SystemPorts::new(settings.paths()));
    let stop = CancellationToken::new();
    if let Err(error) = session::stop_on_signals(&stop, hang_up) {
        return bench_error(&error);
    }
    let access = Access::new(settings.access.clone());
    let alarm = settings.alarm.clone();
    let socket = settings.socket.clone();
    // before a board is touched
    let listening = match tokio::task::spawn_blocking(move || listen(&socket)).await {
        Ok(Ok(listening)) => listening,
        Ok(Err(error)) => {
            record.close().await;
            let told = bench_error(&error);
            return match error {
                // mistakes in the file, which no second start mends
                ListenError::TooLong { .. } | ListenError::NoSuchGroup { .. } => Exit::Usage,
                _ => told,
            };
        }
        Err(error) => return bench_error(&error),
    };
    let started = Station::start(
        settings,
        bundles,
        ports,
        record.clone(),
        interrupted,
        stop.clone(),
    )
    .await;
    let station = match started {
        Ok(station) => station,
        Err(error) => {
            record.close().await;
            return bench_error(&error);
        }
    };
    let snapshots = station.snapshots.clone();
    let asker = station.asker(here.clone());
    let enquirer = station.enquirer();
    let server = match socket::serve(listening, snapshots, asker, access, enquirer) {
        Ok(server) => server,
        Err(error) => {
            stop.cancel();
            station.ended().await;
            record.close().await;
            return bench_error(&error);
        }
    };
    let alarm = alarm::follow(alarm, options.language, station.snapshots.clone());
    let systemd = systemd
        .map(|systemd| systemd.follow(station.snapshots.clone(), station.pulse(), stop.clone()));
    let options = Options {
        times: match journal::is_at(std::io::stdout()) {
            true => Times::LeftOut,
            false => Times::Shown,
        },
        ..options
    };
    // whoever started it: at the bench everyone is an operator, and a supervisor has a PIN
    let at_bench = Who::new(&here.name, Role::Operator);
    let shown = session::show(station, face, at_bench, options, &stop).await;
    server.ended().await;
    record.close().await;
    if let Some(calling) = alarm {
        // it ends with the station too
        let _ = calling.await;
    }
    if let Some(telling) = systemd {
        // it ends with the station
        let _ = telling.await;
    }
    match shown {
        Ok(()) => Exit::Pass,
        Err(error) => bench_error(&error),
    }
}

fn bench_error(error: &dyn std::error::Error) -> Exit {
    eprintln!("flashline: {error}");
    Exit::BenchError
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    let known = LogFormat::NAMES.iter().find(|(name, _)| *name == text);
    known.map(|(_, format)| *format).ok_or("one of text, json")
}
