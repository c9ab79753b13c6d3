//! The stub's writing: BEGIN, DATA and END, plain and compressed, with erases just ahead of the data.

use std::time::Duration;

use super::{
    BAD_CHECKSUM, BAD_LENGTH, FAILED_SPI, Handled, INFLATE_FAILED, NOT_ENOUGH_DATA,
    NOT_IN_FLASH_MODE, Reply, Stub, TOO_MUCH_DATA, Work,
};
use crate::sim::cost;
use crate::sim::flash::{BLOCK, FlashFault, SECTOR};
use crate::sim::hardware::{Hardware, word};
use crate::sim::inflate::{Checksum, Inflated, Inflater, Input, WINDOW};

/// Between BEGIN and END.
#[derive(Debug)]
pub struct Write {
    left_bytes: u32,
    compressed_left: u32,
    address: u32,
    erase_at: u32,
    erase_left: u32,
    dirty_seen: bool,
    inflater: Inflater,
    window: Vec<u8>,
}

impl Stub {
    pub(super) fn begin(&mut self, data: &[u8], hardware: &mut Hardware) -> Handled {
        if data.len() != 16 && data.len() != 20 {
            return Err(BAD_LENGTH);
        }
        let [total, blocks, block_bytes, address] = [0, 4, 8, 12].map(|at| word(data, at));
        let start = address / SECTOR * SECTOR;
        let end = address
            .wrapping_add(total)
            .checked_next_multiple_of(SECTOR)
            .unwrap_or(0);
        let write = self.write.insert(Write {
            left_bytes: total,
            compressed_left: blocks.wrapping_mul(block_bytes),
            address,
            erase_at: start,
            erase_left: end.wrapping_sub(start),
            dirty_seen: false,
            inflater: Inflater::new(),
            window: Vec::new(),
        });
        // the first erase is started and not waited for
        write.erase_next(hardware)?;
        Ok(Reply::default())
    }

    pub(super) fn end(&mut self, data: &[u8]) -> Handled {
        if data.len() != 4 {
            return Err(BAD_LENGTH);
        }
        match &self.write {
            None => Err(NOT_IN_FLASH_MODE),
            Some(write) if write.left_bytes != 0 => Err(BAD_LENGTH),
            Some(_) => {
                // the reboot flag does nothing
                self.write = None;
                Ok(Reply::default())
            }
        }
    }

    pub(super) fn flash_data(
        &mut self,
        data: &[u8],
        checksum: u32,
        hardware: &mut Hardware,
    ) -> Handled {
        if data.len() < 16 {
            return Err(NOT_ENOUGH_DATA);
        }
        if self.write.is_none() {
            return Err(NOT_IN_FLASH_MODE);
        }
        let block = &data[16..];
        if word(data, 0) as usize != block.len() {
            return Err(TOO_MUCH_DATA);
        }
        check(block, checksum, hardware)?;
        Ok(Reply {
            work: Work::Write {
                data: block.to_vec(),
            },
            ..Reply::default()
        })
    }

    pub(super) fn deflate_data(
        &mut self,
        data: &[u8],
        checksum: u32,
        hardware: &mut Hardware,
    ) -> Handled {
        if data.len() < 16 {
            return Err(BAD_LENGTH);
        }
        if self.write.is_none() {
            return Err(NOT_IN_FLASH_MODE);
        }
        // it believes the length that the block says
        let length = (word(data, 0) as usize).min(data.len() - 16);
        let block = &data[16..16 + length];
        check(block, checksum, hardware)?;
        Ok(Reply {
            work: Work::Inflate {
                block: word(data, 4),
                data: block.to_vec(),
            },
            ..Reply::default()
        })
    }

    /// Writes a plain block; what is more than BEGIN said is dropped.
    pub(super) fn write_data(
        &mut self,
        data: &[u8],
        hardware: &mut Hardware,
    ) -> Result<Duration, u16> {
        let left = self.write.as_ref().map_or(0, |write| write.left_bytes);
        self.program(&data[..data.len().min(left as usize)], hardware)
    }

