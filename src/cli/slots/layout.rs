//! What a lesson changes in the station file: which slots are new, which get another name or seat, which
//! go. Then the text with exactly that changed: comments, order and formatting of all else stay. Pure.

use std::collections::BTreeSet;
use std::fmt;

use toml_edit::{DocumentMut, Item, RawString, Table, Value};

use super::lesson::Learned;
use crate::event::{SlotId, UsbPath};
use crate::settings::{Place, Seat, SlotSettings};

/// What becomes of the names of slots that the file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    Kept,
    /// Each learned slot is named by its place's number.
    ByNumber,
}

/// What becomes of slots on USB that nobody plugged a board into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    Kept,
    Removed,
}

/// A slot that the file has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSlot {
    pub name: SlotId,
    pub place: UsbPath,
    pub seat: Option<Seat>,
}

/// What becomes of a slot that the file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The first is 0.
    pub index: usize,
    pub name: SlotId,
    pub becomes: Becomes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Becomes {
    /// As it is, or with another name or seat.
    Kept {
        name: SlotId,
        seat_before: Option<Seat>,
        seat: Option<Seat>,
    },
    Gone,
}

/// All that is to change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Those of the file, in its order, that are not left exactly as they are; those that were learned
    /// besides.
    pub known: Vec<Known>,
    pub new: Vec<NewSlot>,
}

/// Why the text could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("it cannot be edited as TOML: {0}")]
    Toml(#[from] toml_edit::TomlError),
    #[error("its slots are one array in brackets: write each under a heading [[slot]] of its own")]
    InlineSlots,
}

impl Change {
    /// What learning these places makes of these slots.
    pub fn of(slots: &[SlotSettings], learned: &[Learned], names: Names, unseen: Unseen) -> Change {
        let lesson = |slot: &SlotSettings| {
            let is_it = |learned: &&Learned| slot.place == Place::Usb(learned.place.clone());
            learned.iter().find(is_it)
        };
        let goes = |slot: &SlotSettings| {
            let on_usb = matches!(slot.place, Place::Usb(_));
            unseen == Unseen::Removed && on_usb && lesson(slot).is_none()
        };
        let seats: BTreeSet<Seat> = learned.iter().filter_map(|learned| learned.seat).collect();
        let mut taken: BTreeSet<SlotId> = slots
            .iter()
            .filter(|slot| !goes(slot))
            .filter(|slot| names == Names::Kept || lesson(slot).is_none())
            .map(|slot| slot.name.clone())
            .collect();
        let mut known = Vec::new();
        for (index, slot) in slots.iter().enumerate() {
            let becomes = match lesson(slot) {
                _ if goes(slot) => Becomes::Gone,
                Some(learned) => Becomes::Kept {
                    name: match names {
                        Names::Kept => slot.name.clone(),
                        Names::ByNumber => free_name(learned.number, &mut taken),
                    },
                    seat_before: slot.seat,
                    seat: learned.seat.or(slot.seat),
                },
                // another slot has its seat now
                None if slot.seat.is_some_and(|seat| seats.contains(&seat)) => Becomes::Kept {
                    name: slot.name.clone(),
                    seat_before: slot.seat,
                    seat: None,
                },
                None => continue,
            };
            known.push(Known {
                index,
                name: slot.name.clone(),
                becomes,
            });
        }
        let is_known = |learned: &&Learned| {
            let place = Place::Usb(learned.place.clone());
            slots.iter().any(|slot| slot.place == place)
        };
        let new = learned
            .iter()
            .filter(|learned| !is_known(learned))
            .map(|learned| NewSlot {
                name: free_name(learned.number, &mut taken),
                place: learned.place.clone(),
                seat: learned.seat,
            })
            .collect();
        Change { known, new }
    }

    pub fn is_nothing(&self) -> bool {
        self.new.is_empty() && self.known.iter().all(|known| known.is_as_it_was())
    }

    /// Whether something that the file says is taken out of it or replaced.
    pub fn replaces(&self) -> bool {
        self.known.iter().any(|known| match &known.becomes {
            Becomes::Gone => true,
            Becomes::Kept {
                name, seat_before, ..
            } => *name != known.name || (seat_before.is_some() && !known.is_as_it_was()),
        })
    }

    /// The station file's text with this change.
    ///
    /// # Errors
    /// The text is not TOML, or has its slots in a form that cannot be edited piece by piece.
    pub fn apply(&self, text: &str) -> Result<String, EditError> {
        let mut text = match self.known.iter().all(Known::is_as_it_was) {
            true => text.to_owned(),
            false => self.edited(text)?,
        };
        if self.new.is_empty() {
            return Ok(text);
        }
        let document: DocumentMut = text.parse()?;
        if matches!(document.get("slot"), Some(Item::Value(_))) {
            return Err(EditError::InlineSlots);
        }
        // At the end, behind the comments that stand there: a key that someone takes out of a comment
        // would otherwise become the last slot's.
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        if !text.is_empty() && !text.ends_with('\n') {
            text += end;
        }
        for slot in &self.new {
            text += end;
            for line in slot.lines() {
                text += &line;
                text += end;
            }
        }
        Ok(text)
    }

