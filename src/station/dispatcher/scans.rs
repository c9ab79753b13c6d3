//! Scanned barcodes: an operator's badge, a lot's number, a board's serial number, a slot's own name. A serial
//! number is with one board, or waits for the next one for a while; what becomes of neither is told. Leaves out
//! who reads barcodes (a face tells them), how they are told apart (`settings/scan`) and what a lot's number starts
//! (`Ask::StartLot`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::slot::{AfterHold, Block, Now, Phase, Slot};
use super::{Dispatcher, Effect, Line};
use crate::event::{Happening, LotName, ScanKind, Serial, SlotId, Waiting};
use crate::settings::Start;
use crate::station::{Ask, RequestRefused, Scanned};

/// A slot that was chosen by its name gets the next scan within this time.
pub(super) const CHOSEN_FOR: Duration = Duration::from_secs(30);

/// No operator's name is longer, characters.
const LONGEST_NAME: usize = 64;

/// What was scanned and is not done with.
#[derive(Debug, Default)]
pub(super) struct Scans {
    chosen: Option<Chosen>,
    /// Serial numbers whose jobs have not begun.
    open: Vec<OpenSerial>,
}

/// The slot whose name was scanned, and until when that counts.
#[derive(Debug)]
struct Chosen {
    slot: SlotId,
    until: Instant,
}

/// A serial number whose job has not begun.
#[derive(Debug)]
struct OpenSerial {
    serial: Serial,
    whose: Whose,
    /// The slot that was chosen for it.
    chosen: Option<SlotId>,
    /// When it is given up, unless a board has it.
    until: Now,
}

#[derive(Debug)]
enum Whose {
    /// That of the next board. At most one is.
    Next,
    /// That of a board that has just come to this slot: it may be the contact that bounces.
    Settling(SlotId),
    /// That of the board in this slot, which waits for something else.
    Board(SlotId),
}

impl Whose {
    fn slot(&self) -> Option<&SlotId> {
        match self {
            Whose::Next => None,
            Whose::Settling(slot) | Whose::Board(slot) => Some(slot),
        }
    }
}

impl Scans {
    /// The serial number that waits for the board that has just come to this slot.
    pub(super) fn take(&mut self, slot: &SlotId, now: Now) -> Option<Serial> {
        let open = self.open.iter_mut().find(|open| {
            let is_for = open.chosen.as_ref().is_none_or(|chosen| chosen == slot);
            matches!(open.whose, Whose::Next) && is_for && open.until.steady > now.steady
        })?;
        open.whose = Whose::Settling(slot.clone());
        Some(open.serial.clone())
    }

    fn next(&self) -> Option<&OpenSerial> {
        let mut open = self.open.iter();
        open.find(|open| matches!(open.whose, Whose::Next))
    }

    /// Every serial number whose job has not begun.
    #[cfg(test)]
    pub(super) fn open(&self) -> impl Iterator<Item = &Serial> {
        self.open.iter().map(|open| &open.serial)
    }

    /// When the serial number that waits is given up.
    pub(super) fn due(&self) -> Option<Instant> {
        self.next().map(|open| open.until.steady)
    }
}

impl Dispatcher {
    /// What is asked for by a scan that stands for something else: a lot's number starts the lot.
    pub(super) fn as_meant(&self, ask: Ask) -> Ask {
        let Ask::Scan { text, .. } = &ask else {
            return ask;
        };
        if self.slot_named(text).is_some() {
            return ask;
        }
        let lot = match self.settings.scan.tell(text) {
            Some((ScanKind::Lot, value)) => LotName::parse(value),
            _ => None,
        };
        lot.map_or(ask, |lot| Ask::StartLot { lot })
    }

