//! From text and bytes to a bundle: every check in turn, then the bundle if none found an error.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::contents;
use super::draft::{self, Draft};
use super::layout::{self, Capacity};
use super::roles::{self, Placed, Role};
use super::{
    AgainPolicy, Bundle, DataPartition, FlashParameter, FlashSettings, Image, Manifest,
    SecureDownload, VerifyPolicy,
};
use super::{firmware, leftovers};
use crate::chip::Chip;
use crate::image::{PartitionTable, SECTOR_BYTES};
use crate::settings::{Document, Fault, FileError, Found, Severity, Source};

pub(super) fn assemble(
    source: &Source,
    read: impl FnMut(&Path) -> Result<Vec<u8>, FileError>,
) -> Result<Bundle, Vec<Fault>> {
    let document = Document::parse(source)?;
    let draft = draft::read(&document);
    let contents = contents::read(&document, &draft, read);
    let bootloader_offset = draft
        .chip
        .as_ref()
        .map(|chip| chip.value.facts().bootloader_offset);
    let bootloader = contents
        .iter()
        .find(|content| content.offset.is_some() && content.offset == bootloader_offset);
    let capacity = Capacity::of(&draft, bootloader);
    layout::check(&document, &draft, &contents, capacity.as_ref());
    let table = roles::table(&document, &draft, &contents, capacity.as_ref());
    let placed = roles::placed(&draft, table.as_ref(), &contents);
    firmware::check(&document, &draft, &placed);
    leftovers::fit(&document, &draft, table.as_ref(), &placed);
    leftovers::again(&document, &draft, &placed);
    // what a partition is left with can be told only when every image is there
    let is_complete = placed.len() == draft.images.len();
    let leftovers = match &table {
        Some(table) if is_complete => leftovers::decide(&document, &draft, table, &placed),
        _ => Vec::new(),
    };
    if is_complete {
        missing(&document, &draft, table.as_ref(), &placed);
    }
    let needed_flash_bytes = needed(capacity.as_ref(), table.as_ref(), &placed);
    for id in &draft.flash_ids {
        if let Some(bytes) = id.value.size_bytes()
            && bytes < needed_flash_bytes
        {
            document.error(
                &id.span,
                format!(
                    "part {} has {} bytes, and {needed_flash_bytes} are needed",
                    id.value, bytes
                ),
                "leave it out, or make do with less flash",
            );
        }
    }
    let finished = finish(source, &draft, &placed, leftovers, needed_flash_bytes);
    match finished {
        Some(mut bundle) if !document.has_errors() => {
            bundle.warnings = document.into_faults();
            Ok(bundle)
        }
        _ => Err(document.into_faults()),
    }
}

