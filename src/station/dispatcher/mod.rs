//! Every decision of the bench, as one synchronous function: an input and the time in, effects out.
//! Leaves out every IO: `floor` performs the effects. So a test calls it without a runtime.

mod again;
mod border;
mod bundles;
mod holds;
mod hubs;
mod jigs;
mod jobs;
mod line;
mod lots;
mod ports;
mod removal;
mod scans;
mod switches;
mod service;
mod warrants;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use again::AllowingRetest;
pub use border::{Effect, Fact, Input};
pub use bundles::{AtWork, NotTaken, Taking, at_work};
use hubs::Hubs;
use lots::Lots;
use ports::Arrival;
use scans::Scans;
use service::Service;
use warrants::Warrants;
pub use warrants::{Granted, Refusing, Reply, WritingOff};

use super::journal::Journal;
use super::slot::{Now, Phase, ProbeDue, Restart, Running, Slot};
use super::{AtHand, BundleView, LineState, PortView, Snapshot};
use crate::event::{Code, Happening, JobId, Serial, SlotId};
use crate::port::PortChange;
use crate::record::{History, Standing};
use crate::settings::Settings;

/// How often the record is tried while nothing is written to it.
pub const HEALTH_INTERVAL: Duration = Duration::from_secs(5);
/// How often an idle jig is probed.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(400);
/// Silent probes in a row that mean that the board was taken out.
pub const PROBE_SILENCES: u32 = 2;
/// How long a job may take to its safe point when the program ends; the rest of the 5 seconds is for
/// the commit.
pub const STOP_PATIENCE: Duration = Duration::from_secs(4);
/// How long a last commit may take after that.
pub const COMMIT_PATIENCE: Duration = Duration::from_millis(700);

/// Why the line takes no boards.
#[derive(Debug)]
enum Line {
    Running,
    Stopped { code: Code, detail: String },
    Ending { jobs_by: Instant, all_by: Instant },
}

/// When the record is asked next how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HealthDue {
    At(Instant),
    UnderWay,
}

/// The bench and its state.
pub struct Dispatcher {
    settings: Arc<Settings>,
    /// The station's first, then those of slots that have one of their own.
    at_work: Vec<AtWork>,
    slots: Vec<Slot>,
    /// Ports that belong to no slot, by path.
    unassigned: BTreeMap<PathBuf, PortView>,
    unassigned_view: Arc<[PortView]>,
    line: Line,
    journal: Journal,
    standing: Arc<Standing>,
    at_hand: Arc<AtHand>,
    health: HealthDue,
    hubs: Hubs,
    scans: Scans,
    service: Service,
    lots: Lots,
    warrants: Warrants,
    bundles_view: Arc<[BundleView]>,
}

impl Dispatcher {
    /// `interrupted`: how many jobs of an earlier process the record has just closed. `history`: what it
    /// tells of this station.
    pub fn new(
        settings: Arc<Settings>,
        at_work: Vec<AtWork>,
        standing: Standing,
        interrupted: usize,
        history: &History,
        now: Now,
    ) -> Dispatcher {
        let slots: Vec<Slot> = settings
            .slots
            .iter()
            .map(|slot| {
                let path = settings.manifest_of(slot);
                let own = at_work.iter().position(|known| known.is_at(path));
                let mut slot = Slot::new(slot.clone(), now);
                slot.manifest = own.unwrap_or_default();
                // where removal is seen, what was not seen is not held against the board that is there
                if !slot.sees_removal() {
                    slot.through_with = removal::remembered(&history.jobs, slot.id());
                }
                slot
            })
            .collect();
        let station = at_work[0].planner().bundle().clone();
        let mut journal = Journal::default();
        journal.line(
            now,
            Happening::StationStarted {
                station: settings.station.clone(),
                product: station.manifest.product.clone(),
                version: station.manifest.version.clone(),
                slots: slots.len(),
                own_manifests: slots.iter().filter(|slot| slot.manifest != 0).count(),
            },
        );
        if interrupted > 0 {
            journal.line(now, Happening::InterruptedClosed { jobs: interrupted });
        }
        let service = Service::new(settings.line, history);
        for news in at_work.iter().filter_map(AtWork::news) {
            journal.line(now, news);
        }
        let standing = Arc::new(standing);
        let mut dispatcher = Dispatcher {
            lots: Lots::new(&standing, history),
            settings,
            at_work,
            slots,
            unassigned: BTreeMap::new(),
            unassigned_view: Arc::new([]),
            line: Line::Running,
            journal,
            standing,
            at_hand: Arc::default(),
            health: HealthDue::At(now.steady + HEALTH_INTERVAL),
            hubs: Hubs::default(),
            scans: Scans::default(),
            service,
            warrants: Warrants::new(&history.wrong_pins, now),
            bundles_view: Arc::new([]),
        };
        dispatcher.show_bundles();
        dispatcher.judge_history(history, now);
        dispatcher
    }

