//! What the real parts take: one constant per cost, each with its source. The model adds these; a
//! board's [`Costs`] and its [`super::Pace`] scale them.

use std::time::Duration;

use super::flash::PAGE;

/// Bits on the wire per byte: start, eight data, stop.
pub const BITS_PER_BYTE: u32 = 10;

/// One page of 256 bytes. W25Q32JV datasheet, AC characteristics, tPP: 0.4 ms typical, 3 ms at most;
/// PROTOCOL facts: 0.4–1.1 ms on the parts that modules carry. The middle of the latter.
const PAGE_PROGRAM: Duration = Duration::from_micros(700);

/// One sector of 4 KB. W25Q32JV datasheet, tSE: 45 ms typical, 400 ms at most.
const SECTOR_ERASE: Duration = Duration::from_millis(45);

/// One block of 64 KB. W25Q32JV datasheet, tBE2: 150 ms typical, 2 s at most.
const BLOCK_ERASE: Duration = Duration::from_millis(150);

/// A whole chip, per megabyte. W25Q32JV datasheet, tCE: 10 s typical for 4 MB, 50 s at most.
const CHIP_ERASE_PER_MB: Duration = Duration::from_millis(2500);

/// Reading flash, per KB: 40 MHz, two data lines (10 MB/s), commands included. Calculated.
pub const READ_PER_KB: Duration = Duration::from_micros(105);

/// MD5 of one megabyte by an ESP32's stub, reading included. The stub sets the core to 160 MHz
/// (esp-stub-lib, `esp32/src/clock.c`; the image that esptool 5.6 and espflash 4.7 carry does it) and has
/// the ROM's MD5: 12.4 instructions a byte, counted over the mask ROM in an emulator, the loop that
/// fetches from the SPI controller included. At 1.8 cycles each, since that controller's registers are
/// slow, 0.14 s; and 0.11 s for the flash's own transfer. No measurement on a part.
const STUB_MD5_PER_MB: Duration = Duration::from_millis(250);

/// The same by the ROM, which runs at the crystal's 40 MHz. Calculated likewise.
const ROM_MD5_PER_MB: Duration = Duration::from_millis(800);

/// Inflating, per KB of output: about 25 cycles a byte at 80 MHz (stub). Calculated.
pub const STUB_INFLATE_PER_KB: Duration = Duration::from_micros(320);

/// The same at the ROM's 40 MHz.
pub const ROM_INFLATE_PER_KB: Duration = Duration::from_micros(640);

/// From the last byte of a command to the first of its answer, for a command that does nothing else.
/// Estimated: some thousand cycles.
pub const COMMAND: Duration = Duration::from_micros(50);

/// From EN's rising edge to the ROM's first output. Estimated; esptool's reset sequence leaves 50 ms.
pub const ROM_START: Duration = Duration::from_millis(5);

/// From the stub's entry to its greeting: clock boost, flash set-up and ID (about 65 register
/// operations of its own). Estimated.
pub const STUB_START: Duration = Duration::from_millis(3);

/// From a ROM that finds nothing to start to its watchdog's reset. Estimated from the rhythm of boot
/// loops in bug reports: some three a second.
pub const ROM_WATCHDOG: Duration = Duration::from_millis(300);

/// From an app's last word to the chip's next start. Estimated.
pub const APP_RESTART: Duration = Duration::from_millis(20);

/// The same at no cost at all.
pub const RESTART_LEAST: Duration = Duration::from_millis(10);

/// From the ROM's hand-over to the app's first line. The bootloader's own log stamps with the app of
/// `esp-idf-template` in an emulator: 0.2 s to `Loaded app`; rounded up for a flash at 40 MHz.
pub const APP_START: Duration = Duration::from_millis(300);

/// What one board's flash part and digests take, as factors of the figures above: parts differ, and who
/// rests a measurement on these figures has to show what becomes of it where they are wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Erasing and programming.
    pub flash: f64,
    /// The chip's MD5 of its flash, reading included.
    pub md5: f64,
}

impl Default for Costs {
    fn default() -> Costs {
        Costs {
            flash: 1.0,
            md5: 1.0,
        }
    }
}

impl Costs {
    pub(super) fn program(self, bytes: u32) -> Duration {
        (PAGE_PROGRAM * bytes.div_ceil(PAGE)).mul_f64(self.flash)
    }

    pub(super) fn sector_erase(self) -> Duration {
        SECTOR_ERASE.mul_f64(self.flash)
    }

    pub(super) fn block_erase(self) -> Duration {
        BLOCK_ERASE.mul_f64(self.flash)
    }

    pub(super) fn chip_erase(self, flash_bytes: u32) -> Duration {
        CHIP_ERASE_PER_MB.mul_f64(megabytes(flash_bytes) * self.flash)
    }

    pub(super) fn stub_md5(self, bytes: u32) -> Duration {
        STUB_MD5_PER_MB.mul_f64(megabytes(bytes) * self.md5)
    }

    pub(super) fn rom_md5(self, bytes: u32) -> Duration {
        ROM_MD5_PER_MB.mul_f64(megabytes(bytes) * self.md5)
    }
}

fn megabytes(bytes: u32) -> f64 {
    f64::from(bytes) / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_scale_what_they_name() {
        let costs = Costs {
            flash: 2.0,
            md5: 0.5,
        };
        let check = |usual: Duration, here: Duration, factor: f64| {
            assert_eq!(here, usual.mul_f64(factor));
        };
        let usual = Costs::default();
        check(usual.program(0x1000), costs.program(0x1000), 2.0);
        check(usual.sector_erase(), costs.sector_erase(), 2.0);
        check(usual.block_erase(), costs.block_erase(), 2.0);
        check(usual.chip_erase(4 << 20), costs.chip_erase(4 << 20), 2.0);
        check(usual.stub_md5(1 << 20), costs.stub_md5(1 << 20), 0.5);
        check(usual.rom_md5(1 << 20), costs.rom_md5(1 << 20), 0.5);
        assert_eq!(usual.program(1), PAGE_PROGRAM, "whole pages");
    }
}
