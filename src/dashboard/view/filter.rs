//! The filter of recent jobs, and how it is typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::dialog::around;
use super::keymap::{FormCommand, form_command};
use crate::event::{Code, LotName, Outcome};
use crate::record::JobFilter;
use crate::station::Snapshot;

/// No text is longer, characters.
const MOST_CHARS: usize = 64;

/// A part of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Text,
    Slot,
    Outcome,
    Code,
    Lot,
}

impl Part {
    pub const ALL: [Part; 5] = [Part::Text, Part::Slot, Part::Outcome, Part::Code, Part::Lot];
}

/// The filter while it is typed: what it will be, and which part the keys are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub filter: JobFilter,
    pub part: Part,
    /// Typed into it; a lot's name is one only when it is whole.
    pub lot: String,
}

/// What a key did to the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    Going,
    Dropped,
    Applied(JobFilter),
}

impl Draft {
    pub fn of(filter: &JobFilter) -> Draft {
        Draft {
            filter: filter.clone(),
            part: Part::Text,
            lot: filter
                .lot
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent, snapshot: &Snapshot) -> Typed {
        match form_command(key) {
            Some(FormCommand::Cancel) => return Typed::Dropped,
            Some(FormCommand::Accept) => return Typed::Applied(self.whole()),
            Some(FormCommand::Next) => self.step(1),
            Some(FormCommand::Previous) => self.step(-1),
            Some(FormCommand::Left) => self.choose(-1, snapshot),
            Some(FormCommand::Right) => self.choose(1, snapshot),
            Some(FormCommand::Rub) => self.rub(),
            None => {
                if let KeyCode::Char(letter) = key.code
                    && (key.modifiers - KeyModifiers::SHIFT).is_empty()
                {
                    self.write(letter, snapshot);
                }
            }
        }
        Typed::Going
    }

    /// Takes a barcode: a board's label tells which jobs are meant.
    pub fn scan(&mut self, text: &str) -> JobFilter {
        self.filter.text = Some(text.trim().to_owned());
        self.whole()
    }

    fn whole(&self) -> JobFilter {
        let text = self.filter.text.as_deref().map(str::trim);
        JobFilter {
            text: text.filter(|text| !text.is_empty()).map(str::to_owned),
            lot: LotName::parse(&self.lot),
            ..self.filter.clone()
        }
    }

    fn step(&mut self, by: isize) {
        let at = Part::ALL.iter().position(|part| *part == self.part);
        self.part = Part::ALL[around(at.unwrap_or(0), by, Part::ALL.len())];
    }

    fn choose(&mut self, by: isize, snapshot: &Snapshot) {
        let filter = &mut self.filter;
        match self.part {
            Part::Text => {}
            Part::Slot => {
                let slots: Vec<_> = snapshot.slots.iter().map(|it| it.slot.clone()).collect();
                filter.slot = next(&slots, filter.slot.take(), by);
            }
            Part::Outcome => filter.outcome = next(&Outcome::ALL, filter.outcome, by),
            Part::Code => filter.code = next(&Code::ALL, filter.code, by),
            Part::Lot => {
                let lots = snapshot.standing.lots.iter().map(|it| it.lot.clone());
                let lots: Vec<_> = lots.collect();
                let lot = next(&lots, LotName::parse(&self.lot), by);
                self.lot = lot.map(|lot| lot.to_string()).unwrap_or_default();
            }
        }
    }

    fn rub(&mut self) {
        match self.part {
            Part::Text => {
                if let Some(text) = &mut self.filter.text {
                    text.pop();
                }
            }
            Part::Slot => self.filter.slot = None,
            Part::Outcome => self.filter.outcome = None,
            Part::Code => self.filter.code = None,
            Part::Lot => {
                self.lot.pop();
            }
        }
    }

    /// Texts take the letter; of what is chosen the next that begins with it is.
    fn write(&mut self, letter: char, snapshot: &Snapshot) {
        let begins = |text: &str| {
            let first = text.chars().next();
            first.is_some_and(|first| first.to_lowercase().eq(letter.to_lowercase()))
        };
        let filter = &mut self.filter;
        match self.part {
            Part::Text => {
                let text = filter.text.get_or_insert_default();
                if text.chars().count() < MOST_CHARS {
                    text.push(letter);
                }
            }
            Part::Lot => {
                if self.lot.chars().count() < MOST_CHARS {
                    self.lot.push(letter);
                }
            }
            Part::Slot => {
                let slots = snapshot.slots.iter().map(|it| it.slot.clone());
                let those: Vec<_> = slots.filter(|slot| begins(slot.as_str())).collect();
                filter.slot = after(&those, filter.slot.take());
            }
            Part::Outcome => {
                let those = Outcome::ALL.into_iter().filter(|it| begins(it.name()));
                filter.outcome = after(&those.collect::<Vec<_>>(), filter.outcome);
            }
            Part::Code => {
                let those = Code::ALL.into_iter().filter(|it| begins(it.word()));
                filter.code = after(&those.collect::<Vec<_>>(), filter.code);
            }
        }
    }
}

/// The choice beside this one; between the last and the first there is none at all.
fn next<T: Clone + PartialEq>(all: &[T], now: Option<T>, by: isize) -> Option<T> {
    let at = now.and_then(|now| all.iter().position(|it| *it == now));
    let at = at.map_or(0, |at| at + 1);
    let target = around(at, by, all.len() + 1);
    all.get(target.checked_sub(1)?).cloned()
}

/// The choice behind this one, or the first; what was chosen where there are none.
fn after<T: Clone + PartialEq>(those: &[T], now: Option<T>) -> Option<T> {
    let at = those.iter().position(|it| Some(it) == now.as_ref());
    let target = at.map_or(0, |at| (at + 1) % those.len().max(1));
    those.get(target).cloned().or(now)
}
