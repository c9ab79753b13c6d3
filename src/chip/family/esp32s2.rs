//! ESP32-S2.

use super::{
    FLASH_FREQUENCIES_80, FLASH_SIZES, ROM_S2_AND_LATER, bits, embedded, flash, mac, psram,
};
use crate::chip::facts::{Detection, Facts, Readout, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Feature, Revision, RomClock};

/// eFuse block 1, word 0.
const EFUSE: u32 = 0x3F41_A044;

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
    crystal: Crystal::Fixed(40),
    rom_clock: RomClock::True,
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[EFUSE, EFUSE + 0x04, EFUSE + 0x0C, EFUSE + 0x10],
        decode,
    },
};

/// Fields of block 1 (ESP-IDF, `components/efuse/esp32s2/esp_efuse_table.csv`): WAFER_VERSION_MAJOR
/// 114–115, WAFER_VERSION_MINOR_HI 116, FLASH_VERSION 117–120, PSRAM_VERSION 124–127,
/// WAFER_VERSION_MINOR_LO 132–134.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word3, word4] = words else {
        return None;
    };
    let revision = Revision {
        major: bits(word3, 18, 2),
        minor: bits(word3, 20, 1) << 3 | bits(word4, 4, 3),
    };
    let mut features = vec![Feature::Wifi, Feature::SingleCore];
    features.extend(embedded(flash, bits(word3, 21, 4), &[2, 4]));
    features.extend(embedded(psram, bits(word3, 28, 4), &[2, 4]));
    Some(Silicon::new(revision, mac(word0, word1), features))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn revisions_and_memory() {
        check(Chip::Esp32S2, |_| {}, (0, 0), "wifi, single-core");
        // v1.0 with 4 MB of flash (FH4)
        check(
            Chip::Esp32S2,
            |w| w[2] = 0x0044_0000,
            (1, 0),
            "wifi, single-core, embedded flash 4MB",
        );
        // minor 9: its high bit stands in another word
        check(
            Chip::Esp32S2,
            |w| (w[2], w[3]) = (0x1034_0000, 0x10),
            (1, 9),
            "wifi, single-core, embedded flash 2MB, embedded psram 2MB",
        );
        check(
            Chip::Esp32S2,
            |w| w[2] = 0x3000_0000,
            (0, 0),
            "wifi, single-core, embedded psram",
        );
    }
}
