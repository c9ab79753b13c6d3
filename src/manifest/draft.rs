//! The manifest's keys: TOML in, values with their places out. Nothing here knows a file beside the
//! manifest; a value that is missing or does not fit is told and left `None`, so that the other
//! rooms can look at the rest.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::{Range, RangeInclusive};

use toml::de::DeValue;

use super::{ErasePolicy, FlashParameter, Leftover, VerifyPolicy};
use crate::chip::{Chip, Facts, FlashId, Revision, flash_mode_code};
use crate::settings::{Document, Fault, Fields, Found, Misfit, Severity, text, whole, word};

/// What the manifest says.
pub(super) struct Draft {
    pub product: Option<Found<String>>,
    pub version: Option<Found<String>>,
    pub chip: Option<Found<Chip>>,
    /// `major * 100 + minor`.
    pub min_revision: Option<Found<u16>>,
    pub max_revision: Option<Found<u16>>,
    pub flash_ids: Vec<Found<FlashId>>,
    pub bauds: Vec<u32>,
    pub table_offset: Option<Found<u32>>,
    pub flash: FlashDraft,
    pub erase: Option<Found<ErasePolicy>>,
    pub verify: Option<Found<VerifyPolicy>>,
    /// In the file's order.
    pub images: Vec<ImageDraft>,
    pub decisions: Vec<Decision>,
}

/// `[flash]`, encoded for the chip.
#[derive(Default)]
pub(super) struct FlashDraft {
    pub mode: Option<Found<FlashParameter<u8>>>,
    pub frequency: Option<Found<FlashParameter<u8>>>,
    pub size: Option<Found<FlashParameter<u64>>>,
}

/// One `[[image]]`.
pub(super) struct ImageDraft {
    pub heading: Range<usize>,
    pub name: Option<Found<String>>,
    pub path: Option<Found<String>>,
    pub offset: Option<Found<u32>>,
    pub sha256: Option<Found<[u8; 32]>>,
}

/// One `[[partition]]`.
pub(super) struct Decision {
    pub name: Found<String>,
    pub leftover: Found<Leftover>,
}

impl Draft {
    /// Where the partition table stands, as said or by default.
    pub fn table_offset(&self) -> u32 {
        let said = self.table_offset.as_ref().map(|found| found.value);
        said.unwrap_or(PARTITION_TABLE_OFFSET)
    }

    pub fn erase(&self) -> ErasePolicy {
        let said = self.erase.as_ref().map(|found| found.value);
        said.unwrap_or(ErasePolicy::Touched)
    }
}

/// Reads every key.
pub(super) fn read(document: &Document<'_>) -> Draft {
    let mut root = document.root();
    let product = root.required("product", "\"thermostat\"", text(64));
    let version = root.required("version", "\"1.0.0\"", text(64));
    let chip = root.required("chip", "\"esp32\"", chip);
    let min_revision = root.optional("min_chip_revision", revision);
    let max_revision = root.optional("max_chip_revision", revision);
    let flash_ids = root.list("flash_ids", flash_id);
    let bauds = root.list("bauds", whole(BAUDS, "baud"));
    let table_offset = root.optional("partition_table_offset", whole(ADDRESSES, "bytes"));
    let erase = root.optional(
        "erase",
        word(&[("touched", ErasePolicy::Touched), ("all", ErasePolicy::All)]),
    );
    let verify = root.optional("verify", word(&[("md5", VerifyPolicy::Md5)]));
    let facts = chip.as_ref().map(|chip| chip.value.facts());
    let flash = flash(&mut root, facts);
    let images = images(document, &mut root);
    let decisions = decisions(document, &mut root);
    root.finish();

    if let Some(chip) = &chip
        && !chip.value.facts().is_flashed()
    {
        let flashed = Chip::ALL.into_iter().filter(|chip| chip.facts().is_flashed());
        let flashed: Vec<&str> = flashed.map(Chip::name).collect();
        document.error(
            &chip.span,
            format!("this version of flashline does not flash {}", chip.value),
            format!("it flashes: {}", flashed.join(", ")),
        );
    }
    if let (Some(min), Some(max)) = (&min_revision, &max_revision)
        && min.value > max.value
    {
        document.push(
            error(document, &max.span, "no chip revision is within these bounds", "swap the bounds, or leave one out")
                .and(min.span.clone(), "the least"),
        );
    }
    Draft {
        product,
        version,
        chip,
        min_revision,
        max_revision,
        flash_ids: flash_ids.map(|found| found.value).unwrap_or_default(),
        bauds: descending(document, bauds),
        table_offset,
        flash,
        erase,
        verify,
        images,
        decisions,
    }
}

