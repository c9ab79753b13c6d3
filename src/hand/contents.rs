//! What a board's flash holds, as far as its first bytes tell: bootloader, partition table, apps.
//! Bytes in, facts out.

use crate::image::{
    AppDescription, FlashHeader, OTADATA_BYTES, OtaSelection, Partition, PartitionTable,
    ota_selection,
};

/// What is on the part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    pub bootloader_offset: u32,
    pub bootloader: Bootloader,
    pub table_offset: u32,
    pub table: Table,
}

/// What stands where the ROM looks for a bootloader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bootloader {
    /// An image's header, with these flash settings.
    Image(FlashHeader),
    Blank,
    /// Something else, such as what flash encryption makes of an image.
    Unreadable,
}

impl Bootloader {
    pub(super) fn read(first_bytes: &[u8]) -> Bootloader {
        match FlashHeader::of_image(first_bytes) {
            Some(header) => Bootloader::Image(header),
            None if first_bytes.iter().all(|byte| *byte == 0xFF) => Bootloader::Blank,
            None => Bootloader::Unreadable,
        }
    }
}

/// The partition table, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    Found {
        partitions: Vec<Partition>,
        /// Apps that say what they are.
        apps: Vec<App>,
        /// The app partition that the bootloader starts, where the table tells.
        starts: Option<String>,
    },
    None {
        why: String,
    },
}

/// An app that is on the part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    pub partition: String,
    pub description: AppDescription,
}

/// The app partition that the bootloader starts, given what otadata holds.
pub(super) fn starts(table: &PartitionTable, otadata: Option<&[u8]>) -> Option<String> {
    let slots = table.ota_slots();
    let chosen = otadata.and_then(|bytes| ota_selection(bytes, slots.len() as u32));
    let app = match chosen {
        Some(OtaSelection::Slot(index)) => slots.get(index as usize).copied(),
        Some(OtaSelection::Default) | None => {
            let factory = |row: &&Partition| row.is_app() && row.subtype == 0;
            table.rows.iter().find(factory).or(slots.first().copied())
        }
    };
    app.map(|partition| partition.name.clone())
}

/// Where otadata is, if a table has one of its size.
pub(super) fn otadata(table: &PartitionTable) -> Option<&Partition> {
    table
        .otadata()
        .filter(|partition| partition.size_bytes >= OTADATA_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::Chip;
    use crate::image::sample;

    #[test]
    fn what_stands_at_the_bootloaders_place() {
        let image = sample::bootloader(Chip::Esp32);
        assert!(matches!(
            Bootloader::read(&image[..32]),
            Bootloader::Image(_)
        ));
        assert_eq!(Bootloader::read(&[0xFF; 32]), Bootloader::Blank);
        assert_eq!(Bootloader::read(&[0x31; 32]), Bootloader::Unreadable);
    }

    #[test]
    fn what_starts_without_otadata() {
        let table = sample::single_app_table();
        assert_eq!(starts(&table, None).as_deref(), Some("factory"));
    }
}
