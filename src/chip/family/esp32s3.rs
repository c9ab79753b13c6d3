//! ESP32-S3.

use super::{
    FLASH_FREQUENCIES_80, FLASH_SIZES, ROM_S2_AND_LATER, bits, embedded, flash, mac, psram,
};
use crate::chip::facts::{Detection, Facts, Readout, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Feature, Revision, RomClock};

/// eFuse block 1, word 0.
const EFUSE: u32 = 0x6000_7044;

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
    crystal: Crystal::Fixed(40),
    rom_clock: RomClock::True,
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[
            EFUSE,
            EFUSE + 0x04,
            EFUSE + 0x0C,
            EFUSE + 0x10,
            EFUSE + 0x14,
            // block 2, word 4
            EFUSE + 0x18 + 0x10,
        ],
        decode,
    },
};

/// Fields of block 1 (ESP-IDF, `components/efuse/esp32s3/esp_efuse_table.csv`):
/// WAFER_VERSION_MINOR_LO 114–116, BLK_VERSION_MINOR 120–122, FLASH_CAP 123–125, PSRAM_CAP 131–132 with
/// its high bit at 179, WAFER_VERSION_MINOR_HI 183, WAFER_VERSION_MAJOR 184–185; of block 2:
/// BLK_VERSION_MAJOR 128–129.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word3, word4, word5, block2_word4] = words else {
        return None;
    };
    let minor = bits(word5, 23, 1) << 3 | bits(word3, 18, 3);
    let block_version = (bits(block2_word4, 0, 2), bits(word3, 24, 3));
    // v0.0 parts with eFuse block version 1.1 keep something else where the revision is (ESP-IDF,
    // `components/hal/esp32s3/efuse_hal.c`)
    let revision = if minor & 7 == 0 && block_version == (1, 1) {
        Revision { major: 0, minor: 0 }
    } else {
        Revision {
            major: bits(word5, 24, 2),
            minor,
        }
    };
    let mut features = vec![
        Feature::Wifi,
        Feature::BluetoothLe,
        Feature::DualCore,
        Feature::LowPowerCore,
    ];
    features.extend(embedded(flash, bits(word3, 27, 3), &[8, 4]));
    let psram_code = bits(word5, 19, 1) << 2 | bits(word4, 3, 2);
    features.extend(embedded(psram, psram_code, &[8, 2, 16, 4]));
    Some(Silicon::new(revision, mac(word0, word1), features))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn revisions_and_memory() {
        let plain = "wifi, ble, dual-core, lp-core";
        check(Chip::Esp32S3, |_| {}, (0, 0), plain);
        // v0.2 without memory, as most modules of 2024 are
        check(Chip::Esp32S3, |w| w[2] = 2 << 18, (0, 2), plain);
        check(
            Chip::Esp32S3,
            |w| (w[2], w[4]) = (1 << 18, 1 << 23 | 1 << 24),
            (1, 9),
            plain,
        );
        // block version 1.1: bits 24 and 25 of word 5 are no revision
        check(
            Chip::Esp32S3,
            |w| (w[2], w[4], w[5]) = (1 << 24, 3 << 24, 1),
            (0, 0),
            plain,
        );
        // …but with block version 1.2 they are
        check(
            Chip::Esp32S3,
            |w| (w[2], w[4], w[5]) = (2 << 24, 3 << 24, 1),
            (3, 0),
            plain,
        );
        // FN8, and R2
        check(
            Chip::Esp32S3,
            |w| (w[2], w[3]) = (1 << 27, 2 << 3),
            (0, 0),
            &format!("{plain}, embedded flash 8MB, embedded psram 2MB"),
        );
        check(
            Chip::Esp32S3,
            |w| (w[2], w[4]) = (2 << 27, 1 << 19),
            (0, 0),
            &format!("{plain}, embedded flash 4MB, embedded psram 4MB"),
        );
    }
}
