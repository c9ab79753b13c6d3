//! Lots at the bench: each board's lot as it begins, boards that wait for theirs, and changes of lots on their
//! way through the record. One change of lots or bundles is under way at a time, and what is asked meanwhile
//! is looked at after it: nothing is decided on what may be different in a moment. The rules are
//! `station/lots`.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::super::lots::{LotsNow, entered};
use super::super::slot::{Block, Now, Phase, Slot};
use super::warrants::Reply;
use super::{Dispatcher, Effect, Line};
use crate::event::{
    FirstArticle, Happening, LotName, LotState, Role, Serial, SlotId, Waiting, Who,
};
use crate::record::{History, LotChange, LotStanding, LotStep, NewLotRow, RecordError, Standing};
use crate::station::{Ask, NewLot, RequestRefused};

/// Requests that may wait for the change that is under way; people ask one at a time.
const MOST_ASKED: usize = 64;

/// What is on its way through the record, and what waits for that.
#[derive(Debug)]
pub(super) struct Lots {
    under_way: Option<UnderWay>,
    asked: VecDeque<(Ask, Who, Reply)>,
    /// Lots of which it was said, or known from the start, that their target is reached.
    done: HashSet<LotName>,
    /// Of before this process's time as well.
    ended: HashSet<LotName>,
    /// What was told of lots is true of this standing.
    told: Arc<Standing>,
}

#[derive(Debug)]
enum UnderWay {
    /// A bundle that a supervisor takes.
    Bundle,
    Lot(Box<LotChange>, Reply),
}

impl Lots {
    pub(super) fn new(standing: &Arc<Standing>, history: &History) -> Lots {
        let full = standing.lots.iter().filter(|lot| is_full(lot));
        Lots {
            under_way: None,
            asked: VecDeque::new(),
            done: full.map(|lot| lot.lot.clone()).collect(),
            ended: history.ended_lots.iter().cloned().collect(),
            told: standing.clone(),
        }
    }

    /// Whether the record may yet take a change.
    pub(super) fn is_committing(&self) -> bool {
        self.under_way.is_some()
    }

    pub(super) fn bundle_is_taken(&mut self) {
        self.under_way = Some(UnderWay::Bundle);
    }

    pub(super) fn bundle_was_taken(&mut self) {
        self.under_way = None;
    }

    fn changing(&self) -> Option<&LotName> {
        match &self.under_way {
            Some(UnderWay::Lot(change, _)) => Some(&change.lot),
            Some(UnderWay::Bundle) | None => None,
        }
    }
}

fn is_full(lot: &LotStanding) -> bool {
    lot.figures.passed >= lot.target
}

/// Whether a board that waits for this waits for its lot.
fn is_a_lots(why: Waiting) -> bool {
    matches!(
        why,
        Waiting::Lot | Waiting::LotPaused | Waiting::LotFull | Waiting::FirstArticle
    )
}

impl Slot {
    /// Whether its board waits for its lot.
    pub(super) fn waits_for_lot(&self) -> bool {
        matches!(&self.phase, Phase::Blocked { why: Block::Waits(why), .. } if is_a_lots(*why))
    }
}

