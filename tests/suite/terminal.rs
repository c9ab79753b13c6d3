//! The dashboard in a real terminal: `flashline demo` on a pty, its screen read by a terminal emulator.

use std::process::Command;
use std::sync::Arc;

use flashline::dashboard::{self, Options, Quit};
use flashline::event::{Role, SlotId, Who};
use flashline::record::Standing;
use flashline::station::enquiry::Enquirer;
use flashline::station::{Ask, Asker, LineState, RequestRefused, SlotState, SlotView, Snapshot};
use rustix::process::Signal;
use tokio::sync::{mpsc, watch};

use crate::pty::Terminal;

/// A demo that has shown all there is at once.
const QUICK: &[&str] = &[
    "--fast", "--boards", "2", "--rounds", "1", "--faults", "none",
];

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashline"));
    command
        .arg("demo")
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("NO_COLOR");
    command
}

/// The quick demo's last screen: PASS on two tiles and among the notices.
fn wait_for_results(terminal: &Terminal) {
    terminal.wait("both results of the demo", |screen| {
        let contents = screen.contents();
        contents.contains("all rounds done") && contents.matches("✔ PASS").count() == 4
    });
}

/// The terminal as it was before: the main screen, with a cursor.
fn check_restored(screen: &vt100::Screen) {
    assert!(!screen.alternate_screen());
    assert!(!screen.hide_cursor());
}

#[test]
fn the_dashboard_shows_the_bench_and_q_ends_it() {
    let mut terminal = Terminal::start(&demo(QUICK), 80, 24);
    wait_for_results(&terminal);
    assert!(terminal.screen().alternate_screen());
    terminal.press("q");
    let (status, screen) = terminal.end();
    check_restored(&screen);
    assert!(status.success(), "{}", screen.contents());
    assert!(
        screen.contents().contains("report --db"),
        "{}",
        screen.contents()
    );
}

/// At the pace for eyes, so that boards are at work when the key is pressed.
#[test]
fn q_in_the_middle_stops_the_jobs_and_is_no_failure() {
    let paced = demo(&["--boards", "2", "--faults", "none"]);
    let mut terminal = Terminal::start(&paced, 80, 24);
    terminal.wait_for("▸ write");
    terminal.press("q");
    let (status, screen) = terminal.end();
    check_restored(&screen);
    let contents = screen.contents();
    assert!(status.success(), "{contents}");
    assert!(contents.contains("ended early: 6 boards"), "{contents}");
}

#[test]
fn keys_change_what_is_shown() {
    let mut terminal = Terminal::start(&demo(QUICK), 100, 30);
    wait_for_results(&terminal);
    terminal.press("\x1b[C\x1b[C");
    terminal.wait_for("[2]");
    terminal.press("\r");
    terminal.wait_for("Esc home");
    terminal.press("\x1b");
    terminal.wait_for("←↑↓→ select");
    terminal.press("j");
    terminal.wait("both jobs, from the record", |screen| {
        let contents = screen.contents();
        contents.contains("its story") && contents.matches("✔ PASS").count() == 2
    });
    terminal.press("?");
    terminal.wait_for("start its board");
    terminal.press("?");
    terminal.wait_for("signs and colours");
    terminal.press("l");
    terminal.wait_for("符号与颜色");
    terminal.press("q");
    check_restored(&terminal.end().1);
}

#[test]
fn it_follows_the_terminals_size() {
    let terminal = Terminal::start(&demo(QUICK), 80, 24);
    wait_for_results(&terminal);
    terminal.resize(40, 10);
    terminal.wait_for("terminal too small");
    terminal.resize(120, 40);
    terminal.wait_for("notices");
    // no key: crossterm loses one that comes together with a size (the next one brings it back)
    terminal.signal(Signal::TERM);
    check_restored(&terminal.end().1);
}

#[test]
fn a_signal_ends_it_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let terminal = Terminal::start(&demo(QUICK), 80, 24);
        wait_for_results(&terminal);
        terminal.signal(signal);
        let (_, screen) = terminal.end();
        check_restored(&screen);
        assert!(
            screen.contents().contains("report --db"),
            "{}",
            screen.contents()
        );
    }
}

