//! What writing is likely to cost, and where one stream is better than several: figures to choose and
//! to plan a shift with, not timeouts.

use std::ops::Range;
use std::time::Duration;

use super::stream::Method;
use super::timeout::INFLATE_BUFFER_BYTES;

/// One answer of a bridge in low-latency mode.
pub(super) const LATENCY: Duration = Duration::from_millis(1);
/// Typical of 25Q parts: 0.7 ms to program a page of 256 bytes, 45 ms to erase 4 KB, 175 ms to erase
/// 64 KB (datasheets of W25Q32JV and GD25Q32C).
const PROGRAM_US_PER_PAGE: u64 = 700;
const ERASE_SECTOR_US: u64 = 45_000;
const ERASE_BLOCK_US: u64 = 175_000;
const PAGE: u64 = 0x100;
const SECTOR: u64 = 0x1000;
const ERASE_BLOCK: u64 = 0x1_0000;

/// What code compresses to, per cent.
const COMPRESSED_PERCENT: u64 = 60;
/// The stub's block, on the wire before anything of it can be written.
const STUB_BLOCK_BYTES: u64 = 0x4000;
const ROM_BLOCK_BYTES: u64 = 0x400;

/// How far two runs may be apart to be looked at as one: a longer gap is never worth its bytes.
const NEAR_RUNS: usize = 32;

/// How much dearer than the best a whole region's stream may be and still be taken: it is framed
/// once for all boards, and every other stream is compressed for one.
const SHARED_MAY_COST_PERCENT: u32 = 110;

/// Erasing by blocks of 64 KB where they are aligned, else by sectors of 4 KB.
pub(super) fn erase(range: &Range<u32>) -> Duration {
    let (mut at, end) = (u64::from(range.start) / SECTOR * SECTOR, range.end.into());
    let mut micros = 0;
    while at < end {
        let is_block = at.is_multiple_of(ERASE_BLOCK) && end - at >= ERASE_BLOCK;
        let (bytes, took) = match is_block {
            true => (ERASE_BLOCK, ERASE_BLOCK_US),
            false => (SECTOR, ERASE_SECTOR_US),
        };
        at += bytes;
        micros += took;
    }
    Duration::from_micros(micros)
}

pub(super) fn program(bytes: u64) -> Duration {
    Duration::from_micros(bytes.div_ceil(PAGE) * PROGRAM_US_PER_PAGE)
}

pub(super) fn on_wire(bytes: u64, baud: u32) -> Duration {
    Duration::from_micros(bytes * 10 * 1_000_000 / u64::from(baud.max(1)))
}

/// One stream over this range of a used flash, BEGIN and END included.
fn stream(range: &Range<u32>, method: Method, baud: u32) -> Duration {
    let bytes = u64::from(range.end - range.start);
    let (percent, block_bytes) = match method {
        Method::StubDeflate => (COMPRESSED_PERCENT, STUB_BLOCK_BYTES),
        Method::RomDeflate => (COMPRESSED_PERCENT, ROM_BLOCK_BYTES),
        Method::RomPlain => (100, ROM_BLOCK_BYTES),
    };
    let wire_bytes = bytes * percent / 100;
    let blocks = wire_bytes.div_ceil(block_bytes) as u32;
    let wire = on_wire(wire_bytes, baud) + LATENCY * (blocks + 2);
    let flash = erase(range) + program(bytes);
    match method {
        // writes one block while the next comes in
        Method::StubDeflate => {
            let first = on_wire(wire_bytes.min(block_bytes), baud);
            first + flash.max(wire - first)
        }
        // programs its buffer to the end, and once more
        Method::RomDeflate => wire + flash + program(u64::from(INFLATE_BUFFER_BYTES) * 3 / 2),
        Method::RomPlain => wire + flash,
    }
}

