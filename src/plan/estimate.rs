//! How long a plan is likely to take, for `flashline check`: a figure to plan a shift with, not a
//! timeout.

use std::time::Duration;

use super::cost::{LATENCY, erase, on_wire, program};
use super::planner::Plan;
use super::stream::Method;
use crate::chip::{Revision, Stubs};
use crate::manifest::{VerifyPolicy, WritePolicy};

/// Reset, SYNC, identify: about 40 commands at 115200 baud behind a bridge that answers within 1 ms.
const CONNECT: Duration = Duration::from_millis(700);
/// Stubs of a chip's revisions are as long as each other.
const USUAL: Revision = Revision { major: 1, minor: 0 };
/// What an ESP32's stub needs to read and digest 1 MB.
const MD5_US_PER_MB: u64 = 400_000;

/// What a board's flash holds before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// FF everywhere: a stub has nothing to erase.
    Nothing,
    /// Another firmware.
    Other,
    /// What the plan would write.
    Same,
}

/// A plan's likely times for one board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Frames on the line, and what is read back.
    pub wire: Duration,
    /// Erasing and programming.
    pub flash: Duration,
    /// From the board's arrival to its verdict.
    pub total: Duration,
    pub wire_bytes: u64,
}

impl Plan {
    /// The estimate at a rate. Builds the streams: costs CPU.
    pub fn estimate(&self, method: Method, baud: u32, held: Held) -> Estimate {
        // an ESP8266's ROM answers no digests and reads nothing back
        let is_seen = method == Method::StubDeflate || self.chip.facts().rom.md5;
        let asks = self.write == WritePolicy::Changed && !self.erase_all && is_seen;
        let is_blank = held == Held::Nothing;
        let mut flash = match self.erase_all {
            true => erase(&(0..u32::try_from(self.flash_bytes).unwrap_or(u32::MAX))),
            false if asks && held != Held::Other => Duration::ZERO,
            false => self.erases.iter().map(erase).sum(),
        };
        let (mut wire, mut wire_bytes, mut total) = (Duration::ZERO, 0, CONNECT + flash);
        if let (Method::StubDeflate, Some(stub)) = (method, Stubs::default().find(self.chip, USUAL))
        {
            total += on_wire(stub.len_bytes() as u64, baud);
        }
        for region in &self.regions {
            let bytes = region.bytes.len() as u64;
            let digest = Duration::from_micros((bytes * MD5_US_PER_MB) >> 20);
            if asks && held == Held::Same {
                total += digest;
            } else {
                let framed = region.framed(method);
                let sending =
                    on_wire(framed.wire_bytes, baud) + LATENCY * framed.blocks.len() as u32;
                let needs_erase = match method {
                    Method::StubDeflate => !is_blank && !self.erase_all,
                    Method::RomDeflate | Method::RomPlain => true,
                };
                let erasing = match needs_erase {
                    true => erase(&region.range()),
                    false => Duration::ZERO,
                };
                let writing = program(bytes) + erasing;
                total += match method {
                    // works on a block while the next one comes in
                    Method::StubDeflate => {
                        sending.max(writing) + writing / (framed.blocks.len() as u32).max(1)
                    }
                    Method::RomDeflate | Method::RomPlain => sending + writing,
                };
                wire += sending;
                flash += writing;
                wire_bytes += framed.wire_bytes;
                if self.verify == VerifyPolicy::Md5 && is_seen {
                    total += digest;
                }
            }
            if self.verify == VerifyPolicy::Readback && is_seen {
                let reading = on_wire(bytes, baud);
                total += reading;
                wire += reading;
            }
        }
        Estimate {
            wire,
            flash,
            total,
            wire_bytes,
        }
    }
}
