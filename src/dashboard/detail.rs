//! All about one slot.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::Scene;
use super::notices;
use super::palette::{self, Role};
use super::status::{self, Status};
use super::text::{clip, width, wrap};
use super::tile;
use crate::chip::Identity;
use crate::event::{Code, Unit};
use crate::job::Measurement;
use crate::lang::{self, Word, advice};
use crate::station::{SlotOut, SlotState, SlotView};

/// Draws the slot with this index, which must exist.
pub fn draw(scene: &Scene<'_>, index: usize, area: Rect, buffer: &mut Buffer) {
    let slot = &scene.snapshot.slots[index];
    let kind = Status::of(slot);
    let head = Rect { height: 1, ..area };
    buffer.set_style(head, palette::tile(kind, scene.colour));
    let title = format!(
        "{} {}   {}",
        scene.word(Word::Slot),
        slot.slot,
        tile::verdict(slot, scene.language())
    );
    let cells = usize::from(area.width) - 2;
    let style = palette::tile_head(kind, scene.colour);
    buffer.set_string(area.x + 1, area.y, clip(&title, cells), style);

    let rows = rows(scene, slot);
    let label_cells = rows.iter().map(|(word, _)| width(scene.word(*word)));
    let label_cells = label_cells.max().unwrap_or(0);
    let value_x = area.x + 1 + label_cells as u16 + 2;
    let value_cells = usize::from(area.right().saturating_sub(value_x + 1));
    let mut y = area.y + 2;
    let mut before = None;
    for (word, value) in rows {
        // several values of one kind have one label
        let is_first = before.replace(word) != Some(word);
        for (line_number, line) in wrap(&value, value_cells).into_iter().enumerate() {
            if y >= area.bottom() {
                return;
            }
            if line_number == 0 && is_first {
                let style = scene.role(Role::Dim);
                buffer.set_string(area.x + 1, y, scene.word(word), style);
            }
            buffer.set_string(value_x, y, line, Style::new());
            y += 1;
        }
    }
    y += 1;
    if y + 2 <= area.bottom() {
        let style = scene.role(Role::Heading);
        buffer.set_string(area.x + 1, y, scene.word(Word::Notices), style);
        let list = Rect::new(area.x, y + 1, area.width, area.bottom() - y - 1);
        notices::list(scene, Some(&slot.slot), list, buffer);
    }
}

fn rows(scene: &Scene<'_>, slot: &SlotView) -> Vec<(Word, String)> {
    let language = scene.language();
    let mut rows = vec![(Word::Place, slot.place.clone())];
    let mut push = |word, value: String| {
        if !value.is_empty() {
            rows.push((word, value));
        }
    };
    if let Some(product) = &slot.product {
        push(Word::Product, product.to_string());
    }
    if let Some(out) = &slot.out {
        let word = scene.word(Status::of_out(out).word());
        let why = match out {
            SlotOut::Quarantined { boards, code } => {
                let happened = advice(*code, language).happened;
                format!("{boards} × {code} ({happened})")
            }
            SlotOut::Stopped { by } => lang::stopped_by(&by.name, language),
        };
        push(Word::OutOfService, format!("{word}: {}", why.trim_end()));
        let remedy = match out {
            SlotOut::Quarantined { .. } => advice(Code::SlotQuarantined, language).remedy,
            SlotOut::Stopped { .. } => scene.word(Word::SupervisorFrees),
        };
        // what the slot shows below says it too, unless it has something else to say
        if tile::out_beside(slot, language).is_some() {
            push(Word::WhatToDo, remedy.to_owned());
        }
    }
    let time = status::time(slot, scene.now);
    match &slot.state {
        SlotState::Working(board) | SlotState::Recording(board) => {
            let progress = &board.progress;
            push(Word::Job, board.job.to_string());
            push(Word::Time, time.unwrap_or_default());
            if let Some(identity) = &board.identity {
                for (word, value) in identity_rows(identity) {
                    push(word, value);
                }
            }
            if progress.baud > 0 {
                push(Word::Rate, format!("{} baud", progress.baud));
            }
            if let Some(percent) = progress.percent() {
                push(
                    Word::Written,
                    format!(
                        "{percent} % ({} / {} bytes)",
                        progress.done_bytes, progress.total_bytes
                    ),
                );
            }
            push(
                Word::Retries,
                lang::effort(progress.attempt, progress.retries, language).unwrap_or_default(),
            );
        }
        SlotState::Done(result) => {
            push(Word::Job, result.job.to_string());
            push(Word::Time, time.unwrap_or_default());
            match &result.unit {
                Some(Unit::Mac(mac)) => push(Word::Mac, mac.to_string()),
                Some(Unit::Serial(serial)) => push(Word::Serial, serial.to_string()),
                None => {}
            }
            push(
                Word::Retries,
                lang::effort(result.attempts, result.retries, language).unwrap_or_default(),
            );
        }
        SlotState::Held { by } => push(Word::Held, by.to_string()),
        _ => {}
    }
    if let Some(code) = status::code(slot) {
        let words = advice(code, language);
        push(Word::Code, code.to_string());
        push(Word::WhatHappened, words.happened.to_owned());
        if let SlotState::Done(result) = &slot.state {
            push(Word::Detail, result.detail.clone());
        }
        push(Word::WhatToDo, words.remedy.to_owned());
    } else if let Some(hint) = status::hint(slot) {
        push(Word::WhatToDo, lang::word(hint, language).to_owned());
    }
    if let SlotState::Done(result) = &slot.state {
        for measurement in &*result.measurements {
            push(Word::Measured, measured(measurement));
        }
    }
    rows
}

/// Name, value and limits in signs that need no language: `vbat 3312 mV (3000 … 3600)`.
fn measured(measurement: &Measurement) -> String {
    let Measurement {
        name,
        value,
        unit,
        low,
        high,
    } = measurement;
    let limits = match (low, high) {
        (Some(low), Some(high)) => format!(" ({low} … {high})"),
        (Some(low), None) => format!(" (≥ {low})"),
        (None, Some(high)) => format!(" (≤ {high})"),
        (None, None) => String::new(),
    };
    let gap = if unit.is_empty() { "" } else { " " };
    let mark = if measurement.is_within() { "" } else { " ✘" };
    format!("{name} {value}{gap}{unit}{limits}{mark}")
}

fn identity_rows(identity: &Identity) -> Vec<(Word, String)> {
    let flash = match (identity.flash_id, identity.flash_bytes()) {
        (Some(id), Some(bytes)) => format!("{id} ({} KB)", bytes >> 10),
        (Some(id), None) => id.to_string(),
        (None, _) => String::new(),
    };
    let chip = match identity.revision {
        Some(revision) => format!("{} {revision}", identity.chip),
        None => identity.chip.to_string(),
    };
    let mac = identity.mac.map(|mac| mac.to_string()).unwrap_or_default();
    vec![
        (Word::Mac, mac),
        (Word::Chip, chip),
        (Word::Flash, flash),
        (
            Word::Crystal,
            identity
                .crystal_mhz
                .map(|mhz| format!("{mhz} MHz"))
                .unwrap_or_default(),
        ),
        (Word::Security, identity.security.to_string()),
    ]
}
