//! Slots whose port another program works on by hand: nothing of theirs becomes a job, and they go on
//! by themselves when it is through.

use super::super::slot::{AfterHold, Now, Phase, Slot};
use super::Dispatcher;
use crate::event::{Happening, JobId, SlotId, Waiting};

impl Dispatcher {
    /// Whether a look at the claims tells anything: on most benches nobody ever holds a port.
    pub fn holders_tell(&self, holders: &[(SlotId, Option<String>)]) -> bool {
        let is_held = |slot: &Slot| matches!(slot.phase, Phase::Held { .. });
        holders.iter().any(|(_, by)| by.is_some()) || self.slots.iter().any(is_held)
    }

    /// A look at the port's claims. What is told while the slot is at work is about the station itself
    /// or comes too late: the next look tells.
    pub(super) fn holder_told(&mut self, id: &SlotId, by: Option<String>, now: Now) {
        match by {
            Some(by) => self.hold(id, by, now),
            None => self.freed(id, now),
        }
    }

    /// A job was about to begin, and another program was first. It has no row.
    pub(super) fn taken(&mut self, id: &SlotId, job: JobId, by: String, now: Now) {
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let serial = match &slot.phase {
            Phase::Opening(running) if running.job == job => running.serial.clone(),
            _ => return,
        };
        let after = match slot.present {
            Some(_) => AfterHold::Arrived { serial },
            None => AfterHold::Idle,
        };
        self.enter_hold(id, by, after, now);
    }

    fn hold(&mut self, id: &SlotId, by: String, now: Now) {
        let queued = self.queued_serial(id);
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let after = match &slot.phase {
            Phase::Idle => AfterHold::Idle,
            Phase::Waiting(Waiting::HubTurn) => AfterHold::Arrived { serial: queued },
            Phase::Waiting(why) => AfterHold::Waiting(*why),
            Phase::Settling { serial, .. } | Phase::Blocked { serial, .. } => AfterHold::Arrived {
                serial: serial.clone(),
            },
            Phase::Held { by: before, after } if **before != *by => after.clone(),
            Phase::Held { .. }
            | Phase::Opening(_)
            | Phase::Working(_)
            | Phase::Recording { .. } => return,
        };
        self.enter_hold(id, by, after, now);
    }

    fn enter_hold(&mut self, id: &SlotId, by: String, after: AfterHold, now: Now) {
        if let Some(slot) = self.slot_mut(id) {
            let phase = Phase::Held {
                by: by.as_str().into(),
                after,
            };
            slot.enter(phase, now);
            // by hand it may be given anything
            slot.through_with = None;
            self.journal.slot(now, id, Happening::SlotHeld { by });
        }
    }

    fn freed(&mut self, id: &SlotId, now: Now) {
        let settle = self.settings.settle;
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let Phase::Held { after, .. } = &slot.phase else {
            return;
        };
        let phase = match after {
            AfterHold::Idle => Phase::Idle,
            AfterHold::Waiting(why) => Phase::Waiting(*why),
            AfterHold::Arrived { serial } => Phase::Settling {
                until: now.steady + settle,
                serial: serial.clone(),
            },
        };
        slot.enter(phase, now);
        self.journal.slot(now, id, Happening::SlotFreed);
    }
}
