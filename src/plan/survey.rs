//! What of a region has to be written, found out by the chip's digests: says what to ask next, is
//! told what the chip answered, and at the end has the runs of sectors that differ. Leaves out the
//! asking (`job`), and into which streams the runs are joined (`cost`).
//!
//! A digest takes a chip about 0.4 s for each megabyte, so a board on which nothing is right must be
//! known by a few sectors, and one on which everything is right by one digest:
//!
//! | found | asked next |
//! |---|---|
//! | samples: the first is blank, or all differ | nothing: the whole region is written |
//! | samples: all are right | the whole region; where that is right too, nothing is written |
//! | otherwise | each 64 KB; in each that differs its halves, their halves, down to the sector |
//!
//! Halves that differ twice in a row are written whole: where changes lie so dense, asking on costs
//! what it could save.

use std::ops::Range;
use std::sync::Arc;

use super::region::Region;
use crate::image::{SECTOR_BYTES, md5};

/// What is compared first where samples are not all wrong.
const BLOCK_BYTES: u32 = 0x1_0000;
/// Samples of a region of up to one block, and of a larger one.
const FEW_SAMPLES: usize = 2;
const MANY_SAMPLES: usize = 4;
/// A region of up to so many sectors is asked for at once.
const SMALL_SECTORS: usize = 2;
/// Splits in a row with both halves wrong before the rest is written unasked.
const DENSE_SPLITS: u8 = 2;

/// The survey of one region.
#[derive(Debug)]
pub struct Survey {
    region: Arc<Region>,
    state: State,
    /// The chip's digest of the whole region, where it was asked and is right.
    digest: Option<[u8; 16]>,
    /// Runs that differ, in the order found.
    wrong: Vec<Range<u32>>,
}

#[derive(Debug)]
enum State {
    /// Sectors still to be sampled, the lowest last, and what those before came to.
    Sampling {
        left: Vec<Range<u32>>,
        right: usize,
        wrong: usize,
    },
    Whole,
    /// Blocks still to be compared, the lowest last.
    Blocks {
        left: Vec<Range<u32>>,
    },
    /// Ranges known to differ, the lowest last, and which half of the last one is asked for.
    Splitting {
        left: Vec<Suspect>,
        half: Half,
    },
    /// What the last sector holds behind the region's end.
    Tail,
    Over,
}

/// A range that differs somewhere.
#[derive(Debug)]
struct Suspect {
    range: Range<u32>,
    /// Splits in a row, up to this range, of which both halves differed.
    dense: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    First,
    /// The first differs.
    Second,
}

impl Survey {
    pub fn new(region: Arc<Region>) -> Survey {
        let samples = samples(&region);
        let state = match samples.is_empty() {
            true => State::Whole,
            false => State::Sampling {
                left: samples,
                right: 0,
                wrong: 0,
            },
        };
        Survey {
            region,
            state,
            digest: None,
            wrong: Vec::new(),
        }
    }

    /// The flash range whose digest is wanted next; `None`: everything is known.
    pub fn ask(&self) -> Option<Range<u32>> {
        match &self.state {
            State::Sampling { left, .. } | State::Blocks { left } => left.last().cloned(),
            State::Whole => Some(self.region.range()),
            State::Splitting { left, half } => {
                let suspect = left.last()?;
                let [first, second] = halves(&suspect.range);
                Some(match half {
                    Half::First => first,
                    Half::Second => second,
                })
            }
            State::Tail => Some(self.tail()),
            State::Over => None,
        }
    }

    /// The chip's digest of the range that was asked for.
    pub fn answer(&mut self, found: [u8; 16]) {
        let Some(asked) = self.ask() else { return };
        let is_right = found == self.expected(&asked);
        let state = std::mem::replace(&mut self.state, State::Over);
        self.state = match state {
            State::Sampling { left, right, wrong } => {
                let is_blank = found == md5(&[0xFF; SECTOR_BYTES as usize]);
                self.sampled(left, right, wrong, is_right, is_blank)
            }
            State::Whole if is_right => {
                self.digest = Some(found);
                self.with_tail()
            }
            State::Whole => self.blocks(),
            State::Blocks { mut left } => {
                left.pop();
                if !is_right {
                    self.wrong.push(asked);
                }
                match left.is_empty() {
                    true => self.split_blocks(),
                    false => State::Blocks { left },
                }
            }
            State::Splitting { left, half } => self.split(left, half, is_right),
            State::Tail => {
                if !is_right {
                    self.wrong
                        .push(asked.start / SECTOR_BYTES * SECTOR_BYTES..self.region.range().end);
                }
                State::Over
            }
            State::Over => State::Over,
        };
    }

    /// The chip's digest of the whole region, if that is right.
    pub fn digest(&self) -> Option<[u8; 16]> {
        self.digest
    }

    /// What has to be written: runs of whole sectors (the last may end with the region), sorted and
    /// apart. Complete once nothing is asked any more.
    pub fn into_runs(self) -> Vec<Range<u32>> {
        let mut wrong = self.wrong;
        wrong.sort_by_key(|run| run.start);
        let mut runs: Vec<Range<u32>> = Vec::new();
        for run in wrong {
            match runs.last_mut() {
                Some(last) if run.start <= last.end => last.end = last.end.max(run.end),
                _ => runs.push(run),
            }
        }
        runs
    }

