//! How the arrows go: from tile to tile as they lie, from row to row of a list.

use super::keymap::Way;
use crate::dashboard::grid::Arrangement;
use crate::settings::Seat;
use crate::station::Snapshot;

/// The slot that an arrow leads to: the first where none was selected; a step over the edge stays.
pub fn tile(snapshot: &Snapshot, from: Option<usize>, tiles: Arrangement, way: Way) -> usize {
    match (from, tiles) {
        (None, _) => 0,
        (Some(index), Arrangement::Seats) => beside(snapshot, index, way).unwrap_or(index),
        (Some(index), Arrangement::Order { columns }) => {
            let step = match way {
                Way::Left => -1,
                Way::Right => 1,
                Way::Up => -(columns.max(1) as isize),
                Way::Down => columns.max(1) as isize,
            };
            index
                .checked_add_signed(step)
                .filter(|target| *target < snapshot.slots.len())
                .unwrap_or(index)
        }
    }
}

/// The slot whose seat is next to this one's: in its row, or in the next row that has one the nearest.
fn beside(snapshot: &Snapshot, index: usize, way: Way) -> Option<usize> {
    let from = snapshot.slots[index].seat?;
    let seats = snapshot.slots.iter().enumerate();
    let seats = seats.filter_map(|(index, slot)| Some((index, slot.seat?)));
    let across = |seat: &Seat| seat.row == from.row;
    let away = |seat: Seat| {
        let [rows, columns] = [
            seat.row.abs_diff(from.row),
            seat.column.abs_diff(from.column),
        ];
        (rows, columns, seat.column)
    };
    let is_there = |seat: &Seat| match way {
        Way::Left => across(seat) && seat.column < from.column,
        Way::Right => across(seat) && seat.column > from.column,
        Way::Up => seat.row < from.row,
        Way::Down => seat.row > from.row,
    };
    seats
        .filter(|(_, seat)| is_there(seat))
        .min_by_key(|(_, seat)| away(*seat))
        .map(|(index, _)| index)
}

/// The chosen row of a list, by what stands in it: it stays on that when the list becomes another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<K> {
    at: Option<K>,
}

impl<K> Default for Cursor<K> {
    fn default() -> Cursor<K> {
        Cursor { at: None }
    }
}

impl<K: Clone + PartialEq> Cursor<K> {
    /// The chosen row; the first one where what was chosen is gone. `None`: the list is empty.
    pub fn index(&self, keys: &[K]) -> Option<usize> {
        let chosen = keys.iter().position(|key| Some(key) == self.at.as_ref());
        (!keys.is_empty()).then(|| chosen.unwrap_or(0))
    }

    /// What is chosen.
    pub fn key<'a>(&self, keys: &'a [K]) -> Option<&'a K> {
        keys.get(self.index(keys)?)
    }

    /// Goes so many rows, at most to an end of the list.
    pub fn go(&mut self, keys: &[K], rows: isize) {
        if let Some(index) = self.index(keys) {
            let target = index.saturating_add_signed(rows).min(keys.len() - 1);
            self.at = Some(keys[target].clone());
        }
    }
}
