//! Jigs whose adapter stays plugged in: an answer after a silence is a new board.

use std::time::Instant;

use super::super::slot::{Arming, Now, Phase, ProbeDue, Slot};
use super::{Dispatcher, Effect, Line, PROBE_INTERVAL, PROBE_SILENCES};
use crate::event::{Happening, SlotId, Waiting};
use crate::port::OpenError;

impl Dispatcher {
    /// When this slot wants its next probe.
    pub(super) fn probe_due(&self, slot: &Slot) -> Option<Instant> {
        let probing = slot.probing.as_ref()?;
        let idle = matches!(
            slot.phase,
            Phase::Idle | Phase::Waiting(_) | Phase::Blocked { .. }
        );
        match (probing.next, &self.line) {
            (ProbeDue::At(at), Line::Running) if idle && slot.present.is_some() => Some(at),
            _ => None,
        }
    }

    pub(super) fn probed(
        &mut self,
        id: &SlotId,
        result: Result<bool, OpenError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let Some(probing) = &mut slot.probing else {
            return;
        };
        probing.next = ProbeDue::At(now.steady + PROBE_INTERVAL);
        if !matches!(
            slot.phase,
            Phase::Idle | Phase::Waiting(_) | Phase::Blocked { .. }
        ) {
            return;
        }
        match (result, probing.arming) {
            // a port that cannot be opened tells nothing of the board
            (Err(_), _) | (Ok(true), Arming::SameBoard) => probing.silences = 0,
            (Ok(true), Arming::Armed) => {
                let serial = self.serial_for(id, now);
                self.begin(id, serial, now, effects);
            }
            (Ok(true), Arming::Unknown) => {
                probing.arming = Arming::SameBoard;
                let waits = Waiting::PresentAtStart;
                slot.enter(Phase::Waiting(waits), now);
                let port = slot.place();
                self.journal
                    .slot(now, id, Happening::BoardWaits { port, why: waits });
            }
            (Ok(false), Arming::Armed) => {}
            (Ok(false), Arming::Unknown | Arming::SameBoard) => {
                probing.silences += 1;
                if probing.silences < PROBE_SILENCES {
                    return;
                }
                let had_board = probing.arming == Arming::SameBoard;
                probing.arming = Arming::Armed;
                if matches!(slot.phase, Phase::Waiting(_) | Phase::Blocked { .. }) {
                    slot.enter(Phase::Idle, now);
                }
                if had_board {
                    self.board_left(id, now, effects);
                }
            }
        }
    }
}
