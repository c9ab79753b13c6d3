//! From a bundle to each board's plan.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::region::Region;
use super::stream::Method;
use crate::chip::{Chip, Identity};
use crate::image::{EspImage, FlashHeader, SECTOR_BYTES, patch_flash_header};
use crate::manifest::{
    BootCheck, Bundle, ErasePolicy, FlashParameter, FlashSettings, Image, Leftover, VerifyPolicy,
    WritePolicy,
};

/// All that is done to one board's flash.
#[derive(Debug, Clone)]
pub struct Plan {
    pub chip: Chip,
    /// The part's size, for SPI_SET_PARAMS.
    pub flash_bytes: u64,
    pub write: WritePolicy,
    pub verify: VerifyPolicy,
    /// What the console is held to after the reset.
    pub boot: Option<Arc<BootCheck>>,
    /// Erase the whole part first.
    pub erase_all: bool,
    /// Sector-aligned ranges to erase before writing, sorted: partitions, or what images leave of
    /// them, that the manifest does not keep.
    pub erases: Vec<Range<u32>>,
    /// Sector-aligned ranges that keep what they hold, sorted; no region and no erase touches them.
    pub kept: Vec<Range<u32>>,
    /// Sorted by offset; shared between boards wherever they are the same.
    pub regions: Vec<Arc<Region>>,
    /// Rates to try, best first, the manifest's clipped by the ceiling.
    pub bauds: Vec<u32>,
}

/// The plans of one bundle, with the regions that boards share. One per bundle, used by all jobs.
pub struct Planner {
    bundle: Arc<Bundle>,
    regions: Vec<Source>,
    erases: Vec<Range<u32>>,
    kept: Vec<Range<u32>>,
}

/// Where a region comes from.
enum Source {
    /// The same for all boards.
    Shared(Arc<Region>),
    /// A bootloader whose header tells the size of the part that is found: one region for each size
    /// code, made when the first board with such a part comes.
    BySize {
        /// Index into the bundle's images.
        image: usize,
        made: Mutex<BTreeMap<u8, Arc<Region>>>,
    },
}

impl fmt::Debug for Planner {
    /// Which bundle: its bytes would bury whatever is around it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (manifest, digest) = (&self.bundle.manifest, self.bundle.digest_hex());
        write!(
            f,
            "Planner({} {}, {})",
            manifest.product,
            manifest.version,
            &digest[..12]
        )
    }
}

impl Planner {
    /// Patches what does not depend on the board. A bootloader that is no image is written as it is:
    /// [`Bundle::load`] lets none pass.
    pub fn new(bundle: Arc<Bundle>) -> Planner {
        let settings = bundle.manifest.flash;
        let regions = bundle
            .images
            .iter()
            .enumerate()
            .map(|(index, image)| {
                if image.is_bootloader && settings.size == FlashParameter::Detect {
                    Source::BySize {
                        image: index,
                        made: Mutex::default(),
                    }
                } else {
                    Source::Shared(Arc::new(region(&bundle, image, None)))
                }
            })
            .collect();
        Planner {
            regions,
            erases: leftovers(&bundle, Leftover::Erase),
            kept: leftovers(&bundle, Leftover::Keep),
            bundle,
        }
    }

    pub fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// The plan for a board; `flash.size = "detect"` takes the size from its flash ID.
    pub fn plan(&self, identity: &Identity, baud_ceiling: Option<u32>) -> Plan {
        self.plan_for_flash(identity.flash_bytes(), baud_ceiling)
    }

    /// The plan for a board with a part of this size; `None`: the manifest's, where no part has been
    /// seen yet.
    pub fn plan_for_flash(&self, flash_bytes: Option<u64>, baud_ceiling: Option<u32>) -> Plan {
        let manifest = &self.bundle.manifest;
        let flash_bytes = flash_bytes.unwrap_or_else(|| match manifest.flash.size {
            FlashParameter::Set(size) => size.bytes,
            FlashParameter::Keep | FlashParameter::Detect => {
                self.bundle.needed_flash_bytes.next_power_of_two()
            }
        });
        let erase_all = manifest.erase == ErasePolicy::All;
        Plan {
            chip: manifest.chip,
            flash_bytes,
            write: manifest.write,
            verify: manifest.verify,
            boot: manifest.boot.clone(),
            kept: self.kept.clone(),
            erase_all,
            erases: if erase_all {
                Vec::new()
            } else {
                self.erases.clone()
            },
            regions: self
                .regions
                .iter()
                .map(|source| self.region(source, flash_bytes))
                .collect(),
            bauds: self.bauds(baud_ceiling),
        }
    }

