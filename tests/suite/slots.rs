//! `flashline slots` as a program: its files, its keys, its exit codes. Boards that come and go are in the
//! command's own tests, and on a real kernel in `tests/vm`.

use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;

use crate::pty::Terminal;

const STATION: &str = "# ours\nstation = \"bench-1\"\nmanifest = \"m.toml\"\n\n[[slot]]\nname = \"left\"\n\
    usb_path = \"pci-0000:77:14.0-usb-0:1.1:1.0\"\nrow = 1\ncolumn = 1\n\n[[slot]]\nname = \"rack\"\n\
    path = \"socket://rack:1\"\nstart = \"probe\"\n";

fn slots(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashline"));
    command
        .arg("slots")
        .args(arguments)
        .arg("--config")
        .arg(folder.join("station.toml"));
    command
}

/// Exit code and what was said, on both streams.
fn said(mut command: Command, input: &str) -> (i32, String) {
    let output = assert_cmd::Command::from_std({
        command.env_remove("NO_COLOR");
        command
    })
    .write_stdin(input)
    .output()
    .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

#[test]
fn the_bench_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("station.toml"), STATION).unwrap();
    for arguments in [&[][..], &["list"]] {
        slots(folder.path(), arguments).assert().success().stdout(
            "row 1   left\n        usb-1.1\n        -\n\nrack   socket://rack:1   a server\n",
        );
    }
}

#[test]
fn nothing_learned_is_nothing_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("station.toml");
    let (code, text) = said(slots(folder.path(), &["learn"]), "s\nwhat\nu\nq\n");
    assert_eq!(code, 1, "{text}");
    for words in [
        "Place 1 is skipped",
        "\"what\" means nothing",
        "nothing was written",
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!file.exists());

    fs::write(&file, STATION).unwrap();
    let rows = ["learn", "--rows", "2", "--columns", "2"];
    let (code, text) = said(slots(folder.path(), &rows), "q\n");
    assert_eq!(code, 1, "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), STATION);
}

#[test]
fn a_file_with_faults_is_refused_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = STATION.replace("row = 1\n", "");
    fs::write(folder.path().join("station.toml"), &wrong).unwrap();
    for arguments in [&["learn"][..], &["list"]] {
        let (code, text) = said(slots(folder.path(), arguments), "q\n");
        assert_eq!(code, 4, "{text}");
        assert!(text.contains("only one of `row` and `column`"), "{text}");
    }
    let (code, text) = said(slots(folder.path(), &["learn", "--manifest", "m.toml"]), "");
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("is there already"), "{text}");
}

#[test]
fn single_keys_on_a_terminal_and_the_terminal_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    let program = slots(folder.path(), &["learn", "--count", "3"]);
    let line = std::iter::once(program.get_program())
        .chain(program.get_args())
        .map(|word| word.to_str().unwrap().to_owned())
        .collect::<Vec<_>>()
        .join(" ");
    shell.args([
        "-c",
        &format!("trap : INT; {line}; echo code $?; stty -a | tr ';' '\\n' | grep icanon"),
    ]);
    let mut terminal = Terminal::start(&shell, 100, 30);
    terminal.wait_for("Place 1: plug a board in");
    terminal.press("s");
    terminal.wait_for("Place 2: plug a board in");
    terminal.press("\x03");
    let (_, screen) = terminal.end();
    let contents = screen.contents();
    assert!(contents.contains("nothing was written"), "{contents}");
    assert!(contents.contains("isig icanon"), "{contents}");
    assert!(!folder.path().join("station.toml").exists());
}
