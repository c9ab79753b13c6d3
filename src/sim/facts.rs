//! What the model needs to know of each chip: how its ROM answers and where its registers are. One
//! row per chip. `chip/` has the client's facts; these are the other side's, kept apart so that a
//! mistake in one shows.

use crate::chip::Chip;

/// How a ROM answers GET_SECURITY_INFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityInfo {
    /// Not at all: ESP8266, ESP32.
    Unknown,
    /// 12 bytes, no chip id: S2.
    Short,
    /// 20 bytes with the chip id.
    Full { chip_id: u32, api_version: u32 },
}

/// A chip's row.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub chip: Chip,
    /// The word at 0x40001000.
    pub magic: u32,
    pub security_info: SecurityInfo,
    /// Words in FLASH_BEGIN and FLASH_DEFL_BEGIN.
    pub begin_words: usize,
    /// Status bytes at the end of a ROM reply.
    pub status_bytes: usize,
    /// Knows the commands above 0x0A.
    pub has_later_commands: bool,
    /// First word of the MAC; the rest is in the low half of the next word. `None`: in eFuse block 0
    /// in an arrangement of its own.
    pub mac_at: Option<u32>,
    /// Where the bootloader image is in flash.
    pub boot_offset: u32,
    pub spi: SpiRegisters,
    /// The UART's clock divider.
    pub uart_clkdiv: u32,
    /// First line of the ROM's boot text; empty where it prints none in download mode.
    pub banner: &'static str,
}

/// The SPI controller that is attached to the flash, as offsets from its base.
#[derive(Debug, Clone, Copy)]
pub struct SpiRegisters {
    pub base: u32,
    pub user: u32,
    pub user1: u32,
    pub user2: u32,
    /// MISO length register; `None`: the length is in USER1 (ESP8266).
    pub miso_length: Option<u32>,
    pub w0: u32,
}

const SPI_ESP32: SpiRegisters = SpiRegisters {
    base: 0x3FF4_2000,
    user: 0x1C,
    user1: 0x20,
    user2: 0x24,
    miso_length: Some(0x2C),
    w0: 0x80,
};

const SPI_8266: SpiRegisters = SpiRegisters {
    base: 0x6000_0200,
    user: 0x1C,
    user1: 0x20,
    user2: 0x24,
    miso_length: None,
    w0: 0x40,
};

const fn spi_later(base: u32) -> SpiRegisters {
    SpiRegisters {
        base,
        user: 0x18,
        user1: 0x1C,
        user2: 0x20,
        miso_length: Some(0x28),
        w0: 0x58,
    }
}

const fn later(chip: Chip, chip_id: u32, mac_at: u32, spi_base: u32, uart_clkdiv: u32) -> Facts {
    Facts {
        chip,
        magic: 0,
        security_info: SecurityInfo::Full {
            chip_id,
            api_version: 0,
        },
        begin_words: 5,
        status_bytes: 4,
        has_later_commands: true,
        mac_at: Some(mac_at),
        boot_offset: 0,
        spi: spi_later(spi_base),
        uart_clkdiv,
        banner: "",
    }
}

/// The row of a chip. Sources: Espressif's serial-protocol page and esptool 5.6's targets for
/// addresses; magic values and the C3's security info from `tests/fixtures/wire`.
pub fn facts(chip: Chip) -> &'static Facts {
    match chip {
        Chip::Esp8266 => &ESP8266,
        Chip::Esp32 => &ESP32,
        Chip::Esp32S2 => &ESP32S2,
        Chip::Esp32S3 => &ESP32S3,
        Chip::Esp32C2 => &ESP32C2,
        Chip::Esp32C3 => &ESP32C3,
        Chip::Esp32C5 => &ESP32C5,
        Chip::Esp32C6 => &ESP32C6,
        Chip::Esp32C61 => &ESP32C61,
        Chip::Esp32H2 => &ESP32H2,
        Chip::Esp32P4 => &ESP32P4,
    }
}

static ESP8266: Facts = Facts {
    chip: Chip::Esp8266,
    magic: 0xFFF0_C101,
    security_info: SecurityInfo::Unknown,
    begin_words: 4,
    status_bytes: 2,
    has_later_commands: false,
    mac_at: None,
    boot_offset: 0,
    spi: SPI_8266,
    uart_clkdiv: 0x6000_0014,
    banner: " ets Jan  8 2013",
};

static ESP32: Facts = Facts {
    chip: Chip::Esp32,
    magic: 0x00F0_1D83,
    security_info: SecurityInfo::Unknown,
    begin_words: 4,
    status_bytes: 4,
    has_later_commands: true,
    mac_at: None,
    boot_offset: 0x1000,
    spi: SPI_ESP32,
    uart_clkdiv: 0x3FF4_0014,
    banner: "ets Jul 29 2019 12:21:46",
};

static ESP32S2: Facts = Facts {
    magic: 0x0000_07C6,
    security_info: SecurityInfo::Short,
    boot_offset: 0x1000,
    ..later(Chip::Esp32S2, 0, 0x3F41_A044, 0x3F40_2000, 0x3F40_0014)
};

static ESP32S3: Facts = later(Chip::Esp32S3, 9, 0x6000_7044, 0x6000_2000, 0x6000_0014);

static ESP32C2: Facts = later(Chip::Esp32C2, 12, 0x6000_8840, 0x6000_2000, 0x6000_0014);

static ESP32C3: Facts = Facts {
    magic: 0x1B31_506F,
    security_info: SecurityInfo::Full {
        chip_id: 5,
        api_version: 3,
    },
    ..later(Chip::Esp32C3, 5, 0x6000_8844, 0x6000_2000, 0x6000_0014)
};

static ESP32C5: Facts = Facts {
    boot_offset: 0x2000,
    ..later(Chip::Esp32C5, 23, 0x600B_4844, 0x6000_3000, 0x6000_0014)
};

static ESP32C6: Facts = later(Chip::Esp32C6, 13, 0x600B_0844, 0x6000_3000, 0x6000_0014);

static ESP32C61: Facts = later(Chip::Esp32C61, 20, 0x600B_4844, 0x6000_3000, 0x6000_0014);

static ESP32H2: Facts = later(Chip::Esp32H2, 16, 0x600B_0844, 0x6000_3000, 0x6000_0014);

static ESP32P4: Facts = Facts {
    boot_offset: 0x2000,
    ..later(Chip::Esp32P4, 18, 0x5012_D044, 0x5008_D000, 0x500C_A014)
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_its_own_chips() {
        for chip in Chip::ALL {
            assert_eq!(facts(chip).chip, chip);
        }
    }
}
