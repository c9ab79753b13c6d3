//! Hubs and their power: how many boards of one hub work at once, how far apart they start, and what it
//! means when slots of one hub are lost together. Leaves out ports that are not on USB: nothing tells
//! what feeds them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::slot::{Arming, Now, Phase, Slot};
use super::{Dispatcher, Effect, Line};
use crate::event::{Code, Happening, Serial, SlotId, UsbHub, UsbPath, Waiting};
use crate::job::Verdict;

/// Ports of one hub that go within this time went together. A hub that loses its power is reported
/// port by port, over some tens of milliseconds; two hands pull two boards further apart.
pub const LOST_TOGETHER: Duration = Duration::from_millis(400);

/// A port that went.
#[derive(Debug, Clone)]
pub(super) struct Loss {
    slot: SlotId,
    place: UsbPath,
    at: Instant,
}

/// What hubs have done so far.
#[derive(Debug, Default)]
pub(super) struct Hubs {
    /// Boards that are ready and wait for their hub, longest first, with what is known of them.
    queue: Vec<(SlotId, Option<Serial>)>,
    /// The last start on each hub.
    starts: Vec<(UsbHub, Instant)>,
    /// Ports that went a moment ago, and of which nothing was said yet.
    losses: Vec<Loss>,
}

/// Whether a board may start now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// Nobody knows: when another board of the hub is done.
    Later,
    At(Instant),
}

impl Dispatcher {
    /// Whether the hub that feeds this slot has room for one more, and when.
    pub(super) fn turn(&self, slot: &Slot, now: Instant) -> Turn {
        let Some(hub) = hub_of(slot) else {
            return Turn::Now;
        };
        let at_work = self
            .slots
            .iter()
            .filter(|other| draws_power(other) && hub_of(other).as_ref() == Some(&hub));
        let limits = self.settings.hub;
        if limits
            .max_active
            .is_some_and(|most| at_work.count() >= most as usize)
        {
            return Turn::Later;
        }
        let last = self.hubs.starts.iter().find(|(other, _)| *other == hub);
        match last.map(|(_, at)| *at + limits.stagger) {
            Some(next) if next > now => Turn::At(next),
            _ => Turn::Now,
        }
    }

    /// Puts a board behind those that wait already.
    pub(super) fn queue(&mut self, id: &SlotId, serial: Option<Serial>, now: Now) {
        self.hubs.queue.retain(|(waiting, _)| waiting != id);
        self.hubs.queue.push((id.clone(), serial));
        if let Some(slot) = self.slot_mut(id) {
            if let Some(probing) = &mut slot.probing {
                probing.arming = Arming::SameBoard;
                probing.silences = 0;
            }
            slot.enter(Phase::Waiting(Waiting::HubTurn), now);
        }
    }

    /// The serial of a board that waits for its hub, where it was started with one.
    pub(super) fn queued_serial(&self, id: &SlotId) -> Option<Serial> {
        let queued = self.hubs.queue.iter().find(|(waiting, _)| waiting == id);
        queued.and_then(|(_, serial)| serial.clone())
    }

    /// A board that waits for its hub was given a serial: its turn stays.
    pub(super) fn queue_serial(&mut self, id: &SlotId, serial: Serial) {
        let mut queue = self.hubs.queue.iter_mut();
        if let Some((_, known)) = queue.find(|(waiting, _)| waiting == id) {
            *known = Some(serial);
        }
    }

    /// A job starts on this slot.
    pub(super) fn started(&mut self, id: &SlotId, now: Now) {
        self.hubs.queue.retain(|(waiting, _)| waiting != id);
        let hub = self.slots.iter().find(|slot| slot.id() == id);
        if let Some(hub) = hub.and_then(hub_of) {
            self.hubs.starts.retain(|(other, _)| *other != hub);
            self.hubs.starts.push((hub, now.steady));
        }
    }

