//! A job's life, from a board that is ready to a committed result on show.

use std::sync::Arc;

use super::super::failures::Tells;
use super::super::slot::{
    Arming, Block, Commit, Next, Now, Phase, ProbeDue, Restart, Running, Slot,
};
use super::super::switch::Contact;
use super::again::against_golden;
use super::hubs::{Turn, as_lost_with_hub};
use super::ports::{RESTART_BACK, RESTART_GOES};
use super::removal::Through;
use super::{Dispatcher, Effect, Fact, Line, PROBE_INTERVAL};
use crate::event::{Code, Happening, JobId, Outcome, Progress, Serial, SlotId, Step, Unit};
use crate::job::{Retries, Verdict};
use crate::record::{NewJob, RecordError, Standing};
use crate::settings::Start;
use crate::station::ResultView;

impl Dispatcher {
    /// A board is ready to be worked on; `serial` as someone read it from its label.
    pub(super) fn begin(
        &mut self,
        id: &SlotId,
        serial: Option<Serial>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if matches!(self.line, Line::Ending { .. }) {
            if let Some(slot) = self.slot_mut(id)
                && matches!(slot.phase, Phase::Settling { .. })
            {
                slot.enter(Phase::Idle, now);
            }
            return;
        }
        let station = self.settings.station.clone();
        let Some(index) = self.slots.iter().position(|slot| slot.id() == id) else {
            return;
        };
        if self.slots[index].switch_reads() == Some(Contact::Open) {
            // it was taken out while it waited
            self.slots[index].enter(Phase::Idle, now);
            return;
        }
        let why = self.block_of(id);
        if let Some(why) = why.or_else(|| self.serial_missing(serial.as_ref())) {
            self.block(id, why, serial, now);
            return;
        }
        let lot = match self.lot_for(&self.slots[index]) {
            Ok(lot) => lot,
            Err(why) => return self.block(id, Block::Waits(why), serial, now),
        };
        if self.turn(&self.slots[index], now.steady) != Turn::Now {
            self.queue(id, serial, now);
            return;
        }
        self.started(id, now);
        let slot = &mut self.slots[index];
        let job = JobId::now();
        let place = match slot
            .present
            .as_ref()
            .and_then(|port| port.usb_path.as_ref())
        {
            Some(usb_path) => usb_path.to_string(),
            None => slot.place(),
        };
        let port = match &slot.present {
            Some(port) => port.path.display().to_string(),
            None => place.clone(),
        };
        slot.restart = None;
        if let Some(switch) = &mut slot.switch {
            switch.job_begins();
        }
        let planner = self.at_work[slot.manifest].planner().clone();
        let bundle = planner.bundle().clone();
        let running = Running {
            lot: lot.clone(),
            ..Running::new(job, serial.clone(), planner, slot.product.clone(), now)
        };
        slot.enter(Phase::Opening(running), now);
        if let Some(probing) = &mut slot.probing {
            probing.arming = Arming::SameBoard;
            probing.silences = 0;
        }
        effects.push(Effect::Release { slot: id.clone() });
        effects.push(Effect::OpenRow {
            slot: id.clone(),
            job: NewJob {
                job,
                station,
                slot: id.clone(),
                place,
                product: bundle.manifest.product.clone(),
                version: bundle.manifest.version.clone(),
                bundle_digest: bundle.digest,
                serial,
                lot,
                operator: self.at_hand.operator.clone(),
                manifest_text: bundle.text.clone(),
                started: now.wall,
            },
        });
        self.journal
            .job(now, id, job, Happening::BoardArrived { port });
    }

