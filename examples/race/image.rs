//! What is flashed: an app whose segments hold real code, taken from the Rust toolchain's own libraries
//! on this machine, since nobody's firmware is in this repository. Of their machine code those pieces
//! are taken that deflate to about as much as an app for an Xtensa or RISC-V core does, 58 %.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::Command;

use flashline::chip::Chip;
use flashline::image::sample;
use flate2::Compression;
use flate2::write::ZlibEncoder;

/// What real apps deflate to.
const RATIO: f64 = 0.58;
/// As far from it as an image may be.
const TOLERANCE: f64 = 0.01;
const PIECE_BYTES: usize = 64 << 10;
/// How much of the library is looked at.
const LOOKED_AT_BYTES: u64 = 96 << 20;

/// An image and what it deflates to.
pub struct Image {
    pub bytes: Vec<u8>,
    pub ratio: f64,
}

/// Real code.
pub struct Source {
    /// Pieces of it, the fittest first.
    pieces: Vec<Vec<u8>>,
    pub path: PathBuf,
}

impl Source {
    /// The compiler's driver library.
    pub fn of_toolchain() -> io::Result<Source> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).args(["--print", "sysroot"]).output()?;
        let root = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let driver = fs::read_dir(root.join("lib"))?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("librustc_driver")
            });
        let path = driver.ok_or_else(|| io::Error::other("no librustc_driver in the toolchain"))?;
        let mut bytes = Vec::new();
        fs::File::open(&path)?
            .take(LOOKED_AT_BYTES)
            .read_to_end(&mut bytes)?;
        let mut pieces: Vec<(f64, Vec<u8>)> = bytes
            .chunks_exact(PIECE_BYTES)
            .map(|piece| ((ratio(piece) - RATIO).abs(), piece.to_vec()))
            .collect();
        pieces.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        pieces.truncate(64);
        let pieces = pieces.into_iter().map(|(_, piece)| piece).collect();
        Ok(Source { pieces, path })
    }

    /// An app of this size.
    pub fn app(&self, size_bytes: usize) -> io::Result<Image> {
        let mut code = self.pieces.iter().flatten().copied();
        let take = |length| code.by_ref().take(length).collect();
        let bytes = sample::app_from(Chip::Esp32, size_bytes, take);
        let ratio = ratio(&bytes);
        if bytes.len() != size_bytes || (ratio - RATIO).abs() > TOLERANCE {
            let (path, length) = (self.path.display(), bytes.len());
            let why = format!("{path} gives {length} bytes that deflate to {ratio:.3}");
            return Err(io::Error::other(why));
        }
        Ok(Image { bytes, ratio })
    }
}

/// As esptool compresses: zlib's level 9.
fn ratio(bytes: &[u8]) -> f64 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // a Vec takes all
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    let length = written.map_or(bytes.len(), |stream| stream.len());
    length as f64 / bytes.len() as f64
}
