//! What a supervisor's own PIN opens at the screen, and what opens nothing.

use std::io::Write;
use std::process::Stdio;

use super::{Stage, check_flash, check_restored};
use crate::pty::Terminal;

/// Anna's PIN on this station.
const PIN: &str = "480213";

fn set_pin(stage: &Stage) {
    let mut child = stage
        .command(&["supervisor", "set", "anna"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{PIN}").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// Digits by hand: each once the one before shows as a dot, for a burst would be a barcode.
fn type_pin(terminal: &mut Terminal, pin: &str) {
    for (index, digit) in pin.chars().enumerate() {
        terminal.press(&digit.to_string());
        terminal.wait("a dot for each digit", |screen| {
            screen.contents().matches('•').count() == index + 1
        });
    }
    assert!(!terminal.screen().contents().contains(pin));
}

#[test]
fn a_slot_goes_on_with_the_right_pin_and_a_reason_and_not_before() {
    let stage = Stage::new("", &["", ""]);
    set_pin(&stage);
    let mut terminal = stage.run(100, 30);
    terminal.press("\x1b[C");
    terminal.wait_for("[1]");
    terminal.press("p");
    terminal.wait_for("SLOT STOPPED");
    let board = stage.plug("1", 1);
    terminal.wait_for("starts when the supervisor lets");
    terminal.press("g");
    terminal.wait_for("Let the slot go on");
    // who: there is one only
    terminal.press("\r");
    terminal.wait_for("▶ PIN");
    type_pin(&mut terminal, "111111");
    terminal.press("\r");
    terminal.wait_for("▶ why");
    terminal.press("\x1b[C");
    terminal.wait_for("pins cleaned");
    terminal.press("\r");
    terminal.wait_for("wrong PIN, tries left: 4");
    assert!(!board.state().open);
    type_pin(&mut terminal, PIN);
    terminal.press("\r");
    terminal.wait_for("▶ why");
    terminal.press("\r");
    terminal.wait_for("✔ PASS");
    check_flash(&board);
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
    let database = rusqlite::Connection::open(stage.folder.path().join("line.db")).unwrap();
    let sql = "SELECT freed_by FROM out_of_service";
    let freed_by: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(freed_by, "anna");
}

/// Without a PIN on the station nobody at the screen is a supervisor, and Escape leaves all as it was.
#[test]
fn nobody_goes_on_where_no_pin_is_set() {
    let stage = Stage::new("", &[""]);
    let mut terminal = stage.run(80, 24);
    terminal.press("\x1b[C");
    terminal.wait_for("[1]");
    terminal.press("p");
    terminal.wait_for("SLOT STOPPED");
    terminal.press("g");
    terminal.wait_for("flashline supervisor set NAME");
    terminal.press("\x1b");
    terminal.wait("the bench", |screen| {
        let contents = screen.contents();
        contents.contains("SLOT STOPPED") && !contents.contains("set NAME")
    });
    terminal.press("q");
    check_restored(&terminal.end().1);
}
