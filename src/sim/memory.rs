//! What READ_REG and WRITE_REG reach: RAM as it is written, and the few registers whose answers mean
//! something to a client (chip magic, eFuses, UART divider, the SPI controller that talks to flash).

use std::collections::HashMap;
use std::time::Duration;

use super::efuse::{self, Words};
use super::facts::{Facts, Watchdog, facts};
use super::flash::Flash;
use super::spec::{Access, BoardSpec};
use crate::chip::{Chip, Revision};

const PAGE: u32 = 0x1000;

/// GPIO_STRAP_REG: boot from flash (ESP-IDF, `boot_mode.h`: 1xxx).
const STRAP_FLASH_BOOT: u32 = 1 << 3;
/// The word that lifts the RTC watchdog's write protection, on every chip that has the register.
const WATCHDOG_KEY: u32 = 0x50D8_3AA1;
/// RTC_CNTL_WDTCONFIG0_REG's bit that turns the watchdog on.
const WATCHDOG_ENABLED: u32 = 1 << 31;
/// The slow RTC clock's nominal rate.
const SLOW_CLOCK_HZ: u64 = 136_000;
/// P4 v3.1 and v3.2: PMU_DATE_REG, whose lowest two bits switch the flash on; it is off after a reset
/// (esptool's and espflash's `power_on_flash`).
const P4_FLASH_POWER: (u32, u32) = (0x5011_53FC, 0b11);
/// The P4's stub for v3.0 and later lies from here on, the one for the ROM before that lies below. Each
/// calls routines of its own ROM.
const P4_LATER_STUB: u32 = 0x4FF4_0000;
/// A fresh chip's first stage lasts twice as many ticks as the register says (TRM, WDT_DELAY_SEL).
const WATCHDOG_STAGE_FACTOR: u64 = 2;

/// SPI_CMD_REG's bit that starts a user command.
const SPI_START_USER: u32 = 1 << 18;
/// SPI_USER_REG: MISO phase.
const SPI_USER_MISO: u32 = 1 << 28;

/// RAM and registers.
#[derive(Debug)]
pub struct Memory {
    facts: &'static Facts,
    pages: HashMap<u32, Box<[u8; PAGE as usize]>>,
    fixed: Words,
    part: Part,
    uart_divider: u32,
    watchdog: Option<WatchdogTold>,
    /// Bits of a register without which the flash has no power.
    flash_power: Option<(u32, u32)>,
    revision: Revision,
}

/// What a write to its registers told the RTC watchdog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchdogTold {
    /// To reset the chip in so long.
    Bite(Duration),
    Off,
}

/// The flash part as seen through SPI user commands.
#[derive(Debug)]
struct Part {
    id: u32,
    /// SPI_ATTACH was given: before that the pins are not connected.
    attached: bool,
    write_enabled: bool,
    status: [u8; 3],
    unique_id: [u8; 8],
}

impl Memory {
    pub fn new(spec: &BoardSpec) -> Memory {
        let facts = facts(spec.chip);
        let mut unique_id = [0; 8];
        unique_id[2..].copy_from_slice(&spec.mac.0);
        Memory {
            facts,
            pages: HashMap::new(),
            fixed: efuse::words(spec, facts),
            part: Part {
                id: spec.flash_id.0,
                attached: false,
                write_enabled: false,
                status: [0; 3],
                unique_id,
            },
            uart_divider: 0,
            watchdog: None,
            // in Secure Download Mode no client could switch it on: such boards have it burnt
            flash_power: match (spec.chip, spec.revision.as_number(), spec.access) {
                (Chip::Esp32P4, 301 | 302, Access::Open) => Some(P4_FLASH_POWER),
                _ => None,
            },
            revision: spec.revision,
        }
    }

    /// RAM and the SPI controller lose everything; eFuses do not.
    pub fn reset(&mut self) {
        self.pages.clear();
        self.part.attached = false;
        self.part.write_enabled = false;
    }

    pub fn attach(&mut self) {
        self.part.attached = true;
    }

