//! What `run`, `demo` and `flash` share: the runtime, the signals, and a station with a face in front.
//! Leaves out where settings, ports and boards come from.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::logging::{Lines, Log};
use crate::dashboard::{self, Options};
use crate::event::Who;
use crate::station::Station;

/// What stands in front of a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Dashboard,
    /// A line per notice.
    Plain,
    /// A JSON object per notice.
    Json,
}

impl Face {
    /// What the options ask for; without one, the dashboard where there is a terminal.
    pub fn choose(plain: bool, json: bool) -> Face {
        let terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
        match (json, plain || !terminal) {
            (true, _) => Face::Json,
            (false, true) => Face::Plain,
            (false, false) => Face::Dashboard,
        }
    }
}

/// Runs a future to its end on a runtime of its own. What hangs in the kernel after that (a port that
/// does not close) is left behind.
///
/// # Errors
/// The runtime's threads could not be made.
pub fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime: Runtime = Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(result)
}

/// What SIGHUP does.
#[derive(Debug)]
pub enum HangUp {
    /// The terminal is gone, and the program ends with it.
    Ends,
    /// A service's log file is opened anew, where it has one.
    Reopens(Option<Lines>),
}

impl HangUp {
    /// A daemon without a terminal has none to lose.
    pub fn of_daemon(log: Option<&Log>) -> HangUp {
        if io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal() {
            HangUp::Ends
        } else {
            HangUp::Reopens(log.map(Log::writer))
        }
    }
}

/// Cancels the token at the first SIGINT or SIGTERM, or SIGHUP where that ends the program; its owner ends
/// in order.
///
/// # Errors
/// The handlers could not be installed.
pub fn stop_on_signals(stop: &CancellationToken, on_hang_up: HangUp) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let stop = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hang_up.recv() => match &on_hang_up {
                    HangUp::Ends => break,
                    HangUp::Reopens(log) => {
                        if let Some(log) = log {
                            log.reopen();
                        }
                        tracing::info!("the log is opened anew (SIGHUP)");
                    }
                },
                () = stop.cancelled() => break,
            }
        }
        stop.cancel();
    });
    Ok(())
}

/// Shows a station until it has ended: the face's end (`q`, a reader that left) ends the station too.
/// `by`: who sits in front of it.
///
/// # Errors
/// The face could not write or read the terminal; the station has ended in order all the same.
pub async fn show(
    station: Station,
    face: Face,
    by: Who,
    options: Options,
    stop: &CancellationToken,
) -> io::Result<()> {
    let (snapshots, asker) = (station.snapshots.clone(), station.asker(by));
    let shown = match face {
        Face::Dashboard => dashboard::tui(snapshots, asker, station.enquirer(), options).await,
        Face::Plain => dashboard::plain(snapshots, asker, options).await,
        Face::Json => dashboard::json(snapshots, asker).await,
    };
    stop.cancel();
    station.ended().await;
    shown
}
