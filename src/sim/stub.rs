//! Espressif's flasher stub as it behaves on the wire, whatever stub image was uploaded. From its
//! sources (esp-flasher-stub 1.1, `src/command_handler.c`) and `tests/fixtures/wire`: a block is
//! acknowledged before it is written, and what goes wrong then is told to the next command.

use std::time::Duration;

use md5::{Digest, Md5};

use super::cost;
use super::facts::SecurityInfo;
use super::flash::{BLOCK, FlashFault, PAGE, SECTOR};
use super::hardware::{Answer, Hardware, Then, word};
use super::inflate::{Checksum, Inflated, Inflater, Input, WINDOW};

/// A frame buffer's size: header, a block of 16 KB, and some (`src/frame_buffer.h`).
pub const LONGEST_FRAME: usize = 8 + 0x4000 + 0xFF;
/// The largest packet of READ_FLASH.
const LARGEST_PACKET: u32 = 4096;
/// Taken for granted where the flash ID tells no size.
const UNKNOWN_FLASH_BYTES: u32 = 16 << 20;

const BAD_LENGTH: u16 = 0xC000;
const BAD_CHECKSUM: u16 = 0xC100;
const INVALID_COMMAND: u16 = 0xC300;
const FAILED_SPI: u16 = 0xC400;
const NOT_IN_FLASH_MODE: u16 = 0xC600;
const INFLATE_FAILED: u16 = 0xC700;
const NOT_ENOUGH_DATA: u16 = 0xC800;
const TOO_MUCH_DATA: u16 = 0xC900;
const NOT_IMPLEMENTED: u16 = 0xFF00;

/// The stub's state.
#[derive(Debug)]
pub struct Stub {
    /// What the work after the last answer came to; the next command is told instead of carried out.
    owed: u16,
    flash_bytes: u32,
    write: Option<Write>,
    mem: Option<Mem>,
    read: Option<Read>,
}

/// Between BEGIN and END.
#[derive(Debug)]
struct Write {
    left_bytes: u32,
    compressed_left: u32,
    address: u32,
    erase_at: u32,
    erase_left: u32,
    dirty_seen: bool,
    inflater: Inflater,
    window: Vec<u8>,
}

#[derive(Debug)]
struct Mem {
    address: u32,
    left_bytes: u32,
}

/// READ_FLASH in progress: one packet at a time, each acknowledged with the bytes had so far.
#[derive(Debug)]
struct Read {
    address: u32,
    left_bytes: u32,
    total_bytes: u32,
    packet_bytes: u32,
    md5: Md5,
}

/// What a command comes to: data for the answer, or a status; and work for afterwards.
type Handled = Result<Reply, u16>;

#[derive(Debug, Default)]
struct Reply {
    value: u32,
    data: Vec<u8>,
    before: Duration,
    work: Work,
}

#[derive(Debug, Default)]
enum Work {
    #[default]
    None,
    Write {
        data: Vec<u8>,
    },
    Inflate {
        block: u32,
        data: Vec<u8>,
    },
    Then(Then),
    Read(Box<Read>),
}

impl Stub {
    pub fn new(hardware: &mut Hardware) -> Stub {
        // it attaches the flash and asks for its size itself
        hardware.memory.attach();
        Stub {
            owed: 0,
            flash_bytes: hardware.id_bytes.unwrap_or(UNKNOWN_FLASH_BYTES),
            write: None,
            mem: None,
            read: None,
        }
    }

    /// The frame that it greets with.
    pub fn greeting() -> Vec<u8> {
        b"OHAI".to_vec()
    }

