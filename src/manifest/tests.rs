//! Every fault of a manifest, with its report.

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
            erase: ErasePolicy::Touched,
            verify: VerifyPolicy::Md5,
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
fn the_example_is_taken() {
    let example = include_str!("../../manifest.toml.example");
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
fn every_mistake_at_once() {
    let case = Case::new()
        .with("product = \"lamp\"", "prodct = \"lamp\"")
        .with("version = \"1.0\"\n", "")
        .with("0x8000", "0x9000")
        .with("app.bin", "none.bin");
    insta::assert_snapshot!(case.refused(), @r#"
    error: the file has no `version`
    --> line/manifest.toml
     = help: add: version = "1.0.0"

    error: unknown key `prodct`
     --> line/manifest.toml:1:1
      |
    1 | prodct = "lamp"
      | ^^^^^^
      |
      = help: did you mean `product`?

    error: `table` is a partition table at 0x9000, and the bootloader looks for it at 0x8000
      --> line/manifest.toml:12:10
       |
    12 | offset = 0x9000
       |          ^^^^^^
       |
       = help: set `partition_table_offset` as CONFIG_PARTITION_TABLE_OFFSET says, and the image's offset to the same

    error: line/none.bin does not exist
      --> line/manifest.toml:16:8
       |
    16 | path = "none.bin"
       |        ^^^^^^^^^^
       |
       = help: check the name and the folder: paths are relative to the file that names them
    "#);
}

#[test]
fn keys_that_do_not_fit() {
    let case = Case::new().top(
        r#"min_chip_revision = "3"
max_chip_revision = 3
flash_ids = ["4016", "ffffff", 0xef4016]
bauds = [115200, 460800]
erase = "some"
[flash]
mode = "fast"
frequency = "41m"
size = "4"
"#,
    );
    insta::assert_snapshot!(case.refused(), @r#"
    error: `min_chip_revision` is "3", no chip revision
     --> line/manifest.toml:4:21
      |
    4 | min_chip_revision = "3"
      |                     ^^^
      |
      = help: write it as Espressif does, between quotes: "v3.0"

    error: `max_chip_revision` is a whole number
     --> line/manifest.toml:5:21
      |
    5 | max_chip_revision = 3
      |                     ^
      |
      = help: write it as Espressif does, between quotes: "v3.0"

    error: an element of `flash_ids` is "4016", no flash ID
     --> line/manifest.toml:6:14
      |
    6 | flash_ids = ["4016", "ffffff", 0xef4016]
      |              ^^^^^^
      |
      = help: write six hex digits between quotes, manufacturer first: "ef4016"

    error: an element of `flash_ids` is what no part answers
     --> line/manifest.toml:6:22
      |
    6 | flash_ids = ["4016", "ffffff", 0xef4016]
      |                      ^^^^^^^^
      |
      = help: write six hex digits between quotes, manufacturer first: "ef4016"

    error: an element of `flash_ids` is a whole number
     --> line/manifest.toml:6:32
      |
    6 | flash_ids = ["4016", "ffffff", 0xef4016]
      |                                ^^^^^^^^
      |
      = help: write six hex digits between quotes, manufacturer first: "ef4016"

    error: `bauds` does not go from fast to slow
     --> line/manifest.toml:7:18
      |
    7 | bauds = [115200, 460800]
      |                  ^^^^^^
      |
      = help: write the fastest rate first: each is tried when the one before it fails

    error: `erase` is "some"
     --> line/manifest.toml:8:9
      |
    8 | erase = "some"
      |         ^^^^^^
      |
      = help: write "touched" or "all"

    error: `mode` is "fast"
      --> line/manifest.toml:10:8
       |
    10 | mode = "fast"
       |        ^^^^^^
       |
       = help: write "keep", "qio", "qout", "dio" or "dout"

    error: `frequency` is "41m"
      --> line/manifest.toml:11:13
       |
    11 | frequency = "41m"
       |             ^^^^^
       |
       = help: write "keep", "80m", "40m", "26m" or "20m"

    error: `size` is "4"
      --> line/manifest.toml:12:8
       |
    12 | size = "4"
       |        ^^^
       |
       = help: write "keep", "detect", "1MB", "2MB", "4MB", "8MB", "16MB", "32MB", "64MB" or "128MB"
    "#);
    insta::assert_snapshot!(Case::new().top("bauds = []").with("offset = 0x1000", "offset = -1\nsha256 = \"12\"").refused(), @r#"
    error: `bauds` has no rate
     --> line/manifest.toml:4:9
      |
    4 | bauds = []
      |         ^^
      |
      = help: leave the line out for [921600, 460800, 115200]

    error: `offset` is -1, less than 0
     --> line/manifest.toml:9:10
      |
    9 | offset = -1
      |          ^^
      |
      = help: write a whole number from 0 to 134217727 (bytes), without quotes

    error: `sha256` is no SHA-256
      --> line/manifest.toml:10:10
       |
    10 | sha256 = "12"
       |          ^^^^
       |
       = help: write the 64 hex digits that `sha256sum FILE` prints
    "#);
}

#[test]
fn an_empty_manifest() {
    let mut case = Case::new();
    case.text.clear();
    insta::assert_snapshot!(case.refused(), @r#"
    error: the manifest has no [[image]]
    --> line/manifest.toml
     = help: add one for each file that is written: name, path and offset

    error: the file has no `product`
    --> line/manifest.toml
     = help: add: product = "thermostat"

    error: the file has no `version`
    --> line/manifest.toml
     = help: add: version = "1.0.0"

    error: the file has no `chip`
    --> line/manifest.toml
     = help: add: chip = "esp32"
    "#);
}

#[test]
fn chips() {
    insta::assert_snapshot!(Case::new().with("esp32", "esp31").refused(), @r#"
    error: `chip` is no chip that is known: "esp31"
     --> line/manifest.toml:3:8
      |
    3 | chip = "esp31"
      |        ^^^^^^^
      |
      = help: known are: esp8266, esp32, esp32s2, esp32s3, esp32c2, esp32c3, esp32c5, esp32c6, esp32c61, esp32h2, esp32p4
    "#);
    insta::assert_snapshot!(Case::new().with("esp32", "ESP32-C3").with("0x1000", "0x0")
        .file("boot.bin", sample::bootloader(Chip::Esp32C3))
        .file("app.bin", sample::app(Chip::Esp32C3, 20_000, 1)).refused(), @r#"
    error: this version of flashline does not flash esp32c3
     --> line/manifest.toml:3:8
      |
    3 | chip = "ESP32-C3"
      |        ^^^^^^^^^^
      |
      = help: it flashes: esp32
    "#);
}

#[test]
fn revision_bounds_that_exclude_everything() {
    insta::assert_snapshot!(Case::new().top("min_chip_revision = \"v3.0\"\nmax_chip_revision = \"v1.0\"").refused(), @r#"
    error: no chip revision is within these bounds
     --> line/manifest.toml:5:21
      |
    4 | min_chip_revision = "v3.0"
      |                     ------ the least
    5 | max_chip_revision = "v1.0"
      |                     ^^^^^^
      |
      = help: swap the bounds, or leave one out
    "#);
}

#[test]
fn files() {
    insta::assert_snapshot!(Case::new().with("app.bin", "none.bin").refused(), @r#"
    error: line/none.bin does not exist
      --> line/manifest.toml:17:8
       |
    17 | path = "none.bin"
       |        ^^^^^^^^^^
       |
       = help: check the name and the folder: paths are relative to the file that names them
    "#);
    insta::assert_snapshot!(Case::new().file("app.bin", vec![]).refused(), @r#"
    error: line/app.bin is empty
      --> line/manifest.toml:17:8
       |
    17 | path = "app.bin"
       |        ^^^^^^^^^
       |
       = help: build the firmware again, and check that the disk is not full
    "#);
}

#[test]
fn files_that_are_too_large() {
    let source = Source::new(Path::new("m.toml"), TEXT);
    let faults = Bundle::assemble(&source, |_| {
        Err(FileError::TooLarge {
            found_bytes: 99_000_000,
            limit_bytes: 16_777_216,
        })
    });
    insta::assert_snapshot!(faults.unwrap_err()[0], @r#"
    error: boot.bin has 99000000 bytes, more than the 16777216 that it may have
     --> m.toml:7:8
      |
    7 | path = "boot.bin"
      |        ^^^^^^^^^^
      |
      = help: check that this is the file that is meant
    "#);
}

#[test]
fn a_pinned_hash_that_differs() {
    let pin = format!("offset = 0x10000\nsha256 = \"{}\"", "a".repeat(64));
    insta::assert_snapshot!(Case::new().with("offset = 0x10000", &pin).refused(), @r#"
    error: `app` has another SHA-256: 09c4a8c18382c5314703692755e21c115a95f8ac792bd4828b75200f22100228
      --> line/manifest.toml:19:10
       |
    19 | sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: find out which of the two is right: the file, or this line
    "#);
}

#[test]
fn the_same_name_twice() {
    insta::assert_snapshot!(Case::new().with("name = \"table\"", "name = \"boot\"").refused(), @r#"
    error: two images are called `boot`
      --> line/manifest.toml:11:8
       |
     6 | name = "boot"
       |        ------ here first
    ...
    11 | name = "boot"
       |        ^^^^^^
       |
       = help: give each image a name of its own
    "#);
}

#[test]
fn offsets_within_a_sector() {
    insta::assert_snapshot!(Case::new().end("[[image]]\nname = \"nvs\"\npath = \"x\"\noffset = 0x9100\n")
        .file("x", vec![1; 16]).refused(), @r#"
    error: offset 0x9100 is not at the beginning of a flash sector
      --> line/manifest.toml:22:10
       |
    22 | offset = 0x9100
       |          ^^^^^^
       |
       = help: use a multiple of 0x1000: 0x9000 or 0xa000
    "#);
    insta::assert_snapshot!(Case::new().top("partition_table_offset = 0x8100").with("0x8000", "0x8100").refused(), @r#"
    error: offset 0x8100 is not at the beginning of a flash sector
     --> line/manifest.toml:4:26
      |
    4 | partition_table_offset = 0x8100
      |                          ^^^^^^
      |
      = help: use the value of CONFIG_PARTITION_TABLE_OFFSET, a multiple of 0x1000

    error: `table`: partition 'nvs' begins at 0x9000, before the partition table's end at 0x9100
      --> line/manifest.toml:13:8
       |
    13 | path = "table.bin"
       |        ^^^^^^^^^^^
       |
       = help: correct `partition_table_offset`, or the partition table's .csv and build it again

    error: offset 0x8100 is not at the beginning of a flash sector
      --> line/manifest.toml:14:10
       |
    14 | offset = 0x8100
       |          ^^^^^^
       |
       = help: use a multiple of 0x1000: 0x8000 or 0x9000
    "#);
}

#[test]
fn overlapping_regions() {
    insta::assert_snapshot!(Case::new().end("[[image]]\nname = \"nvs\"\npath = \"x\"\noffset = 0x9000\n")
        .file("x", vec![1; 0x8000]).refused(), @r#"
    error: `app` (0x10000 to 0x14e20) overlaps `nvs` (0x9000 to 0x11000)
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x10000
       |          ^^^^^^^
    ...
    22 | offset = 0x9000
       |          ------ `nvs`
       |
       = help: compare the offsets with the partition table and the files with the build

    error: `nvs` does not fit in partition `nvs`: it has 32768 bytes, and there is room for 24576
      --> line/manifest.toml:22:10
       |
    22 | offset = 0x9000
       |          ^^^^^^
       |
       = help: make it smaller, or give it more room in the partition table's .csv
    "#);
}

#[test]
fn two_that_meet_do_not_overlap() {
    let case = Case::new()
        .end("[[image]]\nname = \"nvs\"\npath = \"x\"\noffset = 0x9000\n")
        .file("x", vec![1; 0x6000]);
    assert_eq!(case.warned(), "");
}

#[test]
fn past_the_end_of_the_flash() {
    let data = |case: Case| {
        case.end("[[image]]\nname = \"data\"\npath = \"x\"\noffset = 0x3ff000\n")
            .file("x", vec![1; 0x1001])
    };
    insta::assert_snapshot!(data(Case::new()).refused(), @r#"
    error: `data` ends at 0x400001, past the flash's end at 0x400000 (4MB in the bootloader's header)
      --> line/manifest.toml:22:10
       |
     7 | path = "boot.bin"
       |        ---------- the size
    ...
    22 | offset = 0x3ff000
       |          ^^^^^^^^
       |
       = help: place it lower, make it smaller, or plan with a larger part
    "#);
    insta::assert_snapshot!(data(Case::new().top("[flash]\nsize = \"1MB\"")).refused(), @r#"
    error: `table`: partition 'factory' ends at 0x110000, past the flash's end at 0x100000
      --> line/manifest.toml:14:8
       |
     5 | size = "1MB"
       |        ----- the size
    ...
    14 | path = "table.bin"
       |        ^^^^^^^^^^^
       |
       = help: plan with a larger part (`[flash] size`), or correct the partition table's .csv

    error: `data` ends at 0x400001, past the flash's end at 0x100000 (1MB of `flash.size`)
      --> line/manifest.toml:24:10
       |
     5 | size = "1MB"
       |        ----- the size
    ...
    24 | offset = 0x3ff000
       |          ^^^^^^^^
       |
       = help: place it lower, make it smaller, or plan with a larger part
    "#);
    insta::assert_snapshot!(data(Case::new().top("flash_ids = [\"ef4018\", \"ef4016\"]\nflash.size = \"detect\"")).refused(), @r#"
    error: part ef4016 has 4194304 bytes, and 4198400 are needed
     --> line/manifest.toml:4:24
      |
    4 | flash_ids = ["ef4018", "ef4016"]
      |                        ^^^^^^^^
      |
      = help: leave it out, or make do with less flash

    error: `data` ends at 0x400001, past the flash's end at 0x400000 (4MB of the smallest part in `flash_ids`)
      --> line/manifest.toml:24:10
       |
     4 | flash_ids = ["ef4018", "ef4016"]
       |                        -------- the size
    ...
    24 | offset = 0x3ff000
       |          ^^^^^^^^
       |
       = help: place it lower, make it smaller, or plan with a larger part
    "#);
    insta::assert_snapshot!(data(Case::new().top("flash.size = \"32MB\"").with("0x10000", "0xff_f000")).refused(), @r#"
    error: `app` ends at 0x1003e20, past the flash's end at 0x1000000 (16MB that this version can write)
      --> line/manifest.toml:19:10
       |
    19 | offset = 0xff_f000
       |          ^^^^^^^^^
       |
       = help: place it lower, make it smaller, or plan with a larger part

    error: `app` is an app and lies in no partition
      --> line/manifest.toml:19:10
       |
    19 | offset = 0xff_f000
       |          ^^^^^^^^^
       |
       = help: give it the offset of an app partition, or add the partition to the table
    "#);
}

#[test]
fn parts_that_are_too_small() {
    insta::assert_snapshot!(Case::new().top("flash_ids = [\"ef4018\", \"ef4015\"]").refused(), @r#"
    error: part ef4015 has 2097152 bytes, and 4194304 are needed
     --> line/manifest.toml:4:24
      |
    4 | flash_ids = ["ef4018", "ef4015"]
      |                        ^^^^^^^^
      |
      = help: leave it out, or make do with less flash
    "#);
}

#[test]
fn a_bootloader_at_the_wrong_offset() {
    insta::assert_snapshot!(Case::new().with("0x1000", "0x0").refused(), @r#"
    error: `boot` is a bootloader at 0x0, and esp32 starts it at 0x1000
     --> line/manifest.toml:8:10
      |
    8 | offset = 0x0
      |          ^^^
      |
      = help: set offset = 0x1000
    "#);
    insta::assert_snapshot!(Case::new().with("path = \"app.bin\"", "path = \"bootloader.bin\"")
        .file("bootloader.bin", sample::bootloader(Chip::Esp32)).refused(), @r#"
    error: `app` is a bootloader at 0x10000, and esp32 starts it at 0x1000
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x10000
       |          ^^^^^^^
       |
       = help: set offset = 0x1000
    "#);
}

#[test]
fn an_app_where_the_bootloader_belongs() {
    insta::assert_snapshot!(Case::new().file("boot.bin", sample::app(Chip::Esp32, 20_000, 1)).refused(), @r#"
    error: `boot` is an app and lies at 0x1000, where esp32 starts its bootloader
     --> line/manifest.toml:8:10
      |
    8 | offset = 0x1000
      |          ^^^^^^
      |
      = help: give it the offset of its app partition, and the bootloader an image of its own
    "#);
}

#[test]
fn a_bootloader_that_is_too_large() {
    let mut bootloader = sample::bootloader(Chip::Esp32);
    bootloader.resize(0x7001, 0xFF);
    let text = "[[image]]\nname = \"table\"\npath = \"table.bin\"\noffset = 0x8000\n\n";
    insta::assert_snapshot!(Case::new().with(text, "").file("boot.bin", bootloader).refused(), @r#"
    error: `boot` ends at 0x8001, past the partition table's place at 0x8000
     --> line/manifest.toml:8:10
      |
    8 | offset = 0x1000
      |          ^^^^^^
      |
      = help: make the bootloader smaller, or correct `partition_table_offset`
    "#);
}

#[test]
fn an_image_for_another_chip() {
    insta::assert_snapshot!(Case::new().file("app.bin", sample::app(Chip::Esp32S3, 20_000, 1)).refused(), @r#"
    error: `app` is for esp32s3, and the manifest is for esp32
      --> line/manifest.toml:17:8
       |
     3 | chip = "esp32"
       |        ------- the manifest's chip
    ...
    17 | path = "app.bin"
       |        ^^^^^^^^^
       |
       = help: build it for esp32 (idf.py set-target esp32), or correct `chip`
    "#);
}

#[test]
fn an_image_for_another_revision() {
    let app = |min, max| bounded(sample::app(Chip::Esp32, 20_000, 1), min, max);
    insta::assert_snapshot!(Case::new().top("min_chip_revision = \"v1.0\"").file("app.bin", app(300, 0xFFFF)).refused(), @r#"
    error: `app` needs chip revision v3.0 or later, and the manifest admits v1.0
      --> line/manifest.toml:18:8
       |
     4 | min_chip_revision = "v1.0"
       |                     ------ admitted from here on
    ...
    18 | path = "app.bin"
       |        ^^^^^^^^^
       |
       = help: set min_chip_revision = "v3.0", or build for older chips
    "#);
    insta::assert_snapshot!(Case::new().top("max_chip_revision = \"v1.0\"").file("app.bin", app(300, 0xFFFF)).refused(), @r#"
    error: `app` needs chip revision v3.0 or later, and the manifest admits none of them
      --> line/manifest.toml:18:8
       |
     4 | max_chip_revision = "v1.0"
       |                     ------ admitted up to here
    ...
    18 | path = "app.bin"
       |        ^^^^^^^^^
       |
       = help: raise max_chip_revision, or build for older chips
    "#);
    insta::assert_snapshot!(Case::new().top("max_chip_revision = \"v3.1\"").file("app.bin", app(0, 199)).refused(), @r#"
    error: `app` runs up to chip revision v1.99, and the manifest admits v3.1
      --> line/manifest.toml:18:8
       |
     4 | max_chip_revision = "v3.1"
       |                     ------ admitted up to here
    ...
    18 | path = "app.bin"
       |        ^^^^^^^^^
       |
       = help: set max_chip_revision = "v1.99", or build for newer chips
    "#);
}

#[test]
fn damaged_images() {
    insta::assert_snapshot!(Case::new().changed("app.bin", |app| app[5000] ^= 1).refused(), @r#"
    error: `app`: the image's checksum is 0xbd and the file says 0xbc: it is damaged
      --> line/manifest.toml:17:8
       |
    17 | path = "app.bin"
       |        ^^^^^^^^^
       |
       = help: build it again, or copy it again from where it was built
    "#);
    insta::assert_snapshot!(Case::new().changed("boot.bin", |boot| boot[3] ^= 0x10).refused(), @r#"
    error: `boot`: the appended SHA-256 does not hold: the image is damaged or was changed by hand
     --> line/manifest.toml:7:8
      |
    7 | path = "boot.bin"
      |        ^^^^^^^^^^
      |
      = help: build it again, or copy it again from where it was built
    "#);
    insta::assert_snapshot!(Case::new().changed("app.bin", |app| app.truncate(9000)).refused(), @r#"
    error: `app`: segment 4 of 4 reaches to byte 19960 of the file, which has 9000: it is cut short
      --> line/manifest.toml:17:8
       |
    17 | path = "app.bin"
       |        ^^^^^^^^^
       |
       = help: build it again, or copy it again from where it was built
    "#);
    insta::assert_snapshot!(Case::new().file("app.bin", b"\x7fELF and more of it, for a while".to_vec()).refused(), @r#"
    error: `app`: the file begins with 0x7f and not with an ESP image's 0xe9
      --> line/manifest.toml:17:8
       |
    17 | path = "app.bin"
       |        ^^^^^^^^^
       |
       = help: name the .bin file of the build (not the .elf, and not an encrypted one), or correct the offset
    "#);
}

#[test]
fn partition_tables_that_overlap_themselves() {
    insta::assert_snapshot!(Case::new().table(&[("nvs", 1, 2, 0x9000, 0x8000), ("factory", 0, 0, 0x1_0000, 0x10_0000)]).refused(), @r#"
    error: `table`: partitions 'nvs' and 'factory' overlap at 0x10000
      --> line/manifest.toml:12:8
       |
    12 | path = "table.bin"
       |        ^^^^^^^^^^^
       |
       = help: correct the partition table's .csv and build it again
    "#);
}

#[test]
fn partition_tables_that_reach_too_far() {
    let rows = [
        ("nvs", 1, 2, 0x9000, 0x6000),
        ("factory", 0, 0, 0x1_0000, 0x40_0000),
    ];
    insta::assert_snapshot!(Case::new().table(&rows).refused(), @r#"
    error: `table`: partition 'factory' ends at 0x410000, past the flash's end at 0x400000
      --> line/manifest.toml:12:8
       |
     7 | path = "boot.bin"
       |        ---------- the size
    ...
    12 | path = "table.bin"
       |        ^^^^^^^^^^^
       |
       = help: plan with a larger part (`[flash] size`), or correct the partition table's .csv
    "#);
    insta::assert_snapshot!(Case::new().table(&rows).top("flash.size = \"2MB\"").refused(), @r#"
    error: `table`: partition 'factory' ends at 0x410000, past the flash's end at 0x200000
      --> line/manifest.toml:13:8
       |
     4 | flash.size = "2MB"
       |              ----- the size
    ...
    13 | path = "table.bin"
       |        ^^^^^^^^^^^
       |
       = help: plan with a larger part (`[flash] size`), or correct the partition table's .csv
    "#);
}

#[test]
fn partition_tables_that_are_none() {
    insta::assert_snapshot!(Case::new().file("table.bin", b"# Name, Type, SubType".to_vec()).refused(), @r#"
    error: `table` at 0x8000: the file ends within row 1: it is cut short
      --> line/manifest.toml:12:8
       |
    12 | path = "table.bin"
       |        ^^^^^^^^^^^
       |
       = help: name the partition-table.bin of the build, not the .csv, or correct `partition_table_offset`
    "#);
    insta::assert_snapshot!(Case::new().changed("table.bin", |table| table[20] ^= 1).refused(), @r#"
    error: `table` at 0x8000: the MD5 row does not match the rows above it: the table is damaged
      --> line/manifest.toml:12:8
       |
    12 | path = "table.bin"
       |        ^^^^^^^^^^^
       |
       = help: build the table again, or copy it again from where it was built
    "#);
}

#[test]
fn a_partition_table_at_another_place() {
    insta::assert_snapshot!(Case::new().top("partition_table_offset = 0xf000").refused(), @r#"
    error: `table` is a partition table at 0x8000, and the bootloader looks for it at 0xf000
      --> line/manifest.toml:14:10
       |
     4 | partition_table_offset = 0xf000
       |                          ------ looked for here
    ...
    14 | offset = 0x8000
       |          ^^^^^^
       |
       = help: set `partition_table_offset` as CONFIG_PARTITION_TABLE_OFFSET says, and the image's offset to the same
    "#);
    insta::assert_snapshot!(Case::new().with("0x8000", "0x9000").refused(), @r#"
    error: `table` is a partition table at 0x9000, and the bootloader looks for it at 0x8000
      --> line/manifest.toml:13:10
       |
    13 | offset = 0x9000
       |          ^^^^^^
       |
       = help: set `partition_table_offset` as CONFIG_PARTITION_TABLE_OFFSET says, and the image's offset to the same
    "#);
}

#[test]
fn an_app_that_does_not_fit() {
    insta::assert_snapshot!(Case::new().file("app.bin", sample::app(Chip::Esp32, 0x10_0010, 1)).refused(), @r#"
    error: `app` does not fit in partition `factory`: it has 1048592 bytes, and there is room for 1048576
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x10000
       |          ^^^^^^^
       |
       = help: make it smaller, or give it more room in the partition table's .csv
    "#);
}

#[test]
fn an_app_that_just_fits() {
    assert_eq!(
        Case::new()
            .file("app.bin", sample::app(Chip::Esp32, 0x10_0000, 1))
            .warned(),
        ""
    );
}

#[test]
fn an_app_in_the_wrong_place() {
    insta::assert_snapshot!(Case::new().with("0x10000", "0x20000").refused(), @r#"
    error: `app` begins in the middle of the app partition `factory`
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x20000
       |          ^^^^^^^
       |
       = help: an app begins with its partition: set offset = 0x10000
    "#);
    insta::assert_snapshot!(Case::new().with("0x10000", "0x110000").refused(), @r#"
    error: `app` is an app and lies in no partition
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x110000
       |          ^^^^^^^^
       |
       = help: give it the offset of an app partition, or add the partition to the table
    "#);
    let rows = [
        ("factory", 0, 0, 0x1_0000, 0x10_0000),
        ("store", 1, 0x82, 0x11_0000, 0x10_0000),
    ];
    insta::assert_snapshot!(Case::new().table(&rows).with("0x10000", "0x110000").refused(), @r#"
    error: `app` is an app and lies in `store`, which is no app partition
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x110000
       |          ^^^^^^^^
       |
       = help: give it the offset of an app partition
    "#);
}

#[test]
fn data_that_does_not_fit() {
    insta::assert_snapshot!(Case::new().end("[[image]]\nname = \"phy\"\npath = \"x\"\noffset = 0xf000\n")
        .with("0x10000", "0x11000").file("x", vec![1; 0x1001]).refused(), @r#"
    error: `app` begins in the middle of the app partition `factory`
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x11000
       |          ^^^^^^^
       |
       = help: an app begins with its partition: set offset = 0x10000

    error: `phy` does not fit in partition `phy_init`: it has 4097 bytes, and there is room for 4096
      --> line/manifest.toml:22:10
       |
    22 | offset = 0xf000
       |          ^^^^^^
       |
       = help: make it smaller, or give it more room in the partition table's .csv
    "#);
}

#[test]
fn another_chips_firmware_is_data_to_this_one() {
    let rows = [
        ("factory", 0, 0, 0x1_0000, 0x10_0000),
        ("modem", 1, 0x40, 0x11_0000, 0x10_0000),
    ];
    let case = Case::new()
        .table(&rows)
        .end("[[image]]\nname = \"modem\"\npath = \"x\"\noffset = 0x110000\n[[partition]]\nname = \"modem\"\nleftover = \"erase\"\n")
        .file("x", sample::app(Chip::Esp32C2, 20_000, 1));
    assert_eq!(case.warned(), "");
}

#[test]
fn otadata_must_be_decided() {
    let case = || Case::new().file("table.bin", sample::two_ota_table().to_bytes());
    insta::assert_snapshot!(case().refused(), @r#"
    error: it is not decided what becomes of `otadata`, which says which app starts
      --> line/manifest.toml:12:8
       |
    12 | path = "table.bin"
       |        ^^^^^^^^^^^
       |
       = help: add [[partition]] name = "otadata" with leftover = "erase" (the first app starts) or "keep" (what the board was last told starts), or an image for 0xd000
    "#);
    let otadata =
        |leftover: &str| format!("[[partition]]\nname = \"otadata\"\nleftover = \"{leftover}\"\n");
    let decided = |leftover: &str| case().end(&otadata(leftover)).bundle().leftovers[1].leftover;
    assert_eq!(decided("erase"), Leftover::Erase);
    assert_eq!(decided("keep"), Leftover::Keep);
    assert_eq!(
        case().top("erase = \"all\"").bundle().leftovers[1].leftover,
        Leftover::Erase
    );
    let image = "[[image]]\nname = \"ota\"\npath = \"ota.bin\"\noffset = 0xd000\n";
    let filled = |sectors| {
        case()
            .end(image)
            .file("ota.bin", vec![0xFF; sectors * SECTOR_BYTES as usize])
    };
    assert_eq!(filled(2).warned(), "");
    // the other sector could still hold an entry
    assert!(filled(1).refused().contains("not decided"));
}

#[test]
fn decisions_that_cannot_be() {
    let case = |name: &str, leftover: &str| {
        Case::new().end(&format!(
            "[[partition]]\nname = \"{name}\"\nleftover = \"{leftover}\"\n"
        ))
    };
    insta::assert_snapshot!(case("nvm", "keep").refused(), @r#"
    error: the partition table has no partition `nvm`
      --> line/manifest.toml:20:8
       |
    20 | name = "nvm"
       |        ^^^^^
       |
       = help: its data partitions are: nvs, phy_init
    "#);
    insta::assert_snapshot!(case("factory", "erase").refused(), @r#"
    error: `factory` is no data partition
      --> line/manifest.toml:20:8
       |
    20 | name = "factory"
       |        ^^^^^^^^^
       |
       = help: leave it out: what no image fills there is kept
    "#);
    insta::assert_snapshot!(case("nvs", "keep").top("erase = \"all\"").refused(), @r#"
    error: `nvs` cannot be kept: the whole flash is erased
      --> line/manifest.toml:22:12
       |
     4 | erase = "all"
       |         ----- erases everything
    ...
    22 | leftover = "keep"
       |            ^^^^^^
       |
       = help: write leftover = "erase", or erase = "touched"
    "#);
    insta::assert_snapshot!(case("nvs", "keep").end("[[partition]]\nname = \"nvs\"\nleftover = \"erase\"\n").refused(), @r#"
    error: partition `nvs` is decided twice
      --> line/manifest.toml:23:8
       |
    20 | name = "nvs"
       |        ----- here first
    ...
    23 | name = "nvs"
       |        ^^^^^
       |
       = help: keep the one that is meant
    "#);
    insta::assert_snapshot!(case("phy_init", "keep").end("[[image]]\nname = \"phy\"\npath = \"x\"\noffset = 0xf000\n").file("x", vec![1; 0x1000]).refused(), @r#"
    error: an image fills the whole partition `phy_init`
      --> line/manifest.toml:20:8
       |
    20 | name = "phy_init"
       |        ^^^^^^^^^^
       |
       = help: leave the decision out, or the image
    "#);
}

#[test]
fn a_partition_that_is_filled_in_part() {
    let case = || {
        Case::new()
            .end("[[image]]\nname = \"data\"\npath = \"x\"\noffset = 0x9000\n")
            .file("x", vec![1; 0x1001])
    };
    insta::assert_snapshot!(case().warned(), @r#"
    warning: `data` fills only a part of partition `nvs`: what the flash held behind it stays
      --> line/manifest.toml:22:10
       |
    22 | offset = 0x9000
       |          ^^^^^^
       |
       = help: add [[partition]] name = "nvs" with leftover = "erase", or "keep" if that is meant
    "#);
    let case = case().end("[[partition]]\nname = \"nvs\"\nleftover = \"erase\"\n");
    assert_eq!(case.warned(), "");
    let rest = &case.bundle().leftovers[0];
    assert_eq!(
        (rest.offset, rest.size_bytes, rest.leftover),
        (0xB000, 0x4000, Leftover::Erase)
    );
}

#[test]
fn the_app_that_would_not_start() {
    let case = Case::new()
        .file("table.bin", sample::two_ota_table().to_bytes())
        .with("0x10000", "0x110000")
        .end("[[partition]]\nname = \"otadata\"\nleftover = \"erase\"\n");
    insta::assert_snapshot!(case.warned(), @r#"
    warning: the bootloader starts `ota_0`, which no image fills, before `app`
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x110000
       |          ^^^^^^^^
       |
       = help: give `app` the offset 0x10000, or decide otadata otherwise
    "#);
}

#[test]
fn what_a_board_must_have_already() {
    let mut case = Case::new().top("flash.mode = \"dio\"");
    let boot = "[[image]]\nname = \"boot\"\npath = \"boot.bin\"\noffset = 0x1000\n\n";
    let table = "[[image]]\nname = \"table\"\npath = \"table.bin\"\noffset = 0x8000\n\n";
    case = case
        .with(boot, "")
        .with(table, "")
        .end("[[partition]]\nname = \"nvs\"\nleftover = \"keep\"\n");
    insta::assert_snapshot!(case.refused(), @r#"
    error: this is set in the bootloader's header, and no image is a bootloader
     --> line/manifest.toml:4:14
      |
    4 | flash.mode = "dio"
      |              ^^^^^
      |
      = help: add the bootloader as an image of its own, or write "keep"

    error: there is no partition table that this partition could be in
      --> line/manifest.toml:11:8
       |
    11 | name = "nvs"
       |        ^^^^^
       |
       = help: add the partition table as an image
    "#);
    let app = "[[image]]\nname = \"app\"\npath = \"app.bin\"\noffset = 0x10000\n";
    insta::assert_snapshot!(Case::new().with(app, "").warned(), @r#"
    warning: no image is an app
    --> line/manifest.toml
     = help: add it, unless every board has it already
    "#);
}

#[test]
fn data_in_no_partition() {
    let case = Case::new()
        .end("[[image]]\nname = \"raw\"\npath = \"x\"\noffset = 0x200000\n")
        .file("x", vec![1; 16]);
    insta::assert_snapshot!(case.warned(), @r#"
    warning: `raw` lies in no partition
      --> line/manifest.toml:22:10
       |
    22 | offset = 0x200000
       |          ^^^^^^^^
       |
       = help: check the offset, unless the firmware reads this place without a partition
    "#);
}

#[test]
fn a_merged_file() {
    let case = Case::new();
    let mut merged = vec![0xFF; 0x10000];
    for (offset, name) in [(0x1000, "boot.bin"), (0x8000, "table.bin")] {
        let bytes = &case.files[name];
        merged[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    merged.extend(&case.files["app.bin"]);
    let mut case = case.file("all.bin", merged);
    case.text = "product = \"lamp\"\nversion = \"1\"\nchip = \"esp32\"\n[[image]]\nname = \"all\"\npath = \"all.bin\"\noffset = 0\n".to_owned();
    insta::assert_snapshot!(case.warned(), @r#"
    warning: `all` is a merged file: it overwrites whatever lies between its parts
     --> line/manifest.toml:6:8
      |
    6 | path = "all.bin"
      |        ^^^^^^^^^
      |
      = help: give bootloader, partition table and apps as images of their own: they are checked one by one, and stored data survives
    "#);
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
