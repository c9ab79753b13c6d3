//! All about one slot: what it is doing or has done, the steps and the log of its job, what was told of it.

use std::time::Duration;

use ratatui::style::Style;

use super::sheet::{self, Block};
use super::story;
use crate::chip::Identity;
use crate::dashboard::course::Lap;
use crate::dashboard::draw::Scene;
use crate::dashboard::notices::time_of_day;
use crate::dashboard::palette::{self, Role};
use crate::dashboard::past::Known;
use crate::dashboard::status::{self, Status};
use crate::dashboard::text::{width, wrap};
use crate::dashboard::tile;
use crate::event::{Code, Unit};
use crate::job::Measurement;
use crate::lang::{self, Label, Word, advice};
use crate::station::{BoardView, SlotOut, SlotState, SlotView};

/// What is known of the slot with this index, which must exist.
pub fn blocks(scene: &Scene<'_>, index: usize, cells: usize) -> Vec<Block> {
    let slot = &scene.snapshot.slots[index];
    let kind = Status::of(slot);
    let verdict = tile::verdict(slot, scene.language());
    let title = format!(" {} {}   {verdict}", scene.word(Word::Slot), slot.slot);
    let style = palette::tile_head(kind, scene.colour);
    let mut head = vec![vec![(sheet::pad(&title, cells), style)]];
    if let SlotState::Working(BoardView { asks: Some(_), .. }) = &slot.state {
        let style = scene.role(Role::Message);
        for label in [Label::AskAgain, Label::AskAgainKeys] {
            head.push(vec![(format!(" {} ", scene.label(label)), style)]);
        }
    }
    head.push(Vec::new());
    let rows: Vec<_> = rows(scene, slot)
        .into_iter()
        .map(|(word, value)| (scene.word(word), value))
        .collect();
    head.extend(sheet::facts(scene, &rows, cells));
    let mut blocks = vec![head];
    match &slot.state {
        SlotState::Working(board) | SlotState::Recording(board) => {
            let laps = scene.past.courses.of(&slot.slot, board.job);
            blocks.push(live_steps(scene, laps));
            blocks.push(notices(scene, slot, cells));
            let log = scene.label(Label::LogWhenEnded);
            blocks.push(sheet::section(scene, scene.label(Label::Log), [log], cells));
        }
        SlotState::Done(result) => match scene.past.story(result.job) {
            Known::There(Some(told)) => {
                blocks.push(story::steps(scene, told));
                blocks.push(notices(scene, slot, cells));
                blocks.extend(story::logs(scene, told, cells));
            }
            Known::There(None) => {
                blocks.push(sheet::plain(scene.label(Label::NoSuchJob), cells));
                blocks.push(notices(scene, slot, cells));
            }
            not_there => {
                let text = super::missing(scene, &not_there).unwrap_or_default();
                let name = scene.label(Label::Log);
                blocks.push(sheet::section(scene, name, [&*text], cells));
                blocks.push(notices(scene, slot, cells));
            }
        },
        _ => blocks.push(notices(scene, slot, cells)),
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// The steps of a job at work, as they were seen.
fn live_steps(scene: &Scene<'_>, laps: &[Lap]) -> Block {
    let laps = laps.iter().map(|lap| {
        let ended = lap.ended.unwrap_or(scene.now);
        let took = Duration::try_from(ended.duration_since(lap.began)).unwrap_or_default();
        story::StepLine {
            step: lap.step,
            attempt: lap.attempt,
            // of the one that runs whole seconds: the screen changes once in each
            took: match lap.ended {
                Some(_) => format!("{:.1} s", took.as_secs_f64()),
                None => format!("{} s", took.as_secs()),
            },
            code: None,
        }
    });
    story::step_lines(scene, laps.collect())
}

/// What was told of the slot, newest first.
fn notices(scene: &Scene<'_>, slot: &SlotView, cells: usize) -> Block {
    let its = scene.snapshot.notices.iter().rev();
    let mut its = its
        .filter(|it| it.slot.as_ref() == Some(&slot.slot))
        .peekable();
    if its.peek().is_none() {
        return Block::new();
    }
    let mut block = vec![sheet::heading(scene, scene.word(Word::Notices))];
    for notice in its.take(MOST_NOTICES) {
        let status = Status::of_notice(&notice.what);
        let time = time_of_day(notice.at, scene.zone);
        let start = format!("{time} {} ", status.map_or(" ", Status::sign));
        let style = status.map_or(Style::new(), |status| palette::text(status, scene.colour));
        let room = cells.saturating_sub(width(&start)).max(8);
        let text = lang::notice(notice, scene.language());
        for (number, line) in wrap(&text, room).into_iter().enumerate() {
            let start = if number == 0 { &*start } else { "" };
            let start = sheet::pad(start, cells - room);
            block.push(vec![(start, scene.role(Role::Dim)), (line, style)]);
        }
    }
    block
}

/// No more notices of a slot are shown.
const MOST_NOTICES: usize = 8;

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
pub fn measured(measurement: &Measurement) -> String {
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

pub fn identity_rows(identity: &Identity) -> Vec<(Word, String)> {
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
