//! Recent jobs, newest first, and the filter of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::table::{self, Column};
use super::{heading, missing, say, story};
use crate::dashboard::draw::Scene;
use crate::dashboard::notices::time_of_day;
use crate::dashboard::palette::{self, Role};
use crate::dashboard::past::Known;
use crate::dashboard::text::{clip, width};
use crate::dashboard::view::filter::{Draft, Part};
use crate::event::Unit;
use crate::lang::{Label, Word};
use crate::record::{JobFilter, JobRow};

/// Draws the page.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let filter = &scene.view.filter;
    let said = match &scene.view.draft {
        Some(_) => String::new(),
        None => told(scene, &parts(scene, filter, None)),
    };
    heading(scene, Label::Jobs, &said, area, buffer);
    let mut below = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    if let Some(draft) = &scene.view.draft {
        form(scene, draft, below, buffer);
        below.y += 2;
        below.height = below.height.saturating_sub(2);
    }
    let known = scene.past.jobs(filter);
    if let Some(text) = missing(scene, &known) {
        say(&text, below, buffer);
    }
    let Known::There(rows) = known else { return };
    if rows.is_empty() {
        say(scene.label(Label::NoJobs), below, buffer);
        return;
    }
    let column = |cell: &dyn Fn(&JobRow) -> String| rows.iter().map(cell).collect::<Vec<_>>();
    let columns = vec![
        Column::new(
            scene.label(Label::Began),
            0,
            column(&|row| when(scene, row)),
        ),
        Column::new(
            scene.word(Word::Slot),
            0,
            column(&|row| row.slot.to_string()),
        ),
        Column::new(
            scene.label(Label::Result),
            0,
            column(&|row| story::result(scene, row)),
        ),
        Column::new(
            scene.word(Word::Code),
            0,
            column(&|row| row.code.map(|code| code.to_string()).unwrap_or_default()),
        ),
        Column::new(scene.label(Label::Unit), 1, column(&unit)),
        Column::new(
            scene.label(Label::Took),
            2,
            column(&|row| story::took(row).unwrap_or_default()),
        )
        .right(),
        Column::new(
            scene.label(Label::Lot),
            3,
            column(&|row| text(row.lot.as_ref())),
        ),
        Column::new(
            scene.word(Word::Serial),
            4,
            column(&|row| text(row.serial.as_ref())),
        ),
        Column::new(
            scene.word(Word::Product),
            6,
            column(&|row| format!("{} {}", row.product, row.version)),
        ),
        Column::new(
            scene.label(Label::Operator),
            5,
            column(&|row| text(row.operator.as_ref())),
        ),
        Column::new(
            scene.label(Label::Golden),
            7,
            column(&|row| story::golden(scene, row).unwrap_or_default().to_owned()),
        ),
    ];
    let styles: Vec<Style> = rows
        .iter()
        .map(|row| story::status_of(row).map_or(Style::new(), |it| palette::text(it, scene.colour)))
        .collect();
    let ids: Vec<_> = rows.iter().map(|row| row.job).collect();
    let chosen = scene.view.job.index(&ids);
    table::draw(scene, columns, &styles, chosen, below, buffer);
}

/// The time of today's jobs, the day of older ones.
fn when(scene: &Scene<'_>, row: &JobRow) -> String {
    let day = |at: jiff::Timestamp| at.to_zoned(scene.zone.clone()).date();
    let time = time_of_day(row.started, scene.zone);
    if day(row.started) == day(scene.now) {
        time
    } else {
        format!("{} {time}", day(row.started).strftime("%m-%d"))
    }
}

fn unit(row: &JobRow) -> String {
    let unit = Unit::of(row.identity.as_ref(), row.serial.as_ref());
    unit.map(|unit| unit.to_string()).unwrap_or_default()
}

fn text(it: Option<&impl ToString>) -> String {
    it.map(ToString::to_string).unwrap_or_default()
}

/// The parts of a filter with what they are set to; a lot that is typed is none yet.
fn parts(
    scene: &Scene<'_>,
    filter: &JobFilter,
    typed_lot: Option<&str>,
) -> [(Part, &'static str, String); 5] {
    let lot = typed_lot.map_or_else(|| text(filter.lot.as_ref()), str::to_owned);
    [
        (
            Part::Text,
            scene.label(Label::FilterText),
            text(filter.text.as_ref()),
        ),
        (
            Part::Slot,
            scene.word(Word::Slot),
            text(filter.slot.as_ref()),
        ),
        (
            Part::Outcome,
            scene.label(Label::Result),
            text(filter.outcome.as_ref()),
        ),
        (
            Part::Code,
            scene.word(Word::Code),
            text(filter.code.as_ref()),
        ),
        (Part::Lot, scene.label(Label::Lot), lot),
    ]
}

/// What is set, in one line.
fn told(scene: &Scene<'_>, parts: &[(Part, &'static str, String)]) -> String {
    let set = parts.iter().filter(|(.., value)| !value.is_empty());
    let set: Vec<String> = set
        .map(|(_, name, value)| format!("{name}: {value}"))
        .collect();
    match set.is_empty() {
        true => String::new(),
        false => format!("{} {}", scene.label(Label::Filter), set.join("   ")),
    }
}

/// The filter while it is typed: the parts in one line, the keys in the next.
fn form(scene: &Scene<'_>, draft: &Draft, area: Rect, buffer: &mut Buffer) {
    let mut x = area.x + 1;
    for (part, name, value) in parts(scene, &draft.filter, Some(&draft.lot)) {
        let is_chosen = part == draft.part;
        let value = match (value.is_empty(), is_chosen) {
            (true, true) => "_".to_owned(),
            (true, false) => scene.label(Label::FilterAny).to_owned(),
            (false, true) if matches!(part, Part::Text | Part::Lot) => format!("{value}_"),
            (false, _) => value,
        };
        let room = usize::from(area.right().saturating_sub(x + 1));
        let name = clip(&format!("{name}: "), room);
        buffer.set_string(x, area.y, &name, scene.role(Role::Dim));
        x += width(&name) as u16;
        let room = usize::from(area.right().saturating_sub(x + 1));
        let value = clip(&value, room);
        let style = match is_chosen {
            true => Style::new().add_modifier(Modifier::REVERSED),
            false => Style::new().add_modifier(Modifier::BOLD),
        };
        buffer.set_string(x, area.y, &value, style);
        x += width(&value) as u16 + 2;
        if x >= area.right() {
            break;
        }
    }
    let cells = usize::from(area.width).saturating_sub(2);
    let hint = clip(scene.label(Label::FilterHint), cells);
    if area.height > 1 {
        buffer.set_string(area.x + 1, area.y + 1, hint, scene.role(Role::Dim));
    }
}
