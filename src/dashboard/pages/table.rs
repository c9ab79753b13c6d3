//! A list in columns: as many as fit, the least important left out first, one row chosen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::sheet::{pad, pad_left};
use crate::dashboard::draw::Scene;
use crate::dashboard::options::Colour;
use crate::dashboard::palette::{self, Role};
use crate::dashboard::text::{clip, width};

/// A column.
pub struct Column {
    pub head: &'static str,
    pub cells: Vec<String>,
    pub align: Align,
    /// Columns with a higher number are left out first; 0 stays.
    pub rank: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

impl Column {
    pub fn new(head: &'static str, rank: u8, cells: Vec<String>) -> Column {
        Column {
            head,
            cells,
            align: Align::Left,
            rank,
        }
    }

    pub fn right(self) -> Column {
        Column {
            align: Align::Right,
            ..self
        }
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| width(cell));
        cells.max().unwrap_or(0).max(width(self.head)).min(MOST)
    }

    fn padded(&self, text: &str, cells: usize) -> String {
        match self.align {
            Align::Left => pad(text, cells),
            Align::Right => pad_left(text, cells),
        }
    }
}

/// No column is wider, cells.
const MOST: usize = 32;

const GAP: usize = 2;

/// Draws a heading row and below it the page of rows that has the chosen one; `styles` has one per row.
pub fn draw(
    scene: &Scene<'_>,
    mut columns: Vec<Column>,
    styles: &[Style],
    chosen: Option<usize>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let room = usize::from(area.width).saturating_sub(3);
    let needed =
        |columns: &[Column]| -> usize { columns.iter().map(|column| column.width() + GAP).sum() };
    while needed(&columns) > room + GAP {
        let last = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.rank > 0)
            .max_by_key(|(_, column)| column.rank);
        let Some((index, _)) = last else { break };
        columns.remove(index);
    }
    let line = |cells: &dyn Fn(&Column) -> String| {
        let parts: Vec<String> = columns
            .iter()
            .map(|column| column.padded(&cells(column), column.width()))
            .collect();
        clip(parts.join("  ").trim_end(), room)
    };
    if area.height == 0 {
        return;
    }
    let head = line(&|column| column.head.to_owned());
    buffer.set_string(area.x + 2, area.y, head, scene.role(Role::Dim));
    let rows = rows(area);
    let first = chosen.map_or(0, |chosen| chosen / rows.max(1) * rows.max(1));
    let shown = styles.iter().enumerate().skip(first).take(rows);
    for (y, (index, style)) in (area.y + 1..).zip(shown) {
        let text = line(&|column| column.cells[index].clone());
        buffer.set_string(area.x + 2, y, text, *style);
        if chosen == Some(index) {
            let row = Rect::new(area.x, y, area.width, 1);
            buffer.set_style(row, chosen_row(scene.colour));
            buffer.set_string(area.x, y, "▶", Style::new());
        }
    }
}

/// Rows that are shown at once.
pub fn rows(area: Rect) -> usize {
    usize::from(area.height).saturating_sub(1)
}

fn chosen_row(colour: Colour) -> Style {
    match colour {
        Colour::Colour => palette::selected(colour),
        Colour::None => Style::new().add_modifier(Modifier::REVERSED),
    }
}
