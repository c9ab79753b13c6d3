//! Every fault of a manifest, with its report.

mod boot;
mod esp8266;
mod firmware;
mod keys;
mod partitions;
mod regions;

use std::collections::HashMap;
use std::path::Path;

use super::*;
use crate::chip::{Chip, FlashId};
use crate::image::{SECTOR_BYTES, sample, sha256};
use crate::settings::{Fault, FileError, Paint, Source};

/// A bench of files and a manifest that fits them; tests change one thing.
struct Case {
    text: String,
    files: HashMap<String, Vec<u8>>,
}

const TEXT: &str = r#"product = "lamp"
version = "1.0"
chip = "esp32"

[[image]]
name = "boot"
path = "boot.bin"
offset = 0x1000

[[image]]
name = "table"
path = "table.bin"
offset = 0x8000

[[image]]
name = "app"
path = "app.bin"
offset = 0x10000
"#;

impl Case {
    fn new() -> Case {
        let files = [
            ("boot.bin", sample::bootloader(Chip::Esp32)),
            ("table.bin", sample::single_app_table().to_bytes()),
            ("app.bin", sample::app(Chip::Esp32, 20_000, 1)),
        ];
        Case {
            text: TEXT.to_owned(),
            files: files.map(|(name, bytes)| (name.to_owned(), bytes)).into(),
        }
    }

    /// The text with one passage replaced.
    fn with(mut self, old: &str, new: &str) -> Case {
        assert!(self.text.contains(old), "{old}");
        self.text = self.text.replacen(old, new, 1);
        self
    }

    /// Lines before the first heading.
    fn top(self, lines: &str) -> Case {
        self.with("\n[[image]]", &format!("{lines}\n\n[[image]]"))
    }

    fn end(mut self, lines: &str) -> Case {
        self.text += lines;
        self
    }

    fn file(mut self, name: &str, bytes: Vec<u8>) -> Case {
        self.files.insert(name.to_owned(), bytes);
        self
    }

