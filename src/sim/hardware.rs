//! What ROM and stub both work on: registers and RAM, the flash part, and the troubles that strike
//! while they do; and the form of their answers.

use std::time::Duration;

use md5::{Digest, Md5};

use super::cost::Costs;
use super::efuse;
use super::facts::{Facts, SecurityInfo, facts};
use super::flash::{Flash, FlashFault};
use super::memory::Memory;
use super::spec::{Access, BoardSpec};
use super::troubles::Troubles;

/// What a ROM means to say its boot text at; with another crystal than it assumes it is off by as much.
const BOOT_BAUD: u32 = 115_200;

/// The chip without its programs.
#[derive(Debug)]
pub struct Hardware {
    pub facts: &'static Facts,
    pub memory: Memory,
    pub flash: Flash,
    pub troubles: Troubles,
    pub costs: Costs,
    /// The part's size as its ID tells it, where it does.
    pub id_bytes: Option<u32>,
    /// The supply broke down while programming: the chip starts over.
    pub browned_out: bool,
    /// Which commands the ROM takes.
    pub access: Access,
    crystal_mhz: u32,
    clock_error_ppm: i32,
    security_flags: (u32, u8),
}

/// What a program does about a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The op that is answered.
    pub op: u8,
    /// Unescaped, in order.
    pub frames: Vec<Vec<u8>>,
    /// Work before the first frame leaves.
    pub before: Duration,
    /// Work after that, while the next frame may come in.
    pub after: Duration,
    pub then: Then,
}

/// What comes after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Stay,
    /// Another rate; the ROM says an empty frame at it.
    Baud {
        baud: u32,
        empty_frame: bool,
    },
    /// Jump to what was loaded.
    RunStub,
    /// Out of the loader and on to the flash, as after a normal start.
    Boot,
    /// Software reset.
    Restart,
    /// Nothing ever again until a reset.
    Hang,
}

impl Answer {
    /// The frame is ignored.
    pub fn silent() -> Answer {
        Answer {
            op: 0,
            frames: Vec::new(),
            before: Duration::ZERO,
            after: Duration::ZERO,
            then: Then::Stay,
        }
    }

    /// The frame is the chip's end until a reset.
    pub fn hangs() -> Answer {
        Answer {
            then: Then::Hang,
            ..Answer::silent()
        }
    }
}

/// The little-endian word at `at`; 0 past the end.
pub fn word(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

impl Hardware {
    pub fn new(spec: &BoardSpec) -> Hardware {
        let security = efuse::security(spec);
        let facts = facts(spec.chip);
        let restricted = spec.access == Access::SecureDownload || security.download_locked;
        // the ESP8266 and the ESP32 know no such mode
        let access = match restricted && facts.security_info != SecurityInfo::Unknown {
            true => Access::SecureDownload,
            false => Access::Open,
        };
        Hardware {
            facts,
            access,
            crystal_mhz: spec.crystal_mhz.unwrap_or(facts.crystal_mhz),
            memory: Memory::new(spec),
            flash: Flash::new(spec),
            troubles: Troubles::new(spec),
            costs: spec.costs,
            id_bytes: spec.flash_id.size_bytes().map(|bytes| bytes as u32),
            browned_out: false,
            clock_error_ppm: spec.clock_error_ppm,
            // bit 0: secure boot, bit 2: secure download mode
            security_flags: (
                u32::from(security.secure_boot) | u32::from(access == Access::SecureDownload) << 2,
                u8::from(security.flash_encryption),
            ),
        }
    }

    /// Without SPI_ATTACH the pins are not connected: nothing happens, and all reads FF.
    pub fn erase(&mut self, address: u32, length: u32) -> Result<(), FlashFault> {
        if self.memory.attached() {
            self.flash.erase(address, length)
        } else {
            Ok(())
        }
    }

    pub fn program(&mut self, address: u32, bytes: &[u8]) -> Result<(), FlashFault> {
        if !self.memory.attached() {
            return Ok(());
        }
        let result = self.flash.program(address, bytes);
        self.browned_out |= result == Err(FlashFault::BrownOut);
        result
    }

    pub fn read(&self, address: u32, length: u32) -> Vec<u8> {
        if self.memory.attached() {
            self.flash.read(address, length)
        } else {
            vec![0xFF; length as usize]
        }
    }

    pub fn md5(&self, address: u32, length: u32) -> [u8; 16] {
        let mut md5 = Md5::new();
        let mut at = address;
        let mut left = length;
        while left > 0 {
            let take = left.min(0x1000);
            md5.update(self.read(at, take));
            at = at.wrapping_add(take);
            left -= take;
        }
        md5.finalize().into()
    }

    pub fn write_reg(&mut self, address: u32, value: u32, mask: u32) {
        let kept = match mask {
            u32::MAX => 0,
            _ => self.memory.read(address) & !mask,
        };
        self.memory.write(address, value & mask | kept, &self.flash);
    }

    /// The clock of the UART while the ROM runs.
    pub fn rom_uart_hz(&self) -> u64 {
        u64::from(self.crystal_mhz * self.facts.uart_clock_multiple) * 1_000_000
    }

    /// The rate at which the ROM talks until it has measured one.
    pub fn boot_baud(&self) -> u32 {
        BOOT_BAUD * self.crystal_mhz / self.facts.assumed_crystal_mhz
    }

    /// The rate that comes of asking the ROM for one: it divides the crystal that it measured (ESP32)
    /// or takes for granted.
    pub fn rom_baud(&self, asked: u32) -> u32 {
        let millionths = u64::from(self.facts.assumed_crystal_mhz)
            * u64::try_from(1_000_000 + i64::from(self.clock_error_ppm)).unwrap_or(1);
        (u64::from(asked) * u64::from(self.crystal_mhz) * 1_000_000 / millionths.max(1)) as u32
    }

    /// The data of GET_SECURITY_INFO (Serial Protocol, "Commands").
    pub fn security_info(&self) -> Vec<u8> {
        let (flags, crypt_count) = self.security_flags;
        let mut info = flags.to_le_bytes().to_vec();
        info.push(crypt_count);
        info.extend_from_slice(&[0; 7]);
        if let SecurityInfo::Full {
            chip_id,
            api_version,
        } = self.facts.security_info
        {
            // the last key purpose of an unburnt part, as the C3's ROM says it
            info[11] = 0x0C;
            info.extend_from_slice(&chip_id.to_le_bytes());
            info.extend_from_slice(&api_version.to_le_bytes());
        }
        info
    }
}
