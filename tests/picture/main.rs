//! Makes the pictures of the documents from the running program's screen:
//!
//! ```text
//! cargo build && cargo run --example picture -- docs
//! ```
//!
//! The demo runs in a terminal; what it shows at some moments is written as SVG: for the README in the
//! middle of its work, for the operator's and the supervisor's pages once all its boards are through.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a picture that cannot be made says by panicking why"
)]

#[path = "../suite/pty.rs"]
#[expect(dead_code, reason = "the picture neither resizes nor signals")]
mod pty;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use pty::Terminal;
use unicode_width::UnicodeWidthStr;

/// A story whose first boards pass.
const SEED: &str = "3";
/// Of a cell, in the picture's units.
const WIDTH: u16 = 8;
const HEIGHT: u16 = 17;

/// In the bench's footer and on no other page.
const BENCH: &str = "c yield";

/// Where the pictures go.
struct Album {
    program: PathBuf,
    folder: PathBuf,
}

fn main() {
    // target/debug/examples/picture → target/debug/flashline
    let this = std::env::current_exe().unwrap();
    let programs = this.parent().and_then(Path::parent).unwrap();
    let folder = std::env::args().nth(1).expect("say where: picture FOLDER");
    let album = Album {
        program: programs.join("flashline"),
        folder: folder.into(),
    };
    album.in_mid_work();
    album.for_the_pages();
}

impl Album {
    fn demo(&self, columns: u16, rows: u16) -> Terminal {
        let mut command = Command::new(&self.program);
        command
            .args(["demo", "--rounds", "1", "--seed", SEED])
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR");
        Terminal::start(&command, columns, rows)
    }

    fn keep(&self, name: &str, terminal: &Terminal) {
        let path = self.folder.join(name).with_extension("svg");
        std::fs::write(path, svg(&terminal.screen()) + "\n").unwrap();
    }

    /// The README's.
    fn in_mid_work(&self) {
        let mut terminal = self.demo(120, 36);
        terminal.wait("results beside work", |screen| {
            let contents = screen.contents();
            // each PASS is on its tile and among the notices
            contents.matches("✔ PASS").count() >= 4 && contents.contains("▸ write")
        });
        self.keep("dashboard", &terminal);
        terminal.press("q");
        terminal.end();
    }

    /// A small terminal, as at a bench.
    fn for_the_pages(&self) {
        let mut terminal = self.demo(80, 24);
        terminal.wait_for("all rounds done");
        self.keep("bench", &terminal);
        for (key, seen, name) in [
            ("c", "by hour", "yield"),
            ("j", "began", "jobs"),
            ("?", "everywhere", "keys"),
        ] {
            terminal.press(key);
            terminal.wait_for(seen);
            self.keep(name, &terminal);
            terminal.press("\x1b");
            terminal.wait_for(BENCH);
        }
        terminal.press("P");
        terminal.wait_for("stop the line");
        terminal.press("y");
        terminal.wait_for("LINE STOPPED");
        terminal.press("G");
        terminal.wait_for("why");
        self.keep("leave", &terminal);
        terminal.press("\x1b");
        terminal.wait_for(BENCH);
        terminal.press("l");
        terminal.wait_for("c 良率");
        self.keep("bench-zh", &terminal);
        terminal.press("q");
        terminal.end();
    }
}

fn svg(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (columns * WIDTH + 16, rows * HEIGHT + 16);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#121212\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let look = Look::at(screen, row, column);
            let start = column;
            let mut text = String::new();
            while column < columns {
                let cell = screen.cell(row, column).unwrap();
                if !cell.is_wide_continuation() && Look::at(screen, row, column) != look {
                    break;
                }
                match cell.contents() {
                    // the second cell of a wide character
                    "" if cell.is_wide_continuation() => {}
                    "" => text.push(' '),
                    contents => text.push_str(contents),
                }
                column += 1;
            }
            run(&mut svg, &look, &text, start, row, column - start);
        }
    }
    svg.push_str("</svg>");
    svg
}

/// Cells that look the same, side by side.
fn run(svg: &mut String, look: &Look, text: &str, column: u16, row: u16, cells: u16) {
    let (x, y) = (8 + column * WIDTH, 8 + row * HEIGHT);
    let length = cells * WIDTH;
    if let Some(fill) = &look.ground {
        // the half unit hides seams between rows
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{length}\" height=\"{HEIGHT}.5\" fill=\"{fill}\"/>"
        )
        .unwrap();
    }
    let weight = if look.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let line = if look.underline {
        " text-decoration=\"underline\""
    } else {
        ""
    };
    for (start, words) in groups(text) {
        let x = x + start * WIDTH;
        let length = words.width() as u16 * WIDTH;
        let escaped = words.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" fill=\"{}\"{weight}{line} textLength=\"{length}\">{escaped}</text>",
            y + 13,
            look.text
        )
        .unwrap();
    }
}

/// Words with single spaces between them, and the cell at which each group begins: renderers do not
/// agree about more spaces than one.
fn groups(text: &str) -> Vec<(u16, &str)> {
    let mut groups = Vec::new();
    let mut cell = 0;
    for part in text.split("  ") {
        let words = part.trim();
        if !words.is_empty() {
            let indent = part.len() - part.trim_start().len();
            groups.push((cell + indent as u16, words));
        }
        cell += part.width() as u16 + 2;
    }
    groups
}

#[derive(Debug, PartialEq, Eq)]
struct Look {
    text: String,
    ground: Option<String>,
    bold: bool,
    underline: bool,
}

impl Look {
    fn at(screen: &vt100::Screen, row: u16, column: u16) -> Look {
        let cell = screen.cell(row, column).unwrap();
        let (mut text, mut ground) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
        if cell.inverse() {
            std::mem::swap(&mut text, &mut ground);
        }
        Look {
            text: text.unwrap_or_else(|| "#e4e4e4".to_owned()),
            ground,
            bold: cell.bold(),
            underline: cell.underline(),
        }
    }
}

/// Xterm's colours.
fn colour(colour: vt100::Color) -> Option<String> {
    const NAMED: [&str; 16] = [
        "#000000", "#ff5f5f", "#5fd75f", "#ffd75f", "#5f87ff", "#d787ff", "#5fd7ff", "#d0d0d0",
        "#808080", "#ff8787", "#87ff87", "#ffff87", "#87afff", "#ffafff", "#87ffff", "#ffffff",
    ];
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        vt100::Color::Idx(index @ 0..16) => Some(NAMED[usize::from(index)].to_owned()),
        vt100::Color::Idx(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let cube = index - 16;
            let (r, g, b) = (level(cube / 36), level(cube / 6 % 6), level(cube % 6));
            Some(format!("#{r:02x}{g:02x}{b:02x}"))
        }
        vt100::Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
    }
}
