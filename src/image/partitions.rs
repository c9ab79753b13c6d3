//! The partition table as a file: rows of 32 bytes, an optional MD5 row, an end. What cannot be read
//! is a `TableError`; what can be read and cannot work is a list of `TableFault`s.
//!
//! Source: ESP-IDF, "Partition Tables"; `esp_flash_partitions.h`; the checks of `gen_esp32part.py`
//! and of the bootloader's `esp_partition_table_verify`.

use std::ops::Range;

use super::SECTOR_BYTES;
use super::digest::md5;

/// The room for a table's rows in its sector (`ESP_PARTITION_TABLE_MAX_LEN`).
pub const TABLE_BYTES: usize = 0xC00;
const ROW_BYTES: usize = 32;
const MAX_ROWS: usize = TABLE_BYTES / ROW_BYTES - 1;
const ROW_MAGIC: [u8; 2] = [0xAA, 0x50];
const MD5_MAGIC: [u8; 2] = [0xEB, 0xEB];
const END_MAGIC: [u8; 2] = [0xFF, 0xFF];
/// Apps are mapped by the MMU in pages of this size.
const APP_ALIGNMENT: u32 = 0x1_0000;

/// Partition types (`esp_partition_type_t`).
pub mod kind {
    pub const APP: u8 = 0;
    pub const DATA: u8 = 1;
    /// The bootloader and the table themselves, which newer ESP-IDF lists too.
    pub const BOOTLOADER: u8 = 2;
    pub const PARTITION_TABLE: u8 = 3;
}

/// Subtypes of data partitions (`esp_partition_subtype_t`).
pub mod data_subtype {
    /// Which app starts.
    pub const OTADATA: u8 = 0;
    pub const PHY: u8 = 1;
    pub const NVS: u8 = 2;
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub name: String,
    /// See [`kind`].
    pub kind: u8,
    pub subtype: u8,
    pub offset: u32,
    pub size_bytes: u32,
    /// Bit 0: encrypted. Bit 1: read-only.
    pub flags: u32,
}

impl Partition {
    pub fn is_app(&self) -> bool {
        self.kind == kind::APP
    }

    pub fn is_data(&self) -> bool {
        self.kind == kind::DATA
    }

    pub fn is_otadata(&self) -> bool {
        self.is_data() && self.subtype == data_subtype::OTADATA
    }

    /// Number n of `ota_n`.
    pub fn ota_slot(&self) -> Option<u8> {
        (self.is_app() && self.subtype & 0xF0 == 0x10).then_some(self.subtype & 0xF)
    }

    /// Flash addresses; u64 because a wrong row can reach past 4 GB.
    pub fn range(&self) -> Range<u64> {
        u64::from(self.offset)..u64::from(self.offset) + u64::from(self.size_bytes)
    }
}

/// A table that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartitionTable {
    /// In the file's order.
    pub rows: Vec<Partition>,
}

/// Why a file is no partition table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("the file holds no partition")]
    Empty,
    #[error(
        "row {row} (byte {}) begins with {:02x}{:02x} and not with aa50: this is no partition table, or a damaged one",
        (row - 1) * 32, found[0], found[1]
    )]
    BadRow { row: usize, found: [u8; 2] },
    #[error("the file ends within row {row}: it is cut short")]
    CutShort { row: usize },
    #[error("the table has more than {MAX_ROWS} rows")]
    TooManyRows,
    #[error("the MD5 row does not match the rows above it: the table is damaged")]
    Md5 {
        stored: [u8; 16],
        computed: [u8; 16],
    },
}

