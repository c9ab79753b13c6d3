//! The Gate of work by hand: every board is let in, for the engineer decides. Says how it is worked
//! with: its flash part's size, the rates.

use crate::chip::Identity;
use crate::event::{JobId, Serial, SlotId};
use crate::job::{Admission, Gate, Grant};
use crate::manifest::{VerifyPolicy, WritePolicy};
use crate::plan::Plan;
use crate::port::Pending;

/// Rates to try, best first.
const BAUDS: [u32; 3] = [921_600, 460_800, 115_200];

/// What a part is taken for whose ID tells no size (esptool's `DEFAULT_FLASH_SIZE` likewise).
const USUAL_FLASH_BYTES: u64 = 4 << 20;

pub(super) struct OpenGate {
    pub(super) baud: Option<u32>,
}

impl OpenGate {
    fn plan(&self, identity: &Identity) -> Plan {
        Plan {
            chip: identity.chip,
            flash_bytes: identity.flash_bytes().unwrap_or(USUAL_FLASH_BYTES),
            write: WritePolicy::All,
            verify: VerifyPolicy::Md5,
            erase_all: false,
            erases: Vec::new(),
            kept: Vec::new(),
            regions: Vec::new(),
            bauds: bauds(self.baud),
            boot: None,
        }
    }
}

impl Gate for OpenGate {
    fn admit<'a>(
        &'a self,
        _: JobId,
        _: &'a SlotId,
        _: Option<&'a Serial>,
        identity: &'a Identity,
    ) -> Pending<'a, Admission> {
        let plan = self.plan(identity);
        Box::pin(async move {
            Admission::Grant(Grant {
                plan: plan.into(),
                passed: None,
            })
        })
    }
}

/// The rate that was asked for and those below it.
fn bauds(first: Option<u32>) -> Vec<u32> {
    let first = first.unwrap_or(BAUDS[0]);
    let lower = BAUDS.into_iter().filter(|baud| *baud < first);
    std::iter::once(first).chain(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_is_asked_for_comes_first() {
        assert_eq!(bauds(None), [921_600, 460_800, 115_200]);
        assert_eq!(
            bauds(Some(2_000_000)),
            [2_000_000, 921_600, 460_800, 115_200]
        );
        assert_eq!(bauds(Some(230_400)), [230_400, 115_200]);
        assert_eq!(bauds(Some(115_200)), [115_200]);
    }
}
