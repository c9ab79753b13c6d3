//! Sizes and looks of the terminal while boards are at work.

use flashline::sim::Pace;
use rustix::process::Signal;

use super::{Stage, check_flash, check_restored};
use crate::pty::Terminal;

#[test]
fn a_storm_of_sizes_in_the_middle_of_a_job_harms_neither_board_nor_screen() {
    let stage = Stage::new("", &["", "", ""]);
    let mut terminal = stage.run(80, 24);
    let board = stage.plug_at(Pace::Real, "2", 1);
    terminal.wait_for("▸ write");
    for round in 0..12 {
        for (columns, rows) in [
            (200, 60),
            (1, 1),
            (40, 10),
            (3, 50),
            (250, 2),
            (80, 24),
            (79, 25),
        ] {
            terminal.resize(columns + round, rows);
        }
    }
    terminal.resize(20, 5);
    terminal.wait_for("too small");
    terminal.resize(100, 30);
    terminal.wait_for("✔ PASS");
    check_flash(&board);
    // nothing of another size is left: what is drawn anew looks the same
    terminal.press("\x1b[C");
    terminal.wait_for("[1]");
    // the last line is drawn last
    terminal.wait_for("s start");
    let before = picture(&terminal.screen());
    terminal.resize(20, 5);
    terminal.wait_for("too small");
    terminal.resize(100, 30);
    terminal.wait("the same picture", |screen| picture(screen) == before);
    // no key: crossterm loses one that comes together with a size (the next one brings it back)
    terminal.signal(Signal::TERM);
    let (status, screen) = terminal.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
}

/// What is to be seen: a blank that was drawn looks like one that never was.
fn picture(screen: &vt100::Screen) -> Vec<String> {
    let (_, columns) = screen.size();
    let rows = screen.rows(0, columns.get());
    rows.map(|row| row.trim_end().to_owned()).collect()
}

/// Every cell of the screen, and whether it is as asked for.
fn check_cells(terminal: &Terminal, is: impl Fn(&vt100::Cell) -> bool) {
    let screen = terminal.screen();
    let (rows, columns) = screen.size();
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            let cell = screen.cell(row, column).unwrap();
            assert!(is(cell), "{row}, {column}: {cell:?}\n{}", screen.contents());
        }
    }
}

#[test]
fn without_colour_and_in_ascii_a_shift_looks_the_same_in_words() {
    let stage = Stage::new("", &["", ""]);
    let mut command = stage.command(&["run", "--ascii"]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::start(&command, 80, 24);
    terminal.wait_for("thermostat 1.2.0");
    let plain = |cell: &vt100::Cell| {
        let colours = (cell.fgcolor(), cell.bgcolor());
        colours == (vt100::Color::Default, vt100::Color::Default) && cell.contents().is_ascii()
    };
    let board = stage.plug_at(Pace::Real, "1", 1);
    terminal.wait_for("write");
    check_cells(&terminal, plain);
    let failing = stage.plug_at(Pace::Real, "2", 2);
    failing.pull_when(|board| board.bytes_written > 0);
    terminal.wait_for("PULLED TOO EARLY");
    terminal.wait_for("PASS");
    check_cells(&terminal, plain);
    check_flash(&board);
    for keys in ["\x1b[C", "\r", "?", "?"] {
        let before = terminal.screen().contents();
        terminal.press(keys);
        terminal.wait("another view", |screen| screen.contents() != before);
        check_cells(&terminal, plain);
    }
    terminal.press("q");
    check_restored(&terminal.end().1);
}
