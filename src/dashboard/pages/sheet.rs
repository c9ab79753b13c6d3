//! A page of lines that scrolls: blocks with headings, side by side where the screen is wide.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::dashboard::draw::Scene;
use crate::dashboard::palette::Role;
use crate::dashboard::text::{clip, width, wrap};

/// A column of facts is at least so wide, cells.
pub const WIDE: u16 = 58;

/// A column of keys.
pub const NARROW: u16 = 38;

/// Between two columns.
const GAP: u16 = 2;

/// Parts of a line, each with its style.
pub type Line = Vec<(String, Style)>;

/// Lines that stay together.
pub type Block = Vec<Line>;

/// Blocks in their columns.
pub struct Sheet {
    columns: Vec<Block>,
    cells: u16,
}

impl Sheet {
    /// Lays blocks, which are made for the cells of a column, into as many columns as find room.
    pub fn lay(area: Rect, least: u16, blocks: impl Fn(usize) -> Vec<Block>) -> Sheet {
        let room = area.width.saturating_sub(2);
        let count = ((room + GAP) / (least + GAP)).clamp(1, 3);
        let cells = (room + GAP) / count - GAP;
        let blocks = blocks(cells.into());
        // as low as the columns allow, and no lower than the screen
        let mut rows = usize::from(area.height);
        let columns = loop {
            match fill(&blocks, count.into(), rows) {
                Some(columns) => break columns,
                None => rows += 1,
            }
        };
        Sheet { columns, cells }
    }

    /// So many lines can be above the top.
    pub fn limit(&self, area: Rect) -> usize {
        let longest = self.columns.iter().map(Vec::len).max().unwrap_or(0);
        longest.saturating_sub(area.height.into())
    }

    pub fn draw(&self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let limit = self.limit(area);
        let top = scene.view.scroll.min(limit);
        let mut x = area.x + 1;
        for column in &self.columns {
            // a short column stays where it is as long as it fits
            let top = top.min(column.len().saturating_sub(area.height.into()));
            for (y, line) in (area.y..area.bottom()).zip(column.iter().skip(top)) {
                draw_line(line, x, y, self.cells, buffer);
            }
            x += self.cells + GAP;
        }
        if limit > top && area.height > 0 {
            let more = format!(" ▼ {} ", limit - top);
            let x = area.right().saturating_sub(width(&more) as u16);
            let style = scene.role(Role::Message);
            buffer.set_stringn(x, area.bottom() - 1, more, area.width.into(), style);
        }
    }
}

/// Blocks in their order in at most so many columns of so many rows; a block that is higher has a column.
fn fill(blocks: &[Block], count: usize, rows: usize) -> Option<Vec<Block>> {
    let mut columns: Vec<Block> = Vec::new();
    for block in blocks {
        match columns.last_mut() {
            Some(column) if count == 1 || column.len() + 1 + block.len() <= rows => {
                column.push(Vec::new());
                column.extend(block.iter().cloned());
            }
            _ => columns.push(block.clone()),
        }
    }
    (columns.len() <= count).then_some(columns)
}

fn draw_line(line: &Line, x: u16, y: u16, cells: u16, buffer: &mut Buffer) {
    let end = x + cells;
    let mut x = x;
    for (text, style) in line {
        let room = usize::from(end.saturating_sub(x));
        let text = clip(text, room);
        buffer.set_string(x, y, &text, *style);
        x += width(&text) as u16;
    }
}

/// A line of a heading.
pub fn heading(scene: &Scene<'_>, text: &str) -> Line {
    vec![(text.to_owned(), scene.role(Role::Heading))]
}

/// Running text in lines.
pub fn plain(text: &str, cells: usize) -> Block {
    let lines = wrap(text, cells).into_iter();
    lines.map(|line| vec![(line, Style::new())]).collect()
}

/// A heading over running texts, each on lines of its own.
pub fn section<'a>(
    scene: &Scene<'_>,
    name: &str,
    texts: impl IntoIterator<Item = &'a str>,
    cells: usize,
) -> Block {
    let mut block = vec![heading(scene, name)];
    for text in texts {
        block.extend(plain(text, cells));
    }
    block
}

/// Names and values in two columns; several values of one name have it once.
pub fn facts(scene: &Scene<'_>, rows: &[(&'static str, String)], cells: usize) -> Block {
    let names = rows.iter().map(|(name, _)| width(name));
    let name_cells = names.max().unwrap_or(0);
    let value_cells = cells.saturating_sub(name_cells + 2).max(8);
    let mut block = Vec::new();
    let mut before = None;
    for (name, value) in rows {
        let is_first = before.replace(name) != Some(name);
        for (number, line) in wrap(value, value_cells).into_iter().enumerate() {
            let name = if number == 0 && is_first { name } else { "" };
            let name = pad(name, name_cells + 2);
            block.push(vec![(name, scene.role(Role::Dim)), (line, Style::new())]);
        }
    }
    block
}

/// The text and blanks to its right up to so many cells.
pub fn pad(text: &str, cells: usize) -> String {
    let text = clip(text, cells);
    let blanks = cells - width(&text);
    format!("{text}{}", " ".repeat(blanks))
}

/// Blanks up to so many cells, and the text behind them.
pub fn pad_left(text: &str, cells: usize) -> String {
    let text = clip(text, cells);
    let blanks = cells - width(&text);
    format!("{}{text}", " ".repeat(blanks))
}