    /// Answers a frame (unescaped, at least one byte).
    pub fn handle(&mut self, frame: &[u8], hardware: &mut Hardware) -> Answer {
        if let Some(read) = self.read.take() {
            return self.acknowledged(read, frame, hardware);
        }
        let op = frame.get(1).copied().unwrap_or(0);
        let length = frame.len().saturating_sub(8);
        let said = usize::from(u16::from_le_bytes([
            frame.get(2).copied().unwrap_or(0),
            frame.get(3).copied().unwrap_or(0),
        ]));
        if frame[0] != 0 {
            return Answer::new(op, 0, &[], INVALID_COMMAND);
        }
        if frame.len() < 8 || said != length {
            return Answer::new(op, 0, &[], BAD_LENGTH);
        }
        if self.owed != 0 {
            return Answer::new(op, 0, &[], std::mem::take(&mut self.owed));
        }
        let reply = match self.command(op, &frame[8..], word(frame, 4), hardware) {
            Ok(Some(reply)) => reply,
            Ok(None) => return Answer::silent(),
            Err(status) => return Answer::new(op, 0, &[], status),
        };
        let mut answer = Answer::new(op, reply.value, &reply.data, 0);
        answer.before += reply.before;
        if op == 0x08 {
            answer.frames = vec![answer.frames[0].clone(); 8];
        }
        let result = match reply.work {
            Work::None => Ok(Duration::ZERO),
            Work::Write { data } => self.write_data(&data, hardware),
            Work::Inflate { block, data } => self.inflate(block, &data, hardware),
            Work::Then(then) => {
                answer.then = then;
                Ok(Duration::ZERO)
            }
            Work::Read(read) => {
                self.send_packet(*read, hardware, &mut answer);
                Ok(Duration::ZERO)
            }
        };
        match result {
            Ok(took) => answer.after = took,
            Err(status) => self.owed = status,
        }
        answer
    }

    fn command(
        &mut self,
        op: u8,
        data: &[u8],
        checksum: u32,
        hardware: &mut Hardware,
    ) -> Result<Option<Reply>, u16> {
        let argument = |index: usize| word(data, index * 4);
        let exactly = |bytes: usize| match data.len() == bytes {
            true => Ok(()),
            false => Err(BAD_LENGTH),
        };
        let reply = match op {
            0x02 | 0x10 => self.begin(data, hardware),
            0x03 => self.flash_data(data, checksum, hardware),
            0x04 | 0x12 => self.end(data),
            0x05 => {
                exactly(16)?;
                self.mem = Some(Mem {
                    address: argument(3),
                    left_bytes: argument(0),
                });
                Ok(Reply::default())
            }
            0x06 => {
                exactly(8)?;
                self.mem.take().ok_or(NOT_IN_FLASH_MODE)?;
                let then = match argument(0) {
                    0 if hardware.memory.holds_code(argument(1)) => Then::RunStub,
                    0 => Then::Hang,
                    _ => Then::Stay,
                };
                Ok(Reply {
                    work: Work::Then(then),
                    ..Reply::default()
                })
            }
            0x07 => self.mem_data(data, hardware),
            0x08 => {
                exactly(36)?;
                Ok(Reply::default())
            }
            0x09 => {
                if data.is_empty() || !data.len().is_multiple_of(16) {
                    return Err(NOT_ENOUGH_DATA);
                }
                let mut before = Duration::ZERO;
                for tuple in data.chunks_exact(16) {
                    before += Duration::from_micros(u64::from(word(tuple, 12)));
                    hardware.write_reg(word(tuple, 0), word(tuple, 4), word(tuple, 8));
                }
                Ok(Reply {
                    before,
                    ..Reply::default()
                })
            }
            0x0A => {
                exactly(4)?;
                Ok(Reply {
                    value: hardware.memory.read(argument(0)),
                    ..Reply::default()
                })
            }
            0x0B => {
                exactly(24)?;
                self.flash_bytes = argument(1);
                Ok(Reply::default())
            }
            0x0D => {
                exactly(4)?;
                hardware.memory.attach();
                Ok(Reply::default())
            }
            0x0F => {
                exactly(8)?;
                let baud = argument(0).max(1);
                Ok(Reply {
                    work: Work::Then(Then::Baud {
                        baud,
                        empty_frame: false,
                    }),
                    ..Reply::default()
                })
            }
            0x11 => self.deflate_data(data, checksum, hardware),
            0x13 => {
                exactly(16)?;
                self.md5(argument(0), argument(1), hardware)
            }
            0x14 => {
                exactly(0)?;
                match hardware.facts.security_info {
                    SecurityInfo::Unknown => Err(NOT_IMPLEMENTED),
                    _ => Ok(Reply {
                        data: hardware.security_info(),
                        ..Reply::default()
                    }),
                }
            }
            0xD0 => self.erase_chip(hardware),
            0xD1 => {
                exactly(8)?;
                Stub::erase_region(argument(0), argument(1), hardware)
            }
            0xD2 => {
                exactly(16)?;
                let read = Read {
                    address: argument(0),
                    left_bytes: argument(1),
                    total_bytes: argument(1),
                    packet_bytes: argument(2),
                    md5: Md5::new(),
                };
                Ok(Reply {
                    work: Work::Read(Box::new(read)),
                    ..Reply::default()
                })
            }
            0xD3 => return Ok(None),
            // the places of plug-ins that were not loaded
            0xD5..=0xDE => Err(NOT_IMPLEMENTED),
            _ => Err(INVALID_COMMAND),
        };
        reply.map(Some)
    }

