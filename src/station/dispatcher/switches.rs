//! Jigs with a switch on CTS or DSR: closing starts a job, opening means that the board was taken out.
//! Either counts once it has lasted for the settle time. Leaves out how the switch is read.

use std::time::{Duration, Instant};

use super::super::slot::{Now, Phase, Slot};
use super::super::switch::{Contact, SwitchTold, WatchEnd, Watched};
use super::{Dispatcher, Effect, Line};
use crate::event::{Happening, SlotId, Waiting};

/// After the port was left to someone else, or could not be read.
pub(super) const WATCH_AGAIN: Duration = Duration::from_millis(400);
/// Once it was told that it cannot be read: each try raises the port's lines for a moment.
pub(super) const WATCH_SELDOM: Duration = Duration::from_secs(5);
/// Once may be an adapter that is just going.
const FAILURES_TOLD: u32 = 2;

impl Dispatcher {
    /// Starts and ends watches: a switch is watched while its slot has its port and nothing to do.
    pub(super) fn tend_switches(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let ending = matches!(self.line, Line::Ending { .. });
        for slot in &mut self.slots {
            let wanted = !ending && is_watchable(slot);
            let Some(switch) = &mut slot.switch else {
                continue;
            };
            match (switch.watch, &slot.present) {
                (Watched::Yes, _) if !wanted => {
                    switch.watch = Watched::From(now.steady);
                    switch.change = None;
                    effects.push(Effect::LeaveSwitch {
                        slot: slot.settings.name.clone(),
                    });
                }
                (Watched::From(at), Some(port)) if wanted && at <= now.steady => {
                    switch.watch = Watched::Yes;
                    switch.number += 1;
                    effects.push(Effect::WatchSwitch {
                        slot: slot.settings.name.clone(),
                        watch: switch.number,
                        path: port.path.clone(),
                        input: switch.input,
                    });
                }
                _ => {}
            }
        }
    }

    /// When a switch wants to be watched, or to be taken at its word.
    pub(super) fn switch_due(&self, slot: &Slot) -> Option<Instant> {
        let switch = slot.switch.as_ref()?;
        match switch.watch {
            Watched::Yes => switch.change.map(|(_, until)| until),
            Watched::From(at) => {
                let is_ending = matches!(self.line, Line::Ending { .. });
                (is_watchable(slot) && !is_ending).then_some(at)
            }
        }
    }

    pub(super) fn switch_told(
        &mut self,
        id: &SlotId,
        watch: u64,
        told: SwitchTold,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let settle = self.settings.settle;
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let Some(switch) = &mut slot.switch else {
            return;
        };
        if switch.watch != Watched::Yes || switch.number != watch {
            return;
        }
        let contact = match told {
            SwitchTold::Reads(contact) => contact,
            SwitchTold::Ended(end) => return self.watch_ended(id, end, now),
        };
        switch.failures = 0;
        let before = switch.contact;
        switch.change = match before {
            Some(known) if known != contact => Some((contact, now.steady + settle)),
            Some(_) => None,
            None => {
                switch.contact = Some(contact);
                None
            }
        };
        if matches!(slot.phase, Phase::Waiting(Waiting::SwitchUnread)) {
            slot.enter(Phase::Idle, now);
        }
        match (before, contact, &slot.phase) {
            (Some(Contact::Open), Contact::Closed, Phase::Idle | Phase::Waiting(_)) => {
                let until = now.steady + settle;
                let serial = None;
                slot.enter(Phase::Settling { until, serial }, now);
            }
            // it bounced: no board was in it
            (Some(Contact::Open), Contact::Open, Phase::Settling { .. }) => {
                slot.enter(Phase::Idle, now);
            }
            // started while nobody could read it, and taken out since
            (None, Contact::Open, _) if slot.shows_its_board() => {
                self.board_left(id, now, effects);
            }
            (None, Contact::Closed, Phase::Idle) if !slot.shows_its_board() => {
                let waits = Waiting::SwitchClosed;
                slot.enter(Phase::Waiting(waits), now);
                let port = slot.place();
                self.journal
                    .slot(now, id, Happening::BoardWaits { port, why: waits });
            }
            _ => {}
        }
    }

    fn watch_ended(&mut self, id: &SlotId, end: WatchEnd, now: Now) {
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let Some(switch) = &mut slot.switch else {
            return;
        };
        switch.watch = Watched::From(now.steady + WATCH_AGAIN);
        if switch.change.take().is_some() && matches!(slot.phase, Phase::Settling { .. }) {
            slot.enter(Phase::Idle, now);
        }
        let Some(switch) = &mut slot.switch else {
            return;
        };
        let why = match end {
            WatchEnd::Wanted => return,
            WatchEnd::NoInput => {
                switch.failures = switch.failures.max(FAILURES_TOLD - 1);
                format!("this port does not tell its {}", switch.input.name())
            }
            WatchEnd::Failed(why) => why,
        };
        switch.failures += 1;
        if switch.failures >= FAILURES_TOLD {
            switch.watch = Watched::From(now.steady + WATCH_SELDOM);
        }
        if switch.failures == FAILURES_TOLD {
            // a board that waits for its hub keeps its turn
            let keeps = matches!(slot.phase, Phase::Waiting(Waiting::HubTurn));
            if matches!(slot.phase, Phase::Idle | Phase::Waiting(_)) && !keeps {
                // what it reads next is as if it were read for the first time
                switch.contact = None;
                slot.enter(Phase::Waiting(Waiting::SwitchUnread), now);
            }
            let port = slot.place();
            self.journal
                .slot(now, id, Happening::SwitchUnread { port, why });
        }
    }

    /// Takes switches at their word that have kept it for the settle time.
    pub(super) fn settle_switches(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let mut settled = Vec::new();
        for slot in &mut self.slots {
            let id = slot.id().clone();
            let counts = is_watchable(slot);
            if let Some(switch) = slot.switch.as_mut().filter(|_| counts)
                && let Some((contact, _)) = switch.change.take_if(|(_, until)| *until <= now.steady)
            {
                switch.contact = Some(contact);
                settled.push((id, contact));
            }
        }
        for (id, contact) in settled {
            let Some(slot) = self.slot_mut(&id) else {
                continue;
            };
            match (contact, &slot.phase) {
                (Contact::Closed, Phase::Idle | Phase::Waiting(_) | Phase::Settling { .. }) => {
                    let serial = self.serial_for(&id, now);
                    self.begin(&id, serial, now, effects);
                }
                (Contact::Closed, _) => {}
                (Contact::Open, phase) => {
                    if !matches!(phase, Phase::Idle) {
                        slot.enter(Phase::Idle, now);
                    }
                    self.board_left(&id, now, effects);
                }
            }
        }
    }
}

/// Whether nobody needs the slot's port for more than a look at its switch.
fn is_watchable(slot: &Slot) -> bool {
    let idle = matches!(
        slot.phase,
        Phase::Idle | Phase::Waiting(_) | Phase::Settling { .. } | Phase::Blocked { .. }
    );
    idle && slot.present.is_some()
}
