//! ESP32-H2.

use super::{FLASH_SIZES, ROM_S2_AND_LATER, bits, embedded, eui64, flash, mac};
use crate::chip::facts::{Detection, Facts, Readout, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Feature, Revision, RomClock};

/// eFuse block 1, word 0.
const EFUSE: u32 = 0x600B_0844;

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
    crystal: Crystal::Fixed(32),
    rom_clock: RomClock::True,
    flash_frequencies: &[(48, 0xF), (24, 0), (16, 1), (12, 2)],
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[EFUSE, EFUSE + 0x04, EFUSE + 0x0C],
        decode,
    },
};

/// Fields of block 1 (ESP-IDF, `components/efuse/esp32h2/esp_efuse_table.csv`): MAC_EXT 48–63,
/// WAFER_VERSION_MINOR 114–116, WAFER_VERSION_MAJOR 117–118, FLASH_CAP 120–122.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word3] = words else {
        return None;
    };
    let revision = Revision {
        major: bits(word3, 21, 2),
        minor: bits(word3, 18, 3),
    };
    let mut features = vec![
        Feature::BluetoothLe,
        Feature::Ieee802154,
        Feature::SingleCore,
    ];
    features.extend(embedded(flash, bits(word3, 24, 3), &[4, 2, 1]));
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
        let plain = "ble, 802.15.4, single-core";
        check(Chip::Esp32H2, |_| {}, (0, 0), plain);
        // v0.1 with 4 MB (FH4)
        check(
            Chip::Esp32H2,
            |w| w[2] = 0x0104_0000,
            (0, 1),
            &format!("{plain}, embedded flash 4MB"),
        );
        // v1.2 with 2 MB, temperature code 2 and a vendor beside it
        check(
            Chip::Esp32H2,
            |w| w[2] = 0x3228_0000,
            (1, 2),
            &format!("{plain}, embedded flash 2MB"),
        );
    }
}
