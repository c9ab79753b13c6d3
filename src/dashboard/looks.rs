//! A view in every look: both languages, three sizes, Unicode and ASCII, with colours and without. What
//! differs only in its characters or its styles is kept as that difference.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw::{Scene, draw};
use super::fixture;
use super::options::Colour;
use super::past::Past;
use super::signs::Signs;
use super::text::width;
use super::view::View;
use crate::lang::Language;
use crate::station::Snapshot;

/// The sizes of every view.
pub const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Compares a view with its snapshots, one for each language and size: the text, the lines that are others
/// in ASCII, and the styles with colours and without.
pub fn every_look(name: &str, snapshot: &Snapshot, view: &View) {
    every_look_at(name, snapshot, view, &Past::default());
}

/// The same of a view of the past.
pub fn every_look_at(name: &str, snapshot: &Snapshot, view: &View, past: &Past) {
    for (language, tongue) in [(Language::English, "en"), (Language::Chinese, "zh")] {
        let view = View {
            language,
            ..view.clone()
        };
        for size in SIZES {
            let draw = |colour, signs| screen_at(snapshot, &view, past, colour, signs, size);
            let colour = draw(Colour::Colour, Signs::Unicode);
            let none = draw(Colour::None, Signs::Unicode);
            assert_eq!(text(&colour), text(&none), "colours change no character");
            let ascii = text(&draw(Colour::Colour, Signs::Ascii));
            if language == Language::English {
                assert!(ascii.is_ascii(), "{ascii}");
            }
            let looks = format!(
                "{}--- in ASCII\n{}--- styles\n{}",
                text(&colour),
                others(&text(&colour), &ascii),
                styles(&[("in colour", &colour), ("without", &none)])
            );
            insta::assert_snapshot!(format!("{name}_{tongue}_{}x{}", size.0, size.1), looks);
        }
    }
}

/// The screen of a snapshot, as cells and as styles.
pub fn screen(
    snapshot: &Snapshot,
    view: &View,
    colour: Colour,
    signs: Signs,
    size: (u16, u16),
) -> Buffer {
    screen_at(snapshot, view, &Past::default(), colour, signs, size)
}

/// The screen of a snapshot and of what is known of the past.
pub fn screen_at(
    snapshot: &Snapshot,
    view: &View,
    past: &Past,
    colour: Colour,
    signs: Signs,
    (width, height): (u16, u16),
) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let scene = Scene {
        snapshot,
        view,
        past,
        caption: None,
        colour,
        signs,
        zone: &jiff::tz::TimeZone::UTC,
        now: fixture::now(),
    };
    draw(&scene, area, &mut buffer);
    buffer
}

/// Cells as lines; the second cell of a wide character is left out.
pub fn text(buffer: &Buffer) -> String {
    let mut lines = String::new();
    for y in buffer.area.rows().map(|row| row.y) {
        let mut line = String::new();
        let mut x = buffer.area.x;
        while x < buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += (width(symbol) as u16).max(1);
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// The numbered lines of the second text that the first has not.
fn others(before: &str, after: &str) -> String {
    let pairs = before.lines().zip(after.lines()).enumerate();
    pairs
        .filter(|(_, (before, after))| before != after)
        .map(|(row, (_, after))| format!("{:>2} {after}\n", row + 1))
        .collect()
}

/// For each row its runs of one style, a letter and how many cells, and what the letters mean; `.` is the
/// terminal's own. Rows that look like the one before are folded.
pub fn styles(pictures: &[(&str, &Buffer)]) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut names = ('a'..='z').chain('A'..='Z');
    let mut map = String::new();
    for (name, buffer) in pictures {
        map.push_str(&format!("{name}:\n"));
        let mut rows: Vec<(u16, u16, String)> = Vec::new();
        for y in buffer.area.rows().map(|row| row.y) {
            let mut runs: Vec<(char, usize)> = Vec::new();
            for x in buffer.area.left()..buffer.area.right() {
                let cell = &buffer[(x, y)];
                let style = format!("{:?} on {:?} {:?}", cell.fg, cell.bg, cell.modifier);
                let letter = match &*style {
                    "Reset on Reset NONE" => '.',
                    _ => *letters
                        .entry(style)
                        .or_insert_with(|| names.next().expect("fewer styles than letters")),
                };
                match runs.last_mut() {
                    Some((last, cells)) if *last == letter => *cells += 1,
                    _ => runs.push((letter, 1)),
                }
            }
            if runs.last().is_some_and(|(letter, _)| *letter == '.') {
                runs.pop();
            }
            let runs: Vec<String> = runs
                .iter()
                .map(|(letter, cells)| format!("{letter}{cells}"))
                .collect();
            let runs = runs.join(" ");
            match rows.last_mut() {
                Some((_, last, before)) if *before == runs => *last = y + 1,
                _ => rows.push((y + 1, y + 1, runs)),
            }
        }
        for (first, last, runs) in rows.into_iter().filter(|(.., runs)| !runs.is_empty()) {
            let rows = match first == last {
                true => first.to_string(),
                false => format!("{first}-{last}"),
            };
            map.push_str(&format!("{rows:>5} {runs}\n"));
        }
    }
    let mut meaning: Vec<_> = letters.into_iter().collect();
    meaning.sort_by_key(|(_, letter)| *letter);
    for (style, letter) in meaning {
        map.push_str(&format!("{letter} = {style}\n"));
    }
    map
}
