//! What is to be written or verified, and whether this board can take it. Pure.

use std::ops::Range;
use std::sync::Arc;

use super::HandError;
use crate::chip::{Chip, Identity};
use crate::image::{EspImage, SECTOR_BYTES, sha256};
use crate::plan::{Plan, Region};

/// Bytes, and the flash address where they belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// For messages: a file's name.
    pub name: String,
    /// Where a sector begins.
    pub offset: u32,
    pub bytes: Vec<u8>,
}

/// Whether a board is protected from what would not start on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scruples {
    /// Images of another chip are refused, and boards with flash encryption, secure boot or locks.
    Kept,
    /// The engineer knows better (`--force`). What is physically impossible is refused all the same.
    Forced,
}

/// The regions of a plan, sorted, or why they cannot be.
pub(super) fn regions(
    parts: &[Part],
    identity: &Identity,
    scruples: Scruples,
) -> Result<Vec<Arc<Region>>, HandError> {
    if scruples == Scruples::Kept {
        check_board(identity)?;
    }
    let mut sorted: Vec<&Part> = parts.iter().collect();
    sorted.sort_by_key(|part| part.offset);
    let mut before: Option<(&Part, u64)> = None;
    for part in &sorted {
        let length = part.bytes.len() as u64;
        if length == 0 {
            return Err(HandError::Empty {
                what: part.name.clone(),
            });
        }
        if !part.offset.is_multiple_of(SECTOR_BYTES) {
            return Err(HandError::WithinSector {
                what: format!("{} at 0x{:x}", part.name, part.offset),
            });
        }
        let end = u64::from(part.offset) + length;
        fits(&part.name, end, identity)?;
        if let Some((other, other_end)) = before
            // what shares a sector is erased with it
            && other_end.next_multiple_of(SECTOR_BYTES.into()) > part.offset.into()
        {
            return Err(HandError::Overlap {
                one: other.name.clone(),
                other: part.name.clone(),
            });
        }
        before = Some((part, end));
        if scruples == Scruples::Kept {
            check_image(part, identity.chip)?;
        }
    }
    Ok(sorted
        .into_iter()
        .map(|part| {
            Arc::new(Region::new(
                identity.chip,
                part.name.clone(),
                part.offset,
                &part.bytes,
                sha256(&part.bytes),
            ))
        })
        .collect())
}

/// What lies between sorted ranges, and behind them, where the chip's ROM might take it along: an
/// ESP8266's does.
pub(super) fn spared(ranges: &[Range<u32>], plan: &Plan) -> Vec<Range<u32>> {
    if plan.chip != Chip::Esp8266 {
        return Vec::new();
    }
    let end = u32::try_from(plan.flash_bytes).unwrap_or(u32::MAX);
    let starts = ranges.iter().skip(1).map(|range| range.start);
    let gaps = ranges.iter().zip(starts.chain([end]));
    let gaps = gaps.map(|(range, next)| range.end.next_multiple_of(SECTOR_BYTES)..next);
    gaps.filter(|gap| gap.start < gap.end).collect()
}

/// A range of whole sectors within the part.
pub(super) fn erasable(range: &Range<u32>, identity: &Identity) -> Result<(), HandError> {
    let what = || format!("0x{:x}..0x{:x}", range.start, range.end);
    if range.start >= range.end {
        return Err(HandError::Empty { what: what() });
    }
    if !(range.start | range.end).is_multiple_of(SECTOR_BYTES) {
        return Err(HandError::WithinSector { what: what() });
    }
    fits(&what(), range.end.into(), identity)
}

/// A range within the part.
pub(super) fn readable(range: &Range<u32>, identity: &Identity) -> Result<(), HandError> {
    let what = format!("0x{:x}..0x{:x}", range.start, range.end);
    if range.start >= range.end {
        return Err(HandError::Empty { what });
    }
    fits(&what, range.end.into(), identity)
}

fn fits(what: &str, end: u64, identity: &Identity) -> Result<(), HandError> {
    match identity.flash_bytes() {
        Some(flash_bytes) if end > flash_bytes => Err(HandError::OutOfRange {
            what: what.to_owned(),
            end,
            flash_bytes,
        }),
        _ => Ok(()),
    }
}

fn check_board(identity: &Identity) -> Result<(), HandError> {
    match identity.security.is_open() {
        true => Ok(()),
        false => Err(HandError::NotOpen {
            security: identity.security,
        }),
    }
}

fn check_image(part: &Part, board: Chip) -> Result<(), HandError> {
    match EspImage::parse(&part.bytes) {
        Ok(image) if image.chip != board => Err(HandError::WrongChip {
            what: part.name.clone(),
            image: image.chip,
            board,
        }),
        // data that are no image may be anything
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{FlashId, Mac, Revision};
    use crate::image::sample;

    fn board() -> Identity {
        let revision = Revision { major: 3, minor: 1 };
        let mac = Mac([0x24, 0x0A, 0xC4, 0, 0, 1]);
        Identity::open(Chip::Esp32, revision, mac, FlashId(0xEF4016))
    }

    fn part(name: &str, offset: u32, length: usize) -> Part {
        Part {
            name: name.to_owned(),
            offset,
            bytes: vec![0x5A; length],
        }
    }

    #[track_caller]
    fn check(parts: &[Part], identity: &Identity, scruples: Scruples, expected: &str) {
        let said = match regions(parts, identity, scruples) {
            Ok(regions) => {
                let offsets = regions.iter().map(|region| format!("{:x}", region.offset));
                offsets.collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn what_a_board_takes() {
        use Scruples::{Forced, Kept};
        let open = board();
        let both = [part("app", 0x1_0000, 5000), part("boot", 0x1000, 0x7000)];
        check(&both, &open, Kept, "1000 10000");
        check(&[part("a", 0x1_0000, 0)], &open, Kept, "a is empty");
        check(
            &[part("a", 0x1_0800, 9)],
            &open,
            Forced,
            "a at 0x10800 begins or ends within a sector: flash is erased in pieces of 0x1000 bytes",
        );
        check(
            &[part("a", 0x3F_F000, 0x1001)],
            &open,
            Forced,
            "a ends at 0x400001, past the flash's end at 0x400000",
        );
        check(
            &[part("a", 0, 0x1001), part("b", 0x1000, 9)],
            &open,
            Kept,
            "a and b overlap",
        );
        let mut locked = board();
        locked.security.flash_encryption = true;
        check(
            &both,
            &locked,
            Kept,
            "the board is not open (flash encryption): what is written to it may never start",
        );
        check(&both, &locked, Forced, "1000 10000");
        let foreign = Part {
            name: "app.bin".into(),
            offset: 0x1_0000,
            bytes: sample::app(Chip::Esp32C3, 9000, 1),
        };
        let foreign = [foreign];
        check(
            &foreign,
            &open,
            Kept,
            "app.bin is for the esp32c3 and the board has an esp32",
        );
        check(&foreign, &open, Forced, "10000");
    }

    #[test]
    fn ranges() {
        let open = board();
        assert!(erasable(&(0x1000..0x3000), &open).is_ok());
        assert!(erasable(&(0x1000..0x1800), &open).is_err());
        assert!(erasable(&(0x1000..0x1000), &open).is_err());
        assert!(readable(&(0x1001..0x1002), &open).is_ok());
        assert!(readable(&(0..0x40_0001), &open).is_err());
    }
}