    fn begin(&mut self, data: &[u8], hardware: &mut Hardware) -> Handled {
        if data.len() != 16 && data.len() != 20 {
            return Err(BAD_LENGTH);
        }
        let [total, blocks, block_bytes, address] = [0, 4, 8, 12].map(|at| word(data, at));
        let start = address / SECTOR * SECTOR;
        let end = address
            .wrapping_add(total)
            .checked_next_multiple_of(SECTOR)
            .unwrap_or(0);
        let write = self.write.insert(Write {
            left_bytes: total,
            compressed_left: blocks.wrapping_mul(block_bytes),
            address,
            erase_at: start,
            erase_left: end.wrapping_sub(start),
            dirty_seen: false,
            inflater: Inflater::new(),
            window: Vec::new(),
        });
        // the first erase is started and not waited for
        write.erase_next(hardware)?;
        Ok(Reply::default())
    }

    fn end(&mut self, data: &[u8]) -> Handled {
        if data.len() != 4 {
            return Err(BAD_LENGTH);
        }
        match &self.write {
            None => Err(NOT_IN_FLASH_MODE),
            Some(write) if write.left_bytes != 0 => Err(BAD_LENGTH),
            Some(_) => {
                // the reboot flag does nothing
                self.write = None;
                Ok(Reply::default())
            }
        }
    }

    fn flash_data(&mut self, data: &[u8], checksum: u32, hardware: &mut Hardware) -> Handled {
        if data.len() < 16 {
            return Err(NOT_ENOUGH_DATA);
        }
        if self.write.is_none() {
            return Err(NOT_IN_FLASH_MODE);
        }
        let block = &data[16..];
        if word(data, 0) as usize != block.len() {
            return Err(TOO_MUCH_DATA);
        }
        check(block, checksum, hardware)?;
        Ok(Reply {
            work: Work::Write {
                data: block.to_vec(),
            },
            ..Reply::default()
        })
    }

    fn deflate_data(&mut self, data: &[u8], checksum: u32, hardware: &mut Hardware) -> Handled {
        if data.len() < 16 {
            return Err(BAD_LENGTH);
        }
        if self.write.is_none() {
            return Err(NOT_IN_FLASH_MODE);
        }
        // it believes the length that the block says
        let length = (word(data, 0) as usize).min(data.len() - 16);
        let block = &data[16..16 + length];
        check(block, checksum, hardware)?;
        Ok(Reply {
            work: Work::Inflate {
                block: word(data, 4),
                data: block.to_vec(),
            },
            ..Reply::default()
        })
    }

    fn mem_data(&mut self, data: &[u8], hardware: &mut Hardware) -> Handled {
        if data.len() < 16 {
            return Err(NOT_ENOUGH_DATA);
        }
        let mem = self.mem.as_mut().ok_or(NOT_IN_FLASH_MODE)?;
        let block = &data[16..];
        if mem.left_bytes < word(data, 0) || word(data, 0) as usize != block.len() {
            return Err(TOO_MUCH_DATA);
        }
        hardware.memory.load(mem.address, block);
        mem.address = mem.address.wrapping_add(block.len() as u32);
        mem.left_bytes -= block.len() as u32;
        Ok(Reply::default())
    }

