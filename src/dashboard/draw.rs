//! The bench screen: header, banner, figures, tiles, notices, footer. A pure function from a
//! snapshot, the view and the time to cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::grid::{self, Banner, Grid, LEAST};
use super::options::Colour;
use super::palette::{self, Role};
use super::status::Status;
use super::text::{clip, width, wrap};
use super::tile::{self, Look, Selection};
use super::view::{Page, Prompt, View, at_work};
use super::{detail, help};
use crate::event::{Notice, SlotId};
use crate::lang::{self, Caption, Language, Word, advice};
use crate::record::Yield;
use crate::station::{LineState, RequestRefused, Snapshot};

/// All that the screen shows.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub snapshot: &'a Snapshot,
    pub view: &'a View,
    pub caption: Option<Caption>,
    pub colour: Colour,
    pub zone: &'a jiff::tz::TimeZone,
    pub now: jiff::Timestamp,
}

impl Scene<'_> {
    pub fn language(&self) -> Language {
        self.view.language
    }

    pub fn word(&self, word: Word) -> &'static str {
        lang::word(word, self.view.language)
    }

    pub fn role(&self, role: Role) -> Style {
        palette::role(role, self.colour)
    }

    pub fn look(&self) -> Look {
        Look {
            now: self.now,
            language: self.view.language,
            colour: self.colour,
        }
    }

    /// Where everything is on a screen of this size.
    pub fn grid(&self, area: Rect) -> Option<Grid> {
        let banner = match self.snapshot.line {
            LineState::Stopped { .. } => Banner::Shown,
            LineState::Running | LineState::Ending => Banner::Hidden,
        };
        grid::layout(area, self.snapshot.slots.len(), banner)
    }
}

/// Draws the whole screen.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(grid) = scene.grid(area) else {
        too_small(scene, area, buffer);
        return;
    };
    header(scene, grid.header, buffer);
    if let Some(rect) = grid.banner {
        banner(scene, rect, buffer);
    }
    figures(scene, grid.figures, buffer);
    let middle = Rect::new(
        area.x,
        grid.figures.bottom(),
        area.width,
        grid.footer.y - grid.figures.bottom(),
    );
    match (scene.view.page, scene.view.selected_index(scene.snapshot)) {
        (Page::Help, _) => help::draw(scene, middle, buffer),
        (Page::Detail, Some(index)) => detail::draw(scene, index, middle, buffer),
        (Page::Bench | Page::Detail, selected) => {
            for (index, (slot, rect)) in scene.snapshot.slots.iter().zip(&grid.tiles).enumerate() {
                let selection = if selected == Some(index) {
                    Selection::Selected
                } else {
                    Selection::Other
                };
                tile::draw(slot, selection, scene.look(), *rect, buffer);
            }
            below(scene, grid.notices, buffer);
        }
    }
    footer(scene, grid.footer, buffer);
}

fn too_small(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let text = lang::too_small(area.width, area.height, LEAST, scene.language());
    for (row, line) in (area.y..area.bottom()).zip(wrap(&text, area.width.into())) {
        buffer.set_string(area.x, row, line, Style::new());
    }
}

fn header(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let snapshot = scene.snapshot;
    buffer.set_style(area, scene.role(Role::Header));
    let right = match (&snapshot.line, scene.caption) {
        (LineState::Ending, _) => scene.word(Word::Ending).to_owned(),
        (_, Some(caption)) => lang::caption(caption, scene.language()),
        (_, None) => String::new(),
    };
    let left = format!(
        "{} {}   {} {}   {} {}",
        scene.word(Word::Station),
        snapshot.station,
        snapshot.product,
        snapshot.version,
        scene.word(Word::Bundle),
        snapshot.bundle,
    );
    let cells = usize::from(area.width) - 2;
    let left = clip(&left, cells.saturating_sub(width(&right) + 2));
    buffer.set_string(area.x + 1, area.y, left, Style::new());
    let right = clip(&right, cells);
    let x = area.right() - 1 - width(&right) as u16;
    buffer.set_string(x, area.y, right, Style::new());
}

fn banner(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let LineState::Stopped { code, detail } = &scene.snapshot.line else {
        return;
    };
    buffer.set_style(area, scene.role(Role::Banner));
    let text = format!(
        "{} {} {code}: {} ({detail})",
        Status::LineStopped.sign(),
        scene.word(Word::LineStopped),
        advice(*code, scene.language()).remedy,
    );
    let cells = usize::from(area.width) - 2;
    buffer.set_string(area.x + 1, area.y, clip(&text, cells), Style::new());
}

