//! ESP32-C6.

use super::{FLASH_SIZES, ROM_S2_AND_LATER, bits, embedded, eui64, flash, mac};
use crate::chip::facts::{Detection, Facts, Readout, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Feature, Revision, RomClock};

/// eFuse block 1, word 0.
const EFUSE: u32 = 0x600B_0844;

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
    crystal: Crystal::Fixed(40),
    rom_clock: RomClock::True,
    // 80 MHz is written as 40: the ROM sets a wrong divider for code 0xF (esptool, ESP32-C6 target)
    flash_frequencies: &[(80, 0), (40, 0), (20, 2)],
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[EFUSE, EFUSE + 0x04, EFUSE + 0x0C, EFUSE + 0x10],
        decode,
    },
};

/// Fields of block 1 (ESP-IDF, `components/efuse/esp32c6/esp_efuse_table.csv`): MAC_EXT 48–63,
/// WAFER_VERSION_MINOR 114–117, WAFER_VERSION_MAJOR 118–119, FLASH_CAP 128–130.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word3, word4] = words else {
        return None;
    };
    let revision = Revision {
        major: bits(word3, 22, 2),
        minor: bits(word3, 18, 4),
    };
    let mut features = vec![
        Feature::Wifi,
        Feature::BluetoothLe,
        Feature::Ieee802154,
        Feature::SingleCore,
        Feature::LowPowerCore,
    ];
    features.extend(embedded(flash, bits(word4, 0, 3), &[4, 8]));
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
        check(Chip::Esp32C6, |_| {}, (0, 0), plain);
        // v0.2
        check(Chip::Esp32C6, |w| w[2] = 0x0008_0000, (0, 2), plain);
        // v1.9 in package 1 with 8 MB (FH8)
        check(
            Chip::Esp32C6,
            |w| (w[2], w[3]) = (0x0164_0000, 2),
            (1, 9),
            &format!("{plain}, embedded flash 8MB"),
        );
    }
}
