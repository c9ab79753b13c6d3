//! A manifest with its files, checked, known by one digest.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contents::MOST_BYTES;
use super::{BootCheck, check};
use crate::chip::{Chip, FlashId};
use crate::settings::{Fault, FileError, Source, read_bounded};

/// A header field of the bootloader image: left alone, taken from the part found, or set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashParameter<T> {
    Keep,
    /// Only sensible for the size.
    Detect,
    Set(T),
}

/// A flash size, and how the header tells it: the ESP8266 has two codes for some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashSize {
    pub bytes: u64,
    /// The header's size nibble.
    pub code: u8,
}

/// Flash mode, frequency and size as the bootloader's header shall say them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashSettings {
    /// The header's mode byte (0 QIO, 1 QOUT, 2 DIO, 3 DOUT).
    pub mode: FlashParameter<u8>,
    /// The header's frequency nibble, encoded for the chip.
    pub frequency: FlashParameter<u8>,
    pub size: FlashParameter<FlashSize>,
}

/// What is written of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WritePolicy {
    /// The sectors whose digest is another than the images', as the chip tells before.
    Changed,
    /// Everything, whatever the flash holds.
    All,
}

/// What is erased beside what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasePolicy {
    /// Only the sectors that images touch, and data partitions marked `erase`.
    Touched,
    /// Also what lies behind an image in its partition, so that nothing of a larger, older one stays.
    Regions,
    /// The whole part first.
    All,
}

/// How what was written is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyPolicy {
    /// The MD5 of each region, computed on the chip.
    Md5,
    /// Each region is read back and its SHA-256 computed here.
    Readback,
}

/// What becomes of a board in Secure Download Mode, which shows neither its MAC nor its flash part and
/// answers no digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureDownload {
    /// It is not written.
    Refuse,
    /// It is written where a serial number tells which board it is.
    Allow,
}

/// What becomes of a board that passed with this bundle before and holds everything still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgainPolicy {
    /// It is worked on like any other.
    Flash,
    /// Someone at the bench is asked.
    Ask,
    /// It is left as it is.
    Skip,
}

/// What happens to a data partition that no image fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    Erase,
    Keep,
}

/// A data partition that no image fills, or the part of it that none fills, with the decision; where
/// [`ErasePolicy::Regions`] holds also what an app leaves of its partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPartition {
    /// The partition's.
    pub name: String,
    /// Whole sectors.
    pub offset: u32,
    pub size_bytes: u32,
    pub leftover: Leftover,
}

/// The manifest's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub product: String,
    pub version: String,
    pub chip: Chip,
    /// Allowed chip revisions, as `major * 100 + minor`, both ends included; where the manifest sets
    /// none, those of the images' headers.
    pub min_revision: Option<u16>,
    pub max_revision: Option<u16>,
    /// Empty: any part that answers and is large enough.
    pub flash_ids: Vec<FlashId>,
    /// Rates to work at, best first; the last is the fallback that always works.
    pub bauds: Vec<u32>,
    pub partition_table_offset: u32,
    pub flash: FlashSettings,
    pub write: WritePolicy,
    pub erase: ErasePolicy,
    pub verify: VerifyPolicy,
    pub secure_download: SecureDownload,
    pub again: AgainPolicy,
    /// What the console is held to after the reset, where it is listened to.
    pub boot: Option<Arc<BootCheck>>,
}

/// One image of a bundle, its bytes as in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub name: String,
    pub path: PathBuf,
    pub offset: u32,
    pub bytes: Arc<[u8]>,
    /// Of the file.
    pub sha256: [u8; 32],
    /// The second-stage bootloader: its header takes the flash settings.
    pub is_bootloader: bool,
    /// Bytes of the manifest's text that say where it goes.
    pub said: Range<usize>,
}

/// A manifest with its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    pub manifest: Manifest,
    /// The manifest's text, as read.
    pub text: Arc<str>,
    /// Sorted by offset.
    pub images: Vec<Image>,
    pub leftovers: Vec<DataPartition>,
    /// The least flash that the manifest's images and partition table need.
    pub needed_flash_bytes: u64,
    /// SHA-256 over the manifest's text and every image's digest: names the bundle.
    pub digest: [u8; 32],
    /// Legal and suspicious.
    pub warnings: Vec<Fault>,
}

impl Bundle {
    /// Reads a manifest and its images from disk, or tells every fault at once. Blocks.
    pub fn load(path: &Path) -> Result<Bundle, Vec<Fault>> {
        Bundle::load_watched(path, |_| {})
    }

    /// The same, telling of each file, the manifest first, before it is opened. Blocks.
    pub fn load_watched(path: &Path, mut opens: impl FnMut(&Path)) -> Result<Bundle, Vec<Fault>> {
        opens(path);
        let source = Source::load(path)?;
        Bundle::assemble(&source, |image| {
            opens(image);
            read_bounded(image, MOST_BYTES)
        })
    }

    /// The same from a text at hand and a function that gives an image's bytes.
    pub fn assemble(
        source: &Source,
        read: impl FnMut(&Path) -> Result<Vec<u8>, FileError>,
    ) -> Result<Bundle, Vec<Fault>> {
        check::assemble(source, read)
    }

    /// The digest in 64 hex digits.
    pub fn digest_hex(&self) -> String {
        crate::image::hex(&self.digest)
    }
}
