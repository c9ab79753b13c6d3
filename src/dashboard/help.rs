//! The keys, and what signs and colours mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::Scene;
use super::palette::{self, Role};
use super::status::Status;
use super::text::clip;
use crate::lang::Word;

const KEYS: [(&str, Word); 8] = [
    ("←↑↓→", Word::KeyArrows),
    ("Enter", Word::KeyEnter),
    ("Esc", Word::KeyEscape),
    ("s", Word::KeyStart),
    ("x", Word::KeyStop),
    ("l", Word::KeyLanguage),
    ("?", Word::KeyHelp),
    ("q", Word::KeyQuit),
];

/// Draws the page; the signs stand in as many columns as they need.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let cells = usize::from(area.width);
    let mut y = area.y;
    let heading = |word, y, buffer: &mut Buffer| {
        let style = scene.role(Role::Heading);
        buffer.set_string(area.x + 1, y, scene.word(word), style);
    };
    heading(Word::Help, y, buffer);
    y += 1;
    for (key, word) in KEYS {
        buffer.set_string(area.x + 1, y, key, scene.role(Role::Key));
        let text = clip(scene.word(word), cells.saturating_sub(9));
        buffer.set_string(area.x + 8, y, text, Style::new());
        y += 1;
    }
    heading(Word::Colours, y, buffer);
    y += 1;
    let rows = area.bottom().saturating_sub(y).max(1);
    for (index, status) in (0u16..).zip(Status::ALL) {
        let column = index / rows;
        let x = area.x + 1 + column * 20;
        if x + 19 > area.right() {
            break;
        }
        let style = palette::tile_head(status, scene.colour);
        let text = format!(" {} {}", status.sign(), scene.word(status.word()));
        let text = format!("{:<19}", clip(&text, 19));
        buffer.set_stringn(x, y + index % rows, text, 19, style);
    }
}
