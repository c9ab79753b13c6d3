//! The judge of a console: fed bytes, told the time, says when it has heard enough.
//!
//! - What is expected may come in any order; a line may hold several of them.
//! - The first value of a measurement counts.
//! - A chip that starts anew starts from nothing: what it had said by then belongs to a run that ended.
//! - A line is judged when it ends. One that does not (a prompt) is held against `expect` and `reject`
//!   once the console is quiet; no number is taken from it, as digits may be missing.
//! - Rejected goes before out of limits, and that before missing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fault::{BootFault, Heard};
use super::lines::{Line, Lines};
use crate::job::border::{BootLog, Measurement};
use crate::job::excerpt::Excerpt;
use crate::manifest::{Blotter, BootCheck};

/// A line that has not gone on for so long is a prompt. USB bridges hand over every 16 ms at the latest.
const QUIET: Duration = Duration::from_millis(200);

/// After a line that is rejected: the registers and the backtrace of a panic are worth keeping.
const AFTERMATH: Duration = Duration::from_millis(300);

/// What is quoted of a line.
const QUOTED_CHARACTERS: usize = 120;

/// What to do now.
#[derive(Debug, PartialEq)]
pub(in crate::job) enum Stage {
    /// Feed what comes, and ask again then or at this time.
    Listen {
        until: Instant,
    },
    Done(Result<(), BootFault>),
}

#[derive(Debug)]
pub(in crate::job) struct Judge {
    check: Arc<BootCheck>,
    began: Instant,
    lines: Lines,
    log: Excerpt,
    blotter: Blotter,
    /// When the line that is begun counts as a prompt; `None`: there is none, or it was judged.
    prompt_at: Option<Instant>,
    starts: Starts,
    /// One for each of the check's.
    seen: Vec<bool>,
    values: Vec<Option<f64>>,
    complete_at: Option<Instant>,
    rejected: Option<(Instant, BootFault)>,
    bytes: u64,
    garbled: u64,
    last_line: String,
}

/// How often the chip has started, by its ROM's word; by the bootloader's where the ROM is silent or
/// speaks at another rate (ESP8266).
#[derive(Debug, Default)]
struct Starts {
    count: u32,
    rom_heard: bool,
}

impl Starts {
    /// Whether this line begins a start.
    fn heard(&mut self, line: &str) -> bool {
        let rom = line.contains("rst:0x") || line.contains("rst cause:");
        self.rom_heard |= rom;
        let start = rom || !self.rom_heard && line.contains("2nd stage bootloader");
        self.count += u32::from(start);
        start
    }
}

impl Judge {
    /// `now` is the moment of the reset.
    pub(in crate::job) fn new(check: Arc<BootCheck>, now: Instant) -> Judge {
        Judge {
            began: now,
            lines: Lines::default(),
            log: Excerpt::default(),
            blotter: Blotter::default(),
            prompt_at: None,
            starts: Starts::default(),
            seen: vec![false; check.expect.len()],
            values: vec![None; check.measures.len()],
            complete_at: None,
            rejected: None,
            bytes: 0,
            garbled: 0,
            last_line: String::new(),
            check,
        }
    }

    pub(in crate::job) fn baud(&self) -> u32 {
        self.check.baud
    }

    /// All that came so far.
    pub(in crate::job) fn heard_bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes what came.
    pub(in crate::job) fn feed(&mut self, bytes: &[u8], now: Instant) {
        if bytes.is_empty() {
            return;
        }
        self.bytes += bytes.len() as u64;
        for line in self.lines.push(bytes) {
            self.line(&line, now);
        }
        self.prompt_at = self.lines.begun().map(|_| now + QUIET);
    }

    /// What to do now.
    pub(in crate::job) fn poll(&mut self, now: Instant) -> Stage {
        let limit = self.began + self.check.timeout;
        if self.prompt_at.is_some_and(|at| at <= now) {
            self.prompt_at = None;
            self.prompt(now);
        }
        let until = if let Some((at, fault)) = &self.rejected {
            let end = *at + AFTERMATH;
            if now >= end {
                return Stage::Done(Err(fault.clone()));
            }
            end
        } else if let Some(at) = self.complete_at {
            let end = at + self.check.linger;
            if now >= end {
                return Stage::Done(self.within_limits());
            }
            end
        } else if now >= limit {
            let end = self.within_limits().and(Err(self.timeout()));
            return Stage::Done(end);
        } else {
            limit
        };
        Stage::Listen {
            until: self.prompt_at.map_or(until, |at| at.min(until)),
        }
    }

    /// What was said, and what it told.
    pub(in crate::job) fn into_log(mut self) -> BootLog {
        // of a line that is still coming half a secret might be kept, which looks like none
        if self.prompt_at.is_none()
            && let Some(line) = self.lines.begun()
        {
            let text = self.blotter.line(&self.check.secrets, &line.text);
            self.log.push(&text, line.lost_bytes);
        }
        BootLog {
            measurements: self.measurements(),
            text: self.log.into_text(),
        }
    }

