use std::cell::RefCell;

use crossterm::event::{KeyCode, KeyEvent};
use futures_util::stream;
use ratatui::backend::TestBackend;
use tokio::sync::mpsc;

use super::super::fixture;
use super::*;
use crate::event::SlotId;
use crate::lang::Language;
use crate::station::enquiry::Enquiry;
use crate::station::{Ask, Halt, LineState, Pin, Request};

fn key(code: KeyCode) -> io::Result<Event> {
    Ok(Event::Key(KeyEvent::from(code)))
}

struct Bench {
    snapshots: watch::Sender<Arc<Snapshot>>,
    requests: mpsc::Receiver<Request>,
    face: Face<TestBackend>,
}

fn bench() -> Bench {
    let (snapshots, receiver) = watch::channel(Arc::new(fixture::bench()));
    let (sender, requests) = mpsc::channel(4);
    let terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let face = Face::new(
        terminal,
        receiver,
        Asker::new(fixture::li(), sender),
        Enquirer::new().0,
        fixture::options(Language::English),
    );
    Bench {
        snapshots,
        requests,
        face,
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_station() {
    let bench = bench();
    drop(bench.snapshots);
    bench
        .face
        .run(stream::pending(), async |_| Ok(()))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn confirmed_quitting_asks_the_station_and_waits_for_its_end() {
    let mut bench = bench();
    let keys = stream::iter([key(KeyCode::Char('q')), key(KeyCode::Char('q'))]);
    let station = async {
        let asked = bench.requests.recv().await;
        let ask = asked.map(|request| request.ask);
        assert_eq!(ask, Some(Ask::Shutdown));
        drop(bench.snapshots);
    };
    let keys = keys.chain(stream::pending());
    let (ended, ()) = tokio::join!(bench.face.run(keys, async |_| Ok(())), station);
    ended.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_attached_face_leaves_and_asks_nothing() {
    let keyboard_gone = || stream::iter([]).boxed();
    let q = || {
        let keys = stream::iter([key(KeyCode::Char('q'))]);
        keys.chain(stream::pending()).boxed()
    };
    for events in [keyboard_gone(), q()] {
        let mut bench = bench();
        bench.face.view.quit = Quit::LeaveOnly;
        bench.face.options.quit = Quit::LeaveOnly;
        bench.face.run(events, async |_| Ok(())).await.unwrap();
        assert!(bench.requests.recv().await.is_none());
    }
}

/// A barcode made of hotkeys, and one of a slot that is selected.
#[tokio::test(start_paused = true)]
async fn a_barcode_is_no_hotkey_and_goes_to_the_selected_slot() {
    let mut bench = bench();
    let typed = |text: &'static str| stream::iter(text.chars().map(|c| key(KeyCode::Char(c))));
    let enter = || stream::iter([key(KeyCode::Enter)]);
    let right = stream::iter([key(KeyCode::Right)]);
    let keys = typed("qqsx")
        .chain(enter())
        .chain(right)
        .chain(typed("A17"));
    let keys = keys.chain(enter()).chain(stream::pending());
    let station = async {
        let mut asked = Vec::new();
        for _ in 0..2 {
            asked.push(bench.requests.recv().await.unwrap().ask);
        }
        drop(bench.snapshots);
        asked
    };
    let (ended, asked) = tokio::join!(bench.face.run(keys, async |_| Ok(())), station);
    ended.unwrap();
    let scan = |text: &str, slot: Option<&str>| Ask::Scan {
        text: text.to_owned(),
        slot: slot.map(SlotId::new),
    };
    assert_eq!(asked, [scan("qqsx", None), scan("A17", Some("1"))]);
}

/// Held back for a moment, then it acts.
#[tokio::test(start_paused = true)]
async fn a_hotkey_acts_once_it_is_no_barcode() {
    let mut bench = bench();
    let keys = stream::iter([key(KeyCode::Right), key(KeyCode::Char('p'))]);
    let station = async {
        let ask = bench.requests.recv().await.unwrap().ask;
        drop(bench.snapshots);
        ask
    };
    let keys = keys.chain(stream::pending());
    let (ended, ask) = tokio::join!(bench.face.run(keys, async |_| Ok(())), station);
    ended.unwrap();
    let slot = SlotId::new("1");
    assert_eq!(ask, Ask::StopSlot { slot });
}

/// The answer to the first comes last.
#[tokio::test(start_paused = true)]
async fn every_refusal_is_told() {
    let mut bench = bench();
    let keys = [KeyCode::Right, KeyCode::Char('s'), KeyCode::Char('p')];
    for code in keys {
        let heard = Heard::Key(KeyEvent::from(code));
        bench.face.heard(heard).unwrap();
    }
    let slot = SlotId::new("1");
    let mut asked = [
        bench.requests.recv().await.unwrap(),
        bench.requests.recv().await.unwrap(),
    ];
    asked.reverse();
    for (request, refused) in asked.into_iter().zip([
        RequestRefused::Idle(slot.clone()),
        RequestRefused::AtWork(slot.clone()),
    ]) {
        request.answer.send(Err(refused.clone())).unwrap();
        let (from, answer) = bench.face.answers.next().await.unwrap();
        bench.face.handle(Input::Answer(from, answer)).unwrap();
        assert_eq!(bench.face.view.prompt, Prompt::Refused(refused));
    }
    assert!(bench.face.answers.is_empty());
}

/// A barcode made of hotkeys comes while the terminal takes no bytes: it is one scan, and presses nothing.
#[tokio::test(start_paused = true)]
async fn a_slow_terminal_cuts_no_barcode() {
    for write_ms in [0, 20, 50, 200, 2_000] {
        let mut bench = bench();
        let keys = stream::iter("qqsx-qq\r".chars()).then(|letter| async move {
            tokio::time::sleep(Duration::from_millis(9)).await;
            match letter {
                '\r' => key(KeyCode::Enter),
                letter => key(KeyCode::Char(letter)),
            }
        });
        let keys = Box::pin(keys.chain(stream::pending()));
        let snapshots = bench.snapshots;
        let station = async {
            // it is redrawn all the while
            let changes = async {
                loop {
                    tokio::time::sleep(Duration::from_millis(11)).await;
                    snapshots.send_modify(|_| {});
                }
            };
            let asked = tokio::select! {
                asked = bench.requests.recv() => asked.unwrap().ask,
                () = changes => unreachable!(),
            };
            drop(snapshots);
            // until the face is gone
            assert!(bench.requests.recv().await.is_none(), "one request");
            asked
        };
        let run = bench.face.run(keys, async |_| {
            tokio::time::sleep(Duration::from_millis(write_ms)).await;
            Ok(())
        });
        let (ended, asked) = tokio::join!(run, station);
        ended.unwrap();
        let text = "qqsx-qq".to_owned();
        assert_eq!(asked, Ask::Scan { text, slot: None }, "{write_ms} ms");
    }
}

/// Seconds pass and unused keys are pressed: only what changes the screen is written.
#[tokio::test(start_paused = true)]
async fn nothing_is_drawn_when_nothing_changed() {
    let (snapshots, receiver) = watch::channel(Arc::new(fixture::with(vec![])));
    let (sender, _requests) = mpsc::channel(4);
    let terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let options = fixture::options(Language::English);
    let face = Face::new(
        terminal,
        receiver,
        Asker::new(fixture::li(), sender),
        Enquirer::new().0,
        options,
    );
    let keys = stream::iter([key(KeyCode::Char('z')), key(KeyCode::Char('z'))]);
    let drawn = RefCell::new(0);
    let station = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let before = *drawn.borrow();
        drop(snapshots);
        before
    };
    let run = face.run(keys.chain(stream::pending()), async |_| {
        *drawn.borrow_mut() += 1;
        Ok(())
    });
    let (ended, before) = tokio::join!(run, station);
    ended.unwrap();
    assert_eq!(before, 1, "the first drawing only");
}

/// Keys as a hand types them: slower than any barcode.
fn typed(keys: &'static str) -> impl Stream<Item = io::Result<Event>> + Unpin {
    let keys = stream::iter(keys.chars()).then(|letter| async move {
        tokio::time::sleep(Duration::from_millis(120)).await;
        key(match letter {
            '\r' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '>' => KeyCode::Right,
            letter => KeyCode::Char(letter),
        })
    });
    Box::pin(keys.chain(stream::pending()))
}

/// A halted line, and wang who has a PIN.
fn halted() -> Snapshot {
    Snapshot {
        line: LineState::Halted(Halt::Asked { by: fixture::li() }),
        ..fixture::with_supervisors(fixture::bench())
    }
}

/// A wrong PIN comes back into the dialog, the right one frees the line; while it is open nothing is lost.
#[tokio::test(start_paused = true)]
async fn a_pin_is_asked_for_and_asked_again() {
    let mut bench = bench();
    bench.snapshots.send_replace(Arc::new(halted()));
    let snapshots = bench.snapshots;
    let station = async {
        let mut pins = Vec::new();
        for left in [2, 1] {
            let request = bench.requests.recv().await.unwrap();
            assert_eq!(request.ask, Ask::FreeLine);
            let warrant = request.warrant.unwrap();
            assert_eq!(&*warrant.why, "the cause is mended");
            let named = warrant.pin.unwrap();
            pins.push((named.supervisor.to_string(), named.pin));
            let name = named.supervisor;
            let refused = RequestRefused::WrongPin { name, left };
            let answer = match left {
                2 => Err(refused),
                _ => Ok(()),
            };
            request.answer.send(answer).unwrap();
        }
        drop(snapshots);
        pins
    };
    let keys = typed("G\r1234\r>\r5678\r\r");
    let (ended, pins) = tokio::join!(bench.face.run(keys, async |_| Ok(())), station);
    ended.unwrap();
    let pin = |text: &str| ("wang".to_owned(), Pin(text.into()));
    assert_eq!(pins, [pin("1234"), pin("5678")]);
}

/// After a minute without a key the dialog is gone, and with it what was typed; what is typed behind that are
/// keys again.
#[tokio::test(start_paused = true)]
async fn a_dialog_closes_after_a_minute() {
    let mut bench = bench();
    bench.snapshots.send_replace(Arc::new(halted()));
    let snapshots = bench.snapshots;
    let keys = stream::iter([typed("G\r1234").boxed()]).flatten();
    let late = stream::once(async {
        tokio::time::sleep(Duration::from_secs(61)).await;
        key(KeyCode::Right)
    });
    let late = late.chain(stream::iter([key(KeyCode::Char('p'))]));
    let keys = Box::pin(keys.take(6).chain(late).chain(stream::pending()));
    let station = async {
        let ask = bench.requests.recv().await.unwrap().ask;
        drop(snapshots);
        ask
    };
    let (ended, ask) = tokio::join!(bench.face.run(keys, async |_| Ok(())), station);
    ended.unwrap();
    let slot = SlotId::new("1");
    assert_eq!(ask, Ask::StopSlot { slot });
}

/// What comes in a burst while the PIN is typed may be the PIN, from a fast hand: it goes nowhere, and is no
/// part of what was typed either.
#[tokio::test(start_paused = true)]
async fn a_barcode_never_lands_in_a_pin() {
    let mut bench = bench();
    bench.snapshots.send_replace(Arc::new(halted()));
    let snapshots = bench.snapshots;
    let burst = stream::iter("99999\r".chars()).then(|letter| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        key(match letter {
            '\r' => KeyCode::Enter,
            letter => KeyCode::Char(letter),
        })
    });
    let rest = stream::once(async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        key(KeyCode::Char('7'))
    });
    let pause =
        stream::once(tokio::time::sleep(Duration::from_secs(1))).flat_map(|()| stream::empty());
    let keys = typed("G\r12").take(4).chain(pause).chain(burst).chain(rest);
    let keys = Box::pin(keys.chain(typed("\r>\r")));
    let station = async {
        let free = bench.requests.recv().await.unwrap();
        drop(snapshots);
        free.warrant.unwrap().pin.unwrap().pin
    };
    let (ended, pin) = tokio::join!(bench.face.run(keys, async |_| Ok(())), station);
    ended.unwrap();
    assert_eq!(pin, Pin("127".into()));
}

/// A page is asked for when it is opened and when jobs have ended, and in between neither asks nor draws.
#[tokio::test(start_paused = true)]
async fn a_page_of_the_past_is_refreshed_when_jobs_end() {
    let (snapshots, receiver) = watch::channel(Arc::new(fixture::with(vec![])));
    let (sender, _requests) = mpsc::channel(4);
    let (enquirer, mut enquiries) = Enquirer::new();
    let face = Face::new(
        Terminal::new(TestBackend::new(80, 24)).unwrap(),
        receiver,
        Asker::new(fixture::li(), sender),
        enquirer,
        fixture::options(Language::English),
    );
    let drawn = RefCell::new(0);
    let station = async {
        let answer = |enquiry: Enquiry| {
            let found = Ok(Found::Day(fixture::day()));
            enquiry.answer.send(found).unwrap();
        };
        answer(enquiries.recv().await.unwrap());
        tokio::time::sleep(Duration::from_secs(60)).await;
        let quiet = *drawn.borrow();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(
            *drawn.borrow(),
            quiet,
            "nothing is drawn when nothing changed"
        );
        assert!(enquiries.try_recv().is_err(), "and nothing asked");
        let mut standing = crate::record::Standing::clone(&fixture::bench().standing);
        standing.today.jobs.passed += 1;
        let snapshot = Snapshot {
            standing: standing.into(),
            ..fixture::with(vec![])
        };
        snapshots.send_replace(Arc::new(snapshot));
        answer(enquiries.recv().await.unwrap());
        drop(snapshots);
    };
    let run = face.run(typed("c"), async |_| {
        *drawn.borrow_mut() += 1;
        Ok(())
    });
    let (ended, ()) = tokio::join!(run, station);
    ended.unwrap();
}

fn click(column: u16, row: u16) -> Input {
    Input::Typed(Typed::Event(Event::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: crossterm::event::KeyModifiers::NONE,
    })))
}

