//! `flashline ports` and `flashline install-udev` as they are typed.

use std::fs;
use std::path::Path;

use flashline::port::udev_rules;

fn flashline(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_rules_are_printed_for_any_group() {
    let folder = tempfile::tempdir().unwrap();
    let (code, rules, _) = flashline(folder.path(), &["install-udev", "--print"]);
    assert_eq!((code, rules), (Some(0), udev_rules("dialout")));
    let (code, rules, _) = flashline(
        folder.path(),
        &["install-udev", "--print", "--group", "line"],
    );
    assert_eq!((code, rules), (Some(0), udev_rules("line")));
    let (code, _, told) = flashline(folder.path(), &["install-udev", "--group", "no-such-group"]);
    assert_eq!(code, Some(4));
    assert!(told.contains("no group no-such-group"), "{told}");
    let (code, ..) = flashline(folder.path(), &["install-udev", "--group", "a\" b"]);
    assert_eq!(code, Some(4));
}

/// Whatever is plugged into this machine: the file's slots are told.
#[test]
fn the_ports_are_listed_with_the_files_slots() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told, _) = flashline(folder.path(), &["ports"]);
    assert!(matches!(code, Some(0 | 3)), "{told}");
    assert!(told.contains("no station file"), "{told}");
    let station =
        "station = \"b\"\nmanifest = \"m.toml\"\n[[slot]]\nname = \"left\"\npath = \"slot1\"\n";
    fs::write(folder.path().join("station.toml"), station).unwrap();
    let (code, told, _) = flashline(folder.path(), &["ports", "--json"]);
    assert_eq!(code, Some(0), "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["slots_without_port"][0]["slot"], "left");
    fs::write(folder.path().join("odd.toml"), "[ports]\nonly = 1\n").unwrap();
    let (code, _, told) = flashline(folder.path(), &["ports", "--config", "odd.toml"]);
    assert_eq!(code, Some(4));
    assert!(told.contains("`only` is no list"), "{told}");
}
