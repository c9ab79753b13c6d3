//! ESP32-C2.

use super::{FLASH_SIZES, ROM_S2_AND_LATER};
use crate::chip::Chip;
use crate::chip::facts::{Crystal, Detection, Facts, MacWords, SpiRegisters};

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32C2,
    title: "ESP32-C2",
    detection: Detection {
        magic: None,
        security_info_id: Some(12),
    },
    image_chip_id: Some(12),
    bootloader_offset: 0,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x6000_2000),
    mac: MacWords::Plain {
        low: 0x6000_8840,
        high: 0x6000_8840 + 4,
    },
    crystal: Some(Crystal {
        uart_clkdiv: 0x6000_0014,
        clock_multiple: 1,
        mhz: &[40, 26],
    }),
    flash_frequencies: &[(60, 0xF), (30, 0), (20, 1), (15, 2)],
    flash_sizes: FLASH_SIZES,
    readout: None,
};
