//! What happens on the demo's bench: which board comes to which slot in which round, what is wrong
//! with it, and how its job must end. Pure: the same seed tells the same story.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use crate::event::{Code, Outcome};
use crate::record::JobRow;

/// Something that is wrong with a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trouble {
    /// Two blocks are damaged on the line.
    Noise,
    /// Pulled out in the middle of writing.
    Pull,
    /// A byte of its flash does not hold.
    Cell,
    /// It is an ESP32-C3.
    Chip,
    /// It never answers.
    Silent,
}

impl Trouble {
    pub const ALL: [Trouble; 5] = [
        Trouble::Noise,
        Trouble::Pull,
        Trouble::Cell,
        Trouble::Chip,
        Trouble::Silent,
    ];

    const fn word(self) -> &'static str {
        match self {
            Trouble::Noise => "noise",
            Trouble::Pull => "pull",
            Trouble::Cell => "cell",
            Trouble::Chip => "chip",
            Trouble::Silent => "silent",
        }
    }
}

/// The troubles that a demo has: `none`, `all`, or some by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Troubles(pub Vec<Trouble>);

/// A word that names no trouble.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no trouble: write none, all, or some of noise, pull, cell, chip, silent with commas between"
)]
pub struct UnknownTrouble(String);

impl FromStr for Troubles {
    type Err = UnknownTrouble;

    fn from_str(words: &str) -> Result<Troubles, UnknownTrouble> {
        match words {
            "none" => Ok(Troubles(Vec::new())),
            "all" => Ok(Troubles(Trouble::ALL.to_vec())),
            list => list
                .split(',')
                .map(|word| {
                    let word = word.trim();
                    Trouble::ALL
                        .into_iter()
                        .find(|trouble| trouble.word() == word)
                        .ok_or_else(|| UnknownTrouble(word.to_owned()))
                })
                .collect::<Result<_, _>>()
                .map(Troubles),
        }
    }
}

/// What a board is in the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Healthy,
    Troubled(Trouble),
    /// The board that was pulled too early, plugged again on its slot.
    Back,
}

impl Part {
    /// How its job must end.
    pub const fn ending(self) -> Ending {
        match self {
            Part::Healthy | Part::Back => Ending::Pass,
            Part::Troubled(Trouble::Noise) => Ending::PassAfterRetry,
            Part::Troubled(Trouble::Pull) => Ending::Fail(Code::Unplugged),
            Part::Troubled(Trouble::Cell) => Ending::Fail(Code::VerifyMismatch),
            Part::Troubled(Trouble::Chip) => Ending::Fail(Code::WrongChip),
            Part::Troubled(Trouble::Silent) => Ending::Fail(Code::NoSync),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Part::Healthy => "healthy",
            Part::Back => "pulled one, plugged again",
            Part::Troubled(Trouble::Noise) => "noisy line",
            Part::Troubled(Trouble::Pull) => "pulled in mid-write",
            Part::Troubled(Trouble::Cell) => "flash cell that does not hold",
            Part::Troubled(Trouble::Chip) => "wrong chip",
            Part::Troubled(Trouble::Silent) => "silent",
        })
    }
}

/// How a job must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// However many tries it took: a busy computer may cost one.
    Pass,
    PassAfterRetry,
    Fail(Code),
}

impl Ending {
    pub fn holds(self, row: &JobRow) -> bool {
        let passed = row.outcome == Some(Outcome::Pass);
        match self {
            Ending::Pass => passed,
            Ending::PassAfterRetry => passed && (row.retries.total() > 0 || row.attempts > 1),
            Ending::Fail(code) => row.outcome == Some(code.outcome()) && row.code == Some(code),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Pass => f.pad("PASS"),
            Ending::PassAfterRetry => f.pad("PASS after retry"),
            Ending::Fail(code) => f.pad(&format!("{} {code}", code.outcome())),
        }
    }
}

/// A board's stay on a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// Counted from 0 over the whole demo; one that comes back keeps its number.
    pub board: u32,
    pub part: Part,
}

/// The visits of a round, one per slot.
pub type Round = Vec<Visit>;

