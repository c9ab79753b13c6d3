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

/// A board of an SDK with partitions: its table is one sector, and the NVS lies behind it.
const OLD: &str = r#"product = "lamp"
version = "1"
chip = "esp8266"
flash.size = "4MB"
verify = "readback"
[[image]]
name = "boot"
path = "boot-8266.bin"
offset = 0
[[image]]
name = "table"
path = "table.bin"
offset = 0x8000
[[image]]
name = "app"
path = "app-8266.bin"
offset = 0x10000
[[partition]]
name = "nvs"
leftover = "keep"
"#;

#[test]
fn who_writes_an_esp8266_and_what_that_means() {
    const STUB: &str = r#"{"entry": 1074840836, "text": "AAECAwQF", "text_start": 1074840832,
        "data": "Bwg=", "data_start": 1073720940, "bss_start": 1073643776}"#;
    let folder = folder(OLD, STATION);
    let path = |name: &str| folder.path().join(name);
    fs::write(path("boot-8266.bin"), sample::bootloader(Chip::Esp8266)).unwrap();
    fs::write(path("app-8266.bin"), sample::app(Chip::Esp8266, 20_000, 1)).unwrap();
    fs::write(path("esp8266.json"), STUB).unwrap();
    let with_stub = format!("{STATION}stub_dir = \".\"\n");
    fs::write(path("stub.toml"), &with_stub).unwrap();
    fs::write(path("unwanted.toml"), format!("{with_stub}stub = false\n")).unwrap();
    let no_stub =
        "written by the esp8266's ROM: its stub is not built in, and no stub_dir names one";
    let unwanted = "written by the esp8266's ROM: the station says stub = false";
    let kept = "one too, at 0x9000, of `nvs`, which is kept";
    for (args, by_the_rom) in [
        (&["manifest.toml"][..], Some(no_stub)),
        (&["--station", "station.toml"], Some(no_stub)),
        (&["--station", "unwanted.toml"], Some(unwanted)),
        (&["--station", "stub.toml"], None),
    ] {
        let (code, plan, told) = check(folder.path(), args);
        assert_eq!(code, Some(0), "{told}");
        let is_by_rom = by_the_rom.is_some();
        assert_eq!(told.contains(kept), is_by_rom, "{args:?}: {told}");
        assert_eq!(told.contains("manifest.toml:13:10"), is_by_rom, "{told}");
        assert_eq!(plan.contains("likely time through the ROM"), is_by_rom);
        assert_eq!(plan.contains("likely time through the stub"), !is_by_rom);
        assert_eq!(plan.contains("460800 baud"), !is_by_rom, "{plan}");
        let end = "reads nothing back: a board is written as a whole, and it ends WRITTEN";
        assert_eq!(plan.contains(end), is_by_rom, "{plan}");
        assert!(plan.contains(by_the_rom.unwrap_or("lamp 1")), "{plan}");
    }
}

#[test]
fn a_readback_in_secure_download_mode_is_told_to_be_none() {
    let allowing = MANIFEST.replacen(
        "chip = \"esp32\"",
        "chip = \"esp32c3\"\nverify = \"readback\"\nsecure_download = \"allow\"",
        1,
    );
    let folder = folder(&allowing.replacen("0x1000\n", "0\n", 1), STATION);
    for (name, bytes) in [
        ("boot.bin", sample::bootloader(Chip::Esp32C3)),
        ("app.bin", sample::app(Chip::Esp32C3, 20_000, 1)),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let (code, plan, told) = check(folder.path(), &["manifest.toml"]);
    assert_eq!(code, Some(0), "{told}");
    let words = "a board in Secure Download Mode answers no digests and reads nothing back";
    assert!(plan.contains(words), "{plan}");
}

#[test]
fn slots_that_start_no_app_are_refused_where_a_boot_check_waits_for_it() {
    let manifest = MANIFEST.replacen("[[image]]", "[boot]\nexpect = [\"up\"]\n[[image]]", 1);
    let folder = folder(&manifest, STATION);
    let path = |name: &str| folder.path().join(name);
    let run = || {
        let output = assert_cmd::Command::cargo_bin("flashline")
            .unwrap()
            .current_dir(folder.path())
            .args(["run", "--plain", "--config", "slots.toml"])
            .timeout(std::time::Duration::from_secs(20))
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let slot = |lines: &str| format!("{STATION}[[slot]]\nname = \"left\"\npath = {lines}\n");
    for (lines, place) in [
        ("\"/dev/ttyUSB0\"\nafter = \"stay\"", "slots.toml:7:9"),
        ("\"/dev/ttyUSB0\"\nreset = \"none\"", "slots.toml:7:9"),
        (
            "\"socket://rack:4000\"\nstart = \"request\"",
            "slots.toml:6:8",
        ),
    ] {
        fs::write(path("slots.toml"), slot(lines)).unwrap();
        let (code, told) = run();
        assert_eq!(code, Some(4), "{told}");
        assert!(
            told.contains(place) && told.contains("none could pass"),
            "{told}"
        );
        assert!(
            !path("flashline.db").exists(),
            "refused before anything else"
        );
        let (code, plan, _) = check(folder.path(), &["--station", "slots.toml"]);
        assert_eq!(code, Some(0));
        assert!(
            plan.contains("slot left") && plan.contains("run refuses"),
            "{plan}"
        );
    }
    // the chip's own watchdog starts what no line does
    let with_watchdog = manifest.replacen("\"esp32\"", "\"esp32c3\"", 1);
    fs::write(
        path("manifest.toml"),
        with_watchdog.replacen("0x1000\n", "0\n", 1),
    )
    .unwrap();
    fs::write(path("boot.bin"), sample::bootloader(Chip::Esp32C3)).unwrap();
    fs::write(path("app.bin"), sample::app(Chip::Esp32C3, 20_000, 1)).unwrap();
    fs::write(path("slots.toml"), slot("\"/dev/x\"\nreset = \"none\"")).unwrap();
    let (code, plan, told) = check(folder.path(), &["--station", "slots.toml"]);
    assert_eq!(
        (code, plan.contains("run refuses")),
        (Some(0), false),
        "{told}"
    );
}
