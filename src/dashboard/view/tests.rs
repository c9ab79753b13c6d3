use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::dashboard::fixture;
use crate::station::SlotState;

const FOUR: Arrangement = Arrangement::Order { columns: 4 };

/// Presses keys one after the other on eight slots in four columns; what the last one asks for.
fn press(view: &mut View, snapshot: &Snapshot, keys: &[KeyCode]) -> Act {
    press_at(view, snapshot, &Past::default(), FOUR, keys)
}

fn press_at(
    view: &mut View,
    snapshot: &Snapshot,
    past: &Past,
    tiles: Arrangement,
    keys: &[KeyCode],
) -> Act {
    let by = fixture::li();
    let sight = Sight {
        snapshot,
        past,
        by: &by,
        tiles,
        rows: 20,
        scroll_limit: 30,
        now: Instant::now(),
    };
    keys.iter()
        .map(|key| view.key(KeyEvent::from(*key), &sight))
        .last()
        .unwrap()
}

fn take(view: &mut View, snapshot: &Snapshot, key: KeyEvent) -> Act {
    let (past, by) = (Past::default(), fixture::li());
    let sight = Sight {
        snapshot,
        past: &past,
        by: &by,
        tiles: FOUR,
        rows: 20,
        scroll_limit: 30,
        now: Instant::now(),
    };
    view.key(key, &sight)
}

/// What a key asks for itself.
fn asks(ask: Ask) -> Act {
    Act::Ask(Errand {
        ask,
        warrant: None,
        from: From::Key,
    })
}

fn view(quit: Quit) -> View {
    View::new(Language::English, quit)
}

#[test]
fn arrows_go_through_the_tiles_and_stay_on_them() {
    use KeyCode::{Down, Esc, Left, Right, Tab, Up};
    let check = |keys: &[KeyCode], expected: Option<&str>| {
        let mut view = view(Quit::AtOnce);
        press(&mut view, &fixture::bench(), keys);
        let selected = view.selected.as_ref().map(SlotId::as_str);
        assert_eq!(selected, expected, "{keys:?}");
    };
    check(&[Down], Some("1"));
    check(&[Right, Right], Some("2"));
    check(&[Right, Down, Right], Some("6"));
    check(&[Right, Down, Down], Some("5"));
    check(&[Right, Up, Left], Some("1"));
    check(&[Tab, Tab, Tab], Some("3"));
    check(&[Right, Esc], None);
}

#[test]
fn start_and_stop_are_about_the_selected_slot() {
    use KeyCode::{Char, Right};
    let slot = SlotId::new("2");
    let check = |keys: &[KeyCode], expected: Act, prompt: Prompt| {
        let mut view = view(Quit::AtOnce);
        assert_eq!(press(&mut view, &fixture::bench(), keys), expected);
        assert_eq!(view.prompt, prompt, "{keys:?}");
    };
    check(
        &[Right, Right, Char('s')],
        asks(Ask::Start {
            slot: slot.clone(),
            serial: None,
        }),
        Prompt::Keys,
    );
    let about = |key, ask: Ask| check(&[Right, Right, Char(key)], asks(ask), Prompt::Keys);
    about('x', Ask::StopJob { slot: slot.clone() });
    about('p', Ask::StopSlot { slot });
    check(&[Char('s')], Act::Redraw, Prompt::SelectFirst);
    check(&[Char('s'), Right], Act::Redraw, Prompt::Keys);
}

/// Two rows of three with a hole in the middle of the front one, as the file has them in its own order.
#[test]
fn arrows_go_by_seats_where_tiles_do() {
    use KeyCode::{Down, Left, Right, Tab, Up};
    let seats = [(1, 1), (1, 2), (1, 3), (3, 3), (3, 1)];
    let snapshot = fixture::seated(&seats);
    let check = |keys: &[KeyCode], expected: &str| {
        let mut view = view(Quit::AtOnce);
        for key in keys {
            press_at(
                &mut view,
                &snapshot,
                &Past::default(),
                Arrangement::Seats,
                &[*key],
            );
        }
        let selected = view.selected.as_ref().map(SlotId::as_str);
        assert_eq!(selected, Some(expected), "{keys:?}");
    };
    check(&[Down], "1");
    check(&[Down, Down], "5");
    check(&[Down, Right, Right, Right], "3");
    check(&[Down, Right, Right, Down], "4");
    check(&[Down, Down, Right], "4");
    check(&[Down, Down, Right, Left, Up], "1");
    check(&[Down, Right, Down, Down], "5");
    check(&[Down, Up, Left], "1");
    check(&[Tab, Tab, Tab, Tab], "4");
}

