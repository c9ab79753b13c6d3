//! Espressif's flasher stub as it behaves on the wire, whatever stub image was uploaded. From its
//! sources (esp-flasher-stub 1.1, `src/command_handler.c`) and `tests/fixtures/wire`: a block is
//! acknowledged before it is written, and what goes wrong then is told to the next command.

mod read;
mod write;

use std::time::Duration;

use self::read::Read;
use self::write::{Write, erase_step};
use super::cost;
use super::facts::SecurityInfo;
use super::flash::SECTOR;
use super::hardware::{Answer, Hardware, Then, word};

/// A frame buffer's size: header, a block of 16 KB, and some (`src/frame_buffer.h`).
pub const LONGEST_FRAME: usize = 8 + 0x4000 + 0xFF;
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

#[derive(Debug)]
struct Mem {
    address: u32,
    left_bytes: u32,
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
        if hardware.troubles.refused(op).is_some() {
            return Answer::new(op, 0, &[], INVALID_COMMAND);
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
                let read = Read::new(argument(0), argument(1), argument(2));
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
            before: hardware.costs.stub_md5(length),
            ..Reply::default()
        })
    }

    fn erase_chip(&mut self, hardware: &mut Hardware) -> Handled {
        let size = hardware.flash.size();
        hardware.erase(0, size).map_err(|_| FAILED_SPI)?;
        Ok(Reply {
            before: hardware.costs.chip_erase(size),
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
