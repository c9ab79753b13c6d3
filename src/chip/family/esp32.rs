//! ESP32: the chip that this version flashes.
//!
//! eFuse fields are those of ESP-IDF's `components/efuse/esp32/esp_efuse_table.csv` (bits counted
//! through block 0, 32 to a word) and of the ESP32 TRM, "eFuse Controller".

use super::{FLASH_FREQUENCIES_80, FLASH_SIZES};
use crate::chip::facts::{
    Crystal, Detection, Facts, MacWords, Readout, Rom, Silicon, SpiRegisters,
};
use crate::chip::{Chip, Mac, Revision, Security};

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
    },
    spi: SpiRegisters::esp32(0x3FF4_2000),
    mac: MacWords::Plain {
        low: EFUSE + 4,
        high: EFUSE + 8,
    },
    crystal: Some(Crystal {
        uart_clkdiv: 0x3FF4_0014,
        clock_multiple: 1,
        mhz: &[40, 26],
    }),
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    readout: Some(Readout {
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
    }),
};

fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word2, word3, word5, word6, apb_ctl_date] = words else {
        return None;
    };
    let [.., m0, m1] = word2.to_be_bytes();
    let [m2, m3, m4, m5] = word1.to_be_bytes();
    let mac = Mac([m0, m1, m2, m3, m4, m5]);
    Some(Silicon {
        revision: revision(word3, word5, apb_ctl_date),
        mac,
        // MAC_CRC, bits 80–87
        mac_crc_holds: mac_crc8(mac) == (word2 >> 16) as u8,
        security: security(word0, word6),
    })
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

    fn check(change: impl Fn(&mut [u32; 7]), expect: impl Fn(Silicon) -> bool) {
        let mut words = FRESH;
        change(&mut words);
        let silicon = decode(&words).unwrap();
        assert!(expect(silicon), "{silicon:?} from {words:08x?}");
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
        check(|_| {}, |s| s.security.is_open());
        check(|w| w[0] = 0b1 << 20, |s| s.security.flash_encryption);
        check(|w| w[0] = 0b11 << 20, |s| s.security.is_open());
        check(
            |w| w[0] = 0x7F << 20,
            |s| s.security.flash_encryption && !s.security.download_locked,
        );
        check(
            |w| w[0] = 1 << 27,
            |s| s.security.download_locked && !s.security.flash_encryption,
        );
        check(|w| w[5] = 1 << 4, |s| s.security.secure_boot);
        check(|w| w[5] = 1 << 5, |s| s.security.secure_boot);
        check(|w| w[5] = 1 << 9, |s| s.security.download_locked);
        // JTAG_DISABLE and CONSOLE_DEBUG_DISABLE are no download locks
        check(|w| w[5] = 1 << 6 | 1 << 2, |s| s.security.is_open());
    }

    #[test]
    fn as_many_words_as_registers() {
        let readout = FACTS.readout.unwrap();
        assert_eq!(readout.registers.len(), FRESH.len());
        assert!(readout.decode(&FRESH).is_some());
        assert_eq!(readout.decode(&FRESH[1..]), None);
    }
}
