//! ESP32.
//!
//! eFuse fields are those of ESP-IDF's `components/efuse/esp32/esp_efuse_table.csv` (bits counted
//! through block 0, 32 to a word) and of the ESP32 TRM, "eFuse Controller".

use super::{FLASH_FREQUENCIES_80, FLASH_SIZES, bits, mac};
use crate::chip::facts::{Detection, Facts, Readout, Rom, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Divider, Feature, Mac, Revision, RomClock, Security};

/// eFuse block 0, word 0 (`EFUSE_BLK0_RDATA0_REG`).
const EFUSE: u32 = 0x3FF5_A000;
/// `SYSCON_DATE_REG`; its top bit is the third bit of the revision.
const APB_CTL_DATE: u32 = 0x3FF6_607C;

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32,
    title: "ESP32",
    detection: Detection {
        magic: Some(0x00F0_1D83),
        security_info_id: None,
    },
    image_chip_id: Some(0),
    bootloader_offset: 0x1000,
    rom: Rom {
        status_bytes: 4,
        begin_words: 4,
        md5: true,
        deflate: true,
        spi_attach: true,
        security_info: false,
        change_baudrate: true,
    },
    spi: SpiRegisters::esp32(0x3FF4_2000),
    crystal: Crystal::Divider(Divider {
        register: 0x3FF4_0014,
        clock_multiple: 1,
        mhz: &[40, 26],
    }),
    rom_clock: RomClock::Measured {
        cycles: 0x3FF5_F06C,
        oscillator: EFUSE + 0x10,
    },
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    generation_from: None,
    readout: Readout {
        registers: &[
            EFUSE,
            EFUSE + 0x04,
            EFUSE + 0x08,
            EFUSE + 0x0C,
            EFUSE + 0x14,
            EFUSE + 0x18,
            APB_CTL_DATE,
        ],
        decode,
    },
};

fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word2, word3, word5, word6, apb_ctl_date] = words else {
        return None;
    };
    let mac = mac(word1, word2);
    Some(Silicon {
        // MAC_CRC, bits 80–87
        mac_crc_holds: mac_crc8(mac) == (word2 >> 16) as u8,
        security: Some(security(word0, word6)),
        flash_pins: flash_pins(word3, word5),
        ..Silicon::new(revision(word3, word5, apb_ctl_date), mac, features(word3))
    })
}

fn features(word3: u32) -> Vec<Feature> {
    // CHIP_PACKAGE 105–107, its high bit at 98
    let package = bits(word3, 2, 1) << 3 | bits(word3, 9, 3);
    let mut features = vec![Feature::Wifi];
    if bits(word3, 1, 1) == 0 {
        // DISABLE_BT
        features.push(Feature::Bluetooth);
    }
    features.push(match bits(word3, 0, 1) {
        // DISABLE_APP_CPU
        1 => Feature::SingleCore,
        _ => Feature::DualCore,
    });
    // ESP-IDF, `EFUSE_RD_CHIP_VER_PKG_*`: D2WD, U4WDH, PICO-D4 and -V3, PICO-V3-02; what is in them as
    // the ESP32 series data sheet tells
    let (flash_mb, psram_mb) = match package {
        2 => (Some(2), None),
        4 | 5 => (Some(4), None),
        6 => (Some(8), Some(2)),
        // D0WDR2-V3
        7 => (None, Some(2)),
        _ => (None, None),
    };
    let kb = |mb: Option<u32>| mb.map(|mb| mb * 1024);
    features.extend(flash_mb.map(|_| Feature::EmbeddedFlash { kb: kb(flash_mb) }));
    features.extend(psram_mb.map(|_| Feature::EmbeddedPsram { kb: kb(psram_mb) }));
    features
}

/// The pins of flash inside the package, which the ROM does not attach by itself: SPI_PAD_CONFIG_CLK
/// 160–164, _Q 165–169, _D 170–174, _CS0 175–179 and _HD 100–104, packed as SPI_ATTACH wants them
/// (Espressif's serial protocol, "SPI Attach Command": six bits each, from CLK upwards Q, D, CS, HD).
fn flash_pins(word3: u32, word5: u32) -> u32 {
    let pin = |word, from| u32::from(bits(word, from, 5));
    let (clk, q, d) = (pin(word5, 0), pin(word5, 5), pin(word5, 10));
    let (cs, hd) = (pin(word5, 15), pin(word3, 4));
    hd << 24 | cs << 18 | d << 12 | q << 6 | clk
}

/// ESP-IDF, `components/hal/esp32/efuse_hal.c`: one bit more with each major revision, in three
/// places; an unknown pattern counts as revision 0.
fn revision(word3: u32, word5: u32, apb_ctl_date: u32) -> Revision {
    let bit0 = word3 >> 15 & 1; // CHIP_VER_REV1
    let bit1 = word5 >> 20 & 1; // CHIP_VER_REV2
    let bit2 = apb_ctl_date >> 31;
    let major = match bit2 << 2 | bit1 << 1 | bit0 {
        1 => 1,
        3 => 2,
        7 => 3,
        _ => 0,
    };
    Revision {
        major,
        minor: (word5 >> 24 & 3) as u8, // WAFER_VERSION_MINOR
    }
}

