//! `flashline flash` as it is called: exit codes, what is said where, and what is recorded.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flashline::chip::Chip;
use flashline::image::sample;
use flashline::port::tty;
use flashline::record::{Jobs, Reader, Record, Since};
use flashline::sim::{Access, Bench, BoardSpec, Pace};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

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

fn folder(manifest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("boot.bin", &sample::bootloader(Chip::Esp32));
    put("table.bin", &sample::single_app_table().to_bytes());
    put("app.bin", &sample::app(Chip::Esp32, 20_000, 1));
    put("manifest.toml", manifest.as_bytes());
    folder
}

/// Runs `flashline flash` in the folder: the exit code, and all that it said.
fn flash(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = assert_cmd::Command::cargo_bin("flashline")
        .unwrap()
        .current_dir(folder)
        .args(["flash", "--manifest", "manifest.toml"])
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8([stderr, stdout].concat()).unwrap();
    (status.code(), said)
}

#[track_caller]
fn check(folder: &Path, args: &[&str], code: i32, told: &str) {
    let (found, said) = flash(folder, args);
    assert_eq!(found, Some(code), "{said}");
    assert!(said.contains(told), "{told:?} is not in: {said}");
}

fn recorded(folder: &Path) -> Jobs {
    let reader = Reader::open(&folder.join("flashline.db")).unwrap();
    reader.figures(Since::default()).unwrap().period.jobs
}

/// A pty that nobody answers on: its master, and the name of its port.
fn pty() -> (OwnedFd, String) {
    let master = openpt(OpenptFlags::RDWR).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    (master, name.into_string().unwrap())
}

#[test]
fn usage_and_manifest_are_4_and_leave_no_database() {
    let folder = folder(&MANIFEST.replace("0x1000", "0x2000"));
    let port = ["--port", "/dev/null"];
    check(
        folder.path(),
        &[&port[..], &["--boud", "9600"]].concat(),
        4,
        "--boud",
    );
    check(
        folder.path(),
        &[&port[..], &["--baud", "fast"]].concat(),
        4,
        "fast",
    );
    check(
        folder.path(),
        &[&port[..], &["--no-compress"]].concat(),
        4,
        "--no-stub",
    );
    check(folder.path(), &[], 4, "--port");
    check(folder.path(), &port, 4, "manifest.toml:7:10");
    check(folder.path(), &port, 4, "3 errors\n");
    assert!(!folder.path().join("flashline.db").exists());
}

#[test]
fn a_port_that_is_none_is_3_and_one_whole_row() {
    let folder = folder(MANIFEST);
    fs::write(folder.path().join("file"), "plain").unwrap();
    check(folder.path(), &["--port", "absent"], 3, "PORT_ABSENT");
    check(folder.path(), &["--port", "file"], 3, "PORT_NOT_SERIAL");
    let errors = Jobs {
        errors: 2,
        ..Jobs::default()
    };
    assert_eq!(recorded(folder.path()), errors);
}

/// A board that hides its MAC: refused without a serial, WRITTEN and 5 with one.
#[tokio::test(flavor = "multi_thread")]
async fn written_and_not_verified_is_5() {
    let manifest = MANIFEST.replace(
        "chip = \"esp32\"",
        "chip = \"esp32s2\"\nsecure_download = \"allow\"",
    );
    let folder = folder(&manifest);
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("boot.bin", &sample::bootloader(Chip::Esp32S2));
    put("app.bin", &sample::app(Chip::Esp32S2, 20_000, 1));
    let spec = BoardSpec::esp32(1)
        .chip(Chip::Esp32S2)
        .access(Access::SecureDownload)
        .pace(Pace::Unpaced);
    let bench = Bench::new(&folder.path().join("bench")).unwrap();
    bench.plug("board", spec).unwrap();
    let port = "bench/board";
    check(folder.path(), &["--port", port], 2, "SECURITY_STATE");
    let serial = ["--port", port, "--serial", "A17"];
    check(folder.path(), &serial, 5, "WRITTEN serial:A17 NOT_VERIFIED");
    check(
        folder.path(),
        &["--port", port, "--serial", " "],
        4,
        "--serial",
    );
    let expected = Jobs {
        written: 1,
        failed: 1,
        no_contact: 1,
        ..Jobs::default()
    };
    assert_eq!(recorded(folder.path()), expected);
    let reader = Reader::open(&folder.path().join("flashline.db")).unwrap();
    let figures = reader.figures(Since::default()).unwrap();
    assert_eq!((figures.period.units, figures.period.written), (1, 1));
}

