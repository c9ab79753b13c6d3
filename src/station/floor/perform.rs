//! What the dispatcher's effects become: rows opened and closed, jobs, probes and watches started, the
//! record told. Each is a task whose result comes back as an input.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::super::dispatcher::{Effect, Input, NotTaken};
use super::super::manifests;
use super::super::reports::JobReports;
use super::super::slot::BEGUN;
use super::super::watch::{Watch, Watching};
use super::{Ended, Floor, RunningLines, SlotLines, health};
use crate::event::{JobId, Serial, SlotId};
use crate::job::{self, Assignment, Silence, StubUse};
use crate::plan::Planner;
use crate::port::{Held, OpenError, Stop, StopHandle};
use crate::record::{Approval, Record, WarrantChange, WarrantId};
use crate::settings::{After, Reset};
use crate::station::{NamedPin, Pins, Tried};

impl Floor {
    fn lines(&mut self, slot: &SlotId) -> &mut SlotLines {
        self.slots.entry(slot.clone()).or_insert_with(|| SlotLines {
            presence: watch::channel(None).0,
            last: None,
            running: None,
            watch: None,
        })
    }

    pub(super) fn perform(&mut self, effect: Effect) -> Ended {
        match effect {
            Effect::Presence { slot, port } => {
                let lines = self.lines(&slot);
                if let Some(port) = &port {
                    lines.last = port.usb_path.clone();
                }
                lines.presence.send_replace(port);
            }
            Effect::OpenRow { slot, job } => {
                let (record, claims) = (self.record.clone(), self.claims.clone());
                let at = self.whereabouts(&slot);
                let watch = self.lines(&slot).watch.take();
                self.tell(async move {
                    let id = job.job;
                    if let Some(watch) = watch {
                        watch.end().await;
                    }
                    if let Err(Held { by }) = claims.take(&slot, at).await {
                        return Input::Taken { slot, job: id, by };
                    }
                    let result = record.open_job(job).await;
                    if result.is_err() {
                        claims.release(&slot);
                    }
                    Input::Opened {
                        slot,
                        job: id,
                        result,
                    }
                });
            }
            Effect::Spawn {
                slot,
                job,
                serial,
                reset,
                after,
                silence,
                planner,
                through_with,
            } => {
                self.gatekeeper.expect(&slot, through_with);
                self.spawn_job(slot, job, serial, (reset, after, silence), planner);
            }
            Effect::StopJob { slot, reason } => {
                if let Some(running) = &self.lines(&slot).running {
                    running.stop.ask(reason);
                }
            }
            Effect::CloseRow {
                slot,
                job,
                verdict,
                ended,
            } => {
                self.lines(&slot).running = None;
                self.claims.release(&slot);
                let record = self.record.clone();
                self.tell(async move {
                    let result = record.close_job(job, verdict, ended).await;
                    Input::Recorded { slot, job, result }
                });
            }
            Effect::Release { slot } => self.gatekeeper.release(&slot),
            Effect::Probe { slot, port, reset } => {
                let (ports, claims) = (self.ports.clone(), self.claims.clone());
                let at = self.whereabouts(&slot);
                self.tell(async move {
                    let (_handle, stop) = StopHandle::new();
                    let result = match claims.probe(&slot, at).await {
                        Ok(_claim) => job::probe(ports, port, reset, stop).await,
                        Err(Held { by }) => Err(OpenError::Busy {
                            path: port.path,
                            holder: Some(by),
                        }),
                    };
                    Input::Probed { slot, result }
                });
            }
            Effect::WatchSwitch {
                slot,
                watch,
                path,
                input,
            } => {
                let at = self.whereabouts(&slot);
                let doors = (self.ports.clone(), self.claims.clone());
                let (inbox, tasks) = (self.inbox_sender.clone(), self.tasks.clone());
                let lines = self.lines(&slot);
                let before = lines.watch.take();
                let watched = Watching {
                    slot: slot.clone(),
                    path,
                    at,
                    input,
                };
                lines.watch = Some(Watch::start(watched, before, doors, &tasks, move |told| {
                    let (inbox, slot) = (inbox.clone(), slot.clone());
                    async move {
                        // the floor that is gone has nothing left to decide
                        let _ = inbox.send(Input::Switch { slot, watch, told }).await;
                    }
                }));
            }
            Effect::LeaveSwitch { slot } => {
                if let Some(watch) = &self.lines(&slot).watch {
                    watch.leave();
                }
            }
            Effect::CheckHealth => {
                let record = self.record.clone();
                let reserve_bytes = self.settings.disk_reserve_bytes;
                self.tell(async move { Input::Health(health(&record, reserve_bytes).await) });
            }
            Effect::KeepService(change) => {
                let (record, station) = (self.record.clone(), self.settings.station.clone());
                self.tell(
                    async move { Input::ServiceKept(record.keep_service(station, change).await) },
                );
            }
            Effect::ChangeLot(change) => {
                let record = self.record.clone();
                self.tell(async move { Input::LotChanged(record.change_lot(change).await) });
            }
            Effect::Prepare { planner } => self.prepare(planner),
            Effect::Approve {
                approval,
                path,
                taking,
            } => {
                let record = self.record.clone();
                self.tell(async move {
                    let result = approve(&record, approval, path).await;
                    Input::Approved { taking, result }
                });
            }
            Effect::TryPin(NamedPin { supervisor, pin }) => {
                let pins = Pins::at(&self.settings.pins);
                self.tell(async move {
                    let name = supervisor.clone();
                    let trying = tokio::task::spawn_blocking(move || pins.try_one(&name, &pin));
                    let tried = trying
                        .await
                        .unwrap_or_else(|error| Tried::Unreadable(error.to_string().into()));
                    Input::Tried { supervisor, tried }
                });
            }
            Effect::KeepWrongPin { wrong, refusing } => {
                let (record, station) = (self.record.clone(), self.settings.station.clone());
                let change = WarrantChange::WrongPin(wrong);
                self.tell(async move {
                    let result = record.keep_warrant(station, change).await;
                    Input::WrongPinKept { refusing, result }
                });
            }
            Effect::Allow { allowed, granted } => {
                let (record, station) = (self.record.clone(), self.settings.station.clone());
                let change = WarrantChange::Allowed(allowed);
                self.tell(async move {
                    let result = record.keep_warrant(station, change).await;
                    Input::Allowed { granted, result }
                });
            }
            Effect::WriteOff { writing_off, why } => {
                let record = self.record.clone();
                let (unit, who) = (writing_off.unit.clone(), writing_off.by.name.to_string());
                self.tell(async move {
                    let result = record.write_off(unit, who, why.to_string()).await;
                    Input::WrittenOff {
                        writing_off,
                        result,
                    }
                });
            }
            Effect::Decide { slot, job, again } => self.gatekeeper.decide(&slot, job, again),
            Effect::AllowRetest {
                allowing,
                retest_limit,
            } => {
                let record = self.record.clone();
                let (unit, who) = (allowing.unit.clone(), allowing.by.name.to_string());
                self.tell(async move {
                    let result = record.allow_retest(unit, retest_limit, who).await;
                    Input::RetestAllowed { allowing, result }
                });
            }
            Effect::Answer(reply, result) => {
                // who hears that it is done and looks finds it done
                if result.is_ok() {
                    self.publish();
                }
                if let (Err(refused), Some(warrant)) = (&result, reply.warrant()) {
                    let word = refused.word();
                    self.keep_refused(warrant, word);
                }
                reply.send(result);
            }
            Effect::End => return Ended::Yes,
        }
        Ended::No
    }