    fn edited(&self, text: &str) -> Result<String, EditError> {
        // the editor ends the lines that it adds as Unix does
        let mut document: DocumentMut = text.replace("\r\n", "\n").parse()?;
        // from the last on, so that those before keep their index
        for known in self.known.iter().rev() {
            let Some(slots) = document
                .get_mut("slot")
                .and_then(Item::as_array_of_tables_mut)
            else {
                return Err(EditError::InlineSlots);
            };
            match &known.becomes {
                Becomes::Gone => {
                    let gone = slots.get(known.index).map(|table| {
                        let above = table.decor().prefix().and_then(RawString::as_str);
                        (
                            table.position(),
                            others(above.unwrap_or_default()).to_owned(),
                        )
                    });
                    slots.remove(known.index);
                    if slots.is_empty() {
                        document.remove("slot");
                    }
                    if let Some((position, above)) = gone {
                        put_above(&mut document, position, &above);
                    }
                }
                Becomes::Kept {
                    name,
                    seat_before,
                    seat,
                } => {
                    let Some(table) = slots.get_mut(known.index) else {
                        continue;
                    };
                    if *name != known.name {
                        set(table, "name", name.as_str());
                    }
                    match seat {
                        _ if seat == seat_before => {}
                        Some(seat) => {
                            set(table, "row", i64::from(seat.row));
                            set(table, "column", i64::from(seat.column));
                        }
                        None => {
                            table.remove("row");
                            table.remove("column");
                        }
                    }
                }
            }
        }
        let edited = document.to_string();
        Ok(match text.contains("\r\n") {
            true => edited.replace('\n', "\r\n"),
            false => edited,
        })
    }
}

impl Known {
    fn is_as_it_was(&self) -> bool {
        match &self.becomes {
            Becomes::Gone => false,
            Becomes::Kept {
                name,
                seat_before,
                seat,
            } => *name == self.name && seat == seat_before,
        }
    }
}

impl NewSlot {
    fn lines(&self) -> Vec<String> {
        let text = |text: &str| Value::from(text).to_string();
        let mut lines = vec![
            "[[slot]]".to_owned(),
            format!("name = {}", text(self.name.as_str())),
            format!("usb_path = {}", text(&self.place.0)),
        ];
        if let Some(Seat { row, column }) = self.seat {
            lines.push(format!("row = {row}"));
            lines.push(format!("column = {column}"));
        }
        lines
    }
}

/// Sets a value where it stands, with the comment behind it.
fn set(table: &mut Table, key: &str, value: impl Into<Value>) {
    let mut value = value.into();
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(there) => {
            *value.decor_mut() = there.decor().clone();
            *there = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Of what stands above a heading that which does not belong to it: all but the comment right above it.
fn others(above: &str) -> &str {
    above.rfind("\n\n").map_or("", |blank| &above[..=blank])
}

/// Puts text above the first heading behind this position, or at the document's end.
fn put_above(document: &mut DocumentMut, position: Option<isize>, text: &str) {
    let tables = document
        .as_table_mut()
        .iter_mut()
        .flat_map(|(_, item)| -> Vec<&mut Table> {
            match item {
                Item::Table(table) => vec![table],
                Item::ArrayOfTables(tables) => tables.iter_mut().collect(),
                Item::None | Item::Value(_) => Vec::new(),
            }
        });
    let next = tables
        .filter(|table| table.position() > position)
        .min_by_key(|table| table.position());
    let joined = |below: Option<&RawString>| {
        let below = below.and_then(RawString::as_str).unwrap_or_default();
        format!("{text}{below}")
    };
    match next {
        Some(table) => {
            let above = joined(table.decor().prefix());
            table.decor_mut().set_prefix(above);
        }
        None => {
            let end = joined(Some(document.trailing()));
            document.set_trailing(end);
        }
    }
}

/// A place's number, with a letter behind it where another slot has that name.
fn free_name(number: u32, taken: &mut BTreeSet<SlotId>) -> SlotId {
    let letters = ('a'..='z').map(|letter| format!("{number}{letter}"));
    let later = (2u32..).map(|times| format!("{number}-{times}"));
    let name = std::iter::once(number.to_string())
        .chain(letters)
        .chain(later)
        .map(|name| SlotId::new(&name))
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| SlotId::new(&number.to_string()));
    taken.insert(name.clone());
    name
}

impl fmt::Display for Change {
    /// A line for each slot that is new or was learned, or is not left as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seat = |seat: &Option<Seat>| match seat {
            Some(Seat { row, column }) => format!("row {row}, column {column}"),
            None => "no seat".to_owned(),
        };
        for known in &self.known {
            let name = &known.name;
            match &known.becomes {
                Becomes::Gone => writeln!(f, "  slot {name} is taken out of the file")?,
                Becomes::Kept { .. } if known.is_as_it_was() => {
                    writeln!(f, "  slot {name} stays as it is")?;
                }
                Becomes::Kept {
                    name: new,
                    seat_before,
                    seat: now,
                } => {
                    let mut parts = Vec::new();
                    if new != name {
                        parts.push(format!("is named {new}"));
                    }
                    if now != seat_before {
                        let before = seat(seat_before);
                        parts.push(format!("gets {} (it had {before})", seat(now)));
                    }
                    writeln!(f, "  slot {name} {}", parts.join(" and "))?;
                }
            }
        }
        for slot in &self.new {
            let short = slot.place.short();
            match &slot.seat {
                Some(_) => writeln!(
                    f,
                    "  slot {} is new: {short}, {}",
                    slot.name,
                    seat(&slot.seat)
                )?,
                None => writeln!(f, "  slot {} is new: {short}", slot.name)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