#[test]
fn nothing_is_recorded_when_asked() {
    let folder = folder(MANIFEST);
    let args = ["--port", "absent", "--no-record"];
    check(folder.path(), &args, 3, "PORT_ABSENT");
    assert!(!folder.path().join("flashline.db").exists());
}

#[tokio::test]
async fn a_port_that_someone_holds_is_3() {
    let folder = folder(MANIFEST);
    let (_master, name) = pty();
    let held = tty::open(name.clone().into(), 115_200).await.unwrap();
    check(folder.path(), &["--port", &name], 3, "PORT_BUSY");
    held.close().await;
}

#[test]
fn a_database_that_someone_holds_is_3_and_says_who() {
    let folder = folder(MANIFEST);
    let (_held, _) = Record::open(&folder.path().join("flashline.db")).unwrap();
    check(folder.path(), &["--port", "absent"], 3, "in use by");
    let args = ["--port", "absent", "--db", "no/such/folder/x.db"];
    check(folder.path(), &args, 3, "no/such/folder/x.db");
}

#[test]
fn a_file_that_is_no_database_is_4_and_stays_as_it_was() {
    let folder = folder(MANIFEST);
    let args = ["--port", "absent", "--db", "manifest.toml"];
    check(folder.path(), &args, 4, "is no flashline database");
    let manifest = fs::read_to_string(folder.path().join("manifest.toml")).unwrap();
    assert_eq!(manifest, MANIFEST);
}

#[test]
fn a_silent_port_is_a_failed_board() {
    let folder = folder(MANIFEST);
    let (_master, name) = pty();
    check(folder.path(), &["--port", &name], 2, "NO_SYNC");
    let failed = Jobs {
        failed: 1,
        no_contact: 1,
        ..Jobs::default()
    };
    assert_eq!(recorded(folder.path()), failed);
}

#[test]
fn a_signal_stops_it_with_its_row_closed() {
    let folder = folder(MANIFEST);
    let (_master, port) = pty();
    let mut flashline = Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
        .current_dir(folder.path())
        .args(["flash", "--manifest", "manifest.toml", "--port", &port])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(flashline.stderr.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "connect");
    kill_process(Pid::from_child(&flashline), Signal::TERM).unwrap();
    assert_eq!(flashline.wait().unwrap().code(), Some(1));
    let aborted = Jobs {
        aborted: 1,
        ..Jobs::default()
    };
    assert_eq!(recorded(folder.path()), aborted);
}

#[test]
fn a_board_that_passes_and_one_that_does_not_fit() {
    let folder = folder(MANIFEST);
    let bench = Bench::new(&folder.path().join("bench")).unwrap();
    let spec = BoardSpec::esp32(1).pace(Pace::Unpaced);
    for way in [&[][..], &["--no-stub"], &["--no-stub", "--no-compress"]] {
        let board = bench.plug("good", spec.clone()).unwrap();
        let args = [&["--port", "bench/good"][..], way].concat();
        check(folder.path(), &args, 0, "PASS 24:0a:c4:00:00:01 in");
        let flash = board.flash();
        for (file, offset) in [
            ("boot.bin", 0x1000),
            ("table.bin", 0x8000),
            ("app.bin", 0x10000),
        ] {
            let bytes = fs::read(folder.path().join(file)).unwrap();
            assert!(flash[offset..offset + bytes.len()] == *bytes, "{file}");
        }
    }
    bench.plug("wrong", spec.chip(Chip::Esp32C3)).unwrap();
    check(folder.path(), &["--port", "bench/wrong"], 2, "WRONG_CHIP");
    let jobs = Jobs {
        passed: 3,
        failed: 1,
        ..Jobs::default()
    };
    assert_eq!(recorded(folder.path()), jobs);
}

#[test]
fn a_good_board_is_flashed_again_unless_it_is_said_to_skip_it() {
    // what the manifest says is the line's
    let folder = folder(&format!("again = \"skip\"\n{MANIFEST}"));
    let bench = Bench::new(&folder.path().join("bench")).unwrap();
    let spec = BoardSpec::esp32(1).pace(Pace::Unpaced);
    bench.plug("good", spec).unwrap();
    let check = |args: &[&str], told| {
        let args = [&["--port", "bench/good"][..], args].concat();
        check(folder.path(), &args, 0, told);
    };
    check(&["--again", "skip"], "PASS 24:0a:c4:00:00:01 in");
    check(&["--again", "skip"], "ALREADY_DONE");
    check(&[], "PASS 24:0a:c4:00:00:01 in");
    let jobs = Jobs {
        passed: 2,
        skipped: 1,
        ..Jobs::default()
    };
    assert_eq!(recorded(folder.path()), jobs);
}
