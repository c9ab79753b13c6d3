//! ESP8266 and ESP8285.

use super::MB;
use crate::chip::Chip;
use crate::chip::facts::{Crystal, Detection, Facts, MacWords, Rom, SpiRegisters};

const SPI: u32 = 0x6000_0200;

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp8266,
    title: "ESP8266",
    detection: Detection {
        magic: Some(0xFFF0_C101),
        security_info_id: None,
    },
    image_chip_id: None,
    bootloader_offset: 0,
    rom: Rom {
        status_bytes: 2,
        begin_words: 4,
        md5: false,
        deflate: false,
        spi_attach: false,
        security_info: false,
    },
    spi: SpiRegisters {
        cmd: SPI,
        usr: SPI + 0x1C,
        usr1: SPI + 0x20,
        usr2: SPI + 0x24,
        w0: SPI + 0x40,
        mosi_dlen: None,
        miso_dlen: None,
    },
    mac: MacWords::Otp([0x3FF0_0050, 0x3FF0_0054, 0x3FF0_005C]),
    crystal: Some(Crystal {
        uart_clkdiv: 0x6000_0014,
        clock_multiple: 2,
        mhz: &[40, 26],
    }),
    flash_frequencies: super::FLASH_FREQUENCIES_80,
    flash_sizes: &[
        (MB / 4, 1),
        (MB / 2, 0),
        (MB, 2),
        (2 * MB, 3),
        (4 * MB, 4),
        (8 * MB, 8),
        (16 * MB, 9),
        // `c1`: the same part, with a map of two apps of 1 MB each (ESP8266 SDK, `SPI_SIZE_MAP` 5, 6)
        (2 * MB, 5),
        (4 * MB, 6),
    ],
    readout: None,
};