/// Why a table that could be read cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
    #[error("partitions '{first}' and '{second}' overlap at {at:#x}")]
    Overlap {
        first: String,
        second: String,
        at: u64,
    },
    #[error("partition '{name}' begins at {offset:#x}, which is no multiple of {alignment:#x}")]
    Misaligned {
        name: String,
        offset: u32,
        alignment: u32,
    },
    #[error("the size of partition '{name}' is {size_bytes:#x}, which is no multiple of 0x1000")]
    OddSize { name: String, size_bytes: u32 },
    #[error("partition '{name}' has no size")]
    NoSize { name: String },
    #[error("partition '{name}' ends at {end:#x}, past the flash's end at {flash_bytes:#x}")]
    PastEnd {
        name: String,
        end: u64,
        flash_bytes: u64,
    },
    #[error(
        "partition '{name}' begins at {offset:#x}, before the partition table's end at {table_end:#x}"
    )]
    BeforeTableEnd {
        name: String,
        offset: u32,
        table_end: u64,
    },
    #[error("two partitions are named '{name}'")]
    SameName { name: String },
    #[error("the otadata partition '{name}' has {size_bytes:#x} bytes and must have 0x2000")]
    OtadataSize { name: String, size_bytes: u32 },
    #[error("the table has more than one otadata partition")]
    SecondOtadata,
}

impl PartitionTable {
    /// Reads a table's rows. A table without an MD5 row (ESP-IDF before 3.1, or by configuration) is
    /// legal, and so is a file that ends after its last row, since erased flash reads as the end.
    pub fn parse(file: &[u8]) -> Result<PartitionTable, TableError> {
        let mut rows = Vec::new();
        for (index, bytes) in file.chunks(ROW_BYTES).enumerate() {
            let row = index + 1;
            if bytes.starts_with(&END_MAGIC) || bytes == [0xFF] {
                break;
            }
            let bytes: &[u8; ROW_BYTES] =
                bytes.try_into().map_err(|_| TableError::CutShort { row })?;
            match [bytes[0], bytes[1]] {
                ROW_MAGIC if rows.len() == MAX_ROWS => return Err(TableError::TooManyRows),
                ROW_MAGIC => rows.push(parse_row(bytes)),
                MD5_MAGIC => {
                    let computed = md5(&file[..index * ROW_BYTES]);
                    let stored = std::array::from_fn(|at| bytes[16 + at]);
                    if stored != computed {
                        return Err(TableError::Md5 { stored, computed });
                    }
                }
                found => return Err(TableError::BadRow { row, found }),
            }
        }
        if rows.is_empty() {
            return Err(TableError::Empty);
        }
        Ok(PartitionTable { rows })
    }

