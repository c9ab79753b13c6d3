//! Bootloader and apps: that each is in order, made for this chip and its revisions, and lies where
//! it can start.

use super::contents::Content;
use super::draft::{Draft, error};
use super::roles::{Placed, Role};
use crate::chip::Chip;
use crate::image::{EspImage, ImageError, Partition};
use crate::settings::{Document, Fault, Found, Severity};

/// Tells what keeps the firmware from starting.
pub(super) fn check(document: &Document<'_>, draft: &Draft, placed: &[Placed<'_>]) {
    for Placed {
        content,
        offset,
        role,
    } in placed
    {
        let must_be = matches!(role, Role::Bootloader | Role::App(_));
        let may_be = !matches!(role, Role::Table | Role::Data(_)) && content.claims_esp();
        if must_be || may_be {
            image(document, draft, content);
        }
        place(document, draft, content, *offset, *role);
    }
    flash_settings(document, draft);
    if let (Some(chip), None) = (&draft.chip, &draft.max_revision)
        && let (Some(min), Some(max)) = revisions(draft, placed)
        && min > max
    {
        document.error(
            &chip.span,
            format!(
                "no chip revision suits everything: {} or later is needed, and up to {}",
                v(min),
                v(max)
            ),
            "build all images for the same revisions",
        );
    }
}

/// The bounds that the manifest sets or, where it sets none, the images: `major * 100 + minor`.
pub(super) fn revisions(draft: &Draft, placed: &[Placed<'_>]) -> (Option<u16>, Option<u16>) {
    let images = || {
        let firmware = placed.iter().filter(|p| !matches!(p.role, Role::Data(_)));
        firmware.filter_map(|placed| placed.content.esp.as_ref().ok())
    };
    let said = |found: &Option<Found<u16>>| found.as_ref().map(|found| found.value);
    let least = || {
        images()
            .map(|image| image.min_revision)
            .filter(|least| *least > 0)
            .max()
    };
    let greatest = || {
        let said = images().filter_map(|image| image.max_revision).min();
        said.or_else(|| end_of_generation(images()))
    };
    (
        said(&draft.min_revision).or_else(least),
        said(&draft.max_revision).or_else(greatest),
    )
}

/// The last revision that runs an image for an earlier generation of its chip, where it does not say so
/// itself. One that names no least revision either tells no generation.
fn end_of_generation<'a>(mut images: impl Iterator<Item = &'a EspImage>) -> Option<u16> {
    images.find_map(|image| {
        let next = image.chip.facts().generation_from?.as_number();
        (1..next).contains(&image.min_revision).then(|| next - 1)
    })
}

/// The image by itself: damage, chip, revision.
fn image(document: &Document<'_>, draft: &Draft, content: &Content<'_>) {
    let Some(path) = &content.draft.path else {
        return;
    };
    let image = match &content.esp {
        Ok(image) => image,
        Err(problem) => {
            document.error(
                &path.span,
                format!("`{}`: {problem}", content.name),
                advice(problem, draft),
            );
            return;
        }
    };
    if let Some(chip) = &draft.chip
        && image.chip != chip.value
    {
        document.push(
            error(
                document,
                &path.span,
                format!(
                    "`{}` is for {}, and the manifest is for {}",
                    content.name, image.chip, chip.value
                ),
                format!(
                    "build it for {} (idf.py set-target {}), or correct `chip`",
                    chip.value, chip.value
                ),
            )
            .and(chip.span.clone(), "the manifest's chip"),
        );
        // another chip's revisions say nothing
        return;
    }
    revision(document, draft, content, image);
}

fn revision(document: &Document<'_>, draft: &Draft, content: &Content<'_>, image: &EspImage) {
    let Some(path) = &content.draft.path else {
        return;
    };
    let name = &content.name;
    let least = image.min_revision;
    if let Some(min) = &draft.min_revision
        && least > min.value
    {
        document.push(
            error(
                document,
                &path.span,
                format!(
                    "`{name}` needs chip revision {} or later, and the manifest admits {}",
                    v(least),
                    v(min.value)
                ),
                format!(
                    "set min_chip_revision = \"{}\", or build for older chips",
                    v(least)
                ),
            )
            .and(min.span.clone(), "admitted from here on"),
        );
    }
    if let Some(max) = &draft.max_revision
        && least > max.value
    {
        document.push(
            error(
                document,
                &path.span,
                format!("`{name}` needs chip revision {} or later, and the manifest admits none of them", v(least)),
                "raise max_chip_revision, or build for older chips",
            )
            .and(max.span.clone(), "admitted up to here"),
        );
    }
    if let (Some(max), Some(greatest)) = (&draft.max_revision, image.max_revision)
        && greatest < max.value
    {
        document.push(
            error(
                document,
                &path.span,
                format!(
                    "`{name}` runs up to chip revision {}, and the manifest admits {}",
                    v(greatest),
                    v(max.value)
                ),
                format!(
                    "set max_chip_revision = \"{}\", or build for newer chips",
                    v(greatest)
                ),
            )
            .and(max.span.clone(), "admitted up to here"),
        );
    }
}

