use std::os::unix::fs::symlink;

use super::super::writer::Log;
use super::*;

struct Rig {
    folder: tempfile::TempDir,
    file: Rotating,
    now: Instant,
    /// Lines that do not come to the file.
    missed: u64,
}

impl Rig {
    fn new(log: &LogSettings) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let file = Rotating::new(&folder.path().join("logs/log"), log);
        Rig {
            folder,
            file,
            now: Instant::now(),
            missed: 0,
        }
    }

    fn write(&mut self, line: &str) {
        let missed = std::mem::take(&mut self.missed);
        self.file
            .write(format!("{line}\n").as_bytes(), missed, self.now);
    }

    fn read(&self, name: &str) -> String {
        let path = self.folder.path().join("logs").join(name);
        fs::read_to_string(path).unwrap_or_else(|error| format!("{:?}", error.kind()))
    }

    fn wait(&mut self) {
        self.now += LOOK_EACH;
    }
}

fn settings(rotate_bytes: u64, keep: u32) -> LogSettings {
    LogSettings {
        rotate_bytes,
        keep,
        ..LogSettings::default()
    }
}

#[test]
fn a_file_that_is_full_is_put_aside_and_the_oldest_goes() {
    let mut rig = Rig::new(&settings(10, 2));
    for line in ["one", "two", "three", "four", "longer than a file", "six"] {
        rig.write(line);
    }
    assert_eq!(rig.read("log"), "six\n");
    assert_eq!(rig.read("log.1"), "longer than a file\n");
    assert_eq!(rig.read("log.2"), "four\n");
    assert_eq!(rig.read("log.3"), "NotFound");

    let mut rig = Rig::new(&settings(10, 0));
    for line in ["one", "two", "three"] {
        rig.write(line);
    }
    assert_eq!(rig.read("log"), "three\n");
    assert_eq!(rig.read("log.1"), "NotFound");
}

#[test]
fn what_was_there_before_counts() {
    let mut rig = Rig::new(&settings(10, 1));
    rig.write("12345678");
    let path = rig.folder.path().join("logs/log");
    rig.file = Rotating::new(&path, &settings(10, 1));
    rig.write("next");
    assert_eq!(
        (rig.read("log"), rig.read("log.1")),
        ("next\n".into(), "12345678\n".into())
    );
}

#[test]
fn a_folder_that_is_deleted_comes_back() {
    let mut rig = Rig::new(&settings(1000, 1));
    rig.write("one");
    fs::remove_dir_all(rig.folder.path().join("logs")).unwrap();
    // written into what nobody will find, until it is looked for
    rig.write("two");
    rig.wait();
    rig.write("three");
    assert_eq!(rig.read("log"), "three\n");
}

#[test]
fn a_file_that_another_program_put_aside_is_left_alone() {
    let mut rig = Rig::new(&settings(1000, 1));
    rig.write("one");
    let path = rig.folder.path().join("logs/log");
    fs::rename(&path, path.with_extension("old")).unwrap();
    rig.file.reopen();
    rig.write("two");
    assert_eq!(
        (rig.read("log"), rig.read("log.old")),
        ("two\n".into(), "one\n".into())
    );
}

#[test]
fn a_full_disk_costs_lines_that_are_counted() {
    let mut rig = Rig::new(&settings(1000, 1));
    let folder = rig.folder.path().join("logs");
    fs::create_dir(&folder).unwrap();
    symlink("/dev/full", folder.join("log")).unwrap();
    for line in ["one", "two", "three"] {
        rig.write(line);
    }
    fs::remove_file(folder.join("log")).unwrap();
    rig.missed = 4;
    // not tried before its time
    rig.write("four");
    assert_eq!(rig.read("log"), "NotFound");
    rig.wait();
    rig.write("five");
    rig.write("six");
    let told = rig.read("log");
    let lines: Vec<&str> = told.lines().collect();
    assert!(
        lines[0].contains(" WARN 8 lines of this log were lost"),
        "{told}"
    );
    assert_eq!(lines[1..], ["five", "six"]);
}

#[test]
fn a_note_in_a_json_log_is_an_object() {
    let log = LogSettings {
        format: LogFormat::Json,
        ..LogSettings::default()
    };
    let mut rig = Rig::new(&log);
    rig.file.lost = 3;
    rig.write("{}");
    let told = rig.read("log");
    let note: serde_json::Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert!(note["message"].as_str().unwrap().starts_with("3 lines"));
}

#[test]
fn all_that_was_logged_is_there_once_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = Log::start(Rotating::open(&path, &LogSettings::default()).unwrap()).unwrap();
    let mut lines = log.writer();
    for number in 0..100 {
        writeln!(lines, "{number}").unwrap();
    }
    drop(log);
    // `writeln!` writes in pieces; all of them are there
    assert!(fs::read_to_string(&path).unwrap().ends_with("99\n"));
    let nowhere = folder.path().join("nowhere/log");
    assert!(Rotating::open(&nowhere, &LogSettings::default()).is_err());
}
