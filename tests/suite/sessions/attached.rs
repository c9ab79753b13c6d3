//! Dashboards that are attached to a station elsewhere, and the ways in which they end.

use flashline::sim::Pace;
use rustix::process::Signal;

use super::{Stage, check_flash, check_restored};
use crate::pty::Terminal;

#[test]
fn a_dashboard_that_is_killed_costs_the_line_nothing() {
    let stage = Stage::new("", &["", ""]);
    let mut station = stage.run(100, 30);
    let attach = || {
        let terminal = Terminal::start(&stage.command(&["dashboard"]), 80, 24);
        terminal.wait_for("thermostat 1.2.0");
        terminal
    };
    let first = attach();
    let board = stage.plug_at(Pace::Real, "1", 1);
    first.wait_for("▸ write");
    first.signal(Signal::KILL);
    first.end();
    station.wait_for("✔ PASS");
    check_flash(&board);
    // the next one shows what was meanwhile, and is only left
    let mut second = attach();
    second.wait_for("✔ PASS");
    second.press("q");
    let (status, screen) = second.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
    let other = stage.plug("2", 2);
    station.wait("both boards", |screen| {
        screen.contents().matches("✔ PASS").count() >= 4
    });
    check_flash(&other);
    station.press("q");
    check_restored(&station.end().1);
    assert_eq!(stage.rows().len(), 2);
}

#[test]
fn a_signal_to_the_station_gives_every_terminal_back() {
    let stage = Stage::new("", &[""]);
    let station = stage.run(100, 30);
    let attached = Terminal::start(&stage.command(&["dashboard"]), 80, 24);
    attached.wait_for("thermostat 1.2.0");
    station.signal(Signal::TERM);
    let (status, screen) = station.end();
    assert!(status.success(), "{}", screen.contents());
    check_restored(&screen);
    // whoever is attached waits for the next one
    attached.wait_for("DAEMON LOST");
    let mut again = stage.run(100, 30);
    attached.wait("the station that is back", |screen| {
        !screen.contents().contains("DAEMON LOST")
    });
    let _board = stage.plug("1", 1);
    attached.wait_for("✔ PASS");
    attached.signal(Signal::TERM);
    check_restored(&attached.end().1);
    again.press("q");
    check_restored(&again.end().1);
    drop(stage);
}
