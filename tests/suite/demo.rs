//! The demo without a terminal: every board ends as the story says, and the record agrees.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use flashline::event::{Code, Outcome};
use flashline::record::{Reader, Since};

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
