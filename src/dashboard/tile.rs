//! One slot's tile: its colour, its word, and as much of the rest as fits, the most important first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::big::{self, Scale};
use super::options::Colour;
use super::palette;
use super::signs::Signs;
use super::status::{self, Status};
use super::text::{clip, width, wrap, wrap_into};
use crate::event::{Code, Step};
use crate::lang::{self, Language, Word, advice};
use crate::station::{SlotOut, SlotState, SlotView};

/// Whether the arrows stand on this slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    Selected,
    Other,
}

/// How tiles are drawn at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub now: jiff::Timestamp,
    pub language: Language,
    pub colour: Colour,
    pub signs: Signs,
}

/// Draws the tile.
pub fn draw(slot: &SlotView, selection: Selection, look: Look, area: Rect, buffer: &mut Buffer) {
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
    let body_rows = usize::from(area.height) - 1;

    let verdict = verdict(slot, look.language);
    let body = body(slot, look.language, cells);
    let name = match selection {
        Selection::Selected => format!("[{}]", slot.slot),
        Selection::Other => slot.slot.to_string(),
    };
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
    for (row, (line, modifier)) in (1..area.height).zip(lines) {
        let style = Style::new().add_modifier(modifier);
        buffer.set_string(inner.x, inner.y + row, line, style);
    }
}

/// The first line, and at its end the time where it fits.
fn head(slot: &SlotView, text: &str, look: Look, area: Rect, buffer: &mut Buffer) {
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
        SlotState::Working(board) if !board.lost => {
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
        lines.extend(wrap_into(&self.text, cells, left).into_iter().map(plain));
        lines
    }
}

/// That the slot takes no boards after this one, where the tile shows something else.
pub fn out_beside(slot: &SlotView, language: Language) -> Option<String> {
    let out = Status::of_out(slot.out.as_ref()?);
    let word = lang::word(out.word(), language);
    (Status::of(slot) != out).then(|| format!("{} {word}", out.sign()))
}

fn body(slot: &SlotView, language: Language, cells: usize) -> Body {
    let mut short = Vec::new();
    let mut text = String::new();
    short.extend(out_beside(slot, language));
    match (&slot.out, Status::of(slot)) {
        (Some(SlotOut::Quarantined { boards, code }), Status::Quarantined) => {
            short.push(Code::SlotQuarantined.to_string());
            short.push(format!("{boards} × {code}"));
        }
        (Some(SlotOut::Stopped { by }), Status::SlotStopped) => {
            text = lang::stopped_by(&by.name, language);
        }
        _ => text = state_body(slot, language, cells, &mut short),
    }
    short.extend(slot.product.as_ref().map(ToString::to_string));
    if let Some(code) = status::code(slot) {
        let words = advice(code, language);
        let said = lang::word(Status::of(slot).word(), language);
        text = if words.happened.eq_ignore_ascii_case(said) {
            words.remedy.to_owned()
        } else {
            advice_line(words, language)
        };
    } else if let Some(hint) = status::hint(slot) {
        text += lang::word(hint, language);
    }
    Body { short, text }
}

/// What the slot's state has to say beside its code and hint: short lines, and how its text begins.
fn state_body(
    slot: &SlotView,
    language: Language,
    cells: usize,
    short: &mut Vec<String>,
) -> String {
    let mut text = String::new();
    match &slot.state {
        SlotState::Working(board) | SlotState::Recording(board) => {
            let progress = &board.progress;
            if let Some(percent) = progress.percent() {
                short.push(bar(percent, cells));
            }
            if let Some(identity) = &board.identity {
                short.extend(identity.mac.map(|mac| mac.to_string()));
            }
            if progress.baud > 0 {
                short.push(format!("{} baud", progress.baud));
            }
            short.extend(lang::effort(progress.attempt, progress.retries, language));
        }
        SlotState::Done(result) => {
            short.extend(result.code.map(|code| code.to_string()));
            short.extend(result.unit.as_ref().map(ToString::to_string));
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
