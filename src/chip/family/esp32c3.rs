//! ESP32-C3.

use super::{FLASH_FREQUENCIES_80, FLASH_SIZES, ROM_S2_AND_LATER, bits, embedded, flash, mac};
use crate::chip::facts::{Detection, Facts, Readout, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Feature, Revision, RomClock};

/// eFuse block 1, word 0.
const EFUSE: u32 = 0x6000_8844;

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32C3,
    title: "ESP32-C3",
    detection: Detection {
        magic: None,
        security_info_id: Some(5),
    },
    image_chip_id: Some(5),
    bootloader_offset: 0,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x6000_2000),
    crystal: Crystal::Fixed(40),
    rom_clock: RomClock::True,
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[EFUSE, EFUSE + 0x04, EFUSE + 0x0C, EFUSE + 0x14],
        decode,
    },
};

/// Fields of block 1 (ESP-IDF, `components/efuse/esp32c3/esp_efuse_table.csv`):
/// WAFER_VERSION_MINOR_LO 114–116, FLASH_CAP 123–125, WAFER_VERSION_MINOR_HI 183,
/// WAFER_VERSION_MAJOR 184–185.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word3, word5] = words else {
        return None;
    };
    let revision = Revision {
        major: bits(word5, 24, 2),
        minor: bits(word5, 23, 1) << 3 | bits(word3, 18, 3),
    };
    let mut features = vec![Feature::Wifi, Feature::BluetoothLe, Feature::SingleCore];
    features.extend(embedded(flash, bits(word3, 27, 3), &[4, 2, 1, 8]));
    Some(Silicon::new(revision, mac(word0, word1), features))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn revisions_and_memory() {
        let plain = "wifi, ble, single-core";
        check(Chip::Esp32C3, |_| {}, (0, 0), plain);
        // v0.4 with 4 MB (FH4)
        check(
            Chip::Esp32C3,
            |w| w[2] = 0x0810_0000,
            (0, 4),
            &format!("{plain}, embedded flash 4MB"),
        );
        // v1.1 with 8 MB
        check(
            Chip::Esp32C3,
            |w| (w[2], w[3]) = (0x2004_0000, 0x0100_0000),
            (1, 1),
            &format!("{plain}, embedded flash 8MB"),
        );
        check(Chip::Esp32C3, |w| w[3] = 0x0080_0000, (0, 8), plain);
    }

    #[test]
    fn the_mac_that_a_real_one_answered() {
        // tests/fixtures/wire/esp32c3.txt: MAC words 0 and 1
        let silicon = decode(&[0x24FE_1001, 0xC40A, 0, 0]).unwrap();
        assert_eq!(silicon.mac.to_string(), "c4:0a:24:fe:10:01");
    }
}
