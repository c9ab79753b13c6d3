//! What changed between two snapshots: the slots that did, each whole, and the parts beside them.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::wire::{Told, push_line};
use crate::event::spelling;
use crate::record::Standing;
use crate::station::{AtHand, BundleView, LineState, PortView, SlotView, Snapshot};

/// Applied to the snapshot before it, it gives the next one. What is left out is as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Changes {
    #[serde(with = "spelling::time")]
    pub at: jiff::Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bundle: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bundles: Option<Arc<[BundleView]>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<LineState>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slots: Vec<Arc<SlotView>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unassigned: Option<Arc<[PortView]>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<Arc<Standing>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_hand: Option<Arc<AtHand>>,
}

impl Changes {
    /// From one snapshot to the next; `None` where the slots are others: then all of it is told.
    pub fn between(before: &Snapshot, now: &Snapshot) -> Option<Changes> {
        // a part that is added to the snapshot must be added here
        let Snapshot {
            at,
            station,
            product,
            version,
            bundle,
            bundles,
            line,
            slots,
            unassigned,
            standing,
            at_hand,
            notices: _,
        } = now;
        let same_slots = slots.len() == before.slots.len()
            && slots
                .iter()
                .zip(&before.slots)
                .all(|(now, before)| now.slot == before.slot);
        if !same_slots || *station != before.station {
            return None;
        }
        Some(Changes {
            at: *at,
            product: (*product != before.product).then(|| product.clone()),
            version: (*version != before.version).then(|| version.clone()),
            bundle: (*bundle != before.bundle).then(|| bundle.clone()),
            bundles: (!Arc::ptr_eq(bundles, &before.bundles)).then(|| bundles.clone()),
            line: (*line != before.line).then(|| line.clone()),
            slots: slots
                .iter()
                .zip(&before.slots)
                .filter(|(now, before)| !Arc::ptr_eq(now, before))
                .map(|(now, _)| now.clone())
                .collect(),
            unassigned: (!Arc::ptr_eq(unassigned, &before.unassigned)).then(|| unassigned.clone()),
            standing: (!Arc::ptr_eq(standing, &before.standing)).then(|| standing.clone()),
            at_hand: (!Arc::ptr_eq(at_hand, &before.at_hand)).then(|| at_hand.clone()),
        })
    }

    /// Whether nothing but the time changed.
    pub fn is_empty(&self) -> bool {
        let Changes {
            at: _,
            product,
            version,
            bundle,
            bundles,
            line,
            slots,
            unassigned,
            standing,
            at_hand,
        } = self;
        product.is_none()
            && version.is_none()
            && bundle.is_none()
            && bundles.is_none()
            && line.is_none()
            && slots.is_empty()
            && unassigned.is_none()
            && standing.is_none()
            && at_hand.is_none()
    }

    /// Makes the snapshot before into the next one.
    pub fn apply(self, snapshot: &mut Snapshot) {
        fn put<T>(part: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *part = new;
            }
        }
        snapshot.at = self.at;
        put(&mut snapshot.product, self.product);
        put(&mut snapshot.version, self.version);
        put(&mut snapshot.bundle, self.bundle);
        put(&mut snapshot.bundles, self.bundles);
        put(&mut snapshot.line, self.line);
        put(&mut snapshot.unassigned, self.unassigned);
        put(&mut snapshot.standing, self.standing);
        put(&mut snapshot.at_hand, self.at_hand);
        for slot in self.slots {
            let place = snapshot.slots.iter_mut().find(|old| old.slot == slot.slot);
            if let Some(old) = place {
                *old = slot;
            }
        }
    }
}

/// The line of the changes that were asked for last. Clients that keep up ask for the same ones, so that
/// many of them cost little more than one.
#[derive(Debug, Default)]
pub struct LastLine {
    last: Mutex<Option<Between>>,
}

#[derive(Debug)]
struct Between {
    before: Arc<Snapshot>,
    now: Arc<Snapshot>,
    line: Arc<[u8]>,
}

impl LastLine {
    /// The line from one snapshot to the next, empty where nothing but the time changed; `None` where
    /// all of it is to be told.
    pub fn between(&self, before: &Arc<Snapshot>, now: &Arc<Snapshot>) -> Option<Arc<[u8]>> {
        // replaced whole or not at all
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && Arc::ptr_eq(&last.before, before)
            && Arc::ptr_eq(&last.now, now)
        {
            return Some(last.line.clone());
        }
        let changes = Changes::between(before, now)?;
        let mut line = Vec::new();
        if !changes.is_empty() {
            push_line(&mut line, &Told::Changes(&changes));
        }
        let line: Arc<[u8]> = line.into();
        *last = Some(Between {
            before: before.clone(),
            now: now.clone(),
            line: line.clone(),
        });
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::fixture;

    #[test]
    fn clients_that_keep_up_share_a_line() {
        let last = LastLine::default();
        let first = Arc::new(fixture::bench());
        let same = Arc::new((*first).clone());
        let mut ending = (*first).clone();
        ending.line = LineState::Ending;
        let ending = Arc::new(ending);
        let told = last.between(&first, &ending).unwrap();
        assert!(Arc::ptr_eq(&told, &last.between(&first, &ending).unwrap()));
        // one that was slower has another one, and an old one is made again
        assert!(last.between(&first, &same).unwrap().is_empty());
        assert_eq!(last.between(&first, &ending).unwrap(), told);
        assert_ne!(last.between(&ending, &first).unwrap(), told);
        let others = Arc::new(fixture::many(3));
        assert_eq!(last.between(&first, &others), None);
    }
}