    pub(super) fn row_opened(
        &mut self,
        id: &SlotId,
        job: JobId,
        result: Result<(), RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let ending = matches!(self.line, Line::Ending { .. });
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let running = match &slot.phase {
            Phase::Opening(running) if running.job == job => running.clone(),
            _ => return,
        };
        match result {
            Ok(()) if ending => {
                let verdict = stopped_verdict(&running, "stopped before the work began");
                slot.enter(Phase::Working(running), now);
                self.job_finished(id, job, verdict, now, effects);
            }
            Ok(()) => {
                let (reset, after) = (slot.settings.reset.clone(), slot.settings.after);
                let (serial, planner) = (running.serial.clone(), running.planner.clone());
                let silence = slot.silence();
                let through_with = slot.may_still_hold(planner.bundle().digest).cloned();
                slot.enter(Phase::Working(running), now);
                effects.push(Effect::Spawn {
                    slot: id.clone(),
                    job,
                    serial,
                    reset,
                    after,
                    silence,
                    planner,
                    through_with,
                });
            }
            Err(error) => {
                let is_there = slot.present.is_some();
                slot.enter(
                    match is_there {
                        true => Phase::Blocked {
                            why: Block::Code(error.code()),
                            serial: running.serial,
                        },
                        false => Phase::Idle,
                    },
                    now,
                );
                self.stop_line(&error, now);
                if !is_there {
                    self.board_left(id, now, effects);
                }
            }
        }
    }

    pub(super) fn job_told(&mut self, id: &SlotId, job: JobId, fact: Fact, now: Now) {
        let Some(running) = self.running_mut(id, job) else {
            return;
        };
        let what = match fact {
            Fact::Identified(identity) => {
                running.identity = Some(Arc::new(identity.clone()));
                running.lost = false;
                Happening::BoardIdentified { identity }
            }
            Fact::Retried {
                step,
                code,
                detail,
                attempt,
            } => Happening::Retried {
                step,
                code,
                detail,
                attempt,
            },
            Fact::Asks(question) => {
                running.asks = Some(question);
                Happening::AskedAgain
            }
            Fact::PortLost => {
                running.lost = true;
                let port = self
                    .slots
                    .iter()
                    .find(|slot| slot.id() == id)
                    .map(Slot::place)
                    .unwrap_or_default();
                Happening::PortLost { port }
            }
        };
        self.journal.job(now, id, job, what);
    }

    pub(super) fn job_moved(&mut self, id: &SlotId, job: JobId, progress: Progress, now: Now) {
        if let Some(running) = self.running_mut(id, job) {
            // a job that moves on has its port back
            if running.progress != progress {
                running.lost = false;
                running.left = false;
                running.hub_lost = None;
            }
            let step = |progress: &Progress| (progress.step, progress.attempt);
            if step(&running.progress) != step(&progress) {
                running.step_began = now.wall;
                running.step_from_bytes = progress.done_bytes;
            }
            running.progress = progress;
        }
    }

    pub(super) fn job_finished(
        &mut self,
        id: &SlotId,
        job: JobId,
        verdict: Verdict,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        self.judge_losses(now);
        let settings = self.settings.clone();
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let mut running = match &slot.phase {
            Phase::Working(running) if running.job == job => running.clone(),
            _ => return,
        };
        if let Some(identity) = &verdict.identity {
            running.identity = Some(Arc::new(identity.clone()));
        }
        let verdict = match &running.hub_lost {
            Some(hub) => as_lost_with_hub(verdict, hub),
            None => verdict,
        };
        let verdict = against_golden(verdict, &settings.golden);
        // pulled while it was asked about: nothing was begun with
        let undecided = running.asks.take().is_some() && running.left;
        running.progress.step = Step::Record;
        // a port that is there again after its job gave it up came back too late to be the same board;
        // one that never went is still to go: some drivers keep it for seconds after the plug was pulled
        let was_pulled =
            undecided || matches!(verdict.code, Some(Code::Unplugged | Code::HubPower));
        let came_back = was_pulled && running.left && slot.present.is_some();
        let next = if came_back { Next::Arrived } else { Next::None };
        let went =
            was_pulled || matches!(verdict.code, Some(Code::BoardSwapped | Code::PortAbsent));
        let restarts = slot.own_usb && !went;
        slot.restart = restarts.then(|| match slot.present {
            Some(_) => Restart::Due {
                until: now.steady + RESTART_GOES,
            },
            None => Restart::Away {
                until: now.steady + RESTART_BACK,
            },
        });
        effects.push(Effect::CloseRow {
            slot: id.clone(),
            job,
            verdict: verdict.clone(),
            ended: now.wall,
        });
        slot.enter(
            Phase::Recording {
                running,
                verdict: Box::new(verdict),
                commit: Commit::UnderWay,
                next,
            },
            now,
        );
    }

