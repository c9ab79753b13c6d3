//! One slot's tile: its colour, its word, and as much of the rest as fits, the most important first.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::big::{self, Scale};
use super::options::Colour;
use super::pace::{Pace, pace};
use super::palette::{self, Role};
use super::signs::Signs;
use super::status::{self, Status};
use super::text::{clip, width, wrap, wrap_into};
use crate::event::{Code, SlotId, Step, Unit};
use crate::lang::{self, Language, Word, advice};
use crate::station::{Question, SlotOut, SlotState, SlotView};

/// Whether the arrows stand on this slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    Selected,
    Other,
}

/// How tiles are drawn at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub now: jiff::Timestamp,
    pub zone: &'a jiff::tz::TimeZone,
    /// What a board takes today.
    pub median: Option<Duration>,
    /// The slot that fails too often.
    pub worst: Option<&'a SlotId>,
    pub language: Language,
    pub colour: Colour,
    pub signs: Signs,
}

/// Draws the tile.
pub fn draw(
    slot: &SlotView,
    selection: Selection,
    look: Look<'_>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let status = Status::of(slot);
    buffer.set_style(area, palette::tile(status, look.colour));
    let first = Rect { height: 1, ..area };
    buffer.set_style(first, palette::tile_head(status, look.colour));

    // a MAC takes 17 cells: a tile that just holds it does without margins
    let margin = u16::from(area.width >= 19);
    let inner = Rect {
        x: area.x + margin,
        width: area.width - 2 * margin,
        ..area
    };
    let cells = usize::from(inner.width);
    let verdict = verdict(slot, look.language);
    let band_rows = band(slot, status, look, area, cells, buffer);
    let body = body(slot, look, cells, band_rows > 0);
    let body_rows = usize::from(area.height) - 1 - band_rows;
    let mut name = match selection {
        Selection::Selected => format!("[{}]", slot.slot),
        Selection::Other => slot.slot.to_string(),
    };
    if look.worst == Some(&slot.slot) {
        name.push_str(WORST);
    }
    let beside = format!("{name} {verdict}");
    // the verdict has a line of its own unless that costs the text a line and it fits beside the name
    let own_line = body_rows > 0 && (body.rows(cells) < body_rows || width(&beside) > cells);
    let head = match status::code(slot) {
        _ if own_line => name.clone(),
        Some(code) if body_rows == 0 => format!("{beside} {code}"),
        _ => beside,
    };
    self::head(slot, &head, look, inner, buffer);
    if selection == Selection::Selected {
        let style = palette::selected(look.colour);
        buffer.set_string(inner.x, inner.y, clip(&name, cells), style);
    } else if look.worst == Some(&slot.slot) {
        let style = palette::role(Role::Message, look.colour);
        buffer.set_string(inner.x, inner.y, clip(&name, cells), style);
    }

    // a short line may use the right margin
    let room = cells + usize::from(margin);
    let mut lines: Vec<(String, Modifier)> = Vec::new();
    if own_line {
        let spare = body_rows.saturating_sub(1 + body.rows(cells));
        lines.extend(large(slot, look.signs, cells, spare));
        lines.push((clip(&verdict, room), Modifier::BOLD));
    }
    let left_over = body_rows.saturating_sub(lines.len());
    lines.extend(body.lines(room, cells, left_over));
    for (row, (line, modifier)) in (1..=body_rows as u16).zip(lines) {
        let style = Style::new().add_modifier(modifier);
        buffer.set_string(inner.x, inner.y + row, line, style);
    }
}

/// Behind the name of the slot that fails too often.
pub const WORST: &str = " ▼";

/// That the board is to be taken out, across the tile's end; how many rows that takes. A failure's advice
/// comes first.
fn band(
    slot: &SlotView,
    status: Status,
    look: Look<'_>,
    area: Rect,
    cells: usize,
    buffer: &mut Buffer,
) -> usize {
    let SlotState::Done(result) = &slot.state else {
        return 0;
    };
    let rows: u16 = match status {
        _ if !result.present => 0,
        Status::Passed | Status::PassedAfterRetry | Status::Written | Status::Skipped => {
            match area.height {
                0..2 => 0,
                2..13 => 1,
                13.. => 3,
            }
        }
        Status::Failed => {
            let said = 2 + body(slot, look, cells, true).rows(cells);
            u16::from(said < usize::from(area.height))
        }
        _ => 0,
    };
    if rows == 0 {
        return 0;
    }
    let band = Rect::new(area.x, area.bottom() - rows, area.width, rows);
    buffer.set_style(band, palette::band(status, look.colour));
    let word = lang::word(Word::RemoveBoard, look.language);
    let wide = format!("▲ {word} ▲");
    let short = lang::word(Word::RemoveShort, look.language);
    let room = usize::from(area.width);
    let fitting = [&*wide, word, short]
        .into_iter()
        .find(|text| width(text) <= room);
    let text = clip(fitting.unwrap_or(short), room);
    let x = band.x + (band.width - width(&text) as u16) / 2;
    buffer.set_string(x, band.y + rows / 2, text, Style::new());
    usize::from(rows)
}

