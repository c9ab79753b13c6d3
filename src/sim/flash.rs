//! The flash part: erasing sets bits in whole sectors, programming only clears them. Counts what is
//! done to it; knows nothing of time.

use super::random::Random;
use super::spec::{BoardSpec, Contents, Fault};

/// The smallest part that can be erased.
pub const SECTOR: u32 = 0x1000;
/// What a block erase covers.
pub const BLOCK: u32 = 0x1_0000;
/// What is programmed at once.
pub const PAGE: u32 = 0x100;

/// Why the part did not do as told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashFault {
    /// Write protection: nothing was changed.
    Protected,
    /// The supply broke down in the middle of it.
    BrownOut,
}

/// A part. Sectors that are blank take no memory.
#[derive(Debug)]
pub struct Flash {
    sectors: Vec<Option<Box<[u8; SECTOR as usize]>>>,
    protection: Protection,
    lost_bytes: Vec<u32>,
    brown_outs: Vec<BrownOut>,
    programmed_bytes: u64,
    erased_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    None,
    Told,
    Silent,
}

#[derive(Debug)]
struct BrownOut {
    after_bytes: u64,
    times: u32,
    since_bytes: u64,
}

impl Flash {
    pub fn new(spec: &BoardSpec) -> Flash {
        let sectors = (spec.flash_bytes / SECTOR).max(1) as usize;
        let mut flash = Flash {
            sectors: (0..sectors).map(|_| None).collect(),
            protection: Protection::None,
            lost_bytes: Vec::new(),
            brown_outs: Vec::new(),
            programmed_bytes: 0,
            erased_bytes: 0,
        };
        for fault in &spec.faults {
            match *fault {
                Fault::LostByte { offset } => flash.lost_bytes.push(offset % flash.size()),
                Fault::WriteProtected => flash.protection = Protection::Told,
                Fault::WritesIgnored => flash.protection = Protection::Silent,
                Fault::ResetAfter { bytes, times } => flash.brown_outs.push(BrownOut {
                    after_bytes: bytes,
                    times,
                    since_bytes: 0,
                }),
                _ => {}
            }
        }
        match &spec.contents {
            Contents::Blank => {}
            Contents::Used => {
                let mut random = Random::new(spec.seed ^ 0xF1A5);
                for sector in &mut flash.sectors {
                    let mut bytes = Box::new([0; SECTOR as usize]);
                    bytes.fill_with(|| random.byte());
                    *sector = Some(bytes);
                }
            }
            Contents::Holds(bytes) => {
                for (sector, bytes) in flash.sectors.iter_mut().zip(bytes.chunks(SECTOR as usize)) {
                    if bytes.iter().any(|byte| *byte != 0xFF) {
                        let mut held = Box::new([0xFF; SECTOR as usize]);
                        held[..bytes.len()].copy_from_slice(bytes);
                        *sector = Some(held);
                    }
                }
            }
        }
        flash
    }

    pub fn size(&self) -> u32 {
        self.sectors.len() as u32 * SECTOR
    }

    pub fn programmed_bytes(&self) -> u64 {
        self.programmed_bytes
    }

    pub fn erased_bytes(&self) -> u64 {
        self.erased_bytes
    }

