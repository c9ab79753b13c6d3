//! The demo without a terminal: every board ends as the story says, and the record agrees.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::Command;
use flashline::event::{Code, Outcome};
use flashline::record::{Reader, Since};
use rustix::process::{Pid, Signal, kill_process};

fn demo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashline"));
    command
        .arg("demo")
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("TMPDIR", folder)
        .env_remove("CARGO_PKG_NAME")
        .timeout(std::time::Duration::from_secs(300));
    command
}

/// The folder that the demo made.
fn stage(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).unwrap();
    entries
        .next()
        .expect("the demo left its folder")
        .unwrap()
        .path()
}

#[test]
fn every_trouble_ends_as_the_story_says() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--fast", "--boards", "4", "--rounds", "2"])
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let output = String::from_utf8(output).unwrap();
    let stage = stage(folder.path());
    assert!(!stage.join("ports").exists(), "the ports' folder is gone");
    let database = stage.join("demo.db");
    let command = format!("flashline report --db {}", database.display());
    assert!(output.contains(&command), "{output}");

    let rows = Reader::open(&database).unwrap().jobs(Since(None)).unwrap();
    assert_eq!(rows.len(), 8);
    let count = |outcome, code| {
        rows.iter()
            .filter(|row| row.outcome == Some(outcome) && row.code == code)
            .count()
    };
    assert_eq!(count(Outcome::Pass, None), 4, "{output}");
    for code in [
        Code::Unplugged,
        Code::VerifyMismatch,
        Code::WrongChip,
        Code::NoSync,
    ] {
        assert_eq!(count(Outcome::Fail, Some(code)), 1, "{code}");
    }
}

#[test]
fn json_is_an_object_per_line_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "--fast", "--boards", "2", "--rounds", "1", "--faults", "none", "--json",
    ];
    let assert = demo(folder.path(), &arguments).assert().success();
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    let events: Vec<String> = text
        .lines()
        .map(|line| {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["event"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(events.first().map(String::as_str), Some("station_started"));
    assert_eq!(events.last().map(String::as_str), Some("station_stopped"));
    let ended = events.iter().filter(|event| *event == "job_ended");
    assert_eq!(ended.count(), 2, "{text}");
}

/// At the pace for eyes, so that boards are at work when the signal comes.
#[test]
fn a_signal_ends_it_in_order_and_leaves_it_undone() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_flashline"))
        .args(["demo", "--plain", "--boards", "2", "--faults", "none"])
        .env("LC_ALL", "C.UTF-8")
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let identified = lines.by_ref().map(Result::unwrap);
    assert_eq!(
        identified
            .filter(|line| line.contains("esp32 v3.1"))
            .take(2)
            .count(),
        2
    );
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{rest:#?}");
    let stage = stage(folder.path());
    assert!(!stage.join("ports").exists());
    let rows = Reader::open(&stage.join("demo.db"))
        .unwrap()
        .jobs(Since(None))
        .unwrap();
    let ended: Vec<_> = rows.iter().map(|row| (row.outcome, row.code)).collect();
    assert_eq!(ended, [(Some(Outcome::Aborted), Some(Code::Stopped)); 2]);
}

#[test]
fn a_named_database_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("line.db");
    let arguments = [
        "--fast", "--boards", "1", "--rounds", "1", "--faults", "none", "--plain",
    ];
    demo(folder.path(), &arguments)
        .arg("--db")
        .arg(&database)
        .assert()
        .success();
    let rows = Reader::open(&database).unwrap().jobs(Since(None)).unwrap();
    assert_eq!(rows.len(), 1);
}

#[test]
fn a_word_that_names_no_trouble_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let assert = demo(folder.path(), &["--faults", "rust"]).assert().code(4);
    let text = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(text.contains("noise, pull, cell, chip, silent"), "{text}");
}