    fn changed(mut self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Case {
        change(self.files.get_mut(name).unwrap());
        self
    }

    fn table(self, rows: &[(&str, u8, u8, u32, u32)]) -> Case {
        self.file("table.bin", sample::partition_table(rows).to_bytes())
    }

    fn assemble(&self) -> Result<Bundle, Vec<Fault>> {
        let source = Source::new(Path::new("line/manifest.toml"), &self.text);
        Bundle::assemble(&source, |path| {
            let name = path.strip_prefix("line").unwrap().to_str().unwrap();
            self.files.get(name).cloned().ok_or(FileError::Absent)
        })
    }

    fn bundle(&self) -> Bundle {
        self.assemble()
            .unwrap_or_else(|faults| panic!("{}", Fault::render_all(&faults, Paint::Plain)))
    }

    /// The report of a manifest that is not taken.
    fn refused(&self) -> String {
        let faults = self.assemble().expect_err("it was taken");
        Fault::render_all(&faults, Paint::Plain)
    }

    /// The warnings of one that is.
    fn warned(&self) -> String {
        Fault::render_all(&self.bundle().warnings, Paint::Plain)
    }
}

/// A header with other revision bounds and its hash renewed.
fn bounded(mut image: Vec<u8>, min: u16, max: u16) -> Vec<u8> {
    image[15..17].copy_from_slice(&min.to_le_bytes());
    image[17..19].copy_from_slice(&max.to_le_bytes());
    let body = image.len() - 32;
    let hash = sha256(&image[..body]);
    image[body..].copy_from_slice(&hash);
    image
}

#[test]
fn a_manifest_with_defaults() {
    let case = Case::new();
    let bundle = case.bundle();
    assert_eq!(
        bundle.manifest,
        Manifest {
            product: "lamp".to_owned(),
            version: "1.0".to_owned(),
            chip: Chip::Esp32,
            min_revision: None,
            max_revision: None,
            flash_ids: vec![],
            bauds: vec![921_600, 460_800, 115_200],
            partition_table_offset: 0x8000,
            flash: FlashSettings {
                mode: FlashParameter::Keep,
                frequency: FlashParameter::Keep,
                size: FlashParameter::Keep,
            },
            write: WritePolicy::Changed,
            erase: ErasePolicy::Touched,
            verify: VerifyPolicy::Md5,
            secure_download: SecureDownload::Refuse,
            again: AgainPolicy::Flash,
            boot: None,
        }
    );
    let images: Vec<(&str, u32, bool)> = bundle
        .images
        .iter()
        .map(|image| (image.name.as_str(), image.offset, image.is_bootloader))
        .collect();
    assert_eq!(
        images,
        [
            ("boot", 0x1000, true),
            ("table", 0x8000, false),
            ("app", 0x10000, false)
        ]
    );
    assert_eq!(bundle.images[2].sha256, sha256(&case.files["app.bin"]));
    assert_eq!(&*bundle.images[2].bytes, case.files["app.bin"]);
    let kept = |name: &str, offset, size_bytes| DataPartition {
        name: name.to_owned(),
        offset,
        size_bytes,
        leftover: Leftover::Keep,
    };
    assert_eq!(
        bundle.leftovers,
        [
            kept("nvs", 0x9000, 0x6000),
            kept("phy_init", 0xF000, 0x1000)
        ]
    );
    // the sample bootloader's header says 4 MB
    assert_eq!(bundle.needed_flash_bytes, 4 << 20);
    assert_eq!(bundle.warnings, []);
}

#[test]
fn every_key() {
    let bundle = Case::new()
        .top(
            r#"min_chip_revision = "v1.0"
max_chip_revision = "v3.99"
flash_ids = ["ef4016", "C84016"]
bauds = [2_000_000, 115200]
partition_table_offset = 0x8000
erase = "all"
verify = "md5"
[flash]
mode = "dout"
frequency = "80m"
size = "detect""#,
        )
        .end("[[partition]]\nname = \"nvs\"\nleftover = \"erase\"\n")
        .bundle();
    let manifest = bundle.manifest;
    assert_eq!(
        (manifest.min_revision, manifest.max_revision),
        (Some(100), Some(399))
    );
    assert_eq!(manifest.flash_ids, [FlashId(0xEF4016), FlashId(0xC84016)]);
    assert_eq!(manifest.bauds, [2_000_000, 115_200]);
    assert_eq!(manifest.erase, ErasePolicy::All);
    assert_eq!(
        manifest.flash,
        FlashSettings {
            mode: FlashParameter::Set(3),
            frequency: FlashParameter::Set(0xF),
            size: FlashParameter::Detect,
        }
    );
    assert!(
        bundle
            .leftovers
            .iter()
            .all(|part| part.leftover == Leftover::Erase)
    );
    // no header size holds: what the table needs
    assert_eq!(bundle.needed_flash_bytes, 0x11_0000);
}

#[test]
fn the_digest_names_text_and_files() {
    let digest = |case: Case| case.bundle().digest_hex();
    let plain = digest(Case::new());
    assert_eq!(plain, digest(Case::new()));
    assert_ne!(plain, digest(Case::new().end("# a comment\n")));
    assert_ne!(
        plain,
        digest(Case::new().file("app.bin", sample::app(Chip::Esp32, 20_000, 2)))
    );
    assert_eq!(plain.len(), 64);
}

#[test]
fn images_bound_the_revision_where_the_manifest_does_not() {
    let app = || bounded(sample::app(Chip::Esp32, 20_000, 1), 300, 399);
    let bundle = Case::new().file("app.bin", app()).bundle();
    assert_eq!(
        (bundle.manifest.min_revision, bundle.manifest.max_revision),
        (Some(300), Some(399))
    );
    let bundle = Case::new()
        .top("min_chip_revision = \"v3.1\"\nmax_chip_revision = \"v3.1\"")
        .file("app.bin", app())
        .bundle();
    assert_eq!(
        (bundle.manifest.min_revision, bundle.manifest.max_revision),
        (Some(301), Some(301))
    );
}

#[test]
fn an_image_for_one_generation_of_the_p4_keeps_off_the_other() {
    let bounds = |min, max| {
        let case = Case::new()
            .with("esp32", "esp32p4")
            .with("0x1000", "0x2000")
            .file("boot.bin", sample::bootloader(Chip::Esp32P4))
            .file(
                "app.bin",
                bounded(sample::app(Chip::Esp32P4, 20_000, 1), min, max),
            );
        let manifest = case.bundle().manifest;
        (manifest.min_revision, manifest.max_revision)
    };
    // without a greatest revision in the header
    assert_eq!(bounds(100, 0xFFFF), (Some(100), Some(299)));
    assert_eq!(bounds(100, 199), (Some(100), Some(199)));
    assert_eq!(bounds(301, 399), (Some(301), Some(399)));
    assert_eq!(bounds(301, 0xFFFF), (Some(301), None));
    assert_eq!(bounds(0, 0xFFFF), (None, None));
}

#[test]
fn the_example_is_taken() {
    let example = include_str!("../../../manifest.toml.example");
    let case = || {
        Case::new()
            .file("bootloader.bin", sample::bootloader(Chip::Esp32))
            .file("partition-table.bin", sample::single_app_table().to_bytes())
    };
    let mut plain = case();
    plain.text = example.to_owned();
    assert_eq!(plain.warned(), "");
    // what is commented out there must be right as well
    let mut all = case().file("partition-table.bin", sample::two_ota_table().to_bytes());
    let lines = example
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line));
    let digest = crate::image::hex(&sha256(&all.files["app.bin"]));
    all.text = lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace(&"0".repeat(64), &digest);
    assert_eq!(all.warned(), "");
}

