//! How long a plan is likely to take, for `flashline check`: a figure to plan a shift with, not a
//! timeout.

use std::time::Duration;

use super::planner::Plan;
use super::stream::Method;
use crate::chip::{Revision, Stubs};

/// Reset, SYNC, identify: about 40 commands at 115200 baud behind a bridge that answers within 1 ms.
const CONNECT: Duration = Duration::from_millis(700);
/// One answer of a bridge in low-latency mode, for each block.
const LATENCY: Duration = Duration::from_millis(1);
/// Typical of 25Q parts: 0.7 ms to program a page of 256 bytes, 45 ms to erase 4 KB, 175 ms to erase
/// 64 KB (datasheets of W25Q32JV and GD25Q32C).
const PROGRAM_US_PER_PAGE: u64 = 700;
const ERASE_SECTOR_US: u64 = 45_000;
const ERASE_BLOCK_US: u64 = 175_000;
const SECTOR: u64 = 0x1000;
const ERASE_BLOCK: u64 = 0x1_0000;
/// Stubs of a chip's revisions are as long as each other.
const USUAL: Revision = Revision { major: 1, minor: 0 };
/// What an ESP32's stub needs to read and digest 1 MB.
const MD5_US_PER_MB: u64 = 300_000;

/// A plan's likely times for one board with a used flash; a blank one needs no erasing and is faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Compressed (or plain) frames on the line.
    pub wire: Duration,
    /// Erasing and programming.
    pub flash: Duration,
    /// From the board's arrival to its verdict.
    pub total: Duration,
    pub wire_bytes: u64,
}

impl Plan {
    /// The estimate at a rate. Builds the streams: costs CPU.
    pub fn estimate(&self, method: Method, baud: u32) -> Estimate {
        let on_wire =
            |bytes: u64| Duration::from_micros(bytes * 10 * 1_000_000 / u64::from(baud.max(1)));
        let mut wire = Duration::ZERO;
        let mut flash = erase_time(
            self.erases
                .iter()
                .map(|range| u64::from(range.end - range.start)),
        );
        if self.erase_all {
            flash += erase_time([self.flash_bytes]);
        }
        let mut total = CONNECT + flash;
        let mut wire_bytes = 0;
        if let (Method::StubDeflate, Some(stub)) = (method, Stubs::default().find(self.chip, USUAL))
        {
            total += on_wire(stub.len_bytes() as u64);
        }
        for region in &self.regions {
            let framed = region.framed(method);
            let bytes = region.bytes.len() as u64;
            let sending = on_wire(framed.wire_bytes) + LATENCY * framed.blocks.len() as u32;
            let erasing = if self.erase_all {
                Duration::ZERO
            } else {
                erase_time([bytes])
            };
            let writing =
                Duration::from_micros(bytes.div_ceil(256) * PROGRAM_US_PER_PAGE) + erasing;
            total += match method {
                // works on a block while the next one comes in
                Method::StubDeflate => {
                    sending.max(writing) + writing / (framed.blocks.len() as u32).max(1)
                }
                Method::RomDeflate | Method::RomPlain => sending + writing,
            };
            total += Duration::from_micros((bytes * MD5_US_PER_MB) >> 20);
            wire += sending;
            flash += writing;
            wire_bytes += framed.wire_bytes;
        }
        Estimate {
            wire,
            flash,
            total,
            wire_bytes,
        }
    }
}

fn erase_time(sizes: impl IntoIterator<Item = u64>) -> Duration {
    let micros = sizes
        .into_iter()
        .map(|bytes| {
            let blocks = bytes / ERASE_BLOCK;
            let sectors = (bytes % ERASE_BLOCK).div_ceil(SECTOR);
            blocks * ERASE_BLOCK_US + sectors * ERASE_SECTOR_US
        })
        .sum();
    Duration::from_micros(micros)
}
