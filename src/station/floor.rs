//! The station's loop: waits for inputs, has the dispatcher decide, performs its effects (`perform`), looks
//! who holds ports, publishes snapshots. Leaves out every decision. It never awaits a send: what tasks
//! tell comes in through one bounded channel, what faces see goes out through a watch.

mod perform;

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::claims::{Claims, Whereabouts};
use super::dispatcher::{self, AtWork, Dispatcher, Fact, Input};
use super::enquiry::{self, Enquirer};
use super::manifests;
use super::pins;
use super::pulse::{Beat, Pulse};
use super::slot::Now;
use super::watch::Watch;
use super::{Asker, Bundles, GateNews, GateTold, Gatekeeper, Pins, Request, Snapshot};
use crate::event::{JobId, LotState, Progress, SlotId, UsbPath, Who};
use crate::plan::{Method, Planner};
use crate::port::{PortChange, PortInfo, Ports, StopHandle};
use crate::record::{Record, RecordError, Standing};
use crate::settings::Settings;

/// At most 20 snapshots a second.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(50);
/// How often it is looked who holds the slots' ports.
const HOLDS_INTERVAL: Duration = Duration::from_secs(1);
/// What tasks may have told and the dispatcher not yet heard.
const INBOX_LENGTH: usize = 1024;
/// What faces may have asked and the dispatcher not yet heard.
const REQUESTS_LENGTH: usize = 64;

/// A running station, as its owner holds it.
#[derive(Debug)]
pub struct Station {
    /// What faces see. Closes when the station has ended.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What faces ask.
    requests: mpsc::Sender<Request>,
    /// What faces ask of the past.
    enquirer: Enquirer,
    pulse: Pulse,
    floor: JoinHandle<()>,
}

impl Station {
    /// Starts working: once this returns, every board that comes is a new one. `interrupted`: jobs that the
    /// record closed when it was opened. `bundles`: one for all slots, or one for each manifest. `stop` ends
    /// the station in order: jobs at a safe point, every row closed.
    ///
    /// # Errors
    /// The record cannot be written: no board has been touched.
    pub async fn start(
        settings: Settings,
        bundles: impl Into<Bundles>,
        ports: Arc<dyn Ports>,
        record: Record,
        interrupted: usize,
        stop: CancellationToken,
    ) -> Result<Station, RecordError> {
        let standing = health(&record, settings.disk_reserve_bytes).await?;
        let history = record.history(settings.station.clone()).await?;
        let settings = Arc::new(settings);
        let at_work = approved(&record, &settings, &bundles.into()).await?;
        let lookouts = at_work.iter().map(AtWork::lookout).collect();
        let planners: Vec<Arc<Planner>> =
            (at_work.iter()).map(|one| one.planner().clone()).collect();
        let mut dispatcher = Dispatcher::new(
            settings.clone(),
            at_work,
            standing,
            interrupted,
            &history,
            now(),
        );
        let pins = Pins::at(&settings.pins);
        let named = pins.clone();
        // a panic of it has been printed: nobody is known to have one then
        let named = tokio::task::spawn_blocking(move || named.names()).await;
        dispatcher.supervisors_told(named.unwrap_or_else(|_| Ok(Vec::new())));
        let (inbox_sender, inbox) = mpsc::channel(INBOX_LENGTH);
        let (request_sender, requests) = mpsc::channel(REQUESTS_LENGTH);
        let (pulse, beats) = Pulse::new();
        let (gate_sender, gate_news) = mpsc::channel(INBOX_LENGTH);
        let ceilings = settings
            .slots
            .iter()
            .filter_map(|slot| Some((slot.name.clone(), slot.baud_ceiling?)))
            .collect();
        let gatekeeper = Gatekeeper::new(
            Some(record.clone()),
            settings.baud_ceiling,
            Some(gate_sender),
        )
        .with_slot_ceilings(ceilings)
        .with_rules(settings.golden.clone(), settings.line.retest_limit);
        let (publisher, snapshots) = watch::channel(Arc::new(dispatcher.snapshot(now())));
        let mut floor = Floor {
            claims: Claims::new(ports.shared()),
            changes: ports.watch(),
            ports,
            record,
            gatekeeper: Arc::new(gatekeeper),
            settings,
            inbox,
            inbox_sender,
            requests,
            beats,
            gate_news,
            slots: HashMap::new(),
            tasks: TaskTracker::new(),
            looks: CancellationToken::new(),
            publisher,
            dispatcher,
        };
        for planner in planners {
            floor.prepare(planner);
        }
        floor.tasks.spawn(manifests::watch(
            lookouts,
            floor.settings.manifest_looks,
            floor.inbox_sender.clone(),
            floor.looks.clone(),
        ));
        floor.tasks.spawn(pins::watch(
            pins,
            floor.settings.manifest_looks,
            floor.inbox_sender.clone(),
            floor.looks.clone(),
        ));
        let (enquirer, enquiries) = Enquirer::new();
        floor.tasks.spawn(enquiry::answer(
            floor.record.path().clone(),
            enquiries,
            floor.looks.clone(),
        ));
        // what is there now was there before the start; all that comes later is new
        if let Some(present) = floor.changes.recv().await {
            for effect in floor.dispatcher.handle(Input::Port(present), now()) {
                floor.perform(effect);
            }
        }
        Ok(Station {
            snapshots,
            requests: request_sender,
            enquirer,
            pulse,
            floor: tokio::spawn(floor.work(stop)),
        })
    }

