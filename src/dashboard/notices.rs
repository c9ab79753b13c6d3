//! What happened, below the tiles.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::Scene;
use super::figures;
use super::palette::{self, Role};
use super::status::Status;
use super::text::{clip, width};
use crate::event::{Notice, SlotId};
use crate::lang::{self, Word};

/// Notices, and beside them where there is room what the supervisor asks for.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    const SIDE_WIDTH: u16 = 42;
    if area.height < 4 {
        list(scene, None, area, buffer);
        return;
    }
    let mut left = area;
    if area.width >= 120 {
        left.width -= SIDE_WIDTH + 2;
        let side = Rect {
            x: left.right() + 2,
            width: SIDE_WIDTH,
            ..area
        };
        figures::standing(scene, side, buffer);
    }
    heading(scene, Word::Notices, left, buffer);
    let rest = Rect {
        y: left.y + 1,
        height: left.height - 1,
        ..left
    };
    list(scene, None, rest, buffer);
}

fn heading(scene: &Scene<'_>, word: Word, area: Rect, buffer: &mut Buffer) {
    let style = scene.role(Role::Heading);
    buffer.set_string(area.x + 1, area.y, scene.word(word), style);
}

/// The newest notices, of one slot or of all, the newest at the bottom.
pub fn list(scene: &Scene<'_>, of: Option<&SlotId>, area: Rect, buffer: &mut Buffer) {
    let shown: Vec<&Notice> = scene
        .snapshot
        .notices
        .iter()
        .map(|notice| &**notice)
        .filter(|notice| of.is_none() || notice.slot.as_ref() == of)
        .collect();
    let first = shown.len().saturating_sub(area.height.into());
    let names = scene
        .snapshot
        .slots
        .iter()
        .map(|slot| width(slot.slot.as_str()));
    let name_cells = names.max().unwrap_or(0).min(12);
    for (row, notice) in (area.y..area.bottom()).zip(&shown[first..]) {
        let time = time_of_day(notice.at, scene.zone);
        let slot = notice.slot.as_ref().map(SlotId::as_str).unwrap_or("");
        let slot = clip(slot, name_cells);
        let pad = " ".repeat(name_cells - width(&slot));
        let status = Status::of_notice(&notice.what);
        let sign = status.map(Status::sign).unwrap_or(" ");
        let start = format!("{time}  {slot}{pad} {sign} ");
        buffer.set_string(area.x + 1, row, &start, scene.role(Role::Dim));
        let x = area.x + 1 + width(&start) as u16;
        let cells = usize::from(area.right().saturating_sub(x + 1));
        let style = status.map_or(Style::new(), |status| palette::text(status, scene.colour));
        let text = lang::notice(notice, scene.language());
        buffer.set_string(x, row, clip(&text, cells), style);
    }
}

/// The time of day in a zone, to the second.
pub fn time_of_day(at: jiff::Timestamp, zone: &jiff::tz::TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}
