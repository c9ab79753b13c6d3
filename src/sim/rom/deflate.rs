//! FLASH_DEFL_*: a stream is inflated into a buffer of 32 KB, which is programmed whenever it is full,
//! and once more, whole, when the stream has ended.

use super::{FAILED, INVALID, Rom, Run};
use crate::sim::cost;
use crate::sim::hardware::{Answer, Hardware};
use crate::sim::inflate::{Checksum, Inflated, Inflater, Input, WINDOW};

const INFLATE_FAILED: u16 = 0x010B;
const WRONG_ADLER: u16 = 0x010C;

/// How far a compressed transfer is.
#[derive(Debug)]
pub(super) struct Deflate {
    run: Run,
    inflater: Inflater,
    /// Inflated and not yet programmed.
    window: Vec<u8>,
    /// What was programmed last: it keeps its content from one stream to the next.
    buffer: Vec<u8>,
}

impl Deflate {
    pub(super) fn new() -> Deflate {
        Deflate {
            run: Run::default(),
            inflater: Inflater::new(),
            window: Vec::new(),
            buffer: vec![0; WINDOW],
        }
    }
}

impl Rom {
    pub(super) fn deflate_begin(&mut self, hardware: &mut Hardware) -> Answer {
        let Some(run) = self.begin(hardware.facts.begin_words) else {
            return self.say(INVALID, hardware);
        };
        self.deflate.run = run;
        self.deflate.inflater = Inflater::new();
        self.deflate.window.clear();
        self.erase(run, hardware)
    }

    pub(super) fn deflate_data(&mut self, hardware: &mut Hardware) -> Answer {
        let deflate = &mut self.deflate;
        let block = deflate.run.sequence;
        let data = match Rom::block(&mut deflate.run, &self.request, 1, hardware) {
            Ok(data) => data,
            Err(status) => return self.say(status, hardware),
        };
        if deflate.inflater.is_done() {
            // it waits for ever for a stream that has ended to take its input
            return Answer::hangs();
        }
        let last = deflate.run.sequence == deflate.run.blocks;
        let follows = if last { Input::Last } else { Input::Continues };
        let held = deflate.window.len();
        let inflated = match hardware.troubles.inflate_fails(block) {
            true => Inflated::Corrupt,
            false => deflate
                .inflater
                .feed(Checksum::Compared, follows, &data, &mut deflate.window),
        };
        let status = match inflated {
            Inflated::Done { unused } if unused > 0 => return Answer::hangs(),
            Inflated::Corrupt => INFLATE_FAILED,
            Inflated::WrongChecksum => WRONG_ADLER,
            Inflated::More | Inflated::Done { .. } => 0,
        };
        let inflated_bytes = deflate.window.len() - held;
        let full = deflate.window.len() / WINDOW * WINDOW;
        let mut ready: Vec<u8> = deflate.window.drain(..full).collect();
        if let Some(window) = ready.rchunks_exact(WINDOW).next() {
            deflate.buffer.copy_from_slice(window);
        }
        if status == 0 && last {
            // the buffer is programmed whole once more, however little is new in it
            deflate.buffer[..deflate.window.len()].copy_from_slice(&deflate.window);
            ready.extend_from_slice(&deflate.buffer);
            deflate.window.clear();
        }
        let (written, programming) =
            Rom::program(&mut deflate.run, self.flash_bytes, &ready, hardware);
        let mut answer = self.say(if status == 0 { written } else { status }, hardware);
        answer.before +=
            programming + cost::ROM_INFLATE_PER_KB * inflated_bytes.div_ceil(1024) as u32;
        answer
    }

    /// Unlike FLASH_END it leaves the loader only to restart.
    pub(super) fn deflate_end(&mut self, hardware: &mut Hardware) -> Answer {
        let complete = self.deflate.run.sequence == self.deflate.run.blocks;
        if complete && self.argument(0) == 0 {
            return self.restart(hardware);
        }
        self.say(if complete { 0 } else { FAILED }, hardware)
    }
}
