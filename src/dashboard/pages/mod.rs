//! The dashboard's pages beside the bench: one slot in detail, recent jobs and one job's story, the day's
//! charts, lots, open units, the keys and signs; and the dialog over any page. Leaves out what a key does
//! (`view`) and the figures' computation (`record`).
//!
//! Every page has the slots' strip above it: no alarm hides behind a page.

mod charts;
mod detail;
mod dialog;
mod help;
mod jobs;
mod lots;
mod open;
mod sheet;
mod story;
mod strip;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use self::sheet::Sheet;
use super::draw::Scene;
use super::palette::Role;
use super::past::Known;
use super::text::wrap;
use super::view::Page;
use crate::lang::{self, Label};
use crate::station::enquiry::NotFound;

pub use dialog::draw as draw_dialog;
pub use help::LOCK;

/// A page's part below the strip.
pub fn body(area: Rect) -> Rect {
    Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    }
}

/// Draws the page that is on show; the bench is none.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    strip::draw(scene, area, buffer);
    let body = body(area);
    match scene.view.page {
        Page::Jobs => jobs::draw(scene, body, buffer),
        Page::Lots => lots::draw(scene, body, buffer),
        Page::Open => open::draw(scene, body, buffer),
        _ => {
            if let Some(sheet) = sheet(scene, body) {
                sheet.draw(scene, body, buffer);
            }
        }
    }
}

/// So many lines of the page can be above its top.
pub fn scroll_limit(scene: &Scene<'_>, area: Rect) -> usize {
    let body = body(area);
    sheet(scene, body).map_or(0, |sheet| sheet.limit(body))
}

/// What is on a page of running text.
fn sheet(scene: &Scene<'_>, area: Rect) -> Option<Sheet> {
    Some(match scene.view.page {
        Page::Bench | Page::Jobs | Page::Lots | Page::Open => return None,
        Page::Detail => {
            let index = scene.view.selected_index(scene.snapshot)?;
            Sheet::lay(area, sheet::WIDE, |cells| {
                detail::blocks(scene, index, cells)
            })
        }
        Page::Story(job) => Sheet::lay(area, sheet::WIDE, |cells| match scene.past.story(job) {
            Known::There(Some(found)) => story::blocks(scene, found, cells),
            Known::There(None) => {
                vec![sheet::plain(scene.label(Label::NoSuchJob), cells)]
            }
            not_there => missing(scene, &not_there)
                .map_or_else(Vec::new, |text| vec![sheet::plain(&text, cells)]),
        }),
        Page::Charts => Sheet::lay(area, sheet::WIDE, |cells| charts::blocks(scene, cells)),
        Page::Help => Sheet::lay(area, sheet::NARROW, |_| help::keys(scene)),
        Page::Signs => Sheet::lay(area, sheet::NARROW, |_| help::signs(scene)),
    })
}

/// What is said where an answer is not there; `None`: it is.
fn missing<T>(scene: &Scene<'_>, known: &Known<'_, T>) -> Option<String> {
    match known {
        Known::There(_) => None,
        Known::NotYet => Some(scene.label(Label::NotYet).to_owned()),
        Known::Not(NotFound::Unreadable(why)) => {
            Some(format!("{}: {why}", scene.label(Label::Unreadable)))
        }
        Known::Not(NotFound::Busy) => Some(scene.label(Label::RecordBusy).to_owned()),
        Known::Not(NotFound::Silent) => Some(scene.label(Label::Silent).to_owned()),
    }
}

/// A heading, and beside it what it is about.
fn heading(scene: &Scene<'_>, label: Label, beside: &str, area: Rect, buffer: &mut Buffer) {
    let text = scene.label(label);
    buffer.set_string(area.x + 1, area.y, text, scene.role(Role::Heading));
    let x = area.x + 1 + super::text::width(text) as u16 + 2;
    let cells = usize::from(area.right().saturating_sub(x + 1));
    let beside = super::text::clip(beside, cells);
    buffer.set_string(x, area.y, beside, scene.role(Role::Dim));
}

/// Running text from the second row of an area.
fn say(text: &str, area: Rect, buffer: &mut Buffer) {
    let cells = usize::from(area.width).saturating_sub(2);
    for (y, line) in (area.y + 2..area.bottom()).zip(wrap(text, cells)) {
        buffer.set_string(area.x + 1, y, line, Style::new());
    }
}

/// The label of a thing in this language.
impl Scene<'_> {
    pub fn label(&self, label: Label) -> &'static str {
        lang::label(label, self.language())
    }
}

#[cfg(test)]
mod tests;
