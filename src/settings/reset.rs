//! How a board is brought into its loader and what becomes of it after the job: the strategies that a
//! station file and the command line can name, and the notation for a sequence of one's own. What the
//! lines do in each, and which one `Auto` is, is `port`'s affair.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// How a board is brought into its loader.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Reset {
    /// By the port's USB id: the chip's own USB controllers have their ways; else by DTR and RTS, in
    /// the ways that fit the usual circuits; else, where the port has no lines, none.
    #[default]
    Auto,
    /// DTR and RTS change at the same moment.
    Tight,
    /// One line after the other.
    Classic,
    /// The chip's USB-Serial-JTAG controller.
    UsbJtag,
    /// An app's CDC over the chip's USB-OTG controller (S2, S3, P4).
    UsbOtg,
    /// A sequence of one's own.
    Custom(Sequence),
    /// A jig holds the strap, or the operator: just SYNC.
    None,
}

/// What becomes of a board after its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum After {
    /// By the port's USB id, the chip and how it was strapped.
    #[default]
    Auto,
    /// EN is pulled, by RTS: the app starts.
    Hard,
    /// The chip's watchdog resets it: all of it, USB and straps included.
    Watchdog,
    /// It stays in its loader.
    Stay,
}

/// A reset sequence in esptool's notation (its documentation, "Configuration File", "Custom Reset
/// Sequence"): steps parted by `|`, `D0` and `D1` for DTR, `R0` and `R1` for RTS, `U1,0` for both at
/// once (DTR first), `W0.1` to wait, in seconds. 1 asserts a line, which pulls its pin low.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sequence(Arc<[SequenceStep]>);

/// One step of a [`Sequence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SequenceStep {
    Dtr(bool),
    Rts(bool),
    Both { dtr: bool, rts: bool },
    Wait(Duration),
}

/// A step that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    #[error("has \"{step}\" as step {number}, which {why}")]
    Step {
        /// From 1, as people count.
        number: usize,
        step: String,
        why: &'static str,
    },
    #[error("has no steps")]
    Empty,
    #[error("moves neither DTR nor RTS")]
    NoLine,
    #[error("has {0} steps, more than {MOST_STEPS}")]
    TooLong(usize),
}

