//! Shifts at a real terminal: `flashline run` on simulated boards, its screen read back by a terminal
//! emulator, keys, barcodes and clicks as bytes, sizes and signals from outside. Waits for what the screen
//! says, never for a time.

mod attached;
mod hands;
mod leave;
mod sizes;

use std::fs;
use std::process::Command;

use flashline::record::{JobRow, Reader, Since};
use flashline::sim::{Bench, BoardHandle, BoardSpec, Pace};

use crate::product;
use crate::pty::Terminal;

/// A folder with a station file, and places for boards.
struct Stage {
    folder: tempfile::TempDir,
    bench: Bench,
}

impl Stage {
    /// Slots `1`, `2`, … with these lines of their own, and these at the head of the file.
    fn new(head: &str, slots: &[&str]) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        product::write(folder.path());
        let ports = folder.path().join("ports");
        let bench = Bench::new(&ports).unwrap();
        let mut text = format!(
            "station = \"bench\"\nmanifest = \"manifest.toml\"\ndatabase = \"line.db\"\n\
             settle_ms = 0\n{head}\n"
        );
        for (index, more) in slots.iter().enumerate() {
            let number = index + 1;
            let port = ports.join(number.to_string());
            let port = port.display();
            text += &format!("[[slot]]\nname = \"{number}\"\npath = \"{port}\"\n{more}\n");
        }
        fs::write(folder.path().join("station.toml"), text).unwrap();
        Stage { folder, bench }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flashline"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env_remove("FLASHLINE_LOG")
            .env_remove("NO_COLOR");
        command
    }

    /// The station at work in a terminal, once it shows its slots.
    fn run(&self, columns: u16, rows: u16) -> Terminal {
        let terminal = Terminal::start(&self.command(&["run"]), columns, rows);
        terminal.wait_for("thermostat 1.2.0");
        terminal
    }

    /// Plugs a board that is done in no time.
    fn plug(&self, slot: &str, number: u32) -> BoardHandle {
        self.plug_at(Pace::Unpaced, slot, number)
    }

    fn plug_at(&self, pace: Pace, slot: &str, number: u32) -> BoardHandle {
        let board = BoardSpec::esp32(number).pace(pace);
        self.bench.plug(slot, board).unwrap()
    }

    fn rows(&self) -> Vec<JobRow> {
        let reader = Reader::open(&self.folder.path().join("line.db")).unwrap();
        reader.jobs(Since::default()).unwrap()
    }
}

/// The board holds the product.
fn check_flash(board: &BoardHandle) {
    let flash = board.flash();
    for (offset, bytes) in product::flash_image() {
        let range = offset as usize..offset as usize + bytes.len();
        assert!(flash[range] == bytes[..], "wrong at {offset:#x}");
    }
}

/// The terminal is as it was before.
fn check_restored(screen: &vt100::Screen) {
    assert!(!screen.alternate_screen());
    assert!(!screen.hide_cursor());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
}
