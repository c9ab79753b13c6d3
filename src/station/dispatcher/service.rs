//! What is in service: slots and the line that failures or people have stopped, who sets them free, and
//! what the record is owed of it. What counts as a failure is `station/failures`'.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use super::super::failures::{LineRun, SlotRun, Tells};
use super::super::slot::{Arming, Block, Commit, Now, Phase, Slot};
use super::{Dispatcher, Effect, Line, Reply};
use crate::event::{Code, Happening, Serial, SlotId, Unit, Waiting, Who};
use crate::record::{History, OutOfService, RecordError, ServiceChange, StopCause};
use crate::settings::LineRules;
use crate::station::{Halt, RequestRefused, SlotOut};

/// What is out of service, and what is on the way to it.
#[derive(Debug)]
pub(super) struct Service {
    rules: LineRules,
    runs: HashMap<SlotId, SlotRun>,
    line_run: LineRun,
    /// Slots of the bench and those that have no port yet.
    out: HashMap<SlotId, SlotOut>,
    halt: Option<Halt>,
    /// One of the record's last jobs was a golden board's that escaped, and nobody let the line go on since.
    escaped: bool,
    /// What the record has not taken yet, in order; one at a time is under way.
    owed: VecDeque<Owed>,
    commit: Option<Commit>,
}

/// What the record has not taken yet.
#[derive(Debug)]
enum Owed {
    /// Holds already.
    Out(OutOfService),
    /// Takes effect, and is answered, once it is on record.
    Free {
        slot: Option<SlotId>,
        by: Who,
        at: Timestamp,
        reply: Reply,
    },
}

impl Owed {
    fn change(&self) -> ServiceChange {
        match self {
            Owed::Out(out) => ServiceChange::Out(out.clone()),
            Owed::Free { slot, by, at, .. } => {
                let (slot, by, at) = (slot.clone(), by.clone(), *at);
                ServiceChange::Free { slot, by, at }
            }
        }
    }
}

impl Service {
    /// As the record has it: what was out still is, and runs go on. A change of the record's is owed where
    /// the last process died between a failure and what follows from it.
    pub(super) fn new(rules: LineRules, history: &History) -> Service {
        let mut service = Service {
            rules,
            runs: HashMap::new(),
            line_run: LineRun::default(),
            out: HashMap::new(),
            halt: None,
            escaped: false,
            owed: VecDeque::new(),
            commit: None,
        };
        let freed = |slot: Option<&SlotId>| {
            let of_it = history
                .freed
                .iter()
                .find(|(known, _)| known.as_ref() == slot);
            of_it.map(|(_, at)| *at)
        };
        for job in &history.jobs {
            let tells = Tells::of(job.outcome, job.code, job.golden);
            if freed(Some(&job.slot)).is_none_or(|at| at < job.ended) {
                let run = service.runs.entry(job.slot.clone()).or_default();
                run.job_ended(tells, job.unit.as_ref());
                // nothing tells whether it was: a board that nobody knows is another one then
                run.board_left();
            }
            if freed(None).is_none_or(|at| at < job.ended) {
                service.escaped |= tells == Tells::Escapes;
                let unit = job.unit.as_ref();
                service.line_run.job_ended(tells, &job.slot, unit);
            }
        }
        for out in &history.out {
            match (&out.slot, &out.cause) {
                (Some(slot), StopCause::Failures { count, code }) => {
                    let (boards, code) = (*count, *code);
                    let quarantined = SlotOut::Quarantined { boards, code };
                    service.out.insert(slot.clone(), quarantined);
                }
                (Some(slot), StopCause::Asked { by }) => {
                    let stopped = SlotOut::Stopped { by: by.clone() };
                    service.out.entry(slot.clone()).or_insert(stopped);
                }
                (None, StopCause::Failures { count, code }) => {
                    let (slots, code) = (*count, *code);
                    service.halt = Some(Halt::Failures { slots, code });
                }
                (None, StopCause::Asked { by }) => {
                    service.halt.get_or_insert(Halt::Asked { by: by.clone() });
                }
            }
        }
        service
    }

    pub(super) fn out(&self, slot: &SlotId) -> Option<&SlotOut> {
        self.out.get(slot)
    }

    pub(super) fn halt(&self) -> Option<&Halt> {
        self.halt.as_ref()
    }

    /// Whether the record may yet take what it is owed.
    pub(super) fn is_committing(&self) -> bool {
        !self.owed.is_empty() && self.commit != Some(Commit::Failed)
    }

