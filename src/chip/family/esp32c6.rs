//! ESP32-C6.

use super::{FLASH_SIZES, ROM_S2_AND_LATER};
use crate::chip::Chip;
use crate::chip::facts::{Detection, Facts, MacWords, SpiRegisters};

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32C6,
    title: "ESP32-C6",
    detection: Detection {
        magic: None,
        security_info_id: Some(13),
    },
    image_chip_id: Some(13),
    bootloader_offset: 0,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x6000_3000),
    mac: MacWords::Plain {
        low: 0x600B_0844,
        high: 0x600B_0844 + 4,
    },
    crystal: None,
    // 80 MHz is written as 40: the ROM sets a wrong divider for code 0xF (esptool, ESP32-C6 target)
    flash_frequencies: &[(80, 0), (40, 0), (20, 2)],
    flash_sizes: FLASH_SIZES,
    readout: None,
};