    /// What a read gives; past the end the part starts over.
    pub fn read(&self, address: u32, length: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length as usize);
        let mut at = address % self.size();
        while bytes.len() < length as usize {
            let within = (at % SECTOR) as usize;
            let take = (SECTOR as usize - within).min(length as usize - bytes.len());
            match &self.sectors[(at / SECTOR) as usize] {
                Some(sector) => bytes.extend_from_slice(&sector[within..within + take]),
                None => bytes.resize(bytes.len() + take, 0xFF),
            }
            at = (at + take as u32) % self.size();
        }
        let start = address % self.size();
        for lost in &self.lost_bytes {
            let index = (lost + self.size() - start) % self.size();
            if let Some(byte) = bytes.get_mut(index as usize) {
                *byte = 0xFF;
            }
        }
        bytes
    }

    /// Whether the sector that holds this address reads FF throughout.
    pub fn is_blank(&self, address: u32) -> bool {
        let start = address % self.size() / SECTOR * SECTOR;
        self.sectors[(start / SECTOR) as usize].is_none()
            || self.read(start, SECTOR).iter().all(|byte| *byte == 0xFF)
    }

    /// Erases the sectors that `length` bytes from `address` on touch.
    pub fn erase(&mut self, address: u32, length: u32) -> Result<(), FlashFault> {
        match self.protection {
            Protection::None => {}
            Protection::Told => return Err(FlashFault::Protected),
            Protection::Silent => return Ok(()),
        }
        let first = address / SECTOR;
        let end = (u64::from(address) + u64::from(length)).div_ceil(u64::from(SECTOR)) as u32;
        for sector in first..end {
            let index = sector as usize % self.sectors.len();
            self.sectors[index] = None;
            self.erased_bytes += u64::from(SECTOR);
        }
        Ok(())
    }

    /// Programs: bits only go to 0.
    pub fn program(&mut self, address: u32, bytes: &[u8]) -> Result<(), FlashFault> {
        match self.protection {
            Protection::None => {}
            Protection::Told => return Err(FlashFault::Protected),
            Protection::Silent => return Ok(()),
        }
        let room = self.room_before_brown_out();
        let bytes_held = &bytes[..bytes.len().min(room)];
        for (index, byte) in bytes_held.iter().enumerate() {
            if *byte == 0xFF {
                continue;
            }
            let at = (address.wrapping_add(index as u32)) % self.size();
            let sector = self.sectors[(at / SECTOR) as usize]
                .get_or_insert_with(|| Box::new([0xFF; SECTOR as usize]));
            sector[(at % SECTOR) as usize] &= byte;
        }
        self.programmed_bytes += bytes_held.len() as u64;
        let mut fails = false;
        for brown_out in &mut self.brown_outs {
            brown_out.since_bytes += bytes_held.len() as u64;
            if brown_out.times > 0 && brown_out.since_bytes >= brown_out.after_bytes {
                brown_out.times -= 1;
                brown_out.since_bytes = 0;
                fails = true;
            }
        }
        if fails {
            Err(FlashFault::BrownOut)
        } else {
            Ok(())
        }
    }

    /// The whole part.
    pub fn to_vec(&self) -> Vec<u8> {
        self.read(0, self.size())
    }

    fn room_before_brown_out(&self) -> usize {
        self.brown_outs
            .iter()
            .filter(|brown_out| brown_out.times > 0)
            .map(|brown_out| (brown_out.after_bytes - brown_out.since_bytes) as usize)
            .min()
            .unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> BoardSpec {
        BoardSpec::esp32(1).flash_size(64 << 10)
    }

    #[test]
    fn programming_only_clears_bits_and_erasing_sets_whole_sectors() {
        let mut flash = Flash::new(&small());
        flash.program(0x1000, &[0xF0, 0x0F]).unwrap();
        flash.program(0x1000, &[0xAA, 0xFF]).unwrap();
        assert_eq!(flash.read(0x0FFF, 4), [0xFF, 0xA0, 0x0F, 0xFF]);
        assert!(!flash.is_blank(0x1800));
        flash.erase(0x1FFF, 1).unwrap();
        assert!(flash.is_blank(0x1000));
        assert_eq!(flash.programmed_bytes(), 4);
        assert_eq!(flash.erased_bytes(), 4096);
    }

    #[test]
    fn addresses_past_the_end_start_over() {
        let mut flash = Flash::new(&small());
        flash.program(0xFFFF, &[1, 2]).unwrap();
        assert_eq!(flash.read(0xFFFF, 2), [1, 2]);
        assert_eq!(flash.read(0x1_0000, 1), [2]);
    }

    #[test]
    fn a_lost_byte_reads_ff_wherever_the_read_begins() {
        let mut flash = Flash::new(&small().fault(Fault::LostByte { offset: 0x2003 }));
        flash.program(0x2000, &[0; 8]).unwrap();
        assert_eq!(flash.read(0x2000, 8), [0, 0, 0, 0xFF, 0, 0, 0, 0]);
        assert_eq!(flash.read(0x2003, 2), [0xFF, 0]);
        assert_eq!(flash.read(0x2004, 2), [0, 0]);
    }

    #[test]
    fn a_brown_out_leaves_what_was_programmed_until_then() {
        let mut flash = Flash::new(&small().fault(Fault::ResetAfter { bytes: 3, times: 1 }));
        assert_eq!(flash.program(0, &[0; 8]), Err(FlashFault::BrownOut));
        assert_eq!(flash.read(0, 4), [0, 0, 0, 0xFF]);
        assert_eq!(flash.program(0, &[0; 8]), Ok(()));
    }

    #[test]
    fn a_protected_part_changes_nothing() {
        let check = |fault: Fault, says: Result<(), FlashFault>| {
            let mut flash = Flash::new(&small().fault(fault));
            assert_eq!(flash.program(0, &[0]), says);
            assert_eq!(flash.erase(0, 1), says);
            assert!(flash.is_blank(0));
            assert_eq!((flash.programmed_bytes(), flash.erased_bytes()), (0, 0));
        };
        check(Fault::WriteProtected, Err(FlashFault::Protected));
        check(Fault::WritesIgnored, Ok(()));
    }
}
