//! The station's claims on ports, and the looks at those of others. Leaves out what follows from them
//! (`dispatcher`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{SlotId, UsbPath};
use crate::port::{Claim, Claimed, Held, Names, PortInfo, Purpose, Sharing};
use crate::settings::Place;

/// All that is known of where a slot's port is, or was last.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    pub place: Option<Place>,
    /// The port that is there.
    pub port: Option<PortInfo>,
    /// The place of the one that was there last: it may be held while its device is gone. Its device's
    /// name tells nothing any more, for another port may have taken it.
    pub left: Option<UsbPath>,
}

impl Whereabouts {
    /// Asks the file system: off the workers.
    fn names(&self) -> Names {
        let place = match &self.place {
            Some(Place::Path(path)) => Names::of_path(path),
            Some(Place::Usb(usb_path)) => Names::of_usb(usb_path),
            None => Names::default(),
        };
        match (&self.port, &self.left) {
            (Some(port), _) => place.and(Names::of(port)),
            (None, Some(left)) => place.and(Names::of_usb(left)),
            (None, None) => place,
        }
    }
}

/// The ports that this station works on.
#[derive(Debug, Clone)]
pub struct Claims {
    sharing: Sharing,
    held: Arc<Mutex<HashMap<SlotId, Claim>>>,
}

impl Claims {
    pub fn new(sharing: Sharing) -> Claims {
        Claims {
            sharing,
            held: Arc::default(),
        }
    }

    /// For a job, until [`Claims::release`].
    pub async fn take(&self, slot: &SlotId, at: Whereabouts) -> Result<(), Held> {
        if let Some(claim) = self.claim(slot, at, Purpose::Work).await? {
            self.lock().insert(slot.clone(), claim);
        }
        Ok(())
    }

    /// For a probe, as long as the claim lives; `None` where none is needed.
    pub async fn probe(&self, slot: &SlotId, at: Whereabouts) -> Result<Option<Claim>, Held> {
        self.claim(slot, at, Purpose::Probe).await
    }

    pub fn release(&self, slot: &SlotId) {
        self.lock().remove(slot);
    }

    /// Who holds each of these slots' ports, other than this station. Has no end where nobody could.
    pub async fn look(&self, slots: Vec<(SlotId, Whereabouts)>) -> Vec<(SlotId, Option<String>)> {
        if self.sharing == Sharing::Private {
            return std::future::pending().await;
        }
        let others: Vec<_> = {
            let held = self.lock();
            let not_ours = |(slot, _): &(SlotId, Whereabouts)| !held.contains_key(slot);
            slots.into_iter().filter(not_ours).collect()
        };
        let look = move || {
            let claimed = Claimed::now();
            let nothing = claimed.is_nothing();
            let holder = |at: Whereabouts| claimed.holder(&at.names()).map(|held| held.by);
            let look = |(slot, at)| (slot, if nothing { None } else { holder(at) });
            others.into_iter().map(look).collect()
        };
        // only the runtime's end takes the blocking threads away
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    async fn claim(
        &self,
        slot: &SlotId,
        at: Whereabouts,
        purpose: Purpose,
    ) -> Result<Option<Claim>, Held> {
        if self.sharing == Sharing::Private {
            return Ok(None);
        }
        let who = format!("flashline run, slot {slot}");
        let take = move || Claim::take(&at.names(), &who, purpose).map(Some);
        tokio::task::spawn_blocking(take).await.unwrap_or(Ok(None))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SlotId, Claim>> {
        // the map is whole after every operation
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usb(place: &str) -> UsbPath {
        UsbPath(format!("test {} {place}", std::process::id()))
    }

    /// A slot that is configured by its place; its port is there under this name, or has left.
    fn slot(place: &str, device: Option<&str>) -> Whereabouts {
        Whereabouts {
            place: Some(Place::Usb(usb(place))),
            port: device.map(|device| PortInfo {
                usb_path: Some(usb(place)),
                ..PortInfo::at(format!("/test/{}/{device}", std::process::id()))
            }),
            left: Some(usb(place)),
        }
    }

    #[tokio::test]
    async fn a_device_name_that_went_to_another_slot_holds_nobody() {
        let claims = Claims::new(Sharing::WithOtherProcesses);
        let (left, right) = (SlotId::new("left"), SlotId::new("right"));
        claims
            .take(&right, slot("1.2", Some("ttyUSB0")))
            .await
            .unwrap();
        // ttyUSB0 was this slot's until its board was pulled
        let seen = claims.look(vec![(left.clone(), slot("1.1", None))]).await;
        assert_eq!(seen, [(left.clone(), None)]);
        // and what is still at work somewhere else on the same place is seen though its device is gone
        let elsewhere = Claims::new(Sharing::WithOtherProcesses);
        let by_hand = SlotId::new("by hand");
        elsewhere
            .take(&by_hand, slot("1.1", Some("ttyUSB9")))
            .await
            .unwrap();
        let seen = claims.look(vec![(left.clone(), slot("1.1", None))]).await;
        assert!(seen[0].1.is_some(), "{seen:?}");
    }
}
