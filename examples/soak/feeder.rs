//! The hands at the bench: a board into a slot, wait for its result, out with it, the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flashline::event::Outcome;
use flashline::sim::{BoardSpec, Fault, Pace, SimPorts};
use flashline::station::{ResultView, SlotState, Snapshot};
use tokio::sync::watch;

/// A job whose result was shown.
#[derive(Debug, Clone)]
pub struct Fed {
    pub job: String,
    pub outcome: Outcome,
}

/// Boards for all slots, until there have been enough. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feeder {
    ports: SimPorts,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    jobs: u64,
    /// The next board's number.
    next: Arc<AtomicU64>,
    done: Arc<AtomicU64>,
}

impl Feeder {
    pub fn new(ports: SimPorts, snapshots: watch::Receiver<Arc<Snapshot>>, jobs: u64) -> Feeder {
        Feeder {
            ports,
            snapshots,
            jobs,
            next: Arc::default(),
            done: Arc::default(),
        }
    }

    /// Results shown so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Works one slot until all boards are through. Every fiftieth board has a write-protected part.
    pub async fn feed(mut self, slot: String) -> Vec<Fed> {
        let mut fed: Vec<Fed> = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.jobs {
                return fed;
            }
            let mut spec = BoardSpec::esp32(number as u32).pace(Pace::Unpaced);
            if number % 50 == 49 {
                spec = spec.fault(Fault::WriteProtected);
            }
            let board = self.ports.plug(&slot, spec);
            let before = fed.last().map(|last| last.job.clone());
            let shown = self
                .wait(&slot, |result| Some(result.job.to_string()) != before)
                .await;
            let Some((job, outcome)) = shown else {
                return fed;
            };
            fed.push(Fed { job, outcome });
            self.done.fetch_add(1, Ordering::Relaxed);
            board.pull();
            if self.wait(&slot, |result| !result.present).await.is_none() {
                return fed;
            }
        }
    }

    /// Waits until the slot shows such a result; `None` where the station ended.
    async fn wait(
        &mut self,
        slot: &str,
        so: impl Fn(&ResultView) -> bool,
    ) -> Option<(String, Outcome)> {
        let shown = |snapshot: &Arc<Snapshot>| {
            let view = snapshot
                .slots
                .iter()
                .find(|view| view.slot.as_str() == slot)?;
            match &view.state {
                SlotState::Done(result) if so(result) => {
                    Some((result.job.to_string(), result.outcome))
                }
                _ => None,
            }
        };
        let snapshot = self
            .snapshots
            .wait_for(|snapshot| shown(snapshot).is_some())
            .await
            .ok()?;
        shown(&snapshot)
    }
}
