//! ESP32-C5.

use super::{FLASH_SIZES, ROM_S2_AND_LATER, bits, embedded, eui64, flash, mac, psram};
use crate::chip::facts::{Detection, Facts, Readout, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Divider, Feature, Revision, RomClock};

/// eFuse block 1, word 0.
const EFUSE: u32 = 0x600B_4844;

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
    crystal: Crystal::Divider(Divider {
        register: 0x6000_0014,
        clock_multiple: 1,
        mhz: &[48, 40],
    }),
    rom_clock: RomClock::Register(0x6009_6110),
    flash_frequencies: &[(80, 0xF), (40, 0), (20, 2)],
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[EFUSE, EFUSE + 0x04, EFUSE + 0x08],
        decode,
    },
};

/// Fields of block 1 (ESP-IDF, `components/efuse/esp32c5/esp_efuse_table.csv`): MAC_EXT 48–63,
/// WAFER_VERSION_MINOR 64–67, WAFER_VERSION_MAJOR 68–69, FLASH_CAP 77–79, PSRAM_CAP 83–85.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word2] = words else {
        return None;
    };
    let revision = Revision {
        major: bits(word2, 4, 2),
        minor: bits(word2, 0, 4),
    };
    let mut features = vec![
        Feature::Wifi,
        Feature::BluetoothLe,
        Feature::Ieee802154,
        Feature::SingleCore,
        Feature::LowPowerCore,
    ];
    features.extend(embedded(flash, bits(word2, 13, 3), &[4]));
    features.extend(embedded(psram, bits(word2, 19, 3), &[4, 8]));
    Some(Silicon {
        eui64: Some(eui64(word0, word1)),
        ..Silicon::new(revision, mac(word0, word1), features)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn revisions_and_memory() {
        let plain = "wifi, ble, 802.15.4, single-core, lp-core";
        check(Chip::Esp32C5, |_| {}, (0, 0), plain);
        // v1.0, PSRAM of 8 MB (R8), temperature code 1 beside it
        check(
            Chip::Esp32C5,
            |w| w[2] = 0x0110_0010,
            (1, 0),
            &format!("{plain}, embedded psram 8MB"),
        );
        // v2.15 with 4 MB each
        check(
            Chip::Esp32C5,
            |w| w[2] = 0x0008_202F,
            (2, 15),
            &format!("{plain}, embedded flash 4MB, embedded psram 4MB"),
        );
    }
}
