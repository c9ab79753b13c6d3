//! The Gate: may this board be written, and with what? The `Gatekeeper` knows which units are on the bench,
//! whatever each slot flashes, and commits the identity; the gate that it gives a job hands out the plan of
//! that job's bundle. Leaves out the rules (`judge`), and boards that come again (`second`).

mod second;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::Question;
use super::judge::{Objection, judge};
use crate::chip::Identity;
use crate::event::{Again, Code, JobId, Passed, Serial, SlotId, Unit};
use crate::job::{Admission, Gate, Grant};
use crate::manifest::{AgainPolicy, Bundle};
use crate::plan::Planner;
use crate::port::Pending;
use crate::record::Record;
use crate::settings::GoldenBoards;

/// What a job's gate tells the station.
#[derive(Debug)]
pub struct GateNews {
    pub job: JobId,
    pub slot: SlotId,
    pub what: GateTold,
}

/// What it is.
#[derive(Debug)]
pub enum GateTold {
    /// The board is known.
    Identified(Identity),
    /// The job waits to be told.
    Asks(Question),
}

/// What the gates of all jobs share.
pub struct Gatekeeper {
    /// `None`: nothing is recorded (`flash --no-record`).
    record: Option<Record>,
    /// Where each unit is. Locked for a lookup, never across an await.
    on_bench: Mutex<HashMap<Unit, SlotId>>,
    /// Units that slots are through with and that may still be in them. Locked for a lookup only.
    through_with: Mutex<HashMap<SlotId, Unit>>,
    told: Option<mpsc::Sender<GateNews>>,
    /// Jobs that wait to be told whether their board is flashed again, by slot. Locked for a lookup only.
    undecided: Mutex<HashMap<SlotId, (JobId, oneshot::Sender<Again>)>>,
    /// Boards that never count.
    golden: GoldenBoards,
    /// So many failures in a row are as often as a board may be tried.
    retest_limit: Option<u32>,
    /// Holds for every bundle, whatever its manifest says.
    again: Option<AgainPolicy>,
    baud_ceilings: HashMap<SlotId, u32>,
    baud_ceiling: Option<u32>,
}

impl Gatekeeper {
    /// `baud_ceiling` holds for every slot; `told` is told of each board.
    pub fn new(
        record: Option<Record>,
        baud_ceiling: Option<u32>,
        told: Option<mpsc::Sender<GateNews>>,
    ) -> Gatekeeper {
        Gatekeeper {
            record,
            on_bench: Mutex::default(),
            through_with: Mutex::default(),
            told,
            undecided: Mutex::default(),
            golden: GoldenBoards::default(),
            retest_limit: None,
            again: None,
            baud_ceilings: HashMap::new(),
            baud_ceiling,
        }
    }

    /// Slots that have a lower ceiling of their own.
    #[must_use]
    pub fn with_slot_ceilings(mut self, ceilings: HashMap<SlotId, u32>) -> Gatekeeper {
        self.baud_ceilings = ceilings;
        self
    }

    /// Boards that never count, and how often the others may be tried.
    #[must_use]
    pub fn with_rules(mut self, golden: GoldenBoards, retest_limit: Option<u32>) -> Gatekeeper {
        (self.golden, self.retest_limit) = (golden, retest_limit);
        self
    }

    /// What becomes of boards that are good already, whatever their manifests say.
    #[must_use]
    pub fn with_again(mut self, again: AgainPolicy) -> Gatekeeper {
        self.again = Some(again);
        self
    }

    /// The gate for jobs that flash this bundle.
    pub fn gate(self: &Arc<Gatekeeper>, planner: Arc<Planner>) -> Arc<dyn Gate> {
        Arc::new(BundleGate {
            keeper: self.clone(),
            planner,
        })
    }

    /// The board of this slot has left, or its next job begins.
    pub fn release(&self, slot: &SlotId) {
        self.bench().retain(|_, holder| holder != slot);
    }

    fn bench(&self) -> std::sync::MutexGuard<'_, HashMap<Unit, SlotId>> {
        // the map is whole after every operation, so a panic elsewhere leaves nothing half-done
        self.on_bench.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot's next job finds another board than this one, which the slot is through with, or any.
    pub fn expect(&self, slot: &SlotId, through_with: Option<Unit>) {
        let mut units = self.units_done();
        match through_with {
            Some(unit) => units.insert(slot.clone(), unit),
            None => units.remove(slot),
        };
    }

    fn units_done(&self) -> std::sync::MutexGuard<'_, HashMap<SlotId, Unit>> {
        // as above
        self.through_with
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another board is in the slot than the one that it is through with.
    fn is_another(&self, unit: &Unit, slot: &SlotId) -> Result<(), Objection> {
        match self.units_done().get(slot) {
            Some(done) if done == unit => Err(Objection {
                code: Code::NotRemoved,
                detail: format!("{unit} has this firmware already, and was not taken out since"),
            }),
            _ => Ok(()),
        }
    }

    /// Takes the unit for the slot, or tells which other slot has it.
    fn claim(&self, unit: Unit, slot: &SlotId) -> Result<(), Objection> {
        let mut bench = self.bench();
        match bench.get(&unit) {
            Some(holder) if holder != slot => Err(Objection {
                code: Code::MacDuplicate,
                detail: format!("{unit} is on slot {holder} as well"),
            }),
            _ => {
                bench.insert(unit, slot.clone());
                Ok(())
            }
        }
    }

    fn ceiling(&self, slot: &SlotId) -> Option<u32> {
        match (self.baud_ceilings.get(slot).copied(), self.baud_ceiling) {
            (Some(own), Some(common)) => Some(own.min(common)),
            (own, common) => own.or(common),
        }
    }