fn security(word0: u32, word6: u32) -> Security {
    const FLASH_CRYPT_CNT: u32 = 0x7F << 20;
    const UART_DOWNLOAD_DIS: u32 = 1 << 27;
    const ABS_DONE_0_AND_1: u32 = 0b11 << 4;
    // DISABLE_DL_ENCRYPT, _DECRYPT, _CACHE: set where a chip was made ready for flash encryption
    const DISABLE_DL: u32 = 0b111 << 7;
    Security {
        flash_encryption: (word0 & FLASH_CRYPT_CNT).count_ones() % 2 == 1,
        secure_boot: word6 & ABS_DONE_0_AND_1 != 0,
        download_locked: word0 & UART_DOWNLOAD_DIS != 0 || word6 & DISABLE_DL != 0,
    }
}

/// The CRC-8 that the factory burns beside the MAC: polynomial 0x31, reflected, from 0 (ESP32 TRM,
/// "eFuse Controller", MAC_CRC; ESP-IDF checks it with `esp_rom_efuse_mac_address_crc8`).
pub fn mac_crc8(mac: Mac) -> u8 {
    mac.0.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x8C } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as a fresh ESP32 rev 0 in the emulator answered them (tests of the wire hold the same).
    const FRESH: [u32; 7] = [0, 0x00C4_0A24, 0x00FE_1001, 0, 0, 0, 0x0];

    fn check(change: impl Fn(&mut [u32; 7]), expect: impl Fn(&Silicon) -> bool) {
        let mut words = FRESH;
        change(&mut words);
        let silicon = decode(&words).unwrap();
        assert!(expect(&silicon), "{silicon:?} from {words:08x?}");
    }

    #[test]
    fn the_mac_and_its_crc() {
        check(
            |_| {},
            |s| s.mac == Mac([0x10, 0x01, 0x00, 0xC4, 0x0A, 0x24]) && s.mac_crc_holds,
        );
        check(|w| w[1] ^= 1, |s| !s.mac_crc_holds);
        check(|w| w[2] ^= 0x0001_0000, |s| !s.mac_crc_holds);
    }

    #[test]
    fn revisions() {
        let v = |major, minor| Revision { major, minor };
        check(|_| {}, |s| s.revision == v(0, 0));
        check(|w| w[3] = 1 << 15, |s| s.revision == v(1, 0));
        check(
            |w| (w[3], w[4]) = (1 << 15, 1 << 20),
            |s| s.revision == v(2, 0),
        );
        check(
            |w| (w[3], w[4], w[6]) = (1 << 15, 1 << 20 | 1 << 24, 1 << 31),
            |s| s.revision == v(3, 1),
        );
        // bit 1 without bit 0 is no revision that was made
        check(|w| w[4] = 1 << 20, |s| s.revision == v(0, 0));
    }

    #[test]
    fn security_efuses() {
        check(|_| {}, |s| s.security.unwrap().is_open());
        check(
            |w| w[0] = 0b1 << 20,
            |s| s.security.unwrap().flash_encryption,
        );
        check(|w| w[0] = 0b11 << 20, |s| s.security.unwrap().is_open());
        check(
            |w| w[0] = 0x7F << 20,
            |s| s.security.unwrap().flash_encryption && !s.security.unwrap().download_locked,
        );
        check(
            |w| w[0] = 1 << 27,
            |s| s.security.unwrap().download_locked && !s.security.unwrap().flash_encryption,
        );
        check(|w| w[5] = 1 << 4, |s| s.security.unwrap().secure_boot);
        check(|w| w[5] = 1 << 5, |s| s.security.unwrap().secure_boot);
        check(|w| w[5] = 1 << 9, |s| s.security.unwrap().download_locked);
        // JTAG_DISABLE and CONSOLE_DEBUG_DISABLE are no download locks
        check(
            |w| w[5] = 1 << 6 | 1 << 2,
            |s| s.security.unwrap().is_open(),
        );
    }

    #[test]
    fn features_and_the_flash_inside() {
        let shown = |word3| {
            let found: Vec<String> = features(word3).iter().map(ToString::to_string).collect();
            found.join(", ")
        };
        assert_eq!(shown(0), "wifi, bt, dual-core");
        // D0WD, then one core without Bluetooth
        assert_eq!(shown(1 << 9), "wifi, bt, dual-core");
        assert_eq!(shown(0b11), "wifi, single-core");
        assert_eq!(shown(4 << 9), "wifi, bt, dual-core, embedded flash 4MB");
        assert_eq!(
            shown(6 << 9),
            "wifi, bt, dual-core, embedded flash 8MB, embedded psram 2MB"
        );
        // package 9 by its high bit
        assert_eq!(shown(1 << 2 | 1 << 9), "wifi, bt, dual-core");
    }

    #[test]
    fn pins_of_flash_in_the_package() {
        check(|_| {}, |s| s.flash_pins == 0);
        // a PICO-D4: CLK 6, Q 17, D 8, CS 16, HD 11
        check(
            |w| (w[3], w[4]) = (11 << 4, 16 << 15 | 8 << 10 | 17 << 5 | 6),
            |s| s.flash_pins == 0x0B40_8446,
        );
    }
}
