//! What hands and scanners do at the screen.

use flashline::event::Code;
use flashline::sim::Pace;

use super::{Stage, check_flash, check_restored};

/// Keys that open views and leave them again, each with what the screen then says.
#[test]
fn every_view_is_reached_by_keys_and_left_again() {
    let stage = Stage::new("", &["", ""]);
    let mut terminal = stage.run(100, 30);
    let board = stage.plug("1", 1);
    terminal.wait_for("✔ PASS");
    check_flash(&board);
    for (keys, says) in [
        ("\x1b[C", "[1]"),
        ("\x1b[C", "[2]"),
        ("\x1b[D", "[1]"),
        ("\r", "Esc home"),
        ("\x1b", "select"),
        ("\t", "[2]"),
        ("j", "its story"),
        ("\r", "24:0a:c4:00:00:01"),
        ("\x1b", "its story"),
        ("c", "by hour"),
        ("t", "no lot is entered"),
        ("o", "no unit is open"),
        ("?", "everywhere"),
        ("?", "PULLED TOO EARLY"),
        ("\x1b", "Enter detail"),
    ] {
        terminal.press(keys);
        terminal.wait_for(says);
    }
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
}

/// Labels that are made of hotkeys alone, as fast as a reader types them.
#[test]
fn labels_of_hotkeys_start_their_boards_and_press_nothing() {
    let stage = Stage::new("", &["start = \"scan\""]);
    let board = stage.plug("1", 1);
    let mut terminal = stage.run(100, 30);
    terminal.wait_for("serial number");
    for (label, says) in [
        ("qPGxpgsbl", "✔ PASS"),
        ("LyYqqBSX7", Code::NotRemoved.word()),
    ] {
        terminal.press(&format!("{label}\r"));
        terminal.wait_for(says);
    }
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
    check_flash(&board);
    let rows = stage.rows();
    let serials: Vec<String> = (rows.iter())
        .map(|row| row.serial.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(serials, ["qPGxpgsbl", "LyYqqBSX7"]);
}

/// A bench that wants to know who and what: badges and labels made of hotkeys, one label before its board and one
/// after.
#[test]
fn badges_and_labels_come_in_bursts_before_boards_and_after_them() {
    let head = "[line]\nrequire = [\"operator\", \"serial\"]\n\
        [scan]\noperator = 'qq(\\w+)'\nserial = 'gG-\\w+'\n";
    let stage = Stage::new(head, &["", ""]);
    let mut terminal = stage.run(120, 30);
    let first = stage.plug("1", 1);
    terminal.wait_for("badge");
    terminal.press("qqsxPGl\r");
    terminal.wait_for("Scan its serial number");
    terminal.press("xxqq\r");
    terminal.wait_for("wanted");
    terminal.press("gG-qsxP\r");
    terminal.wait_for("✔ PASS");
    terminal.press("gG-LbqG\r");
    terminal.wait_for("scanned: gG-LbqG");
    let second = stage.plug("2", 2);
    terminal.wait_for("today 2 units");
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
    check_flash(&first);
    check_flash(&second);
    let rows: Vec<_> = (stage.rows().iter())
        .map(|row| {
            (
                row.serial.as_ref().unwrap().to_string(),
                row.operator.clone(),
            )
        })
        .collect();
    let row = |serial: &str| (serial.to_owned(), Some("sxPGl".to_owned()));
    assert_eq!(rows, [row("gG-qsxP"), row("gG-LbqG")]);
}

#[test]
fn clicks_choose_slots_and_press_the_footers_keys() {
    let stage = Stage::new("", &["", "", ""]);
    let mut terminal = stage.run(100, 30);
    let screen = terminal.screen();
    assert_ne!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    let _board = stage.plug("2", 1);
    terminal.wait_for("✔ PASS");
    terminal.click("✔ PASS");
    terminal.wait_for("[2]");
    // the chosen one opens
    terminal.click("✔ PASS");
    terminal.wait_for("Esc home");
    terminal.click("Esc home");
    terminal.wait_for("Enter detail");
    terminal.click("? help");
    terminal.wait_for("everywhere");
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
}

#[test]
fn the_language_changes_while_a_board_is_written() {
    let stage = Stage::new("", &["", ""]);
    let mut terminal = stage.run(80, 24);
    let board = stage.plug_at(Pace::Real, "1", 1);
    terminal.wait_for("▸ write");
    terminal.press("l");
    terminal.wait_for("▸ 写入");
    terminal.press("l");
    terminal.wait_for("▸ write");
    terminal.press("l");
    terminal.wait_for("✔ 合格");
    check_flash(&board);
    // a code and what to do, in words of the chosen language
    let other = stage.plug_at(Pace::Real, "2", 2);
    terminal.wait_for("▸ 写入");
    other.pull();
    terminal.wait_for(Code::Unplugged.word());
    terminal.wait_for("重新插入");
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
}

/// Stopping is anyone's.
#[test]
fn a_slot_is_stopped_and_a_job_is_stopped_by_keys() {
    let stage = Stage::new("", &["", ""]);
    let mut terminal = stage.run(100, 30);
    let board = stage.plug_at(Pace::Real, "1", 1);
    terminal.wait_for("▸ write");
    terminal.press("\x1b[C");
    terminal.wait_for("[1]");
    terminal.press("x");
    terminal.wait_for("STOPPED");
    board.pull();
    terminal.press("p");
    terminal.wait_for("SLOT STOPPED");
    let waits = stage.plug("1", 2);
    terminal.wait_for("starts when the supervisor lets");
    assert_eq!(waits.state().bytes_written, 0);
    terminal.press("q");
    check_restored(&terminal.end().1);
    let codes: Vec<_> = stage.rows().iter().map(|row| row.code).collect();
    assert_eq!(codes, [Some(Code::Stopped)]);
}
