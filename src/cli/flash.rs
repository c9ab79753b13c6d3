//! `flashline flash`: one board, by hand. The same manifest, Gate, job and record as on the bench;
//! leaves out slots and hotplug.

mod heard;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::faults;
use super::screen::{self, Screen};
use super::{Exit, hand, out, session};
use crate::chip::Stubs;
use crate::event::{Again, Happening, JobId, Outcome, Serial, SlotId, StopReason, Unit};
use crate::hand::claim;
use crate::job::{self, Assignment, Reports, Silence, StubUse, Verdict};
use crate::manifest::{AgainPolicy, Bundle};
use crate::plan::Planner;
use crate::port::{PortInfo, StopHandle, SystemPorts, follow};
use crate::record::{NewJob, Record, RecordError};
use crate::settings::{After, BUSY_BY_HAND, DATABASE, DISK_RESERVE_MB, GRACE, Reset, load_stubs};
use crate::station::{GateTold, Gatekeeper};

/// Flash one board
///
/// Exit code: 0 passed, 1 stopped, 2 the board failed, 3 the bench failed, 4 usage or manifest, 5 written
/// and not all of it verified.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to flash
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// The board's serial port: a device file, a pty, a symlink to one, rfc2217://host:port or
    /// socket://host:port
    #[arg(long, value_name = "PORT")]
    port: PathBuf,
    /// No faster than this, whatever the manifest says
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u32).range(9_600..=5_000_000))]
    baud: Option<u32>,
    /// How the board gets into its loader: auto, tight, classic, usb-jtag, usb-otg, none, or a
    /// sequence such as D0|R1|W0.1|D1|R0|W0.05|D0
    #[arg(long, value_name = "HOW", default_value = "auto")]
    before: Reset,
    /// What becomes of the board afterwards: auto, hard (RTS), watchdog, or stay in its loader
    #[arg(long, value_name = "HOW", default_value = "auto")]
    after: After,
    /// Attempts, the first included
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10))]
    attempts: u32,
    /// The serial number on the board's label; needed for a board in Secure Download Mode
    #[arg(long, value_name = "SERIAL", value_parser = serial)]
    serial: Option<Serial>,
    /// What becomes of a board that passed with this manifest before and holds everything still: flash, or
    /// skip (it is left as it is). What the manifest says of that is the line's
    #[arg(long, value_name = "WHAT", default_value = "flash", value_parser = again, conflicts_with = "no_record")]
    again: Again,
    /// The database that the result goes into
    #[arg(long, value_name = "FILE", default_value = DATABASE)]
    db: PathBuf,
    /// Record nothing
    #[arg(long, conflicts_with = "db")]
    no_record: bool,
    /// Let the chip's ROM write, without Espressif's flasher stub
    #[arg(long)]
    no_stub: bool,
    /// The stub folder of an installed esptool (esptool/targets/stub_flasher/2): has the ESP8266's stub
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_stub")]
    stub_dir: Option<PathBuf>,
    /// Send the data as it is (only without the stub)
    #[arg(long, requires = "no_stub")]
    no_compress: bool,
}

fn serial(text: &str) -> Result<Serial, String> {
    Serial::parse(text).ok_or_else(|| {
        format!(
            "write what the label shows, 1 to {} characters",
            Serial::MOST_CHARS
        )
    })
}

fn again(word: &str) -> Result<Again, String> {
    match word {
        "skip" => Ok(Again::Skip),
        "flash" => Ok(Again::Flash),
        _ => Err("write skip or flash".to_owned()),
    }
}

/// The station's name in rows that this command writes.
const STATION: &str = "by hand";

pub fn run(args: Args) -> Exit {
    let bundle = match Bundle::load(&args.manifest) {
        Ok(bundle) => Arc::new(bundle),
        Err(faults) => {
            faults::tell(&faults);
            return Exit::Usage;
        }
    };
    faults::tell(&bundle.warnings);
    let stubs = match args.stub_dir.as_deref().map(load_stubs).transpose() {
        Ok(stubs) => Arc::new(stubs.unwrap_or_default()),
        Err(error) => {
            eprintln!("flashline: --stub-dir: {error}");
            return Exit::Usage;
        }
    };
    let record = match (!args.no_record)
        .then(|| Record::open(&args.db))
        .transpose()
    {
        Ok(record) => record.map(|(record, interrupted)| {
            if interrupted > 0 {
                let closed = Happening::InterruptedClosed { jobs: interrupted };
                eprintln!("{}", screen::words(closed));
            }
            record
        }),
        Err(error) => return not_recorded(&error),
    };
    match session::block_on(work(args, bundle, stubs, record)) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("flashline: no threads to work with: {error}");
            Exit::BenchError
        }
    }
}

