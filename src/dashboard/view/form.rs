//! A new lot's fields, as they are typed.

use super::dialog::{Field, around};
use crate::event::LotName;
use crate::station::{BundleView, NewLot, Snapshot};

/// No target has more digits: a line does not make a billion boards of one lot.
const MOST_TARGET_DIGITS: usize = 9;

/// No order number is longer, characters.
const MOST_ORDER_CHARS: usize = 64;

/// The fields.
#[derive(Debug, Clone, PartialEq)]
pub struct LotForm {
    pub name: String,
    pub target: String,
    /// The customer's order number; may stay empty.
    pub order: String,
    /// Those at work: the station's first.
    pub bundles: Vec<BundleView>,
    pub bundle: usize,
    pub first_article: Hold,
}

/// What becomes of the lot's first good board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It waits for a supervisor's approval, and the lot with it.
    Held,
    Free,
}

impl LotForm {
    pub fn new(snapshot: &Snapshot) -> LotForm {
        LotForm {
            name: String::new(),
            target: String::new(),
            order: String::new(),
            bundles: snapshot.bundles.to_vec(),
            bundle: 0,
            first_article: Hold::Held,
        }
    }

    /// The lot; `None` where a field is missing.
    pub fn lot(&self) -> Option<NewLot> {
        let order = self.order.trim();
        Some(NewLot {
            lot: LotName::parse(&self.name)?,
            target: self.target.parse().ok().filter(|target| *target > 0)?,
            order: (!order.is_empty()).then(|| order.to_owned()),
            // the one that is shown, whatever is at work by then
            bundle: (self.bundles.get(self.bundle)).map(|shown| shown.bundle.to_string()),
            hold_first_article: self.first_article == Hold::Held,
        })
    }

    pub fn is_missing(&self, field: Field) -> bool {
        match field {
            Field::Lot => LotName::parse(&self.name).is_none(),
            Field::Target => self.target.parse().unwrap_or(0) == 0,
            _ => false,
        }
    }

    pub fn write(&mut self, field: Field, letter: char) {
        let fits = |text: &str, most| text.chars().count() < most;
        match field {
            Field::Lot if fits(&self.name, LotName::MOST_CHARS) => self.name.push(letter),
            Field::Order if fits(&self.order, MOST_ORDER_CHARS) => self.order.push(letter),
            Field::Target if letter.is_ascii_digit() && fits(&self.target, MOST_TARGET_DIGITS) => {
                self.target.push(letter);
            }
            Field::FirstArticle if letter == ' ' => self.choose(field, 1),
            _ => {}
        }
    }

    pub fn rub(&mut self, field: Field) {
        match field {
            Field::Lot => self.name.pop(),
            Field::Target => self.target.pop(),
            Field::Order => self.order.pop(),
            _ => None,
        };
    }

    pub fn choose(&mut self, field: Field, by: isize) {
        match field {
            Field::Bundle => self.bundle = around(self.bundle, by, self.bundles.len()),
            Field::FirstArticle => {
                self.first_article = match self.first_article {
                    Hold::Held => Hold::Free,
                    Hold::Free => Hold::Held,
                }
            }
            _ => {}
        }
    }

    /// Takes what is printed on the lot's papers.
    pub fn scan(&mut self, field: Field, text: &str) -> bool {
        match field {
            Field::Lot if LotName::parse(text).is_some() => self.name = text.to_owned(),
            Field::Order if text.chars().count() <= MOST_ORDER_CHARS => {
                self.order = text.to_owned();
            }
            Field::Target if text.len() <= MOST_TARGET_DIGITS && text.parse::<u64>().is_ok() => {
                self.target = text.to_owned();
            }
            _ => return false,
        }
        true
    }
}
