//! The keys, and what signs and colours mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::Scene;
use super::options::Quit;
use super::palette::{self, Role};
use super::status::Status;
use super::text::clip;
use crate::lang::Word;

const KEYS: [(&str, Word); 12] = [
    ("←↑↓→", Word::KeyArrows),
    ("Enter", Word::KeyEnter),
    ("Esc", Word::KeyEscape),
    ("s", Word::KeyStart),
    ("x", Word::KeyStop),
    ("p  g", Word::KeySlot),
    ("P  G", Word::KeyLine),
    ("b", Word::KeyBundle),
    ("▌▐║▌", Word::KeyScan),
    ("l", Word::KeyLanguage),
    ("?", Word::KeyHelp),
    ("q", Word::KeyQuit),
];

/// Columns of signs are so wide, cells.
const SIGN_CELLS: u16 = 20;

/// Draws the keys, and the signs below them where there is room for all.
pub fn keys(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    heading(scene, Word::Help, area, buffer);
    let mut y = area.y + 1;
    for (key, word) in KEYS {
        if y >= area.bottom() {
            return;
        }
        let word = match (word, scene.view.quit) {
            (Word::KeyQuit, Quit::LeaveOnly) => Word::KeyLeave,
            (word, _) => word,
        };
        buffer.set_string(area.x + 1, y, key, scene.role(Role::Key));
        let cells = usize::from(area.width).saturating_sub(9);
        let text = clip(scene.word(word), cells);
        buffer.set_string(area.x + 8, y, text, Style::new());
        y += 1;
    }
    let rest = Rect {
        y,
        height: area.bottom().saturating_sub(y),
        ..area
    };
    let columns = usize::from((area.width / SIGN_CELLS).max(1));
    if usize::from(rest.height) > Status::ALL.len().div_ceil(columns) {
        signs(scene, rest, buffer);
    }
}

/// Draws the signs in as many columns as they need.
pub fn signs(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    heading(scene, Word::Colours, area, buffer);
    let top = area.y + 1;
    let rows = area.bottom().saturating_sub(top).max(1);
    for (index, status) in (0u16..).zip(Status::ALL) {
        let x = area.x + 1 + index / rows * SIGN_CELLS;
        if x + SIGN_CELLS - 1 > area.right() {
            break;
        }
        let style = palette::tile_head(status, scene.colour);
        let text = format!(" {} {}", status.sign(), scene.word(status.word()));
        let text = format!("{:<19}", clip(&text, 19));
        buffer.set_stringn(x, top + index % rows, text, 19, style);
    }
}

fn heading(scene: &Scene<'_>, word: Word, area: Rect, buffer: &mut Buffer) {
    let style = scene.role(Role::Heading);
    buffer.set_string(area.x + 1, area.y, scene.word(word), style);
}