    /// Requests in the name of someone.
    pub fn asker(&self, by: Who) -> Asker {
        Asker::new(by, self.requests.clone())
    }

    /// Questions about the past.
    pub fn enquirer(&self) -> Enquirer {
        self.enquirer.clone()
    }

    /// Whether the floor still turns.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Waits until the station has ended, every row closed.
    pub async fn ended(self) {
        // a panic of the floor has been printed by its task
        let _ = self.floor.await;
    }
}

/// Where a slot's job can be reached.
struct SlotLines {
    presence: watch::Sender<Option<PortInfo>>,
    /// Where the port is, or was last.
    last: Option<UsbPath>,
    running: Option<RunningLines>,
    /// Who watches its switch, or is about to let go of it.
    watch: Option<Watch>,
}

struct RunningLines {
    job: JobId,
    progress: watch::Receiver<Progress>,
    stop: StopHandle,
}

struct Floor {
    dispatcher: Dispatcher,
    settings: Arc<Settings>,
    ports: Arc<dyn Ports>,
    changes: mpsc::Receiver<PortChange>,
    record: Record,
    gatekeeper: Arc<Gatekeeper>,
    inbox: mpsc::Receiver<Input>,
    inbox_sender: mpsc::Sender<Input>,
    requests: mpsc::Receiver<Request>,
    beats: mpsc::Receiver<Beat>,
    gate_news: mpsc::Receiver<GateNews>,
    slots: HashMap<SlotId, SlotLines>,
    claims: Claims,
    tasks: TaskTracker,
    /// Ends the looks at the manifests and at the record.
    looks: CancellationToken,
    publisher: watch::Sender<Arc<Snapshot>>,
}

impl Floor {
    /// Builds what all boards of a bundle share, before the first one waits for it.
    fn prepare(&self, planner: Arc<Planner>) {
        let chip = planner.bundle().manifest.chip;
        let method = Method::likely(chip, &self.settings.stubs, self.settings.stub);
        self.tasks.spawn_blocking(move || planner.prepare(method));
    }