    /// Rates to try, best first: the manifest's, none above the ceiling.
    pub fn bauds(&self, ceiling: Option<u32>) -> Vec<u32> {
        bauds(&self.bundle.manifest.bauds, ceiling)
    }

    /// Builds the streams that every board shares, so that the first one does not wait for them.
    /// Costs CPU: call it off the workers.
    pub fn prepare(&self, method: Method) {
        for source in &self.regions {
            if let Source::Shared(region) = source {
                region.framed(method);
            }
        }
    }

    fn region(&self, source: &Source, flash_bytes: u64) -> Arc<Region> {
        match source {
            Source::Shared(region) => region.clone(),
            Source::BySize { image, made } => {
                let code = size_code(self.bundle.manifest.chip, flash_bytes);
                // a map that a panicking thread left is whole: entries go in at once
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                made.entry(code.unwrap_or(u8::MAX))
                    .or_insert_with(|| {
                        Arc::new(region(&self.bundle, &self.bundle.images[*image], code))
                    })
                    .clone()
            }
        }
    }
}

/// The header's code for the largest size that the part has room for.
fn size_code(chip: Chip, flash_bytes: u64) -> Option<u8> {
    chip.facts()
        .flash_sizes
        .iter()
        .filter(|(bytes, _)| *bytes <= flash_bytes)
        // of several codes for one size the first
        .rev()
        .max_by_key(|(bytes, _)| *bytes)
        .map(|(_, code)| *code)
}

/// The region of an image; `detected_size`: the header's code for the part found.
fn region(bundle: &Bundle, image: &Image, detected_size: Option<u8>) -> Region {
    let manifest = &bundle.manifest;
    let mut bytes = image.bytes.to_vec();
    if image.is_bootloader
        && let Ok(found) = EspImage::parse(&bytes)
    {
        let wanted = flash_header(manifest.flash, found.flash, detected_size);
        if wanted != found.flash {
            // it has just been read as an image, and only that can go wrong
            let _ = patch_flash_header(&mut bytes, wanted);
        }
    }
    Region::new(
        manifest.chip,
        image.name.clone(),
        image.offset,
        &bytes,
        image.sha256,
    )
}

fn flash_header(
    settings: FlashSettings,
    found: FlashHeader,
    detected_size: Option<u8>,
) -> FlashHeader {
    let set = |parameter, kept| match parameter {
        FlashParameter::Set(value) => value,
        FlashParameter::Keep | FlashParameter::Detect => kept,
    };
    FlashHeader {
        mode: set(settings.mode, found.mode),
        frequency: set(settings.frequency, found.frequency),
        size: match settings.size {
            FlashParameter::Keep => found.size,
            FlashParameter::Detect => detected_size.unwrap_or(found.size),
            FlashParameter::Set(size) => size.code,
        },
    }
}

/// What is erased, or what is kept, in whole sectors, ranges that touch each other as one.
fn leftovers(bundle: &Bundle, wanted: Leftover) -> Vec<Range<u32>> {
    let mut ranges: Vec<Range<u32>> = bundle
        .leftovers
        .iter()
        .filter(|partition| partition.leftover == wanted && partition.size_bytes > 0)
        .map(|partition| {
            let end = partition.offset.saturating_add(partition.size_bytes);
            partition.offset / SECTOR_BYTES * SECTOR_BYTES
                ..end.checked_next_multiple_of(SECTOR_BYTES).unwrap_or(end)
        })
        .collect();
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The manifest's rates, none above the ceiling, none twice.
fn bauds(manifest: &[u32], ceiling: Option<u32>) -> Vec<u32> {
    let mut bauds = Vec::with_capacity(manifest.len());
    for &baud in manifest {
        let baud = ceiling.map_or(baud, |ceiling| baud.min(ceiling));
        if !bauds.contains(&baud) {
            bauds.push(baud);
        }
    }
    bauds
}

#[cfg(test)]
mod tests;
