//! `flashline info|read|erase|write|verify` as they are called, against simulated boards on ptys.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flashline::chip::Chip;
use flashline::image::{hex, sample, sha256};
use flashline::sim::{Bench, BoardHandle, BoardSpec, Contents, Fault, Pace};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[path = "../../examples/library.rs"]
#[expect(dead_code, reason = "its main is for a process of its own")]
mod example;

/// A folder with a bench in it, and one board that holds a whole product.
struct Rig {
    folder: tempfile::TempDir,
    bench: Bench,
    board: BoardHandle,
}

fn flashed() -> Vec<u8> {
    let mut flash = vec![0xFF; 4 << 20];
    let mut put = |offset: usize, bytes: &[u8]| {
        flash[offset..offset + bytes.len()].copy_from_slice(bytes);
    };
    put(0x1000, &sample::bootloader(Chip::Esp32));
    put(0x8000, &sample::single_app_table().to_bytes());
    put(0x1_0000, &sample::app(Chip::Esp32, 50_000, 1));
    flash
}

fn rig(pace: Pace) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(&folder.path().join("bench")).unwrap();
    let mut spec = BoardSpec::esp32(1).pace(pace);
    spec.contents = Contents::Holds(flashed().into());
    let board = bench.plug("a", spec).unwrap();
    Rig {
        folder,
        bench,
        board,
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("flashline"));
    command.current_dir(folder).args(args);
    command
}

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Rig {
    fn run(&self, args: &[&str]) -> Said {
        let (name, rest) = args.split_first().unwrap();
        let args = [&[*name, "--port", "bench/a"], rest].concat();
        let Output {
            status,
            stdout,
            stderr,
        } = command(self.folder.path(), &args).output().unwrap();
        Said {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    #[track_caller]
    fn check(&self, args: &[&str], code: i32, told: &str) {
        let Said {
            code: found,
            out,
            err,
        } = self.run(args);
        assert_eq!(found, Some(code), "{out}{err}");
        let said = format!("{out}{err}");
        assert!(said.contains(told), "{told:?} is not in: {said}");
    }

    /// The last line of a command with `--json`, and the events before it.
    #[track_caller]
    fn json(&self, args: &[&str]) -> (Value, Vec<String>) {
        let said = self.run(&[args, &["--json"]].concat());
        let objects: Vec<Value> = said
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let (last, events) = objects.split_last().unwrap();
        let word = |object: &Value| object["event"].as_str().unwrap().to_owned();
        assert_eq!(word(last), "result", "{}", said.err);
        (last.clone(), events.iter().map(word).collect())
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn got(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    /// What is in the folder besides the bench.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "bench")
            .collect();
        names.sort();
        names
    }
}

#[test]
fn info_tells_the_board_and_what_is_on_it() {
    let rig = rig(Pace::Unpaced);
    let said = rig.run(&["info"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    insta::assert_snapshot!(said.out);
    let (info, events) = rig.json(&["info"]);
    assert!(events.iter().all(|event| event == "progress"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&info).unwrap());
}

#[test]
fn every_field_of_a_result_is_documented() {
    let rig = rig(Pace::Unpaced);
    rig.put("x.bin", &[0x5A; 100]);
    let page = include_str!("../../docs/json.md");
    let (_, page) = page.split_once("## By hand").unwrap();
    for args in [
        &["info"][..],
        &["read", "--size", "16", "-o", "out.bin"],
        &["erase", "--partition", "nvs", "--yes"],
        &["write", "0x20000", "x.bin"],
        &["verify", "0x20000", "x.bin"],
        &["verify", "0x30000", "x.bin"],
    ] {
        let (result, _) = rig.json(args);
        for field in result.as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{field}`")), "{field} of {args:?}");
        }
    }
}

#[test]
fn what_is_written_is_there_and_can_be_read_back() {
    let rig = rig(Pace::Unpaced);
    let bytes = sample::app(Chip::Esp32, 70_000, 2);
    rig.put("app.bin", &bytes);
    rig.check(&["write", "0x20000", "app.bin"], 0, "written and verified");
    assert_eq!(rig.board.flash()[0x2_0000..][..bytes.len()], bytes);
    rig.check(&["verify", "0x20000", "app.bin"], 0, "verified");
    rig.check(&["verify", "0x30000", "app.bin"], 2, "VERIFY_MISMATCH");
    let sha256 = hex(&sha256(&rig.board.flash()));
    rig.check(&["read", "-o", "all.bin"], 0, &sha256);
    assert_eq!(rig.got("all.bin"), rig.board.flash());
    rig.check(
        &["read", "--partition", "factory", "-o", "app-{mac}.bin"],
        0,
        "app-240ac4000001.bin",
    );
    let range = 0x1_0000..0x11_0000;
    assert_eq!(rig.got("app-240ac4000001.bin"), rig.board.flash()[range]);
    rig.check(
        &[
            "read",
            "--offset",
            "0x8000",
            "--size",
            "3KB",
            "-o",
            ".",
            "--name-by-mac",
        ],
        0,
        "240ac4000001.bin",
    );
    assert_eq!(
        rig.got("240ac4000001.bin"),
        rig.board.flash()[0x8000..0x8C00]
    );
}

#[tokio::test]
async fn the_librarys_example_flashes_a_board() {
    let rig = rig(Pace::Unpaced);
    let bytes = sample::app(Chip::Esp32, 70_000, 2);
    rig.put("app.bin", &bytes);
    let file = rig.folder.path().join("app.bin");
    let port = rig.board.path();
    let (port, file) = (port.to_str().unwrap(), file.to_str().unwrap());
    example::flash(port, file).await.unwrap();
    assert_eq!(rig.board.flash()[0x1_0000..][..bytes.len()], bytes);
    rig.board.wait_until(|state| !state.open).await;
}

#[test]
fn without_a_stub_as_well() {
    let rig = rig(Pace::Unpaced);
    rig.put("x.bin", &[0x5A; 5000]);
    rig.check(&["write", "--no-stub", "0x20000", "x.bin"], 0, "verified");
    rig.check(
        &["read", "--no-stub", "--size", "0x2000", "-o", "x"],
        0,
        "SHA-256",
    );
    assert_eq!(rig.got("x"), rig.board.flash()[..0x2000]);
}

#[test]
fn a_file_is_never_overwritten_unasked() {
    let rig = rig(Pace::Unpaced);
    rig.put("a.bin", b"mine");
    let args = ["read", "--size", "16", "-o", "a.bin"];
    rig.check(&args, 4, "--force");
    rig.put("240ac4000001.bin", b"mine");
    let by_mac = ["read", "--size", "16", "-o", ".", "--name-by-mac"];
    rig.check(&by_mac, 4, "--force");
    assert_eq!(
        (rig.got("a.bin"), rig.got("240ac4000001.bin")),
        (b"mine".into(), b"mine".into())
    );
    rig.check(&[&args[..], &["--force"]].concat(), 0, "SHA-256");
    assert_eq!(rig.got("a.bin"), rig.board.flash()[..16]);
    assert_eq!(rig.files(), ["240ac4000001.bin", "a.bin"]);
}

#[test]
fn what_makes_no_sense_is_4_and_writes_nothing() {
    let rig = rig(Pace::Unpaced);
    let before = rig.board.flash();
    rig.put("x.bin", &[0x5A; 5000]);
    for (args, told) in [
        (&["write", "0x20001", "x.bin"][..], "within a sector"),
        (&["write", "0x3ff000", "x.bin"], "past the flash's end"),
        (&["write", "0x20000", "none.bin"], "none.bin"),
        (
            &["write", "0x20000", "x.bin", "0x21000", "x.bin"],
            "overlap",
        ),
        (&["write", "0x20000"], "FILE"),
        (&["write", "here", "x.bin"], "here is no number"),
        (&["erase"], "--all"),
        (&["erase", "--all", "--size", "4096"], "--all"),
        (&["erase", "--all"], "--yes"),
        (
            &["erase", "--offset", "1", "--size", "4096", "--yes"],
            "within a sector",
        ),
        (&["erase", "--partition", "none", "--yes"], "there are nvs"),
        (
            &["read", "--partition", "none", "-o", "out"],
            "there are nvs",
        ),
        (&["read", "--offset", "0x1000", "-o", "out"], "--size"),
        (
            &["read", "--size", "5MB", "-o", "out"],
            "past the flash's end",
        ),
        (&["read", "-o", "."], "--name-by-mac"),
        (&["read", "-o", "no/such/folder"], "no/such"),
    ] {
        rig.check(args, 4, told);
    }
    assert_eq!(rig.board.flash(), before);
    assert_eq!(rig.files(), ["x.bin"]);
}

#[test]
fn an_image_of_another_chip_wants_force() {
    let rig = rig(Pace::Unpaced);
    rig.put("c3.bin", &sample::app(Chip::Esp32C3, 5000, 1));
    rig.check(&["write", "0x20000", "c3.bin"], 2, "WRONG_CHIP");
    assert_eq!(rig.board.flash(), flashed());
    rig.check(&["write", "--force", "0x20000", "c3.bin"], 0, "verified");
}

#[test]
fn erasing() {
    let rig = rig(Pace::Unpaced);
    rig.check(
        &["erase", "--partition", "factory", "--yes"],
        0,
        "1048576 bytes",
    );
    let flash = rig.board.flash();
    assert!(flash[0x1_0000..0x11_0000].iter().all(|byte| *byte == 0xFF));
    assert_ne!(flash[0x8000], 0xFF);
    rig.check(&["erase", "--all", "--yes"], 0, "4194304 bytes");
    assert!(rig.board.flash().iter().all(|byte| *byte == 0xFF));
}

#[test]
fn a_reading_that_is_stopped_leaves_no_file() {
    // at the real pace it would take 47 s
    let rig = rig(Pace::Real);
    let args = ["read", "--port", "bench/a", "-o", "all.bin", "--json"];
    let mut flashline = command(rig.folder.path(), &args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(flashline.stdout.take().unwrap()).lines();
    let mut told = told.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let reads = |object: &Value| object["step"] == "read" && object["done_bytes"] != 0;
    told.by_ref().find(reads).unwrap();
    assert_eq!(rig.files().len(), 1, "the part file");
    kill_process(Pid::from_child(&flashline), Signal::INT).unwrap();
    let last = told.last().unwrap();
    assert_eq!(
        (&last["code"], &last["ok"]),
        (&"STOPPED".into(), &false.into())
    );
    assert_eq!(flashline.wait().unwrap().code(), Some(1));
    assert_eq!(rig.files(), Vec::<String>::new());
    // the board is there for whoever comes next
    drop(rig.bench);
}

#[test]
fn a_silent_board_is_2() {
    let rig = rig(Pace::Unpaced);
    let spec = BoardSpec::esp32(2).pace(Pace::Unpaced).fault(Fault::Silent);
    rig.bench.plug("silent", spec).unwrap();
    let args = ["info", "--port", "bench/silent", "--json"];
    let output = command(rig.folder.path(), &args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["code"], "NO_SYNC");
    let args = ["info", "--port", "bench/absent"];
    let output = command(rig.folder.path(), &args).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_reader_that_leaves_gets_no_more_and_breaks_nothing() {
    let rig = rig(Pace::Unpaced);
    let args = ["info", "--port", "bench/a", "--json"];
    let mut child = command(rig.folder.path(), &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
}
