//! `flashline report`: figures from the record.

use std::io::{self, Write};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Exit;
use crate::event::LotName;
use crate::record::{Figures, LotStanding, Reader, RecordError, Since};
use crate::report::{self, Format, Report, SinceError};
use crate::settings::DATABASE;

/// Units, yield and failures from the record
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The database (it may be in use)
    #[arg(long, value_name = "FILE", default_value = DATABASE)]
    db: PathBuf,
    /// Only jobs that started since: today, 2026-11-02, 2026-11-02T14:30, 8h, 2d
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
    /// Only this lot's jobs
    #[arg(long, value_name = "LOT", value_parser = super::lot::name, conflicts_with = "since")]
    lot: Option<LotName>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: Args) -> Exit {
    let (lot, figures) = match figures(&args) {
        Ok(Some(found)) => found,
        Ok(None) => {
            let db = args.db.display();
            eprintln!("flashline: {db} has no such lot: `flashline lot list --db {db}` names them");
            return Exit::Usage;
        }
        Err(error) => {
            eprintln!("flashline: {error}");
            return Exit::from(&error);
        }
    };
    let report = Report {
        database: args.db.display().to_string(),
        since: Since(args.since),
        lot,
        zone: TimeZone::system(),
        figures,
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = report::write(&report, args.format, &mut out).and_then(|()| out.flush());
    match written {
        Ok(()) => Exit::Pass,
        // `| head` has read enough
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Pass,
        Err(error) => {
            eprintln!("flashline: the report could not be written: {error}");
            Exit::BenchError
        }
    }
}

/// What is asked for; `None`: there is no such lot.
fn figures(args: &Args) -> Result<Option<(Option<LotStanding>, Figures)>, RecordError> {
    let reader = Reader::open(&args.db)?;
    match &args.lot {
        None => Ok(Some((None, reader.figures(Since(args.since))?))),
        Some(lot) => {
            let found = reader.lot_figures(lot)?;
            Ok(found.map(|(lot, figures)| (Some(lot), figures)))
        }
    }
}

fn since(words: &str) -> Result<Timestamp, SinceError> {
    report::since(words, &Zoned::now())
}
