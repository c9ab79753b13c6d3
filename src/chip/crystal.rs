//! The crystal: what it is, and what the ROM takes it for. A ROM computes its UART divider from the
//! frequency that it believes in, so where it is wrong, CHANGE_BAUDRATE has to be told another rate.

/// How a chip's crystal is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crystal {
    /// The family is built with one kind only, in MHz.
    Fixed(u32),
    /// It follows from the divider of the UART that the ROM talks through, since both ends agree on
    /// the rate.
    Divider(Divider),
}

/// The UART's clock divider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divider {
    /// The register; its low 20 bits are the whole part.
    pub register: u32,
    /// The UART is clocked by this multiple of the crystal.
    pub clock_multiple: u32,
    /// The crystals that the family is built with, in MHz.
    pub mhz: &'static [u32],
}

impl Divider {
    /// The crystal that fits a divider read while the ROM (not the stub) talks at `baud`; `None`
    /// where it is more than a tenth away from every crystal the family is built with.
    pub fn crystal_mhz(&self, value: u32, baud: u32) -> Option<u32> {
        let measured_hz =
            u64::from(value & 0xF_FFFF) * u64::from(baud) / u64::from(self.clock_multiple);
        self.mhz
            .iter()
            .map(|&mhz| (mhz, u64::from(mhz) * 1_000_000))
            .filter(|(_, hz)| measured_hz.abs_diff(*hz) * 10 <= *hz)
            .min_by_key(|(_, hz)| measured_hz.abs_diff(*hz))
            .map(|(mhz, _)| mhz)
    }
}

/// What a ROM takes its crystal for (esptool 5.6, `change_baud` of the chips named).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RomClock {
    /// The one that it has.
    True,
    /// Always this one, in MHz (ESP32-C2).
    Assumed(u32),
    /// MHz in bits 24 to 30 of this register (ESP32-C5, `PCR_SYSCLK_XTAL_FREQ`).
    Register(u32),
    /// What it measured against its own 8 MHz oscillator at start (ESP32).
    Measured {
        /// `TIMG_RTCCALICFG1_REG`; bits 7 to 31 are the cycles counted.
        cycles: u32,
        /// The eFuse word whose low byte is `CK8M_FREQ`.
        oscillator: u32,
    },
}

/// The crystal that a ROM believes in and the one that is there, in Hz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belief {
    pub believed_hz: u64,
    pub true_hz: u64,
}

impl Belief {
    /// A ROM that is right.
    pub const TRUE: Belief = Belief {
        believed_hz: 1,
        true_hz: 1,
    };

    /// A ROM that takes a crystal of the second frequency for one of the first.
    pub const fn mhz(believed: u32, there: u32) -> Belief {
        Belief {
            believed_hz: believed as u64 * 1_000_000,
            true_hz: there as u64 * 1_000_000,
        }
    }

    /// An ESP32's, from the values of [`RomClock::Measured`]'s two registers; `None` where they tell
    /// of no crystal at all (an emulator that keeps no count).
    pub fn measured(cycles: u32, oscillator: u32) -> Option<Belief> {
        let counted = u64::from(cycles >> 7);
        // 40 counts to a cycle of the slow clock, a unit of CK8M_FREQ being 15,625 Hz of it
        let believed_hz = counted * 15_625 * u64::from(oscillator & 0xFF) / 40;
        if !(20_000_000..=50_000_000).contains(&believed_hz) {
            return None;
        }
        Some(Belief {
            believed_hz,
            true_hz: if believed_hz > 33_000_000 {
                40_000_000
            } else {
                26_000_000
            },
        })
    }

    /// The crystal that is there, in MHz; `None` with [`Belief::TRUE`], which names none.
    pub fn crystal_mhz(self) -> Option<u32> {
        u32::try_from(self.true_hz / 1_000_000)
            .ok()
            .filter(|mhz| *mhz > 0)
    }

    /// What the ROM has to be told so that it comes to run at `baud`.
    pub fn told(self, baud: u32) -> u32 {
        let told = u64::from(baud) * self.believed_hz / self.true_hz.max(1);
        u32::try_from(told).unwrap_or(baud)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::Chip;

    fn divider(chip: Chip) -> Divider {
        match chip.facts().crystal {
            Crystal::Divider(divider) => divider,
            Crystal::Fixed(_) => panic!("{chip} has one crystal"),
        }
    }

    #[test]
    fn crystals_from_dividers() {
        let c2 = divider(Chip::Esp32C2);
        // 40 MHz / 115200 = 347.2, the fraction in bits 20–23
        assert_eq!(c2.crystal_mhz(347 | 4 << 20, 115_200), Some(40));
        assert_eq!(c2.crystal_mhz(226, 115_200), Some(26));
        assert_eq!(c2.crystal_mhz(290, 115_200), None);
        assert_eq!(c2.crystal_mhz(0, 115_200), None);
        // 52 MHz / 115200
        assert_eq!(divider(Chip::Esp8266).crystal_mhz(451, 115_200), Some(26));
        // 48 MHz / 115200
        assert_eq!(divider(Chip::Esp32C5).crystal_mhz(416, 115_200), Some(48));
        assert_eq!(divider(Chip::Esp32C5).crystal_mhz(347, 115_200), Some(40));
    }

    #[test]
    fn what_a_rom_is_told() {
        assert_eq!(Belief::TRUE.told(921_600), 921_600);
        assert_eq!(Belief::TRUE.crystal_mhz(), None);
        // 921600 * 40 / 26
        assert_eq!(Belief::mhz(40, 26).told(921_600), 1_417_846);
        assert_eq!(Belief::mhz(40, 48).told(460_800), 384_000);
        assert_eq!(Belief::mhz(48, 40).told(460_800), 552_960);
    }

    #[test]
    fn an_esp32_that_measures_a_little_wrong() {
        // 8.5 MHz: CK8M_FREQ 136; 40 MHz are 752.9 counts
        let belief = Belief::measured(753 << 7 | 0x7F, 136).unwrap();
        assert_eq!(belief.believed_hz, 40_003_125);
        assert_eq!(belief.crystal_mhz(), Some(40));
        assert_eq!(belief.told(921_600), 921_672);
        let belief = Belief::measured(730 << 7, 0xAB00 | 136).unwrap();
        assert_eq!(belief.told(1_000_000), 969_531);
        let belief = Belief::measured(490 << 7, 136).unwrap();
        assert_eq!(belief.crystal_mhz(), Some(26));
        assert_eq!(Belief::measured(0, 136), None);
        assert_eq!(Belief::measured(753 << 7, 0), None);
    }
}
