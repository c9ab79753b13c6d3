//! `flashline check` as it is called: what goes where, and the exit codes.

use std::fs;
use std::path::Path;
use std::process::Output;

use flashline::chip::Chip;
use flashline::image::sample;

const MANIFEST: &str = r#"product = "lamp"
version = "1"
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

/// A folder with firmware, a manifest and a station file.
fn folder(manifest: &str, station: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("boot.bin", &sample::bootloader(Chip::Esp32));
    put("table.bin", &sample::single_app_table().to_bytes());
    put("app.bin", &sample::app(Chip::Esp32, 20_000, 1));
    put("manifest.toml", manifest.as_bytes());
    put("station.toml", station.as_bytes());
    folder
}

fn check(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = assert_cmd::Command::cargo_bin("flashline")
        .unwrap()
        .current_dir(folder)
        .arg("check")
        .args(args)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

const STATION: &str = "station = \"b\"\nmanifest = \"manifest.toml\"\nbaud_ceiling = 460800\n";

#[test]
fn a_manifest_in_order() {
    let folder = folder(MANIFEST, STATION);
    let (code, plan, faults) = check(folder.path(), &["manifest.toml"]);
    assert_eq!((code, faults.as_str()), (Some(0), ""));
    assert!(
        plan.contains("lamp 1") && plan.contains("921600 baud"),
        "{plan}"
    );
    let (code, plan, _) = check(folder.path(), &["--station", "station.toml"]);
    assert_eq!(code, Some(0));
    assert!(
        plan.contains("460800 baud") && !plan.contains("921600"),
        "{plan}"
    );
}

#[test]
fn faults_of_both_files() {
    let manifest = MANIFEST.replace("0x10000", "0x10100");
    let folder = folder(&manifest, &format!("{STATION}attempts = 0\n"));
    let (code, plan, faults) = check(
        folder.path(),
        &["manifest.toml", "--station", "station.toml"],
    );
    assert_eq!((code, plan.as_str()), (Some(4), ""));
    assert!(faults.contains("station.toml:4:12"), "{faults}");
    assert!(faults.contains("manifest.toml:15:10"), "{faults}");
    assert!(!faults.contains('\u{1b}'), "coloured without a terminal");
}

#[test]
fn warnings_do_not_refuse() {
    let app = "[[image]]\nname = \"app\"\npath = \"app.bin\"\noffset = 0x10000\n";
    let folder = folder(&MANIFEST.replace(app, ""), STATION);
    let (code, plan, faults) = check(folder.path(), &["manifest.toml"]);
    assert_eq!(code, Some(0));
    assert!(plan.contains("lamp 1"), "{plan}");
    assert!(faults.contains("1 warning"), "{faults}");
}

#[test]
fn wrong_calls() {
    let folder = folder(MANIFEST, STATION);
    for args in [
        &["none.toml"][..],
        &[],
        &["manifest.toml", "--baut", "1"],
        &["."],
    ] {
        let (code, plan, faults) = check(folder.path(), args);
        assert_eq!((code, plan.as_str()), (Some(4), ""), "{args:?}");
        assert!(!faults.is_empty(), "{args:?}");
    }
}
