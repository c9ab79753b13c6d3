//! ESP32-C5.

use super::{FLASH_SIZES, ROM_S2_AND_LATER};
use crate::chip::Chip;
use crate::chip::facts::{Detection, Facts, MacWords, SpiRegisters};

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32C5,
    title: "ESP32-C5",
    detection: Detection {
        magic: None,
        security_info_id: Some(23),
    },
    image_chip_id: Some(23),
    // the first two sectors are reserved for the key manager
    bootloader_offset: 0x2000,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x6000_3000),
    mac: MacWords::Plain {
        low: 0x600B_4844,
        high: 0x600B_4844 + 4,
    },
    crystal: None,
    flash_frequencies: &[(80, 0xF), (40, 0), (20, 2)],
    flash_sizes: FLASH_SIZES,
    readout: None,
};