/// An error at a place, to which more places can be added.
pub(super) fn error(
    document: &Document<'_>,
    span: &Range<usize>,
    message: impl Into<String>,
    advice: impl Into<String>,
) -> Fault {
    let span = Some(span.clone());
    Fault::new(Severity::Error, document.source(), span, message, advice)
}

/// Tells an error where a value is there a second time.
pub(super) fn once<T: Eq + std::hash::Hash>(
    document: &Document<'_>,
    seen: &mut HashMap<T, Range<usize>>,
    value: T,
    span: &Range<usize>,
    message: impl Into<String>,
    advice: impl Into<String>,
) {
    match seen.entry(value) {
        Entry::Vacant(entry) => {
            entry.insert(span.clone());
        }
        Entry::Occupied(entry) => {
            let fault = error(document, span, message, advice);
            document.push(fault.and(entry.get().clone(), "here first"));
        }
    }
}

fn flash(root: &mut Fields<'_>, facts: Option<&'static Facts>) -> FlashDraft {
    let Some(mut flash) = root.table("flash", "[flash]") else {
        return FlashDraft::default();
    };
    let modes = FLASH_MODES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), flash_mode_code(name)?)))
        .collect();
    // the codes differ between chips: without a chip any word is taken, as the chip is told already
    let frequencies = facts.map(|facts| {
        let named = facts.flash_frequencies.iter();
        named.map(|(mhz, code)| (format!("{mhz}m"), *code)).collect()
    });
    let sizes = facts.map(|facts| {
        let named = facts.flash_sizes.iter();
        named.map(|(bytes, _)| (size_name(*bytes), *bytes)).collect()
    });
    let draft = FlashDraft {
        mode: flash.optional("mode", parameter(Some(modes), &[KEEP])),
        frequency: flash.optional("frequency", parameter(frequencies, &[KEEP])),
        size: flash.optional("size", parameter(sizes, &[KEEP, DETECT])),
    };
    flash.finish();
    draft
}

const KEEP: &str = "keep";
const DETECT: &str = "detect";

/// A word with a meaning of its own, or the name of a value.
fn parameter<T: Copy>(
    values: Option<Vec<(String, T)>>,
    others: &'static [&'static str],
) -> impl Fn(&DeValue<'_>) -> Result<FlashParameter<T>, Misfit> {
    move |value| {
        let Some(values) = &values else {
            return text(16)(value).map(|_| FlashParameter::Keep);
        };
        let other = others.iter().map(|name| match *name {
            DETECT => (*name, FlashParameter::Detect),
            _ => (*name, FlashParameter::Keep),
        });
        let set = values.iter().map(|(name, value)| (name.as_str(), FlashParameter::Set(*value)));
        let words: Vec<(&str, FlashParameter<T>)> = other.chain(set).collect();
        word(&words)(value)
    }
}

/// A flash part's size as it is sold and as the manifest spells it: `4MB`.
pub(super) fn size_name(bytes: u64) -> String {
    if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) {
        format!("{}MB", bytes >> 20)
    } else {
        format!("{}KB", bytes >> 10)
    }
}

fn images(document: &Document<'_>, root: &mut Fields<'_>) -> Vec<ImageDraft> {
    let mut names = HashMap::new();
    let images: Vec<ImageDraft> = root
        .tables("image", "[[image]]")
        .into_iter()
        .map(|mut image| {
            let draft = ImageDraft {
                heading: image.span(),
                name: image.required("name", "\"app\"", text(32)),
                path: image.required("path", "\"app.bin\"", text(4096)),
                offset: image.required("offset", "0x10000", whole(ADDRESSES, "bytes")),
                sha256: image.optional("sha256", sha256),
            };
            image.finish();
            if let Some(name) = &draft.name {
                let advice = "give each image a name of its own";
                let message = format!("two images are called `{}`", name.value);
                once(document, &mut names, name.value.clone(), &name.span, message, advice);
            }
            draft
        })
        .collect();
    if images.is_empty() && !root.has("image") {
        root.error(
            "the manifest has no [[image]]",
            "add one for each file that is written: name, path and offset",
        );
    }
    images
}