    fn sampled(
        &mut self,
        mut left: Vec<Range<u32>>,
        right: usize,
        wrong: usize,
        is_right: bool,
        is_blank: bool,
    ) -> State {
        left.pop();
        // streams go upwards: where the lowest sample is blank, nothing behind it was ever written
        let is_first = right + wrong == 0;
        let (right, wrong) = match is_right {
            true => (right + 1, wrong),
            false => (right, wrong + 1),
        };
        match (left.is_empty(), right, wrong) {
            (_, 0, _) if is_first && is_blank => self.everything(),
            (false, ..) => State::Sampling { left, right, wrong },
            (true, 0, _) => self.everything(),
            (true, _, 0) => State::Whole,
            (true, ..) => self.blocks(),
        }
    }

    fn everything(&mut self) -> State {
        self.wrong = vec![self.region.range()];
        State::Over
    }

    fn blocks(&self) -> State {
        let range = self.region.range();
        let mut left = Vec::new();
        let mut start = range.start;
        while start < range.end {
            let end = (start / BLOCK_BYTES + 1)
                .saturating_mul(BLOCK_BYTES)
                .min(range.end);
            left.push(start..end);
            start = end;
        }
        left.reverse();
        State::Blocks { left }
    }

    /// The blocks that differ are looked at more closely.
    fn split_blocks(&mut self) -> State {
        let suspects = std::mem::take(&mut self.wrong).into_iter().rev();
        let left = suspects.map(|range| Suspect { range, dense: 0 }).collect();
        self.splitting(left)
    }

    /// Takes off the end what needs no more questions.
    fn splitting(&mut self, mut left: Vec<Suspect>) -> State {
        while let Some(suspect) =
            left.pop_if(|s| s.dense >= DENSE_SPLITS || s.range.end - s.range.start <= SECTOR_BYTES)
        {
            self.wrong.push(suspect.range);
        }
        match left.is_empty() {
            true => self.with_tail(),
            false => State::Splitting {
                left,
                half: Half::First,
            },
        }
    }

    fn split(&mut self, mut left: Vec<Suspect>, half: Half, is_right: bool) -> State {
        if half == Half::First && !is_right {
            return State::Splitting {
                left,
                half: Half::Second,
            };
        }
        let Some(Suspect { range, dense }) = left.pop() else {
            return self.with_tail();
        };
        let [first, second] = halves(&range);
        match (half, is_right) {
            // it differs, and not here
            (Half::First, _) => left.push(Suspect {
                range: second,
                dense: 0,
            }),
            (Half::Second, true) => left.push(Suspect {
                range: first,
                dense: 0,
            }),
            (Half::Second, false) => {
                let dense = dense + 1;
                left.push(Suspect {
                    range: second,
                    dense,
                });
                left.push(Suspect {
                    range: first,
                    dense,
                });
            }
        }
        self.splitting(left)
    }

    /// What the last sector holds behind the region, unless it is written anyway: it is FF after every
    /// other way of writing.
    fn with_tail(&self) -> State {
        let end = self.region.range().end;
        let is_written = self.wrong.iter().any(|run| run.end == end);
        match is_written || self.tail().is_empty() {
            true => State::Over,
            false => State::Tail,
        }
    }

    fn tail(&self) -> Range<u32> {
        let end = self.region.range().end;
        end..end.next_multiple_of(SECTOR_BYTES)
    }

    fn expected(&self, asked: &Range<u32>) -> [u8; 16] {
        let range = self.region.range();
        if *asked == range {
            return self.region.md5;
        }
        let from = (asked.start - range.start) as usize;
        let until = (asked.end - range.start) as usize;
        match self.region.bytes.get(from..until) {
            Some(bytes) => md5(bytes),
            // only the tail lies outside
            None => md5(&vec![0xFF; until - from]),
        }
    }
}

/// Sectors that tell something, spread over the region, the lowest last. None of a small region, and
/// none that is FF: a blank flash holds that already.
fn samples(region: &Region) -> Vec<Range<u32>> {
    let sectors: Vec<Range<u32>> = region
        .bytes
        .chunks_exact(SECTOR_BYTES as usize)
        .enumerate()
        .filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0xFF))
        .map(|(index, _)| {
            let start = region.offset + index as u32 * SECTOR_BYTES;
            start..start + SECTOR_BYTES
        })
        .collect();
    if sectors.len() <= SMALL_SECTORS {
        return Vec::new();
    }
    let count = match region.bytes.len() as u32 <= BLOCK_BYTES {
        true => FEW_SAMPLES,
        false => MANY_SAMPLES,
    };
    let at = |n: usize| sectors[(2 * n + 1) * sectors.len() / (2 * count)].clone();
    (0..count).rev().map(at).collect()
}

/// Both of whole sectors, but for the region's end; the first is never the smaller one.
fn halves(range: &Range<u32>) -> [Range<u32>; 2] {
    let sectors = (range.end - range.start).div_ceil(SECTOR_BYTES);
    let middle = range.start + sectors.div_ceil(2) * SECTOR_BYTES;
    [range.start..middle, middle..range.end]
}

#[cfg(test)]
mod tests;