/// The first line, and at its end the time where it fits.
fn head(slot: &SlotView, text: &str, look: Look<'_>, area: Rect, buffer: &mut Buffer) {
    let cells = usize::from(area.width);
    let text = clip(text, cells);
    buffer.set_string(area.x, area.y, &text, Style::new());
    if let Some(time) = status::time(slot, look.now)
        && width(&text) + 1 + width(&time) <= cells
    {
        let x = area.right() - width(&time) as u16;
        buffer.set_string(x, area.y, time, Style::new());
    }
}

/// Sign and word.
pub fn verdict(slot: &SlotView, language: Language) -> String {
    let status = Status::of(slot);
    let word = match &slot.state {
        _ if matches!(status, Status::Quarantined | Status::SlotStopped) => {
            lang::word(status.word(), language).to_owned()
        }
        SlotState::Settling => lang::word(Word::Settling, language).to_owned(),
        SlotState::Recording(_) => lang::word(Word::Recording, language).to_owned(),
        SlotState::Working(board) if !board.lost && board.asks.is_none() => {
            lang::step(board.progress.step, language).to_owned()
        }
        _ => lang::word(status.word(), language).to_owned(),
    };
    format!("{} {word}", status.sign())
}

/// PASS, FAIL or the percentage in large letters where that many lines are to spare, with air below
/// and above where there is room for that too.
fn large(slot: &SlotView, signs: Signs, cells: usize, spare: usize) -> Vec<(String, Modifier)> {
    // only of the longest step: a verify at 4 % looks like a step back from afar
    let percent = || {
        let progress = &status::board(&slot.state)?.progress;
        let percent = progress
            .percent()
            .filter(|_| progress.step == Step::Write)?;
        Some(format!("{percent}%"))
    };
    let text = Status::of(slot).large().map(str::to_owned).or_else(percent);
    let blank = (String::new(), Modifier::empty());
    let scale = |text: &String| Scale::fitting(text, signs, cells, spare);
    let Some((text, scale)) = text.and_then(|text| scale(&text).map(|scale| (text, scale))) else {
        return Vec::new();
    };
    let mut lines: Vec<_> = big::lines(&text, scale)
        .into_iter()
        .map(|line| (line, Modifier::empty()))
        .collect();
    if lines.len() < spare {
        lines.push(blank.clone());
    }
    if lines.len() < spare {
        lines.insert(0, blank);
    }
    lines
}

/// What stands below the verdict: short lines, the most important first, then running text.
struct Body {
    short: Vec<String>,
    text: String,
    /// What to do, of a text that has no room for what happened as well.
    remedy: Option<&'static str>,
}

impl Body {
    fn rows(&self, cells: usize) -> usize {
        self.short.len() + wrap(&self.text, cells).len()
    }

    /// Short lines in `room` cells, the text in `cells`.
    fn lines(&self, room: usize, cells: usize, rows: usize) -> Vec<(String, Modifier)> {
        let plain = |line: String| (line, Modifier::empty());
        let mut lines: Vec<_> = self
            .short
            .iter()
            .take(rows)
            .map(|line| plain(clip(line, room)))
            .collect();
        let left = rows - lines.len();
        let text = match self.remedy {
            Some(remedy) if wrap(&self.text, cells).len() > left => remedy,
            _ => &self.text,
        };
        lines.extend(wrap_into(text, cells, left).into_iter().map(plain));
        lines
    }
}

/// That the slot takes no boards after this one, where the tile shows something else.
pub fn out_beside(slot: &SlotView, language: Language) -> Option<String> {
    let out = Status::of_out(slot.out.as_ref()?);
    let word = lang::word(out.word(), language);
    (Status::of(slot) != out).then(|| format!("{} {word}", out.sign()))
}

