//! What changed between two snapshots: the slots that did, each whole, and the parts beside them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::spelling;
use crate::record::Standing;
use crate::station::{BundleView, LineState, PortView, SlotView, Snapshot};

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
        } = self;
        product.is_none()
            && version.is_none()
            && bundle.is_none()
            && bundles.is_none()
            && line.is_none()
            && slots.is_empty()
            && unassigned.is_none()
            && standing.is_none()
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
        for slot in self.slots {
            let place = snapshot.slots.iter_mut().find(|old| old.slot == slot.slot);
            if let Some(old) = place {
                *old = slot;
            }
        }
    }
}