/// Tells the story of so many slots and rounds (each at least 1). The troubles are spread over the
/// rounds, at random slots, and come again with every 24 boards.
pub fn tell(slots: usize, rounds: usize, troubles: &[Trouble], seed: u64) -> Vec<Round> {
    const BOARDS_PER_SET: usize = 24;
    let sets = (slots * rounds).div_ceil(BOARDS_PER_SET);
    let mut waiting: VecDeque<Trouble> = std::iter::repeat_n(troubles, sets)
        .flatten()
        .copied()
        .collect();
    let mut random = Random(seed);
    let mut next_board = 0;
    let mut story: Vec<Round> = Vec::new();
    for index in 0..rounds {
        let mut parts = vec![Part::Healthy; slots];
        let before = story.last();
        for (slot, part) in parts.iter_mut().enumerate() {
            let pulled = Part::Troubled(Trouble::Pull);
            if before.is_some_and(|round| round[slot].part == pulled) {
                *part = Part::Back;
            }
        }
        let share = waiting.len().div_ceil(rounds - index);
        for _ in 0..share {
            let free: Vec<usize> = (0..slots)
                .filter(|slot| parts[*slot] == Part::Healthy)
                .collect();
            if free.is_empty() {
                break;
            }
            if let Some(trouble) = waiting.pop_front() {
                parts[free[random.below(free.len())]] = Part::Troubled(trouble);
            }
        }
        let round = parts.into_iter().enumerate().map(|(slot, part)| {
            let board = match (part, before) {
                (Part::Back, Some(before)) => before[slot].board,
                _ => {
                    next_board += 1;
                    next_board - 1
                }
            };
            Visit { board, part }
        });
        let round = round.collect();
        story.push(round);
    }
    story
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        // the bias of a remainder is of no matter to a story
        (mixed % limit.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(slots: usize, rounds: usize, troubles: &[Trouble]) -> Vec<Vec<Part>> {
        tell(slots, rounds, troubles, 1)
            .iter()
            .map(|round| round.iter().map(|visit| visit.part).collect())
            .collect()
    }

    fn count(parts: &[Vec<Part>], part: Part) -> usize {
        parts.iter().flatten().filter(|each| **each == part).count()
    }

    #[test]
    fn troubles_are_read_from_words() {
        let check = |words: &str, expected: Result<&[Trouble], &str>| {
            let read = words.parse::<Troubles>();
            let expected = expected
                .map(|troubles| Troubles(troubles.to_vec()))
                .map_err(|word| UnknownTrouble(word.to_owned()));
            assert_eq!(read, expected, "{words}");
        };
        check("none", Ok(&[]));
        check("all", Ok(&Trouble::ALL));
        check("cell, pull", Ok(&[Trouble::Cell, Trouble::Pull]));
        check("cell,rust", Err("rust"));
        check("", Err(""));
    }

    #[test]
    fn every_trouble_comes_once_in_the_usual_demo() {
        let parts = parts(8, 3, &Trouble::ALL);
        for trouble in Trouble::ALL {
            assert_eq!(count(&parts, Part::Troubled(trouble)), 1, "{trouble:?}");
        }
        assert_eq!(count(&parts, Part::Back), 1);
    }

    #[test]
    fn a_pulled_board_comes_back_to_its_slot() {
        for seed in 0..50 {
            let story = tell(4, 3, &Trouble::ALL, seed);
            for (round, next) in story.iter().zip(&story[1..]) {
                for (slot, visit) in round.iter().enumerate() {
                    let pulled = visit.part == Part::Troubled(Trouble::Pull);
                    assert_eq!(next[slot].part == Part::Back, pulled, "seed {seed}");
                    assert_eq!(next[slot].board == visit.board, pulled, "seed {seed}");
                }
            }
        }
    }

    #[test]
    fn a_small_bench_has_what_fits() {
        assert_eq!(
            parts(1, 2, &Trouble::ALL),
            [
                [Part::Troubled(Trouble::Noise)],
                [Part::Troubled(Trouble::Pull)]
            ]
        );
        assert_eq!(parts(2, 1, &[]), [[Part::Healthy, Part::Healthy]]);
    }

    #[test]
    fn a_seed_is_a_story() {
        let tell = |seed| tell(8, 3, &Trouble::ALL, seed);
        assert_eq!(tell(7), tell(7));
        assert_ne!(tell(7), tell(8));
    }
}
