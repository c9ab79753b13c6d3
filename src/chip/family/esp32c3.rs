//! ESP32-C3.

use super::{FLASH_FREQUENCIES_80, FLASH_SIZES, ROM_S2_AND_LATER};
use crate::chip::Chip;
use crate::chip::facts::{Detection, Facts, MacWords, SpiRegisters};

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32C3,
    title: "ESP32-C3",
    detection: Detection {
        magic: None,
        security_info_id: Some(5),
    },
    image_chip_id: Some(5),
    bootloader_offset: 0,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x6000_2000),
    mac: MacWords::Plain {
        low: 0x6000_8844,
        high: 0x6000_8844 + 4,
    },
    crystal: None,
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    readout: None,
};
