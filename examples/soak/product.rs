//! What the soak's boards get, and the bench that they come to.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use flashline::chip::Chip;
use flashline::image::sample;
use flashline::manifest::Bundle;
use flashline::settings::{LineRules, Place, Settings, SlotSettings};

/// Writes a small product and reads it as a bundle.
pub fn write(folder: &Path) -> io::Result<Bundle> {
    let files = [
        ("bootloader", 0x1000, sample::bootloader(Chip::Esp32)),
        (
            "partition-table",
            0x8000,
            sample::single_app_table().to_bytes(),
        ),
        ("app", 0x10000, sample::app(Chip::Esp32, 96 << 10, 1)),
    ];
    let mut text =
        "product = \"soak\"\nversion = \"1\"\nchip = \"esp32\"\nbauds = [921600]\n".to_owned();
    for (name, offset, bytes) in files {
        fs::write(folder.join(format!("{name}.bin")), bytes)?;
        text +=
            &format!("[[image]]\nname = \"{name}\"\npath = \"{name}.bin\"\noffset = {offset:#x}\n");
    }
    let path = folder.join("manifest.toml");
    fs::write(&path, text)?;
    Bundle::load(&path).map_err(|faults| io::Error::other(format!("{faults:?}")))
}

/// Slots `1`, `2`, … at the simulated ports of these names.
pub fn settings(folder: &Path, slots: u32) -> Settings {
    let slots = (1..=slots).map(|number| {
        let place = Place::Path(format!("/sim/{number}").into());
        SlotSettings::at(&number.to_string(), place)
    });
    Settings {
        slots: slots.collect(),
        settle: Duration::from_millis(10),
        grace: Duration::from_millis(100),
        // a bad board now and then takes no slot out of service
        line: LineRules::NEVER,
        ..Settings::of("soak", folder.join("manifest.toml"), folder.join("soak.db"))
    }
}
