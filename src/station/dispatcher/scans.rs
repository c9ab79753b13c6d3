//! Scanned barcodes: a serial number starts the board of the slot that waits for it; a slot's own name
//! says which of several is meant. Leaves out who reads barcodes: a face tells them.

use std::time::{Duration, Instant};

use super::super::slot::{Now, Slot};
use super::{Dispatcher, Effect};
use crate::event::{Serial, SlotId};
use crate::settings::Start;
use crate::station::RequestRefused;

/// A slot that was chosen by its name gets the next scan within this time.
pub(super) const CHOSEN_FOR: Duration = Duration::from_secs(30);

/// The slot whose name was scanned, and until when that counts.
#[derive(Debug)]
pub(super) struct Chosen {
    slot: SlotId,
    until: Instant,
}

impl Dispatcher {
    pub(super) fn scanned(
        &mut self,
        text: &str,
        selected: Option<SlotId>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), RequestRefused> {
        let scans = |slot: &&Slot| slot.settings.start == Start::Scan;
        let mut waiting: Vec<SlotId> = self
            .slots
            .iter()
            .filter(scans)
            .map(|slot| slot.id().clone())
            .collect();
        if waiting.is_empty() {
            return Err(RequestRefused::NobodyScans);
        }
        if let Some(named) = waiting.iter().find(|slot| slot.as_str() == text.trim()) {
            self.chosen = Some(Chosen {
                slot: named.clone(),
                until: now.steady + CHOSEN_FOR,
            });
            return Ok(());
        }
        let Some(serial) = Serial::parse(text) else {
            return Err(RequestRefused::NotASerial(text.to_owned()));
        };
        let chosen = self.chosen.take().filter(|it| it.until > now.steady);
        let selected = selected.filter(|slot| waiting.contains(slot));
        let slot = match (chosen, selected, waiting.len()) {
            (Some(chosen), ..) => chosen.slot,
            (None, Some(selected), _) => selected,
            (None, None, 1) => waiting.remove(0),
            (None, None, _) => return Err(RequestRefused::WhichSlot),
        };
        self.may_start(&slot)?;
        self.begin(&slot, Some(serial), now, effects);
        Ok(())
    }
}
