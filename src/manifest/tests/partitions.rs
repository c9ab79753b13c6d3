//! The partition table, and what fits and stays in its partitions.

use super::*;

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
fn what_reaches_into_a_partition() {
    insta::assert_snapshot!(Case::new().changed("table.bin", |table| table.resize(0x1001, 0xFF)).refused(), @r#"
    error: `table` ends at 0x9001 and reaches into partition `nvs`
      --> line/manifest.toml:13:10
       |
    13 | offset = 0x8000
       |          ^^^^^^
       |
       = help: make it smaller, or correct its offset or the partition table's .csv
    "#);
    let rows = [
        ("nvs", 1, 2, 0x9000, 0x1000),
        ("factory", 0, 0, 0x1_0000, 0x10_0000),
    ];
    insta::assert_snapshot!(Case::new().table(&rows).end("[[image]]\nname = \"raw\"\npath = \"x\"\noffset = 0xf000\n")
        .with("0x10000", "0x20000").file("x", vec![1; 0x1001]).refused(), @r#"
    error: `app` begins in the middle of the app partition `factory`
      --> line/manifest.toml:18:10
       |
    18 | offset = 0x20000
       |          ^^^^^^^
       |
       = help: an app begins with its partition: set offset = 0x10000

    error: `raw` ends at 0x10001 and reaches into partition `factory`
      --> line/manifest.toml:22:10
       |
    22 | offset = 0xf000
       |          ^^^^^^
       |
       = help: make it smaller, or correct its offset or the partition table's .csv
    "#);
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
fn what_images_leave_of_their_partitions_is_erased_with_regions() {
    let case = || {
        Case::new()
            .top("erase = \"regions\"")
            .end("[[image]]\nname = \"data\"\npath = \"x\"\noffset = 0x9000\n")
            .file("x", vec![1; 0x1001])
    };
    let leftovers = |case: Case| {
        let leftovers = case.bundle().leftovers;
        let rows = leftovers.into_iter().map(|part| {
            let end = part.offset + part.size_bytes;
            (part.name, part.offset..end, part.leftover)
        });
        rows.collect::<Vec<_>>()
    };
    assert_eq!(case().warned(), "");
    let nvs = |leftover| ("nvs".to_owned(), 0xB000..0xF000, leftover);
    let phy = ("phy_init".to_owned(), 0xF000..0x1_0000, Leftover::Keep);
    let app = ("factory".to_owned(), 0x1_5000..0x11_0000, Leftover::Erase);
    assert_eq!(
        leftovers(case()),
        [nvs(Leftover::Erase), phy.clone(), app.clone()]
    );
    // what is said of one partition goes before what is said of all
    let keep = "[[partition]]\nname = \"nvs\"\nleftover = \"keep\"\n";
    assert_eq!(leftovers(case().end(keep)), [nvs(Leftover::Keep), phy, app]);
}
