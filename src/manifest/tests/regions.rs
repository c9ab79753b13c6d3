//! Regions against each other and the flash.

use super::*;

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
    error: `app` ends at 0x1003e20, past the flash's end at 0x1000000 (16MB that this chip's loaders reach)
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