#[test]
fn stopping_the_line_is_asked_once() {
    use KeyCode::{Char, Esc};
    let check = |keys: &[KeyCode], expected: Act| {
        let mut view = view(Quit::AtOnce);
        assert_eq!(
            press(&mut view, &fixture::bench(), keys),
            expected,
            "{keys:?}"
        );
    };
    check(&[Char('P')], Act::Redraw);
    check(&[Char('P'), Char('y')], asks(Ask::StopLine));
    check(&[Char('P'), Esc, Char('y')], Act::Nothing);
    check(&[Char('y')], Act::Nothing);
}

#[test]
fn quitting_asks_where_boards_are_at_work() {
    use KeyCode::{Char, Esc};
    let idle = || fixture::with(vec![fixture::slot("1", crate::station::SlotState::Empty)]);
    let check = |quit, snapshot: Snapshot, keys: &[KeyCode], expected| {
        assert_eq!(
            press(&mut view(quit), &snapshot, keys),
            expected,
            "{keys:?}"
        );
    };
    let q = Char('q');
    check(Quit::AtOnce, fixture::bench(), &[q], Act::Shutdown);
    check(Quit::AskWhenBusy, idle(), &[q], Act::Shutdown);
    check(Quit::AskWhenBusy, fixture::bench(), &[q], Act::Redraw);
    check(Quit::AskWhenBusy, fixture::bench(), &[q, q], Act::Shutdown);
    check(
        Quit::AskWhenBusy,
        fixture::bench(),
        &[q, Esc, q],
        Act::Redraw,
    );
    let mut ending = fixture::bench();
    ending.line = LineState::Ending;
    check(Quit::AtOnce, ending.clone(), &[q], Act::Nothing);
    check(Quit::LeaveOnly, fixture::bench(), &[q], Act::Leave);
    check(Quit::LeaveOnly, ending, &[q], Act::Leave);
}

#[test]
fn control_c_ends_and_the_second_one_does_not_wait() {
    let mut snapshot = fixture::bench();
    let mut view = view(Quit::AskWhenBusy);
    let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(take(&mut view, &snapshot, key), Act::Shutdown);
    snapshot.line = LineState::Ending;
    assert_eq!(take(&mut view, &snapshot, key), Act::Leave);
    view.quit = Quit::LeaveOnly;
    assert_eq!(take(&mut view, &fixture::bench(), key), Act::Leave);
    // a form takes every key but this one
    press(&mut view, &fixture::bench(), &[KeyCode::Char('b')]);
    view.draft = Some(Draft::of(&JobFilter::default()));
    assert_eq!(take(&mut view, &fixture::bench(), key), Act::Leave);
}

#[test]
fn pages_and_languages() {
    use KeyCode::{Char, Enter, Esc, Right};
    let check = |keys: &[KeyCode], page, language| {
        let mut view = view(Quit::AtOnce);
        press(&mut view, &fixture::bench(), keys);
        assert_eq!((view.page, view.language), (page, language), "{keys:?}");
    };
    check(&[Enter], Page::Bench, Language::English);
    check(&[Right, Enter], Page::Detail, Language::English);
    check(&[Right, Enter, Esc], Page::Bench, Language::English);
    check(&[Char('?'), Char('l')], Page::Help, Language::Chinese);
    check(&[Char('?'), Char('?')], Page::Signs, Language::English);
    check(
        &[Char('?'), Char('?'), Char('?')],
        Page::Bench,
        Language::English,
    );
}

#[test]
fn a_key_without_meaning_draws_nothing() {
    let mut view = view(Quit::AtOnce);
    let act = press(&mut view, &fixture::bench(), &[KeyCode::Char('z')]);
    assert_eq!(act, Act::Nothing);
}

/// Whatever was done before, this many times Escape lead to the bench with nothing selected.
#[test]
fn escape_always_leads_home() {
    use KeyCode::{Char, Down, Enter, Esc, F, Right};
    let snapshot = fixture::bench_with_lots();
    for keys in [
        &[Right, Enter][..],
        &[Char('j')],
        &[F(2), Char('/'), Char('q')],
        &[Char('j'), Down, Enter],
        &[Char('c')],
        &[Char('t'), Char('n'), Char('7')],
        &[Char('t'), Char('e')],
        &[Char('o'), Char('w')],
        &[Char('o'), Enter],
        &[Char('?')],
        &[Char('?'), Char('?')],
        &[Char('P')],
        &[Right, Right, Right, Char('g')],
    ] {
        let past = fixture::past(&snapshot);
        let mut view = view(Quit::AskWhenBusy);
        press_at(&mut view, &snapshot, &past, FOUR, keys);
        press_at(&mut view, &snapshot, &past, FOUR, &[Esc, Esc, Esc, Esc]);
        assert_eq!(
            (
                view.page,
                &view.prompt,
                &view.dialog,
                &view.draft,
                &view.selected
            ),
            (Page::Bench, &Prompt::Keys, &None, &None, &None),
            "{keys:?}"
        );
    }
}

