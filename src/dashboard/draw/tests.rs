//! Whole screens as text: the cells, then a letter for each cell's style and what the letters mean.

use super::super::looks::{self, every_look, text};
use super::super::signs::Signs;
use super::super::status::Status;
use super::super::view::Prompt;
use super::*;
use crate::dashboard::fixture;
use crate::dashboard::options::Quit;
use crate::event::{Code, SlotId, Waiting};
use crate::job::Measurement;
use crate::station::{BundleView, Halt, OnDisk, RequestRefused, SlotState};

fn screen(snapshot: &Snapshot, view: &View, colour: Colour, size: (u16, u16)) -> Buffer {
    looks::screen(snapshot, view, colour, Signs::Unicode, size)
}

fn styles(buffer: &Buffer) -> String {
    looks::styles(&[("styles", buffer)])
}

fn view() -> View {
    View::new(Language::English, Quit::AskWhenBusy)
}

fn selecting(slot: &str, page: Page) -> View {
    View {
        selected: Some(SlotId::new(slot)),
        page,
        ..view()
    }
}

fn both(buffer: &Buffer) -> String {
    format!("{}{}", text(buffer), styles(buffer))
}

#[test]
fn eight_slots_in_every_look() {
    every_look("bench", &fixture::bench(), &view());
}

#[test]
fn every_state_for_a_lot_in_every_look() {
    every_look(
        "states",
        &fixture::every_state(),
        &selecting("3", Page::Bench),
    );
}

#[test]
fn the_other_states() {
    let mut snapshot = fixture::bench_of_the_rest();
    snapshot.line = LineState::Stopped {
        code: Code::DiskFull,
        detail: "12 MB free in /var/lib/flashline".to_owned(),
    };
    for (name, colour) in [("colour", Colour::Colour), ("plain", Colour::None)] {
        let buffer = screen(&snapshot, &view(), colour, (80, 24));
        insta::assert_snapshot!(format!("other_states_{name}"), both(&buffer));
    }
}

#[test]
fn what_each_waiting_slot_waits_for() {
    let slots = Waiting::ALL.iter().enumerate();
    let slots =
        slots.map(|(index, why)| fixture::slot(&(index + 1).to_string(), SlotState::Waiting(*why)));
    // after a start with another manifest than the one approved last
    let code = Code::ManifestChangedOnDisk;
    let unapproved = fixture::slot("12", SlotState::Blocked { code });
    let mut snapshot = fixture::with(slots.chain([unapproved]).collect());
    let [bundle, ..] = &*fixture::changed_on_disk().bundles else {
        unreachable!()
    };
    let OnDisk::Changed { bundle: digest, .. } = &bundle.on_disk else {
        unreachable!()
    };
    let bundle = BundleView {
        bundle: digest.clone(),
        ..bundle.clone()
    };
    snapshot.bundles = [bundle].into();
    for language in [Language::English, Language::Chinese] {
        let view = View { language, ..view() };
        let buffer = screen(&snapshot, &view, Colour::None, (120, 40));
        insta::assert_snapshot!(format!("waits_{language:?}").to_lowercase(), text(&buffer));
    }
}

/// Neither green nor red, in its own words, and as large as there is room for.
#[test]
fn written_is_no_pass_and_no_fail() {
    let detail = "verified: nothing; not verified: bootloader, app (Secure Download Mode)";
    let written = |last| fixture::ended(last, Code::NotVerified, detail);
    let mut snapshot = fixture::bench();
    snapshot.slots[1] = fixture::slot("2", written(2));
    let mut standing = (*snapshot.standing).clone();
    standing.today.written = 1;
    snapshot.standing = standing.into();
    let chinese = View {
        language: Language::Chinese,
        ..view()
    };
    for (name, view, colour) in [
        ("colour", view(), Colour::Colour),
        ("plain", view(), Colour::None),
        ("chinese", chinese, Colour::Colour),
    ] {
        let buffer = screen(&snapshot, &view, colour, (80, 24));
        insta::assert_snapshot!(format!("written_{name}"), both(&buffer));
    }
    let alone = fixture::with(vec![fixture::slot("1", written(1))]);
    let buffer = screen(&alone, &view(), Colour::Colour, (80, 24));
    insta::assert_snapshot!("written_large", text(&buffer));
    let detail = selecting("2", Page::Detail);
    let buffer = screen(&snapshot, &detail, Colour::Colour, (80, 24));
    insta::assert_snapshot!("written_detail", text(&buffer));
}

