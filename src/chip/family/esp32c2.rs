//! ESP32-C2.

use super::{FLASH_SIZES, ROM_S2_AND_LATER, bits, embedded, flash, mac};
use crate::chip::facts::{Detection, Facts, Readout, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Divider, Feature, Revision, RomClock};

/// eFuse block 2, word 0.
const EFUSE: u32 = 0x6000_8840;

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
    crystal: Crystal::Divider(Divider {
        register: 0x6000_0014,
        clock_multiple: 1,
        mhz: &[40, 26],
    }),
    rom_clock: RomClock::Assumed(40),
    flash_frequencies: &[(60, 0xF), (30, 0), (20, 1), (15, 2)],
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[EFUSE, EFUSE + 0x04, EFUSE + 0x1C],
        decode,
    },
};

/// Fields of block 2 (ESP-IDF, `components/efuse/esp32c2/esp_efuse_table.csv`): WAFER_VERSION_MINOR
/// 48–51, WAFER_VERSION_MAJOR 52–53, FLASH_CAP 253–255.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word7] = words else {
        return None;
    };
    let revision = Revision {
        major: bits(word1, 20, 2),
        minor: bits(word1, 16, 4),
    };
    let mut features = vec![Feature::Wifi, Feature::BluetoothLe, Feature::SingleCore];
    features.extend(embedded(flash, bits(word7, 29, 3), &[4, 2, 1]));
    Some(Silicon::new(revision, mac(word0, word1), features))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn revisions_and_memory() {
        let plain = "wifi, ble, single-core";
        check(Chip::Esp32C2, |w| w[1] = 0x6055, (0, 0), plain);
        // v1.2, package 1 (bits 54–56) beside it
        check(Chip::Esp32C2, |w| w[1] = 0x0052_6055, (1, 2), plain);
        check(
            Chip::Esp32C2,
            |w| (w[1], w[2]) = (0x0020_6055, 2 << 29 | 1 << 24),
            (2, 0),
            &format!("{plain}, embedded flash 2MB"),
        );
        check(
            Chip::Esp32C2,
            |w| (w[1], w[2]) = (0x0010_6055, 1 << 29),
            (1, 0),
            &format!("{plain}, embedded flash 4MB"),
        );
    }
}