    /// The boards of a slot's run, where they are enough to take it out.
    fn quarantine_due(&self, slot: &SlotId) -> Option<u32> {
        let boards = self.runs.get(slot)?.boards();
        let is_quarantined = matches!(self.out(slot), Some(SlotOut::Quarantined { .. }));
        let is_due = self
            .rules
            .quarantine_after
            .is_some_and(|most| boards >= most);
        (is_due && !is_quarantined).then_some(boards)
    }

    /// The slots of the line's run and their code, where they are enough to halt it.
    fn halt_due(&self) -> Option<(u32, Code)> {
        let (slots, code) = (self.line_run.slots(), self.line_run.code()?);
        let is_halted = matches!(self.halt, Some(Halt::Failures { .. }));
        let is_due = self.rules.halt_after.is_some_and(|most| slots >= most);
        (is_due && !is_halted).then_some((slots, code))
    }

    fn owe_out(&mut self, slot: Option<SlotId>, cause: StopCause, now: Now) {
        let since = now.wall;
        let out = OutOfService { slot, cause, since };
        self.owed.push_back(Owed::Out(out));
    }

    fn owe_free(&mut self, slot: Option<SlotId>, by: Who, reply: Reply, now: Now) {
        let at = now.wall;
        self.owed.push_back(Owed::Free {
            slot,
            by,
            at,
            reply,
        });
    }

    /// Whether something took this slot (`None`: the line) out that the record does not know yet.
    fn owes_out(&self, of: Option<&SlotId>) -> bool {
        let is_it = |owed: &Owed| matches!(owed, Owed::Out(out) if out.slot.as_ref() == of);
        self.owed.iter().any(is_it)
    }

    /// Nothing is freed that the record does not take: who waits for that.
    fn give_up_frees(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        for owed in std::mem::take(&mut self.owed) {
            match owed {
                Owed::Free { reply, .. } => replies.push(reply),
                Owed::Out(_) => self.owed.push_back(owed),
            }
        }
        replies
    }

    /// The next change for the record, unless one is under way.
    pub(super) fn next_owed(&mut self) -> Option<Effect> {
        if self.commit.is_some() {
            return None;
        }
        let change = self.owed.front()?.change();
        self.commit = Some(Commit::UnderWay);
        Some(Effect::KeepService(change))
    }

    /// A change that failed is tried once more.
    pub(super) fn try_again(&mut self) {
        if self.commit == Some(Commit::Failed) {
            self.commit = None;
        }
    }
}

impl Dispatcher {
    /// Why a slot's board is not begun with, whatever it is.
    pub(super) fn block_of(&self, id: &SlotId) -> Option<Block> {
        if let Line::Stopped { code, .. } = &self.line {
            return Some(Block::Code(*code));
        }
        match self.service.halt() {
            Some(halt @ Halt::Failures { .. }) => return Some(Block::Code(halt.code())),
            Some(Halt::Asked { .. }) => return Some(Block::Waits(Waiting::Stopped)),
            None => {}
        }
        match self.service.out(id) {
            Some(SlotOut::Quarantined { .. }) => Some(Block::Code(Code::SlotQuarantined)),
            Some(SlotOut::Stopped { .. }) => Some(Block::Waits(Waiting::Stopped)),
            None if self.wants_leave(id).is_some() => {
                Some(Block::Code(Code::ManifestChangedOnDisk))
            }
            None if self.settings.line.require.operator && self.at_hand.operator.is_none() => {
                Some(Block::Waits(Waiting::Operator))
            }
            None => None,
        }
    }

    /// A board that may not be begun with waits, and is begun with by itself once it may.
    pub(super) fn block(&mut self, id: &SlotId, why: Block, serial: Option<Serial>, now: Now) {
        let is_told = matches!(self.line, Line::Stopped { .. });
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        if let Phase::Blocked {
            why: before,
            serial: known,
        } = &mut slot.phase
            && *before == why
        {
            *known = serial;
            return;
        }
        let waited = matches!(slot.phase, Phase::Blocked { .. });
        slot.enter(Phase::Blocked { why, serial }, now);
        if let Some(probing) = &mut slot.probing {
            probing.arming = Arming::SameBoard;
            probing.silences = 0;
        }
        if !is_told && !waited {
            let port = match &slot.present {
                Some(port) => port.path.display().to_string(),
                None => slot.place(),
            };
            let why = match why {
                Block::Waits(why) => why,
                Block::Code(_) => Waiting::Stopped,
            };
            self.journal
                .slot(now, id, Happening::BoardWaits { port, why });
        }
    }

    /// Begins with the boards that waited, where they may be begun with now; those that wait for their lot have
    /// their own turn (`lot_turns`).
    pub(super) fn unblock(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let blocked: Vec<_> = self
            .slots
            .iter()
            .filter(|slot| !slot.waits_for_lot())
            .filter_map(|slot| match &slot.phase {
                Phase::Blocked { serial, .. } => Some((slot.id().clone(), serial.clone())),
                _ => None,
            })
            .collect();
        for (id, serial) in blocked {
            self.begin(&id, serial, now, effects);
        }
    }

