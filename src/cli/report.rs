//! `flashline report`: figures from the record.

use std::io::{self, Write};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Exit;
use crate::record::{Figures, Reader, RecordError, Since};
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
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: Args) -> Exit {
    let since = Since(args.since);
    let figures = match figures(&args, since) {
        Ok(figures) => figures,
        Err(error) => {
            eprintln!("flashline: {error}");
            return Exit::from(&error);
        }
    };
    let report = Report {
        database: args.db.display().to_string(),
        since,
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

fn figures(args: &Args, since: Since) -> Result<Figures, RecordError> {
    Reader::open(&args.db)?.figures(since)
}

fn since(words: &str) -> Result<Timestamp, SinceError> {
    report::since(words, &Zoned::now())
}