    fn md5(&mut self, address: u32, length: u32, hardware: &mut Hardware) -> Handled {
        self.within(address, length)?;
        Ok(Reply {
            data: hardware.md5(address, length).to_vec(),
            before: cost::STUB_MD5_PER_MB.mul_f64(f64::from(length) / f64::from(1 << 20)),
            ..Reply::default()
        })
    }

    fn erase_chip(&mut self, hardware: &mut Hardware) -> Handled {
        let size = hardware.flash.size();
        hardware.erase(0, size).map_err(|_| FAILED_SPI)?;
        Ok(Reply {
            before: cost::CHIP_ERASE_PER_MB.mul_f64(f64::from(size) / f64::from(1 << 20)),
            ..Reply::default()
        })
    }

    fn erase_region(address: u32, length: u32, hardware: &mut Hardware) -> Handled {
        if !address.is_multiple_of(SECTOR) || !length.is_multiple_of(SECTOR) {
            return Err(BAD_LENGTH);
        }
        let (mut at, mut left, mut before) = (address, length, Duration::ZERO);
        while left > 0 {
            before += erase_step(&mut at, &mut left, hardware)?;
        }
        Ok(Reply {
            before,
            ..Reply::default()
        })
    }

    /// The ROM's flash routines, which the stub calls, refuse what lies past the part's end.
    fn within(&self, address: u32, length: u32) -> Result<(), u16> {
        if u64::from(address) + u64::from(length) > u64::from(self.flash_bytes) {
            Err(FAILED_SPI)
        } else {
            Ok(())
        }
    }

    /// Writes a plain block; what is more than BEGIN said is dropped.
    fn write_data(&mut self, data: &[u8], hardware: &mut Hardware) -> Result<Duration, u16> {
        let left = self.write.as_ref().map_or(0, |write| write.left_bytes);
        self.program(&data[..data.len().min(left as usize)], hardware)
    }

    fn inflate(
        &mut self,
        block: u32,
        data: &[u8],
        hardware: &mut Hardware,
    ) -> Result<Duration, u16> {
        let fails = hardware.troubles.inflate_fails(block);
        let Some(write) = &mut self.write else {
            return Err(NOT_IN_FLASH_MODE);
        };
        if block == 0 {
            write.window.clear();
        }
        let mut took = write.erase_next(hardware)?;
        if write.inflater.is_done() {
            // a last block that holds only the checksum: nobody looks at it
            return Ok(took);
        }
        write.compressed_left = write.compressed_left.wrapping_sub(data.len() as u32);
        let held = write.window.len();
        // only the call that reads the stream's head compares the checksum at its end
        let checksum = match block {
            0 => Checksum::Compared,
            _ => Checksum::Ignored,
        };
        let inflated = write
            .inflater
            .feed(checksum, Input::Continues, data, &mut write.window);
        took += cost::STUB_INFLATE_PER_KB * (write.window.len() - held).div_ceil(1024) as u32;
        let failed = matches!(inflated, Inflated::Corrupt | Inflated::WrongChecksum);
        let mut ready = write.window.len() / WINDOW * WINDOW;
        if write.inflater.is_done() {
            ready = write.window.len();
        }
        let ready: Vec<u8> = write.window.drain(..ready).collect();
        for window in ready.chunks(WINDOW) {
            took += self.program(window, hardware)?;
        }
        if failed || fails {
            Err(INFLATE_FAILED)
        } else {
            Ok(took)
        }
    }

    /// Erases as far as `data` reaches, and programs it.
    fn program(&mut self, data: &[u8], hardware: &mut Hardware) -> Result<Duration, u16> {
        let Some(write) = &mut self.write else {
            return Err(NOT_IN_FLASH_MODE);
        };
        let (address, length) = (write.address, data.len() as u32);
        let mut took = Duration::ZERO;
        while write.erase_left > 0 && write.erase_at < address.saturating_add(length) {
            took += write.erase_next(hardware)?;
        }
        write.left_bytes = write.left_bytes.wrapping_sub(length);
        write.address = address.wrapping_add(length);
        if length > 0 {
            self.within(address, length)?;
        }
        match hardware.program(address, data) {
            Err(FlashFault::Protected) => Err(FAILED_SPI),
            Ok(()) | Err(FlashFault::BrownOut) => {
                Ok(took + cost::PAGE_PROGRAM * length.div_ceil(PAGE))
            }
        }
    }

