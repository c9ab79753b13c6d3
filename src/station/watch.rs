//! Watches the input that a jig's switch closes: holds the port open while its slot is idle, lets both
//! lines go so that no board is reset, asks for the input again and again, and lets go of the port for a
//! job, or when a command by hand waits for it. Leaves out what follows from it (`dispatcher/switches`).

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::claims::{Claims, Whereabouts};
use super::switch::{SwitchInput, SwitchTold, WatchEnd};
use crate::event::SlotId;
use crate::port::{Claim, Lines, Port, Ports};

/// How often the input is asked for.
const POLL: Duration = Duration::from_millis(50);
/// How often it is looked whether someone waits for the port: who does has patience for more than two
/// seconds.
const WANTED_EACH: u32 = 10;
/// The port's rate: nothing is said at it.
const BAUD: u32 = 115_200;

/// What is watched.
pub struct Watching {
    pub slot: SlotId,
    pub path: std::path::PathBuf,
    pub at: Whereabouts,
    pub input: SwitchInput,
}

/// A watch. Dropping it ends it, some time later.
#[derive(Debug)]
pub struct Watch {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Watch {
    /// Starts once the watch before is over. `tell` carries what it tells on.
    pub fn start<T>(
        what: Watching,
        before: Option<Watch>,
        (ports, claims): (Arc<dyn Ports>, Claims),
        tasks: &TaskTracker,
        tell: impl Fn(SwitchTold) -> T + Send + Sync + 'static,
    ) -> Watch
    where
        T: Future<Output = ()> + Send,
    {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tasks.spawn(async move {
            if let Some(before) = before {
                before.end().await;
            }
            if let Some(end) = watch(what, ports, claims, &stopped, &tell).await {
                tell(SwitchTold::Ended(end)).await;
            }
        });
        Watch { stop, task }
    }

    /// Asks it to let go of the port.
    pub fn leave(&self) {
        self.stop.cancel();
    }

    /// Returns when it has let go of the port.
    pub async fn end(mut self) {
        self.leave();
        // a panic of it has been printed by its task
        let _ = (&mut self.task).await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// `None`: it was asked to end.
async fn watch<T: Future<Output = ()>>(
    what: Watching,
    ports: Arc<dyn Ports>,
    claims: Claims,
    stop: &CancellationToken,
    tell: &impl Fn(SwitchTold) -> T,
) -> Option<WatchEnd> {
    let Ok(claim) = claims.probe(&what.slot, what.at).await else {
        return Some(WatchEnd::Wanted);
    };
    let claim = claim.map(Arc::new);
    // opening is not given up half-way: what comes of it must be closed
    let mut port = match ports.open(what.path, BAUD).await {
        Ok(port) => port,
        Err(error) => return Some(WatchEnd::Failed(error.to_string())),
    };
    let end = read(&mut *port, what.input, claim.as_ref(), stop, tell).await;
    port.close().await;
    end
}

async fn read<T: Future<Output = ()>>(
    port: &mut dyn Port,
    input: SwitchInput,
    claim: Option<&Arc<Claim>>,
    stop: &CancellationToken,
    tell: &impl Fn(SwitchTold) -> T,
) -> Option<WatchEnd> {
    let failed = |error: std::io::Error| Some(WatchEnd::Failed(error.to_string()));
    // opening raises both; both at once let go, they reset nobody
    let released = Lines {
        dtr: false,
        rts: false,
    };
    if let Err(error) = port.set_lines(released).await {
        return failed(error);
    }
    let mut told = None;
    for poll in 0_u32.. {
        if stop.is_cancelled() {
            break;
        }
        // not given up half-way either: a call that hangs in the driver keeps the port open
        let contact = match port.inputs().await {
            Ok(Some(inputs)) => input.contact(inputs),
            Ok(None) => return Some(WatchEnd::NoInput),
            Err(error) => return failed(error),
        };
        if told != Some(contact) {
            told = Some(contact);
            tell(SwitchTold::Reads(contact)).await;
        }
        if let Some(claim) = claim
            && poll % WANTED_EACH == 0
            && is_wanted(claim.clone()).await
        {
            return Some(WatchEnd::Wanted);
        }
        let next = Instant::now() + POLL;
        let mut said = [0; 256];
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep_until(next) => break,
                // what the board says is nobody's, and a port that is gone says so here
                read = port.read(&mut said) => match read {
                    Ok(0) => return Some(WatchEnd::Failed("the port is gone".to_owned())),
                    Ok(_) => {}
                    Err(error) => return failed(error),
                },
            }
        }
    }
    None
}

async fn is_wanted(claim: Arc<Claim>) -> bool {
    // only the runtime's end takes the blocking threads away
    tokio::task::spawn_blocking(move || claim.is_wanted())
        .await
        .unwrap_or(true)
}
