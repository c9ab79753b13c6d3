//! Barcodes among keys. A hand-held reader types what it reads and ends it with Enter, much faster than a
//! hand: USB keyboards are asked every 1 to 10 ms (bInterval of a HID interface), readers leave at the
//! most some tens of milliseconds between keys, and a fast typist 60 to 100. So a letter is held back for a
//! moment before it acts as a key. Told the time; knows no terminal.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Letters that come within this time of each other were not typed by hand.
const GAP: Duration = Duration::from_millis(35);

/// Once so many have come that fast a reader is typing for sure …
const SURELY: usize = 3;

/// … and may stall for so long, as over a network, before the rest of its barcode counts as lost.
const STALL: Duration = Duration::from_millis(300);

/// No barcode is longer, characters.
const LONGEST: usize = 256;

/// Collects what may be a barcode.
#[derive(Debug, Default)]
pub struct Scanner {
    held: Vec<KeyEvent>,
    /// When the last one came.
    last: Option<Instant>,
    /// When the last barcode ended: readers may send a line feed behind the Enter.
    ended: Option<Instant>,
}

/// What keys turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Key(KeyEvent),
    Scan(String),
    /// The end of a barcode never came.
    CutShort,
}

impl Scanner {
    /// When what is held back turns out to be no barcode; [`Scanner::lapse`] then tells.
    pub fn due(&self) -> Option<Instant> {
        Some(self.last? + self.patience())
    }

    fn patience(&self) -> Duration {
        if self.held.len() >= SURELY {
            STALL
        } else {
            GAP
        }
    }

    /// Takes a key.
    pub fn key(&mut self, now: Instant, key: KeyEvent) -> Vec<Heard> {
        let mut heard = self.lapse(now);
        if key.kind == KeyEventKind::Release {
            return heard;
        }
        let behind_a_scan = self.ended.take().is_some_and(|ended| now - ended < GAP);
        match key.code {
            KeyCode::Enter if behind_a_scan => {}
            // a line feed, as a raw terminal tells it
            KeyCode::Char('j') if behind_a_scan && key.modifiers == KeyModifiers::CONTROL => {}
            KeyCode::Enter if !self.held.is_empty() => {
                self.ended = Some(now);
                heard.push(Heard::Scan(self.text()));
            }
            KeyCode::Char(_) if is_plain(key) => {
                if self.held.len() < LONGEST {
                    self.held.push(key);
                }
                self.last = Some(now);
            }
            _ => {
                heard.extend(self.release());
                heard.push(Heard::Key(key));
            }
        }
        heard
    }

    /// What is held back too long is no barcode.
    pub fn lapse(&mut self, now: Instant) -> Vec<Heard> {
        match self.due() {
            Some(due) if now >= due => self.release(),
            _ => Vec::new(),
        }
    }

    fn text(&mut self) -> String {
        self.last = None;
        let letter = |key: KeyEvent| match key.code {
            KeyCode::Char(letter) => Some(letter),
            _ => None,
        };
        std::mem::take(&mut self.held)
            .into_iter()
            .filter_map(letter)
            .collect()
    }

    /// A letter or two were typed; more came from a reader, and are no keys.
    fn release(&mut self) -> Vec<Heard> {
        self.last = None;
        let held = std::mem::take(&mut self.held);
        if held.len() >= SURELY {
            return vec![Heard::CutShort];
        }
        held.into_iter().map(Heard::Key).collect()
    }
}

/// Whether it writes a character.
fn is_plain(key: KeyEvent) -> bool {
    (key.modifiers - KeyModifiers::SHIFT).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys with the milliseconds before each; `\r` is Enter, `\n` a line feed, `\t` an arrow. What is
    /// heard: keys as themselves, scans in brackets, `…` for one that was cut short.
    fn check(keys: &[(u64, &str)], expected: &str) {
        let mut scanner = Scanner::default();
        let mut now = Instant::now();
        let mut heard = Vec::new();
        for (pause, letters) in keys {
            for letter in letters.chars() {
                now += Duration::from_millis(*pause);
                let key = match letter {
                    '\r' => KeyEvent::from(KeyCode::Enter),
                    '\n' => KeyEvent::new(KeyCode::Char('j'), KeyModifiers::CONTROL),
                    '\t' => KeyEvent::from(KeyCode::Right),
                    letter => KeyEvent::from(KeyCode::Char(letter)),
                };
                heard.extend(scanner.key(now, key));
            }
        }
        heard.extend(scanner.lapse(now + STALL));
        let words: String = heard
            .into_iter()
            .map(|heard| match heard {
                Heard::Scan(text) => format!("[{text}]"),
                Heard::CutShort => "…".to_owned(),
                Heard::Key(key) => match key.code {
                    KeyCode::Char(letter) => letter.to_string(),
                    KeyCode::Enter => "↵".to_owned(),
                    _ => "→".to_owned(),
                },
            })
            .collect();
        assert_eq!(words, expected, "{keys:?}");
    }

    #[test]
    fn a_burst_ended_by_enter_is_a_barcode() {
        check(&[(2, "qx-17\r")], "[qx-17]");
        check(&[(10, "A17\r"), (10, "A18\r")], "[A17][A18]");
        check(&[(34, "sxq\r")], "[sxq]");
        // a slot's name, and an end of two characters
        check(&[(3, "1\r")], "[1]");
        check(&[(3, "A17\r\n"), (3, "A18\r\r")], "[A17][A18]");
        check(&[(0, "SN 0042\r")], "[SN 0042]");
    }

    #[test]
    fn what_a_hand_types_is_keys() {
        check(&[(80, "sxq\r")], "sxq↵");
        check(&[(35, "s\r")], "s↵");
        check(&[(500, "\r"), (90, "\t\t"), (500, "s")], "↵→→s");
        // two at once under rolling fingers
        check(&[(500, "q"), (20, "q")], "qq");
        // an arrow behind a letter
        check(&[(500, "s"), (5, "\t")], "s→");
        // Enter, some time after a barcode
        check(&[(2, "A17\r"), (400, "\r")], "[A17]↵");
    }

    #[test]
    fn a_reader_may_stall_and_never_presses_keys() {
        check(&[(5, "A17"), (250, "x"), (5, "q\r")], "[A17xq]");
        check(&[(5, "sxq")], "…");
        check(&[(5, "sxq"), (400, "s")], "…s");
        check(&[(5, "sxq\t")], "…→");
    }

    #[test]
    fn a_letter_waits_only_so_long() {
        let mut scanner = Scanner::default();
        let now = Instant::now();
        let key = KeyEvent::from(KeyCode::Char('s'));
        assert_eq!(scanner.due(), None);
        assert_eq!(scanner.key(now, key), []);
        assert_eq!(scanner.due(), Some(now + GAP));
        assert_eq!(scanner.lapse(now + GAP), [Heard::Key(key)]);
        assert_eq!(scanner.due(), None);
        // what is no letter waits for nothing
        let enter = KeyEvent::from(KeyCode::Enter);
        assert_eq!(scanner.key(now + GAP * 9, enter), [Heard::Key(enter)]);
    }
}
