//! Ports come and go: which slot they belong to, and whether that means a new board.

use std::path::Path;
use std::time::Duration;

use super::super::slot::{AfterHold, Next, Now, Phase, Restart, Slot, place_words};
use super::{Dispatcher, Effect};
use crate::event::{Happening, SlotId, Waiting};
use crate::port::{LeftAlone, PortInfo, UsbId};
use crate::settings::{Place, SlotSettings, Start};
use crate::station::PortView;

/// Whether a port was there before the watch began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    BeforeStart,
    Now,
}

/// A chip's own USB leaves the bus within this time of its reset.
pub(super) const RESTART_GOES: Duration = Duration::from_millis(500);
/// It is back within this time: the chip starts, and the host asks it who it is.
pub(super) const RESTART_BACK: Duration = Duration::from_secs(3);

impl Dispatcher {
    pub(super) fn port_came(
        &mut self,
        port: PortInfo,
        arrival: Arrival,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let index = match self.slot_for(&port, now) {
            Ok(index) => index,
            // so it was asked for
            Err(LeftAlone::Ignored(_)) => return,
            Err(why) => return self.left_alone(&port, &why, now),
        };
        let settle = self.settings.settle;
        let slot = &mut self.slots[index];
        let shown = port.path.display().to_string();
        slot.present = Some(port.clone());
        if let Some(switch) = &mut slot.switch {
            switch.forget();
        }
        slot.own_usb = port.usb_id.and_then(UsbId::own_usb).is_some();
        effects.push(Effect::Presence {
            slot: slot.id().clone(),
            port: Some(port),
        });
        if let Some(Restart::Away { until }) = slot.restart.take()
            && now.steady <= until
        {
            return;
        }
        match &mut slot.phase {
            // a port that comes back in mid-job is the job's affair
            Phase::Opening(_) | Phase::Working(_) => {}
            Phase::Recording { next, .. } => *next = Next::Arrived,
            Phase::Held { after, .. } => {
                *after = match (slot.settings.start, arrival) {
                    // these jigs' adapters come without a board
                    (Start::Probe | Start::Cts | Start::Dsr, _) => return,
                    (Start::Request, _) => AfterHold::Waiting(Waiting::Request),
                    (Start::Scan, _) => AfterHold::Waiting(Waiting::Scan),
                    (Start::Plug, Arrival::BeforeStart) => {
                        AfterHold::Waiting(Waiting::PresentAtStart)
                    }
                    (Start::Plug, Arrival::Now) => AfterHold::Arrived {
                        serial: self.scans.take(&slot.settings.name, now),
                    },
                };
            }
            Phase::Idle | Phase::Waiting(_) | Phase::Settling { .. } | Phase::Blocked { .. } => {
                let waits = match (slot.settings.start, arrival) {
                    (Start::Probe | Start::Cts | Start::Dsr, _) => return,
                    (Start::Request, _) => Waiting::Request,
                    (Start::Scan, _) => Waiting::Scan,
                    (Start::Plug, Arrival::BeforeStart) => Waiting::PresentAtStart,
                    (Start::Plug, Arrival::Now) => {
                        slot.enter(
                            Phase::Settling {
                                until: now.steady + settle,
                                serial: self.scans.take(&slot.settings.name, now),
                            },
                            now,
                        );
                        return;
                    }
                };
                slot.enter(Phase::Waiting(waits), now);
                let slot = slot.id().clone();
                self.journal.slot(
                    now,
                    &slot,
                    Happening::BoardWaits {
                        port: shown,
                        why: waits,
                    },
                );
            }
        }
    }

    fn left_alone(&mut self, port: &PortInfo, why: &LeftAlone, now: Now) {
        let view = PortView {
            port: describe(port),
            why: why.to_string(),
        };
        let notice = Happening::PortUnassigned {
            port: view.port.clone(),
            why: view.why.clone(),
        };
        if self.unassigned.insert(port.path.clone(), view).is_none() {
            self.journal.line(now, notice);
        }
        self.unassigned_changed();
    }

