//! The rules of lots: which one a board belongs to and whether it may be begun, and what may be done with a
//! lot when. Leaves out how a change comes on record (`dispatcher/lots`) and how far lots are (`record`).

use super::{NewLot, RequestRefused};
use crate::event::{FirstArticle, LotName, LotState, Waiting, Who};
use crate::record::LotStanding;

/// The most boards that a lot may be of: more is a slip of the finger.
const MOST_BOARDS: u64 = 10_000_000;
/// The longest order number that is taken, in characters.
const ORDER_CHARS: usize = 64;

/// The lots of a station at a moment, and what of them is under way.
#[derive(Debug, Clone, Copy)]
pub struct LotsNow<'a> {
    /// Those that have not ended.
    pub lots: &'a [LotStanding],
    /// The one that is being changed: it may be another in a moment.
    pub changing: Option<&'a LotName>,
    /// Whether every board must belong to one.
    pub demanded: bool,
}

impl<'a> LotsNow<'a> {
    pub fn find(self, lot: &LotName) -> Option<&'a LotStanding> {
        self.lots.iter().find(|known| known.lot == *lot)
    }

    /// The running lot of a bundle.
    pub fn running(self, bundle: &str) -> Option<&'a LotStanding> {
        let runs = |lot: &&LotStanding| lot.state == LotState::Running && lot.bundle == bundle;
        self.lots.iter().find(runs)
    }

    /// The lot that the next board with this bundle belongs to, or what the board waits for. `at_work`: how many
    /// boards of a lot are.
    pub fn next_board(
        self,
        bundle: &str,
        at_work: impl Fn(&LotName) -> u64,
    ) -> Result<Option<LotName>, Waiting> {
        let is_changing = |lot: &LotStanding| self.changing == Some(&lot.lot);
        let Some(lot) = self.running(bundle) else {
            let mut others = self.lots.iter().filter(|lot| lot.bundle == bundle);
            let waits = |lot: &LotStanding| {
                matches!(lot.state, LotState::Paused { .. }) || is_changing(lot)
            };
            return match others.any(waits) {
                true => Err(Waiting::LotPaused),
                false if self.demanded => Err(Waiting::Lot),
                false => Ok(None),
            };
        };
        if is_changing(lot) {
            return Err(Waiting::LotPaused);
        }
        let at_work = at_work(&lot.lot);
        match lot.first_article {
            FirstArticle::Held => return Err(Waiting::FirstArticle),
            FirstArticle::Due if at_work > 0 => return Err(Waiting::FirstArticle),
            FirstArticle::Free | FirstArticle::Due | FirstArticle::Approved => {}
        }
        // each board at work may be a good one
        if lot.figures.passed + at_work >= lot.target {
            return Err(Waiting::LotFull);
        }
        Ok(Some(lot.lot.clone()))
    }

    /// Whether someone may start a lot, or start it again.
    pub fn may_start(
        self,
        lot: &LotName,
        by: &Who,
        is_bundle_at_work: impl Fn(&str) -> bool,
    ) -> Result<(), RequestRefused> {
        let lot = self.known(lot)?;
        match &lot.state {
            LotState::Approved => {}
            LotState::Paused { by: paused } if by.role >= paused.role => {}
            LotState::Paused { .. } => {
                return Err(RequestRefused::SupervisorOnly { by: by.clone() });
            }
            LotState::Running | LotState::Ended => return Err(is(lot)),
        }
        if !is_bundle_at_work(&lot.bundle) {
            return Err(RequestRefused::LotOfOtherBundle {
                lot: lot.lot.clone(),
                bundle: lot.bundle.clone(),
            });
        }
        match self.running(&lot.bundle) {
            Some(running) => Err(RequestRefused::LotRuns {
                running: running.lot.clone(),
            }),
            None => Ok(()),
        }
    }

    pub fn may_pause(self, lot: &LotName) -> Result<(), RequestRefused> {
        let lot = self.known(lot)?;
        match lot.state {
            LotState::Running => Ok(()),
            _ => Err(is(lot)),
        }
    }

    pub fn may_approve_first_article(self, lot: &LotName) -> Result<(), RequestRefused> {
        let lot = self.known(lot)?;
        match lot.first_article {
            FirstArticle::Held => Ok(()),
            _ => Err(RequestRefused::NoFirstArticle(lot.lot.clone())),
        }
    }

    /// Whether a lot may be ended, as far as is known here: the record looks for open units.
    pub fn may_end(
        self,
        lot: &LotName,
        at_work: impl Fn(&LotName) -> u64,
    ) -> Result<(), RequestRefused> {
        let lot = self.known(lot)?;
        match at_work(&lot.lot) {
            0 => Ok(()),
            _ => Err(RequestRefused::LotAtWork(lot.lot.clone())),
        }
    }

    fn known(self, lot: &LotName) -> Result<&'a LotStanding, RequestRefused> {
        let found = self.find(lot);
        found.ok_or_else(|| RequestRefused::NoSuchLot(lot.clone()))
    }
}

fn is(lot: &LotStanding) -> RequestRefused {
    RequestRefused::LotIs {
        lot: lot.lot.clone(),
        state: lot.state.clone(),
    }
}

/// What a lot may be entered as, whatever is at work; its order number without blanks around it.
pub fn entered(new: &NewLot) -> Result<Option<String>, RequestRefused> {
    if !(1..=MOST_BOARDS).contains(&new.target) {
        return Err(RequestRefused::NotALot(format!(
            "its target is 1 to {MOST_BOARDS} boards, not {}",
            new.target
        )));
    }
    let order = new.order.as_deref().map(str::trim);
    let order = order.filter(|order| !order.is_empty());
    if order.is_some_and(|it| it.chars().count() > ORDER_CHARS || it.contains(char::is_control)) {
        return Err(RequestRefused::NotALot(format!(
            "its order number has at most {ORDER_CHARS} characters that can be printed"
        )));
    }
    Ok(order.map(str::to_owned))
}

#[cfg(test)]
mod tests;
