//! `[scan]`: what tells an operator's badge, a lot's number and a board's serial number apart, and how long a
//! serial number waits for its board. Leaves out what a scan does: that is the station's.

mod samples;

use std::ops::Range;
use std::time::Duration;

use regex::Regex;
use toml::de::DeValue;

use super::pattern::{expression, no_expression};
use super::{Fault, Fields, Found, LineRules, Misfit, Severity, Source, text, whole};
use crate::event::ScanKind;

/// How scans are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanSettings {
    /// In the order in which they are tried.
    patterns: Vec<ScanPattern>,
    /// A serial number without a board is given up after this time (`SCAN_ORPHAN`).
    pub pair: Duration,
}

/// What a kind of barcode looks like.
#[derive(Debug, Clone)]
struct ScanPattern {
    kind: ScanKind,
    /// As the file has it.
    written: String,
    /// Of the whole text.
    regex: Regex,
    /// Bytes of the file's text where it stands.
    said: Range<usize>,
}

/// Compiled from `written`.
impl PartialEq for ScanPattern {
    fn eq(&self, other: &ScanPattern) -> bool {
        (self.kind, &self.written, &self.said) == (other.kind, &other.written, &other.said)
    }
}

impl Eq for ScanPattern {}

/// A text that two patterns take.
struct Overlap<'s> {
    /// What it is taken for …
    first: ScanKind,
    /// … and never for this.
    second: &'s ScanPattern,
    text: String,
}

impl ScanPattern {
    fn value<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = self.regex.captures(text)?;
        // a group that had no part in it leaves the whole
        let value = found.get(1).or(found.get(0));
        value.map(|value| value.as_str())
    }
}

impl Default for ScanSettings {
    fn default() -> ScanSettings {
        ScanSettings {
            patterns: Vec::new(),
            pair: PAIR,
        }
    }
}

impl ScanSettings {
    /// What a scan is, and the part of it that counts; `None`: nothing that this station takes. Blanks around
    /// it do not count. Of several patterns that take it the first holds: operator, lot, serial. Without one for
    /// serial numbers, whatever is nothing else is one.
    pub fn tell<'t>(&self, scanned: &'t str) -> Option<(ScanKind, &'t str)> {
        let scanned = scanned.trim();
        let mut patterns = self.patterns.iter();
        let told = patterns.find_map(|pattern| Some((pattern.kind, pattern.value(scanned)?)));
        told.or_else(|| match self.has(ScanKind::Serial) {
            true => None,
            false => Some((ScanKind::Serial, scanned)),
        })
    }

    /// What a scan can be here.
    pub fn kinds(&self) -> Vec<ScanKind> {
        let mut kinds: Vec<ScanKind> = self.patterns.iter().map(|pattern| pattern.kind).collect();
        if !self.has(ScanKind::Serial) {
            kinds.push(ScanKind::Serial);
        }
        kinds
    }

    fn has(&self, kind: ScanKind) -> bool {
        self.patterns.iter().any(|pattern| pattern.kind == kind)
    }

    /// A warning for each pair of patterns that take the same text, as far as trying what they are made of can
    /// tell. `source`: the station file.
    pub fn warnings(&self, source: &Source) -> Vec<Fault> {
        let warning = |overlap: Overlap<'_>| {
            let (first, second) = (overlap.first.name(), overlap.second.kind.name());
            let text = overlap.text;
            Fault::new(
                Severity::Warning,
                source,
                Some(overlap.second.said.clone()),
                format!("`{text}` fits `{first}` and `{second}`, and is taken for `{first}`"),
                "write the patterns so that no barcode fits two of them",
            )
        };
        self.overlaps().into_iter().map(warning).collect()
    }

    fn overlaps(&self) -> Vec<Overlap<'_>> {
        let mut overlaps = Vec::new();
        for (index, second) in self.patterns.iter().enumerate() {
            for first in &self.patterns[..index] {
                let of_both = [second, first]
                    .into_iter()
                    .flat_map(|pattern| samples::of(&pattern.written))
                    .find(|text| {
                        let taken_for = self.tell(text).map(|(kind, _)| kind);
                        taken_for == Some(first.kind) && second.regex.is_match(text)
                    });
                overlaps.extend(of_both.map(|text| Overlap {
                    first: first.kind,
                    second,
                    text,
                }));
            }
        }
        overlaps
    }
}

const PAIR: Duration = Duration::from_secs(30);
const PATTERN_CHARACTERS: usize = 256;

/// Reads `[scan]`; `line`: what the station demands must be able to come.
pub(super) fn table(root: &mut Fields<'_>, line: &LineRules) -> ScanSettings {
    let (operator, lot, serial, pair) = match root.table("scan", "[scan]") {
        Some(mut table) => {
            let found = (
                table.optional("operator", pattern),
                table.optional("lot", pattern),
                table.optional("serial", pattern),
                table.optional("pair_seconds", whole(1..=3_600, "seconds")),
            );
            if line.require.operator && !table.has("operator") {
                table.error("[scan] has no `operator`", NO_BADGE);
            }
            table.finish();
            found
        }
        None => {
            if line.require.operator {
                root.error("no [scan] tells what a badge is", NO_BADGE);
            }
            (None, None, None, None)
        }
    };
    let patterns = [
        (ScanKind::Operator, operator),
        (ScanKind::Lot, lot),
        (ScanKind::Serial, serial),
    ];
    let patterns = patterns.into_iter().filter_map(|(kind, found)| {
        let Found { value, span } = found?;
        let (written, regex) = value;
        Some(ScanPattern {
            kind,
            written,
            regex,
            said: span,
        })
    });
    ScanSettings {
        patterns: patterns.collect(),
        pair: pair.map_or(PAIR, |found| Duration::from_secs(found.value.into())),
    }
}

const NO_BADGE: &str = "`require` has \"operator\", and no board would ever be flashed: say under [scan] what a badge looks like, operator = 'OP-(.+)'";

/// A pattern as it is written, and what holds the whole text to it.
fn pattern(value: &DeValue<'_>) -> Result<(String, Regex), Misfit> {
    let written = text(PATTERN_CHARACTERS)(value)?;
    let alone = expression(&written).map_err(|why| no_expression(&why))?;
    if alone.captures_len() > 2 {
        let groups = alone.captures_len() - 1;
        return Err(Misfit::new(
            format!("has {groups} groups, and the value is in one"),
            "write (?: … ) for those that are not the value",
        ));
    }
    // the line's end closes a comment of (?x)
    let whole = expression(&format!(r"\A(?:{written})\z"))
        .or_else(|_| expression(&format!("\\A(?:{written}\n)\\z")))
        .map_err(|why| no_expression(&why))?;
    Ok((written, whole))
}

#[cfg(test)]
mod tests;
