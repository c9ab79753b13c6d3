//! A PIN as it is typed: unseen and twice at a terminal, a line of standard input otherwise.

use std::io::{self, IsTerminal};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::station::{MOST_DIGITS, NotAPin, Pin};

/// Why there is no PIN.
#[derive(Debug, thiserror::Error)]
pub enum NotTyped {
    #[error("{0}")]
    NotAPin(#[from] NotAPin),
    #[error("these are two different PINs")]
    Different,
    #[error("nothing is changed")]
    GivenUp,
    #[error("the PIN cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Someone's new PIN.
///
/// # Errors
/// It is none, or it was not typed to the end.
pub fn new_pin(name: &str) -> Result<Pin, NotTyped> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        let digits = line.strip_suffix('\n').unwrap_or(&line);
        return Ok(Pin::parse(digits.strip_suffix('\r').unwrap_or(digits))?);
    }
    let raw = Raw::begin()?;
    let first = Pin::parse(&unseen(&format!("new PIN of {name}: "))?)?;
    let second = unseen("the same again: ")?;
    drop(raw);
    if *first.0 == *second {
        Ok(first)
    } else {
        Err(NotTyped::Different)
    }
}

/// A terminal that shows nothing that is typed; as it was afterwards, whatever happens.
struct Raw;

impl Raw {
    fn begin() -> io::Result<Raw> {
        enable_raw_mode()?;
        Ok(Raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // a terminal that is gone needs nothing
        let _ = disable_raw_mode();
    }
}

fn unseen(question: &str) -> Result<String, NotTyped> {
    eprint!("{question}");
    let typed = typed();
    eprint!("\r\n");
    typed
}

fn typed() -> Result<String, NotTyped> {
    let mut typed = String::new();
    loop {
        let Event::Key(key) = event::read()? else {
            continue;
        };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match key.code {
            KeyCode::Enter => return Ok(typed),
            KeyCode::Esc => return Err(NotTyped::GivenUp),
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Err(NotTyped::GivenUp);
            }
            KeyCode::Backspace => {
                typed.pop();
            }
            // one more than may be is told as too many
            KeyCode::Char(sign) if typed.len() <= MOST_DIGITS => typed.push(sign),
            _ => {}
        }
    }
}