    /// When the next board that waits for its hub may start at the earliest.
    pub(super) fn turn_due(&self, now: Instant) -> Option<Instant> {
        let waiting = self.waiting().map(|slot| self.turn(slot, now));
        let due = waiting.filter_map(|turn| match turn {
            Turn::At(at) => Some(at),
            Turn::Now => Some(now),
            Turn::Later => None,
        });
        match self.line {
            Line::Running => due.min(),
            _ => None,
        }
    }

    /// Starts the boards whose turn has come, longest waiting first.
    pub(super) fn take_turns(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let waiting: Vec<SlotId> = self.waiting().map(|slot| slot.id().clone()).collect();
        // who was pulled meanwhile waits no more
        self.hubs.queue.retain(|(id, _)| waiting.contains(id));
        for (id, serial) in self.hubs.queue.clone() {
            let slot = self.slots.iter().find(|slot| *slot.id() == id);
            if slot.is_some_and(|slot| self.turn(slot, now.steady) == Turn::Now) {
                self.begin(&id, serial, now, effects);
            }
        }
    }

    fn waiting(&self) -> impl Iterator<Item = &Slot> {
        self.hubs.queue.iter().filter_map(|(id, _)| {
            let slot = self.slots.iter().find(|slot| slot.id() == id)?;
            matches!(slot.phase, Phase::Waiting(Waiting::HubTurn)).then_some(slot)
        })
    }

    /// A slot's port went.
    pub(super) fn lost(&mut self, id: &SlotId, place: Option<UsbPath>, now: Now) {
        if let Some(place) = place {
            self.hubs.losses.push(Loss {
                slot: id.clone(),
                place,
                at: now.steady,
            });
        }
    }

    /// When it is known whether ports that went lately went together.
    pub(super) fn losses_due(&self) -> Option<Instant> {
        let first = self.hubs.losses.iter().map(|loss| loss.at).min();
        first.map(|at| at + LOST_TOGETHER)
    }

    /// Tells what was lost together, once nothing can be added to it.
    pub(super) fn judge_losses(&mut self, now: Now) {
        if self.losses_due().is_none_or(|due| due > now.steady) {
            return;
        }
        let losses = std::mem::take(&mut self.hubs.losses);
        let present: Vec<UsbPath> = self
            .slots
            .iter()
            .filter(|slot| {
                // what is back already was lost all the same
                let is_lost = losses.iter().any(|loss| loss.slot == *slot.id());
                !is_lost
            })
            .filter_map(|slot| slot.present.as_ref()?.usb_path.clone())
            .collect();
        for (hub, places) in lost_together(&losses, &present) {
            let mut slots = Vec::new();
            let mut at_work = false;
            for loss in losses.iter().filter(|loss| places.contains(&loss.place)) {
                slots.push(loss.slot.clone());
                if let Some(slot) = self.slot_mut(&loss.slot)
                    && let Phase::Working(running) | Phase::Opening(running) = &mut slot.phase
                {
                    running.hub_lost = Some(Arc::new(hub.clone()));
                    at_work = true;
                }
            }
            // boards that are done may be pulled with both hands
            if at_work {
                self.journal.line(
                    now,
                    Happening::HubLost {
                        hub: hub.short(),
                        slots,
                    },
                );
            }
        }
    }
}

/// A board that was not pulled but lost with its hub is no bad board.
pub(super) fn as_lost_with_hub(mut verdict: Verdict, hub: &UsbHub) -> Verdict {
    if verdict.code == Some(Code::Unplugged) {
        verdict.outcome = Code::HubPower.outcome();
        verdict.code = Some(Code::HubPower);
        verdict.detail = format!(
            "{} lost all its slots at once: {}",
            hub.short(),
            verdict.detail
        );
    }
    verdict
}

/// Whether a slot's board counts as at work. One that waits for someone's answer does not; told to
/// flash, it goes on at once and its hub may have one more at work than it should: a job under way
/// keeps its loader, and there is no turn to be taken in its middle.
fn draws_power(slot: &Slot) -> bool {
    let asks = slot.at_work().is_some_and(|running| running.asks.is_some());
    !slot.is_quiet() && !asks
}

