//! Asking with a supervisor's leave: who, the PIN, why; and a new lot's own fields before these. Knows no
//! station and no screen: keys in, a request with its warrant out. The PIN is held as short as can be: it is
//! given away with the request, and dropped with the dialog.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::form::LotForm;
use super::keymap::{FormCommand, form_command};
use super::reason;
use crate::event::{Role, Who};
use crate::lang::{self, Label, Language};
use crate::station::{
    Ask, BundleView, MOST_DIGITS, NamedPin, OnDisk, Pin, RequestRefused, Snapshot, Warrant,
};

/// A dialog that nobody types into closes after this time: someone was called away.
const PATIENCE: Duration = Duration::from_secs(60);

/// No reason is longer, characters.
const MOST_WHY_CHARS: usize = 120;

/// The dialog.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialog {
    /// Tells this dialog's answers from an earlier one's.
    pub number: u64,
    pub subject: Subject,
    /// Who may be asked; empty: nobody can give leave here.
    pub people: Vec<Person>,
    pub person: usize,
    pub pin: TypedPin,
    pub why: Why,
    pub focus: Field,
    pub stage: Stage,
    pub fault: Option<Fault>,
    touched: Instant,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    Ask(Ask),
    /// One of these manifests, as they were when they were shown.
    Bundle {
        shown: Vec<BundleView>,
        at: usize,
    },
    NewLot(LotForm),
}

/// Who may give leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// By a PIN.
    Named(Arc<str>),
    /// Who sits at the screen: a supervisor by login.
    Oneself(Arc<str>),
}

impl Person {
    pub fn name(&self) -> &str {
        match self {
            Person::Named(name) | Person::Oneself(name) => name,
        }
    }
}

/// Digits that are never drawn.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TypedPin(String);

impl TypedPin {
    /// How many dots stand for it.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }
}

impl fmt::Debug for TypedPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TypedPin(…)")
    }
}

/// Why it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Unsaid,
    /// One of the usual reasons, by its place.
    Usual(usize),
    Typed(String),
}

/// A line of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    Bundle,
    Lot,
    Target,
    Order,
    FirstArticle,
    Who,
    Pin,
    Why,
}

/// Whether the station was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Filling,
    Asked,
}

/// What is wrong with what was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Missing(Field),
    /// A barcode came while the PIN or the reason is typed.
    ScanIgnored,
    Refused(RequestRefused),
    /// The station's queue of requests is full.
    TryAgain,
}

/// What a key did to the dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filled {
    Going,
    Closed,
    Complete(Ask, Warrant),
}

impl Dialog {
    pub fn new(
        number: u64,
        subject: Subject,
        snapshot: &Snapshot,
        by: &Who,
        now: Instant,
    ) -> Dialog {
        let named = snapshot.at_hand.supervisors.iter();
        let mut people: Vec<Person> = named.cloned().map(Person::Named).collect();
        if by.role == Role::Supervisor {
            people.push(Person::Oneself(Arc::clone(&by.name)));
        }
        let mut dialog = Dialog {
            number,
            subject,
            people,
            person: 0,
            pin: TypedPin::default(),
            why: Why::Unsaid,
            focus: Field::Why,
            stage: Stage::Filling,
            fault: None,
            touched: now,
        };
        dialog.focus = dialog.fields()[0];
        dialog
    }

    /// When it closes by itself.
    pub fn due(&self) -> Instant {
        self.touched + PATIENCE
    }