fn chinese() -> View {
    View {
        language: Language::Chinese,
        ..view()
    }
}

#[test]
fn slots_out_of_service() {
    let snapshot = fixture::bench_out_of_service();
    let english = selecting("1", Page::Bench);
    for (name, view, colour, size) in [
        ("colour", &english, Colour::Colour, (80, 24)),
        ("plain", &english, Colour::None, (80, 24)),
        ("chinese", &chinese(), Colour::Colour, (80, 24)),
        ("large", &english, Colour::Colour, (120, 40)),
    ] {
        let buffer = screen(&snapshot, view, colour, size);
        insta::assert_snapshot!(format!("out_{name}"), both(&buffer));
    }
    for slot in ["1", "2", "3", "8"] {
        let view = selecting(slot, Page::Detail);
        let buffer = screen(&snapshot, &view, Colour::Colour, (80, 24));
        insta::assert_snapshot!(format!("out_detail_{slot}"), text(&buffer));
    }
}

#[test]
fn a_halted_line_and_manifests_that_changed_on_disk() {
    let halted = |halt| Snapshot {
        line: LineState::Halted(halt),
        ..fixture::changed_on_disk()
    };
    let failures = halted(Halt::Failures {
        slots: 3,
        code: Code::NoSync,
    });
    let asked = halted(Halt::Asked { by: fixture::li() });
    for (name, snapshot, view, colour) in [
        ("failures", &failures, view(), Colour::Colour),
        ("plain", &failures, view(), Colour::None),
        ("chinese", &failures, chinese(), Colour::Colour),
        ("asked", &asked, view(), Colour::Colour),
        ("asked_chinese", &asked, chinese(), Colour::None),
    ] {
        let buffer = screen(snapshot, &view, colour, (100, 24));
        let lines: Vec<_> = text(&buffer).lines().map(str::to_owned).collect();
        let ends = [&lines[..5], &lines[lines.len() - 1..]].concat().join("\n");
        insta::assert_snapshot!(format!("banners_{name}"), ends);
    }
    let buffer = screen(&failures, &view(), Colour::Colour, (120, 40));
    insta::assert_snapshot!("banners_120x40", both(&buffer));
}

/// Two rows of four as on the bench, one place of them empty.
#[test]
fn tiles_at_their_seats() {
    let mut snapshot = fixture::bench();
    let seats = fixture::seated(&[(1, 1), (1, 2), (1, 3), (1, 4), (2, 4), (2, 3), (2, 1)]);
    snapshot.slots.truncate(7);
    for (slot, at) in snapshot.slots.iter_mut().zip(&seats.slots) {
        std::sync::Arc::make_mut(slot).seat = at.seat;
    }
    for size in [(80, 24), (120, 40), (200, 60)] {
        let buffer = screen(&snapshot, &view(), Colour::Colour, size);
        insta::assert_snapshot!(format!("seats_{}x{}", size.0, size.1), text(&buffer));
    }
}

#[test]
fn sixty_four_slots() {
    for size in [(80, 24), (200, 60)] {
        let buffer = screen(&fixture::many(64), &view(), Colour::Colour, size);
        insta::assert_snapshot!(format!("many_{}x{}", size.0, size.1), text(&buffer));
    }
}

#[test]
fn a_slot_in_detail() {
    for slot in ["3", "4", "8"] {
        let view = selecting(slot, Page::Detail);
        let buffer = screen(&fixture::bench(), &view, Colour::Colour, (80, 24));
        insta::assert_snapshot!(format!("detail_{slot}"), text(&buffer));
    }
}

#[test]
fn what_a_board_measured_in_detail() {
    let measured = |name: &str, value, unit: &str, low, high| Measurement {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        low,
        high,
    };
    let mut state = fixture::ended(2, Code::MeasurementOutOfLimits, "vbat: 2710 mV");
    if let SlotState::Done(result) = &mut state {
        result.measurements = [
            measured("vbat", 2710.0, "mV", Some(3000.0), Some(3600.0)),
            measured("rssi", -61.5, "dBm", Some(-70.0), None),
            measured("heap", 181_000.0, "", None, None),
        ]
        .into();
    }
    let mut snapshot = fixture::bench();
    snapshot.slots[1] = fixture::slot("2", state);
    let view = selecting("2", Page::Detail);
    let buffer = screen(&snapshot, &view, Colour::Colour, (80, 24));
    insta::assert_snapshot!("measured_detail", text(&buffer));
}