/// `removal`: the tile says elsewhere that the board is to be taken out.
fn body(slot: &SlotView, look: Look<'_>, cells: usize, removal: bool) -> Body {
    let language = look.language;
    let mut short = Vec::new();
    let mut text = String::new();
    let mut remedy = None;
    short.extend(out_beside(slot, language));
    match (&slot.out, Status::of(slot)) {
        (Some(SlotOut::Quarantined { boards, code }), Status::Quarantined) => {
            short.push(Code::SlotQuarantined.to_string());
            short.push(format!("{boards} × {code}"));
        }
        (Some(SlotOut::Stopped { by }), Status::SlotStopped) => {
            text = lang::stopped_by(&by.name, language);
        }
        _ => text = state_body(slot, look, cells, &mut short),
    }
    short.extend(slot.product.as_ref().map(ToString::to_string));
    if let Some(code) = status::code(slot) {
        let words = advice(code, language);
        remedy = Some(words.remedy);
        let said = lang::word(Status::of(slot).word(), language);
        text = if words.happened.eq_ignore_ascii_case(said) {
            words.remedy.to_owned()
        } else {
            advice_line(words, language)
        };
    } else if let Some(hint) = status::hint(slot)
        && !(removal && hint == Word::TakeOut)
    {
        text += lang::word(hint, language);
    }
    Body {
        short,
        text,
        remedy,
    }
}

/// What the slot's state has to say beside its code and hint: short lines, and how its text begins.
fn state_body(slot: &SlotView, look: Look<'_>, cells: usize, short: &mut Vec<String>) -> String {
    let language = look.language;
    let mut text = String::new();
    match &slot.state {
        SlotState::Working(board) | SlotState::Recording(board) => {
            let progress = &board.progress;
            if let Some(Question::Again { passed, lot }) = &board.asks {
                let passed = passed.to_zoned(look.zone.clone());
                let on = passed.strftime("%m-%d %H:%M").to_string();
                short.push(lang::passed_on(&on, language));
                short.extend(lot.as_ref().map(ToString::to_string));
            } else {
                short.extend(progress.percent().map(|percent| bar(percent, cells)));
            }
            short.extend(pace_line(
                &pace(board, look.median, look.now),
                language,
                cells,
            ));
            if let Some(identity) = &board.identity {
                short.extend(identity.mac.map(|mac| mac.to_string()));
            }
            short.extend(board.serial.as_ref().map(ToString::to_string));
            if progress.baud > 0 && board.asks.is_none() {
                short.push(format!("{} baud", progress.baud));
            }
            short.extend(lang::effort(progress.attempt, progress.retries, language));
        }
        SlotState::Done(result) => {
            short.extend(result.code.map(|code| code.to_string()));
            short.extend(result.unit.as_ref().map(ToString::to_string));
            if matches!(result.unit, Some(Unit::Mac(_))) {
                short.extend(result.serial.as_ref().map(ToString::to_string));
            }
            if result.code.is_none() {
                short.extend(lang::effort(result.attempts, result.retries, language));
            }
        }
        SlotState::Blocked { .. } => {
            short.extend(status::code(slot).map(|code| code.to_string()));
        }
        SlotState::Held { by } => {
            text = format!("{by}. ");
        }
        SlotState::Empty | SlotState::Waiting(_) | SlotState::Settling => {}
    }
    text
}

/// Rate and time left; the time alone where both have no room.
fn pace_line(pace: &Pace, language: Language, cells: usize) -> Option<String> {
    let rate = pace.bytes_per_second.map(lang::rate);
    let left = pace.left.map(|left| lang::left(left, language));
    let parts: Vec<String> = rate.into_iter().chain(left.clone()).collect();
    let both = parts.join("  ");
    match left {
        _ if both.is_empty() => None,
        Some(left) if width(&both) > cells => Some(left),
        _ => Some(both),
    }
}

/// What happened and what to do, in one run.
pub fn advice_line(words: lang::Advice, language: Language) -> String {
    match language {
        Language::English => {
            let mut happened = words.happened.to_owned();
            if let Some(first) = happened.get_mut(0..1) {
                first.make_ascii_uppercase();
            }
            format!("{happened}. {}", words.remedy)
        }
        Language::Chinese => format!("{}。{}", words.happened, words.remedy),
    }
}

/// A bar with its figure: `██████░░░░  61 %`.
fn bar(percent: u8, cells: usize) -> String {
    let figure = format!("{percent:>3} %");
    let Some(length) = cells
        .checked_sub(figure.len() + 1)
        .filter(|length| *length >= 4)
    else {
        return figure.trim_start().to_owned();
    };
    let done = usize::from(percent) * length / 100;
    format!("{}{} {figure}", "█".repeat(done), "░".repeat(length - done))
}