/// A revision as Espressif writes it.
fn v(number: u16) -> String {
    format!("v{}.{}", number / 100, number % 100)
}

/// The image at its place.
fn place(
    document: &Document<'_>,
    draft: &Draft,
    content: &Content<'_>,
    offset: u32,
    role: Role<'_>,
) {
    let (Some(said), Some(chip)) = (&content.draft.offset, &draft.chip) else {
        return;
    };
    let Ok(image) = &content.esp else { return };
    let name = &content.name;
    let chip = chip.value;
    let right = chip.facts().bootloader_offset;
    match role {
        Role::Bootloader if image.app.is_some() => document.error(
            &said.span,
            format!(
                "`{name}` is an app and lies at {offset:#x}, where {chip} starts its bootloader"
            ),
            "give it the offset of its app partition, and the bootloader an image of its own",
        ),
        Role::Bootloader | Role::Table | Role::Merged | Role::Spare => {}
        _ if is_bootloader(draft, content, image, offset, role) => document.error(
            &said.span,
            format!("`{name}` is a bootloader at {offset:#x}, and {chip} starts it at {right:#x}"),
            format!("set offset = {right:#x}"),
        ),
        Role::Data(partition) if image.app.is_some() && image.chip == chip => document.error(
            &said.span,
            format!(
                "`{name}` is an app and lies in `{}`, which is no app partition",
                partition.name
            ),
            "give it the offset of an app partition",
        ),
        Role::Loose => document.error(
            &said.span,
            format!("`{name}` is an app and lies in no partition"),
            "give it the offset of an app partition, or add the partition to the table",
        ),
        Role::App(_) | Role::Data(_) | Role::Unknown => {}
    }
}

/// A bootloader has no app description; the place or the name tells it from an app without one.
fn is_bootloader(
    draft: &Draft,
    content: &Content<'_>,
    image: &EspImage,
    offset: u32,
    role: Role<'_>,
) -> bool {
    let file = content
        .path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let named = [Some(&content.name), file.as_ref()]
        .into_iter()
        .flatten()
        .any(|name| name.to_lowercase().contains("bootloader"));
    // an ESP8266 without a partition table starts its app at 0x1000
    let low = offset < draft.table_offset()
        && !matches!(role, Role::App(_) | Role::Data(_))
        && image.chip != Chip::Esp8266;
    image.app.is_none() && (named || low)
}

/// Flash settings go into a bootloader's header; without one they would do nothing.
fn flash_settings(document: &Document<'_>, draft: &Draft) {
    let Some(chip) = &draft.chip else { return };
    if draft.names_image_at(chip.value.facts().bootloader_offset) {
        return;
    }
    for span in draft.flash.changes() {
        document.error(
            span,
            "this is set in the bootloader's header, and no image is a bootloader",
            "add the bootloader as an image of its own, or write \"keep\"",
        );
    }
}

fn advice(problem: &ImageError, draft: &Draft) -> String {
    let chip = draft.chip.as_ref().map_or(Chip::Esp32, |chip| chip.value);
    match problem {
        ImageError::NoMagic(_) | ImageError::TooShort(_) => {
            "name the .bin file of the build (not the .elf, and not an encrypted one), or correct the offset".to_owned()
        }
        ImageError::UnknownChip(_) => format!("build it for {chip}"),
        ImageError::SegmentCount(_)
        | ImageError::SegmentPastEnd { .. }
        | ImageError::NoChecksum
        | ImageError::Checksum { .. }
        | ImageError::NoSecondHeader { .. }
        | ImageError::Crc { .. }
        | ImageError::NoHash
        | ImageError::Hash { .. } => {
            "build it again, or copy it again from where it was built".to_owned()
        }
    }
}

/// Warns where what starts after the flashing is not what was written.
pub(super) fn warn_of_the_start(
    document: &Document<'_>,
    placed: &[Placed<'_>],
    starts: &Partition,
) {
    let is_filled = |p: &Placed<'_>| p.offset == starts.offset || p.role == Role::Merged;
    let app = placed.iter().find(|p| matches!(p.role, Role::App(_)));
    let Some(app) = app.map(|app| app.content) else {
        return;
    };
    if !placed.iter().any(is_filled) {
        document.push(Fault::new(
            Severity::Warning,
            document.source(),
            app.draft.offset.as_ref().map(|offset| offset.span.clone()),
            format!(
                "the bootloader starts `{}`, which no image fills, before `{}`",
                starts.name, app.name
            ),
            format!(
                "give `{}` the offset {:#x}, or decide otadata otherwise",
                app.name, starts.offset
            ),
        ));
    }
}
