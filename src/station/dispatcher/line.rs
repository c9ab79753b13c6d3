//! The line as a whole: stopped while the record is not well, ended in order, and what faces ask.

use std::sync::Arc;
use std::time::Instant;

use super::super::slot::{Commit, Now, Phase, Slot};
use super::jobs::stopped_verdict;
use super::{
    COMMIT_PATIENCE, Dispatcher, Effect, Granted, HEALTH_INTERVAL, HealthDue, Line, STOP_PATIENCE,
    WritingOff,
};
use crate::event::{Happening, JobId, SlotId, StopReason};
use crate::job::Verdict;
use crate::record::{RecordError, Standing};
use crate::station::{Ask, RequestRefused};

impl Dispatcher {
    pub(super) fn stop_line(&mut self, error: &RecordError, now: Now) {
        let (code, detail) = (error.code(), error.to_string());
        match &self.line {
            Line::Running => {
                self.line = Line::Stopped {
                    code,
                    detail: detail.clone(),
                };
                self.journal
                    .line(now, Happening::LineStopped { code, detail });
            }
            Line::Stopped { .. } | Line::Ending { .. } => {}
        }
    }

    pub(super) fn health_told(
        &mut self,
        result: Result<Standing, RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        self.health = HealthDue::At(now.steady + HEALTH_INTERVAL);
        match result {
            Err(error) => self.stop_line(&error, now),
            Ok(standing) => {
                self.stands(standing);
                if matches!(self.line, Line::Stopped { .. }) {
                    self.line = Line::Running;
                    match self.service.halt() {
                        Some(_) => self.tell_halt(now),
                        None => self.journal.line(now, Happening::LineResumed),
                    }
                    self.resume(now, effects);
                }
            }
        }
    }

    /// Where the line stands now; what was asked for earlier may be told later.
    pub(super) fn stands(&mut self, standing: Standing) {
        if standing.changes >= self.standing.changes && *self.standing != standing {
            self.standing = Arc::new(standing);
        }
    }

    /// The record is well again: first what is owed to it, then the boards that wait.
    pub(super) fn resume(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.service.try_again();
        for slot in &mut self.slots {
            effects.extend(owed(slot, now));
        }
        self.unblock(now, effects);
    }

    /// Does what was asked by someone who may; where that needs a supervisor it is on record already.
    pub(super) fn carry_out(&mut self, granted: Granted, now: Now, effects: &mut Vec<Effect>) {
        let Granted {
            by,
            why,
            ask,
            reply,
        } = granted;
        let result = match ask {
            Ask::Start { slot, serial } => {
                let may = self.may_start(&slot);
                may.and_then(|()| self.serial_to_start(&slot, serial, now))
                    .map(|serial| self.begin(&slot, serial, now, effects))
            }
            Ask::Scan { text, slot } => self.scanned(&text, slot, now, effects),
            Ask::StopJob { slot } => self.stop_job(slot, effects),
            Ask::StopSlot { slot } => self.stop_slot(slot, by, now),
            Ask::StopLine => self.halt_asked(by, now),
            Ask::Decide { slot, again } => self.decide(slot, again, effects),
            Ask::Shutdown => {
                self.stop(now, effects);
                Ok(())
            }
            // answered once they are on record
            Ask::FreeSlot { slot } => return self.free_slot(slot, by, reply, now, effects),
            Ask::FreeLine => return self.free_line(by, reply, now, effects),
            Ask::AllowRetest { unit } => return self.allow_retest(unit, by, reply, effects),
            Ask::WriteOff { unit } => {
                let writing_off = WritingOff { unit, by, reply };
                return effects.push(Effect::WriteOff { writing_off, why });
            }
            Ask::TakeBundle { .. }
            | Ask::ApproveLot(_)
            | Ask::StartLot { .. }
            | Ask::PauseLot { .. }
            | Ask::ApproveFirstArticle { .. }
            | Ask::EndLot { .. } => {
                return self.in_turn(ask, by, reply, now, effects);
            }
        };
        effects.push(Effect::Answer(reply, result));
    }

