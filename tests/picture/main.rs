//! Makes the README's picture from the running program's screen:
//!
//! ```text
//! cargo build && cargo run --example picture > docs/dashboard.svg
//! ```
//!
//! The demo runs in a terminal of 120 by 36 until results of several kinds stand beside work; that
//! screen is written as SVG.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a picture that cannot be made says by panicking why"
)]

#[path = "../suite/pty.rs"]
#[expect(dead_code, reason = "the picture neither resizes nor signals")]
mod pty;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use pty::Terminal;
use unicode_width::UnicodeWidthStr;

const COLUMNS: u16 = 120;
const ROWS: u16 = 36;
/// A story whose first boards pass.
const SEED: &str = "3";
/// Of a cell, in the picture's units.
const WIDTH: u16 = 8;
const HEIGHT: u16 = 17;

fn main() {
    // target/debug/examples/picture → target/debug/flashline
    let this = std::env::current_exe().unwrap();
    let folder = this.parent().and_then(Path::parent).unwrap();
    let mut command = Command::new(folder.join("flashline"));
    command
        .args(["demo", "--rounds", "1", "--seed", SEED])
        .env("LC_ALL", "C.UTF-8")
        .env_remove("NO_COLOR");
    let mut terminal = Terminal::start(&command, COLUMNS, ROWS);
    terminal.wait("results beside work", |screen| {
        let contents = screen.contents();
        // each PASS is on its tile and among the notices
        contents.matches("✔ PASS").count() >= 4 && contents.contains("▸ write")
    });
    println!("{}", svg(&terminal.screen()));
    terminal.press("q");
    terminal.end();
}

fn svg(screen: &vt100::Screen) -> String {
    let (width, height) = (COLUMNS * WIDTH + 16, ROWS * HEIGHT + 16);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#121212\"/>\n"
    );
    for row in 0..ROWS {
        let mut column = 0;
        while column < COLUMNS {
            let look = Look::at(screen, row, column);
            let start = column;
            let mut text = String::new();
            while column < COLUMNS && Look::at(screen, row, column) == look {
                let cell = screen.cell(row, column).unwrap();
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
