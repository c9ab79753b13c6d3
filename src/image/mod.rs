//! Images as files: the ESP application and bootloader image (`esp`), the partition table
//! (`partitions`), otadata, and digests. Bytes in, facts or an error out. `sample` makes firmware
//! that is in order and does nothing, for the demo and for tests. Leaves out which images belong
//! together (`manifest`) and how they are written (`plan`).

mod digest;
mod esp;
mod esp8266;
mod otadata;
mod partitions;
pub mod sample;

pub use digest::{hex, in_hex, md5, sha256, some_in_hex, unhex};
pub use esp::{AppDescription, EspImage, FlashHeader, ImageError, Segment, patch_flash_header};
pub use otadata::{OTADATA_BYTES, OtaEntry, OtaSelection, ota_selection};
pub use partitions::{
    Partition, PartitionTable, TABLE_BYTES, TableError, TableFault, data_subtype, kind,
};

/// The smallest piece of flash that can be erased.
pub const SECTOR_BYTES: u32 = 0x1000;
