//! A region's bytes as the frames that carry them, in the form of one method.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deflate::{self, Effort};
use super::erase_size::rom_erase;
use super::timeout;
use crate::chip::{Chip, Revision, Stubs};
use crate::protocol::{Block, Command};

/// Blocks of the stub and of the ROMs (Serial Protocol, "Writing Data").
const STUB_BLOCK_BYTES: usize = 0x4000;
const ROM_BLOCK_BYTES: usize = 0x400;
/// Of a chip's revisions the one that has its stub.
const USUAL: Revision = Revision { major: 1, minor: 0 };

/// Who writes, and how: it decides block sizes and padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The stub, compressed, blocks of 16 KB.
    #[serde(rename = "stub")]
    StubDeflate,
    /// The ROM, compressed, blocks of 1 KB.
    RomDeflate,
    /// The ROM, plain, blocks of 1 KB.
    RomPlain,
}

impl Method {
    pub const ALL: [Method; 3] = [Method::StubDeflate, Method::RomDeflate, Method::RomPlain];

    /// How a chip is written, as far as that is known without a board; `wanted`: the stub, where there is
    /// one.
    pub fn likely(chip: Chip, stubs: &Stubs, wanted: bool) -> Method {
        match stubs.find(chip, USUAL) {
            Some(_) if wanted => Method::StubDeflate,
            _ if chip.facts().rom.deflate => Method::RomDeflate,
            _ => Method::RomPlain,
        }
    }

    /// The word in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Method::StubDeflate => "stub",
            Method::RomDeflate => "rom-deflate",
            Method::RomPlain => "rom-plain",
        }
    }

    pub fn from_name(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// How far behind the data's last byte the loader may program FF: that changes nothing, but has to
    /// lie within the part.
    pub const fn overshoot_bytes(self) -> u32 {
        match self {
            // within the last sector, which BEGIN erased
            Method::StubDeflate | Method::RomPlain => 0,
            Method::RomDeflate => 3 * timeout::INFLATE_BUFFER_BYTES,
        }
    }
}

/// A stream in the form of one method.
#[derive(Debug)]
pub struct Framed {
    /// The flash address that it begins at.
    pub offset: u32,
    /// A BEGIN that goes before: it erases what the ROM would not erase rightly with the rest.
    pub erase_before: Option<Arc<[u8]>>,
    /// The BEGIN command's frame: from the start. (ROM: a block that failed wants BEGIN again, see
    /// [`super::Region::part`].)
    pub begin: Arc<[u8]>,
    /// How long BEGIN may take (a ROM erases in it).
    pub begin_timeout: Duration,
    /// Each with the time that its acknowledge may take. The stub acknowledges a block before it writes
    /// it: the command after the last block has to be given that block's time as well.
    pub blocks: Arc<[Block]>,
    /// Flash bytes, counted from `offset`, that are complete on the chip's side once block n is
    /// acknowledged and worked off: whole buffers of a loader that inflates, so that a resume from
    /// there leaves no gap.
    pub flash_bytes_after: Arc<[u32]>,
    /// Flash bytes, counted from `offset`, that blocks up to n inflate to: for progress.
    pub inflated_after: Arc<[u32]>,
    /// Bytes that the whole stream puts on the wire.
    pub wire_bytes: u64,
}

/// Frames `data` (a multiple of 4 bytes) for flash address `offset` (a sector's).
pub(super) fn frame(
    chip: Chip,
    method: Method,
    offset: u32,
    data: &[u8],
    effort: Effort,
) -> Framed {
    let encrypt = (chip.facts().rom.begin_words == 5).then_some(false);
    match method {
        Method::StubDeflate => {
            let stream = Deflated::new(data, STUB_BLOCK_BYTES, effort);
            let begin = stream.begin(offset, data.len() as u32, encrypt);
            // the acknowledge of a block waits for the work on the one before it
            let blocks =
                stream.blocks(|worked_off, before| timeout::stub_write(worked_off.max(before)));
            Framed {
                // after a refusal, an earlier block may still be being written
                begin_timeout: timeout::stub_write(timeout::INFLATE_BUFFER_BYTES),
                ..framed(
                    offset,
                    &begin,
                    blocks,
                    stream.flushed_after(),
                    stream.inflated_after,
                )
            }
        }
        Method::RomDeflate => {
            let stream = Deflated::new(&padded_for_rom(data), ROM_BLOCK_BYTES, effort);
            // the ROM wants the size of what it is to erase, in whole blocks
            let erased = data.len().next_multiple_of(ROM_BLOCK_BYTES) as u32;
            let begin = stream.begin(offset, erased, encrypt);
            let blocks = stream.blocks(|worked_off, _| timeout::rom_write(worked_off));
            let of_the_data = |after: Vec<u32>| {
                let of_the_data = |bytes: u32| bytes.min(data.len() as u32);
                after.into_iter().map(of_the_data).collect()
            };
            Framed {
                begin_timeout: timeout::erase(erased.into()),
                ..framed(
                    offset,
                    &begin,
                    blocks,
                    of_the_data(stream.flushed_after()),
                    of_the_data(stream.inflated_after),
                )
            }
        }
        Method::RomPlain => {
            let erase = rom_erase(chip, offset, data.len() as u32);
            let erase_before = erase.before.map(|(offset, erase_bytes)| {
                let command = Command::FlashBegin {
                    erase_bytes,
                    blocks: 0,
                    block_bytes: ROM_BLOCK_BYTES as u32,
                    offset,
                    encrypt,
                };
                command.frame().into()
            });
            let begin = Command::FlashBegin {
                erase_bytes: erase.bytes,
                blocks: data.len().div_ceil(ROM_BLOCK_BYTES) as u32,
                block_bytes: ROM_BLOCK_BYTES as u32,
                offset,
                encrypt,
            };
            let (blocks, after): (Vec<Block>, Vec<u32>) = plain_blocks(data).unzip();
            Framed {
                begin_timeout: timeout::erase(data.len() as u64),
                erase_before,
                ..framed(offset, &begin, blocks, after.clone(), after)
            }
        }
    }
}

