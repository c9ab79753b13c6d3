//! ESP8266 and ESP8285. It has no revisions, no security eFuses, and a loader that knows neither
//! compression nor digests nor another rate.

use super::{MB, bits};
use crate::chip::facts::{Detection, Facts, Readout, Rom, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Divider, Feature, Mac, Revision, RomClock, Security};

const SPI: u32 = 0x6000_0200;
/// The first of the four OTP words.
const OTP: u32 = 0x3FF0_0050;

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp8266,
    title: "ESP8266",
    detection: Detection {
        magic: Some(0xFFF0_C101),
        security_info_id: None,
    },
    image_chip_id: None,
    bootloader_offset: 0,
    rom: Rom {
        status_bytes: 2,
        begin_words: 4,
        md5: false,
        deflate: false,
        spi_attach: false,
        security_info: false,
        change_baudrate: false,
    },
    spi: SpiRegisters {
        cmd: SPI,
        usr: SPI + 0x1C,
        usr1: SPI + 0x20,
        usr2: SPI + 0x24,
        w0: SPI + 0x40,
        mosi_dlen: None,
        miso_dlen: None,
    },
    crystal: Crystal::Divider(Divider {
        register: 0x6000_0014,
        clock_multiple: 2,
        mhz: &[40, 26],
    }),
    rom_clock: RomClock::True,
    flash_frequencies: super::FLASH_FREQUENCIES_80,
    flash_sizes: &[
        (MB / 4, 1),
        (MB / 2, 0),
        (MB, 2),
        (2 * MB, 3),
        (4 * MB, 4),
        (8 * MB, 8),
        (16 * MB, 9),
        // `c1`: the same part, with a map of two apps of 1 MB each (ESP8266 SDK, `SPI_SIZE_MAP` 5, 6)
        (2 * MB, 5),
        (4 * MB, 6),
    ],
    generation_from: None,
    readout: Readout {
        registers: &[OTP, OTP + 4, OTP + 8, OTP + 0xC],
        decode,
    },
};

/// What esptool 5.6's target of this chip reads from OTP; Espressif documents none of it.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word2, word3] = words else {
        return None;
    };
    let mut features = vec![Feature::Wifi, Feature::SingleCore];
    // either bit tells an ESP8285, which has its flash inside
    if bits(word0, 4, 1) == 1 || bits(word2, 16, 1) == 1 {
        features.push(Feature::EmbeddedFlash {
            kb: embedded_flash_mb(word0, word3).map(|mb| mb * 1024),
        });
    }
    let revision = Revision { major: 0, minor: 0 };
    Some(Silicon {
        security: Some(Security::default()),
        ..Silicon::new(revision, mac(word0, word1, word3), features)
    })
}

fn embedded_flash_mb(word0: u32, word3: u32) -> Option<u32> {
    let (small, large) = (bits(word0, 4, 1), bits(word3, 25, 1));
    match (small, large, bits(word3, 26, 2)) {
        (1, 0, 0b00) => Some(1),
        (1, 0, 0b01) | (0, 1, 0b00) => Some(2),
        (0, 1, 0b01) => Some(4),
        _ => None,
    }
}

/// The maker's three bytes are in word 3, or, where that has none, follow from a code in word 1. All
/// zero, and so no board's address, for a code that nobody knows.
fn mac(word0: u32, word1: u32, word3: u32) -> Mac {
    let [_, a, b, c] = match (word3 & 0xFF_FFFF, bits(word1, 16, 8)) {
        (0, 0) => 0x18_FE34_u32.to_be_bytes(),
        (0, 1) => 0xAC_D074_u32.to_be_bytes(),
        (0, _) => return Mac([0; 6]),
        (oui, _) => oui.to_be_bytes(),
    };
    let [_, _, d, e] = word1.to_be_bytes();
    Mac([a, b, c, d, e, (word0 >> 24) as u8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: [u32; 4], mac: &str, features: &str) {
        let silicon = decode(&words).unwrap();
        assert_eq!(silicon.mac.to_string(), mac, "{words:08x?}");
        let found: Vec<String> = silicon.features.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(", "), features, "{words:08x?}");
        assert_eq!(silicon.security, Some(Security::default()));
    }

    #[test]
    fn the_makers_bytes() {
        let plain = "wifi, single-core";
        check([0x0300_0000, 0x0102, 0, 0], "18:fe:34:01:02:03", plain);
        check([0x0300_0000, 0x1_0102, 0, 0], "ac:d0:74:01:02:03", plain);
        check([0x0300_0000, 0x2_0102, 0, 0], "00:00:00:00:00:00", plain);
        check(
            [0x0300_0000, 0x2_0102, 0, 0x005C_CF7F],
            "5c:cf:7f:01:02:03",
            plain,
        );
    }

    #[test]
    fn flash_in_the_package() {
        let with = |words, flash: &str| {
            check(
                words,
                "18:fe:34:01:02:03",
                &format!("wifi, single-core, embedded flash{flash}"),
            );
        };
        with([0x0300_0010, 0x0102, 0, 0], " 1MB");
        with([0x0300_0010, 0x0102, 0, 1 << 26], " 2MB");
        with([0x0300_0000, 0x0102, 1 << 16, 1 << 25], " 2MB");
        with([0x0300_0000, 0x0102, 1 << 16, 0b11 << 25], " 4MB");
        with([0x0300_0010, 0x0102, 0, 1 << 27], "");
    }
}
