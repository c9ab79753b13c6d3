//! What each image is: told by its place in the partition table, and by its bytes.

use super::contents::Content;
use super::draft::{Draft, error};
use super::layout::Capacity;
use crate::image::{Partition, PartitionTable, TABLE_BYTES, TableError, TableFault, kind};
use crate::settings::Document;

/// What an image is, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role<'t> {
    Bootloader,
    Table,
    /// One file that holds the partition table and what lies around it.
    Merged,
    App(&'t Partition),
    /// In a partition of any other kind.
    Data(&'t Partition),
    /// In a partition of the loader's own: a bootloader kept as a spare.
    Spare,
    /// There is a table, and the image lies in none of its partitions.
    Loose,
    /// There is no table to tell.
    Unknown,
}

/// An image at its place.
pub(super) struct Placed<'a> {
    pub content: &'a Content<'a>,
    pub offset: u32,
    pub role: Role<'a>,
}

/// The images that have a place, with their roles.
pub(super) fn placed<'a>(
    draft: &Draft,
    table: Option<&'a PartitionTable>,
    contents: &'a [Content<'a>],
) -> Vec<Placed<'a>> {
    let placed = contents.iter().filter_map(|content| {
        let offset = content.offset?;
        let role = role(draft, table, content, offset);
        Some(Placed {
            content,
            offset,
            role,
        })
    });
    placed.collect()
}

fn role<'t>(
    draft: &Draft,
    table: Option<&'t PartitionTable>,
    content: &Content<'_>,
    offset: u32,
) -> Role<'t> {
    let bootloader = draft
        .chip
        .as_ref()
        .map(|chip| chip.value.facts().bootloader_offset);
    if merged_table(draft, content).is_some() {
        return Role::Merged;
    }
    if bootloader == Some(offset) {
        return Role::Bootloader;
    }
    if offset == draft.table_offset() {
        return Role::Table;
    }
    let Some(table) = table else {
        return Role::Unknown;
    };
    match table.containing(offset) {
        Some(row) if row.is_app() => Role::App(row),
        Some(row) if matches!(row.kind, kind::BOOTLOADER | kind::PARTITION_TABLE) => Role::Spare,
        Some(row) => Role::Data(row),
        None => Role::Loose,
    }
}

/// The partition table's bytes within an image that begins before it.
fn merged_table<'c>(draft: &Draft, content: &'c Content<'_>) -> Option<&'c [u8]> {
    let into = draft.table_offset().checked_sub(content.offset?)? as usize;
    let rest = content.bytes.get(into..)?;
    (into > 0 && looks_like_a_table(rest)).then(|| &rest[..rest.len().min(TABLE_BYTES)])
}

fn looks_like_a_table(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xAA, 0x50])
}

/// The partition table of the images, if there is one in order; otherwise tells why not.
pub(super) fn table(
    document: &Document<'_>,
    draft: &Draft,
    contents: &[Content<'_>],
    capacity: Option<&Capacity>,
) -> Option<PartitionTable> {
    let place = draft.table_offset();
    for content in contents {
        let Some(offset) = &content.draft.offset else {
            continue;
        };
        if offset.value != place && looks_like_a_table(&content.bytes) {
            let fault = error(
                document,
                &offset.span,
                format!(
                    "`{}` is a partition table at {:#x}, and the bootloader looks for it at {place:#x}",
                    content.name, offset.value
                ),
                "set `partition_table_offset` as CONFIG_PARTITION_TABLE_OFFSET says, and the image's offset to the same",
            );
            document.push(match &draft.table_offset {
                Some(said) => fault.and(said.span.clone(), "looked for here"),
                None => fault,
            });
        }
    }
    let (content, bytes) = contents.iter().find_map(|content| {
        let apart = (content.offset == Some(place)).then_some(&*content.bytes);
        Some((content, apart.or_else(|| merged_table(draft, content))?))
    })?;
    let path = content.draft.path.as_ref()?;
    let table = match PartitionTable::parse(bytes) {
        Ok(table) => table,
        Err(problem) => {
            document.error(
                &path.span,
                format!("`{}` at {place:#x}: {problem}", content.name),
                table_advice(&problem),
            );
            return None;
        }
    };
    let problems = table.faults(place, capacity.map(|part| part.bytes));
    for problem in &problems {
        let fault = error(
            document,
            &path.span,
            format!("`{}`: {problem}", content.name),
            fault_advice(problem),
        );
        let size = capacity
            .and_then(|part| part.span.clone())
            .filter(|span| *span != path.span);
        document.push(match (problem, size) {
            (TableFault::PastEnd { .. }, Some(span)) => fault.and(span, "the size"),
            _ => fault,
        });
    }
    // whose place an overlapped one is cannot be told
    let is_certain = !problems
        .iter()
        .any(|p| matches!(p, TableFault::Overlap { .. }));
    is_certain.then_some(table)
}

fn table_advice(problem: &TableError) -> &'static str {
    match problem {
        TableError::Empty | TableError::BadRow { .. } | TableError::CutShort { row: 1 } => {
            "name the partition-table.bin of the build, not the .csv, or correct `partition_table_offset`"
        }
        TableError::CutShort { .. } | TableError::Md5 { .. } => {
            "build the table again, or copy it again from where it was built"
        }
        TableError::TooManyRows => "make do with fewer partitions: the bootloader reads no more",
    }
}

fn fault_advice(problem: &TableFault) -> &'static str {
    match problem {
        TableFault::Overlap { .. }
        | TableFault::Misaligned { .. }
        | TableFault::OddSize { .. }
        | TableFault::NoSize { .. }
        | TableFault::SameName { .. }
        | TableFault::OtadataSize { .. }
        | TableFault::SecondOtadata => "correct the partition table's .csv and build it again",
        TableFault::PastEnd { .. } => {
            "plan with a larger part (`[flash] size`), or correct the partition table's .csv"
        }
        TableFault::BeforeTableEnd { .. } => {
            "correct `partition_table_offset`, or the partition table's .csv and build it again"
        }
    }
}
