//! The mask ROM's loader: what it answers to a frame, and what it does. Learnt from the ROM itself
//! (`tests/fixtures/wire`, and an ESP32's mask ROM in an emulator): it reads its arguments from one
//! buffer that no frame clears, and answers from another, so what a frame leaves out is left over
//! from the one before.

mod deflate;

use std::time::Duration;

use self::deflate::Deflate;
use super::cost;
use super::facts::{Facts, SecurityInfo};
use super::flash::{BLOCK, FlashFault, SECTOR};
use super::hardware::{Answer, Hardware, Then, word};
use super::spec::Access;
use crate::chip::Chip;

/// Longest frame that is taken; a longer one is not answered. Measured: 0x1900 is, 0x2000 is not.
pub const LONGEST_FRAME: usize = 0x1C00;
/// Largest block size that a BEGIN takes.
const LARGEST_BLOCK: u32 = 0x1800;
/// Below this no chip of the family has RAM.
const LOWEST_RAM: u32 = 0x3000_0000;
/// Bytes that READ_FLASH_SLOW answers.
const SLOW_READ: usize = 64;

const INVALID: u16 = 0x0105;
const FAILED: u16 = 0x0106;
const BAD_CHECKSUM: u16 = 0x0107;
const WRITE_FAILED: u16 = 0x0108;
const READ_FAILED: u16 = 0x0109;
const READ_LENGTH: u16 = 0x010A;

/// The loader's state.
#[derive(Debug)]
pub struct Rom {
    request: Vec<u8>,
    reply: Reply,
    flash_bytes: u32,
    /// FLASH and MEM share what they know of a transfer; DEFL has its own. Neither is cleared by an END.
    plain: Run,
    flash_begun: bool,
    deflate: Deflate,
}

/// The buffer that answers are made in.
#[derive(Debug)]
struct Reply {
    op: u8,
    value: u32,
    status: [u8; 2],
    body: [u8; SLOW_READ + 4],
}

