//! Fitting text into cells: a Chinese character takes two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The cells that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `cells` cells; where something was cut off it ends in `…`.
pub fn clip(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let Some(room) = cells.checked_sub(1) else {
        return String::new();
    };
    let mut clipped = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > room {
            break;
        }
        clipped.push(character);
    }
    let mut clipped = clipped.trim_end().to_owned();
    clipped.push('…');
    clipped
}

/// The text in lines of at most `cells` cells, broken at spaces and between wide characters; a
/// longer word is broken where the line ends.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for piece in pieces(text) {
        let bare = piece.trim_end();
        if used + bare.width() > cells && used > 0 {
            lines.push(line.trim_end().to_owned());
            line.clear();
            used = 0;
        }
        for character in piece.chars() {
            let wide = character.width().unwrap_or(0);
            if used + wide > cells {
                if character == ' ' {
                    continue;
                }
                if used > 0 {
                    lines.push(line.trim_end().to_owned());
                    line.clear();
                    used = 0;
                }
            }
            line.push(character);
            used += wide;
        }
    }
    if !line.trim_end().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// At most `rows` lines; where some were dropped the last one ends in `…`.
pub fn wrap_into(text: &str, cells: usize, rows: usize) -> Vec<String> {
    let mut lines = wrap(text, cells);
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            *last = clip(&format!("{last} …"), cells);
        }
    }
    lines
}

/// The parts between which a line may break: words with the spaces after them, and wide characters
/// one by one, with closing punctuation kept at what it closes.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut previous: Option<char> = None;
    for (index, character) in text.char_indices() {
        let breaks = previous.is_some_and(|before| {
            let wide = |c: char| c.width() == Some(2);
            (before == ' ' && character != ' ')
                || ((wide(before) || wide(character)) && character != ' ' && !closes(character))
        });
        if breaks {
            pieces.push(&text[start..index]);
            start = index;
        }
        previous = Some(character);
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

/// Punctuation that must not begin a line.
fn closes(character: char) -> bool {
    matches!(
        character,
        '，' | '。' | '；' | '：' | '）' | '、' | '！' | '？' | ',' | '.' | ';' | ':' | ')'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_clipped_at_its_cells() {
        let check = |text, cells, expected: &str| assert_eq!(clip(text, cells), expected);
        check("PASS", 4, "PASS");
        check("board removed", 7, "board…");
        check("拔出过早", 8, "拔出过早");
        check("拔出过早", 6, "拔出…");
        check("PASS", 0, "");
    }

    #[test]
    fn a_text_is_wrapped_at_words_and_wide_characters() {
        let check = |text, cells, expected: &[&str]| assert_eq!(wrap(text, cells), expected);
        check(
            "Bad bin: check the flash",
            9,
            &["Bad bin:", "check the", "flash"],
        );
        check("pci-0000:00:14.0", 8, &["pci-0000", ":00:14.0"]);
        check("重新插入，等工位变绿", 9, &["重新插", "入，等工", "位变绿"]);
        check("", 9, &[]);
    }

    #[test]
    fn what_does_not_fit_is_marked() {
        let check = |text, cells, rows, expected: &[&str]| {
            assert_eq!(wrap_into(text, cells, rows), expected);
        };
        check("one two three", 7, 2, &["one two", "three"]);
        check("one two three", 7, 1, &["one tw…"]);
        check("one a three", 6, 1, &["one a…"]);
        check("one three", 6, 1, &["one …"]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_nothing_is_lost(text in "[a-z，。板插 ]{0,60}", cells in 2usize..20) {
            let lines = wrap(&text, cells);
            for line in &lines {
                prop_assert!(width(line) <= cells, "{line:?}");
            }
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn a_clipped_text_fits(text in "\\PC{0,40}", cells in 0usize..30) {
            prop_assert!(width(&clip(&text, cells)) <= cells);
        }
    }
}