    /// What was allowed was not done after all: nobody waits for it to be written down.
    fn keep_refused(&self, warrant: WarrantId, word: String) {
        let (record, station) = (self.record.clone(), self.settings.station.clone());
        let change = WarrantChange::Refused { warrant, word };
        self.tasks.spawn(async move {
            if let Err(error) = record.keep_warrant(station, change).await {
                tracing::warn!(%error, "that what was allowed was not done");
            }
        });
    }

    fn spawn_job(
        &mut self,
        slot: SlotId,
        job: JobId,
        serial: Option<Serial>,
        (reset, after, silence): (Reset, After, Silence),
        planner: Arc<Planner>,
    ) {
        let (progress_sender, progress) = watch::channel(BEGUN);
        let (stop_handle, stop): (StopHandle, Stop) = StopHandle::new();
        let lines = self.lines(&slot);
        lines.running = Some(RunningLines {
            job,
            progress,
            stop: stop_handle,
        });
        let presence = lines.presence.subscribe();
        let assignment = Assignment {
            job,
            slot: slot.clone(),
            serial,
            presence,
            reset,
            after,
            likely: planner.bundle().manifest.chip,
            attempts: self.settings.attempts,
            grace: self.settings.grace,
            busy: self.settings.ports.busy,
            stub: self.stub_use(),
            stubs: self.settings.stubs.clone(),
            silence,
        };
        let reports = Arc::new(JobReports {
            slot: slot.clone(),
            job,
            progress: progress_sender,
            inbox: self.inbox_sender.clone(),
        });
        let (ports, gate) = (self.ports.clone(), self.gatekeeper.gate(planner));
        self.tell(async move {
            let verdict = job::run(assignment, ports, gate, reports, stop).await;
            Input::Finished { slot, job, verdict }
        });
    }

    /// Runs a task whose result is an input.
    fn tell(&self, task: impl Future<Output = Input> + Send + 'static) {
        let inbox = self.inbox_sender.clone();
        self.tasks.spawn(async move {
            let input = task.await;
            // the floor that is gone has nothing left to decide
            let _ = inbox.send(input).await;
        });
    }

    fn stub_use(&self) -> StubUse {
        if self.settings.stub {
            StubUse::Stub
        } else {
            StubUse::RomDeflate
        }
    }
}

/// What someone approves is what is on the disk, and counts once it is on record.
async fn approve(record: &Record, approval: Approval, path: PathBuf) -> Result<(), NotTaken> {
    let digest = approval.bundle_digest;
    let looked = tokio::task::spawn_blocking(move || manifests::is_on_disk(&path, digest));
    if !looked.await.unwrap_or(false) {
        return Err(NotTaken::NotOnDisk);
    }
    record
        .approve(approval)
        .await
        .map_err(NotTaken::NotRecorded)
}