    /// The first packet, or the digest at once where nothing is to be read.
    fn send_packet(&mut self, mut read: Read, hardware: &mut Hardware, answer: &mut Answer) {
        if read.packet_bytes > LARGEST_PACKET {
            self.owed = BAD_LENGTH;
            return;
        }
        if read.left_bytes == 0 || read.packet_bytes == 0 {
            answer.frames.push(read.md5.finalize().to_vec());
            return;
        }
        let length = read.left_bytes.min(read.packet_bytes);
        if let Err(status) = self.within(read.address, length) {
            self.owed = status;
            return;
        }
        let bytes = hardware.read(read.address, length);
        read.md5.update(&bytes);
        read.address += length;
        read.left_bytes -= length;
        answer.before += cost::READ_PER_KB * length.div_ceil(1024);
        answer.frames.push(bytes);
        self.read = Some(read);
    }

    /// A frame while READ_FLASH runs: how much the host has.
    fn acknowledged(&mut self, read: Read, frame: &[u8], hardware: &mut Hardware) -> Answer {
        let mut answer = Answer {
            op: 0xD2,
            before: cost::COMMAND,
            ..Answer::silent()
        };
        if frame.len() != 4 || read.left_bytes == 0 && word(frame, 0) >= read.total_bytes {
            answer.frames.push(read.md5.finalize().to_vec());
        } else if read.left_bytes == 0 {
            self.read = Some(read);
        } else {
            self.send_packet(read, hardware, &mut answer);
        }
        answer
    }
}

impl Write {
    /// The next erase: sectors that are blank are left alone until the first that is not; from there
    /// on 64 KB at a time where it is aligned and enough is left.
    fn erase_next(&mut self, hardware: &mut Hardware) -> Result<Duration, u16> {
        if self.erase_left == 0 {
            return Ok(Duration::ZERO);
        }
        if !self.dirty_seen {
            if hardware.flash.is_blank(self.erase_at) {
                self.erase_at = self.erase_at.wrapping_add(SECTOR);
                self.erase_left -= self.erase_left.min(SECTOR);
                return Ok(cost::READ_PER_KB * (SECTOR / 1024));
            }
            self.dirty_seen = true;
        }
        erase_step(&mut self.erase_at, &mut self.erase_left, hardware)
    }
}

fn erase_step(at: &mut u32, left: &mut u32, hardware: &mut Hardware) -> Result<Duration, u16> {
    let (bytes, took) = if *left >= BLOCK && at.is_multiple_of(BLOCK) {
        (BLOCK, cost::BLOCK_ERASE)
    } else {
        (SECTOR, cost::SECTOR_ERASE)
    };
    hardware.erase(*at, bytes).map_err(|_| FAILED_SPI)?;
    *at = at.wrapping_add(bytes);
    *left -= (*left).min(bytes);
    Ok(took)
}

fn check(block: &[u8], checksum: u32, hardware: &mut Hardware) -> Result<(), u16> {
    let sum = block.iter().fold(0xEF, |sum, byte| sum ^ byte);
    if u32::from(sum) != checksum || hardware.troubles.checksum_refused() {
        Err(BAD_CHECKSUM)
    } else {
        Ok(())
    }
}

impl Answer {
    /// A stub's answer: value, data, two status bytes.
    fn new(op: u8, value: u32, data: &[u8], status: u16) -> Answer {
        let mut frame = vec![1, op];
        frame.extend_from_slice(&(data.len() as u16 + 2).to_le_bytes());
        frame.extend_from_slice(&value.to_le_bytes());
        frame.extend_from_slice(data);
        frame.extend_from_slice(&status.to_be_bytes());
        Answer {
            op,
            frames: vec![frame],
            before: cost::COMMAND,
            ..Answer::silent()
        }
    }
}
