//! ESP32-H2.

use super::{FLASH_SIZES, ROM_S2_AND_LATER};
use crate::chip::Chip;
use crate::chip::facts::{Detection, Facts, MacWords, SpiRegisters};

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32H2,
    title: "ESP32-H2",
    detection: Detection {
        magic: None,
        security_info_id: Some(16),
    },
    image_chip_id: Some(16),
    bootloader_offset: 0,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x6000_3000),
    mac: MacWords::Plain {
        low: 0x600B_0844,
        high: 0x600B_0844 + 4,
    },
    crystal: None,
    flash_frequencies: &[(48, 0xF), (24, 0), (16, 1), (12, 2)],
    flash_sizes: FLASH_SIZES,
    readout: None,
};