#[test]
fn from_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let case = Case::new();
    for (name, bytes) in &case.files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let path = folder.path().join("manifest.toml");
    std::fs::write(&path, &case.text).unwrap();
    let bundle = Bundle::load(&path).unwrap();
    assert_eq!(bundle.digest, case.bundle().digest);
    assert_eq!(bundle.images[0].path, folder.path().join("boot.bin"));

    std::fs::remove_file(folder.path().join("app.bin")).unwrap();
    std::fs::create_dir(folder.path().join("app.bin")).unwrap();
    let faults = Bundle::load(&path).unwrap_err();
    assert!(
        faults[0].message.ends_with("app.bin is a folder"),
        "{}",
        faults[0]
    );
    assert_eq!((faults[0].line, faults[0].column), (17, 8));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[a-z_=\\[\\]{}\"'.,#0-9x\\n\\r é\\u{feff}-]{0,200}") {
        let mut case = Case::new();
        case.text = text;
        let _ = case.assemble();
    }

    #[test]
    fn no_change_of_the_text_panics(at in 0..TEXT.len(), cut in 0..40_usize, put in "[ -~\\n]{0,12}") {
        let mut case = Case::new().top("[flash]\nsize = \"detect\"");
        case.text.replace_range(at..(at + cut).min(case.text.len()), &put);
        if let Err(faults) = case.assemble() {
            proptest::prop_assert!(!Fault::render_all(&faults, Paint::Plain).is_empty());
        }
    }

    #[test]
    fn no_change_of_a_file_panics(name in "boot|table|app", at in 0..3000_usize, byte: u8, length in 0..20_000_usize) {
        let case = Case::new().changed(&format!("{name}.bin"), |file| {
            let at = at % file.len();
            file[at] = byte;
            file.truncate(length);
        });
        let _ = case.assemble();
    }

    #[test]
    fn no_offset_panics(offset: u32, table: u32) {
        let _ = Case::new()
            .with("0x10000", &offset.to_string())
            .top(&format!("partition_table_offset = {table}"))
            .assemble();
    }
}