    /// The lines of the form, from the top.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        match &self.subject {
            Subject::Ask(_) => {}
            Subject::Bundle { shown, .. } => {
                fields.extend((shown.len() > 1).then_some(Field::Bundle));
            }
            Subject::NewLot(form) => {
                fields.extend([Field::Lot, Field::Target, Field::Order]);
                fields.extend((form.bundles.len() > 1).then_some(Field::Bundle));
                fields.push(Field::FirstArticle);
            }
        }
        fields.push(Field::Who);
        if matches!(self.people.get(self.person), Some(Person::Named(_))) {
            fields.push(Field::Pin);
        }
        fields.push(Field::Why);
        fields
    }

    /// Whether what is in a field was, or can only be, chosen with the arrows.
    pub fn is_choice(&self, field: Field) -> bool {
        match field {
            Field::Bundle | Field::FirstArticle => true,
            Field::Who => self.people.len() > 1,
            Field::Why => matches!(self.why, Why::Usual(_)),
            Field::Lot | Field::Target | Field::Order | Field::Pin => false,
        }
    }

    /// The reason in words, as it is kept in the record.
    pub fn why_text(&self, language: Language) -> &str {
        match &self.why {
            Why::Unsaid => "",
            Why::Usual(at) => reason::usual(&self.subject)
                .get(*at)
                .map_or("", |label| lang::label(*label, language)),
            Why::Typed(text) => text,
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent, language: Language, now: Instant) -> Filled {
        self.touched = now;
        let command = form_command(key);
        if command == Some(FormCommand::Cancel) {
            return Filled::Closed;
        }
        // nobody to ask, or already asked: there is nothing to fill in
        if self.people.is_empty() || self.stage == Stage::Asked {
            return Filled::Going;
        }
        self.fault = None;
        match command {
            Some(FormCommand::Next) => self.step(1),
            Some(FormCommand::Previous) => self.step(-1),
            Some(FormCommand::Left) => self.choose(-1),
            Some(FormCommand::Right) => self.choose(1),
            Some(FormCommand::Rub) => self.rub(),
            Some(FormCommand::Accept) => {
                if self.fields().last() == Some(&self.focus) {
                    return self.complete(language);
                }
                self.step(1);
            }
            Some(FormCommand::Cancel) | None => {
                if let KeyCode::Char(letter) = key.code
                    && (key.modifiers - KeyModifiers::SHIFT).is_empty()
                {
                    self.write(letter);
                }
            }
        }
        Filled::Going
    }

    /// Takes a barcode where it belongs here: a supervisor's name, a lot's papers. Whether it
    /// goes no further: a PIN is never scanned, and a reason neither.
    pub fn scan(&mut self, text: &str, now: Instant) -> bool {
        if self.stage == Stage::Asked {
            return false;
        }
        let text = text.trim();
        let taken = match (self.focus, &mut self.subject) {
            (Field::Lot | Field::Target | Field::Order, Subject::NewLot(form)) => {
                form.scan(self.focus, text)
            }
            (Field::Who, _) => {
                let is_it = |person: &Person| person.name().to_lowercase() == text.to_lowercase();
                let found = self.people.iter().position(is_it);
                self.person = found.unwrap_or(self.person);
                found.is_some()
            }
            // what a fast hand types looks like a barcode: passed on, a PIN would be shown and recorded
            (Field::Pin | Field::Why, _) => {
                self.fault = Some(Fault::ScanIgnored);
                self.touched = now;
                return true;
            }
            _ => false,
        };
        if taken {
            self.touched = now;
            self.step(1);
        }
        taken
    }

    /// The station's answer where it did not do it.
    pub fn refused(&mut self, refused: RequestRefused) {
        let field = match &refused {
            RequestRefused::WrongPin { .. } | RequestRefused::LockedOut { .. } => Field::Pin,
            RequestRefused::NoPin(_) | RequestRefused::SupervisorOnly { .. } => Field::Who,
            RequestRefused::LotExists(_) => Field::Lot,
            RequestRefused::LotOfOtherBundle { .. } => Field::Bundle,
            _ => Field::Why,
        };
        self.stage = Stage::Filling;
        self.pin = TypedPin::default();
        let fields = self.fields();
        self.focus = if fields.contains(&field) {
            field
        } else {
            fields[0]
        };
        self.fault = Some(Fault::Refused(refused));
    }

    fn step(&mut self, by: isize) {
        let fields = self.fields();
        let at = fields.iter().position(|field| *field == self.focus);
        let at = at.unwrap_or(0).saturating_add_signed(by);
        self.focus = fields[at.min(fields.len() - 1)];
    }

    fn choose(&mut self, by: isize) {
        match (self.focus, &mut self.subject) {
            (Field::Who, _) => self.choose_person(around(self.person, by, self.people.len())),
            (Field::Why, subject) => {
                let usual = reason::usual(subject).len();
                self.why = Why::Usual(match self.why {
                    Why::Usual(at) => around(at, by, usual),
                    _ if by < 0 => usual - 1,
                    _ => 0,
                });
            }
            (Field::Bundle, Subject::Bundle { shown, at }) => *at = around(*at, by, shown.len()),
            (field, Subject::NewLot(form)) => form.choose(field, by),
            _ => {}
        }
    }

    /// Another person has another PIN.
    fn choose_person(&mut self, person: usize) {
        if person != self.person {
            self.person = person;
            self.pin = TypedPin::default();
        }
    }

    fn rub(&mut self) {
        match (self.focus, &mut self.subject) {
            (Field::Pin, _) => {
                self.pin.0.pop();
            }
            (Field::Why, _) => match &mut self.why {
                Why::Typed(text) if text.chars().count() > 1 => {
                    text.pop();
                }
                why => *why = Why::Unsaid,
            },
            (field, Subject::NewLot(form)) => form.rub(field),
            _ => {}
        }
    }

    fn write(&mut self, letter: char) {
        match (self.focus, &mut self.subject) {
            (Field::Who, _) => {
                // the next one whose name begins with it
                let begins = |person: &Person| {
                    let first = person.name().chars().next();
                    first.is_some_and(|first| first.to_lowercase().eq(letter.to_lowercase()))
                };
                let count = self.people.len();
                let next = (1..=count)
                    .map(|step| (self.person + step) % count)
                    .find(|at| begins(&self.people[*at]));
                self.choose_person(next.unwrap_or(self.person));
            }
            (Field::Pin, _) if letter.is_ascii_digit() && self.pin.chars() < MOST_DIGITS => {
                self.pin.0.push(letter);
            }
            (Field::Pin, _) => {}
            (Field::Why, _) => match &mut self.why {
                Why::Typed(text) if text.chars().count() < MOST_WHY_CHARS => text.push(letter),
                Why::Typed(_) => {}
                why if letter != ' ' => *why = Why::Typed(letter.to_string()),
                _ => {}
            },
            (field, Subject::NewLot(form)) => form.write(field, letter),
            _ => {}
        }
    }

    /// What is asked, where nothing is missing.
    fn complete(&mut self, language: Language) -> Filled {
        let missing = self
            .fields()
            .into_iter()
            .find(|field| self.is_missing(*field));
        let ask = match missing {
            None => self.ask(),
            Some(_) => None,
        };
        let Some(ask) = ask else {
            self.focus = missing.unwrap_or(Field::Why);
            self.fault = Some(Fault::Missing(self.focus));
            return Filled::Going;
        };
        let why = self.why_text(language).trim().into();
        let pin = std::mem::take(&mut self.pin);
        let pin = match &self.people[self.person] {
            Person::Named(name) => Some(NamedPin {
                supervisor: Arc::clone(name),
                pin: Pin(pin.0.into()),
            }),
            Person::Oneself(_) => None,
        };
        self.stage = Stage::Asked;
        Filled::Complete(ask, Warrant { why, pin })
    }

    fn is_missing(&self, field: Field) -> bool {
        match (field, &self.subject) {
            (Field::Pin, _) => self.pin.0.is_empty(),
            (Field::Why, _) => self.why_text(Language::English).trim().is_empty(),
            (field, Subject::NewLot(form)) => form.is_missing(field),
            _ => false,
        }
    }

    fn ask(&self) -> Option<Ask> {
        match &self.subject {
            Subject::Ask(ask) => Some(ask.clone()),
            Subject::Bundle { shown, at } => match &shown.get(*at)?.on_disk {
                OnDisk::Changed { bundle, .. } => Some(Ask::TakeBundle {
                    bundle: bundle.to_string(),
                }),
                OnDisk::Same | OnDisk::Invalid { .. } => None,
            },
            Subject::NewLot(form) => Some(Ask::ApproveLot(form.lot()?)),
        }
    }
}

impl Subject {
    /// The dialog's title.
    pub fn title(&self) -> Label {
        match self {
            Subject::Bundle { .. } => Label::TitleBundle,
            Subject::NewLot(_) => Label::TitleNewLot,
            Subject::Ask(ask) => match ask {
                Ask::FreeSlot { .. } => Label::TitleFreeSlot,
                Ask::FreeLine => Label::TitleFreeLine,
                Ask::ApproveFirstArticle { .. } => Label::TitleFirstArticle,
                Ask::EndLot { .. } => Label::TitleEndLot,
                Ask::StartLot { .. } => Label::TitleStartLot,
                Ask::AllowRetest { .. } => Label::TitleRetest,
                Ask::WriteOff { .. } => Label::TitleWriteOff,
                _ => Label::TitleLeave,
            },
        }
    }
}

/// A step in a ring.
pub fn around(at: usize, by: isize, of: usize) -> usize {
    // a ring of so few fits an isize
    (at as isize + by).rem_euclid(of.max(1) as isize) as usize
}

#[cfg(test)]
mod tests;
