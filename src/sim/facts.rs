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
    /// First word of the MAC; the rest is in the low half of the next word. 0: the ESP8266 and the
    /// ESP32, whose arrangement is their own.
    pub mac_at: u32,
    /// SPI_BOOT_CRYPT_CNT's lowest bit and SECURE_BOOT_EN, from the S2 on.
    pub gates: Option<[Gate; 2]>,
    /// Flash bytes that the ROM takes for granted until SPI_SET_PARAMS.
    pub rom_flash_bytes: u32,
    /// Where the bootloader image is in flash.
    pub boot_offset: u32,
    pub spi: SpiRegisters,
    /// The UART's clock divider.
    pub uart_clkdiv: u32,
    /// The crystal that boards usually have.
    pub crystal_mhz: u32,
    /// The one that the ROM takes for granted: for the rate of its boot text (74,880 baud on an ESP8266,
    /// and on a C2 with 26 MHz), and when it is told another.
    pub assumed_crystal_mhz: u32,
    /// The UART runs at the crystal's rate times this.
    pub uart_clock_multiple: u32,
    /// GPIO_STRAP_REG, from the S2 on.
    pub strap_register: Option<u32>,
    /// The RTC watchdog, where software uses it for a reset.
    pub watchdog: Option<Watchdog>,
    /// First line of the ROM's boot text; empty where it prints none in download mode.
    pub banner: &'static str,
}

/// An eFuse bit as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    pub address: u32,
    pub bit: u32,
}

/// The RTC watchdog's registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watchdog {
    pub config: u32,
    /// The first stage's time in ticks of the slow RTC clock.
    pub timeout: u32,
    pub write_protect: u32,
}

/// The SPI controller that is attached to the flash, as offsets from its base.
#[derive(Debug, Clone, Copy)]
pub struct SpiRegisters {
    pub base: u32,
    /// How far up in ADDR a 24-bit address stands.
    pub address_shift: u32,
    pub user: u32,
    pub user1: u32,
    pub user2: u32,
    /// MISO length register; `None`: the length is in USER1 (ESP8266).
    pub miso_length: Option<u32>,
    pub w0: u32,
}

const SPI_ESP32: SpiRegisters = SpiRegisters {
    base: 0x3FF4_2000,
    address_shift: 8,
    user: 0x1C,
    user1: 0x20,
    user2: 0x24,
    miso_length: Some(0x2C),
    w0: 0x80,
};

const SPI_8266: SpiRegisters = SpiRegisters {
    base: 0x6000_0200,
    address_shift: 8,
    user: 0x1C,
    user1: 0x20,
    user2: 0x24,
    miso_length: None,
    w0: 0x40,
};

const fn spi_later(base: u32) -> SpiRegisters {
    SpiRegisters {
        base,
        address_shift: 0,
        user: 0x18,
        user1: 0x1C,
        user2: 0x20,
        miso_length: Some(0x28),
        w0: 0x58,
    }
}

/// What the chips from the S2 on share; each row says what is its own.
const LATER: Facts = Facts {
    chip: Chip::Esp32S2,
    magic: 0,
    security_info: SecurityInfo::Short,
    begin_words: 5,
    status_bytes: 4,
    has_later_commands: true,
    mac_at: 0,
    gates: None,
    rom_flash_bytes: 2 << 20,
    boot_offset: 0,
    spi: spi_later(0x6000_2000),
    uart_clkdiv: 0x6000_0014,
    crystal_mhz: 40,
    assumed_crystal_mhz: 40,
    uart_clock_multiple: 1,
    strap_register: Some(0x6000_4038),
    watchdog: None,
    banner: "",
};

const fn named(chip_id: u32) -> SecurityInfo {
    SecurityInfo::Full {
        chip_id,
        api_version: 0,
    }
}

const fn gate(address: u32, bit: u32) -> Gate {
    Gate { address, bit }
}

/// The usual place of both: words 1 and 2 of eFuse block 0.
const fn gates(efuse: u32) -> Option<[Gate; 2]> {
    Some([gate(efuse + 0x34, 18), gate(efuse + 0x38, 20)])
}

const fn watchdog(config: u32, timeout: u32, write_protect: u32) -> Option<Watchdog> {
    Some(Watchdog {
        config,
        timeout,
        write_protect,
    })
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
    // its flash table's first entry is a W25Q32; no command changes that
    rom_flash_bytes: 4 << 20,
    spi: SPI_8266,
    crystal_mhz: 26,
    uart_clock_multiple: 2,
    strap_register: None,
    banner: " ets Jan  8 2013",
    ..LATER
};

static ESP32: Facts = Facts {
    chip: Chip::Esp32,
    magic: 0x00F0_1D83,
    security_info: SecurityInfo::Unknown,
    begin_words: 4,
    boot_offset: 0x1000,
    spi: SPI_ESP32,
    uart_clkdiv: 0x3FF4_0014,
    strap_register: None,
    banner: "ets Jul 29 2019 12:21:46",
    ..LATER
};

static ESP32S2: Facts = Facts {
    magic: 0x0000_07C6,
    mac_at: 0x3F41_A044,
    gates: gates(0x3F41_A000),
    boot_offset: 0x1000,
    spi: spi_later(0x3F40_2000),
    uart_clkdiv: 0x3F40_0014,
    strap_register: Some(0x3F40_4038),
    watchdog: watchdog(0x3F40_8094, 0x3F40_8098, 0x3F40_80AC),
    ..LATER
};

static ESP32S3: Facts = Facts {
    chip: Chip::Esp32S3,
    security_info: named(9),
    mac_at: 0x6000_7044,
    gates: gates(0x6000_7000),
    watchdog: watchdog(0x6000_8098, 0x6000_809C, 0x6000_80B0),
    ..LATER
};

