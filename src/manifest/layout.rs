//! Regions against each other and against the flash: sector borders, overlaps, the end of the part.
//! Leaves out what the bytes mean.

use std::ops::Range;

use super::FlashParameter;
use super::contents::Content;
use super::draft::{Draft, error};
use super::values::size_name;
use crate::chip::Chip;
use crate::image::SECTOR_BYTES;
use crate::settings::Document;

/// How much flash there is for certain, and who says so.
pub(super) struct Capacity {
    pub bytes: u64,
    /// Ends a sentence: "of `flash.size`".
    why: &'static str,
    /// Where it is said.
    pub span: Option<Range<usize>>,
    /// Whether the bootloader will expect this size, so that no smaller part works.
    pub in_header: bool,
}

impl Capacity {
    /// From `[flash] size`, or the bootloader's header where that is kept, or the smallest allowed
    /// part; `None` where the part that is found decides.
    pub fn of(draft: &Draft, bootloader: Option<&Content<'_>>) -> Option<Capacity> {
        let size = draft.flash.size.as_ref();
        match size.map_or(FlashParameter::Keep, |found| found.value) {
            FlashParameter::Set(size_set) => Some(Capacity {
                bytes: size_set.bytes,
                why: "of `flash.size`",
                span: size.map(|found| found.span.clone()),
                in_header: true,
            }),
            FlashParameter::Keep => {
                Capacity::of_header(draft, bootloader).or_else(|| Capacity::of_parts(draft))
            }
            FlashParameter::Detect => Capacity::of_parts(draft),
        }
    }

    fn of_header(draft: &Draft, bootloader: Option<&Content<'_>>) -> Option<Capacity> {
        let bootloader = bootloader?;
        let code = bootloader.esp.as_ref().ok()?.flash.size;
        let sizes = draft.chip.as_ref()?.value.facts().flash_sizes;
        let (bytes, _) = sizes.iter().find(|(_, known)| *known == code)?;
        Some(Capacity {
            bytes: *bytes,
            why: "in the bootloader's header",
            span: bootloader.draft.path.as_ref().map(|path| path.span.clone()),
            in_header: true,
        })
    }

    fn of_parts(draft: &Draft) -> Option<Capacity> {
        let sizes = draft.flash_ids.iter().map(|id| (id.value.size_bytes(), id));
        let known = sizes.filter_map(|(bytes, id)| Some((bytes?, id)));
        let (bytes, id) = known.min_by_key(|(bytes, _)| *bytes)?;
        Some(Capacity {
            bytes,
            why: "of the smallest part in `flash_ids`",
            span: Some(id.span.clone()),
            in_header: false,
        })
    }
}

/// Tells regions that do not begin at a sector, that meet, or that reach past the end.
pub(super) fn check(
    document: &Document<'_>,
    draft: &Draft,
    contents: &[Content<'_>],
    capacity: Option<&Capacity>,
) {
    for image in &draft.images {
        if let Some(offset) = &image.offset
            && !offset.value.is_multiple_of(SECTOR_BYTES)
        {
            let below = offset.value / SECTOR_BYTES * SECTOR_BYTES;
            document.error(
                &offset.span,
                format!(
                    "offset {:#x} is not at the beginning of a flash sector",
                    offset.value
                ),
                format!(
                    "use a multiple of 0x1000: {below:#x} or {:#x}",
                    below + SECTOR_BYTES
                ),
            );
        }
    }
    if let Some(offset) = &draft.table_offset
        && !offset.value.is_multiple_of(SECTOR_BYTES)
    {
        document.error(
            &offset.span,
            format!(
                "offset {:#x} is not at the beginning of a flash sector",
                offset.value
            ),
            "use the value of CONFIG_PARTITION_TABLE_OFFSET, a multiple of 0x1000",
        );
    }
    overlaps(document, contents);
    let chip = draft.chip.as_ref().map(|chip| chip.value);
    let reach = chip.map_or(Chip::ROM_REACH_BYTES, Chip::stub_reach_bytes);
    for content in contents {
        let (Some(offset), Some(end)) = (&content.draft.offset, content.end()) else {
            continue;
        };
        let (limit, why, span) = match capacity {
            Some(part) if part.bytes <= reach => (part.bytes, part.why, part.span.as_ref()),
            _ => (reach, "that this chip's loaders reach", None),
        };
        if end > limit {
            let fault = error(
                document,
                &offset.span,
                format!(
                    "`{}` ends at {end:#x}, past the flash's end at {limit:#x} ({} {why})",
                    content.name,
                    size_name(limit),
                ),
                "place it lower, make it smaller, or plan with a larger part",
            );
            document.push(match span {
                Some(span) => fault.and(span.clone(), "the size"),
                None => fault,
            });
        }
    }
}

fn overlaps(document: &Document<'_>, contents: &[Content<'_>]) {
    let mut placed: Vec<_> = contents
        .iter()
        .filter_map(|content| {
            let offset = content.draft.offset.as_ref()?;
            Some((offset, content.end()?, content))
        })
        .collect();
    placed.sort_by_key(|(offset, end, _)| (offset.value, *end));
    let mut furthest = placed.first();
    for region in placed.iter().skip(1) {
        let (offset, end, content) = region;
        if let Some((below_offset, below_end, below)) = furthest
            && *below_end > u64::from(offset.value)
        {
            document.push(
                error(
                    document,
                    &offset.span,
                    format!(
                        "`{}` ({:#x} to {end:#x}) overlaps `{}` ({:#x} to {below_end:#x})",
                        content.name, offset.value, below.name, below_offset.value
                    ),
                    "compare the offsets with the partition table and the files with the build",
                )
                .and(below_offset.span.clone(), format!("`{}`", below.name)),
            );
        }
        if furthest.is_none_or(|(_, furthest_end, _)| end > furthest_end) {
            furthest = Some(region);
        }
    }
}
