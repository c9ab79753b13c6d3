//! The watchdogs of the low-power domain: one resets the whole chip, straps and USB included, where
//! the lines reset only its core; and over USB-Serial-JTAG both go on counting while a loader works.
//!
//! Sources: each chip's TRM ("RTC/LP watchdog timers", "GPIO_STRAP_REG"); which chips may be reset so
//! and in what way: esptool 5.6. Leaves out when that is done (`job`).

use super::Chip;

/// A chip's watchdog registers. Absolute addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watchdog {
    /// Stages, reset lengths, and the bit that turns it on.
    pub config: u32,
    /// Ticks of the slow clock until the first stage.
    pub timeout: u32,
    pub write_protect: u32,
    /// The super watchdog, which is there on chips with USB-Serial-JTAG.
    pub super_watchdog: Option<SuperWatchdog>,
    pub reset: WatchdogReset,
}

/// The watchdog that nothing turns off; it can feed itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuperWatchdog {
    pub config: u32,
    pub auto_feed: u32,
    pub write_protect: u32,
    pub key: u32,
}

/// Whether the watchdog is good for a reset on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchdogReset {
    Works,
    /// C6: the USB controller may not come back. H2: not supported.
    Harmful,
}

impl Watchdog {
    /// Lifts a watchdog's write protection until something else is written there.
    pub const KEY: u32 = 0x50D8_3AA1;
    /// On; stage 0 resets the system, for as long as it needs; stage 1 its RTC part.
    pub const RESET_SOON: u32 = (1 << 31) | (5 << 28) | (1 << 8) | 2;
    /// Some tens of milliseconds.
    pub const SOON_TICKS: u32 = 2000;

    const fn rtc_cntl(config: u32, write_protect: u32) -> Watchdog {
        Watchdog {
            config,
            timeout: config + 4,
            write_protect,
            super_watchdog: None,
            reset: WatchdogReset::Works,
        }
    }

    const fn with_super(self, config: u32, auto_feed: u32, key: u32) -> Watchdog {
        Watchdog {
            super_watchdog: Some(SuperWatchdog {
                config,
                auto_feed,
                write_protect: config + 4,
                key,
            }),
            ..self
        }
    }
}

const RTC_SWD: (u32, u32) = (1 << 31, 0x8F1D_312A);
const LP_SWD: (u32, u32) = (1 << 18, Watchdog::KEY);

const C5_C6_C61: Watchdog =
    Watchdog::rtc_cntl(0x600B_1C00, 0x600B_1C18).with_super(0x600B_1C1C, LP_SWD.0, LP_SWD.1);

/// How the chip was strapped when its straps were read last, and what may override them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootStrap {
    /// GPIO_STRAP_REG.
    pub strap: u32,
    /// RTC_CNTL_OPTION1_REG or its like, and the bit in it that forces the loader whatever the straps
    /// say; on chips with USB-OTG.
    pub force_download: Option<(u32, u32)>,
}

impl BootStrap {
    /// In [`BootStrap::strap`]: boot from flash (ESP-IDF, `boot_mode.h`: `IS_1XXX`).
    pub const FLASH_BOOT: u32 = 1 << 3;
}

impl Chip {
    /// Its watchdogs; `None` on the chips whose EN is the only way.
    pub const fn watchdog(self) -> Option<Watchdog> {
        Some(match self {
            Chip::Esp8266 | Chip::Esp32 => return None,
            Chip::Esp32S2 => Watchdog::rtc_cntl(0x3F40_8094, 0x3F40_80AC),
            Chip::Esp32S3 => Watchdog::rtc_cntl(0x6000_8098, 0x6000_80B0).with_super(
                0x6000_80B4,
                RTC_SWD.0,
                RTC_SWD.1,
            ),
            Chip::Esp32C2 => Watchdog::rtc_cntl(0x6000_8084, 0x6000_809C),
            Chip::Esp32C3 => Watchdog::rtc_cntl(0x6000_8090, 0x6000_80A8).with_super(
                0x6000_80AC,
                RTC_SWD.0,
                RTC_SWD.1,
            ),
            Chip::Esp32C5 | Chip::Esp32C61 => C5_C6_C61,
            Chip::Esp32C6 => Watchdog {
                reset: WatchdogReset::Harmful,
                ..C5_C6_C61
            },
            Chip::Esp32H2 => Watchdog {
                reset: WatchdogReset::Harmful,
                ..Watchdog::rtc_cntl(0x600B_1C00, 0x600B_1C1C).with_super(
                    0x600B_1C20,
                    LP_SWD.0,
                    LP_SWD.1,
                )
            },
            Chip::Esp32P4 => Watchdog::rtc_cntl(0x5011_6000, 0x5011_6018).with_super(
                0x5011_601C,
                LP_SWD.0,
                LP_SWD.1,
            ),
        })
    }

    /// Where it tells how it was strapped; `None` where nothing depends on it (no USB of its own).
    pub const fn boot_strap(self) -> Option<BootStrap> {
        let (strap, force_download) = match self {
            Chip::Esp8266 | Chip::Esp32 | Chip::Esp32C2 => return None,
            Chip::Esp32S2 => (0x3F40_4038, Some((0x3F40_8128, 1))),
            Chip::Esp32S3 => (0x6000_4038, Some((0x6000_812C, 1))),
            Chip::Esp32C3 => (0x6000_4038, None),
            Chip::Esp32C5 | Chip::Esp32C6 | Chip::Esp32C61 | Chip::Esp32H2 => (0x6009_1038, None),
            Chip::Esp32P4 => (0x500E_0038, Some((0x5011_0008, 4))),
        };
        Some(BootStrap {
            strap,
            force_download,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_that_a_watchdog_may_reset() {
        let works = |chip: &Chip| {
            chip.watchdog()
                .is_some_and(|watchdog| watchdog.reset == WatchdogReset::Works)
        };
        let chips: Vec<Chip> = Chip::ALL.into_iter().filter(works).collect();
        assert_eq!(
            chips,
            [
                Chip::Esp32S2,
                Chip::Esp32S3,
                Chip::Esp32C2,
                Chip::Esp32C3,
                Chip::Esp32C5,
                Chip::Esp32C61,
                Chip::Esp32P4,
            ]
        );
    }

    #[test]
    fn registers_as_the_manuals_list_them() {
        let check = |chip: Chip, expected: [u32; 3], swd: Option<[u32; 2]>| {
            let found = chip.watchdog().unwrap();
            assert_eq!(
                [found.config, found.timeout, found.write_protect],
                expected,
                "{chip}"
            );
            let registers = found
                .super_watchdog
                .map(|swd| [swd.config, swd.write_protect]);
            assert_eq!(registers, swd, "{chip}");
        };
        check(
            Chip::Esp32C3,
            [0x6000_8090, 0x6000_8094, 0x6000_80A8],
            Some([0x6000_80AC, 0x6000_80B0]),
        );
        check(Chip::Esp32S2, [0x3F40_8094, 0x3F40_8098, 0x3F40_80AC], None);
        check(
            Chip::Esp32H2,
            [0x600B_1C00, 0x600B_1C04, 0x600B_1C1C],
            Some([0x600B_1C20, 0x600B_1C24]),
        );
        check(
            Chip::Esp32P4,
            [0x5011_6000, 0x5011_6004, 0x5011_6018],
            Some([0x5011_601C, 0x5011_6020]),
        );
    }
}