static ESP32C2: Facts = Facts {
    chip: Chip::Esp32C2,
    security_info: named(12),
    mac_at: 0x6000_8840,
    gates: Some([gate(0x6000_8830, 7), gate(0x6000_8830, 21)]),
    // boards have 26 or 40 MHz; the ROM does not find out which
    crystal_mhz: 26,
    watchdog: watchdog(0x6000_8084, 0x6000_8088, 0x6000_809C),
    ..LATER
};

static ESP32C3: Facts = Facts {
    chip: Chip::Esp32C3,
    magic: 0x1B31_506F,
    security_info: SecurityInfo::Full {
        chip_id: 5,
        api_version: 3,
    },
    mac_at: 0x6000_8844,
    gates: gates(0x6000_8800),
    watchdog: watchdog(0x6000_8090, 0x6000_8094, 0x6000_80A8),
    ..LATER
};

static ESP32C5: Facts = Facts {
    chip: Chip::Esp32C5,
    security_info: named(23),
    mac_at: 0x600B_4844,
    gates: Some([gate(0x600B_4834, 16), gate(0x600B_4838, 25)]),
    boot_offset: 0x2000,
    spi: spi_later(0x6000_3000),
    crystal_mhz: 48,
    assumed_crystal_mhz: 48,
    strap_register: Some(0x6009_1038),
    watchdog: WATCHDOG_C6,
    ..LATER
};

static ESP32C6: Facts = Facts {
    chip: Chip::Esp32C6,
    security_info: named(13),
    mac_at: 0x600B_0844,
    gates: gates(0x600B_0800),
    spi: spi_later(0x6000_3000),
    strap_register: Some(0x6009_1038),
    watchdog: WATCHDOG_C6,
    ..LATER
};

static ESP32C61: Facts = Facts {
    chip: Chip::Esp32C61,
    security_info: named(20),
    mac_at: 0x600B_4844,
    gates: Some([gate(0x600B_4830, 23), gate(0x600B_4834, 26)]),
    spi: spi_later(0x6000_3000),
    strap_register: Some(0x6009_1038),
    watchdog: WATCHDOG_C6,
    ..LATER
};

static ESP32H2: Facts = Facts {
    chip: Chip::Esp32H2,
    security_info: named(16),
    mac_at: 0x600B_0844,
    gates: gates(0x600B_0800),
    spi: spi_later(0x6000_3000),
    crystal_mhz: 32,
    assumed_crystal_mhz: 32,
    strap_register: Some(0x6009_1038),
    watchdog: watchdog(0x600B_1C00, 0x600B_1C04, 0x600B_1C1C),
    ..LATER
};

static ESP32P4: Facts = Facts {
    chip: Chip::Esp32P4,
    security_info: named(18),
    mac_at: 0x5012_D044,
    gates: gates(0x5012_D000),
    boot_offset: 0x2000,
    spi: spi_later(0x5008_D000),
    uart_clkdiv: 0x500C_A014,
    strap_register: Some(0x500E_0038),
    watchdog: watchdog(0x5011_6000, 0x5011_6004, 0x5011_6018),
    ..LATER
};

/// C5, C6 and C61: LP_WDT.
const WATCHDOG_C6: Option<Watchdog> = watchdog(0x600B_1C00, 0x600B_1C04, 0x600B_1C18);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_its_own_chips() {
        for chip in Chip::ALL {
            assert_eq!(facts(chip).chip, chip);
        }
    }

    /// Both were written down apart, and a client of someone else holds this one to real parts.
    #[test]
    fn the_clients_facts_say_the_same() {
        for chip in Chip::ALL {
            let (here, there) = (facts(chip), chip.facts());
            if let Some(magic) = there.detection.magic {
                assert_eq!(magic, here.magic, "{chip}");
            }
            let id = match here.security_info {
                SecurityInfo::Full { chip_id, .. } => Some(chip_id),
                _ => None,
            };
            assert_eq!(there.detection.security_info_id, id, "{chip}");
            assert_eq!(there.bootloader_offset, here.boot_offset, "{chip}");
            assert_eq!(there.rom.begin_words, here.begin_words, "{chip}");
            assert_eq!(there.rom.status_bytes, here.status_bytes, "{chip}");
            assert_eq!(there.rom.md5, here.has_later_commands, "{chip}");
            assert_eq!(there.rom.deflate, here.has_later_commands, "{chip}");
            assert_eq!(there.rom.spi_attach, here.has_later_commands, "{chip}");
            let knows = here.security_info != SecurityInfo::Unknown;
            assert_eq!(there.rom.security_info, knows, "{chip}");
            let (spi, base) = (there.spi, here.spi.base);
            assert_eq!(spi.cmd, base, "{chip}");
            assert_eq!(spi.usr, base + here.spi.user, "{chip}");
            assert_eq!(spi.usr1, base + here.spi.user1, "{chip}");
            assert_eq!(spi.usr2, base + here.spi.user2, "{chip}");
            assert_eq!(spi.w0, base + here.spi.w0, "{chip}");
            let miso = here.spi.miso_length.map(|offset| base + offset);
            assert_eq!(spi.miso_dlen, miso, "{chip}");
            let watchdog = chip.watchdog().map(|watchdog| Watchdog {
                config: watchdog.config,
                timeout: watchdog.timeout,
                write_protect: watchdog.write_protect,
            });
            assert_eq!(watchdog, here.watchdog, "{chip}");
            if let Some(boot) = chip.boot_strap() {
                assert_eq!(Some(boot.strap), here.strap_register, "{chip}");
            }
        }
    }
}
