//! A small product in a folder, and slots at simulated ports: what the examples that run a station need.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use flashline::chip::Chip;
use flashline::image::sample;
use flashline::manifest::Bundle;
use flashline::settings::{Place, SlotSettings};

/// Writes a product whose app has so many bytes, and reads it as a bundle.
pub fn write(folder: &Path, name: &str, app_bytes: usize) -> io::Result<Bundle> {
    let files = [
        ("bootloader", 0x1000, sample::bootloader(Chip::Esp32)),
        (
            "partition-table",
            0x8000,
            sample::single_app_table().to_bytes(),
        ),
        ("app", 0x10000, sample::app(Chip::Esp32, app_bytes, 1)),
    ];
    let mut text =
        format!("product = \"{name}\"\nversion = \"1\"\nchip = \"esp32\"\nbauds = [921600]\n");
    for (name, offset, bytes) in files {
        fs::write(folder.join(format!("{name}.bin")), bytes)?;
        text +=
            &format!("[[image]]\nname = \"{name}\"\npath = \"{name}.bin\"\noffset = {offset:#x}\n");
    }
    let path = folder.join("manifest.toml");
    fs::write(&path, text)?;
    Bundle::load(&path).map_err(|faults| io::Error::other(format!("{faults:?}")))
}

/// Slots of these numbers at the simulated ports of the same names.
pub fn slots(numbers: RangeInclusive<u32>) -> Vec<SlotSettings> {
    let slot = |number: u32| {
        let place = Place::Path(format!("/sim/{number}").into());
        SlotSettings::at(&number.to_string(), place)
    };
    numbers.map(slot).collect()
}
