//! ESP32-P4. Chips before v3.0 and from v3.0 on are two generations: neither runs the other's images,
//! and each has a stub of its own.

use super::{FLASH_FREQUENCIES_80, FLASH_SIZES, ROM_S2_AND_LATER, bits, mac};
use crate::chip::facts::{Detection, Facts, Readout, RegisterWrite, Silicon, SpiRegisters};
use crate::chip::{Chip, Crystal, Feature, Revision, RomClock};

/// eFuse block 1, word 0.
const EFUSE: u32 = 0x5012_D044;
/// `EFUSE_RD_REPEAT_DATA1_REG`.
const REPEAT_DATA1: u32 = 0x5012_D034;

pub(super) static FACTS: Facts = Facts {
    chip: Chip::Esp32P4,
    title: "ESP32-P4",
    detection: Detection {
        magic: None,
        security_info_id: Some(18),
    },
    image_chip_id: Some(18),
    // the first two sectors are reserved for the key manager
    bootloader_offset: 0x2000,
    rom: ROM_S2_AND_LATER,
    spi: SpiRegisters::s2_and_later(0x5008_D000),
    crystal: Crystal::Fixed(40),
    rom_clock: RomClock::True,
    flash_frequencies: FLASH_FREQUENCIES_80,
    flash_sizes: FLASH_SIZES,
    // ESP-IDF, `components/esp_hw_support/port/esp32p4/Kconfig.hw_support`: support of the two is
    // mutually exclusive
    generation_from: Some(Revision { major: 3, minor: 0 }),
    readout: Readout {
        registers: &[EFUSE, EFUSE + 0x04, EFUSE + 0x08, REPEAT_DATA1],
        decode,
    },
};

/// Fields of block 1 (ESP-IDF, `components/efuse/esp32p4/esp_efuse_table.csv`): WAFER_VERSION_MINOR
/// 64–67, WAFER_VERSION_MAJOR 68–69 with its high bit at 87, PSRAM_CAP 77–79.
fn decode(words: &[u32]) -> Option<Silicon> {
    let &[word0, word1, word2, repeat_data1] = words else {
        return None;
    };
    let revision = Revision {
        major: bits(word2, 23, 1) << 2 | bits(word2, 4, 2),
        minor: bits(word2, 0, 4),
    };
    let mut features = vec![Feature::DualCore, Feature::LowPowerCore];
    if bits(word2, 13, 3) != 0 {
        features.push(Feature::EmbeddedPsram { kb: None });
    }
    // DOWNLOAD_MODE_XPD_ON, from v3.2 on
    let rom_powers_flash = bits(repeat_data1, 16, 1) == 1;
    Some(Silicon {
        flash_power: flash_power(revision, rom_powers_flash),
        ..Silicon::new(revision, mac(word0, word1), features)
    })
}

/// `LP_SYSTEM_REG_ANA_XPD_PAD_GROUP_REG`.
const PAD_GROUP: u32 = 0x5011_010C;
/// `PMU_EXT_LDO_P0_0P1A_REG`: bit 7 ties the output high, bits 23–30 are its target.
const LDO: u32 = 0x5011_51B8;
/// `PMU_EXT_LDO_P0_0P1A_ANA_REG`: bit 27 limits the current.
const LDO_ANALOG: u32 = 0x5011_51BC;
/// `PMU_DATE_REG`: its lowest two bits force the flash's supply on.
const PMU_DATE: u32 = 0x5011_53FC;

/// v3.1 and v3.2 leave the flash without power in download mode. The steps are those of esptool 5.6
/// (ESP32-P4 target, `power_on_flash`); a step that changes nothing is there for its pause.
const POWER_ON: &[RegisterWrite] = &[
    set(PAD_GROUP, u32::MAX, 1),
    pause(10_000),
    set(LDO_ANALOG, 1 << 27, 1 << 27),
    set(LDO, 1 << 7, 1 << 7),
    set(PMU_DATE, 0b11, 0b11),
    pause(50),
    set(LDO_ANALOG, 1 << 27, 0),
    set(LDO, 0xFF << 23, 0),
    set(LDO, 1 << 7, 1 << 7),
    set(LDO, 1 << 7, 0),
    pause(1800),
];

/// A v3.2 whose ROM powers the flash does so again at each entry, which fails while it is on.
const LET_ROM_POWER_ON: &[RegisterWrite] = &[set(PMU_DATE, 0b11, 0)];

fn flash_power(revision: Revision, rom_powers_flash: bool) -> &'static [RegisterWrite] {
    match (revision.as_number(), rom_powers_flash) {
        (302, true) => LET_ROM_POWER_ON,
        (301 | 302, _) => POWER_ON,
        _ => &[],
    }
}

const fn set(address: u32, mask: u32, value: u32) -> RegisterWrite {
    RegisterWrite {
        address,
        value,
        mask,
        delay_us: 0,
    }
}

const fn pause(delay_us: u32) -> RegisterWrite {
    RegisterWrite {
        address: PMU_DATE,
        value: 0,
        mask: 0,
        delay_us,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn revisions_and_memory() {
        let plain = "dual-core, lp-core";
        check(Chip::Esp32P4, |_| {}, (0, 0), plain);
        check(Chip::Esp32P4, |w| w[2] = 0x13, (1, 3), plain);
        check(
            Chip::Esp32P4,
            |w| w[2] = 0x4031,
            (3, 1),
            &format!("{plain}, embedded psram"),
        );
        // the major revision's high bit, 23
        check(Chip::Esp32P4, |w| w[2] = 0x0080_0010, (5, 0), plain);
    }

    #[test]
    fn flash_is_powered_where_the_rom_does_not() {
        let steps = |word2: u32, repeat_data1: u32| {
            let silicon = decode(&[0, 0, word2, repeat_data1]).unwrap();
            silicon.flash_power.len()
        };
        let xpd_on = 1 << 16;
        assert_eq!(steps(0x13, 0), 0);
        assert_eq!(steps(0x30, 0), 0);
        assert_eq!(steps(0x31, 0), POWER_ON.len());
        assert_eq!(steps(0x31, xpd_on), POWER_ON.len());
        assert_eq!(steps(0x32, 0), POWER_ON.len());
        assert_eq!(steps(0x32, xpd_on), LET_ROM_POWER_ON.len());
        assert_eq!(steps(0x33, 0), 0);
    }
}
