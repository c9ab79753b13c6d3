//! What someone says to `slots learn`: single keys on a terminal, a line each from a pipe.

use std::io;

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::lesson::Key;

/// How keys come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Each byte is a key.
    Terminal,
    /// Each line is one; an empty one is Enter.
    Lines,
}

/// The keys of a reader.
#[derive(Debug)]
pub struct Keys<R> {
    reader: R,
    style: Style,
    line: Vec<u8>,
}

/// No line that means something is longer, bytes.
const LONGEST_LINE: usize = 64;

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Key(Key),
    /// A line that means nothing.
    Unknown(String),
}

impl<R: AsyncRead + Unpin> Keys<R> {
    pub fn new(reader: R, style: Style) -> Keys<R> {
        Keys {
            reader,
            style,
            line: Vec::new(),
        }
    }

    /// The next one; `None` where none will come any more. Nothing is lost where the future is dropped.
    pub async fn next(&mut self) -> Option<Said> {
        loop {
            // one byte at a time: what comes after the last key is not ours
            let mut byte = [0];
            match self.reader.read(&mut byte).await {
                Ok(0) | Err(_) => {
                    let line = std::mem::take(&mut self.line);
                    return (!line.is_empty()).then(|| of_line(&line));
                }
                Ok(_) => {}
            }
            match (self.style, byte[0]) {
                // a terminal's Ctrl-D
                (Style::Terminal, 4) => return None,
                (Style::Terminal, byte) => {
                    if let Some(key) = of_word(&char::from(byte).to_string()) {
                        return Some(Said::Key(key));
                    }
                }
                (Style::Lines, b'\n') => return Some(of_line(&std::mem::take(&mut self.line))),
                (Style::Lines, byte) if self.line.len() < LONGEST_LINE => self.line.push(byte),
                (Style::Lines, _) => {}
            }
        }
    }
}

fn of_line(line: &[u8]) -> Said {
    let line = String::from_utf8_lossy(line);
    let word = line.trim();
    match of_word(word) {
        Some(key) => Said::Key(key),
        None => Said::Unknown(word.to_owned()),
    }
}

/// A key's letter, or a line of no more.
fn of_word(word: &str) -> Option<Key> {
    match word {
        "" | "\n" | "\r" | "s" | "S" => Some(Key::Skip),
        "u" | "U" => Some(Key::Undo),
        "q" | "Q" => Some(Key::Finish),
        "a" | "A" => Some(Key::All),
        "y" | "Y" => Some(Key::Yes),
        "n" | "N" => Some(Key::No),
        number => number.parse().ok().map(Key::Line),
    }
}

/// The terminal on standard input without lines and echo, as long as this lives. Ctrl-C stays a signal.
#[derive(Debug)]
pub struct SingleKeys {
    before: Termios,
}

impl SingleKeys {
    /// # Errors
    /// Standard input is no terminal.
    pub fn begin() -> io::Result<SingleKeys> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut single = before.clone();
        single
            .local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &single)?;
        Ok(SingleKeys { before })
    }
}

impl Drop for SingleKeys {
    fn drop(&mut self) {
        // a terminal that is gone needs nothing back
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_of_a_terminal_and_of_a_pipe() {
        async fn check(style: Style, bytes: &[u8], expected: &[Said]) {
            let mut keys = Keys::new(bytes, style);
            let mut said = Vec::new();
            while let Some(each) = keys.next().await {
                said.push(each);
            }
            assert_eq!(said, expected, "{bytes:?}");
        }
        let key = Said::Key;
        let all = [
            key(Key::Skip),
            key(Key::Undo),
            key(Key::Line(2)),
            key(Key::Finish),
        ];
        check(Style::Terminal, b"\nu2q", &all).await;
        check(Style::Lines, b"\nu\n 2\r\nq", &all).await;
        // an arrow key is none of ours
        check(Style::Terminal, b"\x1b[Cs\x04u", &[key(Key::Skip)]).await;
        check(Style::Lines, b"what\n", &[Said::Unknown("what".to_owned())]).await;
    }
}
