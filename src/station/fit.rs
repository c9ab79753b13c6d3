//! Whether the slots that flash a manifest can bring a board to its PASS: a bench that cannot is no
//! board's fault.

use std::path::Path;

use super::bundles::slots_of;
use crate::job::starts_app;
use crate::manifest::Manifest;
use crate::plan::Method;
use crate::settings::{After, Settings, SlotSettings};

/// The slots of the manifest at `path` on which no board's app is started though its boot check waits
/// for it.
pub fn mute<'s>(
    manifest: &Manifest,
    path: &Path,
    settings: &'s Settings,
) -> impl Iterator<Item = &'s SlotSettings> {
    let checks = manifest.boot.is_some();
    let chip = manifest.chip;
    let method = Method::likely(chip, &settings.stubs, settings.stub);
    slots_of(settings, path).filter(move |slot| checks && !starts_app(slot, chip, method))
}

/// Why, in a few words.
pub fn why_mute(slot: &SlotSettings) -> &'static str {
    match slot.after {
        After::Stay => "keeps its boards in their loaders (after = \"stay\")",
        After::Auto | After::Hard | After::Watchdog => {
            "has no lines to start its boards' apps with (no DTR and RTS, and no watchdog does it)"
        }
    }
}