    pub(super) fn row_closed(
        &mut self,
        id: &SlotId,
        job: JobId,
        result: Result<Standing, RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let Phase::Recording {
            running,
            verdict,
            commit,
            next,
        } = &mut slot.phase
        else {
            return;
        };
        if running.job != job {
            return;
        }
        let standing = match result {
            Ok(standing) => standing,
            Err(error) => {
                *commit = Commit::Failed;
                self.stop_line(&error, now);
                return;
            }
        };
        let took = now.steady.saturating_duration_since(running.began.steady);
        let (verdict, next) = (Verdict::clone(verdict), *next);
        let unit = Unit::of(verdict.identity.as_ref(), running.serial.as_ref());
        let ended = Through {
            outcome: verdict.outcome,
            code: verdict.code,
            unit: unit.as_ref(),
            bundle_digest: running.planner.bundle().digest,
        };
        let replaced = next == Next::Arrived;
        slot.through_with = ended.leaves(slot.through_with.take()).filter(|_| !replaced);
        slot.result = Some(ResultView {
            job,
            outcome: verdict.outcome,
            code: verdict.code,
            detail: verdict.detail.clone(),
            unit: unit.clone(),
            serial: running.serial.clone(),
            attempts: verdict.attempts,
            retries: verdict.retries.total(),
            took,
            measurements: (verdict.boot.as_ref())
                .map_or_else(Arc::default, |boot| boot.measurements.as_slice().into()),
            present: slot.present.is_some() || slot.is_restarting(),
        });
        slot.enter(Phase::Idle, now);
        let gone = slot.present.is_none() && !slot.is_restarting();
        let start = slot.settings.start;
        if let Some(probing) = &mut slot.probing {
            probing.next = ProbeDue::At(now.steady + PROBE_INTERVAL);
        }
        self.stands(standing);
        self.journal.job(
            now,
            id,
            job,
            Happening::JobEnded {
                outcome: verdict.outcome,
                code: verdict.code,
                detail: verdict.detail,
                unit: unit.clone(),
                attempts: verdict.attempts,
                retries: verdict.retries.total(),
                took,
            },
        );
        let golden = (verdict.identity.as_ref())
            .and_then(|board| self.settings.golden.of(board))
            .map(|golden| golden.expect);
        let tells = Tells::of(verdict.outcome, verdict.code, golden);
        self.judge(id, tells, unit.as_ref(), now);
        if next == Next::Arrived {
            self.board_changes(id);
        }
        if gone {
            self.board_left(id, now, effects);
        } else if next == Next::Arrived && start == Start::Plug {
            let until = now.steady + self.settings.settle;
            effects.push(Effect::Release { slot: id.clone() });
            let serial = self.scans.take(id, now);
            if let Some(slot) = self.slot_mut(id) {
                slot.enter(Phase::Settling { until, serial }, now);
            }
        }
    }
}

/// The verdict on a job that could not be asked for its own.
pub(super) fn stopped_verdict(running: &Running, detail: &str) -> Verdict {
    Verdict {
        outcome: Outcome::Aborted,
        code: Some(Code::Stopped),
        detail: detail.to_owned(),
        identity: running.identity.as_deref().cloned(),
        attempts: running.progress.attempt,
        retries: Retries::default(),
        baud: running.progress.baud,
        bytes_written: running.progress.done_bytes,
        bytes_skipped: 0,
        boot: None,
        log: String::new(),
        written_by: None,
        steps: Vec::new(),
        regions: Vec::new(),
    }
}
