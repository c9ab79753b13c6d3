//! A file for each family. Unless a fact names another source: addresses and codes are those of
//! Espressif's technical reference manual and ESP-IDF `soc` headers of that chip, compared with
//! esptool 5.6's target of the same name.

mod esp32;
mod esp32c2;
mod esp32c3;
mod esp32c5;
mod esp32c6;
mod esp32c61;
mod esp32h2;
mod esp32p4;
mod esp32s2;
mod esp32s3;
mod esp8266;

pub use esp32::mac_crc8 as esp32_mac_crc8;

use super::facts::{Facts, Rom};
use super::{Chip, Eui64, Feature, Mac};

/// A chip's facts.
pub(super) const fn facts(chip: Chip) -> &'static Facts {
    match chip {
        Chip::Esp8266 => &esp8266::FACTS,
        Chip::Esp32 => &esp32::FACTS,
        Chip::Esp32S2 => &esp32s2::FACTS,
        Chip::Esp32S3 => &esp32s3::FACTS,
        Chip::Esp32C2 => &esp32c2::FACTS,
        Chip::Esp32C3 => &esp32c3::FACTS,
        Chip::Esp32C5 => &esp32c5::FACTS,
        Chip::Esp32C6 => &esp32c6::FACTS,
        Chip::Esp32C61 => &esp32c61::FACTS,
        Chip::Esp32H2 => &esp32h2::FACTS,
        Chip::Esp32P4 => &esp32p4::FACTS,
    }
}

/// The ROM of the S2 and all that came after it (Serial Protocol; wire fixtures of a C3's ROM show
/// that the fifth BEGIN word is not optional).
const ROM_S2_AND_LATER: Rom = Rom {
    status_bytes: 4,
    begin_words: 5,
    md5: true,
    deflate: true,
    spi_attach: true,
    security_info: true,
    change_baudrate: true,
};

const MB: u64 = 1 << 20;

/// Flash sizes of the ESP32 and all that came after it (ESP-IDF, `esp_image_flash_size_t`).
const FLASH_SIZES: &[(u64, u8)] = &[
    (MB, 0),
    (2 * MB, 1),
    (4 * MB, 2),
    (8 * MB, 3),
    (16 * MB, 4),
    (32 * MB, 5),
    (64 * MB, 6),
    (128 * MB, 7),
];

/// Flash frequencies of the chips whose flash clock is divided from 80 MHz (ESP-IDF,
/// `esp_image_spi_freq_t`).
const FLASH_FREQUENCIES_80: &[(u8, u8)] = &[(80, 0xF), (40, 0), (26, 1), (20, 2)];

/// The `length` bits of a word from bit `from` on, as the eFuse tables count them.
const fn bits(word: u32, from: u32, length: u32) -> u8 {
    (word >> from & ((1 << length) - 1)) as u8
}

/// The base MAC as all chips from the ESP32 on keep it: four bytes in one word, the first two in the
/// low half of the next.
fn mac(low: u32, high: u32) -> Mac {
    let [.., m0, m1] = high.to_be_bytes();
    let [m2, m3, m4, m5] = low.to_be_bytes();
    Mac([m0, m1, m2, m3, m4, m5])
}

/// The EUI-64 of the chips whose word after the MAC holds MAC_EXT in its high half.
fn eui64(low: u32, high: u32) -> Eui64 {
    let [x, y, ..] = high.to_be_bytes();
    Eui64::new(mac(low, high), [x, y])
}

/// Memory in the package, from an eFuse code and the megabytes that the codes from 1 on stand for.
/// Code 0 is none; one that is not known is memory of an unknown size.
fn embedded(
    feature: fn(Option<u32>) -> Feature,
    code: u8,
    megabytes: &[u32],
) -> impl Iterator<Item = Feature> + use<> {
    let size = usize::from(code)
        .checked_sub(1)
        .map(|index| feature(megabytes.get(index).map(|mb| mb * 1024)));
    size.into_iter()
}

fn flash(kb: Option<u32>) -> Feature {
    Feature::EmbeddedFlash { kb }
}

fn psram(kb: Option<u32>) -> Feature {
    Feature::EmbeddedPsram { kb }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::Revision;

    /// The words of a chip whose MAC is 60:55:f9:01:02:03 with MAC_EXT ff:fe beside it, with `set`
    /// changing what else is told, and what comes of it.
    #[track_caller]
    pub(super) fn check(
        chip: Chip,
        set: impl FnOnce(&mut [u32]),
        revision: (u8, u8),
        features: &str,
    ) {
        let readout = chip.facts().readout;
        let mut words = vec![0; readout.registers.len()];
        (words[0], words[1]) = (0xF901_0203, 0xFFFE_6055);
        set(&mut words);
        let silicon = readout.decode(&words).unwrap();
        let (major, minor) = revision;
        assert_eq!(silicon.revision, Revision { major, minor }, "{words:08x?}");
        assert_eq!(silicon.mac, Mac([0x60, 0x55, 0xF9, 1, 2, 3]));
        assert!(silicon.mac_crc_holds);
        let found: Vec<String> = silicon.features.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(", "), features, "{words:08x?}");
        let has_eui64 = matches!(chip, Chip::Esp32C5 | Chip::Esp32C6 | Chip::Esp32H2);
        let eui64 = silicon.eui64.map(|eui64| eui64.to_string());
        assert_eq!(
            eui64.as_deref(),
            has_eui64.then_some("60:55:f9:ff:fe:01:02:03")
        );
        assert_eq!(silicon.security, None);
    }

    #[test]
    fn every_readout_wants_as_many_words_as_it_has_registers() {
        for chip in Chip::ALL {
            let readout = chip.facts().readout;
            let words = vec![0; readout.registers.len()];
            assert!(readout.decode(&words).is_some(), "{chip}");
            assert_eq!(readout.decode(&words[1..]), None, "{chip}");
        }
    }
}