    /// No faster than the ceilings, nor than what the slot is known to do.
    async fn start_rate(&self, slot: &SlotId, bundle: &Bundle) -> Option<u32> {
        let ceiling = self.ceiling(slot);
        let best = match &self.record {
            Some(record) => match record.best_rate(slot, bundle.digest).await {
                Ok(best) => best,
                Err(error) => {
                    // a job is not lost over how fast it begins
                    tracing::warn!(%slot, %error, "the slot's best rate is not known");
                    None
                }
            },
            None => None,
        };
        match (ceiling, best) {
            (Some(ceiling), Some(best)) => Some(ceiling.min(best)),
            (ceiling, best) => ceiling.or(best),
        }
    }
}

/// The Gate of jobs that flash one bundle. It keeps that bundle for as long as its job runs.
struct BundleGate {
    keeper: Arc<Gatekeeper>,
    planner: Arc<Planner>,
}

impl BundleGate {
    async fn decide(
        &self,
        job: JobId,
        slot: &SlotId,
        serial: Option<&Serial>,
        identity: &Identity,
    ) -> Admission {
        let keeper = &self.keeper;
        if let Some(sender) = &keeper.told {
            let told = GateNews {
                job,
                slot: slot.clone(),
                what: GateTold::Identified(identity.clone()),
            };
            // a full channel costs a line on the screen, never the job
            let _ = sender.try_send(told);
        }
        let golden = keeper.golden.of(identity).map(|golden| golden.expect);
        // what is known of the board goes on record first: a refusal names its MAC too
        if let Some(record) = &keeper.record
            && let Err(error) = record.identify(job, identity.clone(), golden).await
        {
            return Admission::Refuse {
                code: error.code(),
                detail: error.to_string(),
            };
        }
        let bundle = self.planner.bundle();
        let verdict = judge(bundle, identity, serial).and_then(|()| {
            let Some(unit) = Unit::of(Some(identity), serial) else {
                return Ok(());
            };
            keeper.is_another(&unit, slot)?;
            keeper.claim(unit, slot)
        });
        if let Err(Objection { code, detail }) = verdict {
            return Admission::Refuse { code, detail };
        }
        let unit = Unit::of(Some(identity), serial).filter(|_| golden.is_none());
        let passed = match unit {
            Some(unit) => match self.comes(job, unit).await {
                Ok(passed) => passed,
                Err(Objection { code, detail }) => return Admission::Refuse { code, detail },
            },
            None => None,
        };
        let planner = self.planner.clone();
        let (identity, ceiling) = (identity.clone(), keeper.start_rate(slot, bundle).await);
        match tokio::task::spawn_blocking(move || planner.plan(&identity, ceiling)).await {
            Ok(plan) => Admission::Grant(Grant {
                plan: Arc::new(plan),
                passed,
            }),
            Err(error) => Admission::Refuse {
                code: Code::Stopped,
                detail: format!("no plan could be made: {error}"),
            },
        }
    }
}

impl Gate for BundleGate {
    fn admit<'a>(
        &'a self,
        job: JobId,
        slot: &'a SlotId,
        serial: Option<&'a Serial>,
        identity: &'a Identity,
    ) -> Pending<'a, Admission> {
        Box::pin(self.decide(job, slot, serial, identity))
    }

    fn again<'a>(&'a self, job: JobId, slot: &'a SlotId, passed: &'a Passed) -> Pending<'a, Again> {
        Box::pin(async move {
            match self.policy() {
                AgainPolicy::Flash => Again::Flash,
                AgainPolicy::Skip => Again::Skip,
                AgainPolicy::Ask => self.keeper.ask_again(job, slot, passed).await,
            }
        })
    }

    fn likely_baud<'a>(&'a self, slot: &'a SlotId) -> Pending<'a, Option<u32>> {
        Box::pin(async move {
            let bundle = self.planner.bundle();
            let ceiling = self.keeper.start_rate(slot, bundle).await;
            self.planner.bauds(ceiling).first().copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::Mac;

    #[test]
    fn a_board_that_its_slot_is_through_with_is_not_taken_again() {
        let keeper = Gatekeeper::new(None, None, None);
        let (one, two) = (SlotId::new("1"), SlotId::new("2"));
        let unit = Unit::Mac(Mac([0x24, 0x0A, 0xC4, 0, 0, 1]));
        let other = Unit::Mac(Mac([0x24, 0x0A, 0xC4, 0, 0, 2]));
        keeper.expect(&one, Some(unit.clone()));
        let objection = keeper.is_another(&unit, &one).unwrap_err();
        assert_eq!(objection.code, Code::NotRemoved);
        assert_eq!(keeper.is_another(&other, &one), Ok(()));
        assert_eq!(keeper.is_another(&unit, &two), Ok(()));
        keeper.expect(&one, None);
        assert_eq!(keeper.is_another(&unit, &one), Ok(()));
    }

    #[test]
    fn a_unit_is_on_one_slot_until_its_board_leaves() {
        let keeper = Gatekeeper::new(None, None, None);
        let (one, two) = (SlotId::new("1"), SlotId::new("2"));
        let serial = Unit::Serial(Serial::parse("A17").unwrap());
        for unit in [Unit::Mac(Mac([0x24, 0x0A, 0xC4, 0, 0, 1])), serial] {
            assert_eq!(keeper.claim(unit.clone(), &one), Ok(()));
            assert_eq!(keeper.claim(unit.clone(), &one), Ok(()));
            let objection = keeper.claim(unit.clone(), &two).unwrap_err();
            assert_eq!(objection.code, Code::MacDuplicate);
            assert_eq!(objection.detail, format!("{unit} is on slot 1 as well"));
            keeper.release(&one);
            assert_eq!(keeper.claim(unit.clone(), &two), Ok(()));
            keeper.release(&two);
        }
    }
}
