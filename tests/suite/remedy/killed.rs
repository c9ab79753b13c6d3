//! A station that is killed in the middle of a job, in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flashline::sim::BoardSpec;

use crate::line::Line;

/// Names the folder to the child.
const FOLDER: &str = "FLASHLINE_REMEDY_FOLDER";

/// Leaves in a folder what a killed station leaves there: the row of a job on slot 1, open.
pub fn leave_half_a_job_in(folder: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["remedy::killed::the_station_that_is_killed"])
        .args(["--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let left = told.find_map(|line| line.unwrap().strip_prefix("writes in ").map(PathBuf::from));
    let left = left.expect("it ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    for file in fs::read_dir(left).unwrap() {
        let file = file.unwrap();
        fs::rename(file.path(), folder.join(file.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of every_advice_leads_to_a_pass_or_to_the_right_bin"]
async fn the_station_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = folder.path().to_owned();
    let line = Line::at(folder, 1, "").await;
    // at the pace of real parts: it writes for seconds
    let board = line.ports.plug("1", BoardSpec::esp32(1));
    board.wait_until(|board| board.bytes_written > 0).await;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\nwrites in {}", path.display()).unwrap();
    stdout.flush().unwrap();
    drop(stdout);
    std::future::pending::<()>().await;
}