impl Dispatcher {
    fn lots_now(&self) -> LotsNow<'_> {
        LotsNow {
            lots: &self.standing.lots,
            changing: self.lots.changing(),
            demanded: self.settings.line.require.lot,
        }
    }

    /// Boards of a lot that were begun and are not on record yet as ended.
    fn at_work_for(&self, lot: &LotName) -> u64 {
        let jobs = self.slots.iter().filter_map(Slot::at_work);
        jobs.filter(|job| job.lot.as_ref() == Some(lot)).count() as u64
    }

    /// The lot that the slot's next board belongs to, or what the board waits for.
    pub(super) fn lot_for(&self, slot: &Slot) -> Result<Option<LotName>, Waiting> {
        let bundle = self.at_work[slot.manifest].short();
        self.lots_now()
            .next_board(&bundle, |lot| self.at_work_for(lot))
    }

    /// Begins with boards that waited for their lot and may be begun now. One that waited for a lot is not begun
    /// without any: it may be the one too many of a lot that has ended.
    pub(super) fn lot_turns(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let waiting: Vec<(SlotId, Option<Serial>)> = self
            .slots
            .iter()
            .filter(|slot| slot.waits_for_lot())
            .filter_map(|slot| match &slot.phase {
                Phase::Blocked { serial, .. } => Some((slot.id().clone(), serial.clone())),
                _ => None,
            })
            .collect();
        for (id, serial) in waiting {
            if self.block_of(&id).is_some() {
                continue;
            }
            let slot = self.slots.iter().find(|slot| *slot.id() == id);
            match slot.map(|slot| self.lot_for(slot)) {
                Some(Ok(Some(_))) => self.begin(&id, serial, now, effects),
                Some(Ok(None)) => self.block(&id, Block::Waits(Waiting::Lot), serial, now),
                Some(Err(why)) => self.block(&id, Block::Waits(why), serial, now),
                None => {}
            }
        }
    }

    /// Says what has come of lots since it was last looked at.
    pub(super) fn tell_lots(&mut self, now: Now) {
        if Arc::ptr_eq(&self.lots.told, &self.standing) {
            return;
        }
        let before = std::mem::replace(&mut self.lots.told, self.standing.clone());
        for lot in &self.standing.lots {
            let known = before.lots.iter().find(|known| known.lot == lot.lot);
            let was = known.map(|known| known.first_article);
            if lot.first_article == FirstArticle::Held && was != Some(FirstArticle::Held) {
                let lot = lot.lot.clone();
                self.journal.line(now, Happening::FirstArticleHeld { lot });
            }
            if is_full(lot) && self.lots.done.insert(lot.lot.clone()) {
                let (lot, passed) = (lot.lot.clone(), lot.figures.passed);
                self.journal.line(now, Happening::LotDone { lot, passed });
            }
        }
    }

    /// Something that is decided on lots and bundles as they are: at once, or when the change that is under way is
    /// over.
    pub(super) fn in_turn(
        &mut self,
        ask: Ask,
        by: Who,
        reply: Reply,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if self.lots.asked.len() >= MOST_ASKED {
            let why = "too much is asked of lots at once: ask again".to_owned();
            let refused = Err(RequestRefused::NotRecorded(why));
            return effects.push(Effect::Answer(reply, refused));
        }
        self.lots.asked.push_back((ask, by, reply));
        self.next_asked(now, effects);
    }

    /// Decides on what was asked, in order, until something goes on record.
    pub(super) fn next_asked(&mut self, now: Now, effects: &mut Vec<Effect>) {
        while self.lots.under_way.is_none()
            && let Some((ask, by, reply)) = self.lots.asked.pop_front()
        {
            if let Ask::TakeBundle { bundle } = ask {
                self.take_bundle(bundle, by, reply, now, effects);
                continue;
            }
            match self.lot_change(ask, by, now) {
                Err(refused) => effects.push(Effect::Answer(reply, Err(refused))),
                Ok(change) => {
                    effects.push(Effect::ChangeLot(change.clone()));
                    self.lots.under_way = Some(UnderWay::Lot(change.into(), reply));
                }
            }
        }
    }

    /// What goes on record for this, where it may be done.
    fn lot_change(&self, ask: Ask, by: Who, now: Now) -> Result<LotChange, RequestRefused> {
        self.could_change_lot(&ask, &by)?;
        let (lot, step) = match ask {
            Ask::ApproveLot(new) => (new.lot.clone(), LotStep::Enter(self.new_lot(&new)?)),
            Ask::StartLot { lot } => (lot, LotStep::Start),
            Ask::PauseLot { lot } => (lot, LotStep::Pause),
            Ask::ApproveFirstArticle { lot } => (lot, LotStep::ApproveFirstArticle),
            Ask::EndLot { lot } => (lot, LotStep::End),
            other => {
                let why = format!("{} is nothing that is done with a lot", other.word());
                return Err(RequestRefused::NotRecorded(why));
            }
        };
        let at = now.wall;
        Ok(LotChange { lot, step, by, at })
    }

    /// Whether someone may do this to a lot now, as far as that shows before it is on record.
    pub(super) fn could_change_lot(&self, ask: &Ask, by: &Who) -> Result<(), RequestRefused> {
        let stopped = match &self.line {
            Line::Running => None,
            Line::Stopped { detail, .. } => Some(detail.as_str()),
            Line::Ending { .. } => Some("the program is ending"),
        };
        if let Some(why) = stopped {
            return Err(RequestRefused::LineStopped(why.to_owned()));
        }
        let lots = self.lots_now();
        let may = match ask {
            Ask::ApproveLot(new) => match lots.find(&new.lot) {
                Some(known) => Err(RequestRefused::LotExists(known.lot.clone())),
                None => self.new_lot(new).map(drop),
            },
            Ask::StartLot { lot } => {
                lots.may_start(lot, by, |bundle| self.bundle_at_work(bundle).is_some())
            }
            Ask::PauseLot { lot } => lots.may_pause(lot),
            Ask::ApproveFirstArticle { lot } => lots.may_approve_first_article(lot),
            Ask::EndLot { lot } => lots.may_end(lot, |lot| self.at_work_for(lot)),
            _ => Ok(()),
        };
        may.map_err(|refused| match refused {
            RequestRefused::NoSuchLot(lot) if self.lots.ended.contains(&lot) => {
                let state = LotState::Ended;
                RequestRefused::LotIs { lot, state }
            }
            refused => refused,
        })
    }

    /// Whether starting this lot ends a supervisor's pause.
    pub(super) fn ends_supervisors_pause(&self, ask: &Ask) -> bool {
        let lot = match ask {
            Ask::StartLot { lot } => self.lots_now().find(lot),
            _ => None,
        };
        lot.is_some_and(
            |lot| matches!(&lot.state, LotState::Paused { by } if by.role >= Role::Supervisor),
        )
    }

    fn new_lot(&self, new: &NewLot) -> Result<NewLotRow, RequestRefused> {
        let order = entered(new)?;
        let at_work = match &new.bundle {
            None => Some(&self.at_work[0]).filter(|one| one.has_leave()),
            Some(bundle) => self.bundle_at_work(bundle),
        };
        let Some(at_work) = at_work else {
            let stations = || self.at_work[0].short();
            return Err(RequestRefused::LotOfOtherBundle {
                lot: new.lot.clone(),
                bundle: new.bundle.clone().unwrap_or_else(stations),
            });
        };
        let bundle = at_work.planner().bundle();
        Ok(NewLotRow {
            product: bundle.manifest.product.clone(),
            version: bundle.manifest.version.clone(),
            bundle_digest: bundle.digest,
            manifest_text: bundle.text.clone(),
            order,
            target: new.target,
            first_article: match new.hold_first_article {
                true => FirstArticle::Due,
                false => FirstArticle::Free,
            },
        })
    }

    /// The running lot that would be left without its bundle if this manifest became another one.
    pub(super) fn lot_that_needs(&self, manifest: usize) -> Option<&LotName> {
        let bundle = self.at_work[manifest].with_leave()?;
        let mut others = self.at_work.iter().enumerate();
        let is_elsewhere = others
            .any(|(index, one)| index != manifest && one.has_leave() && one.short() == bundle);
        let running = self.lots_now().running(&bundle).map(|lot| &lot.lot);
        running.filter(|_| !is_elsewhere)
    }

    /// A change of a lot is on record, or nothing came of it.
    pub(super) fn lot_changed(
        &mut self,
        result: Result<(bool, Standing), RecordError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(UnderWay::Lot(change, reply)) = self.lots.under_way.take() else {
            return;
        };
        let LotChange { lot, step, by, .. } = *change;
        let (changed, standing) = match result {
            Ok(told) => told,
            Err(error) => {
                self.stop_line(&error, now);
                let refused = Err(RequestRefused::LineStopped(error.to_string()));
                return effects.push(Effect::Answer(reply, refused));
            }
        };
        let before = self.lots_now().find(&lot).cloned();
        self.stands(standing);
        if !changed {
            let refused = Err(self.not_changed(lot, &step));
            return effects.push(Effect::Answer(reply, refused));
        }
        let what = match step {
            LotStep::Enter(new) => {
                let target = new.target;
                Happening::LotApproved { lot, target, by }
            }
            LotStep::Start => Happening::LotStarted { lot, by },
            LotStep::Pause => Happening::LotPaused { lot, by },
            LotStep::ApproveFirstArticle => Happening::FirstArticleApproved { lot, by },
            LotStep::End => {
                self.lots.ended.insert(lot.clone());
                Happening::LotEnded {
                    lot,
                    passed: before.as_ref().map_or(0, |lot| lot.figures.passed),
                    target: before.map_or(0, |lot| lot.target),
                    by,
                }
            }
        };
        self.journal.line(now, what);
        effects.push(Effect::Answer(reply, Ok(())));
    }

    /// Why the record did not take a change that the rules had nothing against.
    fn not_changed(&self, lot: LotName, step: &LotStep) -> RequestRefused {
        let known = self.lots_now().find(&lot);
        match (step, known) {
            (LotStep::Enter(_), _) => RequestRefused::LotExists(lot),
            (LotStep::End, Some(known)) => RequestRefused::LotUnitsOpen {
                units: known.open_units,
                lot,
            },
            (_, Some(known)) => RequestRefused::LotIs {
                state: known.state.clone(),
                lot,
            },
            (_, None) => RequestRefused::NoSuchLot(lot),
        }
    }
}