fn hub_of(slot: &Slot) -> Option<UsbHub> {
    slot.present.as_ref()?.usb_path.as_ref()?.hub()
}

/// Which hubs lost at least two ports and have none left: the innermost hub that explains it all, else
/// each hub on its own.
fn lost_together(losses: &[Loss], present: &[UsbPath]) -> Vec<(UsbHub, Vec<UsbPath>)> {
    let is_dark = |hub: &UsbHub| !present.iter().any(|place| hub.feeds(place));
    let below = |hub: &UsbHub| -> Vec<UsbPath> {
        let places = losses.iter().map(|loss| &loss.place);
        let mut places: Vec<UsbPath> = places.filter(|place| hub.feeds(place)).cloned().collect();
        places.sort();
        places.dedup();
        places
    };
    let mut hubs: Vec<UsbHub> = losses
        .iter()
        .flat_map(|loss| std::iter::successors(loss.place.hub(), UsbHub::above))
        .collect();
    hubs.sort();
    hubs.dedup();
    let dark: Vec<(UsbHub, Vec<UsbPath>)> = hubs
        .into_iter()
        .filter(is_dark)
        .map(|hub| {
            let places = below(&hub);
            (hub, places)
        })
        .filter(|(_, places)| places.len() > 1)
        .collect();
    // the most ports explained by one hub, and of those hubs the innermost
    let mut told: Vec<(UsbHub, Vec<UsbPath>)> = Vec::new();
    let mut by_reach = dark;
    by_reach.sort_by_key(|(hub, places)| (usize::MAX - places.len(), usize::MAX - hub.depth()));
    for (hub, places) in by_reach {
        let known = |place: &UsbPath| told.iter().any(|(_, told)| told.contains(place));
        if !places.iter().any(known) {
            told.push((hub, places));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(chain: &str) -> UsbPath {
        UsbPath(format!("pci-0000:00:14.0-usb-0:{chain}:1.0"))
    }

    fn check(lost: &[&str], present: &[&str], expected: &[(&str, &[&str])]) {
        let losses: Vec<Loss> = lost
            .iter()
            .map(|chain| Loss {
                slot: SlotId::new(chain),
                place: place(chain),
                at: Instant::now(),
            })
            .collect();
        let present: Vec<UsbPath> = present.iter().map(|chain| place(chain)).collect();
        let found: Vec<(String, Vec<UsbPath>)> = lost_together(&losses, &present)
            .into_iter()
            .map(|(hub, places)| (hub.short(), places))
            .collect();
        let expected: Vec<(String, Vec<UsbPath>)> = expected
            .iter()
            .map(|(hub, chains)| {
                let places = chains.iter().map(|chain| place(chain)).collect();
                ((*hub).to_owned(), places)
            })
            .collect();
        assert_eq!(found, expected, "{lost:?} lost, {present:?} left");
    }

    #[test]
    fn one_hub_explains_what_went_with_it() {
        check(&["1.1"], &[], &[]);
        check(&["1.1", "1.2"], &[], &[("usb-1", &["1.1", "1.2"])]);
        // someone pulled two, the third is still there
        check(&["1.1", "1.2"], &["1.3"], &[]);
        // the neighbour hub is at work
        check(&["1.1", "1.2"], &["2.1"], &[("usb-1", &["1.1", "1.2"])]);
        // a hub on a hub: the outer one went, or only the inner
        check(
            &["1.1", "1.4.1", "1.4.2"],
            &[],
            &[("usb-1", &["1.1", "1.4.1", "1.4.2"])],
        );
        check(
            &["1.4.1", "1.4.2"],
            &["1.1"],
            &[("usb-1.4", &["1.4.1", "1.4.2"])],
        );
        // two hubs at once, and a third at work: two errors
        check(
            &["1.1", "1.2", "2.1", "2.2"],
            &["3.1"],
            &[("usb-1", &["1.1", "1.2"]), ("usb-2", &["2.1", "2.2"])],
        );
        // everything on the controller
        check(&["1", "2"], &[], &[("usb root hub", &["1", "2"])]);
    }
}
