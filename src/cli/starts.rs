//! Slots on which no board can pass the manifest's boot check, since nothing starts its app: a fault of
//! the bench, which no board is to be charged with.

use super::check::Loader;
use crate::job::starts_app;
use crate::manifest::Manifest;
use crate::settings::{After, Fault, Settings, Severity, SlotSettings, Source};

/// The slots on which no board's app is started though a boot check waits for it.
pub fn mute<'s>(
    manifest: &Manifest,
    settings: &'s Settings,
) -> impl Iterator<Item = &'s SlotSettings> {
    let checks = manifest.boot.is_some();
    let chip = manifest.chip;
    let method = Loader::of(chip, Some(settings)).method();
    let slots = settings.slots.iter();
    slots.filter(move |slot| checks && !starts_app(slot, chip, method))
}

/// Why, in a few words.
pub fn why(slot: &SlotSettings) -> &'static str {
    match slot.after {
        After::Stay => "keeps its boards in their loaders (after = \"stay\")",
        After::Auto | After::Hard | After::Watchdog => {
            "has no lines to start its boards' apps with (no DTR and RTS, and no watchdog does it)"
        }
    }
}

/// A fault for each such slot. `source` is the station file.
pub fn faults(manifest: &Manifest, settings: &Settings, source: &Source) -> Vec<Fault> {
    let fault = |slot: &SlotSettings| {
        let (span, advice) = match slot.after {
            After::Stay => (&slot.said.after, "write after = \"auto\""),
            After::Auto | After::Hard | After::Watchdog => (
                &slot.said.reset,
                "let the port's DTR and RTS reset the board (reset = \"auto\"; rfc2217:// carries them)",
            ),
        };
        Fault::new(
            Severity::Error,
            source,
            Some(span.clone()),
            format!(
                "slot `{}` {}, and the manifest's [boot] waits for them: none could pass",
                slot.name,
                why(slot)
            ),
            format!("{advice}, or leave [boot] out of the manifest"),
        )
    };
    mute(manifest, settings).map(fault).collect()
}