    /// A job has ended and is on record: what it tells of its slot and of the line.
    pub(super) fn judge(&mut self, id: &SlotId, tells: Tells, unit: Option<&Unit>, now: Now) {
        let service = &mut self.service;
        let run = service.runs.entry(id.clone()).or_default();
        run.job_ended(tells, unit);
        service.line_run.job_ended(tells, id, unit);
        match tells {
            Tells::Fails(code) => {
                self.quarantine(id, code, now);
                self.halt(now);
            }
            Tells::Escapes => self.escaped(now),
            Tells::Works | Tells::Nothing => {}
        }
    }

    /// The board of a slot was taken out.
    pub(super) fn board_changes(&mut self, id: &SlotId) {
        if let Some(run) = self.service.runs.get_mut(id) {
            run.board_left();
        }
    }

    /// Says what is out of service from before, and draws what follows from the record's last jobs where the
    /// last process had no time for it, or other settings.
    pub(super) fn judge_history(&mut self, history: &History, now: Now) {
        let mut out: Vec<(SlotId, SlotOut)> = (self.service.out.iter())
            .map(|(slot, out)| (slot.clone(), out.clone()))
            .collect();
        out.sort_by(|(one, _), (two, _)| one.cmp(two));
        for (slot, out) in out {
            let what = match out {
                SlotOut::Stopped { by } => Happening::SlotStopped { by },
                SlotOut::Quarantined { boards, code } => {
                    Happening::SlotQuarantined { boards, code }
                }
            };
            self.journal.slot(now, &slot, what);
        }
        self.tell_halt(now);
        let mut failed: Vec<(&SlotId, Code)> = Vec::new();
        for job in &history.jobs {
            if let Tells::Fails(code) = Tells::of(job.outcome, job.code, job.golden) {
                failed.retain(|(slot, _)| **slot != job.slot);
                failed.push((&job.slot, code));
            }
        }
        for (slot, code) in failed {
            // one that the file names no more would be told for ever
            let is_known = |known: &Slot| known.id() == slot;
            if self.settings.slots.is_empty() || self.slots.iter().any(is_known) {
                self.quarantine(slot, code, now);
            }
        }
        self.halt(now);
        if self.service.escaped {
            self.escaped(now);
        }
    }

    fn quarantine(&mut self, id: &SlotId, code: Code, now: Now) {
        let Some(boards) = self.service.quarantine_due(id) else {
            return;
        };
        let quarantined = SlotOut::Quarantined { boards, code };
        self.service.out.insert(id.clone(), quarantined);
        let count = boards;
        let cause = StopCause::Failures { count, code };
        self.service.owe_out(Some(id.clone()), cause, now);
        let what = Happening::SlotQuarantined { boards, code };
        self.journal.slot(now, id, what);
    }

    fn halt(&mut self, now: Now) {
        let Some((slots, code)) = self.service.halt_due() else {
            return;
        };
        self.service.halt = Some(Halt::Failures { slots, code });
        let count = slots;
        let cause = StopCause::Failures { count, code };
        self.service.owe_out(None, cause, now);
        self.tell_halt(now);
    }

    /// The bench did not see a fault that is there: nothing it says of a board holds.
    fn escaped(&mut self, now: Now) {
        if self.service.halt.as_ref().is_some_and(Halt::is_escape) {
            return;
        }
        let (count, code) = (1, Code::GoldenEscaped);
        self.service.halt = Some(Halt::Failures { slots: count, code });
        let cause = StopCause::Failures { count, code };
        self.service.owe_out(None, cause, now);
        self.tell_halt(now);
    }

    /// Says that and why the line is halted.
    pub(super) fn tell_halt(&mut self, now: Now) {
        let what = match self.service.halt() {
            None => return,
            Some(Halt::Asked { by }) => Happening::LineStoppedBy { by: by.clone() },
            Some(halt) if halt.is_escape() => Happening::LineStopped {
                code: Code::GoldenEscaped,
                detail: halt.to_string(),
            },
            Some(halt @ Halt::Failures { .. }) => {
                let names: Vec<&str> = self.service.line_run.names().collect();
                Happening::LineStopped {
                    code: Code::LineHalted,
                    detail: format!("{halt}: {}", names.join(", ")),
                }
            }
        };
        self.journal.line(now, what);
    }