#[test]
fn no_color_is_respected() {
    let mut command = demo(QUICK);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::start(&command, 80, 24);
    wait_for_results(&terminal);
    let screen = terminal.screen();
    for row in 0..24 {
        for column in 0..80 {
            let cell = screen.cell(row, column).unwrap();
            let colours = (cell.fgcolor(), cell.bgcolor());
            assert_eq!(colours, (vt100::Color::Default, vt100::Color::Default));
        }
    }
    terminal.press("q");
    terminal.end();
}

fn snapshot(slots: Vec<Arc<SlotView>>) -> Snapshot {
    Snapshot {
        at: jiff::Timestamp::UNIX_EPOCH,
        station: "bench-1".into(),
        product: "thermostat".into(),
        version: "1.4.2".into(),
        bundle: "3f2a91c07be4".into(),
        bundles: Arc::new([]),
        line: LineState::Running,
        slots,
        unassigned: Arc::new([]),
        standing: Arc::new(Standing::default()),
        at_hand: Arc::default(),
        notices: Arc::new([]),
    }
}

/// A test of this binary that is none by itself.
fn staged(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--ignored", "--nocapture"])
        .args(["--test-threads", "1"])
        .env("LC_ALL", "C.UTF-8")
        .env("RUST_BACKTRACE", "0");
    command
}

/// A barcode of hotkeys, typed as fast as a reader does, and a hotkey.
#[test]
fn a_barcode_is_told_from_keys() {
    let mut terminal = Terminal::start(&staged("terminal::a_dashboard_that_is_asked"), 100, 30);
    terminal.wait_for("q leave");
    terminal.press("\x1b[C");
    terminal.wait_for("[7]");
    terminal.press("qx17p\r");
    terminal.wait_for("scanned: qx17p");
    terminal.press("p");
    terminal.wait_for("there is no such slot");
    terminal.press("q");
    let (status, screen) = terminal.end();
    check_restored(&screen);
    let contents = screen.contents();
    assert!(status.success(), "{contents}");
    let scan = r#"asked: Scan { text: "qx17p", slot: Some("7") }"#;
    for words in [scan, r#"asked: StopSlot { slot: "7" }"#] {
        assert_eq!(contents.matches(words).count(), 1, "{contents}");
    }
    assert_eq!(contents.matches("asked:").count(), 2, "{contents}");
}

#[test]
#[ignore = "not a test by itself: a_barcode_is_told_from_keys runs it in a terminal"]
fn a_dashboard_that_is_asked() {
    let slot = SlotView {
        slot: SlotId::new("7"),
        place: "usb-1.7".to_owned(),
        seat: None,
        product: None,
        state: SlotState::Empty,
        out: None,
        since: jiff::Timestamp::UNIX_EPOCH,
    };
    let (_station, snapshots) = watch::channel(Arc::new(snapshot(vec![Arc::new(slot)])));
    let (requests, mut asked) = mpsc::channel(4);
    let asker = Asker::new(Who::new("li", Role::Operator), requests);
    let options = Options {
        quit: Quit::LeaveOnly,
        ..Options::from_env()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let asks = runtime.block_on(async {
        let answers = async {
            let mut asks = Vec::new();
            while let Some(request) = asked.recv().await {
                let answer = match request.ask {
                    Ask::StopSlot { .. } => Err(RequestRefused::NoSuchSlot(SlotId::new("7"))),
                    _ => Ok(()),
                };
                request.answer.send(answer).unwrap();
                asks.push(request.ask);
            }
            asks
        };
        tokio::join!(
            dashboard::tui(snapshots, asker, Enquirer::new().0, options),
            answers
        )
        .1
    });
    for ask in asks {
        println!("asked: {ask:?}");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let command = staged("terminal::a_dashboard_that_panics");
    let (status, screen) = Terminal::start(&command, 80, 24).end();
    check_restored(&screen);
    assert!(!status.success());
    assert!(
        screen.contents().contains("something broke"),
        "{}",
        screen.contents()
    );
}

#[test]
#[ignore = "not a test by itself: a_panic_gives_the_terminal_back_and_is_told runs it in a terminal"]
fn a_dashboard_that_panics() {
    let (_station, snapshots) = watch::channel(Arc::new(snapshot(Vec::new())));
    let (requests, _asked) = mpsc::channel(1);
    let asker = Asker::new(Who::new("li", Role::Operator), requests);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let face = dashboard::tui(snapshots, asker, Enquirer::new().0, Options::from_env());
        let trouble = async {
            tokio::task::yield_now().await;
            panic!("something broke");
        };
        let _ = tokio::join!(face, trouble);
    });
}
