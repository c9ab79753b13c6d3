//! What keys ask of the station about what is chosen: a slot, a lot, a unit; and when that opens a dialog.

use super::dialog::{Dialog, Subject};
use super::{Act, Prompt, Sight, View, ask};
use crate::event::{Code, LotName, LotState, Role, SlotId, Unit};
use crate::lang::Label;
use crate::station::{
    Again, Ask, BundleView, OnDisk, RequestRefused, SlotState, SlotView, Snapshot,
};

impl View {
    /// Opens the dialog.
    pub(super) fn ask_leave(&mut self, subject: Subject, sight: &Sight<'_>) {
        self.dialogs += 1;
        let Sight {
            snapshot, by, now, ..
        } = sight;
        self.dialog = Some(Dialog::new(self.dialogs, subject, snapshot, by, *now));
    }

    pub(super) fn with_leave(&mut self, ask: Ask, sight: &Sight<'_>) {
        self.ask_leave(Subject::Ask(ask), sight);
    }

    pub(super) fn chosen_slot<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a SlotView> {
        Some(&*snapshot.slots[self.selected_index(snapshot)?])
    }

    pub(super) fn on_selected(&mut self, snapshot: &Snapshot, what: impl Fn(SlotId) -> Ask) -> Act {
        match self.chosen_slot(snapshot) {
            Some(slot) => ask(what(slot.slot.clone())),
            None => {
                self.prompt = Prompt::SelectFirst;
                Act::Nothing
            }
        }
    }

    pub(super) fn on_lot(&mut self, snapshot: &Snapshot, what: impl Fn(LotName) -> Ask) -> Act {
        match self.lot.key(&lots(snapshot)) {
            Some(lot) => ask(what(lot.clone())),
            None => {
                self.prompt = Prompt::Say(Label::NoLots);
                Act::Nothing
            }
        }
    }

    /// What a supervisor paused only a supervisor lets go on.
    pub(super) fn start_lot(&mut self, sight: &Sight<'_>) -> Act {
        let chosen = self.lot.index(&lots(sight.snapshot));
        let chosen = chosen.map(|index| &sight.snapshot.standing.lots[index].state);
        let is_supervisors = |state: &LotState| match state {
            LotState::Paused { by } => by.role == Role::Supervisor,
            LotState::Approved | LotState::Running | LotState::Ended => false,
        };
        if chosen.is_some_and(is_supervisors) {
            self.lot_with_leave(sight, |lot| Ask::StartLot { lot });
            return Act::Nothing;
        }
        self.on_lot(sight.snapshot, |lot| Ask::StartLot { lot })
    }

    pub(super) fn lot_with_leave(&mut self, sight: &Sight<'_>, what: impl Fn(LotName) -> Ask) {
        match self.lot.key(&lots(sight.snapshot)) {
            Some(lot) => self.with_leave(what(lot.clone()), sight),
            None => self.prompt = Prompt::Say(Label::NoLots),
        }
    }

    /// Manifests that have become others on the disk, as they are now: whatever they become after this,
    /// what was shown is what is approved.
    pub(super) fn approve(&mut self, sight: &Sight<'_>) {
        let bundles = sight.snapshot.bundles.iter();
        let is_changed = |bundle: &&BundleView| matches!(bundle.on_disk, OnDisk::Changed { .. });
        let shown: Vec<BundleView> = bundles.filter(is_changed).cloned().collect();
        if shown.is_empty() {
            self.prompt = Prompt::NothingToApprove;
        } else {
            self.ask_leave(Subject::Bundle { shown, at: 0 }, sight);
        }
    }

    /// Answers the selected slot or, where none is selected, the only one that asks.
    pub(super) fn decide(&mut self, again: Again, snapshot: &Snapshot) -> Act {
        let asking = asking_slots(snapshot);
        match (&self.selected, &asking[..]) {
            (Some(slot), _) => {
                if asking.contains(slot) {
                    let slot = slot.clone();
                    return ask(Ask::Decide { slot, again });
                }
                self.prompt = Prompt::Refused(RequestRefused::NothingAsked(slot.clone()));
            }
            (None, [only]) => {
                let slot = only.clone();
                return ask(Ask::Decide { slot, again });
            }
            (None, []) => self.prompt = Prompt::Say(Label::NobodyAsks),
            (None, _) => self.prompt = Prompt::SelectFirst,
        }
        Act::Nothing
    }

    /// For the board that was tried as often as it may be.
    pub(super) fn allow_retest(&mut self, sight: &Sight<'_>) {
        let Some(slot) = self.chosen_slot(sight.snapshot) else {
            self.prompt = Prompt::SelectFirst;
            return;
        };
        let unit = match &slot.state {
            SlotState::Done(result) if result.code == Some(Code::RetestLimit) => &result.unit,
            _ => &None,
        };
        match unit {
            Some(unit) => self.with_leave(Ask::AllowRetest { unit: unit.clone() }, sight),
            None => self.prompt = Prompt::Say(Label::NoRetestLimit),
        }
    }
}

/// Slots whose job waits to be told whether to flash a board again.
pub fn asking_slots(snapshot: &Snapshot) -> Vec<SlotId> {
    let slots = snapshot.slots.iter();
    let asks = |slot: &SlotView| match &slot.state {
        SlotState::Working(board) => board.asks.is_some(),
        _ => false,
    };
    slots
        .filter(|slot| asks(slot))
        .map(|slot| slot.slot.clone())
        .collect()
}

/// The lots that are not ended, as they are listed.
pub fn lots(snapshot: &Snapshot) -> Vec<LotName> {
    let lots = snapshot.standing.lots.iter();
    lots.map(|lot| lot.lot.clone()).collect()
}

/// The open units, as they are listed.
pub fn open_units(snapshot: &Snapshot) -> Vec<Unit> {
    let units = snapshot.standing.open_units.iter();
    units.map(|open| open.unit.clone()).collect()
}
