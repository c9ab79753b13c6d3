//! ESP32-C61.

use super::{FLASH_SIZES, ROM_S2_AND_LATER, bits, embedded, flash, mac, psram};
use crate::chip::facts::{Detection, Facts, Readout, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Feature, Revision, RomClock};

/// eFuse block 1, word 0.
const EFUSE: u32 = 0x600B_4844;

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32C61,
    title: "ESP32-C61",
    detection: Detection {
        magic: None,
        security_info_id: Some(20),
    },
    image_chip_id: Some(20),
    bootloader_offset: 0,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x6000_3000),
    crystal: Crystal::Fixed(40),
    rom_clock: RomClock::True,
    flash_frequencies: &[(80, 0xF), (40, 0), (20, 2)],
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[EFUSE, EFUSE + 0x04, EFUSE + 0x08],
        decode,
    },
};

/// Fields of block 1 (ESP-IDF, `components/efuse/esp32c61/esp_efuse_table.csv`): WAFER_VERSION_MINOR
/// 64–67, WAFER_VERSION_MAJOR 68–69, FLASH_CAP 77–79, PSRAM_CAP 83–85.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word2] = words else {
        return None;
    };
    let revision = Revision {
        major: bits(word2, 4, 2),
        minor: bits(word2, 0, 4),
    };
    let mut features = vec![Feature::Wifi, Feature::BluetoothLe, Feature::SingleCore];
    features.extend(embedded(flash, bits(word2, 13, 3), &[4, 8]));
    features.extend(embedded(psram, bits(word2, 19, 3), &[2, 8]));
    Some(Silicon::new(revision, mac(word0, word1), features))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn revisions_and_memory() {
        let plain = "wifi, ble, single-core";
        check(Chip::Esp32C61, |_| {}, (0, 0), plain);
        check(
            Chip::Esp32C61,
            |w| w[2] = 0x0010_4010,
            (1, 0),
            &format!("{plain}, embedded flash 8MB, embedded psram 8MB"),
        );
        check(
            Chip::Esp32C61,
            |w| w[2] = 0x0008_0001,
            (0, 1),
            &format!("{plain}, embedded psram 2MB"),
        );
    }
}
