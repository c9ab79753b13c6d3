//! The diagnostic log of a command that runs for long: to a file, or to stderr where no dashboard is in
//! the way. Leaves out the record: a log is for whoever looks for a fault in flashline itself.

mod file;

use std::io;

use rustix::fs::fstat;
use tracing_subscriber::EnvFilter;

pub use file::{Lines, LogFile};

use super::session::Face;
use crate::settings::{LogFormat, LogSettings};

/// Names what is logged, as `tracing-subscriber` filters do: `debug`, `flashline::port=trace`.
const FILTER: &str = "FLASHLINE_LOG";

/// Starts the log: to its file where it has one; without, warnings go to stderr, or nowhere while the
/// dashboard has the terminal. Gives the file, which is complete once it is dropped.
///
/// # Errors
/// The file cannot be opened for appending.
pub fn start(log: &LogSettings, face: Face) -> io::Result<Option<LogFile>> {
    let filter =
        |level: &str| EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_ansi(false);
    let (file, started) = match (&log.file, face) {
        (Some(path), _) => {
            let file = LogFile::start(path, log)?;
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
            let builder = builder
                .with_env_filter(filter("warn"))
                .with_writer(io::stderr);
            let started = match (log.format, is_journal()) {
                (LogFormat::Json, _) => builder.json().flatten_event(true).try_init(),
                // the journal has the time of every line
                (LogFormat::Text, true) => builder.without_time().try_init(),
                (LogFormat::Text, false) => builder.try_init(),
            };
            (None, started)
        }
    };
    // a log that was started already goes on
    drop(started);
    Ok(file)
}

/// Whether stderr is a connection to systemd's journal (systemd.exec(5), `$JOURNAL_STREAM`).
fn is_journal() -> bool {
    let Ok(told) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    fstat(io::stderr()).is_ok_and(|stream| is_stream(&told, stream.st_dev, stream.st_ino))
}

/// Whether `told`, device and inode in decimal, is this stream.
fn is_stream(told: &str, device: u64, inode: u64) -> bool {
    told.split_once(':') == Some((&device.to_string(), &inode.to_string()))
}

#[cfg(test)]
mod tests {
    use super::is_stream;

    #[test]
    fn another_stream_than_the_journals_keeps_its_times() {
        assert!(is_stream("8:1234", 8, 1234));
        for other in ["8:12", "9:1234", "", "8", "x:y"] {
            assert!(!is_stream(other, 8, 1234), "{other}");
        }
    }
}
