//! ESP32-P4.

use super::{FLASH_FREQUENCIES_80, FLASH_SIZES, ROM_S2_AND_LATER};
use crate::chip::Chip;
use crate::chip::facts::{Detection, Facts, MacWords, SpiRegisters};

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32P4,
    title: "ESP32-P4",
    detection: Detection {
        magic: None,
        security_info_id: Some(18),
    },
    image_chip_id: Some(18),
    bootloader_offset: 0x2000,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x5008_D000),
    mac: MacWords::Plain {
        low: 0x5012_D044,
        high: 0x5012_D044 + 4,
    },
    crystal: None,
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    readout: None,
};