/// Whether the ROM takes this command. In Secure Download Mode those that remain are the ones that
/// esptool and espflash still use (esptool, "Secure Download Mode"; espflash pull request 990).
fn knows(op: u8, hardware: &Hardware) -> bool {
    let facts = hardware.facts;
    let asks_security = op == 0x14 && facts.security_info != SecurityInfo::Unknown;
    match hardware.access {
        Access::SecureDownload => {
            matches!(op, 0x02..=0x04 | 0x08 | 0x0B | 0x0D | 0x0F) || asks_security
        }
        Access::Open => {
            matches!(op, 0x02..=0x0A)
                || facts.has_later_commands && matches!(op, 0x0B | 0x0D..=0x13)
                || asks_security
        }
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    address: u32,
    total_bytes: u32,
    blocks: u32,
    block_bytes: u32,
    sequence: u32,
    done_bytes: u32,
}

impl Rom {
    pub fn new(facts: &Facts) -> Rom {
        Rom {
            request: vec![0; LONGEST_FRAME],
            reply: Reply {
                op: 0,
                value: 0,
                status: [0; 2],
                body: [0; SLOW_READ + 4],
            },
            flash_bytes: facts.rom_flash_bytes,
            plain: Run::default(),
            flash_begun: false,
            deflate: Deflate::new(),
        }
    }

    /// Answers a frame (unescaped, at least one byte).
    pub fn handle(&mut self, frame: &[u8], hardware: &mut Hardware) -> Answer {
        if frame.len() > LONGEST_FRAME {
            return Answer::silent();
        }
        self.request[..frame.len()].copy_from_slice(frame);
        let (direction, op) = (self.request[0], self.request[1]);
        if direction != 0 || !knows(op, hardware) {
            return self.say(INVALID, hardware);
        }
        if let Some(copies) = hardware.troubles.refused(op) {
            let mut answer = self.say(INVALID, hardware);
            let frame = answer.frames.swap_remove(0);
            answer.frames = vec![frame; copies as usize];
            return answer;
        }
        self.reply.op = op;
        match op {
            0x02 => self.flash_begin(hardware),
            0x03 => self.flash_data(hardware),
            0x04 => self.flash_end(hardware),
            0x05 => self.mem_begin(hardware),
            0x06 => self.mem_end(hardware),
            0x07 => self.mem_data(hardware),
            0x08 => {
                self.reply.value = self.argument(0);
                self.say(0, hardware)
            }
            0x09 => self.write_reg(hardware),
            0x0A => {
                self.reply.value = hardware.memory.read(self.argument(0));
                self.say(0, hardware)
            }
            0x0B => self.spi_set_params(hardware),
            0x0D => {
                hardware.memory.attach();
                self.say(0, hardware)
            }
            0x0E => self.read_flash_slow(hardware),
            0x0F => self.change_baudrate(hardware),
            0x10 => self.deflate_begin(hardware),
            0x11 => self.deflate_data(hardware),
            0x12 => self.deflate_end(hardware),
            0x13 => self.flash_md5(hardware),
            _ => self.security_info(hardware),
        }
    }

    /// The frame's own length field.
    fn length(&self) -> usize {
        usize::from(u16::from_le_bytes([self.request[2], self.request[3]]))
    }

    /// Argument word `index`, whether or not the frame held it.
    fn argument(&self, index: usize) -> u32 {
        word(&self.request, 8 + index * 4)
    }

    /// A reply with a status and nothing else; eight of them while the last accepted op is SYNC.
    fn say(&mut self, status: u16, hardware: &Hardware) -> Answer {
        self.answer(0, status, hardware)
    }

    /// A reply with `data_bytes` of the body before the status.
    fn answer(&mut self, data_bytes: usize, status: u16, hardware: &Hardware) -> Answer {
        // the transfer commands say success in the first byte only: the second is left over as well
        let first_only = matches!(self.reply.op, 0x02..=0x07 | 0x0B | 0x10..=0x12);
        let status = status.to_be_bytes();
        let said = if status[0] == 0 && first_only { 1 } else { 2 };
        self.reply.status[..said].copy_from_slice(&status[..said]);
        self.reply.body[data_bytes..data_bytes + 2].copy_from_slice(&self.reply.status);
        let body = &self.reply.body[..data_bytes + hardware.facts.status_bytes];
        let mut frame = vec![1, self.reply.op];
        frame.extend_from_slice(&(body.len() as u16).to_le_bytes());
        frame.extend_from_slice(&self.reply.value.to_le_bytes());
        frame.extend_from_slice(body);
        let times = if self.reply.op == 0x08 { 8 } else { 1 };
        Answer {
            op: self.reply.op,
            frames: vec![frame; times],
            before: cost::COMMAND,
            after: Duration::ZERO,
            then: Then::Stay,
        }
    }

    /// A BEGIN's four words, if they are as this ROM wants them.
    fn begin(&self, words: usize) -> Option<Run> {
        let right = self.length() == words * 4 && self.argument(2) <= LARGEST_BLOCK;
        right.then(|| Run {
            total_bytes: self.argument(0),
            blocks: self.argument(1),
            block_bytes: self.argument(2),
            address: self.argument(3),
            sequence: 0,
            done_bytes: 0,
        })
    }

    fn flash_begin(&mut self, hardware: &mut Hardware) -> Answer {
        let Some(run) = self.begin(hardware.facts.begin_words) else {
            return self.say(INVALID, hardware);
        };
        self.plain = run;
        self.flash_begun = true;
        if hardware.facts.chip == Chip::Esp8266 {
            // it has no command for that
            hardware.memory.attach();
        }
        self.erase(run, hardware)
    }

    /// Erases whole sectors, by blocks of 64 KB where it can, before it answers.
    fn erase(&mut self, run: Run, hardware: &mut Hardware) -> Answer {
        let mut sectors = run.total_bytes.div_ceil(SECTOR);
        if hardware.facts.chip == Chip::Esp8266 {
            // it erases up to the next block of 64 KB and forgets to count that
            let to_block = BLOCK / SECTOR - run.address / SECTOR % (BLOCK / SECTOR);
            sectors += sectors.min(to_block);
        }
        let end = u64::from(run.address) + u64::from(sectors) * u64::from(SECTOR);
        if !run.address.is_multiple_of(SECTOR) || end > u64::from(self.flash_bytes) {
            return self.say(FAILED, hardware);
        }
        let mut took = Duration::ZERO;
        let mut at = run.address;
        let mut left = sectors;
        while left > 0 {
            if at.is_multiple_of(BLOCK) && left >= BLOCK / SECTOR {
                at += BLOCK;
                left -= BLOCK / SECTOR;
                took += hardware.costs.block_erase();
            } else {
                at += SECTOR;
                left -= 1;
                took += hardware.costs.sector_erase();
            }
        }
        let status = match hardware.erase(run.address, sectors * SECTOR) {
            Ok(()) => 0,
            Err(_) => FAILED,
        };
        let mut answer = self.say(status, hardware);
        answer.before += took;
        answer
    }

    /// The block of a DATA command that may be taken, or why not. The sequence number counts on after
    /// a wrong checksum; that is why the ROM wants a new BEGIN then.
    fn block(
        run: &mut Run,
        request: &[u8],
        multiple_of: u32,
        hardware: &mut Hardware,
    ) -> Result<Vec<u8>, u16> {
        let (length, sequence) = (word(request, 8), word(request, 12));
        if sequence != run.sequence
            || length > run.block_bytes
            || !length.is_multiple_of(multiple_of)
        {
            return Err(INVALID);
        }
        run.sequence += 1;
        let data = &request[24..24 + length as usize];
        let sum = data.iter().fold(0xEF, |sum, byte| sum ^ byte);
        if sum != request[4] || hardware.troubles.checksum_refused() {
            return Err(BAD_CHECKSUM);
        }
        Ok(data.to_vec())
    }

    fn flash_data(&mut self, hardware: &mut Hardware) -> Answer {
        let data = match Rom::block(&mut self.plain, &self.request, 4, hardware) {
            Ok(data) => data,
            Err(status) => return self.say(status, hardware),
        };
        self.plain.done_bytes = self.plain.done_bytes.wrapping_add(data.len() as u32);
        let (status, took) = Rom::program(&mut self.plain, self.flash_bytes, &data, hardware);
        let mut answer = self.say(status, hardware);
        answer.before += took;
        answer
    }

    /// Programs at the transfer's address and moves it on; what lies past the end of the part as the
    /// ROM knows it is dropped without a word.
    fn program(
        run: &mut Run,
        flash_bytes: u32,
        data: &[u8],
        hardware: &mut Hardware,
    ) -> (u16, Duration) {
        let address = run.address;
        run.address = address.wrapping_add(data.len() as u32);
        let room = flash_bytes.saturating_sub(address) as usize;
        let data = &data[..data.len().min(room)];
        let took = hardware.costs.program(data.len() as u32);
        match hardware.program(address, data) {
            Err(FlashFault::Protected) => (WRITE_FAILED, took),
            Ok(()) | Err(FlashFault::BrownOut) => (0, took),
        }
    }

    /// Leaves the loader whatever the flag says; only a complete transfer may restart the chip.
    fn flash_end(&mut self, hardware: &mut Hardware) -> Answer {
        let complete = self.flash_begun
            && self.plain.done_bytes == self.plain.total_bytes
            && self.plain.sequence == self.plain.blocks;
        if complete && self.argument(0) == 0 {
            return self.restart(hardware);
        }
        let mut answer = self.say(if complete { 0 } else { FAILED }, hardware);
        answer.then = Then::Boot;
        answer
    }

    fn restart(&mut self, hardware: &mut Hardware) -> Answer {
        self.reply.status = [0; 2];
        let mut answer = self.say(0, hardware);
        answer.then = Then::Restart;
        answer
    }

    fn mem_begin(&mut self, hardware: &mut Hardware) -> Answer {
        let Some(run) = self.begin(4) else {
            return self.say(INVALID, hardware);
        };
        self.plain = run;
        self.say(0, hardware)
    }

    fn mem_data(&mut self, hardware: &mut Hardware) -> Answer {
        let run = &mut self.plain;
        match Rom::block(run, &self.request, 1, hardware) {
            // after a FLASH_BEGIN it takes the flash address for one in RAM, and crashes
            Ok(data) if run.address < LOWEST_RAM && !data.is_empty() => Answer::hangs(),
            Ok(data) => {
                hardware.memory.load(run.address, &data);
                run.address = run.address.wrapping_add(data.len() as u32);
                self.say(0, hardware)
            }
            Err(status) => self.say(status, hardware),
        }
    }

    fn mem_end(&mut self, hardware: &mut Hardware) -> Answer {
        let (flag, entry) = (self.argument(0), self.argument(1));
        let mut answer = self.say(0, hardware);
        answer.then = match (flag, entry) {
            (0, 0) => Then::Boot,
            (0, entry) if hardware.memory.holds_code(entry) => Then::RunStub,
            (0, _) => Then::Hang,
            _ => Then::Stay,
        };
        answer
    }

    fn write_reg(&mut self, hardware: &mut Hardware) -> Answer {
        let mut delay = Duration::ZERO;
        for tuple in 0..(self.length() / 16).min(LONGEST_FRAME / 16 - 1) {
            let [address, value, mask, delay_us] =
                [0, 1, 2, 3].map(|index| self.argument(tuple * 4 + index));
            hardware.write_reg(address, value, mask);
            delay += Duration::from_micros(u64::from(delay_us));
        }
        let mut answer = self.say(0, hardware);
        answer.before += delay;
        answer
    }

    fn spi_set_params(&mut self, hardware: &mut Hardware) -> Answer {
        if self.length() != 24 {
            return self.say(INVALID, hardware);
        }
        self.flash_bytes = self.argument(1);
        self.say(0, hardware)
    }

    fn read_flash_slow(&mut self, hardware: &mut Hardware) -> Answer {
        let (address, length) = (self.argument(0), self.argument(1));
        let status = if length as usize > SLOW_READ {
            READ_LENGTH
        } else if u64::from(address) + u64::from(length) > u64::from(self.flash_bytes) {
            READ_FAILED
        } else {
            // it reads whole words
            let bytes = hardware.read(address, length.next_multiple_of(4));
            self.reply.body[..bytes.len()].copy_from_slice(&bytes);
            0
        };
        self.answer(SLOW_READ, status, hardware)
    }

    /// Answers at the old rate, changes, and sends an empty frame at the new one.
    fn change_baudrate(&mut self, hardware: &mut Hardware) -> Answer {
        let baud = self.argument(0);
        if baud == 0 {
            return Answer::hangs();
        }
        let mut answer = self.say(0, hardware);
        answer.then = Then::Baud {
            baud: hardware.rom_baud(baud),
            empty_frame: true,
        };
        answer
    }

    /// 32 hex digits; on an error the digits are left over.
    fn flash_md5(&mut self, hardware: &mut Hardware) -> Answer {
        let (address, length) = (self.argument(0), self.argument(1));
        let end = u64::from(address) + u64::from(length);
        if length > 0 && end > u64::from(self.flash_bytes) {
            return self.answer(32, READ_FAILED, hardware);
        }
        let digest = hardware.md5(address, length);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.reply.body[..32].copy_from_slice(hex.as_bytes());
        let mut answer = self.answer(32, 0, hardware);
        answer.before += hardware.costs.rom_md5(length);
        answer
    }

    fn security_info(&mut self, hardware: &mut Hardware) -> Answer {
        let info = hardware.security_info();
        self.reply.body[..info.len()].copy_from_slice(&info);
        self.answer(info.len(), 0, hardware)
    }
}
