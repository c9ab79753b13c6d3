//! The diagnostic log of a command that runs for long: to a file, or to stderr where no dashboard is in
//! the way. Leaves out the record: a log is for whoever looks for a fault in flashline itself.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::session::Face;

/// Names what is logged, as `tracing-subscriber` filters do: `debug`, `flashline::port=trace`.
const FILTER: &str = "FLASHLINE_LOG";

/// Starts the log: appends to `file` from level info on; without one, warnings go to stderr, or nowhere
/// while the dashboard has the terminal.
///
/// # Errors
/// The file cannot be opened for appending.
pub fn start(file: Option<&Path>, face: Face) -> io::Result<()> {
    let filter =
        |level: &str| EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_ansi(false);
    let started = match (file, face) {
        (Some(path), _) => {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            builder
                .with_env_filter(filter("info"))
                .with_writer(Mutex::new(file))
                .try_init()
        }
        (None, Face::Dashboard) => Ok(()),
        (None, Face::Plain | Face::Json) => builder
            .with_env_filter(filter("warn"))
            .with_writer(io::stderr)
            .try_init(),
    };
    // a log that was started already goes on
    drop(started);
    Ok(())
}
