//! The story of one job, from the record.

use ratatui::style::Style;

use super::detail::{identity_rows, measured};
use super::sheet::{self, Block};
use crate::dashboard::draw::Scene;
use crate::dashboard::palette;
use crate::dashboard::status::{self, Status};
use crate::event::{Code, Golden, Step};
use crate::lang::{self, Label, Word, advice};
use crate::record::{JobRow, Story};

/// No job has more lines of log on the screen; the whole of it tells `flashline job`.
const MOST_LOG_LINES: usize = 2_000;

/// A digest's first digits tell it from others on a screen.
const DIGITS: usize = 12;

/// All of it.
pub fn blocks(scene: &Scene<'_>, story: &Story, cells: usize) -> Vec<Block> {
    let row = &story.row;
    let result = result(scene, row);
    let style = status_of(row).map_or(Style::new(), |it| palette::tile_head(it, scene.colour));
    let title = format!(" {} {}   {result}", scene.word(Word::Slot), row.slot);
    let mut head = vec![vec![(sheet::pad(&title, cells), style)], Vec::new()];
    head.extend(sheet::facts(scene, &facts(scene, row), cells));
    let mut blocks = vec![head, steps(scene, story), regions(scene, story, cells)];
    let measurements = story.boot.iter().flat_map(|boot| &boot.measurements);
    let measurements: Vec<String> = measurements.map(measured).collect();
    if !measurements.is_empty() {
        let name = scene.word(Word::Measured);
        let lines = measurements.iter().map(String::as_str);
        blocks.push(sheet::section(scene, name, lines, cells));
    }
    blocks.extend(logs(scene, story, cells));
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// How a job is shown; `None`: it is running.
pub fn status_of(row: &JobRow) -> Option<Status> {
    let again = row.attempts > 1 || row.retries.total() > 0;
    Some(Status::of_outcome(row.outcome?, row.code, again))
}

/// Sign and word of how it ended.
pub fn result(scene: &Scene<'_>, row: &JobRow) -> String {
    match status_of(row) {
        Some(status) => format!("{} {}", status.sign(), scene.word(status.word())),
        None => scene.label(Label::Running).to_owned(),
    }
}

fn facts(scene: &Scene<'_>, row: &JobRow) -> Vec<(&'static str, String)> {
    let language = scene.language();
    let time = |at: jiff::Timestamp| {
        let at = at.to_zoned(scene.zone.clone());
        at.strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let mut rows = vec![(scene.label(Label::Began), time(row.started))];
    let mut push = |name: &'static str, value: String| {
        if !value.is_empty() {
            rows.push((name, value));
        }
    };
    push(scene.label(Label::Took), took(row).unwrap_or_default());
    if let Some(code) = row.code {
        let words = advice(code, language);
        push(scene.word(Word::Code), code.to_string());
        push(scene.word(Word::WhatHappened), words.happened.to_owned());
        push(scene.word(Word::Detail), row.detail.clone());
        push(scene.word(Word::WhatToDo), words.remedy.to_owned());
    }
    let digest = row
        .bundle_digest
        .get(..DIGITS)
        .unwrap_or(&row.bundle_digest);
    let product = format!("{} {} ({digest})", row.product, row.version);
    push(scene.word(Word::Product), product);
    let text = |it: &Option<_>| it.as_ref().map(ToString::to_string).unwrap_or_default();
    push(
        scene.label(Label::Lot),
        text(&row.lot.as_ref().map(ToString::to_string)),
    );
    push(scene.label(Label::Operator), text(&row.operator));
    push(
        scene.label(Label::Golden),
        golden(scene, row).unwrap_or_default().to_owned(),
    );
    push(
        scene.word(Word::Serial),
        row.serial
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    );
    for (word, value) in row.identity.iter().flat_map(identity_rows) {
        push(scene.word(word), value);
    }
    push(
        scene.word(Word::Retries),
        lang::effort(row.attempts, row.retries.total(), language).unwrap_or_default(),
    );
    if let Some(method) = row.written_by {
        let (written, kept) = (row.bytes_written, row.bytes_skipped);
        let there = match kept {
            0 => String::new(),
            kept => format!("; {kept} {}", scene.label(Label::NotWritten)),
        };
        let how = format!(
            "{written} bytes ({}, {} baud){there}",
            method.name(),
            row.baud
        );
        push(scene.word(Word::Written), how);
    }
    push(
        scene.word(Word::Place),
        format!("{}, {}", row.station, row.place),
    );
    push(scene.word(Word::Job), row.job.to_string());
    rows
}

/// Whether a board never counts, and why it is tried.
pub fn golden(scene: &Scene<'_>, row: &JobRow) -> Option<&'static str> {
    row.golden.map(|golden| {
        scene.label(match golden {
            Golden::Good => Label::GoldenGood,
            Golden::Bad => Label::GoldenBad,
        })
    })
}

/// From its arrival to its verdict.
pub fn took(row: &JobRow) -> Option<String> {
    let took = row.ended?.duration_since(row.started);
    // a clock that was set back shows no negative time
    let took = std::time::Duration::try_from(took).unwrap_or_default();
    Some(status::ended(took))
}

/// One step, ready for its line.
pub struct StepLine {
    pub step: Step,
    pub attempt: u32,
    pub took: String,
    pub code: Option<Code>,
}

/// The steps with their times.
pub fn steps(scene: &Scene<'_>, story: &Story) -> Block {
    let steps = story.steps.iter().map(|step| StepLine {
        step: step.step,
        attempt: step.attempt,
        took: format!("{:.2} s", step.took.as_secs_f64()),
        code: step.code,
    });
    step_lines(scene, steps.collect())
}

/// Lines of steps in columns; none without any.
pub fn step_lines(scene: &Scene<'_>, steps: Vec<StepLine>) -> Block {
    if steps.is_empty() {
        return Block::new();
    }
    let language = scene.language();
    let names = Step::ALL.map(|step| crate::dashboard::text::width(lang::step(step, language)));
    let cells = names.into_iter().max().unwrap_or(0);
    let mut block = vec![sheet::heading(scene, scene.label(Label::Steps))];
    for step in steps {
        let name = sheet::pad(lang::step(step.step, language), cells);
        let again = lang::effort(step.attempt, 0, language).unwrap_or_default();
        let code = step.code.map(|code| code.to_string()).unwrap_or_default();
        let line = format!("{name}  {}  {again}  ", sheet::pad_left(&step.took, 9));
        let line = line.trim_end().to_owned();
        let style = palette::text(Status::Failed, scene.colour);
        block.push(vec![(line, Style::new()), (format!("  {code}"), style)]);
    }
    block
}

fn regions(scene: &Scene<'_>, story: &Story, cells: usize) -> Block {
    let lines: Vec<String> = story
        .regions
        .iter()
        .map(|region| {
            let found = scene.label(match (region.found_md5, region.found_sha256) {
                (_, Some(_)) => Label::ReadBack,
                (Some(_), None) => Label::ByChip,
                (None, None) => Label::NotLooked,
            });
            let kept = match region.skipped_bytes {
                0 => String::new(),
                bytes => format!(", {bytes} {}", scene.label(Label::NotWritten)),
            };
            let (offset, size) = (region.offset, region.size_bytes);
            format!("{offset:#08x} {}  {size} bytes{kept}  {found}", region.name)
        })
        .collect();
    if lines.is_empty() {
        return Block::new();
    }
    let name = scene.label(Label::Regions);
    sheet::section(scene, name, lines.iter().map(String::as_str), cells)
}

/// The log, and what the board said.
pub fn logs(scene: &Scene<'_>, story: &Story, cells: usize) -> Vec<Block> {
    let name = scene.label(Label::Log);
    let mut blocks = vec![match &story.log {
        Some(log) => sheet::section(scene, name, log.lines().take(MOST_LOG_LINES), cells),
        None if story.row.ended.is_none() => {
            sheet::section(scene, name, [scene.label(Label::LogWhenEnded)], cells)
        }
        None => sheet::section(scene, name, [scene.label(Label::NoLog)], cells),
    }];
    if let Some(boot) = &story.boot {
        let lines = boot.text.lines().take(MOST_LOG_LINES);
        blocks.push(sheet::section(
            scene,
            scene.label(Label::Console),
            lines,
            cells,
        ));
    }
    blocks
}