/// What changes the line opens a dialog, and asks nothing before that is filled in.
#[test]
fn what_needs_a_supervisor_opens_a_dialog() {
    use KeyCode::{Char, Down, Right};
    let halted = |snapshot| Snapshot {
        line: LineState::Halted(crate::station::Halt::Asked { by: fixture::li() }),
        ..snapshot
    };
    let check = |snapshot: &Snapshot, keys: &[KeyCode], expected: Option<Ask>| {
        let mut view = view(Quit::AtOnce);
        let act = press(&mut view, snapshot, keys);
        assert_eq!(act, Act::Redraw, "{keys:?}");
        let dialog = view.dialog.map(|dialog| dialog.subject);
        assert_eq!(dialog, expected.map(Subject::Ask), "{keys:?}");
    };
    let out = fixture::bench_out_of_service();
    let slot = SlotId::new("1");
    check(&out, &[Right, Char('g')], Some(Ask::FreeSlot { slot }));
    check(&halted(fixture::bench()), &[Char('G')], Some(Ask::FreeLine));
    // nothing to let go on
    check(&fixture::bench(), &[Right, Char('g')], None);
    check(&fixture::bench(), &[Char('G')], None);
    let lots = fixture::bench_with_lots();
    let lot = || lots.standing.lots[1].lot.clone();
    let ask = Ask::ApproveFirstArticle { lot: lot() };
    check(&lots, &[Char('t'), Down, Char('a')], Some(ask));
    check(
        &lots,
        &[Char('t'), Down, Char('e')],
        Some(Ask::EndLot { lot: lot() }),
    );
    let unit = lots.standing.open_units[0].unit.clone();
    check(&lots, &[Char('o'), Char('w')], Some(Ask::WriteOff { unit }));
    let limit = fixture::at_its_retest_limit();
    let SlotState::Done(result) = &limit.slots[0].state else {
        unreachable!()
    };
    let unit = result.unit.clone().unwrap();
    check(&limit, &[Right, Char('r')], Some(Ask::AllowRetest { unit }));
    check(&fixture::bench(), &[Right, Char('r')], None);
}

/// An operator starts and pauses what a supervisor entered.
#[test]
fn a_lot_is_started_and_paused_by_anyone() {
    use KeyCode::{Char, Down, End};
    let snapshot = fixture::bench_with_lots();
    let names = lots(&snapshot);
    let check = |keys: &[KeyCode], expected: Ask| {
        let mut view = view(Quit::AtOnce);
        assert_eq!(
            press(&mut view, &snapshot, keys),
            asks(expected),
            "{keys:?}"
        );
    };
    let lot = names[0].clone();
    check(&[Char('t'), Char('p')], Ask::PauseLot { lot });
    let lot = names[1].clone();
    check(&[Char('t'), Down, Char('s')], Ask::StartLot { lot });
    let lot = names[names.len() - 1].clone();
    check(&[Char('t'), End, Char('s')], Ask::StartLot { lot });
    // but not what a supervisor paused
    let mut snapshot = snapshot;
    let mut standing = (*snapshot.standing).clone();
    standing.lots[1].state = crate::event::LotState::Paused {
        by: fixture::wang(),
    };
    snapshot.standing = standing.into();
    let mut view = view(Quit::AtOnce);
    press(&mut view, &snapshot, &[Char('t'), Down, Char('s')]);
    let lot = names[1].clone();
    let subject = view.dialog.map(|dialog| dialog.subject);
    assert_eq!(subject, Some(Subject::Ask(Ask::StartLot { lot })));
}