    pub(super) fn inflate(
        &mut self,
        block: u32,
        data: &[u8],
        hardware: &mut Hardware,
    ) -> Result<Duration, u16> {
        let fails = hardware.troubles.inflate_fails(block);
        let Some(write) = &mut self.write else {
            return Err(NOT_IN_FLASH_MODE);
        };
        if block == 0 {
            write.window.clear();
        }
        let mut took = write.erase_next(hardware)?;
        if write.inflater.is_done() {
            // a last block that holds only the checksum: nobody looks at it
            return Ok(took);
        }
        write.compressed_left = write.compressed_left.wrapping_sub(data.len() as u32);
        let held = write.window.len();
        // only the call that reads the stream's head compares the checksum at its end
        let checksum = match block {
            0 => Checksum::Compared,
            _ => Checksum::Ignored,
        };
        let inflated = write
            .inflater
            .feed(checksum, Input::Continues, data, &mut write.window);
        took += cost::STUB_INFLATE_PER_KB * (write.window.len() - held).div_ceil(1024) as u32;
        let failed = matches!(inflated, Inflated::Corrupt | Inflated::WrongChecksum);
        let mut ready = write.window.len() / WINDOW * WINDOW;
        if write.inflater.is_done() {
            ready = write.window.len();
        }
        let ready: Vec<u8> = write.window.drain(..ready).collect();
        for window in ready.chunks(WINDOW) {
            took += self.program(window, hardware)?;
        }
        if failed || fails {
            Err(INFLATE_FAILED)
        } else {
            Ok(took)
        }
    }

    /// Erases as far as `data` reaches, and programs it.
    fn program(&mut self, data: &[u8], hardware: &mut Hardware) -> Result<Duration, u16> {
        let Some(write) = &mut self.write else {
            return Err(NOT_IN_FLASH_MODE);
        };
        let (address, length) = (write.address, data.len() as u32);
        let mut took = Duration::ZERO;
        while write.erase_left > 0 && write.erase_at < address.saturating_add(length) {
            took += write.erase_next(hardware)?;
        }
        write.left_bytes = write.left_bytes.wrapping_sub(length);
        write.address = address.wrapping_add(length);
        if length > 0 {
            self.within(address, length)?;
        }
        match hardware.program(address, data) {
            Err(FlashFault::Protected) => Err(FAILED_SPI),
            Ok(()) | Err(FlashFault::BrownOut) => Ok(took + hardware.costs.program(length)),
        }
    }
}

impl Write {
    /// The next erase: sectors that are blank are left alone until the first that is not; from there
    /// on 64 KB at a time where it is aligned and enough is left.
    fn erase_next(&mut self, hardware: &mut Hardware) -> Result<Duration, u16> {
        if self.erase_left == 0 {
            return Ok(Duration::ZERO);
        }
        if !self.dirty_seen {
            if hardware.flash.is_blank(self.erase_at) {
                self.erase_at = self.erase_at.wrapping_add(SECTOR);
                self.erase_left -= self.erase_left.min(SECTOR);
                return Ok(cost::READ_PER_KB * (SECTOR / 1024));
            }
            self.dirty_seen = true;
        }
        erase_step(&mut self.erase_at, &mut self.erase_left, hardware)
    }
}

/// The next erase, of 64 KB where it is aligned and enough is left, else of a sector.
pub fn erase_step(at: &mut u32, left: &mut u32, hardware: &mut Hardware) -> Result<Duration, u16> {
    let (bytes, took) = if *left >= BLOCK && at.is_multiple_of(BLOCK) {
        (BLOCK, hardware.costs.block_erase())
    } else {
        (SECTOR, hardware.costs.sector_erase())
    };
    hardware.erase(*at, bytes).map_err(|_| FAILED_SPI)?;
    *at = at.wrapping_add(bytes);
    *left -= (*left).min(bytes);
    Ok(took)
}

fn check(block: &[u8], checksum: u32, hardware: &mut Hardware) -> Result<(), u16> {
    let sum = block.iter().fold(0xEF, |sum, byte| sum ^ byte);
    if u32::from(sum) != checksum || hardware.troubles.checksum_refused() {
        Err(BAD_CHECKSUM)
    } else {
        Ok(())
    }
}
