//! Every page and dialog in every look, and what must hold at every width.

use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent};

use super::super::view::dialog::{Dialog, Subject};
use super::super::view::form::LotForm;
use super::super::view::{Page, View};
use super::*;
use crate::dashboard::fixture;
use crate::dashboard::looks::{every_look_at, screen_at, text};
use crate::dashboard::options::{Colour, Quit};
use crate::dashboard::past::Past;
use crate::dashboard::signs::Signs;
use crate::dashboard::text::width;
use crate::dashboard::view::keymap::{FORM_KEYS, KEYMAP};
use crate::event::SlotId;
use crate::lang::{Caption, Language};
use crate::record::JobFilter;
use crate::station::enquiry::{Found, NotFound};
use crate::station::{Ask, OnDisk, RequestRefused, Snapshot};

fn on(page: Page) -> View {
    View {
        page,
        selected: Some(SlotId::new("3")),
        ..View::new(Language::English, Quit::AskWhenBusy)
    }
}

/// A dialog with some keys pressed.
fn dialog(subject: Subject, snapshot: &Snapshot, keys: &str) -> View {
    let now = Instant::now();
    let mut dialog = Dialog::new(1, subject, snapshot, &fixture::li(), now);
    for key in keys.chars() {
        let code = match key {
            '\r' => KeyCode::Enter,
            '>' => KeyCode::Right,
            letter => KeyCode::Char(letter),
        };
        dialog.key(KeyEvent::from(code), Language::English, now);
    }
    View {
        dialog: Some(dialog),
        ..on(Page::Bench)
    }
}

#[test]
fn only_the_demo_tells_its_pin() {
    let snapshot = fixture::with_supervisors(fixture::bench());
    let view = dialog(Subject::Ask(Ask::FreeLine), &snapshot, "");
    let told = |caption| {
        let area = Rect::new(0, 0, 80, 24);
        let mut buffer = Buffer::empty(area);
        let scene = Scene {
            snapshot: &snapshot,
            view: &view,
            past: &Past::default(),
            caption,
            colour: Colour::Colour,
            signs: Signs::Unicode,
            zone: &jiff::tz::TimeZone::UTC,
            now: fixture::now(),
        };
        crate::dashboard::draw::draw(&scene, area, &mut buffer);
        text(&buffer).contains("in this demo 1234")
    };
    assert!(told(Some(Caption::DemoOver)));
    assert!(!told(Some(Caption::DaemonLost)));
    assert!(!told(None));
}

/// Every page and dialog with something in it.
fn views() -> Vec<(&'static str, Snapshot, View)> {
    let lots = fixture::bench_with_lots;
    let story = fixture::story().row.job;
    let changed = fixture::with_supervisors(fixture::changed_on_disk());
    let bundles = changed.bundles.iter();
    let shown = bundles.filter(|it| matches!(it.on_disk, OnDisk::Changed { .. }));
    let shown: Vec<_> = shown.cloned().collect();
    let slot = SlotId::new("5");
    let free = || Subject::Ask(Ask::FreeSlot { slot: slot.clone() });
    let out = fixture::with_supervisors(fixture::bench_out_of_service());
    let mut refused = dialog(free(), &out, "\r4711\r>\r");
    if let Some(dialog) = &mut refused.dialog {
        let name = "wang".into();
        dialog.refused(RequestRefused::WrongPin { name, left: 2 });
    }
    let unit = lots().standing.open_units[0].unit.clone();
    let filtering = View {
        draft: Some(super::super::view::filter::Draft::of(&JobFilter {
            text: Some("24:0a".to_owned()),
            ..JobFilter::default()
        })),
        ..on(Page::Jobs)
    };
    let asking = fixture::asking(&["3"]);
    let new_lot = Subject::NewLot(LotForm::new(&lots()));
    vec![
        ("detail", lots(), on(Page::Detail)),
        ("detail_asking", asking, on(Page::Detail)),
        ("jobs", lots(), on(Page::Jobs)),
        ("jobs_filter", lots(), filtering),
        ("story", lots(), on(Page::Story(story))),
        ("charts", lots(), on(Page::Charts)),
        ("lots", lots(), on(Page::Lots)),
        ("open", lots(), on(Page::Open)),
        ("keys", lots(), on(Page::Help)),
        ("signs", lots(), on(Page::Signs)),
        ("dialog_pin", out.clone(), dialog(free(), &out, "\r4711")),
        ("dialog_wrong", out, refused),
        (
            "dialog_bundle",
            changed.clone(),
            dialog(Subject::Bundle { shown, at: 0 }, &changed, ""),
        ),
        (
            "dialog_lot",
            lots(),
            dialog(new_lot, &lots(), "L-7\r500\r\r\r\r12\r>"),
        ),
        (
            "dialog_write_off",
            lots(),
            dialog(Subject::Ask(Ask::WriteOff { unit }), &lots(), "\r1\rx"),
        ),
        (
            "dialog_nobody",
            fixture::bench(),
            dialog(Subject::Ask(Ask::FreeLine), &fixture::bench(), ""),
        ),
    ]
}

#[test]
fn every_page_in_every_look() {
    for (name, snapshot, view) in views() {
        let past = fixture::past_of(&snapshot, &view);
        every_look_at(name, &snapshot, &view, &past);
    }
}

fn picture(snapshot: &Snapshot, view: &View, past: &Past, size: (u16, u16)) -> Buffer {
    screen_at(snapshot, view, past, Colour::Colour, Signs::Unicode, size)
}