    /// The table as ESP-IDF writes it: rows, MD5 row, FF up to [`TABLE_BYTES`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = Vec::with_capacity(TABLE_BYTES);
        for row in &self.rows {
            file.extend(ROW_MAGIC);
            file.extend([row.kind, row.subtype]);
            file.extend(row.offset.to_le_bytes());
            file.extend(row.size_bytes.to_le_bytes());
            let mut label = [0; 16];
            for (to, from) in label.iter_mut().zip(row.name.bytes()) {
                *to = from;
            }
            file.extend(label);
            file.extend(row.flags.to_le_bytes());
        }
        let digest = md5(&file);
        file.extend(MD5_MAGIC);
        file.extend([0xFF; 14]);
        file.extend(digest);
        file.resize(TABLE_BYTES.max(file.len()), 0xFF);
        file
    }

    /// Everything that keeps the table from working. `flash_bytes`: the part's size, where it is
    /// known.
    pub fn faults(&self, table_offset: u32, flash_bytes: Option<u64>) -> Vec<TableFault> {
        let table_end = u64::from(table_offset) + u64::from(SECTOR_BYTES);
        let mut faults = Vec::new();
        for row in &self.rows {
            let name = || row.name.clone();
            let alignment = if row.is_app() {
                APP_ALIGNMENT
            } else {
                SECTOR_BYTES
            };
            if !row.offset.is_multiple_of(alignment) {
                faults.push(TableFault::Misaligned {
                    name: name(),
                    offset: row.offset,
                    alignment,
                });
            }
            if row.size_bytes == 0 {
                faults.push(TableFault::NoSize { name: name() });
            } else if !row.size_bytes.is_multiple_of(SECTOR_BYTES) {
                faults.push(TableFault::OddSize {
                    name: name(),
                    size_bytes: row.size_bytes,
                });
            }
            if let Some(flash_bytes) = flash_bytes
                && row.range().end > flash_bytes
            {
                faults.push(TableFault::PastEnd {
                    name: name(),
                    end: row.range().end,
                    flash_bytes,
                });
            }
            let is_the_loaders_own = matches!(row.kind, kind::BOOTLOADER | kind::PARTITION_TABLE);
            if u64::from(row.offset) < table_end && !is_the_loaders_own {
                faults.push(TableFault::BeforeTableEnd {
                    name: name(),
                    offset: row.offset,
                    table_end,
                });
            }
            if row.is_otadata() && row.size_bytes != 2 * SECTOR_BYTES {
                faults.push(TableFault::OtadataSize {
                    name: name(),
                    size_bytes: row.size_bytes,
                });
            }
        }
        if self.rows.iter().filter(|row| row.is_otadata()).count() > 1 {
            faults.push(TableFault::SecondOtadata);
        }
        for (index, second) in self.rows.iter().enumerate() {
            for first in &self.rows[..index] {
                if first.name == second.name {
                    faults.push(TableFault::SameName {
                        name: second.name.clone(),
                    });
                }
                let (a, b) = (first.range(), second.range());
                if a.start.max(b.start) < a.end.min(b.end) {
                    faults.push(TableFault::Overlap {
                        first: first.name.clone(),
                        second: second.name.clone(),
                        at: a.start.max(b.start),
                    });
                }
            }
        }
        faults
    }

    /// The partition that the address falls into.
    pub fn containing(&self, address: u32) -> Option<&Partition> {
        self.rows
            .iter()
            .find(|row| row.range().contains(&address.into()))
    }

    pub fn otadata(&self) -> Option<&Partition> {
        self.rows.iter().find(|row| row.is_otadata())
    }

    /// `ota_0`, `ota_1`, … in the order of their numbers, up to the first that is missing.
    pub fn ota_slots(&self) -> Vec<&Partition> {
        (0..16)
            .map_while(|slot| self.rows.iter().find(|row| row.ota_slot() == Some(slot)))
            .collect()
    }

    /// Where the last partition ends: the least flash that the table needs.
    pub fn end(&self) -> u64 {
        self.rows
            .iter()
            .map(|row| row.range().end)
            .max()
            .unwrap_or(0)
    }
}