#[test]
fn a_board_that_passed_before_is_flashed_or_skipped() {
    use KeyCode::{Char, Right};
    let check = |asking: &[&str], keys: &[KeyCode], expected: Act| {
        let snapshot = fixture::asking(asking);
        let mut view = view(Quit::AtOnce);
        assert_eq!(
            press(&mut view, &snapshot, keys),
            expected,
            "{asking:?} {keys:?}"
        );
    };
    let decide = |slot: &str, again| {
        let slot = SlotId::new(slot);
        asks(Ask::Decide { slot, again })
    };
    check(&["3"], &[Char('f')], decide("3", Again::Flash));
    check(&["3"], &[Char('k')], decide("3", Again::Skip));
    check(&["1", "3"], &[Right, Char('k')], decide("1", Again::Skip));
    // which of them, or who at all
    check(&["1", "3"], &[Char('k')], Act::Redraw);
    check(&[], &[Char('f')], Act::Redraw);
    check(&["3"], &[Right, Char('f')], Act::Redraw);
}

#[test]
fn a_filter_takes_every_key() {
    use KeyCode::{Char, Down, Enter, Esc, Left, Right};
    let snapshot = fixture::bench_with_lots();
    let check = |keys: &[KeyCode], expected: JobFilter| {
        let mut view = view(Quit::AtOnce);
        press(&mut view, &snapshot, &[Char('j'), Char('/')]);
        press(&mut view, &snapshot, keys);
        assert_eq!((view.filter, view.draft), (expected, None), "{keys:?}");
        assert_eq!((view.page, view.language), (Page::Jobs, Language::English));
    };
    let any = JobFilter::default;
    let text = JobFilter {
        text: Some("qlj?P".to_owned()),
        ..any()
    };
    let typed = "qlj?P".chars().map(Char);
    check(&typed.chain([Enter]).collect::<Vec<_>>(), text);
    check(&[Char('q'), Esc], any());
    let slot = Some(SlotId::new("2"));
    check(&[Down, Right, Right, Enter], JobFilter { slot, ..any() });
    check(&[Down, Right, Left, Enter], any());
    let outcome = Some(crate::event::Outcome::Fail);
    check(
        &[Down, Down, Char('f'), Enter],
        JobFilter { outcome, ..any() },
    );
    let code = Some(crate::event::Code::NoReply);
    let n = Char('n');
    check(
        &[Down, Down, Down, n, n, Enter],
        JobFilter { code, ..any() },
    );
    let lot = Some(lots(&snapshot)[0].clone());
    check(&[KeyCode::Up, Right, Enter], JobFilter { lot, ..any() });
}

/// A label that is scanned while the filter is typed is looked for; else it is the station's.
#[test]
fn a_scan_goes_to_the_filter_while_that_is_typed() {
    let snapshot = fixture::bench();
    let mut view = view(Quit::AtOnce);
    press(
        &mut view,
        &snapshot,
        &[KeyCode::Char('j'), KeyCode::Char('/')],
    );
    assert_eq!(view.scan("A17".to_owned(), Instant::now()), Act::Redraw);
    assert_eq!(view.filter.text.as_deref(), Some("A17"));
    let slot = None;
    let text = "A18".to_owned();
    assert_eq!(
        view.scan(text.clone(), Instant::now()),
        asks(Ask::Scan { text, slot })
    );
}

#[test]
fn a_page_scrolls_as_far_as_it_has_lines() {
    use KeyCode::{Char, Down, End, Home, PageDown, Up};
    let check = |keys: &[KeyCode], expected| {
        let mut view = view(Quit::AtOnce);
        press(&mut view, &fixture::bench(), &[Char('?')]);
        press(&mut view, &fixture::bench(), keys);
        assert_eq!(view.scroll, expected, "{keys:?}");
    };
    check(&[Down, Down], 2);
    check(&[Up], 0);
    check(&[PageDown], 19);
    check(&[PageDown, PageDown, PageDown], 30);
    check(&[End, Up], 29);
    check(&[End, Home], 0);
}

/// The chosen job stays chosen when newer ones come, and Enter opens it.
#[test]
fn a_job_of_the_list_is_opened() {
    use KeyCode::{Char, Down, Enter, Esc};
    let snapshot = fixture::bench();
    let past = fixture::past(&snapshot);
    let jobs = past.job_ids(&JobFilter::default());
    let mut view = view(Quit::AtOnce);
    press_at(&mut view, &snapshot, &past, FOUR, &[Char('j'), Down, Enter]);
    assert_eq!(view.page, Page::Story(jobs[1]));
    press_at(&mut view, &snapshot, &past, FOUR, &[Esc]);
    assert_eq!(view.page, Page::Jobs);
    assert_eq!(view.job.index(&jobs), Some(1));
    assert_eq!(view.job.index(&jobs[1..]), Some(0));
    assert_eq!(view.job.index(&jobs[2..]), Some(0));
    assert_eq!(view.job.index(&[]), None);
}
