//! What READ_REG and WRITE_REG reach: RAM as it is written, and the few registers whose answers mean
//! something to a client (chip magic, eFuses, UART divider, the SPI controller that talks to flash).

use std::collections::HashMap;

use super::facts::{Facts, facts};
use super::flash::Flash;
use super::spec::{BoardSpec, Fault};
use crate::chip::{Chip, Mac, Revision, Security};

const PAGE: u32 = 0x1000;

/// ESP32, eFuse block 0 read registers (TRM, "eFuse Controller").
const ESP32_EFUSE: u32 = 0x3FF5_A000;
/// ESP32, date register of the APB controller: its top bit is the third revision bit.
const ESP32_APB_DATE: u32 = 0x3FF6_607C;
/// ESP32, result of the 8 MHz clock's calibration against the crystal, shifted left by 7.
const ESP32_RTC_CALIBRATION: u32 = 0x3FF5_F06C;
/// ESP32, strapping pins at reset.
const ESP32_STRAPS: u32 = 0x3FF4_4038;
/// eFuse CK8M_FREQ and the calibration value that together say 40 MHz: the ROM calculates
/// `calibration * 15625 * ck8m / 40`.
const CK8M: u32 = 128;
const CALIBRATION_40_MHZ: u64 = 800;

/// SPI_CMD_REG's bit that starts a user command.
const SPI_START_USER: u32 = 1 << 18;
/// SPI_USER_REG: MISO phase.
const SPI_USER_MISO: u32 = 1 << 28;

/// RAM and registers.
#[derive(Debug)]
pub struct Memory {
    facts: &'static Facts,
    pages: HashMap<u32, Box<[u8; PAGE as usize]>>,
    fixed: HashMap<u32, u32>,
    part: Part,
    uart_divider: u32,
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
        let mut fixed = HashMap::from([(0x4000_1000, facts.magic)]);
        fixed.extend(identity_words(spec, facts));
        let mut unique_id = [0; 8];
        unique_id[2..].copy_from_slice(&spec.mac.0);
        Memory {
            facts,
            pages: HashMap::new(),
            fixed,
            part: Part {
                id: spec.flash_id.0,
                attached: false,
                write_enabled: false,
                status: [0; 3],
                unique_id,
            },
            uart_divider: 0,
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

    pub fn attached(&self) -> bool {
        self.part.attached
    }

    /// The divider register's value for a rate, from a clock in Hz: whole part and sixteenths.
    pub fn set_uart(&mut self, clock_hz: u64, baud: u32) {
        let sixteenths = clock_hz * 16 / u64::from(baud.max(1));
        self.uart_divider = (sixteenths / 16) as u32 & 0xF_FFFF | ((sixteenths % 16) as u32) << 20;
    }

    /// Whether anything was written here (a loaded image's entry point).
    pub fn holds_code(&self, address: u32) -> bool {
        self.pages.contains_key(&(address / PAGE))
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
        self.load(address, &value.to_le_bytes());
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
        let address = self.read(spi.base + 4) >> 8;
        let first_word = self.read(spi.base + spi.w0);
        let bits = match spi.miso_length {
            Some(offset) => (self.read(spi.base + offset) & 0xFFF) + 1,
            None => (self.read(spi.base + spi.user1) >> 8 & 0x1FF) + 1,
        };
        let answer = self.part.answer(command, address, first_word, flash);
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
        if !self.attached {
            return Vec::new();
        }
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
            // no SFDP table
            0x5A => vec![0xFF; 64],
            _ => Vec::new(),
        }
    }
}

/// CRC-8 over the MAC as the ESP32's factory burns it (polynomial 0x31 reflected, 1-Wire).
pub fn mac_crc(mac: Mac) -> u8 {
    mac.0.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0x8C
            } else {
                crc >> 1
            }
        })
    })
}

fn identity_words(spec: &BoardSpec, facts: &Facts) -> Vec<(u32, u32)> {
    let [a, b, c, d, e, f] = spec.mac.0;
    let low = u32::from_be_bytes([c, d, e, f]);
    let high = u32::from_be_bytes([0, 0, a, b]);
    let security = spec
        .faults
        .iter()
        .find_map(|fault| match fault {
            Fault::Secured(security) => Some(*security),
            _ => None,
        })
        .unwrap_or_default();
    match (spec.chip, facts.mac_at) {
        (Chip::Esp32, _) => {
            let wrong = u8::from(spec.faults.contains(&Fault::MacCrcWrong));
            let crc = u32::from(mac_crc(spec.mac) ^ wrong) << 16;
            let mut words = esp32_words(spec, security);
            words.push((ESP32_EFUSE + 4, low));
            words.push((ESP32_EFUSE + 8, high | crc));
            words
        }
        // OUI rule: where word 3 is not 0 it spells out the first three bytes
        (Chip::Esp8266, _) => vec![
            (0x3FF0_0050, low << 24),
            (0x3FF0_0054, low >> 8 & 0xFFFF),
            (0x3FF0_005C, u32::from_be_bytes([0, a, b, c])),
        ],
        (_, Some(address)) => vec![(address, low), (address + 4, high)],
        (_, None) => Vec::new(),
    }
}

/// ESP32 eFuse words 0, 3, 4, 5, 6 (TRM, table of block 0), and the registers around them.
fn esp32_words(spec: &BoardSpec, security: Security) -> Vec<(u32, u32)> {
    let Revision { major, minor } = spec.revision;
    // three revision bits, burnt one after another: 0, 1, 3, 7
    let (bit0, bit1, bit2) = (major >= 1, major >= 2, major >= 3);
    let encrypted = u32::from(security.flash_encryption) << 20;
    // UART_DOWNLOAD_DIS
    let locked = u32::from(security.download_locked) << 27;
    // ABS_DONE_0
    let secure_boot = u32::from(security.secure_boot) << 4;
    let calibration = CALIBRATION_40_MHZ as i64 * (1_000_000 + i64::from(spec.clock_error_ppm));
    vec![
        (ESP32_EFUSE, encrypted | locked),
        // package 1: ESP32-D0WD
        (ESP32_EFUSE + 0xC, u32::from(bit0) << 15 | 1 << 9),
        (ESP32_EFUSE + 0x10, CK8M),
        (
            ESP32_EFUSE + 0x14,
            u32::from(bit1) << 20 | u32::from(minor & 3) << 24,
        ),
        (ESP32_EFUSE + 0x18, secure_boot),
        (ESP32_APB_DATE, 0x1604_2000 | u32::from(bit2) << 31),
        (
            ESP32_RTC_CALIBRATION,
            ((calibration / 1_000_000) as u32) << 7,
        ),
        (ESP32_STRAPS, 0x0F),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_beside_the_mac_is_the_one_of_a_real_board() {
        // tests/fixtures/wire/esp32.txt: eFuse words 1 and 2
        let mac = Mac([0x10, 0x01, 0x00, 0xC4, 0x0A, 0x24]);
        assert_eq!(mac_crc(mac), 0xFE);
        let memory = Memory::new(&BoardSpec {
            mac,
            ..BoardSpec::esp32(0)
        });
        assert_eq!(memory.read(ESP32_EFUSE + 4), 0x00C4_0A24);
        assert_eq!(memory.read(ESP32_EFUSE + 8), 0x00FE_1001);
    }

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