fn decisions(document: &Document<'_>, root: &mut Fields<'_>) -> Vec<Decision> {
    let mut names = HashMap::new();
    let mut decisions = Vec::new();
    for mut partition in root.tables("partition", "[[partition]]") {
        let name = partition.required("name", "\"nvs\"", text(16));
        let leftover = partition.required(
            "leftover",
            "\"keep\"",
            word(&[("keep", Leftover::Keep), ("erase", Leftover::Erase)]),
        );
        partition.finish();
        if let Some(name) = &name {
            let message = format!("partition `{}` is decided twice", name.value);
            let advice = "keep the one that is meant";
            once(document, &mut names, name.value.clone(), &name.span, message, advice);
        }
        if let (Some(name), Some(leftover)) = (name, leftover) {
            decisions.push(Decision { name, leftover });
        }
    }
    decisions
}

/// The rates, or those that hold without any.
fn descending(document: &Document<'_>, bauds: Option<Found<Vec<Found<u32>>>>) -> Vec<u32> {
    let Some(bauds) = bauds else {
        return DEFAULT_BAUDS.to_vec();
    };
    if bauds.value.is_empty() {
        document.error(
            &bauds.span,
            "`bauds` has no rate",
            format!("leave the line out for {DEFAULT_BAUDS:?}"),
        );
    }
    for pair in bauds.value.windows(2) {
        if let [faster, slower] = pair
            && slower.value >= faster.value
        {
            document.error(
                &slower.span,
                "`bauds` does not go from fast to slow",
                "write the fastest rate first: each is tried when the one before it fails",
            );
        }
    }
    bauds.value.into_iter().map(|baud| baud.value).collect()
}

fn chip(value: &DeValue<'_>) -> Result<Chip, Misfit> {
    let name = text(32)(value)?;
    Chip::from_name(&name).ok_or_else(|| {
        let names: Vec<&str> = Chip::ALL.into_iter().map(Chip::name).collect();
        Misfit::new(
            format!("is no chip that is known: \"{name}\""),
            format!("known are: {}", names.join(", ")),
        )
    })
}

/// `v3.0`, as Espressif writes it.
fn revision(value: &DeValue<'_>) -> Result<u16, Misfit> {
    let written = text(8)(value)?;
    let number = |digits: &str| {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<u8>().ok()).flatten()
    };
    written
        .strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .and_then(|(major, minor)| {
            let (major, minor) = (number(major)?, number(minor)?);
            Some(Revision { major, minor }.as_number())
        })
        .ok_or_else(|| {
            Misfit::new(
                format!("is \"{written}\", no chip revision"),
                "write it as Espressif does: \"v3.0\"",
            )
        })
}

fn flash_id(value: &DeValue<'_>) -> Result<FlashId, Misfit> {
    let advice = "write six hex digits between quotes, manufacturer first: \"ef4016\"";
    let written = text(16)(value).map_err(|misfit| Misfit::new(misfit.what, advice))?;
    let plain = written.len() == 6 && written.bytes().all(|b| b.is_ascii_hexdigit());
    let id = plain.then(|| u32::from_str_radix(&written, 16).ok()).flatten();
    match id.map(FlashId) {
        Some(id) if !id.is_silent() => Ok(id),
        Some(_) => Err(Misfit::new("is what no part answers", advice)),
        None => Err(Misfit::new(format!("is \"{written}\", no flash ID"), advice)),
    }
}

fn sha256(value: &DeValue<'_>) -> Result<[u8; 32], Misfit> {
    let advice = "write the 64 hex digits that `sha256sum FILE` prints";
    let written = text(128)(value).map_err(|misfit| Misfit::new(misfit.what, advice))?;
    let misfit = || Misfit::new("is no SHA-256", advice);
    if written.len() != 64 || !written.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(misfit());
    }
    let mut digest = [0; 32];
    for (index, byte) in digest.iter_mut().enumerate() {
        let digits = &written[index * 2..index * 2 + 2];
        *byte = u8::from_str_radix(digits, 16).map_err(|_| misfit())?;
    }
    Ok(digest)
}

/// Where ESP-IDF puts the partition table unless told otherwise (`CONFIG_PARTITION_TABLE_OFFSET`).
const PARTITION_TABLE_OFFSET: u32 = 0x8000;
/// What a 32-bit flash address reaches in the largest part.
const ADDRESSES: RangeInclusive<u32> = 0..=0x07FF_FFFF;
const BAUDS: RangeInclusive<u32> = 9_600..=12_000_000;
/// What most bridges reach, what nearly all do, and what the ROM begins with.
const DEFAULT_BAUDS: [u32; 3] = [921_600, 460_800, 115_200];
const FLASH_MODES: [&str; 4] = ["qio", "qout", "dio", "dout"];