    fn line(&mut self, line: &Line, now: Instant) {
        self.garbled += garbled(line);
        if self.starts.heard(&line.text) {
            self.start(now);
        }
        let check = self.check.clone();
        let shown = self.blotter.line(&check.secrets, &line.text);
        self.log.push(&shown, line.lost_bytes);
        self.hold_against(&line.text, &shown, now);
        if line.lost_bytes == 0 {
            for (measure, value) in check.measures.iter().zip(&mut self.values) {
                if value.is_none() {
                    *value = measure.pattern.first_group(&shown).and_then(number);
                }
            }
        }
        self.remember(&shown);
        if self.is_complete() {
            self.complete_at.get_or_insert(now);
        }
    }

    /// The line that is begun is a prompt.
    fn prompt(&mut self, now: Instant) {
        let Some(line) = self.lines.begun() else {
            return;
        };
        // a copy: the line's end will come by again
        let shown = self
            .blotter
            .clone()
            .line(&self.check.secrets, &line.text)
            .into_owned();
        self.hold_against(&line.text, &shown, now);
        self.remember(&shown);
        if self.is_complete() {
            self.complete_at.get_or_insert(now);
        }
    }

    /// The last line that tells something; a ROM's name does not.
    fn remember(&mut self, shown: &str) {
        let shown = shown.trim();
        let banner = ["ets ", "ESP-ROM:", "Build:"];
        if !shown.is_empty() && !banner.iter().any(|head| shown.starts_with(head)) {
            self.last_line = quoted(shown);
        }
    }

    /// Against what is expected and what is rejected; `shown` is the text without its secrets.
    fn hold_against(&mut self, text: &str, shown: &str, now: Instant) {
        for (expect, seen) in self.check.expect.iter().zip(&mut self.seen) {
            *seen |= expect.is_match(text);
        }
        let mut rejects = self.check.reject.iter();
        let found = rejects.find(|reject| reject.pattern.is_match(text));
        if let Some(reject) = found
            && self.rejected.is_none()
        {
            let meaning = match reject.meaning {
                Some(meaning) => meaning.to_owned(),
                None => format!("the manifest rejects '{}'", reject.pattern.as_str()),
            };
            let line = quoted(shown);
            self.rejected = Some((now, BootFault::Rejected { meaning, line }));
        }
    }

    fn start(&mut self, now: Instant) {
        self.seen.fill(false);
        self.values.fill(None);
        self.complete_at = None;
        self.blotter = Blotter::default();
        let starts = self.starts.count;
        if self.check.loop_starts.is_some_and(|limit| starts >= limit) && self.rejected.is_none() {
            let fault = BootFault::ResetLoop {
                starts,
                within: now - self.began,
                line: self.last_line.clone(),
            };
            self.rejected = Some((now, fault));
        }
    }

    fn is_complete(&self) -> bool {
        let mut measures = self.check.measures.iter().zip(&self.values);
        self.seen.iter().all(|seen| *seen)
            && measures.all(|(measure, value)| value.is_some() || !measure.required)
    }

    fn measurements(&self) -> Vec<Measurement> {
        let measures = self.check.measures.iter().zip(&self.values);
        let made = measures.filter_map(|(measure, value)| {
            Some(Measurement {
                name: measure.name.clone(),
                value: (*value)?,
                unit: measure.unit.clone(),
                low: measure.low,
                high: measure.high,
            })
        });
        made.collect()
    }

    fn within_limits(&self) -> Result<(), BootFault> {
        let mut bad = self.measurements();
        bad.retain(|measurement| !measurement.is_within());
        match bad.as_slice() {
            [] => Ok(()),
            _ => Err(BootFault::OutOfLimits(bad)),
        }
    }

    fn timeout(&self) -> BootFault {
        let expect = self.check.expect.iter().zip(&self.seen);
        let expect = expect.filter(|(_, seen)| !**seen);
        let measures = self.check.measures.iter().zip(&self.values);
        let measures = measures.filter(|(measure, value)| measure.required && value.is_none());
        let missing: Vec<String> = expect
            .map(|(expect, _)| format!("'{}'", expect.as_str()))
            .chain(measures.map(|(measure, _)| format!("{} with a number", measure.name)))
            .collect();
        let baud = self.check.baud;
        let garbled = self.garbled + self.lines.begun().as_ref().map_or(0, garbled);
        let heard = match self.bytes {
            0 => Heard::Nothing { baud },
            bytes if garbled * 4 > bytes => Heard::Garbage { baud, bytes },
            bytes => Heard::Text {
                bytes,
                last_line: self.last_line.clone(),
            },
        };
        BootFault::Timeout {
            within: self.check.timeout,
            missing: missing.join(", "),
            heard,
        }
    }
}

/// Decimal or hexadecimal, or what C's printf makes of a float that is none.
fn number(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => Some(sign * u64::from_str_radix(hex, 16).ok()? as f64),
        None => text.parse().ok(),
    }
}

/// Bytes of the line that are no text, about.
fn garbled(line: &Line) -> u64 {
    line.text.matches(char::REPLACEMENT_CHARACTER).count() as u64
}

fn quoted(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
