//! The station's claims on ports, and the looks at those of others. Leaves out what follows from them
//! (`dispatcher`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::SlotId;
use crate::port::{Claim, Held, Names, PortInfo, Purpose, Sharing};
use crate::settings::Place;

/// All that is known of where a slot's port is, or was last.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    pub place: Option<Place>,
    pub port: Option<PortInfo>,
}

impl Whereabouts {
    /// Asks the file system: off the workers.
    fn names(&self) -> Names {
        let place = match &self.place {
            Some(Place::Path(path)) => Names::of_path(path),
            Some(Place::Usb(usb_path)) => Names::of_usb(usb_path),
            None => Names::default(),
        };
        match &self.port {
            Some(port) => place.and(Names::of(port)),
            None => place,
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
            let holder = |at: Whereabouts| Claim::holder(&at.names()).map(|held| held.by);
            let look = |(slot, at)| (slot, holder(at));
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
