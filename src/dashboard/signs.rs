//! What stands for each drawn character where a terminal has nothing but ASCII: one table for signs, bars,
//! frames and arrows, laid over a picture that is drawn already, so that no view needs a second set of its
//! own. Leaves out who has such a terminal (`options`).

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthChar;

use crate::lang::Language;

/// The characters that a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signs {
    /// Blocks, arrows and signs of Unicode.
    Unicode,
    /// Nothing but ASCII, and Chinese words where that is the language.
    Ascii,
}

/// Turns a picture with words of this language into one of these characters.
pub fn lay(signs: Signs, language: Language, buffer: &mut Buffer) {
    if signs == Signs::Unicode {
        return;
    }
    for cell in &mut buffer.content {
        let mut characters = cell.symbol().chars();
        let (Some(first), None) = (characters.next(), characters.next()) else {
            // what combines several: its first cell is told, the next one stays blank
            if !cell.symbol().is_ascii() {
                cell.set_char('?');
            }
            continue;
        };
        let stands = match (language, first.width()) {
            // a name: its second cell stays blank
            (Language::English, Some(2)) => '?',
            _ => ascii(first),
        };
        if stands != first {
            cell.set_char(stands);
        }
    }
}

/// A line in these characters.
pub fn line(signs: Signs, text: &str) -> String {
    match signs {
        Signs::Unicode => text.to_owned(),
        Signs::Ascii => text.chars().map(ascii).collect(),
    }
}

/// What stands for a character. Wide ones stay: words, which nothing else stands for.
const fn known(character: char) -> char {
    match character {
        // the signs of `Status`
        '▸' => '>',
        '✔' => '+',
        '↻' => '*',
        '≈' => ':',
        '✘' => 'X',
        '■' => '@',
        '‖' => '/',
        'Ø' => '0',
        '¿' => '%',
        // bars and charts
        '▓' => '=',
        '█' | '▉' | '▊' | '▋' => '#',
        '▌' | '▐' | '▍' | '▎' | '▏' => '|',
        '░' | '▒' => '.',
        '▀' | '▔' => '"',
        '▄' | '▁' | '▂' | '▃' => '_',
        '▅' | '▆' | '▇' => '#',
        // arrows
        '←' | '◂' | '◀' | '‹' | '«' => '<',
        '→' | '▶' | '›' | '»' => '>',
        '↑' | '▲' | '△' => '^',
        '↓' | '▼' | '▽' => 'v',
        '↵' => '<',
        // frames
        '─' | '━' | '–' | '—' | '−' | '‑' | '╌' | '┄' => '-',
        '│' | '┃' | '║' | '╎' | '┆' => '|',
        '═' => '=',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╰' | '╯' | '╔' | '╗'
        | '╚' | '╝' => '+',
        // in texts
        '×' => 'x',
        '…' => '~',
        '·' | '•' | '●' | '○' | '◆' | '◇' => '*',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        'µ' | 'μ' => 'u',
        '≥' => '>',
        '≤' => '<',
        '±' => '+',
        '☑' => 'x',
        // a key that needs a supervisor
        '‡' => '!',
        '⚠' => '!',
        character => character,
    }
}

fn ascii(character: char) -> char {
    let stands = known(character);
    match stands.width() {
        Some(1) if !stands.is_ascii() => '?',
        _ => stands,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::super::status::Status;
    use super::*;

    #[test]
    fn each_status_has_a_sign_of_its_own() {
        let signs: std::collections::BTreeSet<String> = Status::ALL
            .map(|status| line(Signs::Ascii, status.sign()))
            .into();
        assert_eq!(signs.len(), Status::ALL.len(), "{signs:?}");
        assert!(signs.iter().all(|sign| sign.is_ascii()));
    }

    #[test]
    fn words_of_wide_characters_stay_and_others_are_marked() {
        let check = |text, expected: &str| assert_eq!(line(Signs::Ascii, text), expected);
        check("✔ PASS  3 × NO_SYNC …", "+ PASS  3 x NO_SYNC ~");
        check("═╔→ ö", "=+> ?");
        check("✔ 合格", "+ 合格");
    }

    #[test]
    fn a_picture_keeps_its_cells() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, "▸写…e\u{301}x", Style::new());
        let mut english = buffer.clone();
        lay(Signs::Ascii, Language::English, &mut english);
        assert_eq!(english[(1, 0)].symbol(), "?");
        lay(Signs::Ascii, Language::Chinese, &mut buffer);
        let cells: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
        assert_eq!(cells[..6], [">", "写", " ", "~", "?", "x"]);
    }
}
