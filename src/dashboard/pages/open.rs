//! Open units: boards that were left half-worked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::table::{self, Column};
use super::{heading, say};
use crate::dashboard::draw::Scene;
use crate::dashboard::view::open_units;
use crate::lang::{Label, Word, advice};
use crate::record::OpenUnit;

/// Draws the page.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    heading(
        scene,
        Label::OpenUnits,
        scene.word(Word::CutShort),
        area,
        buffer,
    );
    let below = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    let all = &scene.snapshot.standing.open_units;
    if all.is_empty() {
        say(scene.label(Label::NoOpenUnits), below, buffer);
        return;
    }
    let column = |cell: &dyn Fn(&OpenUnit) -> String| all.iter().map(cell).collect::<Vec<_>>();
    let since = |open: &OpenUnit| {
        let at = open.since.to_zoned(scene.zone.clone());
        at.strftime("%m-%d %H:%M").to_string()
    };
    let columns = vec![
        Column::new(
            scene.label(Label::Unit),
            0,
            column(&|open| open.unit.to_string()),
        ),
        Column::new(
            scene.word(Word::Slot),
            0,
            column(&|open| open.slot.to_string()),
        ),
        Column::new(scene.label(Label::Since), 1, column(&since)),
        Column::new(
            scene.word(Word::Code),
            0,
            column(&|open| open.code.to_string()),
        ),
        Column::new(
            scene.word(Word::WhatHappened),
            2,
            column(&|open| advice(open.code, scene.language()).happened.to_owned()),
        ),
    ];
    let styles = vec![Style::new(); all.len()];
    let chosen = scene.view.unit.index(&open_units(scene.snapshot));
    table::draw(scene, columns, &styles, chosen, below, buffer);
}
