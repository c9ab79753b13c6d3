//! The lots that are not ended, and how far they are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::table::{self, Column};
use super::{heading, say};
use crate::dashboard::draw::Scene;
use crate::dashboard::palette;
use crate::dashboard::status::Status;
use crate::dashboard::view::lots;
use crate::event::{FirstArticle, LotState};
use crate::lang::{Label, Word};
use crate::record::LotStanding;

/// Draws the page.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    heading(scene, Label::Lots, "", area, buffer);
    let below = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    let all = &scene.snapshot.standing.lots;
    if all.is_empty() {
        say(scene.label(Label::NoLots), below, buffer);
        return;
    }
    let column = |cell: &dyn Fn(&LotStanding) -> String| all.iter().map(cell).collect::<Vec<_>>();
    let percent = |part: u64, units: u64| match units {
        0 => "-".to_owned(),
        units => format!("{:.1} %", part as f64 * 100.0 / units as f64),
    };
    let columns = vec![
        Column::new(
            scene.label(Label::Lot),
            0,
            column(&|lot| lot.lot.to_string()),
        ),
        Column::new(scene.word(Word::State), 0, column(&|lot| state(scene, lot))),
        Column::new(
            scene.label(Label::Done),
            0,
            column(&|lot| format!("{} / {}", lot.figures.passed, lot.target)),
        )
        .right(),
        Column::new(
            scene.label(Label::FirstArticle),
            1,
            column(&|lot| scene.label(first_article(lot.first_article)).to_owned()),
        ),
        Column::new(
            scene.word(Word::FirstPass),
            3,
            column(&|lot| percent(lot.figures.first_pass, lot.figures.units)),
        )
        .right(),
        Column::new(
            scene.word(Word::FinalPass),
            4,
            column(&|lot| percent(lot.figures.passed, lot.figures.units)),
        )
        .right(),
        Column::new(
            scene.word(Word::OpenUnits),
            2,
            column(&|lot| lot.open_units.to_string()),
        )
        .right(),
        Column::new(
            scene.label(Label::Rest),
            5,
            column(&|lot| {
                lot.to_go
                    .map_or("-".to_owned(), |to_go| minutes(to_go.as_secs()))
            }),
        )
        .right(),
        Column::new(
            scene.label(Label::Order),
            6,
            column(&|lot| lot.order.clone().unwrap_or_default()),
        ),
        Column::new(
            scene.word(Word::Product),
            7,
            column(&|lot| format!("{} {}", lot.product, lot.version)),
        ),
        Column::new(
            scene.word(Word::Bundle),
            8,
            column(&|lot| lot.bundle.clone()),
        ),
    ];
    let styles: Vec<Style> = all
        .iter()
        .map(|lot| match (&lot.state, lot.first_article) {
            (LotState::Running, FirstArticle::Held) | (LotState::Paused { .. }, _) => {
                palette::text(Status::Waiting, scene.colour)
            }
            (LotState::Running, _) => palette::text(Status::Passed, scene.colour),
            (LotState::Approved | LotState::Ended, _) => Style::new(),
        })
        .collect();
    let chosen = scene.view.lot.index(&lots(scene.snapshot));
    table::draw(scene, columns, &styles, chosen, below, buffer);
}

fn state(scene: &Scene<'_>, lot: &LotStanding) -> String {
    match &lot.state {
        LotState::Approved => scene.label(Label::LotApproved).to_owned(),
        LotState::Running => scene.label(Label::LotRunning).to_owned(),
        LotState::Paused { by } => format!("{} ({})", scene.label(Label::LotPaused), by.name),
        LotState::Ended => scene.label(Label::LotEnded).to_owned(),
    }
}

pub fn first_article(it: FirstArticle) -> Label {
    match it {
        FirstArticle::Free => Label::FirstFree,
        FirstArticle::Due => Label::FirstDue,
        FirstArticle::Held => Label::FirstHeld,
        FirstArticle::Approved => Label::FirstApproved,
    }
}

/// Hours and minutes, begun ones counted whole.
fn minutes(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    match minutes {
        0..60 => format!("{minutes} min"),
        _ => format!("{}:{:02} h", minutes / 60, minutes % 60),
    }
}
