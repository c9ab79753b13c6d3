//! The whole screen, a pure function from a snapshot, the view and the time to cells. The parts are
//! drawn in files of their own; the header here.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::banners;
use super::grid::{self, Grid, LEAST};
use super::options::Colour;
use super::palette::{self, Role};
use super::past::Past;
use super::signs::{self, Signs};
use super::text::{clip, width, wrap};
use super::tile::{self, Look, Selection};
use super::view::{Page, View};
use super::{figures, footer, notices, pages};
use crate::lang::{self, Caption, Language, Word};
use crate::station::{LineState, Snapshot};

/// All that the screen shows.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub snapshot: &'a Snapshot,
    pub view: &'a View,
    pub past: &'a Past,
    pub caption: Option<Caption>,
    pub colour: Colour,
    pub signs: Signs,
    pub zone: &'a jiff::tz::TimeZone,
    pub now: jiff::Timestamp,
}

impl Scene<'_> {
    pub fn language(&self) -> Language {
        self.view.language
    }

    pub fn word(&self, word: Word) -> &'static str {
        lang::word(word, self.view.language)
    }

    pub fn role(&self, role: Role) -> Style {
        palette::role(role, self.colour)
    }

    pub fn look(&self) -> Look<'_> {
        let standing = &self.snapshot.standing;
        Look {
            now: self.now,
            zone: self.zone,
            median: standing.today.median_cycle,
            worst: standing.worst_slot.as_ref().map(|worst| &worst.slot),
            language: self.view.language,
            colour: self.colour,
            signs: self.signs,
        }
    }
}

/// Where everything is on a screen of this size.
pub fn grid(scene: &Scene<'_>, area: Rect) -> Option<Grid> {
    laid_out(scene, area).map(|(grid, _)| grid)
}

fn laid_out(scene: &Scene<'_>, area: Rect) -> Option<(Grid, Vec<banners::Line>)> {
    let slots = scene.snapshot.slots.iter();
    let seats: Vec<_> = slots.map(|slot| slot.seat).collect();
    let lines = banners::lines(scene, area);
    // at most a fifth of the screen's lines
    let grid = grid::layout(area, &seats, lines.len() as u16)?;
    Some((grid, lines))
}

/// Draws the whole screen, in the characters that the terminal has.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    paint(scene, area, buffer);
    signs::lay(scene.signs, scene.language(), buffer);
}

fn paint(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Some((grid, banners)) = laid_out(scene, area) else {
        too_small(scene, area, buffer);
        return;
    };
    header(scene, grid.header, buffer);
    banners::draw(scene, &banners, grid.banners, buffer);
    figures::draw(scene, grid.figures, buffer);
    let middle = middle(&grid, area);
    match (page(scene), scene.view.selected_index(scene.snapshot)) {
        (Page::Bench, selected) => {
            for (index, (slot, rect)) in scene.snapshot.slots.iter().zip(&grid.tiles).enumerate() {
                let selection = if selected == Some(index) {
                    Selection::Selected
                } else {
                    Selection::Other
                };
                tile::draw(slot, selection, scene.look(), *rect, buffer);
            }
            notices::draw(scene, grid.notices, buffer);
        }
        _ => pages::draw(scene, middle, buffer),
    }
    if let Some(dialog) = &scene.view.dialog {
        pages::draw_dialog(scene, dialog, middle, buffer);
    }
    footer::draw(scene, grid.footer, buffer);
}

/// What is between the figures and the footer.
fn middle(grid: &Grid, area: Rect) -> Rect {
    let top = grid.figures.bottom();
    Rect::new(area.x, top, area.width, grid.footer.y - top)
}

/// The page on show: a slot that is gone has no details.
fn page(scene: &Scene<'_>) -> Page {
    match scene.view.page {
        Page::Detail if scene.view.selected_index(scene.snapshot).is_none() => Page::Bench,
        page => page,
    }
}

/// The rows of a page, and how many lines of it can be above its top.
pub fn extent(scene: &Scene<'_>, area: Rect) -> (usize, usize) {
    let Some(grid) = grid(scene, area) else {
        return (1, 0);
    };
    let middle = middle(&grid, area);
    let rows = pages::body(middle).height.into();
    (rows, pages::scroll_limit(scene, middle))
}

/// What lies somewhere on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// The tile of the slot with this index.
    Tile(usize),
    /// A key in the last line.
    Key(KeyEvent),
    Nothing,
}

/// What was drawn there.
pub fn hit(scene: &Scene<'_>, area: Rect, at: Position) -> Hit {
    let Some(grid) = grid(scene, area) else {
        return Hit::Nothing;
    };
    if let Some(key) = footer::hit(scene, grid.footer, at) {
        return Hit::Key(key);
    }
    let tile = match page(scene) {
        Page::Bench if scene.view.dialog.is_none() => {
            grid.tiles.iter().position(|tile| tile.contains(at))
        }
        _ => None,
    };
    tile.map_or(Hit::Nothing, Hit::Tile)
}

fn too_small(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let text = lang::too_small(area.width, area.height, LEAST, scene.language());
    for (row, line) in (area.y..area.bottom()).zip(wrap(&text, area.width.into())) {
        buffer.set_string(area.x, row, line, Style::new());
    }
}

fn header(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let snapshot = scene.snapshot;
    buffer.set_style(area, scene.role(Role::Header));
    let right = match (&snapshot.line, scene.caption) {
        // the banner says it
        (_, Some(Caption::DaemonLost)) => String::new(),
        (LineState::Ending, _) => scene.word(Word::Ending).to_owned(),
        (_, Some(caption)) => lang::caption(caption, scene.language()),
        (_, None) => String::new(),
    };
    let at_hand = &snapshot.at_hand;
    let operator = at_hand.operator.as_ref();
    let operator = operator.map(|name| format!("{} {name}", scene.word(Word::Operator)));
    let scanned = at_hand.scanned.as_ref();
    let scanned = scanned.map(|scanned| lang::serial_waits(&scanned.serial, scene.language()));
    let left = format!(
        "{} {}   {} {}   {} {}",
        scene.word(Word::Station),
        snapshot.station,
        snapshot.product,
        snapshot.version,
        scene.word(Word::Bundle),
        snapshot.bundle,
    );
    // from the right: what waits for someone, who works, what the program does
    let mut end = area.right().saturating_sub(1);
    let parts = [
        (scanned.map(|text| format!(" {text} ")), Role::Message),
        (operator, Role::Header),
        (Some(right).filter(|text| !text.is_empty()), Role::Header),
    ];
    for (text, role) in parts {
        let Some(text) = text else { continue };
        let room = usize::from(end.saturating_sub(area.x + 1));
        let text = clip(&text, room);
        let x = end - width(&text) as u16;
        buffer.set_string(x, area.y, &text, scene.role(role));
        end = x.saturating_sub(2);
    }
    let room = usize::from(end.saturating_sub(area.x + 1));
    buffer.set_string(area.x + 1, area.y, clip(&left, room), Style::new());
}

#[cfg(test)]
mod tests;
