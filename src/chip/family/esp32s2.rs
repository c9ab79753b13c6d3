//! ESP32-S2.

use super::{FLASH_FREQUENCIES_80, FLASH_SIZES, ROM_S2_AND_LATER};
use crate::chip::Chip;
use crate::chip::facts::{Detection, Facts, MacWords, SpiRegisters};

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32S2,
    title: "ESP32-S2",
    detection: Detection {
        magic: Some(0x0000_07C6),
        // its GET_SECURITY_INFO answers without a chip ID
        security_info_id: None,
    },
    image_chip_id: Some(2),
    bootloader_offset: 0x1000,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x3F40_2000),
    mac: MacWords::Plain {
        low: 0x3F41_A044,
        high: 0x3F41_A044 + 4,
    },
    crystal: None,
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    readout: None,
};
