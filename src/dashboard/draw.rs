//! The whole screen, a pure function from a snapshot, the view and the time to cells. The parts are
//! drawn in files of their own; the header and the banner here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::grid::{self, Banner, Grid, LEAST};
use super::options::Colour;
use super::palette::{self, Role};
use super::status::Status;
use super::text::{clip, width, wrap};
use super::tile::{self, Look, Selection};
use super::view::{Page, View};
use super::{detail, figures, footer, help, notices};
use crate::event::Code;
use crate::lang::{self, Caption, Language, Word, advice};
use crate::station::{Halt, LineState, Snapshot};

/// All that the screen shows.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub snapshot: &'a Snapshot,
    pub view: &'a View,
    pub caption: Option<Caption>,
    pub colour: Colour,
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

    pub fn look(&self) -> Look {
        Look {
            now: self.now,
            language: self.view.language,
            colour: self.colour,
        }
    }

    /// Where everything is on a screen of this size.
    pub fn grid(&self, area: Rect) -> Option<Grid> {
        let banner = match self.snapshot.line {
            _ if self.caption == Some(Caption::DaemonLost) => Banner::Shown,
            LineState::Stopped { .. } | LineState::Halted(_) => Banner::Shown,
            LineState::Running | LineState::Ending => Banner::Hidden,
        };
        grid::layout(area, self.snapshot.slots.len(), banner)
    }
}

/// Draws the whole screen.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(grid) = scene.grid(area) else {
        too_small(scene, area, buffer);
        return;
    };
    header(scene, grid.header, buffer);
    if let Some(rect) = grid.banner {
        banner(scene, rect, buffer);
    }
    figures::draw(scene, grid.figures, buffer);
    let middle = Rect::new(
        area.x,
        grid.figures.bottom(),
        area.width,
        grid.footer.y - grid.figures.bottom(),
    );
    match (scene.view.page, scene.view.selected_index(scene.snapshot)) {
        (Page::Help, _) => help::draw(scene, middle, buffer),
        (Page::Detail, Some(index)) => detail::draw(scene, index, middle, buffer),
        (Page::Bench | Page::Detail, selected) => {
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
    }
    footer::draw(scene, grid.footer, buffer);
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
    let left = format!(
        "{} {}   {} {}   {} {}",
        scene.word(Word::Station),
        snapshot.station,
        snapshot.product,
        snapshot.version,
        scene.word(Word::Bundle),
        snapshot.bundle,
    );
    let cells = usize::from(area.width) - 2;
    let left = clip(&left, cells.saturating_sub(width(&right) + 2));
    buffer.set_string(area.x + 1, area.y, left, Style::new());
    let right = clip(&right, cells);
    let x = area.right() - 1 - width(&right) as u16;
    buffer.set_string(x, area.y, right, Style::new());
}

fn banner(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let cells = usize::from(area.width) - 2;
    if let Some(lost @ Caption::DaemonLost) = scene.caption {
        buffer.set_style(area, scene.role(Role::Banner));
        let sign = Status::LineStopped.sign();
        let text = format!("{sign} {}", lang::caption(lost, scene.language()));
        buffer.set_string(area.x + 1, area.y, clip(&text, cells), Style::new());
        return;
    }
    let why = match &scene.snapshot.line {
        LineState::Running | LineState::Ending => return,
        LineState::Stopped { code, detail } => {
            let remedy = advice(*code, scene.language()).remedy;
            format!("{code}: {remedy} ({detail})")
        }
        LineState::Halted(Halt::Failures { slots, code }) => {
            let halted = Code::LineHalted;
            let remedy = advice(halted, scene.language()).remedy;
            format!("{halted}: {remedy} ({slots} × {code})")
        }
        LineState::Halted(Halt::Asked { by }) => by.to_string(),
    };
    buffer.set_style(area, scene.role(Role::Banner));
    let text = format!(
        "{} {} {why}",
        Status::LineStopped.sign(),
        scene.word(Word::LineStopped),
    );
    buffer.set_string(area.x + 1, area.y, clip(&text, cells), Style::new());
}

#[cfg(test)]
mod tests;