    pub(super) fn port_left(&mut self, path: &Path, now: Now, effects: &mut Vec<Effect>) {
        if self.unassigned.remove(path).is_some() {
            self.unassigned_changed();
        }
        let at_path = |slot: &Slot| slot.present.as_ref().is_some_and(|port| port.path == path);
        let Some(slot) = self.slots.iter_mut().find(|slot| at_path(slot)) else {
            return;
        };
        let place = slot.present.take().and_then(|port| port.usb_path);
        if let Some(switch) = &mut slot.switch {
            switch.forget();
        }
        let id = slot.id().clone();
        if let Some(Restart::Due { until }) = slot.restart.take()
            && now.steady <= until
        {
            slot.restart = Some(Restart::Away {
                until: now.steady + RESTART_BACK,
            });
            effects.push(Effect::Presence {
                slot: id,
                port: None,
            });
            return;
        }
        self.lost(&id, place, now);
        effects.push(Effect::Presence {
            slot: id.clone(),
            port: None,
        });
        let Some(slot) = self.slot_mut(&id) else {
            return;
        };
        match &mut slot.phase {
            Phase::Opening(running) | Phase::Working(running) => {
                running.left = true;
                return;
            }
            Phase::Recording { next, .. } => {
                *next = Next::None;
                return;
            }
            // bounced: it was never taken for a board
            Phase::Settling { .. } => {
                slot.enter(Phase::Idle, now);
                return;
            }
            Phase::Held { after, .. } => {
                let before = std::mem::replace(after, AfterHold::Idle);
                if matches!(before, AfterHold::Arrived { .. }) {
                    return;
                }
            }
            Phase::Waiting(_) | Phase::Blocked { .. } => slot.enter(Phase::Idle, now),
            Phase::Idle => {}
        }
        self.board_left(&id, now, effects);
    }

    /// Boards that went with their own reset and did not come back.
    pub(super) fn judge_restarts(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let over = |slot: &Slot| matches!(slot.restart, Some(Restart::Away { until }) if until < now.steady);
        let gone: Vec<usize> = (0..self.slots.len())
            .filter(|index| over(&self.slots[*index]))
            .collect();
        for index in gone {
            let slot = &mut self.slots[index];
            slot.restart = None;
            // a verdict that is being committed says so itself
            if matches!(slot.phase, Phase::Idle) {
                let id = slot.id().clone();
                self.board_left(&id, now, effects);
            }
        }
    }

    /// The board of an idle slot is gone: say so once, free its MAC.
    pub(super) fn board_left(&mut self, id: &SlotId, now: Now, effects: &mut Vec<Effect>) {
        self.board_changes(id);
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        slot.through_with = None;
        if let Some(result) = &mut slot.result {
            result.present = false;
        }
        effects.push(Effect::Release { slot: id.clone() });
        self.journal.slot(now, id, Happening::BoardRemoved);
    }

    /// The slot that this port belongs to; on a bench without configured slots every known bridge makes
    /// its own.
    pub(super) fn slot_for(&mut self, port: &PortInfo, now: Now) -> Result<usize, LeftAlone> {
        let at_place = |slot: &Slot| port.is_at(&slot.settings.place);
        if let Some(index) = self.slots.iter().position(at_place) {
            return Ok(index);
        }
        port.is_slot_by_itself(&self.settings)?;
        let (place, short) = match &port.usb_path {
            Some(usb_path) => (Place::Usb(usb_path.clone()), usb_path.short()),
            None => (Place::Path(port.path.clone()), file_name(&port.path)),
        };
        // a second controller has the same chains of ports
        let is_taken = self.slots.iter().any(|slot| slot.id().as_str() == short);
        let name = if is_taken { place_words(&place) } else { short };
        self.slots
            .push(Slot::new(SlotSettings::at(&name, place), now));
        self.show_bundles();
        Ok(self.slots.len() - 1)
    }

    pub(super) fn unassigned_changed(&mut self) {
        self.unassigned_view = self.unassigned.values().cloned().collect();
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn describe(port: &PortInfo) -> String {
    match (&port.usb_id, port.description.is_empty()) {
        (Some(id), false) => format!("{} ({id}, {})", port.path.display(), port.description),
        (Some(id), true) => format!("{} ({id})", port.path.display()),
        (None, false) => format!("{} ({})", port.path.display(), port.description),
        (None, true) => port.path.display().to_string(),
    }
}
