//! ESP32-S3.

use super::{FLASH_FREQUENCIES_80, FLASH_SIZES, ROM_S2_AND_LATER};
use crate::chip::Chip;
use crate::chip::facts::{Detection, Facts, MacWords, SpiRegisters};

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32S3,
    title: "ESP32-S3",
    detection: Detection {
        magic: None,
        security_info_id: Some(9),
    },
    image_chip_id: Some(9),
    bootloader_offset: 0,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x6000_2000),
    mac: MacWords::Plain {
        low: 0x6000_7044,
        high: 0x6000_7044 + 4,
    },
    crystal: None,
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    readout: None,
};