/// At every width no wide character loses its second cell, and the screen has what it must have.
#[test]
fn no_wide_character_is_cut_at_any_width() {
    for (name, snapshot, view) in views() {
        let past = fixture::past_of(&snapshot, &view);
        let view = View {
            language: Language::Chinese,
            ..view
        };
        for columns in 80..=200 {
            let buffer = picture(&snapshot, &view, &past, (columns, 24));
            for y in 0..24 {
                for x in 0..columns {
                    if width(buffer[(x, y)].symbol()) == 2 {
                        let fits = x + 1 < columns && buffer[(x + 1, y)].symbol() == " ";
                        assert!(fits, "{name} at {columns}: {x}, {y}\n{}", text(&buffer));
                    }
                }
            }
        }
    }
}

/// The columns of a list begin in the same cell in every row.
#[test]
fn columns_align_at_any_width() {
    let snapshot = fixture::bench_with_lots();
    for language in [Language::English, Language::Chinese] {
        let view = View {
            language,
            ..on(Page::Jobs)
        };
        let past = fixture::past_of(&snapshot, &view);
        for columns in 80..=200 {
            let buffer = picture(&snapshot, &view, &past, (columns, 24));
            let row =
                |word: &str| (0..24).find(|y| (0..columns - 2).any(|x| at(&buffer, x, *y, word)));
            let (third, fourth) = (row("VERIFY_MISMATCH").unwrap(), row("NO_SYNC").unwrap());
            let begins = |y, word| (0..columns).find(|x| at(&buffer, *x, y, word));
            assert_eq!(begins(third, "VERIFY_MISMATCH"), begins(fourth, "NO_SYNC"));
        }
    }
}

/// Whether a text begins in this cell.
fn at(buffer: &Buffer, x: u16, y: u16, text: &str) -> bool {
    let cells = (x..buffer.area.right()).map(|x| buffer[(x, y)].symbol());
    let line: String = cells.take(text.len()).collect();
    line == text
}

/// A PIN is dots.
#[test]
fn no_digit_of_a_pin_is_drawn() {
    let snapshot = fixture::with_supervisors(fixture::with(vec![]));
    let view = dialog(Subject::Ask(Ask::FreeLine), &snapshot, "\r7777777");
    let drawn = text(&picture(&snapshot, &view, &Past::default(), (80, 24)));
    assert!(
        drawn.contains("•••••••") && !drawn.contains("777"),
        "{drawn}"
    );
}

/// Every key that the dashboard takes is on the page of keys, with what it is for.
#[test]
fn all_keys_are_on_their_page() {
    let view = on(Page::Help);
    for language in [Language::English, Language::Chinese] {
        let view = View {
            language,
            ..view.clone()
        };
        let buffer = picture(&fixture::bench(), &view, &Past::default(), (200, 60));
        let drawn = text(&buffer);
        let rows = KEYMAP.iter().map(|row| (row.shown, row.label));
        let forms = FORM_KEYS.iter().map(|row| (row.shown, row.label));
        for (shown, label) in rows.chain(forms) {
            let label = lang::label(label, language);
            let line = drawn.lines().find(|line| {
                line.match_indices(shown)
                    .any(|(at, _)| line[at..].contains(label))
            });
            assert!(line.is_some(), "{shown} {label}\n{drawn}");
        }
    }
}

/// Slots that want someone are told above every page and behind every dialog.
#[test]
fn no_alarm_is_hidden() {
    for (name, snapshot, view) in views() {
        let past = fixture::past_of(&snapshot, &view);
        let drawn = text(&picture(&snapshot, &view, &past, (80, 24)));
        for slot in &snapshot.slots {
            let sign = crate::dashboard::status::Status::of(slot).sign();
            let marks = [
                format!(" {} {sign}", slot.slot),
                format!("[{}]{sign}", slot.slot),
            ];
            assert!(
                marks.iter().any(|mark| drawn.contains(mark)),
                "{name} {marks:?}\n{drawn}"
            );
        }
    }
    let view = on(Page::Jobs);
    let drawn = text(&picture(
        &fixture::many(64),
        &view,
        &Past::default(),
        (80, 24),
    ));
    assert!(drawn.contains(" 7 ✘") && drawn.contains(" +"), "{drawn}");
}

#[test]
fn an_answer_that_is_not_there_is_said() {
    let snapshot = fixture::bench();
    let check = |found: Option<Result<Found, NotFound>>, expected: Label| {
        let mut past = Past::default();
        let view = on(Page::Charts);
        past.wanted(&view, &snapshot);
        if let Some(found) = found {
            past.found(found);
        }
        let drawn = text(&picture(&snapshot, &view, &past, (80, 24)));
        let expected = lang::label(expected, Language::English);
        assert!(drawn.contains(expected), "{expected}\n{drawn}");
    };
    let unreadable = NotFound::Unreadable("disk I/O error".to_owned());
    check(None, Label::NotYet);
    check(Some(Err(unreadable)), Label::Unreadable);
    check(Some(Err(NotFound::Silent)), Label::Silent);
    check(Some(Err(NotFound::Busy)), Label::RecordBusy);
    check(
        Some(Ok(Found::Day(Default::default()))),
        Label::NothingToday,
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// No size, page or number of slots makes it panic or draw outside.
    #[test]
    fn any_size_is_drawn(width in 0u16..230, height in 0u16..70, slots in 0usize..70, scroll in 0usize..90) {
        let snapshot = fixture::many(slots);
        let past = fixture::past(&snapshot);
        for page in Page::EACH {
            for language in [Language::English, Language::Chinese] {
                let view = View { language, scroll, ..on(page) };
                picture(&snapshot, &view, &past, (width, height));
            }
        }
        for (_, _, view) in views() {
            picture(&snapshot, &view, &past, (width, height));
        }
    }
}
