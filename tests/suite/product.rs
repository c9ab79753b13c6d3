//! A small product for tests: generated firmware and its manifest in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use flashline::chip::Chip;
use flashline::image::sample;

/// Bytes of the product's app.
pub const APP_BYTES: usize = 96 << 10;

/// Offsets and bytes as they are written (the header's flash settings are kept).
pub fn flash_image() -> Vec<(u32, Vec<u8>)> {
    vec![
        (0x1000, sample::bootloader(Chip::Esp32)),
        (0x8000, sample::single_app_table().to_bytes()),
        (0x10000, sample::app(Chip::Esp32, APP_BYTES, 1)),
    ]
}

/// Writes the product's files and manifest; returns the manifest's path.
pub fn write(folder: &Path) -> PathBuf {
    write_with(folder, "")
}

/// The same with more lines at the head of the manifest.
pub fn write_with(folder: &Path, more: &str) -> PathBuf {
    let mut text = format!(
        "product = \"thermostat\"\nversion = \"1.2.0\"\nchip = \"esp32\"\n\
         bauds = [921600, 460800, 115200]\n{more}\n"
    );
    let names = ["bootloader", "partition-table", "app"];
    for (name, (offset, bytes)) in names.into_iter().zip(flash_image()) {
        fs::write(folder.join(format!("{name}.bin")), bytes).unwrap();
        text += &format!(
            "\n[[image]]\nname = \"{name}\"\npath = \"{name}.bin\"\noffset = {offset:#x}\n"
        );
    }
    let path = folder.join("manifest.toml");
    fs::write(&path, text).unwrap();
    path
}
