//! The day in bars: units by hour and by slot, failures by code. The figures come computed from the record.

use ratatui::style::Style;

use super::sheet::{self, Block, Line, pad, pad_left};
use crate::dashboard::draw::Scene;
use crate::dashboard::palette::{self, Role};
use crate::dashboard::past::Known;
use crate::dashboard::status::Status;
use crate::dashboard::text::width;
use crate::lang::Label;
use crate::record::Day;

/// Cells of the longest bar.
const BAR_CELLS: usize = 24;

/// All charts.
pub fn blocks(scene: &Scene<'_>, cells: usize) -> Vec<Block> {
    let day = match scene.past.day() {
        Known::There(day) => day,
        not_there => {
            let text = super::missing(scene, &not_there).unwrap_or_default();
            return vec![sheet::section(
                scene,
                scene.label(Label::Charts),
                [&*text],
                cells,
            )];
        }
    };
    if day.hours.is_empty() && day.failures.is_empty() {
        let nothing = scene.label(Label::NothingToday);
        return vec![sheet::section(
            scene,
            scene.label(Label::Charts),
            [nothing],
            cells,
        )];
    }
    let mut blocks = vec![hours(scene, day), codes(scene, day), slots(scene, day)];
    blocks.retain(|block| block.len() > 1);
    blocks
}

fn hours(scene: &Scene<'_>, day: &Day) -> Block {
    let most = day.hours.iter().map(|hour| hour.units).max().unwrap_or(0);
    let mut block = vec![
        sheet::heading(scene, scene.label(Label::ByHour)),
        legend(scene),
    ];
    for hour in &day.hours {
        let time = hour
            .from
            .to_zoned(scene.zone.clone())
            .strftime("%H:%M")
            .to_string();
        let later = hour.passed.saturating_sub(hour.first_pass);
        let not = hour.units.saturating_sub(hour.first_pass + later);
        let mut line = vec![(format!("{time}  "), scene.role(Role::Dim))];
        line.extend(bar(scene, &[hour.first_pass, later, not], most));
        line.push((
            figures(hour.units, &[hour.first_pass, hour.passed]),
            Style::new(),
        ));
        block.push(line);
    }
    block
}

fn slots(scene: &Scene<'_>, day: &Day) -> Block {
    let most = day.slots.iter().map(|slot| slot.units).max().unwrap_or(0);
    let names = day.slots.iter().map(|slot| width(slot.slot.as_str()));
    let name_cells = names.max().unwrap_or(0).min(10);
    let mut block = vec![sheet::heading(scene, scene.label(Label::BySlot))];
    let worst = scene.snapshot.standing.worst_slot.as_ref();
    for slot in &day.slots {
        let not = slot.units.saturating_sub(slot.first_pass);
        let name = format!("{}  ", pad(slot.slot.as_str(), name_cells));
        let mut line = vec![(name, scene.role(Role::Dim))];
        line.extend(bar(scene, &[slot.first_pass, 0, not], most));
        let mut figures = figures(slot.units, &[slot.first_pass]);
        if slot.no_contact > 0 {
            figures += &format!("  {} {}", slot.no_contact, scene.label(Label::NoContact));
        }
        let is_worst = worst.is_some_and(|worst| worst.slot == slot.slot);
        let style = match is_worst {
            true => palette::text(Status::Failed, scene.colour),
            false => Style::new(),
        };
        if is_worst {
            figures += &format!("  {}", Status::Failed.sign());
        }
        line.push((figures, style));
        block.push(line);
    }
    block
}

fn codes(scene: &Scene<'_>, day: &Day) -> Block {
    let most = day
        .failures
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0);
    let names = day.failures.iter().map(|(code, _)| width(code.word()));
    let name_cells = names.max().unwrap_or(0);
    let mut block = vec![sheet::heading(scene, scene.label(Label::ByCode))];
    for (code, count) in &day.failures {
        let name = format!("{}  ", pad(code.word(), name_cells));
        let mut line = vec![(name, Style::new())];
        line.extend(bar(scene, &[0, 0, *count], most));
        line.push((pad_left(&count.to_string(), 5), Style::new()));
        block.push(line);
    }
    block
}

/// What the three parts of a bar are, in the order of the bar.
fn legend(scene: &Scene<'_>) -> Line {
    let mut line = Line::new();
    let words = scene.label(Label::Legend);
    let words = words.split([',', '、']).map(str::trim);
    for ((sign, status), word) in PARTS.into_iter().zip(words) {
        line.push((sign.to_string(), palette::text(status, scene.colour)));
        line.push((format!(" {word}   "), scene.role(Role::Dim)));
    }
    line
}

/// The parts of a bar: passed at once, passed later, not passed.
const PARTS: [(char, Status); 3] = [
    ('█', Status::Passed),
    ('▓', Status::PassedAfterRetry),
    ('░', Status::Failed),
];

/// A bar of `BAR_CELLS` cells for the most; each part that is not nothing has a cell at least, as long as
/// there are cells.
fn bar(scene: &Scene<'_>, parts: &[u64; 3], most: u64) -> Line {
    let most = most.max(1);
    let total: u64 = parts.iter().sum();
    let scaled = |count: u64| (count as f64 * BAR_CELLS as f64 / most as f64).round() as usize;
    let length = scaled(total).clamp(usize::from(total > 0), BAR_CELLS);
    let mut left = length;
    let mut line = Line::new();
    // what went wrong is never rounded away
    let mut cells = [0; 3];
    for index in [2, 1, 0] {
        let least = usize::from(parts[index] > 0);
        cells[index] = scaled(parts[index]).max(least).min(left);
        left -= cells[index];
    }
    cells[0] += if parts[0] > 0 { left } else { 0 };
    for ((sign, status), cells) in PARTS.into_iter().zip(cells) {
        if cells > 0 {
            let text = sign.to_string().repeat(cells);
            line.push((text, palette::text(status, scene.colour)));
        }
    }
    let drawn: usize = cells.iter().sum();
    line.push((" ".repeat(BAR_CELLS - drawn.min(BAR_CELLS)), Style::new()));
    line
}

/// How many, and what part of them in per cent.
fn figures(units: u64, parts: &[u64]) -> String {
    let mut text = pad_left(&units.to_string(), 5);
    for part in parts {
        let percent = match units {
            0 => "-".to_owned(),
            units => format!("{:.1} %", *part as f64 * 100.0 / units as f64),
        };
        text += &pad_left(&percent, 9);
    }
    text
}
