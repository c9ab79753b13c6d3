//! Boards that come again, as the Gate sees them: whether the record lets one be tried, whether it is good
//! already, and the wait for someone who says what becomes of it. Leaves out what the record looks at, and
//! whether the flash holds everything still (`job`).

use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{BundleGate, GateNews, GateTold, Gatekeeper};
use crate::event::{Again, Code, JobId, Passed, SlotId, Unit};
use crate::manifest::AgainPolicy;
use crate::record::{Came, Comer};
use crate::station::{Objection, Question};

impl Gatekeeper {
    fn undecided(&self) -> MutexGuard<'_, HashMap<SlotId, (JobId, oneshot::Sender<Again>)>> {
        // whole after every operation, so a panic elsewhere leaves nothing half-done
        self.undecided
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Someone said what becomes of the board of this slot's job. Without effect where it does not wait.
    pub fn decide(&self, slot: &SlotId, job: JobId, again: Again) {
        let mut undecided = self.undecided();
        if undecided.get(slot).is_some_and(|(waits, _)| *waits == job)
            && let Some((_, answer)) = undecided.remove(slot)
        {
            // the job may have been stopped meanwhile
            let _ = answer.send(again);
        }
    }

    /// Asks at the bench, for as long as it takes.
    pub(super) async fn ask_again(&self, job: JobId, slot: &SlotId, passed: &Passed) -> Again {
        let Some(told) = &self.told else {
            return Again::Flash;
        };
        let (answer, answered) = oneshot::channel();
        self.undecided().insert(slot.clone(), (job, answer));
        let news = GateNews {
            job,
            slot: slot.clone(),
            what: GateTold::Asks(Question::Again {
                passed: passed.at,
                lot: passed.lot.clone(),
            }),
        };
        // waits for room: a question that nobody hears is never answered
        let is_told = told.send(news).await.is_ok();
        match answered.await {
            Ok(again) if is_told => again,
            // the station is ending, and stops the job
            _ => std::future::pending().await,
        }
    }
}

impl BundleGate {
    pub(super) fn policy(&self) -> AgainPolicy {
        let said = self.planner.bundle().manifest.again;
        self.keeper.again.unwrap_or(said)
    }

    /// Whether the unit may be tried, and that it passed before where that matters.
    pub(super) async fn comes(&self, job: JobId, unit: Unit) -> Result<Option<Passed>, Objection> {
        let (retest_limit, policy) = (self.keeper.retest_limit, self.policy());
        let Some(record) = &self.keeper.record else {
            return Ok(None);
        };
        if retest_limit.is_none() && policy == AgainPolicy::Flash {
            return Ok(None);
        }
        let bundle = self.planner.bundle();
        let comer = Comer {
            job,
            unit: unit.clone(),
            product: bundle.manifest.product.clone(),
            bundle_digest: bundle.digest,
            retest_limit,
        };
        match record.comes(comer).await {
            Ok(Came::Free { passed }) => Ok(passed.filter(|_| policy != AgainPolicy::Flash)),
            Ok(Came::TooOften) => Err(Objection {
                code: Code::RetestLimit,
                detail: format!(
                    "{unit} failed {} times in a row, and may be tried no more without leave",
                    retest_limit.unwrap_or_default()
                ),
            }),
            Err(error) => Err(Objection {
                code: error.code(),
                detail: error.to_string(),
            }),
        }
    }
}
