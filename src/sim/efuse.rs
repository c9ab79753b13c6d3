//! The words by which a chip tells who it is: MAC, revision, crystal, security. Where they are and how
//! they are packed differs from chip to chip; one function per arrangement. Values that a board's spec
//! does not name (package, in-package memory) are those of a plain chip in its largest package: 0.
//!
//! Sources: each chip's Technical Reference Manual, chapter "eFuse Controller"; the places that a
//! client reads checked against esptool 5.6's targets.

use std::collections::HashMap;

use super::facts::{Facts, Gate};
use super::spec::{BoardSpec, Fault};
use crate::chip::{Chip, Mac, Revision, Security};

/// ESP32, eFuse block 0 read registers.
const ESP32_EFUSE: u32 = 0x3FF5_A000;
/// ESP32, date register of the APB controller: its top bit is the third revision bit.
const ESP32_APB_DATE: u32 = 0x3FF6_607C;
/// ESP32, result of the 8 MHz clock's calibration against the crystal, shifted left by 7.
const ESP32_RTC_CALIBRATION: u32 = 0x3FF5_F06C;
/// ESP32, strapping pins at reset.
const ESP32_STRAPS: u32 = 0x3FF4_4038;
/// eFuse CK8M_FREQ and the calibration value that together say 40 MHz: the ROM calculates
/// `calibration * 15625 * ck8m / 40`.
const CK8M: u32 = 128;
const CALIBRATION_40_MHZ: u64 = 800;
/// C5, PCR_SYSCLK_CONF_REG: the crystal that the ROM takes for granted, in MHz, from bit 24 on.
const C5_PCR_SYSCLK: u32 = 0x6009_6110;
/// The two bytes in the middle of an EUI-64 that is made of a MAC.
const EUI64_MIDDLE: u32 = 0xFFFE;

/// Words of the read-only registers, by address.
pub type Words = HashMap<u32, u32>;

/// Every read-only word of this board's chip.
pub fn words(spec: &BoardSpec, facts: &Facts) -> Words {
    let mut words = Words::from([(0x4000_1000, facts.magic)]);
    let security = security(spec);
    match spec.chip {
        Chip::Esp8266 => esp8266(&mut words, spec.mac),
        Chip::Esp32 => esp32(&mut words, spec, security),
        _ => {
            mac(&mut words, facts, spec.mac);
            revision(&mut words, spec.chip, facts.mac_at, spec.revision);
            gates(&mut words, facts, security);
        }
    }
    if spec.chip == Chip::Esp32C5 {
        set(&mut words, C5_PCR_SYSCLK, 24, facts.assumed_crystal_mhz);
    }
    words
}

/// The security eFuses that the board's spec says are burnt.
pub fn security(spec: &BoardSpec) -> Security {
    spec.faults
        .iter()
        .find_map(|fault| match fault {
            Fault::Secured(security) => Some(*security),
            _ => None,
        })
        .unwrap_or_default()
}

/// CRC-8 over the MAC as the ESP32's factory burns it (polynomial 0x31 reflected, 1-Wire).
pub fn mac_crc(mac: Mac) -> u8 {
    mac.0.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0x8C
            } else {
                crc >> 1
            }
        })
    })
}

fn set(words: &mut Words, address: u32, shift: u32, value: u32) {
    *words.entry(address).or_default() |= value << shift;
}

/// The MAC's last four and first two bytes.
fn mac_words(mac: Mac) -> (u32, u32) {
    let [a, b, c, d, e, f] = mac.0;
    (
        u32::from_be_bytes([c, d, e, f]),
        u32::from_be_bytes([0, 0, a, b]),
    )
}

/// S2 and later: two words beside each other; above the MAC the EUI-64's middle where the chip has one.
fn mac(words: &mut Words, facts: &Facts, mac: Mac) {
    let (low, high) = mac_words(mac);
    let middle = match facts.chip {
        Chip::Esp32C5 | Chip::Esp32C6 | Chip::Esp32H2 => EUI64_MIDDLE,
        _ => 0,
    };
    set(words, facts.mac_at, 0, low);
    set(words, facts.mac_at + 4, 0, high | middle << 16);
}

