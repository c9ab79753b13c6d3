use std::cell::RefCell;

use crossterm::event::{KeyCode, KeyEvent};
use futures_util::stream;
use ratatui::backend::TestBackend;
use tokio::sync::mpsc;

use super::super::fixture;
use super::*;
use crate::event::SlotId;
use crate::lang::Language;
use crate::station::Request;

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
        .run(stream::pending(), async || Ok(()))
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
    let (ended, ()) = tokio::join!(bench.face.run(keys, async || Ok(())), station);
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
        bench.face.run(events, async || Ok(())).await.unwrap();
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
    let (ended, asked) = tokio::join!(bench.face.run(keys, async || Ok(())), station);
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
    let (ended, ask) = tokio::join!(bench.face.run(keys, async || Ok(())), station);
    ended.unwrap();
    let slot = SlotId::new("1");
    assert_eq!(ask, Ask::StopSlot { slot });
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_told() {
    let mut bench = bench();
    let keys = stream::iter([key(KeyCode::Right), key(KeyCode::Char('s'))]);
    let station = async {
        let request = bench.requests.recv().await.unwrap();
        let Ask::Start { slot, .. } = request.ask else {
            panic!("no start was asked for");
        };
        request
            .answer
            .send(Err(RequestRefused::AtWork(slot)))
            .unwrap();
    };
    let refused = Prompt::Refused(RequestRefused::AtWork(SlotId::new("1")));
    let told = RefCell::new(None);
    let mut face = bench.face;
    let press = async {
        for event in keys.collect::<Vec<_>>().await {
            face.handle(Input::Event(event.unwrap())).unwrap();
        }
        due(face.scanner.due()).await;
        face.handle(Input::KeysHeld).unwrap();
        let answer = answered(&mut face.answer).await;
        face.handle(Input::Answer(answer)).unwrap();
        told.replace(Some(face.view.prompt));
    };
    tokio::join!(press, station);
    assert_eq!(told.into_inner(), Some(refused));
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
    let run = face.run(keys.chain(stream::pending()), async || {
        *drawn.borrow_mut() += 1;
        Ok(())
    });
    let (ended, before) = tokio::join!(run, station);
    ended.unwrap();
    assert_eq!(before, 1, "the first drawing only");
}