impl Reset {
    /// The strategies' names; a [`Sequence`] is written out instead.
    pub const NAMES: [(&'static str, Reset); 6] = [
        ("auto", Reset::Auto),
        ("tight", Reset::Tight),
        ("classic", Reset::Classic),
        ("usb-jtag", Reset::UsbJtag),
        ("usb-otg", Reset::UsbOtg),
        ("none", Reset::None),
    ];
}

impl After {
    pub const NAMES: [(&'static str, After); 4] = [
        ("auto", After::Auto),
        ("hard", After::Hard),
        ("watchdog", After::Watchdog),
        ("stay", After::Stay),
    ];
}

/// A word that names no strategy, or a sequence that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResetError {
    #[error("is none of {}", .0.join(", "))]
    Name(Vec<&'static str>),
    #[error("{0}")]
    Sequence(#[from] SequenceError),
}

impl FromStr for Reset {
    type Err = ResetError;

    fn from_str(text: &str) -> Result<Reset, ResetError> {
        if Sequence::is_meant_by(text) {
            return Ok(Reset::Custom(Sequence::parse(text)?));
        }
        let named = Reset::NAMES.into_iter().find(|(name, _)| *name == text);
        named
            .map(|(_, reset)| reset)
            .ok_or_else(|| ResetError::Name(Reset::NAMES.map(|(name, _)| name).to_vec()))
    }
}

impl FromStr for After {
    type Err = ResetError;

    fn from_str(text: &str) -> Result<After, ResetError> {
        let named = After::NAMES.into_iter().find(|(name, _)| *name == text);
        named
            .map(|(_, after)| after)
            .ok_or_else(|| ResetError::Name(After::NAMES.map(|(name, _)| name).to_vec()))
    }
}

const MOST_STEPS: usize = 64;
const LONGEST_WAIT_SECONDS: f64 = 10.0;

impl Sequence {
    /// Reads the notation. Space around a step and steps that are empty count for nothing.
    pub fn parse(text: &str) -> Result<Sequence, SequenceError> {
        let mut steps = Vec::new();
        let written = text.split('|').map(str::trim).enumerate();
        for (index, step) in written.filter(|(_, step)| !step.is_empty()) {
            steps.push(
                SequenceStep::parse(step).map_err(|why| SequenceError::Step {
                    number: index + 1,
                    step: step.to_owned(),
                    why,
                })?,
            );
        }
        let moves = |step: &SequenceStep| !matches!(step, SequenceStep::Wait(_));
        match steps.len() {
            0 => Err(SequenceError::Empty),
            count if count > MOST_STEPS => Err(SequenceError::TooLong(count)),
            _ if !steps.iter().any(moves) => Err(SequenceError::NoLine),
            _ => Ok(Sequence(steps.into())),
        }
    }

    pub fn steps(&self) -> &[SequenceStep] {
        &self.0
    }

    /// Whether a text is meant as a sequence, right or wrong, and not as a strategy's name.
    pub fn is_meant_by(text: &str) -> bool {
        let mut first = text.trim_start().chars();
        let letter = first.next().is_some_and(|c| "DRUWdruw".contains(c));
        let digit = first.next().is_some_and(|c| c.is_ascii_digit());
        text.contains('|') || (letter && digit)
    }
}

impl SequenceStep {
    fn parse(step: &str) -> Result<SequenceStep, &'static str> {
        let level = |digit: &str| match digit {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        };
        let mut characters = step.chars();
        let letter = characters.next().map(|c| c.to_ascii_uppercase());
        let rest = characters.as_str();
        match letter {
            Some('D') => level(rest)
                .map(SequenceStep::Dtr)
                .ok_or("is neither D0 nor D1"),
            Some('R') => level(rest)
                .map(SequenceStep::Rts)
                .ok_or("is neither R0 nor R1"),
            Some('U') => rest
                .split_once(',')
                .and_then(|(dtr, rts)| Some((level(dtr.trim())?, level(rts.trim())?)))
                .map(|(dtr, rts)| SequenceStep::Both { dtr, rts })
                .ok_or("wants two digits, 0 or 1, with a comma between: U1,0"),
            Some('W') => rest
                .parse::<f64>()
                .ok()
                .filter(|seconds| (0.0..=LONGEST_WAIT_SECONDS).contains(seconds))
                .map(|seconds| SequenceStep::Wait(Duration::from_secs_f64(seconds)))
                .ok_or("wants seconds from 0 to 10: W0.1"),
            _ => Err("begins with none of D, R, U and W"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> String {
        match Sequence::parse(text) {
            Ok(sequence) => sequence
                .steps()
                .iter()
                .map(|step| match step {
                    SequenceStep::Dtr(level) => format!("dtr={level}"),
                    SequenceStep::Rts(level) => format!("rts={level}"),
                    SequenceStep::Both { dtr, rts } => format!("dtr={dtr},rts={rts}"),
                    SequenceStep::Wait(time) => format!("{time:?}"),
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => format!("it {error}"),
        }
    }

    #[test]
    fn the_notation() {
        let check = |text: &str, expected: &str| assert_eq!(told(text), expected, "{text:?}");
        // esptool's documentation tells its classic reset so
        check(
            "D0|R1|W0.1|D1|R0|W0.05|D0",
            "dtr=false rts=true 100ms dtr=true rts=false 50ms dtr=false",
        );
        check("U1,0|W2|U0, 1", "dtr=true,rts=false 2s dtr=false,rts=true");
        check(" d1 | r0 |", "dtr=true rts=false");
        check("", "it has no steps");
        check("||", "it has no steps");
        check("W0.1", "it moves neither DTR nor RTS");
        check(
            "D0|D2",
            "it has \"D2\" as step 2, which is neither D0 nor D1",
        );
        check(
            "D0||R10",
            "it has \"R10\" as step 3, which is neither R0 nor R1",
        );
        check(
            "U10",
            "it has \"U10\" as step 1, which wants two digits, 0 or 1, with a comma between: U1,0",
        );
        for wait in ["W", "W-1", "WNaN", "W10.5", "W0,1"] {
            check(
                &format!("D0|{wait}"),
                &format!("it has \"{wait}\" as step 2, which wants seconds from 0 to 10: W0.1"),
            );
        }
        check(
            "D0|Ä1",
            "it has \"Ä1\" as step 2, which begins with none of D, R, U and W",
        );
        check(&"D0|".repeat(65), "it has 65 steps, more than 64");
    }

    #[test]
    fn names_are_told_from_sequences() {
        let check = |text, expected| assert_eq!(Sequence::is_meant_by(text), expected, "{text}");
        for name in ["auto", "usb-otg", "D", "reset", "none", ""] {
            check(name, false);
        }
        for sequence in ["D0", "x|y", "w1", "U1,0"] {
            check(sequence, true);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(text in "[DRUWdruwx0-9,.| -]{0,40}|\\PC{0,20}") {
            if let Ok(sequence) = Sequence::parse(&text) {
                let longest = Duration::from_secs(10);
                prop_assert!(!sequence.steps().is_empty());
                for step in sequence.steps() {
                    prop_assert!(!matches!(step, SequenceStep::Wait(time) if *time > longest));
                }
            }
        }
    }
}
