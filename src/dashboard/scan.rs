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

/// Behind a barcode that was cut short, letters with no longer a pause between them are the rest of it.
const REST: Duration = Duration::from_secs(1);

/// No barcode is longer, characters.
const LONGEST: usize = 256;

/// Collects what may be a barcode.
#[derive(Debug, Default)]
pub struct Scanner {
    held: Vec<KeyEvent>,
    /// When the last one came.
    last: Option<Instant>,
    /// What was held began too soon behind a letter that acted as a key: it may be the rest of a barcode.
    tail: bool,
    behind: Behind,
}

/// What came before, and when it ended.
#[derive(Debug, Clone, Copy, Default)]
enum Behind {
    #[default]
    Nothing,
    /// A barcode: readers may send a line feed behind the Enter.
    Scan(Instant),
    /// A barcode that was cut short.
    Cut(Instant),
    /// A letter that acted as a key.
    Letter(Instant),
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

    /// Takes a key. One that is late and still comes before [`Scanner::lapse`] goes on with what is held.
    pub fn key(&mut self, now: Instant, key: KeyEvent) -> Vec<Heard> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        // a line feed, as a raw terminal tells it
        let line_feed = key.code == KeyCode::Char('j') && key.modifiers == KeyModifiers::CONTROL;
        let ends = key.code == KeyCode::Enter || line_feed;
        let letter = matches!(key.code, KeyCode::Char(_)) && is_plain(key);
        match self.behind {
            Behind::Scan(ended) if ends && self.held.is_empty() && now - ended < GAP => {
                self.behind = Behind::Nothing;
                return Vec::new();
            }
            Behind::Cut(at) if (ends || letter) && now - at < REST => {
                self.behind = if ends {
                    Behind::Scan(now)
                } else {
                    Behind::Cut(now)
                };
                return Vec::new();
            }
            _ => {}
        }
        match key.code {
            KeyCode::Enter if !self.held.is_empty() => vec![self.end(now)],
            _ if letter => {
                if self.held.is_empty() {
                    self.tail = matches!(self.behind, Behind::Letter(at) if now - at < STALL);
                }
                // one more than fits tells that it was too long
                if self.held.len() <= LONGEST {
                    self.held.push(key);
                }
                self.last = Some(now);
                Vec::new()
            }
            _ => {
                let mut heard = self.release();
                heard.push(Heard::Key(key));
                heard
            }
        }
    }

    /// What is held back too long is no barcode.
    pub fn lapse(&mut self, now: Instant) -> Vec<Heard> {
        match self.due() {
            Some(due) if now >= due => self.release(),
            _ => Vec::new(),
        }
    }

    fn end(&mut self, now: Instant) -> Heard {
        self.last = None;
        self.behind = Behind::Scan(now);
        let held = std::mem::take(&mut self.held);
        if self.tail || held.len() > LONGEST {
            return Heard::CutShort;
        }
        let letter = |key: KeyEvent| match key.code {
            KeyCode::Char(letter) => Some(letter),
            _ => None,
        };
        Heard::Scan(held.into_iter().filter_map(letter).collect())
    }

    /// A letter or two were typed; more came from a reader, and are no keys.
    fn release(&mut self) -> Vec<Heard> {
        let Some(last) = self.last.take() else {
            return Vec::new();
        };
        let held = std::mem::take(&mut self.held);
        if held.len() >= SURELY {
            self.behind = Behind::Cut(last);
            return vec![Heard::CutShort];
        }
        self.behind = Behind::Letter(last);
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
                heard.extend(scanner.lapse(now));
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
        check(&[(5, "sxq\t")], "…→");
    }

    /// The rest of a barcode is no shorter one, and presses nothing.
    #[test]
    fn what_is_cut_off_is_dropped() {
        check(&[(5, "sxq"), (400, "17"), (4, "\r\n"), (900, "\r")], "…↵");
        check(
            &[
                (5, "sxq"),
                (400, "q"),
                (900, "qq\r"),
                (50, "A"),
                (5, "17\r"),
            ],
            "…[A17]",
        );
        check(&[(5, "sxq"), (1_000, "s")], "…s");
        check(&[(5, "sxq"), (1_400, "A"), (5, "17\r")], "…[A17]");
        check(&[(5, "sxq"), (400, "\t")], "…→");
        // one letter acted before the rest came
        check(
            &[(5, "q"), (90, "x"), (5, "17\r"), (500, "A"), (5, "17\r")],
            "q…[A17]",
        );
        let long = "x".repeat(LONGEST);
        check(&[(2, &format!("{long}\r"))], &format!("[{long}]"));
        check(&[(2, &format!("{long}x\r"))], "…");
        check(&[(2, &format!("{long}xxx\r"))], "…");
    }

    /// Nobody looked at the clock in between: whoever reads was late, not the key.
    #[test]
    fn a_key_before_the_lapse_is_in_time() {
        let mut scanner = Scanner::default();
        let mut now = Instant::now();
        for letter in ['q', 'q'] {
            assert_eq!(scanner.key(now, KeyCode::Char(letter).into()), []);
            now += GAP * 5;
        }
        let heard = scanner.key(now, KeyCode::Enter.into());
        assert_eq!(heard, [Heard::Scan("qq".to_owned())]);
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
