//! The line's figures: yield in one line, and beside the notices what the supervisor asks for. The
//! figures come computed from the record.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::Scene;
use super::palette::{self, Role};
use super::status::Status;
use super::text::{clip, width};
use crate::lang::{self, Language, Word};
use crate::record::Yield;

/// The yield, part by part; one that does not fit leaves its place to the next.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let language = scene.language();
    let standing = &scene.snapshot.standing;
    let plain = scene.role(Role::Figures);
    let mut parts: Vec<(String, Style)> = yield_parts(&standing.today, language)
        .into_iter()
        .map(|part| (part, plain))
        .collect();
    let open = standing.open_units.len();
    let style = match open {
        0 => plain,
        _ => palette::text(Status::Waiting, scene.colour),
    };
    parts.push((format!("{} {open}", scene.word(Word::OpenUnits)), style));
    let unassigned = scene.snapshot.unassigned.len();
    if unassigned > 0 {
        let style = scene.role(Role::Dim);
        parts.push((lang::unassigned(unassigned, language), style));
    }
    let mut x = area.x + 1;
    for (text, style) in parts {
        let end = x + width(&text) as u16;
        if end >= area.right() {
            continue;
        }
        buffer.set_string(x, area.y, text, style);
        x = end + 3;
    }
}

/// Today's units, first-pass and final yield, units that are written and unverified where there are
/// any, and the median cycle.
pub fn yield_parts(today: &Yield, language: Language) -> Vec<String> {
    let percent = |part: u64| match today.units {
        0 => "-".to_owned(),
        units => format!("{:.1} %", part as f64 * 100.0 / units as f64),
    };
    let median = match today.median_cycle {
        None => "-".to_owned(),
        Some(median) => format!("{:.1} s", median.as_secs_f64()),
    };
    let word = |word| lang::word(word, language);
    let mut parts = vec![
        format!(
            "{} {}",
            word(Word::Today),
            lang::units(today.units, language)
        ),
        format!("{} {}", word(Word::FirstPass), percent(today.first_pass)),
        format!("{} {}", word(Word::FinalPass), percent(today.passed)),
        format!("{} {median}", word(Word::MedianCycle)),
    ];
    if today.written > 0 {
        parts.insert(3, format!("{} {}", word(Word::NotVerified), today.written));
    }
    parts
}

/// Failures by code, open units, ports left alone.
pub fn standing(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let standing = &scene.snapshot.standing;
    let mut lines: Vec<(String, Style)> = Vec::new();
    let head = scene.role(Role::Heading);
    let mut section = |word: Word, entries: Vec<String>| {
        if entries.is_empty() {
            return;
        }
        lines.push((scene.word(word).to_owned(), head));
        lines.extend(entries.into_iter().map(|entry| (entry, Style::new())));
    };
    section(
        Word::Failures,
        standing
            .today
            .failures
            .iter()
            .map(|(code, count)| format!("{count:>4}  {code}"))
            .collect(),
    );
    section(
        Word::CutShort,
        standing
            .open_units
            .iter()
            .map(|unit| {
                let slot = scene.word(Word::Slot);
                format!("{}  {slot} {}  {}", unit.unit, unit.slot, unit.code)
            })
            .collect(),
    );
    section(
        Word::UnassignedPorts,
        scene
            .snapshot
            .unassigned
            .iter()
            .map(|port| format!("{}: {}", port.port, port.why))
            .collect(),
    );
    for (row, (text, style)) in (area.y..area.bottom()).zip(lines) {
        buffer.set_string(area.x, row, clip(&text, area.width.into()), style);
    }
}