/// The first click on a tile selects it, the second opens its detail; a key in the last line is pressed.
#[tokio::test(start_paused = true)]
async fn a_click_does_what_lies_under_it() {
    let mut face = bench().face;
    let selected = |face: &Face<TestBackend>| face.view.selected.clone();
    // the third of four tiles, below the header and the figures
    assert_eq!(face.handle(click(45, 5)).unwrap(), Next::Redraw);
    assert_eq!(selected(&face), Some(SlotId::new("3")));
    assert_eq!(face.view.page, Page::Bench);
    face.handle(click(45, 6)).unwrap();
    assert_eq!(face.view.page, Page::Detail);
    let mut face = bench().face;
    // the line of figures
    assert_eq!(face.handle(click(45, 1)).unwrap(), Next::Keep);
    assert_eq!(selected(&face), None);
    // " q quit   ? help": the help
    face.handle(click(10, 23)).unwrap();
    assert_eq!(face.view.page, Page::Help);
}

/// A storm of sizes in the middle of work: each is drawn, also those that are too small.
#[tokio::test(start_paused = true)]
async fn any_storm_of_resizes_is_drawn() {
    let mut face = bench().face;
    for step in 0..400u16 {
        let size = (1 + step * 37 % 300, 1 + step * 53 % 100);
        face.terminal.backend_mut().resize(size.0, size.1);
        let resized = Input::Typed(Typed::Event(Event::Resize(size.0, size.1)));
        assert_eq!(face.handle(resized).unwrap(), Next::Redraw);
        face.draw().unwrap();
        assert_eq!(face.terminal.size().unwrap(), size.into());
    }
}

/// A snapshot that shows the same, told again, draws nothing.
#[tokio::test(start_paused = true)]
async fn what_shows_the_same_is_not_drawn_again() {
    let mut bench = bench();
    let same = Snapshot::clone(&bench.face.snapshot);
    bench.snapshots.send_replace(Arc::new(same.clone()));
    assert_eq!(bench.face.handle(Input::Snapshot).unwrap(), Next::Keep);
    let mut other = same;
    other.line = LineState::Ending;
    bench.snapshots.send_replace(Arc::new(other));
    assert_eq!(bench.face.handle(Input::Snapshot).unwrap(), Next::Redraw);
}
