//! Bootloaders and apps.

use super::*;

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
fn images_that_no_revision_suits() {
    let case = Case::new()
        .file("boot.bin", bounded(sample::bootloader(Chip::Esp32), 0, 199))
        .file(
            "app.bin",
            bounded(sample::app(Chip::Esp32, 20_000, 1), 300, 399),
        );
    insta::assert_snapshot!(case.refused(), @r#"
    error: no chip revision suits everything: v3.0 or later is needed, and up to v1.99
     --> line/manifest.toml:3:8
      |
    3 | chip = "esp32"
      |        ^^^^^^^
      |
      = help: build all images for the same revisions
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
