//! The line's figures: the lot or the day in one line, and beside the notices what the supervisor asks for. The
//! figures come computed from the record.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::Scene;
use super::palette::{self, Role};
use super::status::Status;
use super::text::{clip, width};
use crate::event::{FirstArticle, LotState};
use crate::lang::{self, Language, Word};
use crate::record::{LotStanding, Yield};

/// A part of the line. What matters more is drawn first where there is no room for all.
struct Part {
    text: String,
    style: Style,
    weight: u8,
}

/// The running lot's figures, or the day's where there is none.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let mut lots = scene.snapshot.standing.lots.iter();
    let begun =
        |lot: &&LotStanding| matches!(lot.state, LotState::Running | LotState::Paused { .. });
    let parts = match lots.find(begun) {
        Some(lot) => lot_parts(scene, lot),
        None => day_parts(scene),
    };
    let room = usize::from(area.width).saturating_sub(2);
    let (parts, gap) = fitting(parts, room);
    let mut x = area.x + 1;
    for part in parts {
        let cells = width(&part.text) as u16;
        buffer.set_string(x, area.y, part.text, part.style);
        x += cells + gap;
    }
}

/// The parts that fit, in their order, and the cells between them.
fn fitting(parts: Vec<Part>, room: usize) -> (Vec<Part>, u16) {
    let needs = |parts: &[&Part], gap: usize| {
        let cells: usize = parts.iter().map(|part| width(&part.text)).sum();
        cells + parts.len().saturating_sub(1) * gap
    };
    let mut kept: Vec<&Part> = parts.iter().collect();
    let gap = loop {
        match [3, 2].into_iter().find(|gap| needs(&kept, *gap) <= room) {
            Some(gap) => break gap,
            None => match kept.iter().map(|part| part.weight).min() {
                Some(least) if kept.len() > 1 => {
                    // of those that weigh the same the last one
                    if let Some(at) = kept.iter().rposition(|part| part.weight == least) {
                        kept.remove(at);
                    }
                }
                _ => break 2,
            },
        }
    };
    let kept: Vec<bool> = parts
        .iter()
        .map(|part| kept.iter().any(|kept| std::ptr::eq(*kept, part)))
        .collect();
    let parts = parts.into_iter().zip(kept);
    let mut parts: Vec<Part> = parts
        .filter_map(|(part, kept)| kept.then_some(part))
        .collect();
    if let [only] = parts.as_mut_slice() {
        only.text = clip(&only.text, room);
    }
    (parts, gap as u16)
}

fn lot_parts(scene: &Scene<'_>, lot: &LotStanding) -> Vec<Part> {
    let language = scene.language();
    let plain = scene.role(Role::Figures);
    let wanted = palette::text(Status::Waiting, scene.colour);
    let mut parts = Vec::new();
    let mut push = |weight, text: String, style| {
        parts.push(Part {
            text,
            style,
            weight,
        });
    };
    let done = lang::lot_done(&lot.lot, lot.figures.passed, lot.target, language);
    push(9, done, plain);
    match &lot.state {
        LotState::Approved | LotState::Running | LotState::Ended => {}
        LotState::Paused { by } => push(8, lang::paused_by(&by.name, language), wanted),
    }
    if lot.first_article == FirstArticle::Held {
        push(8, scene.word(Word::FirstArticleWaits).to_owned(), wanted);
    }
    let [first, last] = yields(&lot.figures, language);
    push(5, first, plain);
    push(6, last, plain);
    if let Some(rate) = lot.units_per_hour {
        push(3, lang::per_hour(rate, language), plain);
    }
    if let Some(to_go) = lot.to_go {
        push(7, lang::to_go(to_go, language), plain);
    }
    let open = scene.snapshot.standing.open_units.len();
    open_part(scene, open, &mut parts);
    let others = scene.snapshot.standing.lots.len() - 1;
    if others > 0 {
        parts.push(Part {
            text: lang::more_lots(others, language),
            style: scene.role(Role::Dim),
            weight: 1,
        });
    }
    parts
}

fn open_part(scene: &Scene<'_>, open: usize, parts: &mut Vec<Part>) {
    let (weight, style) = match open {
        0 => (1, scene.role(Role::Figures)),
        _ => (7, palette::text(Status::Waiting, scene.colour)),
    };
    parts.push(Part {
        text: format!("{} {open}", scene.word(Word::OpenUnits)),
        style,
        weight,
    });
}

fn day_parts(scene: &Scene<'_>) -> Vec<Part> {
    let language = scene.language();
    let standing = &scene.snapshot.standing;
    let plain = scene.role(Role::Figures);
    let today = yield_parts(&standing.today, language).into_iter();
    let mut parts: Vec<Part> = today
        .map(|text| Part {
            text,
            style: plain,
            weight: 6,
        })
        .collect();
    if let Some(rate) = standing.units_per_hour {
        parts.push(Part {
            text: lang::per_hour(rate, language),
            style: plain,
            weight: 5,
        });
    }
    open_part(scene, standing.open_units.len(), &mut parts);
    if let Some(lot) = standing.lots.first() {
        let waits = scene.word(Word::LotWaitsForStart);
        parts.push(Part {
            text: format!("{} {waits}", lot.lot),
            style: palette::text(Status::Waiting, scene.colour),
            weight: 4,
        });
    }
    let unassigned = scene.snapshot.unassigned.len();
    if unassigned > 0 {
        parts.push(Part {
            text: lang::unassigned(unassigned, language),
            style: scene.role(Role::Dim),
            weight: 0,
        });
    }
    parts
}

/// First-pass and final yield.
fn yields(figures: &Yield, language: Language) -> [String; 2] {
    let percent = |part: u64| match figures.units {
        0 => "-".to_owned(),
        units => format!("{:.1} %", part as f64 * 100.0 / units as f64),
    };
    let word = |word| lang::word(word, language);
    [
        format!("{} {}", word(Word::FirstPass), percent(figures.first_pass)),
        format!("{} {}", word(Word::FinalPass), percent(figures.passed)),
    ]
}

/// Today's units, first-pass and final yield, units that are written and unverified where there are
/// any, and the median cycle.
pub fn yield_parts(today: &Yield, language: Language) -> Vec<String> {
    let [first, last] = yields(today, language);
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
        first,
        last,
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