fn parse_row(bytes: &[u8; ROW_BYTES]) -> Partition {
    let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|index| bytes[at + index]));
    let label = &bytes[12..28];
    let end = label.iter().position(|byte| *byte == 0).unwrap_or(16);
    Partition {
        kind: bytes[2],
        subtype: bytes[3],
        offset: word(4),
        size_bytes: word(8),
        name: String::from_utf8_lossy(&label[..end]).into_owned(),
        flags: word(28),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::sample;

    fn table(rows: &[(&str, u8, u8, u32, u32)]) -> PartitionTable {
        sample::partition_table(rows)
    }

    fn check(rows: &[(&str, u8, u8, u32, u32)], expect: &[&str]) {
        let found: Vec<String> = table(rows)
            .faults(0x8000, Some(4 << 20))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expect, "{rows:?}");
    }

    const NVS: (&str, u8, u8, u32, u32) = ("nvs", 1, 2, 0x9000, 0x6000);

    #[test]
    fn what_was_written_is_read() {
        let before = table(&[NVS, ("factory", 0, 0, 0x10000, 0x100000)]);
        let file = before.to_bytes();
        assert_eq!(file.len(), TABLE_BYTES);
        assert_eq!(PartitionTable::parse(&file), Ok(before.clone()));
        // old style: no MD5 row, no end row
        assert_eq!(PartitionTable::parse(&file[..64]), Ok(before));
    }

    #[test]
    fn what_is_no_table() {
        let file = table(&[NVS, ("factory", 0, 0, 0x10000, 0x100000)]).to_bytes();
        let parse = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut file = file.clone();
            change(&mut file);
            PartitionTable::parse(&file).unwrap_err()
        };
        assert_eq!(parse(&|f| f.clear()), TableError::Empty);
        assert_eq!(parse(&|f| f.fill(0xFF)), TableError::Empty);
        assert_eq!(
            parse(&|f| f[32] = 0),
            TableError::BadRow {
                row: 2,
                found: [0, 0x50]
            }
        );
        assert_eq!(parse(&|f| f.truncate(50)), TableError::CutShort { row: 2 });
        assert!(matches!(parse(&|f| f[20] ^= 1), TableError::Md5 { .. }));
        assert_eq!(
            parse(&|f| {
                let row = f[..32].to_vec();
                *f = row.repeat(96);
            }),
            TableError::TooManyRows
        );
    }

    #[test]
    fn faults() {
        check(
            &[
                NVS,
                ("otadata", 1, 0, 0xF000, 0x2000),
                ("ota_0", 0, 0x10, 0x20000, 0x10_0000),
            ],
            &[],
        );
        check(
            &[NVS, ("phy_init", 1, 1, 0xE000, 0x1000)],
            &["partitions 'nvs' and 'phy_init' overlap at 0xe000"],
        );
        check(
            &[("factory", 0, 0, 0x11000, 0x10000)],
            &["partition 'factory' begins at 0x11000, which is no multiple of 0x10000"],
        );
        check(
            &[("nvs", 1, 2, 0x9001, 0x1000)],
            &["partition 'nvs' begins at 0x9001, which is no multiple of 0x1000"],
        );
        check(
            &[("nvs", 1, 2, 0x9000, 0x1800), ("x", 1, 2, 0xB000, 0)],
            &[
                "the size of partition 'nvs' is 0x1800, which is no multiple of 0x1000",
                "partition 'x' has no size",
            ],
        );
        check(
            &[("factory", 0, 0, 0x10000, 0xFFFF_F000)],
            &["partition 'factory' ends at 0x10000f000, past the flash's end at 0x400000"],
        );
        check(
            &[("nvs", 1, 2, 0x8000, 0x1000), ("bl", 2, 0, 0x1000, 0x7000)],
            &["partition 'nvs' begins at 0x8000, before the partition table's end at 0x9000"],
        );
        check(
            &[NVS, ("nvs", 1, 2, 0x20000, 0x1000)],
            &["two partitions are named 'nvs'"],
        );
        check(
            &[
                ("otadata", 1, 0, 0x9000, 0x1000),
                ("b", 1, 0, 0xA000, 0x2000),
            ],
            &[
                "the otadata partition 'otadata' has 0x1000 bytes and must have 0x2000",
                "the table has more than one otadata partition",
            ],
        );
    }

    #[test]
    fn finding() {
        let table = table(&[
            NVS,
            ("ota_1", 0, 0x11, 0x120000, 0x100000),
            ("ota_0", 0, 0x10, 0x20000, 0x100000),
            ("ota_3", 0, 0x13, 0x220000, 0x100000),
        ]);
        let names: Vec<&str> = table.ota_slots().iter().map(|p| &*p.name).collect();
        assert_eq!(names, ["ota_0", "ota_1"]);
        assert_eq!(table.containing(0x9FFF).unwrap().name, "nvs");
        assert_eq!(table.containing(0xF000), None);
        assert_eq!(table.otadata(), None);
        assert_eq!(table.end(), 0x320000);
    }

    proptest! {
        #[test]
        fn no_input_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..300), magic: bool) {
            if magic {
                for row in bytes.chunks_mut(ROW_BYTES).filter(|row| row.len() > 1) {
                    row[..2].copy_from_slice(&ROW_MAGIC);
                }
            }
            if let Ok(table) = PartitionTable::parse(&bytes) {
                table.faults(0x8000, Some(4 << 20));
                table.end();
            }
        }
    }
}