    async fn work(mut self, stop: CancellationToken) {
        let mut stopping = false;
        let mut publish_at: Option<Instant> = None;
        let mut looking = pin!(self.look());
        loop {
            let deadline = self
                .dispatcher
                .next_deadline(now().steady)
                .map(Instant::from_std);
            let wake = [deadline, publish_at].into_iter().flatten().min();
            let mut beat = None;
            let input = tokio::select! {
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    Input::Stop
                }
                Some(input) = self.inbox.recv() => input,
                Some(told) = self.gate_news.recv() => Input::Fact {
                    slot: told.slot,
                    job: told.job,
                    fact: match told.what {
                        GateTold::Identified(identity) => Fact::Identified(identity),
                        GateTold::Asks(question) => Fact::Asks(question),
                    },
                },
                Some(change) = self.changes.recv() => Input::Port(change),
                Some(request) = self.requests.recv() => Input::Request(request),
                Some(asked) = self.beats.recv() => {
                    beat = Some(asked);
                    Input::Tick
                }
                holders = &mut looking => {
                    looking.set(self.look());
                    Input::Holders(holders)
                }
                () = sleep_until(wake) => Input::Tick,
            };
            // a tick for the screen's sake changes nothing by itself, nor does a look that found nobody
            let idle = match &input {
                Input::Tick => true,
                Input::Holders(holders) => !self.dispatcher.holders_tell(holders),
                _ => false,
            };
            // what was due may change what is seen without anything to be done
            let was_due = deadline.is_some_and(|at| at <= Instant::now());
            let effects = self.dispatcher.handle(input, now());
            let quiet = idle && !was_due && effects.is_empty();
            for effect in effects {
                if self.perform(effect) == Ended::Yes {
                    self.publish();
                    self.leave().await;
                    return;
                }
            }
            if let Some(beat) = beat {
                // who asked may have stopped waiting
                let _ = beat.send(());
            }
            let due = publish_at.is_some_and(|at| at <= Instant::now());
            if due {
                self.read_progress();
                self.publish();
                publish_at = None;
            }
            let working = self.dispatcher.working().next().is_some();
            if publish_at.is_none() && (working || !quiet) {
                publish_at = Some(Instant::now() + SNAPSHOT_INTERVAL);
            }
        }
    }

    fn read_progress(&mut self) {
        let working: Vec<SlotId> = self.dispatcher.working().cloned().collect();
        for slot in working {
            let Some(running) = self
                .slots
                .get(&slot)
                .and_then(|lines| lines.running.as_ref())
            else {
                continue;
            };
            let (job, progress) = (running.job, *running.progress.borrow());
            let input = Input::Progress {
                slot,
                job,
                progress,
            };
            let effects = self.dispatcher.handle(input, now());
            for effect in effects {
                self.perform(effect);
            }
        }
    }

    fn publish(&mut self) {
        let snapshot = self.dispatcher.snapshot(now());
        self.publisher.send_if_modified(|published| {
            let changed = !published.shows_the_same(&snapshot);
            if changed {
                *published = Arc::new(snapshot);
            }
            changed
        });
    }

    fn whereabouts(&self, slot: &SlotId) -> Whereabouts {
        let configured = self.settings.slots.iter().find(|known| known.name == *slot);
        let lines = self.slots.get(slot);
        Whereabouts {
            place: configured.map(|slot| slot.place.clone()),
            port: lines.and_then(|lines| lines.presence.borrow().clone()),
            left: lines.and_then(|lines| lines.last.clone()),
        }
    }

    /// Who holds each slot's port, looked at after a while.
    fn look(&self) -> impl Future<Output = Vec<(SlotId, Option<String>)>> + Send + use<> {
        let configured = self.settings.slots.iter().map(|slot| &slot.name);
        let all: BTreeSet<&SlotId> = configured.chain(self.slots.keys()).collect();
        let slots = all
            .into_iter()
            .map(|slot| (slot.clone(), self.whereabouts(slot)))
            .collect();
        let claims = self.claims.clone();
        async move {
            tokio::time::sleep(HOLDS_INTERVAL).await;
            claims.look(slots).await
        }
    }

    /// Waits a moment for tasks that have nothing to record any more (a port that closes slowly).
    async fn leave(self) {
        self.looks.cancel();
        self.tasks.close();
        // what hangs in the kernel is left behind: its row is closed
        let _ = tokio::time::timeout(Duration::from_millis(200), self.tasks.wait()).await;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Yes,
    No,
}

/// The bundles that the station begins with: those that whoever started it gives leave to are on record.
async fn approved(
    record: &Record,
    settings: &Settings,
    bundles: &Bundles,
) -> Result<Vec<AtWork>, RecordError> {
    let mut at_work = dispatcher::at_work(settings, bundles);
    let lots = record.standing().await?.lots;
    let running = lots
        .into_iter()
        .filter(|lot| lot.state == LotState::Running);
    let running: Vec<String> = running.map(|lot| lot.bundle).collect();
    for one in &mut at_work {
        let last = record.approved(one.place()).await?;
        if let Some(approval) = one.begin(last, &running, &bundles.started_by, now()) {
            record.approve(approval).await?;
        }
    }
    Ok(at_work)
}

async fn health(record: &Record, reserve_bytes: u64) -> Result<Standing, RecordError> {
    record.check(reserve_bytes).await?;
    record.standing().await
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn now() -> Now {
    Now {
        steady: Instant::now().into_std(),
        wall: jiff::Timestamp::now(),
    }
}
