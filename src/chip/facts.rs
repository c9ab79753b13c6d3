//! The form in which a chip's facts are told: one `Facts` for each family, all in `family/`.

use super::{Chip, Crystal, Eui64, Feature, Mac, Revision, RomClock, Security};

/// The word in every ROM that tells the older chips apart (esptool, "Chip Detection": the chip
/// detect magic register). From the C3 on it changes between revisions: there, ask for the chip ID.
pub const MAGIC_ADDRESS: u32 = 0x4000_1000;

/// How a chip is told from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detection {
    /// What [`MAGIC_ADDRESS`] holds, where that is the same for every revision.
    pub magic: Option<u32>,
    /// The `chip_id` in GET_SECURITY_INFO's answer, where the ROM has the command and the field.
    pub security_info_id: Option<u32>,
}

/// Where the ROM loader's commands differ between families (Serial Protocol, "Supported by" and
/// "Command Packet" tables).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rom {
    /// Status bytes at the end of each reply.
    pub status_bytes: usize,
    /// Words of FLASH_BEGIN and FLASH_DEFL_BEGIN: 5 where the ROM wants the encryption word.
    pub begin_words: usize,
    /// SPI_FLASH_MD5 is there.
    pub md5: bool,
    /// FLASH_DEFL_* are there.
    pub deflate: bool,
    /// SPI_ATTACH and SPI_SET_PARAMS are there.
    pub spi_attach: bool,
    /// GET_SECURITY_INFO is there.
    pub security_info: bool,
    /// CHANGE_BAUDRATE is there.
    pub change_baudrate: bool,
}

/// The SPI controller through which a flash part is asked for its ID. Absolute addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpiRegisters {
    pub cmd: u32,
    pub usr: u32,
    pub usr1: u32,
    pub usr2: u32,
    pub w0: u32,
    /// Bits to send, less one. `None` on the ESP8266, which keeps both lengths in USR1.
    pub mosi_dlen: Option<u32>,
    /// Bits to receive, less one.
    pub miso_dlen: Option<u32>,
}

impl SpiRegisters {
    /// CMD: starts a user-defined transfer and falls back to 0 when it is done.
    pub const CMD_USR: u32 = 1 << 18;
    /// USR: the transfer has a command phase.
    pub const USR_COMMAND: u32 = 1 << 31;
    /// USR: the transfer receives.
    pub const USR_MISO: u32 = 1 << 28;
    /// USR2: an 8-bit command of this value.
    pub const fn usr2_command(command: u8) -> u32 {
        (7 << 28) | command as u32
    }

    /// The ESP32's layout (ESP32 TRM, "SPI registers").
    pub(super) const fn esp32(base: u32) -> SpiRegisters {
        SpiRegisters {
            cmd: base,
            usr: base + 0x1C,
            usr1: base + 0x20,
            usr2: base + 0x24,
            w0: base + 0x80,
            mosi_dlen: Some(base + 0x28),
            miso_dlen: Some(base + 0x2C),
        }
    }

    /// The layout of the S2 and all that came after it (ESP32-S2 TRM, "SPI1 registers").
    pub(super) const fn s2_and_later(base: u32) -> SpiRegisters {
        SpiRegisters {
            cmd: base,
            usr: base + 0x18,
            usr1: base + 0x1C,
            usr2: base + 0x20,
            w0: base + 0x58,
            mosi_dlen: Some(base + 0x24),
            miso_dlen: Some(base + 0x28),
        }
    }
}

/// What a chip's own registers tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silicon {
    pub revision: Revision,
    pub mac: Mac,
    /// Whether the CRC beside the MAC holds; `true` where there is none.
    pub mac_crc_holds: bool,
    pub eui64: Option<Eui64>,
    pub features: Vec<Feature>,
    /// `None` where GET_SECURITY_INFO tells it.
    pub security: Option<Security>,
    /// What SPI_ATTACH is told of the flash's pins: 0 for the usual ones.
    pub flash_pins: u32,
    /// What has to be written before the flash part is attached.
    pub flash_power: &'static [RegisterWrite],
}

impl Silicon {
    /// What most chips tell; the rest is left at its usual value.
    pub(super) fn new(revision: Revision, mac: Mac, features: Vec<Feature>) -> Silicon {
        Silicon {
            revision,
            mac,
            mac_crc_holds: true,
            eui64: None,
            features,
            security: None,
            flash_pins: 0,
            flash_power: &[],
        }
    }
}

/// A change of some bits of a register, as WRITE_REG takes it: after `delay_us`, the bits of `mask`
/// become those of `value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterWrite {
    pub address: u32,
    pub value: u32,
    pub mask: u32,
    pub delay_us: u32,
}

/// The registers that identify a chip, and what follows from their values.
#[derive(Clone, Copy)]
pub struct Readout {
    /// Addresses, in the order in which `decode` wants the values.
    pub registers: &'static [u32],
    pub(super) decode: fn(&[u32]) -> Option<Silicon>,
}

impl Readout {
    /// What the values of [`Readout::registers`] tell; `None` if there are not as many.
    pub fn decode(&self, words: &[u32]) -> Option<Silicon> {
        (self.decode)(words)
    }
}

impl std::fmt::Debug for Readout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readout")
            .field("registers", &self.registers)
            .finish_non_exhaustive()
    }
}

/// What is known of a chip family.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub chip: Chip,
    /// The maker's spelling, for people: `ESP32-C3`.
    pub title: &'static str,
    pub detection: Detection,
    /// `chip_id` in an image's extended header (ESP-IDF, `esp_chip_id_t`); `None` on the ESP8266,
    /// whose images have no such field.
    pub image_chip_id: Option<u16>,
    /// Flash address of the second-stage bootloader.
    pub bootloader_offset: u32,
    pub rom: Rom,
    pub spi: SpiRegisters,
    pub crystal: Crystal,
    pub rom_clock: RomClock,
    /// MHz and the code in an image header's low nibble of byte 3, fastest first.
    pub flash_frequencies: &'static [(u8, u8)],
    /// Bytes and the code in the high nibble of byte 3; of several codes for one size the usual first.
    pub flash_sizes: &'static [(u64, u8)],
    /// The first revision that cannot run what was built for those before it, nor they its images,
    /// where images do not say that themselves.
    pub generation_from: Option<Revision>,
    /// How the chip is identified before it is written.
    pub readout: Readout,
}

impl Facts {
    /// The header's code for a flash frequency in MHz.
    pub fn flash_frequency_code(&self, mhz: u8) -> Option<u8> {
        code_of(self.flash_frequencies, mhz)
    }

    /// The header's code for a flash size in bytes.
    pub fn flash_size_code(&self, bytes: u64) -> Option<u8> {
        code_of(self.flash_sizes, bytes)
    }
}

fn code_of<T: Copy + PartialEq>(table: &[(T, u8)], wanted: T) -> Option<u8> {
    table
        .iter()
        .find(|(value, _)| *value == wanted)
        .map(|(_, code)| *code)
}

/// The header's mode byte for a flash mode's name (ESP-IDF, `esp_image_spi_mode_t`).
pub fn flash_mode_code(name: &str) -> Option<u8> {
    match name {
        "qio" => Some(0),
        "qout" => Some(1),
        "dio" => Some(2),
        "dout" => Some(3),
        _ => None,
    }
}