    /// Whether the flash can be reached: its pins are connected, and it has power.
    pub fn attached(&self) -> bool {
        let powered = self
            .flash_power
            .is_none_or(|(address, bits)| self.read(address) & bits == bits);
        self.part.attached && powered
    }

    /// The divider register's value for a rate, from a clock in Hz: whole part and sixteenths.
    pub fn set_uart(&mut self, clock_hz: u64, baud: u32) {
        let sixteenths = clock_hz * 16 / u64::from(baud.max(1));
        self.uart_divider = (sixteenths / 16) as u32 & 0xF_FFFF | ((sixteenths % 16) as u32) << 20;
    }

    /// Whether a program that runs was loaded here (an image's entry point).
    pub fn holds_code(&self, address: u32) -> bool {
        let made_for_it = self.facts.chip != Chip::Esp32P4
            || (address >= P4_LATER_STUB) == (self.revision.major >= 3);
        made_for_it && self.pages.contains_key(&(address / PAGE))
    }

    /// A word; 0 where nothing is.
    pub fn read(&self, address: u32) -> u32 {
        if address == self.facts.uart_clkdiv {
            return self.uart_divider;
        }
        if let Some(word) = self.fixed.get(&address) {
            return *word;
        }
        u32::from_le_bytes([0, 1, 2, 3].map(|index| self.byte(address.wrapping_add(index))))
    }

    /// Writes a word; starting an SPI user command runs it.
    pub fn write(&mut self, address: u32, value: u32, flash: &Flash) {
        if self.fixed.contains_key(&address) || address == self.facts.uart_clkdiv {
            return;
        }
        if address == self.facts.spi.base && value & SPI_START_USER != 0 {
            self.run_spi(flash);
            return;
        }
        if let Some(watchdog) = self.facts.watchdog
            && [watchdog.config, watchdog.timeout].contains(&address)
        {
            if self.read(watchdog.write_protect) != WATCHDOG_KEY {
                return;
            }
            self.load(address, &value.to_le_bytes());
            self.tell_watchdog(watchdog);
            return;
        }
        self.load(address, &value.to_le_bytes());
    }

    fn tell_watchdog(&mut self, watchdog: Watchdog) {
        let on = self.read(watchdog.config) & WATCHDOG_ENABLED != 0;
        let ticks = u64::from(self.read(watchdog.timeout)) * WATCHDOG_STAGE_FACTOR;
        self.watchdog = Some(match on {
            true => WatchdogTold::Bite(Duration::from_micros(ticks * 1_000_000 / SLOW_CLOCK_HZ)),
            false => WatchdogTold::Off,
        });
    }

    /// The boot strap as it was read: GPIO_STRAP_REG says which way the chip started.
    pub fn set_strap(&mut self, low: bool) {
        if let Some(register) = self.facts.strap_register {
            self.fixed
                .insert(register, if low { 0 } else { STRAP_FLASH_BOOT });
        }
    }

    /// What the watchdog was told since this was asked last.
    pub fn watchdog_told(&mut self) -> Option<WatchdogTold> {
        self.watchdog.take()
    }

    /// Puts bytes into RAM.
    pub fn load(&mut self, address: u32, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            let at = address.wrapping_add(index as u32);
            let page = self
                .pages
                .entry(at / PAGE)
                .or_insert_with(|| Box::new([0; PAGE as usize]));
            page[(at % PAGE) as usize] = *byte;
        }
    }

    fn byte(&self, address: u32) -> u8 {
        self.pages
            .get(&(address / PAGE))
            .map_or(0, |page| page[(address % PAGE) as usize])
    }

    fn run_spi(&mut self, flash: &Flash) {
        let spi = self.facts.spi;
        let command = self.read(spi.base + spi.user2) as u8;
        let user = self.read(spi.base + spi.user);
        let address = self.read(spi.base + 4) >> spi.address_shift;
        let first_word = self.read(spi.base + spi.w0);
        let bits = match spi.miso_length {
            Some(offset) => (self.read(spi.base + offset) & 0xFFF) + 1,
            None => (self.read(spi.base + spi.user1) >> 8 & 0x1FF) + 1,
        };
        let answer = match self.attached() {
            true => self.part.answer(command, address, first_word, flash),
            false => Vec::new(),
        };
        if user & SPI_USER_MISO != 0 {
            let count = (bits as usize).div_ceil(8).min(64);
            let mut bytes = answer;
            // nobody drives the line any longer: it stays at its last level, here low
            bytes.resize(count, 0);
            self.load(spi.base + spi.w0, &bytes);
        }
    }
}

