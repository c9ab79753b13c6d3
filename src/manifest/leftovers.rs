//! Partitions against images and decisions: an image fits its partition, and for whatever part of a
//! data partition no image fills, it is known whether it is erased or kept.
//!
//! Partitions are whole sectors and images begin with a sector, so no sector is an image's and a kept
//! partition's at once: what an image leaves of its last sector is its own, and nothing has to be
//! read, kept aside and written back.

use super::draft::{Decision, Draft, error};
use super::firmware;
use super::roles::{Placed, Role};
use super::{AgainPolicy, DataPartition, ErasePolicy, Leftover};
use crate::image::{
    OtaSelection, Partition, PartitionTable, SECTOR_BYTES, data_subtype, kind, ota_selection,
};
use crate::settings::{Document, Fault, Severity};

/// Tells images that do not fit their partitions.
pub(super) fn fit(
    document: &Document<'_>,
    draft: &Draft,
    table: Option<&PartitionTable>,
    placed: &[Placed<'_>],
) {
    for Placed {
        content,
        offset,
        role,
    } in placed
    {
        let Some(said) = &content.draft.offset else {
            continue;
        };
        let (name, bytes) = (&content.name, content.bytes.len());
        let end = u64::from(*offset) + bytes as u64;
        match role {
            Role::App(row) if *offset != row.offset => document.error(
                &said.span,
                format!(
                    "`{name}` begins in the middle of the app partition `{}`",
                    row.name
                ),
                format!(
                    "an app begins with its partition: set offset = {:#x}",
                    row.offset
                ),
            ),
            Role::App(row) | Role::Data(row) if end > row.range().end => {
                let room = row.range().end - u64::from(*offset);
                document.error(
                    &said.span,
                    format!(
                        "`{name}` does not fit in partition `{}`: it has {bytes} bytes, and there is room for {room}",
                        row.name
                    ),
                    "make it smaller, or give it more room in the partition table's .csv",
                );
            }
            Role::Bootloader
                if end > u64::from(draft.table_offset())
                    && !draft.names_image_at(draft.table_offset()) =>
            {
                document.error(
                    &said.span,
                    format!(
                        "`{name}` ends at {end:#x}, past the partition table's place at {:#x}",
                        draft.table_offset()
                    ),
                    "make the bootloader smaller, or correct `partition_table_offset`",
                );
            }
            Role::Table | Role::Loose if let Some(row) = reached(table, *offset, end) => {
                document.error(
                    &said.span,
                    format!(
                        "`{name}` ends at {end:#x} and reaches into partition `{}`",
                        row.name
                    ),
                    "make it smaller, or correct its offset or the partition table's .csv",
                );
            }
            Role::Loose if !content.claims_esp() => {
                document.push(Fault::new(
                    Severity::Warning,
                    document.source(),
                    Some(said.span.clone()),
                    format!("`{name}` lies in no partition"),
                    "check the offset, unless the firmware reads this place without a partition",
                ));
            }
            _ => {}
        }
    }
}

/// The first partition that a run of flash outside of any reaches into.
fn reached(table: Option<&PartitionTable>, offset: u32, end: u64) -> Option<&Partition> {
    let rows = table?
        .rows
        .iter()
        .filter(|row| is_data(row) || row.is_app());
    rows.filter(|row| row.range().start > offset.into() && row.range().start < end)
        .min_by_key(|row| row.offset)
}

/// What becomes of the data partitions that no image fills, or fills only in part.
pub(super) fn decide(
    document: &Document<'_>,
    draft: &Draft,
    table: &PartitionTable,
    placed: &[Placed<'_>],
) -> Vec<DataPartition> {
    let data = || table.rows.iter().filter(|row| is_data(row));
    for decision in &draft.decisions {
        let Some(row) = table
            .rows
            .iter()
            .find(|row| row.name == decision.name.value)
        else {
            let names: Vec<&str> = data().map(|row| row.name.as_str()).collect();
            document.error(
                &decision.name.span,
                format!(
                    "the partition table has no partition `{}`",
                    decision.name.value
                ),
                format!("its data partitions are: {}", names.join(", ")),
            );
            continue;
        };
        if !is_data(row) {
            document.error(
                &decision.name.span,
                format!("`{}` is no data partition", row.name),
                "leave it out: what no image fills there is kept",
            );
        } else if gaps(row, placed).is_empty() {
            document.error(
                &decision.name.span,
                format!("an image fills the whole partition `{}`", row.name),
                "leave the decision out, or the image",
            );
        } else if draft.erase() == ErasePolicy::All && decision.leftover.value == Leftover::Keep {
            let fault = error(
                document,
                &decision.leftover.span,
                format!("`{}` cannot be kept: the whole flash is erased", row.name),
                "write leftover = \"erase\", or erase = \"touched\"",
            );
            let erase = draft.erase.as_ref().map(|found| found.span.clone());
            document.push(match erase {
                Some(span) => fault.and(span, "erases everything"),
                None => fault,
            });
        }
    }
    let mut leftovers = Vec::new();
    let erases_apps = draft.erase() == ErasePolicy::Regions;
    let rows = table.rows.iter();
    for row in
        rows.filter(|row| is_data(row) || erases_apps && row.is_app() && is_begun(row, placed))
    {
        let decision = draft.decisions.iter().find(|d| d.name.value == row.name);
        leftovers.extend(leftover(document, draft, row, decision, placed));
    }
    if let Some(starts) = starts(draft, table, placed) {
        firmware::warn_of_the_start(document, placed, starts);
    }
    leftovers
}

/// One data partition's gaps with the decision on them.
fn leftover(
    document: &Document<'_>,
    draft: &Draft,
    row: &Partition,
    decision: Option<&Decision>,
    placed: &[Placed<'_>],
) -> Vec<DataPartition> {
    let gaps = gaps(row, placed);
    let said = decision.map(|decision| decision.leftover.value);
    let (leftover, is_undecided) = match (draft.erase(), said) {
        (ErasePolicy::All, _) => (Leftover::Erase, false),
        (ErasePolicy::Touched | ErasePolicy::Regions, Some(leftover)) => (leftover, false),
        (ErasePolicy::Regions, None) if is_begun(row, placed) => (Leftover::Erase, false),
        (ErasePolicy::Touched | ErasePolicy::Regions, None) => (Leftover::Keep, true),
    };
    if is_undecided && !gaps.is_empty() {
        if row.is_otadata() {
            let table = placed
                .iter()
                .find(|p| matches!(p.role, Role::Table | Role::Merged));
            let path = table.and_then(|table| table.content.draft.path.as_ref());
            let fault = Fault::new(
                Severity::Error,
                document.source(),
                path.map(|path| path.span.clone()),
                format!(
                    "it is not decided what becomes of `{}`, which says which app starts",
                    row.name
                ),
                format!(
                    "add [[partition]] name = \"{0}\" with leftover = \"erase\" (the first app starts) or \"keep\" \
                     (what the board was last told starts), or an image for {1:#x}",
                    row.name, row.offset
                ),
            );
            document.push(fault);
        } else if let Some(part) = placed.iter().find(|p| p.role == Role::Data(row)) {
            let span = part
                .content
                .draft
                .offset
                .as_ref()
                .map(|found| found.span.clone());
            document.push(Fault::new(
                Severity::Warning,
                document.source(),
                span,
                format!(
                    "`{}` fills only a part of partition `{}`: what the flash held behind it stays",
                    part.content.name, row.name
                ),
                format!(
                    "add [[partition]] name = \"{}\" with leftover = \"erase\", or \"keep\" if that is meant",
                    row.name
                ),
            ));
        }
    }
    let gap = |(offset, size_bytes)| DataPartition {
        name: row.name.clone(),
        offset,
        size_bytes,
        leftover,
    };
    gaps.into_iter().map(gap).collect()
}

/// Warns where a board whose app has run is never good already: the app writes what is compared.
pub(super) fn again(document: &Document<'_>, draft: &Draft, placed: &[Placed<'_>]) {
    let Some(again) = (draft.again.as_ref()).filter(|again| again.value != AgainPolicy::Flash)
    else {
        return;
    };
    let is_nvs = |row: &Partition| {
        row.is_data() && row.subtype == data_subtype::NVS && row.flags & READ_ONLY == 0
    };
    for part in placed {
        if let Role::Data(row) = part.role
            && is_nvs(row)
            && let Some(offset) = &part.content.draft.offset
        {
            let fault = Fault::new(
                Severity::Warning,
                document.source(),
                Some(offset.span.clone()),
                format!(
                    "`{}` fills `{}`, which the app writes to: a board whose app has run differs, and is flashed again",
                    part.content.name, row.name
                ),
                "leave `again` out, or give the app another partition for what it stores itself",
            );
            document.push(fault.and(again.span.clone(), "compares all images"));
        }
    }
}

/// The partition table's flag for what no app writes.
const READ_ONLY: u32 = 2;

/// Apps and the loader's own partitions are never left-overs.
fn is_data(row: &Partition) -> bool {
    !matches!(
        row.kind,
        kind::APP | kind::BOOTLOADER | kind::PARTITION_TABLE
    )
}

/// Whether an image lies in the partition.
fn is_begun(row: &Partition, placed: &[Placed<'_>]) -> bool {
    let range = row.range();
    placed.iter().any(|placed| {
        let end = placed.content.end().unwrap_or(0);
        u64::from(placed.offset) < range.end && end > range.start
    })
}

/// Whole sectors of a partition that no image touches: offset and size in bytes.
fn gaps(row: &Partition, placed: &[Placed<'_>]) -> Vec<(u32, u32)> {
    let sector = u64::from(SECTOR_BYTES);
    let mut images: Vec<(u64, u64)> = placed
        .iter()
        .filter_map(|placed| Some((u64::from(placed.offset), placed.content.end()?)))
        .collect();
    images.sort_unstable();
    let end = row.range().end / sector * sector;
    let mut gaps = Vec::new();
    let mut from = row.range().start.next_multiple_of(sector);
    for (image_start, image_end) in images.into_iter().chain([(end, end)]) {
        let until = (image_start / sector * sector).min(end);
        if let (Ok(offset), Ok(size)) = (
            u32::try_from(from),
            u32::try_from(until.saturating_sub(from)),
        ) && size > 0
        {
            gaps.push((offset, size));
        }
        from = from.max(image_end.next_multiple_of(sector));
    }
    gaps
}

/// The app that the bootloader starts after the flashing, where that is certain.
fn starts<'t>(
    draft: &Draft,
    table: &'t PartitionTable,
    placed: &[Placed<'_>],
) -> Option<&'t Partition> {
    let slots = table.ota_slots();
    let factory = table
        .rows
        .iter()
        .find(|row| row.is_app() && row.subtype == 0);
    let default = factory.or_else(|| slots.first().copied());
    let Some(otadata) = table.otadata() else {
        return default;
    };
    if let Some(image) = placed.iter().find(|p| p.offset == otadata.offset) {
        return match ota_selection(&image.content.bytes, slots.len() as u32)? {
            OtaSelection::Default => default,
            OtaSelection::Slot(slot) => slots.get(slot as usize).copied(),
        };
    }
    let decision = draft
        .decisions
        .iter()
        .find(|d| d.name.value == otadata.name);
    let is_erased = draft.erase() == ErasePolicy::All
        || decision.is_some_and(|d| d.leftover.value == Leftover::Erase);
    is_erased.then_some(default).flatten()
}
