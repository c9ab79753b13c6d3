use std::path::Path;

use super::*;
use crate::settings::{text, whole, word, yes_or_no};

/// What is told of a document with a known shape.
fn told(toml: &str) -> String {
    let source = Source::new(Path::new("x.toml"), toml);
    let document = match Document::parse(&source) {
        Ok(document) => document,
        Err(faults) => return Fault::render_all(&faults, crate::settings::Paint::Plain),
    };
    let mut root = document.root();
    root.required("name", "\"x\"", text(8));
    root.optional("count_ms", whole(1..=10, "milliseconds"));
    root.optional("wanted", yes_or_no);
    root.list("rates", whole(1..=1000, "baud"));
    if let Some(mut flash) = root.table("flash", "[flash]") {
        flash.optional("mode", word(&[("keep", 0), ("dio", 1)]));
        flash.finish();
    }
    for mut slot in root.tables("slot", "[[slot]]") {
        slot.required("name", "\"left\"", text(8));
        slot.finish();
    }
    root.finish();
    Fault::render_all(&document.into_faults(), crate::settings::Paint::Plain)
}

#[test]
fn takes_what_fits() {
    assert_eq!(
        told(
            "name = 'a'\ncount_ms = 0x0_a\nwanted = true\nrates = [1, 2]\nflash.mode = 'dio'\n[[slot]]\nname = 'l'"
        ),
        ""
    );
}

#[test]
fn every_mistake_at_once() {
    insta::assert_snapshot!(told("nam = 3\ncount_ms = 11\nwanted = \"yes\"\nrates = [0, 5, \"6\"]\ncolour = 1\n\n[flash]\nmode = \"doi\"\n\n[[slot]]\n\n[[slot]]\nname = 7\n"), @r#"
    error: unknown key `nam`
     --> x.toml:1:1
      |
    1 | nam = 3
      | ^^^
      |
      = help: did you mean `name`?

    error: `count_ms` is 11, more than 10
     --> x.toml:2:12
      |
    2 | count_ms = 11
      |            ^^
      |
      = help: write a whole number from 1 to 10 (milliseconds), without quotes

    error: `wanted` is a string
     --> x.toml:3:10
      |
    3 | wanted = "yes"
      |          ^^^^^
      |
      = help: write true or false, without quotes

    error: an element of `rates` is 0, less than 1
     --> x.toml:4:10
      |
    4 | rates = [0, 5, "6"]
      |          ^
      |
      = help: write a whole number from 1 to 1000 (baud), without quotes

    error: an element of `rates` is a string
     --> x.toml:4:16
      |
    4 | rates = [0, 5, "6"]
      |                ^^^
      |
      = help: write a whole number from 1 to 1000 (baud), without quotes

    error: unknown key `colour`
     --> x.toml:5:1
      |
    5 | colour = 1
      | ^^^^^^
      |
      = help: known in the file: name, count_ms, wanted, rates, flash, slot

    error: `mode` is "doi"
     --> x.toml:8:8
      |
    8 | mode = "doi"
      |        ^^^^^
      |
      = help: write "keep" or "dio"

    error: [[slot]] has no `name`
      --> x.toml:10:1
       |
    10 | [[slot]]
       | ^^^^^^^^
       |
       = help: add: name = "left"

    error: `name` is a whole number
      --> x.toml:13:8
       |
    13 | name = 7
       |        ^
       |
       = help: write 1 to 8 characters between quotes
    "#);
}

#[test]
fn wrong_shapes() {
    insta::assert_snapshot!(told("name = \"123456789\"\nrates = 5\nflash = 1\nslot = [1]\nwanted = 1.5\ncount_ms = 99999999999999999999\n"), @r#"
    error: `name` has 9 characters, more than 8
     --> x.toml:1:8
      |
    1 | name = "123456789"
      |        ^^^^^^^^^^^
      |
      = help: write 1 to 8 characters between quotes

    error: `rates` is no list
     --> x.toml:2:9
      |
    2 | rates = 5
      |         ^
      |
      = help: write a list: rates = [ …, … ]

    error: `flash` is no table
     --> x.toml:3:9
      |
    3 | flash = 1
      |         ^
      |
      = help: write it under a heading [flash]

    error: an element of `slot` is no table
     --> x.toml:4:9
      |
    4 | slot = [1]
      |         ^
      |
      = help: write each under a heading [[slot]], in double brackets

    error: `wanted` is a number with a fraction
     --> x.toml:5:10
      |
    5 | wanted = 1.5
      |          ^^^
      |
      = help: write true or false, without quotes

    error: `count_ms` is 99999999999999999999, more than 10
     --> x.toml:6:12
      |
    6 | count_ms = 99999999999999999999
      |            ^^^^^^^^^^^^^^^^^^^^
      |
      = help: write a whole number from 1 to 10 (milliseconds), without quotes
    "#);
    insta::assert_snapshot!(told("name = \" \"\n[slot]\nname = 1\n"), @r#"
    error: `name` is empty
     --> x.toml:1:8
      |
    1 | name = " "
      |        ^^^
      |
      = help: write 1 to 8 characters between quotes

    error: `slot` is one and may be many
     --> x.toml:2:1
      |
    2 | [slot]
      | ^^^^^^
      |
      = help: write each under a heading [[slot]], in double brackets
    "#);
    insta::assert_snapshot!(told("name = \"a\\u0007\"\ncount_ms = -3\n"), @r#"
    error: `name` holds a control character
     --> x.toml:1:8
      |
    1 | name = "a\u0007"
      |        ^^^^^^^^^
      |
      = help: leave it out

    error: `count_ms` is -3, less than 1
     --> x.toml:2:12
      |
    2 | count_ms = -3
      |            ^^
      |
      = help: write a whole number from 1 to 10 (milliseconds), without quotes
    "#);
}

#[test]
fn syntax() {
    insta::assert_snapshot!(told("name = \"a\nrates = [1,\nflash = {"), @r#"
    error: this is no TOML: invalid basic string, expected `"`
     --> x.toml:1:10
      |
    1 | name = "a
      |          ^
      |
      = help: write `key = value` lines under `[table]` headings, text in double quotes

    error: this is no TOML: invalid boolean, expected `false`
     --> x.toml:3:1
      |
    3 | flash = {
      | ^^^^^
      |
      = help: write `key = value` lines under `[table]` headings, text in double quotes
    "#);
    insta::assert_snapshot!(told("name = \"a\"\nname = \"b\"\nx = = 2\n"), @r#"
    error: this is no TOML: duplicate key
     --> x.toml:2:1
      |
    2 | name = "b"
      | ^^^^
      |
      = help: write `key = value` lines under `[table]` headings, text in double quotes

    error: this is no TOML: extra `=`, expected nothing
     --> x.toml:3:5
      |
    3 | x = = 2
      |     ^
      |
      = help: write `key = value` lines under `[table]` headings, text in double quotes
    "#);
    insta::assert_snapshot!(told("name = bench\n"), @r#"
    error: this is no TOML: string values must be quoted, expected literal string
     --> x.toml:1:8
      |
    1 | name = bench
      |        ^^^^^
      |
      = help: write `key = value` lines under `[table]` headings, text in double quotes
    "#);
}

proptest::proptest! {
    #[test]
    fn any_text(toml in "[a-z_=\\[\\]{}\"'.,#0-9\\n\\r é\u{feff}-]{0,120}") {
        told(&toml);
    }
}
