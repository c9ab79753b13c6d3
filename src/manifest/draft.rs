//! The manifest's keys: TOML in, values with their places out. Nothing here knows a file beside the
//! manifest; a value that is missing or does not fit is told and left `None`, so that the other
//! rooms can look at the rest.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::{Range, RangeInclusive};

use super::values::{DETECT, KEEP, chip, flash_id, parameter, revision, sha256, size_names};
use super::{
    AgainPolicy, BootCheck, ErasePolicy, FlashParameter, FlashSize, Leftover, SecureDownload,
    VerifyPolicy, WritePolicy, boot,
};
use crate::chip::{Chip, Facts, FlashId, flash_mode_code};
use crate::settings::{Document, Fault, Fields, Found, Severity, text, whole, word};

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
    pub write: Option<Found<WritePolicy>>,
    pub erase: Option<Found<ErasePolicy>>,
    pub verify: Option<Found<VerifyPolicy>>,
    pub secure_download: Option<Found<SecureDownload>>,
    pub again: Option<Found<AgainPolicy>>,
    pub boot: Option<BootCheck>,
    /// In the file's order.
    pub images: Vec<ImageDraft>,
    pub decisions: Vec<Decision>,
}

/// `[flash]`, encoded for the chip.
#[derive(Default)]
pub(super) struct FlashDraft {
    pub mode: Option<Found<FlashParameter<u8>>>,
    pub frequency: Option<Found<FlashParameter<u8>>>,
    pub size: Option<Found<FlashParameter<FlashSize>>>,
}

impl FlashDraft {
    /// Where it asks for something else than `keep`.
    pub fn changes(&self) -> impl Iterator<Item = &Range<usize>> {
        let mode = self
            .mode
            .iter()
            .filter(|found| found.value != FlashParameter::Keep);
        let frequency = self
            .frequency
            .iter()
            .filter(|found| found.value != FlashParameter::Keep);
        let size = self
            .size
            .iter()
            .filter(|found| found.value != FlashParameter::Keep);
        mode.chain(frequency)
            .map(|found| &found.span)
            .chain(size.map(|found| &found.span))
    }
}

/// One `[[image]]`.
pub(super) struct ImageDraft {
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

    /// Whether an image is meant to be there, whatever became of its file.
    pub fn names_image_at(&self, offset: u32) -> bool {
        let offsets = self.images.iter().filter_map(|image| image.offset.as_ref());
        offsets.into_iter().any(|found| found.value == offset)
    }

    /// A part that is erased as a whole holds nothing that could be right.
    pub fn write(&self) -> WritePolicy {
        let said = self.write.as_ref().map(|found| found.value);
        match self.erase() {
            ErasePolicy::All => WritePolicy::All,
            ErasePolicy::Touched | ErasePolicy::Regions => said.unwrap_or(WritePolicy::Changed),
        }
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
    let write = root.optional(
        "write",
        word(&[("changed", WritePolicy::Changed), ("all", WritePolicy::All)]),
    );
    let erase = root.optional(
        "erase",
        word(&[
            ("touched", ErasePolicy::Touched),
            ("regions", ErasePolicy::Regions),
            ("all", ErasePolicy::All),
        ]),
    );
    let verify = root.optional(
        "verify",
        word(&[
            ("md5", VerifyPolicy::Md5),
            ("readback", VerifyPolicy::Readback),
        ]),
    );
    let secure_download = root.optional(
        "secure_download",
        word(&[
            ("refuse", SecureDownload::Refuse),
            ("allow", SecureDownload::Allow),
        ]),
    );
    let again = root.optional(
        "again",
        word(&[
            ("flash", AgainPolicy::Flash),
            ("ask", AgainPolicy::Ask),
            ("skip", AgainPolicy::Skip),
        ]),
    );
    let facts = chip.as_ref().map(|chip| chip.value.facts());
    let flash = flash(&mut root, facts);
    let boot = boot::read(document, &mut root);
    let images = images(document, &mut root);
    let decisions = decisions(document, &mut root);
    root.finish();

    if let (Some(write), Some(erase)) = (&write, &erase)
        && (write.value, erase.value) == (WritePolicy::Changed, ErasePolicy::All)
    {
        let fault = Fault::new(
            Severity::Warning,
            document.source(),
            Some(write.span.clone()),
            "everything is written: nothing is left unchanged in a flash that is erased first",
            "leave the line out, or write erase = \"touched\" or \"regions\"",
        );
        document.push(fault.and(erase.span.clone(), "erases everything"));
    }
    if let (Some(allowed), Some(size)) = (&secure_download, &flash.size)
        && (allowed.value, size.value) == (SecureDownload::Allow, FlashParameter::Detect)
    {
        document.push(
            error(
                document,
                &size.span,
                "a board in Secure Download Mode does not show its flash part: there is nothing to detect",
                "write the size: \"4MB\"",
            )
            .and(allowed.span.clone(), "allows such boards"),
        );
    }
    if let (Some(min), Some(max)) = (&min_revision, &max_revision)
        && min.value > max.value
    {
        document.push(
            error(
                document,
                &max.span,
                "no chip revision is within these bounds",
                "swap the bounds, or leave one out",
            )
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
        write,
        erase,
        verify,
        secure_download,
        again,
        boot,
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
        named
            .map(|(mhz, code)| (format!("{mhz}m"), *code))
            .collect()
    });
    let sizes = facts.map(size_names);
    let draft = FlashDraft {
        mode: flash.optional("mode", parameter(Some(modes), &[KEEP])),
        frequency: flash.optional("frequency", parameter(frequencies, &[KEEP])),
        size: flash.optional("size", parameter(sizes, &[KEEP, DETECT])),
    };
    flash.finish();
    draft
}

fn images(document: &Document<'_>, root: &mut Fields<'_>) -> Vec<ImageDraft> {
    let mut names = HashMap::new();
    let images: Vec<ImageDraft> = root
        .tables("image", "[[image]]")
        .into_iter()
        .map(|mut image| {
            let draft = ImageDraft {
                name: image.required("name", "\"app\"", text(32)),
                path: image.required("path", "\"app.bin\"", text(4096)),
                offset: image.required("offset", "0x10000", whole(ADDRESSES, "bytes")),
                sha256: image.optional("sha256", sha256),
            };
            image.finish();
            if let Some(name) = &draft.name {
                let advice = "give each image a name of its own";
                let message = format!("two images are called `{}`", name.value);
                once(
                    document,
                    &mut names,
                    name.value.clone(),
                    &name.span,
                    message,
                    advice,
                );
            }
            draft
        })
        .collect();
    if images.is_empty() {
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
            once(
                document,
                &mut names,
                name.value.clone(),
                &name.span,
                message,
                advice,
            );
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

/// Where ESP-IDF puts the partition table unless told otherwise (`CONFIG_PARTITION_TABLE_OFFSET`).
const PARTITION_TABLE_OFFSET: u32 = 0x8000;
/// What a 32-bit flash address reaches in the largest part.
const ADDRESSES: RangeInclusive<u32> = 0..=0x07FF_FFFF;
const BAUDS: RangeInclusive<u32> = 9_600..=12_000_000;
/// What most bridges reach, what nearly all do, and what the ROM begins with.
const DEFAULT_BAUDS: [u32; 3] = [921_600, 460_800, 115_200];
const FLASH_MODES: [&str; 4] = ["qio", "qout", "dio", "dout"];
