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

use super::Chip;
use super::facts::{Facts, Rom};

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