async fn work(args: Args, bundle: Arc<Bundle>, stubs: Arc<Stubs>, record: Option<Record>) -> Exit {
    let place = args.port.display().to_string();
    let claimed = claim(PortInfo::at(&args.port), "flashline flash".to_owned()).await;
    let _claim = match claimed {
        Ok(claim) => claim,
        Err(error) => return hand::explain("flash", &error),
    };
    let (job, slot) = (JobId::now(), SlotId::new(&place));
    if let Some(record) = &record {
        let row = NewJob {
            job,
            station: STATION.to_owned(),
            slot: slot.clone(),
            place,
            product: bundle.manifest.product.clone(),
            version: bundle.manifest.version.clone(),
            bundle_digest: bundle.digest,
            serial: args.serial.clone(),
            lot: None,
            operator: None,
            manifest_text: bundle.text.clone(),
            started: Timestamp::now(),
        };
        let opened = match record.check(u64::from(DISK_RESERVE_MB) << 20).await {
            Ok(()) => record.open_job(row).await,
            Err(error) => Err(error),
        };
        if let Err(error) = opened {
            return not_recorded(&error);
        }
    }
    let began = std::time::Instant::now();
    let screen = Arc::new(Screen::new(screen::Style::People));
    let verdict = flash(
        &args,
        job,
        slot,
        bundle,
        stubs,
        record.clone(),
        screen.clone(),
    )
    .await;
    let committed = match &record {
        Some(record) => record
            .close_job(job, verdict.clone(), Timestamp::now())
            .await
            .map(drop),
        None => Ok(()),
    };
    if let Some(record) = record {
        record.close().await;
    }
    screen.close();
    if let Err(error) = committed {
        return not_recorded(&error);
    }
    eprint!("{}", heard::heard(&verdict));
    out::line(&screen::words(Happening::JobEnded {
        outcome: verdict.outcome,
        code: verdict.code,
        detail: verdict.detail,
        unit: Unit::of(verdict.identity.as_ref(), args.serial.as_ref()),
        attempts: verdict.attempts,
        retries: verdict.retries.total(),
        took: began.elapsed(),
    }));
    match verdict.outcome {
        Outcome::Pass | Outcome::Skipped => Exit::Pass,
        Outcome::Written => Exit::NotVerified,
        Outcome::Fail => Exit::BoardFailed,
        Outcome::Error => Exit::BenchError,
        Outcome::Aborted => Exit::Failure,
    }
}

/// Runs the job to its verdict, and stops it when someone asks the program to end.
async fn flash(
    args: &Args,
    job: JobId,
    slot: SlotId,
    bundle: Arc<Bundle>,
    stubs: Arc<Stubs>,
    record: Option<Record>,
    screen: Arc<Screen>,
) -> Verdict {
    let ports = SystemPorts::new(vec![args.port.clone()]);
    let presence = follow(&ports, &args.port).await;
    let assignment = Assignment {
        job,
        slot,
        serial: args.serial.clone(),
        presence,
        reset: args.before.clone(),
        after: args.after,
        likely: bundle.manifest.chip,
        attempts: args.attempts,
        grace: GRACE,
        busy: BUSY_BY_HAND,
        stub: match (args.no_stub, args.no_compress) {
            (false, _) => StubUse::Stub,
            (true, false) => StubUse::RomDeflate,
            (true, true) => StubUse::RomPlain,
        },
        stubs,
        silence: Silence::BadBoard,
    };
    let (tell, mut told) = mpsc::channel(1);
    let again = match args.again {
        Again::Skip => AgainPolicy::Skip,
        Again::Flash => AgainPolicy::Flash,
    };
    let gatekeeper = Gatekeeper::new(record, args.baud, Some(tell)).with_again(again);
    let gatekeeper = Arc::new(gatekeeper);
    let gate = gatekeeper.gate(Arc::new(Planner::new(bundle)));
    let (handle, stop) = StopHandle::new();
    let reports: Arc<dyn Reports> = screen.clone();
    let mut working = pin!(job::run(assignment, Arc::new(ports), gate, reports, stop,));
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt()).ok(),
        signal(SignalKind::terminate()).ok(),
    );
    loop {
        tokio::select! {
            verdict = &mut working => return verdict,
            Some(told) = told.recv() => match told.what {
                GateTold::Identified(identity) => {
                    screen.line(screen::words(Happening::BoardIdentified { identity }));
                }
                // never asked: see `Args::again`
                GateTold::Asks(_) => {}
            },
            () = heard(&mut interrupt) => handle.ask(StopReason::Shutdown),
            () = heard(&mut terminate) => handle.ask(StopReason::Shutdown),
        }
    }
}

/// Waits for a signal; for ever where it cannot be listened to.
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Without its row a result does not count.
fn not_recorded(error: &RecordError) -> Exit {
    let exit = Exit::from(error);
    if exit == Exit::Usage || matches!(error, RecordError::Locked { .. }) {
        // nothing is wrong with the disk: what to do is for whoever typed the command
        eprintln!("flashline: {error}");
    } else {
        let words = crate::lang::advice(error.code(), crate::lang::Language::English);
        eprintln!("flashline: {}: {error}. {}", words.happened, words.remedy);
    }
    exit
}