    pub(super) fn scanned(
        &mut self,
        text: &str,
        selected: Option<SlotId>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RequestRefused> {
        if let Some(slot) = self.slot_named(text) {
            let until = now.steady + CHOSEN_FOR;
            self.scans.chosen = Some(Chosen { slot, until });
            return Ok(());
        }
        let settings = self.settings.clone();
        match settings.scan.tell(text) {
            Some((ScanKind::Operator, name)) if is_name(name) => {
                self.operator_came(name, now, effects);
                Ok(())
            }
            Some((ScanKind::Serial, value)) => match Serial::parse(value) {
                Some(serial) => self.serial_scanned(serial, selected, now, effects),
                None => Err(RequestRefused::NotASerial(text.to_owned())),
            },
            Some((ScanKind::Operator | ScanKind::Lot, _)) | None => {
                Err(RequestRefused::UnknownScan {
                    text: text.trim().to_owned(),
                    expected: settings.scan.kinds(),
                })
            }
        }
    }

    fn slot_named(&self, text: &str) -> Option<SlotId> {
        let mut names = self.slots.iter().map(Slot::id);
        names.find(|slot| slot.as_str() == text.trim()).cloned()
    }

    /// Someone else is at the bench; the same badge once more changes nothing.
    fn operator_came(&mut self, name: &str, now: Now, effects: &mut Vec<Effect>) {
        if self.at_hand.operator.as_deref() == Some(name) {
            return;
        }
        Arc::make_mut(&mut self.at_hand).operator = Some(name.into());
        let operator = name.to_owned();
        self.journal.line(now, Happening::OperatorCame { operator });
        self.unblock(now, effects);
    }

    fn serial_scanned(
        &mut self,
        serial: Serial,
        selected: Option<SlotId>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RequestRefused> {
        if matches!(self.line, Line::Ending { .. }) {
            return Err(RequestRefused::LineStopped(
                "the program is ending".to_owned(),
            ));
        }
        self.may_have(None, &serial)?;
        let mut waiting: Vec<SlotId> = (self.slots.iter())
            .filter(|slot| slot.settings.start == Start::Scan || self.lacks_serial(slot))
            .map(|slot| slot.id().clone())
            .collect();
        let chosen = self.scans.chosen.take();
        let chosen = chosen.filter(|chosen| chosen.until > now.steady);
        let selected = selected.filter(|slot| waiting.contains(slot));
        let id = match (chosen, selected, waiting.len()) {
            (Some(chosen), ..) => Some(chosen.slot),
            (None, Some(selected), _) => Some(selected),
            (None, None, 0) => None,
            (None, None, 1) => Some(waiting.remove(0)),
            (None, None, _) => return Err(RequestRefused::WhichSlot),
        };
        let slot = self
            .slots
            .iter()
            .find(|slot| Some(slot.id()) == id.as_ref());
        match slot {
            Some(slot) if self.lacks_serial(slot) => {}
            Some(slot) if slot.settings.start == Start::Scan => self.may_start(slot.id())?,
            _ => {
                self.wait_for_board(serial, id, now);
                return Ok(());
            }
        }
        if let Some(id) = id {
            self.open(serial.clone(), Whose::Settling(id.clone()), None, now);
            self.give(&id, serial, now, effects);
        }
        Ok(())
    }

    /// The next board's, in this slot where one was chosen; the one that waited before is given up.
    fn wait_for_board(&mut self, serial: Serial, chosen: Option<SlotId>, now: Now) {
        let before = self.scans.next().map(|open| open.serial.clone());
        if let Some(before) = before.filter(|before| *before != serial) {
            self.scans.open.retain(|open| open.serial != before);
            self.tell_orphan(None, before, now);
        }
        self.open(serial, Whose::Next, chosen, now);
    }

    fn open(&mut self, serial: Serial, whose: Whose, chosen: Option<SlotId>, now: Now) {
        let pair = self.settings.scan.pair;
        let until = Now {
            steady: now.steady + pair,
            // a wall clock at its end only shows an earlier time
            wall: now.wall.checked_add(pair).unwrap_or(now.wall),
        };
        self.scans.open.retain(|open| open.serial != serial);
        self.scans.open.push(OpenSerial {
            serial,
            whose,
            chosen,
            until,
        });
    }

    /// Gives a serial number to the board that is in this slot.
    fn give(&mut self, id: &SlotId, serial: Serial, now: Now, effects: &mut Vec<Effect>) {
        let Some(slot) = self.slot_mut(id) else {
            return;
        };
        let waits_for_lot = slot.waits_for_lot();
        match &mut slot.phase {
            Phase::Settling { serial: none, .. } => *none = Some(serial),
            // it has a turn of its own
            Phase::Blocked { serial: none, .. } if waits_for_lot => *none = Some(serial),
            Phase::Waiting(Waiting::HubTurn) => self.queue_serial(id, serial),
            _ => self.begin(id, Some(serial), now, effects),
        }
    }

    /// Whether a board is in this slot that will be worked on by itself and has no serial number.
    fn lacks_serial(&self, slot: &Slot) -> bool {
        let comes = match &slot.phase {
            Phase::Settling { .. } | Phase::Blocked { .. } => true,
            Phase::Waiting(why) => *why == Waiting::HubTurn,
            _ => false,
        };
        comes && self.carried(slot).is_none()
    }

    /// The serial number of the board that is in this slot, where one is known before its job.
    fn carried(&self, slot: &Slot) -> Option<Serial> {
        match &slot.phase {
            Phase::Settling { serial, .. }
            | Phase::Blocked { serial, .. }
            | Phase::Held {
                after: AfterHold::Arrived { serial },
                ..
            } => serial.clone(),
            Phase::Opening(running) => running.serial.clone(),
            Phase::Waiting(Waiting::HubTurn) => self.queued_serial(slot.id()),
            _ => None,
        }
    }

    /// The serial number of a board that is begun with: the one it has, or the one that waits.
    pub(super) fn serial_for(&mut self, id: &SlotId, now: Now) -> Option<Serial> {
        let slot = self.slots.iter().find(|slot| slot.id() == id);
        let carried = slot.and_then(|slot| self.carried(slot));
        carried.or_else(|| self.scans.take(id, now))
    }

    /// The serial number that a board is started with by hand: what was typed, or as [`Dispatcher::serial_for`].
    pub(super) fn serial_to_start(
        &mut self,
        id: &SlotId,
        typed: Option<Serial>,
        now: Now,
    ) -> Result<Option<Serial>, RequestRefused> {
        let Some(serial) = typed else {
            return Ok(self.serial_for(id, now));
        };
        self.may_have(Some(id), &serial)?;
        let mut open = self.scans.open.iter_mut();
        if let Some(open) = open.find(|open| open.serial == serial) {
            open.whose = Whose::Settling(id.clone());
        }
        Ok(Some(serial))
    }

    /// Whether no other slot than `id` has this serial number.
    fn may_have(&self, id: Option<&SlotId>, serial: &Serial) -> Result<(), RequestRefused> {
        let has = |slot: &&Slot| {
            let of_job = job_serial(slot);
            of_job == Some(serial) || self.carried(slot).as_ref() == Some(serial)
        };
        let other = self.slots.iter().filter(|slot| Some(slot.id()) != id);
        let mut holders = other.filter(has);
        match holders.next() {
            None => Ok(()),
            Some(slot) => Err(RequestRefused::SerialInUse {
                serial: serial.clone(),
                slot: slot.id().clone(),
            }),
        }
    }

    /// Why a board is not begun with that has no serial number.
    pub(super) fn serial_missing(&self, serial: Option<&Serial>) -> Option<Block> {
        let missing = self.settings.line.require.serial && serial.is_none();
        missing.then_some(Block::Waits(Waiting::Scan))
    }

    /// Follows what became of the boards that have scanned serial numbers, whatever it was. One that no board has
    /// and that is not waited with any longer is told.
    pub(super) fn follow_serials(&mut self, now: Now) {
        let ending = matches!(self.line, Line::Ending { .. });
        let mut one_waits = self.scans.next().is_some();
        for mut open in std::mem::take(&mut self.scans.open) {
            let ends = ending || open.until.steady <= now.steady;
            let slot = open.whose.slot();
            let slot = slot.and_then(|id| self.slots.iter().find(|slot| slot.id() == id));
            if slot.is_some_and(|slot| job_serial(slot) == Some(&open.serial)) {
                // it is on record
                continue;
            }
            // at the end only a job that is being put on record still begins
            let has = slot.is_some_and(|slot| {
                let begins = !ending || matches!(slot.phase, Phase::Opening(_));
                begins && self.carried(slot).as_ref() == Some(&open.serial)
            });
            let settles = slot.is_some_and(|slot| matches!(slot.phase, Phase::Settling { .. }));
            open.whose = match open.whose {
                Whose::Next if !ends => Whose::Next,
                Whose::Settling(slot) if has && !settles => Whose::Board(slot),
                whose if has => whose,
                // it bounced, and no other took its place
                Whose::Settling(_) if !ends && !one_waits => {
                    one_waits = true;
                    Whose::Next
                }
                whose => {
                    self.tell_orphan(whose.slot(), open.serial, now);
                    continue;
                }
            };
            self.scans.open.push(open);
        }
        let scanned = self.scans.next().map(|open| Scanned {
            serial: open.serial.clone(),
            until: open.until.wall,
        });
        if self.at_hand.scanned != scanned {
            Arc::make_mut(&mut self.at_hand).scanned = scanned;
        }
    }

    fn tell_orphan(&mut self, slot: Option<&SlotId>, serial: Serial, now: Now) {
        let what = Happening::ScanOrphan { serial };
        match slot {
            Some(slot) => self.journal.slot(now, slot, what),
            None => self.journal.line(now, what),
        }
    }
}

/// The serial number of a job that is on record.
fn job_serial(slot: &Slot) -> Option<&Serial> {
    match &slot.phase {
        Phase::Working(running) | Phase::Recording { running, .. } => running.serial.as_ref(),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    let fits = (1..=LONGEST_NAME).contains(&name.trim().chars().count());
    fits && !name.chars().any(char::is_control)
}