/// S2 and later: major and minor in the block that begins with the MAC, as (word, bit, value) with the
/// upper minor bit apart on the older ones.
fn revision(words: &mut Words, chip: Chip, block: u32, revision: Revision) {
    let (major, minor) = (u32::from(revision.major), u32::from(revision.minor));
    let fields: &[(u32, u32, u32)] = match chip {
        Chip::Esp32S2 => &[(3, 18, major & 3), (3, 20, minor >> 3), (4, 4, minor & 7)],
        Chip::Esp32S3 | Chip::Esp32C3 => {
            &[(5, 24, major & 3), (5, 23, minor >> 3), (3, 18, minor & 7)]
        }
        Chip::Esp32C2 => &[(1, 20, major & 3), (1, 16, minor & 15)],
        Chip::Esp32C6 => &[(3, 22, major & 3), (3, 18, minor & 15)],
        Chip::Esp32H2 => &[(3, 21, major & 3), (3, 18, minor & 7)],
        Chip::Esp32C5 | Chip::Esp32C61 => &[(2, 4, major & 3), (2, 0, minor & 15)],
        Chip::Esp32P4 => &[(2, 23, major >> 2), (2, 4, major & 3), (2, 0, minor & 15)],
        Chip::Esp8266 | Chip::Esp32 => &[],
    };
    for (word, bit, value) in fields {
        set(words, block + word * 4, *bit, *value);
    }
}

/// S2 and later: SPI_BOOT_CRYPT_CNT and SECURE_BOOT_EN.
fn gates(words: &mut Words, facts: &Facts, security: Security) {
    let burn = |words: &mut Words, gate: Gate, burnt: bool| {
        set(words, gate.address, gate.bit, u32::from(burnt));
    };
    if let Some([crypt_count, secure_boot]) = facts.gates {
        burn(words, crypt_count, security.flash_encryption);
        burn(words, secure_boot, security.secure_boot);
    }
}

/// OUI rule: where word 3 is not 0 it spells out the first three bytes.
fn esp8266(words: &mut Words, mac: Mac) {
    let [a, b, c, ..] = mac.0;
    let (low, _) = mac_words(mac);
    set(words, 0x3FF0_0050, 24, low & 0xFF);
    set(words, 0x3FF0_0054, 0, low >> 8 & 0xFFFF);
    set(words, 0x3FF0_005C, 0, u32::from_be_bytes([0, a, b, c]));
}

/// eFuse words 0 to 6 (TRM, table of block 0), and the registers around them.
fn esp32(words: &mut Words, spec: &BoardSpec, security: Security) {
    let (low, high) = mac_words(spec.mac);
    let wrong = u8::from(spec.faults.contains(&Fault::MacCrcWrong));
    let crc = u32::from(mac_crc(spec.mac) ^ wrong) << 16;
    let Revision { major, minor } = spec.revision;
    // three revision bits, burnt one after another: 0, 1, 3, 7
    let (bit0, bit1, bit2) = (major >= 1, major >= 2, major >= 3);
    let encrypted = u32::from(security.flash_encryption) << 20;
    // UART_DOWNLOAD_DIS
    let locked = u32::from(security.download_locked) << 27;
    // ABS_DONE_0
    let secure_boot = u32::from(security.secure_boot) << 4;
    let calibration = CALIBRATION_40_MHZ as i64 * (1_000_000 + i64::from(spec.clock_error_ppm));
    words.extend([
        (ESP32_EFUSE, encrypted | locked),
        (ESP32_EFUSE + 4, low),
        (ESP32_EFUSE + 8, high | crc),
        // package 1: ESP32-D0WD
        (ESP32_EFUSE + 0xC, u32::from(bit0) << 15 | 1 << 9),
        (ESP32_EFUSE + 0x10, CK8M),
        (
            ESP32_EFUSE + 0x14,
            u32::from(bit1) << 20 | u32::from(minor & 3) << 24,
        ),
        (ESP32_EFUSE + 0x18, secure_boot),
        (ESP32_APB_DATE, 0x1604_2000 | u32::from(bit2) << 31),
        (
            ESP32_RTC_CALIBRATION,
            ((calibration / 1_000_000) as u32) << 7,
        ),
        (ESP32_STRAPS, 0x0F),
    ]);
}

#[cfg(test)]
mod tests {
    use super::super::facts::facts;
    use super::*;

    fn of(spec: &BoardSpec) -> Words {
        words(spec, facts(spec.chip))
    }

