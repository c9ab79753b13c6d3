//! Keys, values and files.

use super::*;

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
      = help: write "touched", "regions" or "all"

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
    // as the maker writes it
    let c3 = Case::new()
        .with("esp32", "ESP32-C3")
        .with("0x1000", "0x0")
        .file("boot.bin", sample::bootloader(Chip::Esp32C3))
        .file("app.bin", sample::app(Chip::Esp32C3, 20_000, 1));
    assert_eq!(c3.bundle().manifest.chip, Chip::Esp32C3);
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
fn boards_that_hide_themselves() {
    let check = |lines: &str, expected| {
        let manifest = Case::new().top(lines).bundle().manifest;
        assert_eq!(manifest.secure_download, expected, "{lines}");
    };
    check("", SecureDownload::Refuse);
    check("secure_download = \"refuse\"", SecureDownload::Refuse);
    check("secure_download = \"allow\"", SecureDownload::Allow);
    let detecting = Case::new().top("secure_download = \"allow\"\nflash.size = \"detect\"");
    insta::assert_snapshot!(detecting.refused(), @r#"
    error: a board in Secure Download Mode does not show its flash part: there is nothing to detect
     --> line/manifest.toml:5:14
      |
    4 | secure_download = "allow"
      |                   ------- allows such boards
    5 | flash.size = "detect"
      |              ^^^^^^^^
      |
      = help: write the size: "4MB"
    "#);
}

#[test]
fn boards_that_come_again() {
    let check = |lines: &str, expected| {
        let manifest = Case::new().top(lines).bundle().manifest;
        assert_eq!(manifest.again, expected, "{lines}");
    };
    check("", AgainPolicy::Flash);
    check("again = \"flash\"", AgainPolicy::Flash);
    check("again = \"ask\"", AgainPolicy::Ask);
    check("again = \"skip\"", AgainPolicy::Skip);
    insta::assert_snapshot!(Case::new().top("again = \"no\"").refused());
    let stored = |lines: &str| {
        let image = "\n[[image]]\nname = \"settings\"\npath = \"nvs.bin\"\noffset = 0x9000\n";
        let case = Case::new().file("nvs.bin", vec![1; 0x6000]);
        case.top(lines).end(image).warned()
    };
    assert_eq!(stored("again = \"flash\""), "");
    insta::assert_snapshot!(stored("again = \"skip\""));
}

#[test]
fn policies() {
    use {ErasePolicy as Erase, VerifyPolicy as Verify, WritePolicy as Write};
    let check = |lines: &str, expected: (Write, Erase, Verify)| {
        let manifest = Case::new().top(lines).bundle().manifest;
        let found = (manifest.write, manifest.erase, manifest.verify);
        assert_eq!(found, expected, "{lines}");
    };
    check("", (Write::Changed, Erase::Touched, Verify::Md5));
    check(
        "write = \"all\"\nerase = \"regions\"\nverify = \"readback\"",
        (Write::All, Erase::Regions, Verify::Readback),
    );
    check("erase = \"all\"", (Write::All, Erase::All, Verify::Md5));
    let both = Case::new().top("write = \"changed\"\nerase = \"all\"");
    assert_eq!(both.bundle().manifest.write, Write::All);
    insta::assert_snapshot!(both.warned(), @r#"
    warning: everything is written: nothing is left unchanged in a flash that is erased first
     --> line/manifest.toml:4:9
      |
    4 | write = "changed"
      |         ^^^^^^^^^
    5 | erase = "all"
      |         ----- erases everything
      |
      = help: leave the line out, or write erase = "touched" or "regions"
    "#);
}