impl Part {
    /// What the part puts on MISO after the command (JEDEC's common command set).
    fn answer(&mut self, command: u8, address: u32, data: u32, flash: &Flash) -> Vec<u8> {
        match command {
            0x9F => self.id.to_be_bytes()[1..].to_vec(),
            0x05 => vec![self.status[0] | u8::from(self.write_enabled) << 1],
            0x35 => vec![self.status[1]],
            0x15 => vec![self.status[2]],
            0x06 | 0x50 => {
                self.write_enabled = true;
                Vec::new()
            }
            0x04 => {
                self.write_enabled = false;
                Vec::new()
            }
            0x01 | 0x31 | 0x11 if self.write_enabled => {
                let value = data as u8;
                match command {
                    0x01 => self.status[0] = value & 0xFC,
                    0x31 => self.status[1] = value,
                    _ => self.status[2] = value,
                }
                self.write_enabled = false;
                Vec::new()
            }
            0x03 => flash.read(address, 64),
            0x4B => self.unique_id.to_vec(),
            0x5A => sfdp(flash.size())
                .into_iter()
                .skip(address as usize)
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The part's parameter table (JESD216): a header, one parameter header, and of the table itself the
/// two words that tell the erase opcodes and the density.
fn sfdp(flash_bytes: u32) -> Vec<u8> {
    let mut table = b"SFDP\x05\x01\x00\xFF\x00\x05\x01\x10\x80\x00\x00\xFF".to_vec();
    table.resize(0x80, 0xFF);
    table.extend_from_slice(&0xFFF9_20E5_u32.to_le_bytes());
    table.extend_from_slice(&(flash_bytes.wrapping_mul(8).wrapping_sub(1)).to_le_bytes());
    table.resize(0x100, 0xFF);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_command_reads_the_flash_id_once_the_part_is_attached() {
        let spec = BoardSpec::esp32(0);
        let flash = Flash::new(&spec);
        let mut memory = Memory::new(&spec);
        let base = 0x3FF4_2000;
        for attach in [false, true] {
            if attach {
                memory.attach();
            }
            memory.write(base + 0x2C, 23, &flash);
            memory.write(base + 0x1C, 1 << 31 | SPI_USER_MISO, &flash);
            memory.write(base + 0x24, 7 << 28 | 0x9F, &flash);
            memory.write(base + 0x80, 0, &flash);
            memory.write(base, SPI_START_USER, &flash);
            assert_eq!(memory.read(base) & SPI_START_USER, 0);
            let expected = if attach { 0x16_40EF } else { 0 };
            assert_eq!(memory.read(base + 0x80), expected);
        }
    }

    #[test]
    fn eight_bits_of_status_leave_the_rest_of_the_word() {
        let spec = BoardSpec::esp32(0);
        let flash = Flash::new(&spec);
        let mut memory = Memory::new(&spec);
        memory.attach();
        let base = 0x3FF4_2000;
        memory.write(base + 0x24, 0x06, &flash);
        memory.write(base, SPI_START_USER, &flash);
        memory.write(base + 0x2C, 7, &flash);
        memory.write(base + 0x1C, SPI_USER_MISO, &flash);
        memory.write(base + 0x24, 0x05, &flash);
        memory.write(base + 0x80, 0x5500, &flash);
        memory.write(base, SPI_START_USER, &flash);
        assert_eq!(memory.read(base + 0x80), 0x5502);
    }
}