    #[test]
    fn the_crc_beside_the_mac_is_the_one_of_a_real_board() {
        // tests/fixtures/wire/esp32.txt: eFuse words 1 and 2
        let mac = Mac([0x10, 0x01, 0x00, 0xC4, 0x0A, 0x24]);
        assert_eq!(mac_crc(mac), 0xFE);
        let words = of(&BoardSpec {
            mac,
            ..BoardSpec::esp32(0)
        });
        assert_eq!(words[&(ESP32_EFUSE + 4)], 0x00C4_0A24);
        assert_eq!(words[&(ESP32_EFUSE + 8)], 0x00FE_1001);
    }

    #[test]
    fn the_mac_of_a_real_c3() {
        // tests/fixtures/wire/esp32c3.txt
        let words = of(&BoardSpec {
            mac: Mac([0xC4, 0x0A, 0x24, 0xFE, 0x10, 0x01]),
            ..BoardSpec::esp32(0).chip(Chip::Esp32C3)
        });
        assert_eq!(words[&0x6000_8844], 0x24FE_1001);
        assert_eq!(words[&0x6000_8848] & 0xFFFF, 0xC40A);
    }

    #[test]
    fn revisions_where_each_chip_keeps_them() {
        let check = |chip: Chip, (major, minor): (u8, u8), expected: &[(u32, u32)]| {
            let spec = BoardSpec {
                revision: Revision { major, minor },
                mac: Mac([0; 6]),
                ..BoardSpec::esp32(0).chip(chip)
            };
            let words = of(&spec);
            for (address, word) in expected {
                assert_eq!(words.get(address), Some(word), "{chip} {address:08x}");
            }
        };
        check(
            Chip::Esp32S2,
            (1, 9),
            &[(0x3F41_A050, 0x14_0000), (0x3F41_A054, 0x10)],
        );
        check(
            Chip::Esp32S3,
            (0, 2),
            &[(0x6000_7050, 0x8_0000), (0x6000_7058, 0)],
        );
        check(
            Chip::Esp32C3,
            (1, 8),
            &[(0x6000_8850, 0), (0x6000_8858, 0x180_0000)],
        );
        check(Chip::Esp32C2, (2, 0), &[(0x6000_8844, 0x20_0000)]);
        check(
            Chip::Esp32C6,
            (0, 2),
            &[(0x600B_0850, 0x8_0000), (0x600B_0848, 0xFFFE_0000)],
        );
        check(
            Chip::Esp32H2,
            (1, 2),
            &[(0x600B_0850, 0x28_0000), (0x600B_0848, 0xFFFE_0000)],
        );
        check(
            Chip::Esp32C5,
            (1, 2),
            &[(0x600B_484C, 0x12), (0x6009_6110, 48 << 24)],
        );
        check(
            Chip::Esp32C61,
            (1, 0),
            &[(0x600B_484C, 0x10), (0x600B_4848, 0)],
        );
        check(Chip::Esp32P4, (1, 3), &[(0x5012_D04C, 0x13)]);
        check(Chip::Esp32P4, (4, 0), &[(0x5012_D04C, 0x80_0000)]);
    }

    #[test]
    fn burnt_gates() {
        let security = Security {
            flash_encryption: true,
            secure_boot: true,
            download_locked: false,
        };
        let check = |chip: Chip, expected: [(u32, u32); 2]| {
            let spec = BoardSpec::esp32(0)
                .chip(chip)
                .fault(Fault::Secured(security));
            let words = of(&spec);
            for (address, bits) in expected {
                assert_eq!(words[&address] & bits, bits, "{chip} {address:08x}");
            }
        };
        check(Chip::Esp32, [(0x3FF5_A000, 1 << 20), (0x3FF5_A018, 1 << 4)]);
        check(
            Chip::Esp32S2,
            [(0x3F41_A034, 1 << 18), (0x3F41_A038, 1 << 20)],
        );
        check(
            Chip::Esp32C2,
            [(0x6000_8830, 1 << 7), (0x6000_8830, 1 << 21)],
        );
        check(
            Chip::Esp32C5,
            [(0x600B_4834, 1 << 16), (0x600B_4838, 1 << 25)],
        );
        check(
            Chip::Esp32C61,
            [(0x600B_4830, 1 << 23), (0x600B_4834, 1 << 26)],
        );
        check(
            Chip::Esp32P4,
            [(0x5012_D034, 1 << 18), (0x5012_D038, 1 << 20)],
        );
    }
}