/// Warns where a board would need something that is on it already.
fn missing(
    document: &Document<'_>,
    draft: &Draft,
    table: Option<&PartitionTable>,
    placed: &[Placed<'_>],
) {
    let warn = |message: String, advice: &str| {
        let fault = Fault::new(Severity::Warning, document.source(), None, message, advice);
        document.push(fault);
    };
    let is_merged = placed.iter().any(|p| p.role == Role::Merged);
    let offset = draft.table_offset();
    if let Some(chip) = &draft.chip {
        let bootloader = chip.value.facts().bootloader_offset;
        if !is_merged && !draft.names_image_at(bootloader) {
            warn(
                format!("no image is the bootloader at {bootloader:#x}"),
                "add it, unless every board has it already",
            );
        }
    }
    if table.is_none() && !draft.names_image_at(offset) && has_partitions(draft) {
        warn(
            format!(
                "no image is the partition table at {offset:#x}, so apps and data are checked against none"
            ),
            "add it, unless every board has it already",
        );
    }
    if table.is_none() && !draft.names_image_at(offset) {
        for decision in &draft.decisions {
            document.error(
                &decision.name.span,
                "there is no partition table that this partition could be in",
                "add the partition table as an image",
            );
        }
    }
    for Placed { content, role, .. } in placed {
        if *role == Role::Merged
            && let Some(path) = &content.draft.path
        {
            document.push(Fault::new(
                Severity::Warning,
                document.source(),
                Some(path.span.clone()),
                format!("`{}` is a merged file: it overwrites whatever lies between its parts", content.name),
                "give bootloader, partition table and apps as images of their own: they are checked one by one, and stored data survives",
            ));
        }
    }
    let has_app_partition = table.is_some_and(|table| table.rows.iter().any(|row| row.is_app()));
    let has_app = placed
        .iter()
        .any(|p| matches!(p.role, Role::App(_) | Role::Merged));
    if has_app_partition && !has_app {
        warn(
            "no image is an app".to_owned(),
            "add it, unless every board has it already",
        );
    }
}

/// Whether the firmware of this chip looks for a partition table. An ESP8266's older SDKs and Arduino
/// have none: the linker script lays the flash out.
fn has_partitions(draft: &Draft) -> bool {
    !matches!(&draft.chip, Some(chip) if chip.value == Chip::Esp8266)
}

/// The least flash with which a board works.
fn needed(
    capacity: Option<&Capacity>,
    table: Option<&PartitionTable>,
    placed: &[Placed<'_>],
) -> u64 {
    let images = placed.iter().filter_map(|placed| placed.content.end());
    let images = images
        .max()
        .unwrap_or(0)
        .next_multiple_of(SECTOR_BYTES.into());
    let table = table.map_or(0, PartitionTable::end);
    let header = capacity
        .filter(|part| part.in_header)
        .map_or(0, |part| part.bytes);
    images.max(table).max(header)
}

/// The bundle, if every value that it must have is there.
fn finish(
    source: &Source,
    draft: &Draft,
    placed: &[Placed<'_>],
    leftovers: Vec<DataPartition>,
    needed_flash_bytes: u64,
) -> Option<Bundle> {
    let (min_revision, max_revision) = firmware::revisions(draft, placed);
    let chip = draft.chip.as_ref()?.value;
    let mut images: Vec<Image> = placed
        .iter()
        .map(
            |Placed {
                 content, offset, ..
             }| Image {
                name: content.name.clone(),
                path: content.path.clone(),
                offset: *offset,
                bytes: content.bytes.clone(),
                sha256: content.sha256,
                is_bootloader: *offset == chip.facts().bootloader_offset && content.esp.is_ok(),
                said: (content.draft.offset.as_ref())
                    .map_or_else(Range::default, |offset| offset.span.clone()),
            },
        )
        .collect();
    images.sort_by_key(|image| image.offset);
    let flash = FlashSettings {
        mode: said_or_keep(&draft.flash.mode),
        frequency: said_or_keep(&draft.flash.frequency),
        size: said_or_keep(&draft.flash.size),
    };
    Some(Bundle {
        digest: digest(source.text(), &images),
        manifest: Manifest {
            product: draft.product.as_ref()?.value.clone(),
            version: draft.version.as_ref()?.value.clone(),
            chip,
            min_revision,
            max_revision,
            flash_ids: draft.flash_ids.iter().map(|id| id.value).collect(),
            bauds: draft.bauds.clone(),
            partition_table_offset: draft.table_offset(),
            flash,
            write: draft.write(),
            erase: draft.erase(),
            boot: draft.boot.clone().map(Arc::new),
            verify: draft
                .verify
                .as_ref()
                .map_or(VerifyPolicy::Md5, |found| found.value),
            secure_download: (draft.secure_download.as_ref())
                .map_or(SecureDownload::Refuse, |found| found.value),
            again: (draft.again.as_ref()).map_or(AgainPolicy::Flash, |found| found.value),
        },
        text: source.text().into(),
        images,
        leftovers,
        needed_flash_bytes,
        warnings: Vec::new(),
    })
}

fn said_or_keep<T: Copy>(said: &Option<Found<FlashParameter<T>>>) -> FlashParameter<T> {
    said.as_ref()
        .map_or(FlashParameter::Keep, |found| found.value)
}

/// SHA-256 over the text and the digests of the images by offset, each with its length before it.
fn digest(text: &str, images: &[Image]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let images = images.iter().map(|image| image.sha256.as_slice());
    for part in std::iter::once(text.as_bytes()).chain(images) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