/// The yield, part by part, as many as fit.
fn figures(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
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
            break;
        }
        buffer.set_string(x, area.y, text, style);
        x = end + 3;
    }
}

/// Today's units, first-pass and final yield and median cycle.
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
    vec![
        format!(
            "{} {}",
            word(Word::Today),
            lang::units(today.units, language)
        ),
        format!("{} {}", word(Word::FirstPass), percent(today.first_pass)),
        format!("{} {}", word(Word::FinalPass), percent(today.passed)),
        format!("{} {median}", word(Word::MedianCycle)),
    ]
}

/// Notices, and beside them where there is room what the supervisor asks for.
fn below(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    const SIDE_WIDTH: u16 = 42;
    if area.height < 4 {
        notices(scene, None, area, buffer);
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
        standing(scene, side, buffer);
    }
    heading(scene, Word::Notices, left, buffer);
    let list = Rect {
        y: left.y + 1,
        height: left.height - 1,
        ..left
    };
    notices(scene, None, list, buffer);
}

fn heading(scene: &Scene<'_>, word: Word, area: Rect, buffer: &mut Buffer) {
    let style = scene.role(Role::Heading);
    buffer.set_string(area.x + 1, area.y, scene.word(word), style);
}

/// The newest notices, of one slot or of all, the newest at the bottom.
pub fn notices(scene: &Scene<'_>, of: Option<&SlotId>, area: Rect, buffer: &mut Buffer) {
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

/// Failures by code, open units, ports left alone.
fn standing(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
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
                format!("{}  {slot} {}  {}", unit.mac, unit.slot, unit.code)
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

fn footer(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let language = scene.language();
    let say = match &scene.view.prompt {
        Prompt::Keys => {
            keys(scene, area, buffer);
            return;
        }
        Prompt::ConfirmQuit => lang::confirm_quit(at_work(scene.snapshot), language),
        Prompt::SelectFirst => scene.word(Word::SelectFirst).to_owned(),
        Prompt::TryAgain => scene.word(Word::TryAgain).to_owned(),
        Prompt::Refused(refused) => refusal(refused, language),
    };
    buffer.set_style(area, scene.role(Role::Message));
    let cells = usize::from(area.width) - 2;
    buffer.set_string(area.x + 1, area.y, clip(&say, cells), Style::new());
}

fn refusal(refused: &RequestRefused, language: Language) -> String {
    let about = |slot: &SlotId, word| {
        let heading = lang::word(Word::Slot, language);
        format!("{heading} {slot}: {}", lang::word(word, language))
    };
    match refused {
        RequestRefused::NoSuchSlot(slot) => about(slot, Word::NoSuchSlot),
        RequestRefused::NoBoard(slot) => about(slot, Word::NoBoard),
        RequestRefused::AtWork(slot) => about(slot, Word::AtWork),
        RequestRefused::Idle(slot) => about(slot, Word::NothingRuns),
        RequestRefused::LineStopped(why) => {
            format!("{}: {why}", lang::word(Word::LineStopped, language))
        }
    }
}

fn keys(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let back = [("Esc", Word::ShortBack), ("q", Word::ShortQuit)];
    let slot = [
        ("Esc", Word::ShortBack),
        ("s", Word::ShortStart),
        ("x", Word::ShortStop),
        ("l", Word::ShortLanguage),
        ("q", Word::ShortQuit),
    ];
    let bench = [
        ("q", Word::ShortQuit),
        ("←↑↓→", Word::ShortSelect),
        ("Enter", Word::ShortDetail),
        ("s", Word::ShortStart),
        ("x", Word::ShortStop),
        ("l", Word::ShortLanguage),
        ("?", Word::ShortHelp),
    ];
    let keys: &[(&str, Word)] = match scene.view.page {
        Page::Bench => &bench,
        Page::Detail => &slot,
        Page::Help => &back,
    };
    let mut x = area.x + 1;
    for (key, word) in keys {
        let word = scene.word(*word);
        let end = x + (width(key) + 1 + width(word)) as u16;
        if end >= area.right() {
            break;
        }
        buffer.set_string(x, area.y, key, scene.role(Role::Key));
        let at = x + width(key) as u16 + 1;
        buffer.set_string(at, area.y, word, scene.role(Role::Dim));
        x = end + 3;
    }
}

#[cfg(test)]
mod tests;