    /// Takes one input in; returns what is to be done, in order.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Port(PortChange::Present(ports)) => {
                for port in ports {
                    self.port_came(port, Arrival::BeforeStart, now, &mut effects);
                }
            }
            Input::Port(PortChange::Appeared(port)) => {
                self.port_came(port, Arrival::Now, now, &mut effects);
            }
            Input::Port(PortChange::Vanished(path)) => self.port_left(&path, now, &mut effects),
            Input::Opened { slot, job, result } => {
                self.row_opened(&slot, job, result, now, &mut effects);
            }
            Input::Taken { slot, job, by } => self.taken(&slot, job, by, now),
            Input::Holders(holders) => {
                for (slot, by) in holders {
                    self.holder_told(&slot, by, now);
                }
            }
            Input::Fact { slot, job, fact } => self.job_told(&slot, job, fact, now),
            Input::Progress {
                slot,
                job,
                progress,
            } => self.job_moved(&slot, job, progress, now),
            Input::Finished { slot, job, verdict } => {
                self.job_finished(&slot, job, verdict, now, &mut effects);
            }
            Input::Recorded { slot, job, result } => {
                self.row_closed(&slot, job, result, now, &mut effects);
            }
            Input::Probed { slot, result } => self.probed(&slot, result, now, &mut effects),
            Input::ServiceKept(result) => self.service_kept(result, now, &mut effects),
            Input::Switch { slot, watch, told } => {
                self.switch_told(&slot, watch, told, now, &mut effects);
            }
            Input::Health(result) => self.health_told(result, now, &mut effects),
            Input::Request(request) => self.requested(request, now, &mut effects),
            Input::Supervisors(names) => self.supervisors_told(names),
            Input::Tried { supervisor, tried } => {
                self.tried(&supervisor, tried, now, &mut effects);
            }
            Input::WrongPinKept { refusing, result } => {
                self.wrong_pin_kept(refusing, result, now, &mut effects);
            }
            Input::Allowed { granted, result } => {
                self.allowed(granted, result, now, &mut effects);
            }
            Input::Manifest { manifest, found } => {
                self.manifest_read(manifest, found, now, &mut effects);
            }
            Input::Approved { taking, result } => self.approved(taking, result, now, &mut effects),
            Input::WrittenOff {
                writing_off,
                result,
            } => self.written_off(writing_off, result, now, &mut effects),
            Input::LotChanged(result) => self.lot_changed(result, now, &mut effects),
            Input::RetestAllowed { allowing, result } => {
                self.retest_allowed(allowing, result, now, &mut effects);
            }
            Input::Stop => self.stop(now, &mut effects),
            Input::Tick => {}
        }
        self.follow_serials(now);
        self.deadlines(now, &mut effects);
        self.follow_serials(now);
        effects.extend(self.service.next_owed());
        effects
    }

    /// When `handle` wants a `Tick` at the latest.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let settling = self.slots.iter().filter_map(|slot| match slot.phase {
            Phase::Settling { until, .. } => Some(until),
            _ => None,
        });
        let probes = self.slots.iter().filter_map(|slot| self.probe_due(slot));
        let switches = self.slots.iter().filter_map(|slot| self.switch_due(slot));
        let health = match (&self.line, self.health) {
            (Line::Running | Line::Stopped { .. }, HealthDue::At(at)) => Some(at),
            _ => None,
        };
        let ending = match self.line {
            Line::Ending { jobs_by, all_by } => {
                let working = self
                    .slots
                    .iter()
                    .any(|slot| matches!(slot.phase, Phase::Working(_)));
                Some(if working { jobs_by } else { all_by })
            }
            _ => None,
        };
        let hubs = [self.turn_due(now), self.losses_due()];
        let restarts = self.slots.iter().filter_map(|slot| match slot.restart {
            // a moment later: until then it may still come
            Some(Restart::Away { until }) => Some(until + Duration::from_millis(1)),
            _ => None,
        });
        settling
            .chain(restarts)
            .chain(self.scans.due())
            .chain(probes)
            .chain(switches)
            .chain(health)
            .chain(ending)
            .chain(hubs.into_iter().flatten())
            .min()
    }

    /// The slots whose jobs are at work: their progress is worth reading.
    pub fn working(&self) -> impl Iterator<Item = &SlotId> {
        self.slots
            .iter()
            .filter(|slot| matches!(slot.phase, Phase::Working(_)))
            .map(|slot| slot.id())
    }

    /// What faces see.
    pub fn snapshot(&mut self, now: Now) -> Snapshot {
        Snapshot {
            at: now.wall,
            station: self.settings.station.as_str().into(),
            product: self.bundles_view[0].product.clone(),
            version: self.bundles_view[0].version.clone(),
            bundle: self.bundles_view[0].bundle.clone(),
            bundles: self.bundles_view.clone(),
            line: match &self.line {
                Line::Running => match self.service.halt() {
                    Some(halt) => LineState::Halted(halt.clone()),
                    None => LineState::Running,
                },
                // what a supervisor does now could not be put on record: the disk comes first
                Line::Stopped { code, detail } => LineState::Stopped {
                    code: *code,
                    detail: detail.clone(),
                },
                Line::Ending { .. } => LineState::Ending,
            },
            slots: (self.slots.iter_mut())
                .map(|slot| {
                    let out = self.service.out(slot.id()).cloned();
                    slot.view(self.at_work[0].label(), out)
                })
                .collect(),
            unassigned: self.unassigned_view.clone(),
            standing: self.standing.clone(),
            at_hand: self.at_hand.clone(),
            notices: self.journal.newest(),
        }
    }

    fn deadlines(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.settle_switches(now, effects);
        let settled = self.slots.iter().filter_map(|slot| match &slot.phase {
            Phase::Settling { until, serial } if *until <= now.steady => {
                Some((slot.id().clone(), serial.clone()))
            }
            _ => None,
        });
        let settled: Vec<(SlotId, Option<Serial>)> = settled.collect();
        for (id, serial) in settled {
            self.begin(&id, serial, now, effects);
        }
        self.tell_lots(now);
        self.next_asked(now, effects);
        self.lot_turns(now, effects);
        self.judge_losses(now);
        self.judge_restarts(now, effects);
        self.take_turns(now, effects);
        let probes: Vec<usize> = (0..self.slots.len())
            .filter(|index| {
                self.probe_due(&self.slots[*index])
                    .is_some_and(|at| at <= now.steady)
            })
            .collect();
        for index in probes {
            let slot = &mut self.slots[index];
            let (Some(probing), Some(port)) = (&mut slot.probing, &slot.present) else {
                continue;
            };
            probing.next = ProbeDue::UnderWay;
            effects.push(Effect::Probe {
                slot: slot.settings.name.clone(),
                port: port.clone(),
                reset: slot.settings.reset.clone(),
            });
        }
        match self.line {
            Line::Running | Line::Stopped { .. } => {
                if matches!(self.health, HealthDue::At(at) if at <= now.steady) {
                    self.health = HealthDue::UnderWay;
                    effects.push(Effect::CheckHealth);
                }
            }
            Line::Ending { jobs_by, all_by } => self.ending(jobs_by, all_by, now, effects),
        }
        self.tend_switches(now, effects);
    }

    fn slot_mut(&mut self, id: &SlotId) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.id() == id)
    }

    fn running_mut(&mut self, id: &SlotId, job: JobId) -> Option<&mut Running> {
        match &mut self.slot_mut(id)?.phase {
            Phase::Working(running) if running.job == job => Some(running),
            _ => None,
        }
    }
}
