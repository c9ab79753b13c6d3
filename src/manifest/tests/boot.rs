//! `[boot]`.

use std::time::Duration;

use super::*;

#[test]
fn a_boot_check_with_everything() {
    let case = Case::new().top(
        r#"[boot]
baud = 74880
timeout_ms = 3000
linger_ms = 500
expect = ["app_main", 'temp: \d+']
reject = ["ERROR"]
secrets = ['id (\d+)']
[[boot.measure]]
name = "vbat"
unit = "mV"
low = 3000
high = 3600.5
[[boot.measure]]
name = "rssi"
pattern = 'RSSI (-?\d+)'
required = false
[[boot.measure]]
name = "temperature"
key = "t"
"#,
    );
    let check = case.bundle().manifest.boot.unwrap();
    assert_eq!((check.baud, check.loop_starts), (74_880, Some(3)));
    assert_eq!(check.timeout, Duration::from_secs(3));
    assert_eq!(check.linger, Duration::from_millis(500));
    let expect: Vec<&str> = check.expect.iter().map(Pattern::as_str).collect();
    assert_eq!(expect, ["app_main", r"temp: \d+"]);
    let own = &check.reject[0];
    assert_eq!((own.pattern.as_str(), own.meaning), ("ERROR", None));
    assert!(check.reject[1..].iter().all(|r| r.meaning.is_some()));
    assert!(check.reject.len() > 5);
    assert_eq!(check.secrets.blot("id 12"), format!("id {BLOT}"));
    let measures = check.measures.iter().map(|m| {
        let value = m.pattern.first_group("vbat=1 RSSI -7 t: 3");
        (
            &*m.name,
            value.unwrap(),
            &*m.unit,
            m.low,
            m.high,
            m.required,
        )
    });
    assert_eq!(
        measures.collect::<Vec<_>>(),
        [
            ("vbat", "1", "mV", Some(3000.0), Some(3600.5), true),
            ("rssi", "-7", "", None, None, false),
            ("temperature", "3", "", None, None, true),
        ]
    );
}

#[test]
fn the_least_boot_check() {
    let case = Case::new().top("[boot]\nexpect = [\"ready\"]\ndefault_rejects = false");
    let check = case.bundle().manifest.boot.unwrap();
    assert_eq!(
        (check.baud, check.timeout),
        (115_200, Duration::from_secs(10))
    );
    assert_eq!((check.loop_starts, check.reject.len()), (None, 0));
    assert_eq!(Case::new().bundle().manifest.boot, None);
}

#[test]
fn a_boot_check_that_waits_for_nothing() {
    let case = Case::new()
        .top("[boot]\nreject = [\"x\"]\n[[boot.measure]]\nname = \"a\"\nrequired = false");
    insta::assert_snapshot!(case.refused(), @r#"
    error: [boot] waits for nothing
     --> line/manifest.toml:4:1
      |
    4 | [boot]
      | ^^^^^^
      |
      = help: say what a good board prints: expect = ["…"], or a [[boot.measure]] that is required
    "#);
}

#[test]
fn patterns_and_measurements_that_do_not_fit() {
    let case = Case::new().top(
        r#"[boot]
baud = "fast"
expect = ["ok", "a(b", '(\w{500}){500}']
secrets = "x"
[[boot.measure]]
name = "wifi_token"
[[boot.measure]]
name = "vbat"
key = "psk"
low = 3
high = 2.5
[[boot.measure]]
name = "vbat"
key = "v"
pattern = 'vbat \d+'
low = nan
limit = 3
"#,
    );
    insta::assert_snapshot!(case.refused(), @r#"
    error: `baud` is a string
     --> line/manifest.toml:5:8
      |
    5 | baud = "fast"
      |        ^^^^^^
      |
      = help: write a whole number from 300 to 12000000 (baud), without quotes

    error: an element of `expect` is no regular expression: unclosed group
     --> line/manifest.toml:6:17
      |
    6 | expect = ["ok", "a(b", '(\w{500}){500}']
      |                 ^^^^^
      |
      = help: put \ before each of . + * ? ( ) [ ] { } | ^ $ that stands for itself, and the whole between single quotes

    error: an element of `expect` is no regular expression: it is too large: shorten it, or its repetitions
     --> line/manifest.toml:6:24
      |
    6 | expect = ["ok", "a(b", '(\w{500}){500}']
      |                        ^^^^^^^^^^^^^^^^
      |
      = help: put \ before each of . + * ? ( ) [ ] { } | ^ $ that stands for itself, and the whole between single quotes

    error: `secrets` is no list
     --> line/manifest.toml:7:11
      |
    7 | secrets = "x"
      |           ^^^
      |
      = help: write a list: secrets = [ …, … ]

    error: `wifi_token` looks like a secret, and secrets are blotted out before anything is measured
     --> line/manifest.toml:9:8
      |
    9 | name = "wifi_token"
      |        ^^^^^^^^^^^^
      |
      = help: let the app print the value under another name

    error: `psk` looks like a secret, and secrets are blotted out before anything is measured
      --> line/manifest.toml:12:7
       |
    12 | key = "psk"
       |       ^^^^^
       |
       = help: let the app print the value under another name

    error: no value is within these limits
      --> line/manifest.toml:14:8
       |
    13 | low = 3
       |       - the lower limit
    14 | high = 2.5
       |        ^^^
       |
       = help: swap them, or leave one out

    error: two measurements are called `vbat`
      --> line/manifest.toml:16:8
       |
    11 | name = "vbat"
       |        ------ here first
    ...
    16 | name = "vbat"
       |        ^^^^^^
       |
       = help: give each a name of its own

    error: a value is found by its `key` or by a `pattern`, not by both
      --> line/manifest.toml:18:11
       |
    17 | key = "v"
       |       --- the key
    18 | pattern = 'vbat \d+'
       |           ^^^^^^^^^^
       |
       = help: leave one out

    error: the pattern has no group to tell where the number is
      --> line/manifest.toml:18:11
       |
    18 | pattern = 'vbat \d+'
       |           ^^^^^^^^^^
       |
       = help: put the number in brackets: 'VBAT is (\d+) mV'

    error: `low` is no number to compare with
      --> line/manifest.toml:19:7
       |
    19 | low = nan
       |       ^^^
       |
       = help: write a number such as 3.3, without quotes

    error: unknown key `limit`
      --> line/manifest.toml:20:1
       |
    20 | limit = 3
       | ^^^^^
       |
       = help: known in [[boot.measure]]: name, key, pattern, unit, low, high, required
    "#);
}
