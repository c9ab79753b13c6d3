//! What the real parts take: one constant per cost, each with its source. The model adds these; the
//! board's [`super::Pace`] scales them.

use std::time::Duration;

/// Bits on the wire per byte: start, eight data, stop.
pub const BITS_PER_BYTE: u32 = 10;

/// One page of 256 bytes. W25Q32JV datasheet, AC characteristics, tPP: 0.4 ms typical, 3 ms at most;
/// PROTOCOL facts: 0.4–1.1 ms on the parts that modules carry. The middle of the latter.
pub const PAGE_PROGRAM: Duration = Duration::from_micros(700);

/// One sector of 4 KB. W25Q32JV datasheet, tSE: 45 ms typical, 400 ms at most.
pub const SECTOR_ERASE: Duration = Duration::from_millis(45);

/// One block of 64 KB. W25Q32JV datasheet, tBE2: 150 ms typical, 2 s at most.
pub const BLOCK_ERASE: Duration = Duration::from_millis(150);

/// A whole chip, per megabyte. W25Q32JV datasheet, tCE: 10 s typical for 4 MB, 50 s at most.
pub const CHIP_ERASE_PER_MB: Duration = Duration::from_millis(2500);

/// Reading flash, per KB: 40 MHz, two data lines (10 MB/s), commands included. Calculated.
pub const READ_PER_KB: Duration = Duration::from_micros(105);

/// MD5 of one megabyte by the stub, reading included: about 30 cycles a byte at 80 MHz. Calculated
/// from the instruction count of the compression loop; no measurement on a part.
pub const STUB_MD5_PER_MB: Duration = Duration::from_millis(400);

/// The same by the ROM, which runs at the crystal's 40 MHz. Calculated likewise.
pub const ROM_MD5_PER_MB: Duration = Duration::from_millis(800);

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

/// From the ROM's hand-over to the app's first line. The bootloader's own log stamps with the app of
/// `esp-idf-template` in an emulator: 0.2 s to `Loaded app`; rounded up for a flash at 40 MHz.
pub const APP_START: Duration = Duration::from_millis(300);
