//! What the manifest's values may be: chips, revisions, flash IDs, digests, flash settings.

use toml::de::DeValue;

use super::{FlashParameter, FlashSize};
use crate::chip::{Chip, Facts, FlashId, Revision};
use crate::settings::{Misfit, text, word};

pub(super) const KEEP: &str = "keep";
pub(super) const DETECT: &str = "detect";

/// A word with a meaning of its own, or the name of a value.
pub(super) fn parameter<T: Copy>(
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
        let set = values
            .iter()
            .map(|(name, value)| (name.as_str(), FlashParameter::Set(*value)));
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

/// The sizes that a chip's header can tell, by their names. The ESP8266's second code for a size is
/// called `c1`, and each has its SDK's name, in megabits, as well: `32m-c1`.
pub(super) fn size_names(facts: &'static Facts) -> Vec<(String, FlashSize)> {
    let sizes = facts.flash_sizes;
    let name = |name: &dyn Fn(u64) -> String, index: usize| {
        let (bytes, code) = sizes[index];
        let is_second = sizes[..index].iter().any(|(other, _)| *other == bytes);
        let suffix = if is_second { "-c1" } else { "" };
        (
            format!("{}{suffix}", name(bytes)),
            FlashSize { bytes, code },
        )
    };
    let mut names: Vec<_> = (0..sizes.len()).map(|i| name(&size_name, i)).collect();
    if facts.chip == Chip::Esp8266 {
        let megabits = |bytes: u64| format!("{}m", bytes >> 17);
        names.extend((0..sizes.len()).map(|i| name(&megabits, i)));
    }
    names
}

pub(super) fn chip(value: &DeValue<'_>) -> Result<Chip, Misfit> {
    let name = written(value, 32, "write its name between quotes: \"esp32\"")?;
    Chip::from_name(&name).ok_or_else(|| {
        let names: Vec<&str> = Chip::ALL.into_iter().map(Chip::name).collect();
        Misfit::new(
            format!("is no chip that is known: \"{name}\""),
            format!("known are: {}", names.join(", ")),
        )
    })
}

/// `v3.0`, as Espressif writes it.
pub(super) fn revision(value: &DeValue<'_>) -> Result<u16, Misfit> {
    let advice = "write it as Espressif does, between quotes: \"v3.0\"";
    let written = written(value, 16, advice)?;
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
        .ok_or_else(|| Misfit::new(format!("is \"{written}\", no chip revision"), advice))
}

pub(super) fn flash_id(value: &DeValue<'_>) -> Result<FlashId, Misfit> {
    let advice = "write six hex digits between quotes, manufacturer first: \"ef4016\"";
    let written = written(value, 16, advice)?;
    let plain = written.len() == 6 && written.bytes().all(|b| b.is_ascii_hexdigit());
    let id = plain
        .then(|| u32::from_str_radix(&written, 16).ok())
        .flatten();
    match id.map(FlashId) {
        Some(id) if !id.is_silent() => Ok(id),
        Some(_) => Err(Misfit::new("is what no part answers", advice)),
        None => Err(Misfit::new(
            format!("is \"{written}\", no flash ID"),
            advice,
        )),
    }
}

pub(super) fn sha256(value: &DeValue<'_>) -> Result<[u8; 32], Misfit> {
    let advice = "write the 64 hex digits that `sha256sum FILE` prints";
    let written = written(value, 128, advice)?;
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

/// A string whose form is explained by the advice.
fn written(value: &DeValue<'_>, longest: usize, advice: &str) -> Result<String, Misfit> {
    text(longest)(value).map_err(|misfit| Misfit::new(misfit.what, advice))
}