#[test]
fn help() {
    let attached = View {
        quit: Quit::LeaveOnly,
        ..view()
    };
    for (name, view, page, size) in [
        ("60x18", view(), Page::Help, LEAST),
        ("attached", attached, Page::Help, (80, 24)),
    ] {
        let view = View { page, ..view };
        let buffer = screen(&fixture::bench(), &view, Colour::Colour, size);
        insta::assert_snapshot!(format!("help_{name}"), text(&buffer));
    }
}

#[test]
fn a_small_terminal_says_so() {
    let buffer = screen(&fixture::bench(), &view(), Colour::Colour, (30, 5));
    insta::assert_snapshot!("too_small", text(&buffer));
}

#[test]
fn prompts_take_the_footer() {
    let check = |prompt, expected: &str| {
        let view = View { prompt, ..view() };
        let buffer = screen(&fixture::bench(), &view, Colour::Colour, (80, 24));
        assert_eq!(text(&buffer).lines().last().map(str::trim), Some(expected));
    };
    check(
        Prompt::ConfirmQuit,
        "1 board is at work. q: stop at a safe point and end   Esc: go on",
    );
    check(Prompt::SelectFirst, "select a slot with the arrows first");
    check(
        Prompt::Refused(RequestRefused::NoBoard(SlotId::new("7"))),
        "slot 7: the slot has no board",
    );
    check(
        Prompt::Refused(RequestRefused::NotApproved {
            slot: SlotId::new("7"),
            manifest: "m.toml".into(),
        }),
        "slot 7: its manifest changed: a supervisor approves it first (b)",
    );
    check(Prompt::TryAgain, "the station is busy, press again");
    check(Prompt::Scanned("A17".to_owned()), "scanned: A17");
}

#[test]
fn the_selected_slot_is_marked_with_and_without_colour() {
    let view = selecting("3", Page::Bench);
    for colour in [Colour::Colour, Colour::None] {
        let chosen = screen(&fixture::bench(), &view, colour, (80, 24));
        assert!(text(&chosen).contains("[3]"));
    }
}

/// What is told by colour is told by a sign as well.
#[test]
fn no_two_states_look_the_same_without_colour() {
    let signs: std::collections::BTreeSet<_> = Status::ALL.map(Status::sign).into();
    assert_eq!(signs.len(), Status::ALL.len());
    let words: std::collections::BTreeSet<_> = Status::ALL
        .map(|status| lang::word(status.word(), Language::English))
        .into();
    assert_eq!(words.len(), Status::ALL.len());
    for status in Status::ALL {
        for style in [palette::tile, palette::tile_head, palette::text] {
            let style = style(status, Colour::None);
            assert_eq!((style.fg, style.bg), (None, None), "{status:?}");
        }
    }
}

proptest::proptest! {
    /// No size, number of slots or language makes it panic or draw outside.
    #[test]
    fn any_size_is_drawn(
        width in 0u16..301,
        height in 0u16..101,
        slots in 0usize..70,
        stopped: bool,
        chinese: bool,
        ascii: bool,
    ) {
        let language = if chinese { Language::Chinese } else { Language::English };
        let signs = if ascii { Signs::Ascii } else { Signs::Unicode };
        let many = fixture::for_a_lot(fixture::many(slots));
        let mut states = fixture::every_state();
        states.bundles = fixture::changed_on_disk().bundles;
        if stopped {
            let detail = "12 MB free in /var/lib/flashline".to_owned();
            states.line = LineState::Stopped { code: Code::DiskFull, detail };
        }
        for page in [Page::Bench, Page::Detail, Page::Help, Page::Signs] {
            let view = View { language, ..selecting("1", page) };
            for snapshot in [&many, &states] {
                looks::screen(snapshot, &view, Colour::Colour, signs, (width, height));
            }
        }
    }
}

#[test]
fn a_golden_board_that_escaped_is_told_above_all() {
    let mut snapshot = fixture::bench();
    snapshot.line = LineState::Halted(Halt::Failures {
        slots: 1,
        code: Code::GoldenEscaped,
    });
    let buffer = screen(&snapshot, &view(), Colour::Colour, (120, 40));
    let shown = text(&buffer);
    let told = "LINE STOPPED GOLDEN_ESCAPED: known-bad board passed. Call the supervisor";
    assert!(shown.contains(told), "{shown}");
}