/// The data of a stream that a ROM inflates, with FF behind it.
///
/// The ROM programs its buffer of 32 KB whole, whenever it is full and once more when the stream ends,
/// with whatever is left in it from before: what follows the region would not keep its content (seen
/// on an ESP32's ROM in an emulator, with esptool's compressed write as well). FF programs nothing. So
/// the last data come with FF to their buffer's end, and a buffer of FF follows, which is then what is
/// left.
fn padded_for_rom(data: &[u8]) -> Vec<u8> {
    let buffer_bytes = timeout::INFLATE_BUFFER_BYTES as usize;
    let mut padded = data.to_vec();
    padded.resize(
        data.len().next_multiple_of(buffer_bytes) + buffer_bytes,
        0xFF,
    );
    padded
}

/// With the timeouts of a loader that has nothing to do at BEGIN and after the end.
fn framed(
    offset: u32,
    begin: &Command<'_>,
    blocks: Vec<Block>,
    flash_bytes_after: Vec<u32>,
    inflated_after: Vec<u32>,
) -> Framed {
    let begin: Arc<[u8]> = begin.frame().into();
    let block_bytes: usize = blocks.iter().map(|block| block.frame.len()).sum();
    Framed {
        offset,
        wire_bytes: (begin.len() + block_bytes) as u64,
        begin,
        begin_timeout: timeout::DEFAULT,
        erase_before: None,
        blocks: blocks.into(),
        flash_bytes_after: flash_bytes_after.into(),
        inflated_after: inflated_after.into(),
    }
}

/// A compressed stream, cut into blocks.
struct Deflated {
    stream: Vec<u8>,
    block_bytes: usize,
    inflated_after: Vec<u32>,
}

impl Deflated {
    fn new(data: &[u8], most_block_bytes: usize, effort: Effort) -> Deflated {
        let stream = deflate::compress(data, effort);
        let (block_bytes, inflated_after) = deflate::block_bytes(&stream, most_block_bytes);
        Deflated {
            stream,
            block_bytes,
            inflated_after,
        }
    }

    fn begin(&self, offset: u32, write_bytes: u32, encrypt: Option<bool>) -> Command<'static> {
        Command::DeflBegin {
            write_bytes,
            blocks: self.inflated_after.len() as u32,
            block_bytes: self.block_bytes as u32,
            offset,
            encrypt,
        }
    }

    /// The bytes that block `index` alone inflates to.
    fn inflated_by(&self, index: usize) -> u32 {
        let before = index
            .checked_sub(1)
            .map_or(0, |last| self.inflated_after[last]);
        self.inflated_after[index] - before
    }

    /// `timeout` is told the bytes that a block inflates to, and those of the block before it.
    fn blocks(&self, timeout: impl Fn(u32, u32) -> Duration) -> Vec<Block> {
        self.stream
            .chunks(self.block_bytes)
            .enumerate()
            .map(|(index, data)| Block {
                frame: Command::DeflData {
                    sequence: index as u32,
                    data,
                }
                .frame()
                .into(),
                timeout: timeout(
                    self.inflated_by(index),
                    index
                        .checked_sub(1)
                        .map_or(0, |last| self.inflated_by(last)),
                ),
            })
            .collect()
    }

    /// What is in flash after each block: whole buffers, and at the end all.
    fn flushed_after(&self) -> Vec<u32> {
        let all = self.inflated_after.last().copied();
        self.inflated_after
            .iter()
            .map(|&bytes| {
                if Some(bytes) == all {
                    bytes
                } else {
                    bytes - bytes % timeout::INFLATE_BUFFER_BYTES
                }
            })
            .collect()
    }
}

/// Each block with the flash bytes that are complete after it.
fn plain_blocks(data: &[u8]) -> impl Iterator<Item = (Block, u32)> {
    data.chunks(ROM_BLOCK_BYTES)
        .enumerate()
        .map(|(index, chunk)| {
            // the ROM takes whole blocks; erased flash reads FF, so the padding changes nothing
            let mut padded = [0xFF; ROM_BLOCK_BYTES];
            padded[..chunk.len()].copy_from_slice(chunk);
            let block = Block {
                frame: Command::FlashData {
                    sequence: index as u32,
                    data: &padded,
                }
                .frame()
                .into(),
                timeout: timeout::DEFAULT,
            };
            (block, (index * ROM_BLOCK_BYTES + chunk.len()) as u32)
        })
}

#[cfg(test)]
mod tests;
