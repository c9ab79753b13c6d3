//! Boards that a slot is through with: where their removal can be seen, no job starts before it; where it
//! cannot, the Gate recognises the board. One that failed may be started again.

use super::super::slot::Slot;
use super::super::switch::Contact;
use super::Dispatcher;
use crate::event::{Code, Outcome, SlotId, Unit};
use crate::record::EndedJob;
use crate::station::RequestRefused;

impl Dispatcher {
    /// Whether a quiet slot has a board that is still to be worked on, as far as can be seen.
    pub(super) fn may_be_worked_on(&self, slot: &Slot) -> Result<(), RequestRefused> {
        let id = || slot.id().clone();
        if slot.present.is_none() || slot.switch_reads() == Some(Contact::Open) {
            return Err(RequestRefused::NoBoard(id()));
        }
        let bundle = self.at_work[slot.manifest].planner().bundle();
        if slot.sees_removal() && slot.may_still_hold(bundle.digest).is_some() {
            return Err(RequestRefused::NotRemoved(id()));
        }
        Ok(())
    }
}

impl Slot {
    /// The unit that the slot is through with, by this bundle, and that may still be in it.
    pub(super) fn may_still_hold(&self, bundle_digest: [u8; 32]) -> Option<&Unit> {
        let (unit, by) = self.through_with.as_ref()?;
        (*by == bundle_digest).then_some(unit)
    }
}

/// The unit that a slot is through with after these jobs of the station's past, and by which bundle.
pub(super) fn remembered(jobs: &[EndedJob], slot: &SlotId) -> Option<(Unit, [u8; 32])> {
    let of_it = jobs.iter().filter(|job| job.slot == *slot);
    of_it.fold(None, |before, job| {
        let ended = Through {
            outcome: job.outcome,
            code: job.code,
            unit: job.unit.as_ref(),
            bundle_digest: job.bundle_digest,
        };
        ended.leaves(before)
    })
}

/// A job that has ended, as far as it tells of the board that is in the slot now.
pub(super) struct Through<'a> {
    pub outcome: Outcome,
    pub code: Option<Code>,
    pub unit: Option<&'a Unit>,
    pub bundle_digest: [u8; 32],
}

impl Through<'_> {
    /// The unit that the slot is through with after this job, and by which bundle; `before`: the one before
    /// the job.
    pub(super) fn leaves(&self, before: Option<(Unit, [u8; 32])>) -> Option<(Unit, [u8; 32])> {
        match (self.outcome, self.code, self.unit) {
            (Outcome::Pass | Outcome::Written | Outcome::Skipped, _, Some(unit)) => {
                Some((unit.clone(), self.bundle_digest))
            }
            // it is still there
            (_, Some(Code::NotRemoved), _) => before,
            // another board is in, or nobody answered: it was taken out
            (_, _, Some(_)) | (_, Some(Code::NoBoard), _) => None,
            // a port that could not be opened, and the like, tells nothing of the board
            (_, _, None) => before,
        }
    }
}
