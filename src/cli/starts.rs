//! Slots on which no board can pass the manifest's boot check, since nothing starts its app: a fault of
//! the bench, which no board is to be charged with.

use std::path::Path;

use crate::manifest::Manifest;
use crate::settings::{After, Fault, Settings, Severity, SlotSettings, Source};
use crate::station::{mute, why_mute};

/// A fault for each such slot of the manifest at `path`. `source` is the station file.
pub fn faults(
    manifest: &Manifest,
    path: &Path,
    settings: &Settings,
    source: &Source,
) -> Vec<Fault> {
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
                why_mute(slot)
            ),
            format!("{advice}, or leave [boot] out of the manifest"),
        )
    };
    mute(manifest, path, settings).map(fault).collect()
}