/// The streams that write these runs of `region` (sorted, apart) soonest: runs are joined where the
/// bytes between them cost less than another BEGIN and END, or where sectors that are erased one by
/// one take longer than the block that they lie in.
pub fn join(runs: &[Range<u32>], region: Range<u32>, method: Method, baud: u32) -> Vec<Range<u32>> {
    // the cheapest way to write the first n runs, and where its last stream begins
    let mut best: Vec<(Duration, usize)> = vec![(Duration::ZERO, 0)];
    for n in 1..=runs.len() {
        let end = runs[n - 1].end;
        let ways = (n.saturating_sub(NEAR_RUNS)..n).map(|first| {
            let last = stream(&(runs[first].start..end), method, baud);
            (best[first].0 + last, first)
        });
        best.extend(ways.min());
    }
    let mut streams = Vec::new();
    let (cost, mut first) = best[runs.len()];
    let mut end = runs.len();
    while end > 0 {
        streams.push(runs[first].start..runs[end - 1].end);
        end = first;
        first = best[end].1;
    }
    streams.reverse();
    let shared = stream(&region, method, baud);
    if !streams.is_empty() && shared <= cost * SHARED_MAY_COST_PERCENT / 100 {
        return vec![region];
    }
    streams
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REGION: Range<u32> = 0x1_0000..0x11_0000;

    /// Both as addresses of beginnings and ends.
    fn check(runs: &[(u32, u32)], method: Method, baud: u32, expected: &[(u32, u32)]) {
        let ranges: Vec<Range<u32>> = runs.iter().map(|run| run.0..run.1).collect();
        let streams = join(&ranges, REGION, method, baud);
        let streams: Vec<(u32, u32)> = streams.iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(streams, expected, "{runs:x?} {method:?} {baud}");
    }

    fn sectors(numbers: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
        let run = |n| (0x2_0000 + n * 0x1000, 0x2_1000 + n * 0x1000);
        numbers.into_iter().map(run).collect()
    }

    #[test]
    fn few_streams_where_they_are_cheaper() {
        use Method::{RomDeflate, RomPlain, StubDeflate};
        check(&[], StubDeflate, 921_600, &[]);
        let one = sectors([3]);
        check(&one, StubDeflate, 921_600, &one);
        // two in two places stay two
        let apart = sectors([1, 9]);
        check(&apart, StubDeflate, 921_600, &apart);
        check(&apart, RomPlain, 115_200, &apart);
        // a block that is mostly to be erased is erased as one
        let most = sectors((0..16).step_by(2).chain([15]));
        check(&most, StubDeflate, 921_600, &[(0x2_0000, 0x3_0000)]);
        // what the ROM pads each stream with costs more than a sector between them
        check(
            &sectors([1, 3]),
            RomDeflate,
            921_600,
            &[(0x2_1000, 0x2_4000)],
        );
        check(&sectors([1, 3]), RomPlain, 115_200, &sectors([1, 3]));
        // nearly all of it: the stream that every board shares
        check(
            &[(0x1_1000, 0x11_0000)],
            StubDeflate,
            921_600,
            &[(REGION.start, REGION.end)],
        );
        check(
            &[(0x1_0000, 0x9_0000)],
            StubDeflate,
            921_600,
            &[(0x1_0000, 0x9_0000)],
        );
    }

    #[test]
    fn an_aligned_block_is_erased_at_once() {
        let ms = Duration::from_millis;
        assert_eq!(erase(&(0x1_0000..0x2_0000)), ms(175));
        assert_eq!(erase(&(0x1_1000..0x2_1000)), ms(16 * 45));
        assert_eq!(erase(&(0x1_F000..0x3_1000)), ms(175 + 2 * 45));
        assert_eq!(erase(&(0x1_0000..0x1_0010)), ms(45));
    }

    proptest! {
        #[test]
        fn every_run_is_covered_and_nothing_outside(
            flags in prop::collection::vec(any::<bool>(), 0..256),
            method in prop::sample::select(Method::ALL.to_vec()),
            baud in prop::sample::select(vec![115_200u32, 460_800, 921_600, 2_000_000]),
        ) {
            let mut runs: Vec<Range<u32>> = Vec::new();
            for (n, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
                let start = REGION.start + n as u32 * 0x1000;
                match runs.last_mut() {
                    Some(last) if last.end == start => last.end += 0x1000,
                    _ => runs.push(start..start + 0x1000),
                }
            }
            let streams = join(&runs, REGION, method, baud);
            prop_assert!(streams.len() <= runs.len());
            prop_assert!(streams.windows(2).all(|pair| pair[0].end < pair[1].start));
            for run in &runs {
                let covers = |s: &Range<u32>| s.start <= run.start && run.end <= s.end;
                prop_assert!(streams.iter().any(covers));
            }
            if streams.first() != Some(&REGION) {
                for stream in &streams {
                    prop_assert!(runs.iter().any(|run| run.start == stream.start));
                    prop_assert!(runs.iter().any(|run| run.end == stream.end));
                }
            }
            // never dearer than the runs one by one, or than everything
            let cost = |streams: &[Range<u32>]| -> Duration {
                streams.iter().map(|range| stream(range, method, baud)).sum()
            };
            prop_assert!(cost(&streams) <= cost(&runs) * SHARED_MAY_COST_PERCENT / 100);
            prop_assert!(runs.is_empty() || cost(&streams) <= stream(&REGION, method, baud));
        }
    }
}
