//! How boards are reset by their port's lines: sequences as data, run by [`super::Link::reset`].
//!
//! The usual circuit is two transistors: EN is pulled low by RTS without DTR, IO0 by DTR without RTS;
//! with both or neither asserted, both pins are high. A chip that leaves reset while IO0 is low
//! enters its loader. Leaves out chips with USB of their own, which need other means.

use std::time::Duration;

use super::Lines;

/// Lines to set, and how long to hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStep {
    pub lines: Lines,
    pub hold: Duration,
}

const fn step(dtr: bool, rts: bool, hold_ms: u64) -> LineStep {
    LineStep {
        lines: Lines { dtr, rts },
        hold: Duration::from_millis(hold_ms),
    }
}

/// EN and IO0 change at the same moment. The way through (1,1) keeps a bridge that sets one line after
/// the other from letting the chip out of reset with IO0 high.
pub const TIGHT: &[LineStep] = &[
    step(false, false, 0),
    step(true, true, 0),
    step(false, true, 100),
    step(true, false, 50),
    step(false, false, 0),
];

/// For boards with a large capacitor at EN: IO0 is held low for half a second more.
pub const TIGHT_LONG: &[LineStep] = &[
    step(false, false, 0),
    step(true, true, 0),
    step(false, true, 100),
    step(true, false, 550),
    step(false, false, 0),
];

/// One line at a time, for circuits and drivers that do not take both at once.
pub const CLASSIC: &[LineStep] = &[
    step(false, true, 100),
    step(true, true, 0),
    step(true, false, 50),
    step(false, false, 0),
];

pub const CLASSIC_LONG: &[LineStep] = &[
    step(false, true, 100),
    step(true, true, 0),
    step(true, false, 550),
    step(false, false, 0),
];

/// Ways into the loader, in the order in which to try them.
pub const INTO_LOADER: [&[LineStep]; 4] = [TIGHT, TIGHT_LONG, CLASSIC, CLASSIC_LONG];

/// Into the application: EN low for 100 ms, IO0 high throughout.
pub const HARD: &[LineStep] = &[
    step(false, false, 0),
    step(false, true, 100),
    step(false, false, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The two pins as the circuit makes them: `true` is high.
    fn pins(lines: Lines) -> (bool, bool) {
        let pulls_en = lines.rts && !lines.dtr;
        let pulls_io0 = lines.dtr && !lines.rts;
        (!pulls_en, !pulls_io0)
    }

    #[test]
    fn every_way_leaves_reset_with_io0_low_and_ends_with_both_high() {
        for sequence in INTO_LOADER {
            let in_reset = sequence
                .iter()
                .position(|step| !pins(step.lines).0 && step.hold >= Duration::from_millis(100));
            let released = &sequence[in_reset.unwrap() + 1..];
            // Brief passages do not count: EN rises slowly.
            let first = released.iter().find(|step| !step.hold.is_zero()).unwrap();
            assert_eq!(pins(first.lines), (true, false));
            assert_eq!(pins(sequence.last().unwrap().lines), (true, true));
        }
    }

    #[test]
    fn a_hard_reset_never_pulls_io0() {
        assert!(HARD.iter().all(|step| pins(step.lines).1));
        assert!(HARD.iter().any(|step| !pins(step.lines).0));
        assert_eq!(pins(HARD[HARD.len() - 1].lines), (true, true));
    }
}
