//! The diagnostic log of a command that runs for long: to a file, or to stderr where no dashboard is in
//! the way. Leaves out the record: a log is for whoever looks for a fault in flashline itself.

mod file;
mod writer;

use std::io;

use tracing_subscriber::EnvFilter;

pub use writer::{Lines, Log};

use self::file::Rotating;
use self::writer::Stream;
use super::journal;
use super::session::Face;
use crate::settings::{LogFormat, LogSettings};

/// Names what is logged, as `tracing-subscriber` filters do: `debug`, `flashline::port=trace`.
const FILTER: &str = "FLASHLINE_LOG";

/// Starts the log: to its file where it has one; without, warnings go to stderr, or nowhere while the
/// dashboard has the terminal. What it gives is dropped once all of it is written.
///
/// # Errors
/// The file cannot be opened for appending, or the log has no thread.
pub fn start(log: &LogSettings, face: Face) -> io::Result<Option<Log>> {
    let filter =
        |level: &str| EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_ansi(false);
    let (log, started) = match (&log.file, face) {
        (Some(path), _) => {
            let file = Log::start(Rotating::open(path, log)?)?;
            let builder = builder
                .with_env_filter(filter(log.level.name()))
                .with_writer(file.writer());
            let started = match log.format {
                LogFormat::Text => builder.try_init(),
                LogFormat::Json => builder.json().flatten_event(true).try_init(),
            };
            (Some(file), started)
        }
        (None, Face::Dashboard) => (None, Ok(())),
        (None, Face::Plain | Face::Json) => {
            let stderr = Log::start(Stream::new(io::stderr(), log.format))?;
            let builder = builder
                .with_env_filter(filter("warn"))
                .with_writer(stderr.writer());
            let started = match (log.format, journal::is_at(io::stderr())) {
                (LogFormat::Json, _) => builder.json().flatten_event(true).try_init(),
                // the journal has the time of every line
                (LogFormat::Text, true) => builder.without_time().try_init(),
                (LogFormat::Text, false) => builder.try_init(),
            };
            (Some(stderr), started)
        }
    };
    // a log that was started already goes on
    drop(started);
    Ok(log)
}