    fn stop_job(&self, id: SlotId, effects: &mut Vec<Effect>) -> Result<(), RequestRefused> {
        let Some(slot) = self.slots.iter().find(|slot| *slot.id() == id) else {
            return Err(RequestRefused::NoSuchSlot(id));
        };
        if !matches!(slot.phase, Phase::Working(_)) {
            return Err(RequestRefused::Idle(id));
        }
        effects.push(Effect::StopJob {
            slot: id,
            reason: StopReason::Operator,
        });
        Ok(())
    }

    pub(super) fn may_start(&self, id: &SlotId) -> Result<(), RequestRefused> {
        let Some(slot) = self.slots.iter().find(|slot| slot.id() == id) else {
            return Err(RequestRefused::NoSuchSlot(id.clone()));
        };
        match &self.line {
            Line::Running => {}
            Line::Stopped { detail, .. } => {
                return Err(RequestRefused::LineStopped(detail.clone()));
            }
            Line::Ending { .. } => {
                return Err(RequestRefused::LineStopped(
                    "the program is ending".to_owned(),
                ));
            }
        }
        if let Some(halt) = self.service.halt() {
            return Err(RequestRefused::LineStopped(halt.to_string()));
        }
        if self.service.out(id).is_some() {
            return Err(RequestRefused::SlotOut(id.clone()));
        }
        if let Some(manifest) = self.wants_leave(id) {
            return Err(RequestRefused::NotApproved {
                slot: id.clone(),
                manifest: manifest.display().to_string().into(),
            });
        }
        if !slot.is_quiet() {
            return Err(RequestRefused::AtWork(id.clone()));
        }
        if let Phase::Held { by, .. } = &slot.phase {
            return Err(RequestRefused::Held {
                slot: id.clone(),
                by: by.clone(),
            });
        }
        self.may_be_worked_on(slot)
    }

    pub(super) fn stop(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if matches!(self.line, Line::Ending { .. }) {
            return;
        }
        let jobs_by = now.steady + STOP_PATIENCE;
        self.line = Line::Ending {
            jobs_by,
            all_by: jobs_by + COMMIT_PATIENCE,
        };
        self.service.try_again();
        for slot in &mut self.slots {
            // one more try: the disk may have room by now
            effects.extend(owed(slot, now));
            match &slot.phase {
                Phase::Working(_) => {
                    effects.push(Effect::StopJob {
                        slot: slot.id().clone(),
                        reason: StopReason::Shutdown,
                    });
                }
                Phase::Settling { .. } => slot.enter(Phase::Idle, now),
                _ => {}
            }
        }
    }

    pub(super) fn ending(
        &mut self,
        jobs_by: Instant,
        all_by: Instant,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if now.steady >= jobs_by {
            let late: Vec<(SlotId, JobId, Verdict)> = self
                .slots
                .iter()
                .filter_map(|slot| match &slot.phase {
                    Phase::Working(running) => {
                        let verdict =
                            stopped_verdict(running, "the port did not come to a safe point");
                        Some((slot.id().clone(), running.job, verdict))
                    }
                    _ => None,
                })
                .collect();
            for (id, job, verdict) in late {
                self.job_finished(&id, job, verdict, now, effects);
            }
        }
        let owed = self.slots.iter().any(|slot| match &slot.phase {
            Phase::Recording { commit, .. } => *commit == Commit::UnderWay,
            Phase::Opening(_) | Phase::Working(_) => true,
            _ => false,
        });
        let owed = owed || self.service.is_committing() || self.lots.is_committing();
        if !owed || now.steady >= all_by {
            self.journal.line(now, Happening::StationStopped);
            effects.push(Effect::End);
        }
    }
}

/// The commit that failed, once more.
fn owed(slot: &mut Slot, now: Now) -> Option<Effect> {
    let id = slot.id().clone();
    match &mut slot.phase {
        Phase::Recording {
            running,
            verdict,
            commit,
            ..
        } if *commit == Commit::Failed => {
            *commit = Commit::UnderWay;
            Some(Effect::CloseRow {
                slot: id,
                job: running.job,
                verdict: Verdict::clone(verdict),
                ended: now.wall,
            })
        }
        _ => None,
    }
}