    pub(super) fn stop_slot(
        &mut self,
        id: SlotId,
        by: Who,
        now: Now,
    ) -> Result<(), RequestRefused> {
        if !self.slots.iter().any(|slot| *slot.id() == id) {
            return Err(RequestRefused::NoSuchSlot(id));
        }
        if self.service.out(&id).is_some() {
            return Err(RequestRefused::SlotOut(id));
        }
        let stopped = SlotOut::Stopped { by: by.clone() };
        self.service.out.insert(id.clone(), stopped);
        let cause = StopCause::Asked { by: by.clone() };
        self.service.owe_out(Some(id.clone()), cause, now);
        self.journal.slot(now, &id, Happening::SlotStopped { by });
        Ok(())
    }

    /// Whether there is anything to free a slot from.
    pub(super) fn could_free_slot(&self, id: &SlotId) -> Result<(), RequestRefused> {
        if self.service.out(id).is_some() {
            return Ok(());
        }
        Err(match self.slots.iter().any(|slot| slot.id() == id) {
            true => RequestRefused::SlotRuns(id.clone()),
            false => RequestRefused::NoSuchSlot(id.clone()),
        })
    }

    /// Goes on record first: [`Dispatcher::service_kept`].
    pub(super) fn free_slot(
        &mut self,
        id: SlotId,
        by: Who,
        reply: Reply,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        match self.could_free_slot(&id) {
            Ok(()) => self.service.owe_free(Some(id), by, reply, now),
            Err(refused) => effects.push(Effect::Answer(reply, Err(refused))),
        }
    }

    pub(super) fn halt_asked(&mut self, by: Who, now: Now) -> Result<(), RequestRefused> {
        if let Some(halt) = self.service.halt() {
            return Err(RequestRefused::LineStopped(halt.to_string()));
        }
        self.service.halt = Some(Halt::Asked { by: by.clone() });
        let cause = StopCause::Asked { by };
        self.service.owe_out(None, cause, now);
        self.tell_halt(now);
        Ok(())
    }

    /// Whether there is anything to free the line from.
    pub(super) fn could_free_line(&self) -> Result<(), RequestRefused> {
        match self.service.halt() {
            Some(_) => Ok(()),
            None => Err(RequestRefused::LineRuns),
        }
    }

    /// Goes on record first: [`Dispatcher::service_kept`].
    pub(super) fn free_line(&mut self, by: Who, reply: Reply, now: Now, effects: &mut Vec<Effect>) {
        match self.could_free_line() {
            Ok(()) => self.service.owe_free(None, by, reply, now),
            Err(refused) => effects.push(Effect::Answer(reply, Err(refused))),
        }
    }

    /// The record has taken a change, or not. What lets something go on takes effect only now.
    pub(super) fn service_kept(
        &mut self,
        result: Result<(), RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        match result {
            Ok(()) => {
                self.service.commit = None;
                match self.service.owed.pop_front() {
                    Some(Owed::Free {
                        slot: Some(slot),
                        by,
                        reply,
                        ..
                    }) => {
                        let done = self.slot_freed(&slot, by, now, effects);
                        effects.push(Effect::Answer(reply, done));
                    }
                    Some(Owed::Free { by, reply, .. }) => {
                        let done = self.line_freed(by, now, effects);
                        effects.push(Effect::Answer(reply, done));
                    }
                    Some(Owed::Out(_)) | None => {}
                }
            }
            Err(error) => {
                self.service.commit = Some(Commit::Failed);
                self.stop_line(&error, now);
                for reply in self.service.give_up_frees() {
                    let refused = RequestRefused::NotRecorded(error.to_string());
                    effects.push(Effect::Answer(reply, Err(refused)));
                }
            }
        }
    }

    /// It is on record that a slot goes on; what took it out since then still holds.
    fn slot_freed(
        &mut self,
        id: &SlotId,
        by: Who,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RequestRefused> {
        if self.service.owes_out(Some(id)) {
            return Err(RequestRefused::SlotOut(id.clone()));
        }
        if self.service.out.remove(id).is_none() {
            return Err(RequestRefused::SlotRuns(id.clone()));
        }
        self.service.runs.remove(id);
        self.journal.slot(now, id, Happening::SlotGoesOn { by });
        self.unblock(now, effects);
        Ok(())
    }

    fn line_freed(
        &mut self,
        by: Who,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RequestRefused> {
        let halt = match self.service.owes_out(None) {
            true => self.service.halt.clone(),
            false => None,
        };
        if let Some(halt) = halt {
            return Err(RequestRefused::LineStopped(halt.to_string()));
        }
        if self.service.halt.take().is_none() {
            return Err(RequestRefused::LineRuns);
        }
        self.service.line_run = LineRun::default();
        self.journal.line(now, Happening::LineGoesOn { by });
        self.unblock(now, effects);
        Ok(())
    }
}
