//! On real ptys, in real time.

use std::fs::File;
use std::io::{Read, Write};

use rustix::termios::ioctl_tiocexcl;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

async fn refused(path: &Path) -> OpenError {
    match open(path.to_owned(), 115_200).await {
        Ok(_) => panic!("{path:?} was opened"),
        Err(error) => error,
    }
}

/// Once no one has it any more: a child that another test is just making holds, until it is the other
/// program, all that is open here.
async fn opened_soon(path: &Path) -> Box<dyn Port> {
    loop {
        match open(path.to_owned(), 115_200).await {
            Ok(port) => return port,
            Err(OpenError::Busy { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn bytes_pass_unchanged_both_ways() {
    let (mut master, path) = pty();
    let mut port = open(path, 115_200).await.unwrap();
    let every: Vec<u8> = (0..=255).collect();
    port.write_all(&every).await.unwrap();
    let mut seen = [0; 256];
    master.read_exact(&mut seen).unwrap();
    assert_eq!(seen[..], every);

    master.write_all(&every).unwrap();
    let mut seen = [0; 256];
    port.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen[..], every);
    port.close().await;
}

#[tokio::test]
async fn any_rate_is_set_and_told() {
    let (master, path) = pty();
    let mut port = open(path, 115_200).await.unwrap();
    assert_eq!(tcgetattr(&master).unwrap().output_speed(), 115_200);
    for baud in [921_600, 1_234_567] {
        assert_eq!(port.set_baud(baud).await.unwrap(), baud);
        assert_eq!(tcgetattr(&master).unwrap().output_speed(), baud);
    }
}

#[tokio::test]
async fn a_pty_has_no_lines() {
    let (_master, path) = pty();
    let mut port = open(path, 115_200).await.unwrap();
    let lines = Lines {
        dtr: true,
        rts: false,
    };
    assert!(!port.set_lines(lines).await.unwrap());
    assert_eq!(port.inputs().await.unwrap(), None);
}

#[tokio::test]
async fn input_can_be_cleared() {
    let (mut master, path) = pty();
    let mut port = open(path, 115_200).await.unwrap();
    master.write_all(b"xold").unwrap();
    // Once the first byte is here, so are the others.
    port.read_u8().await.unwrap();
    port.clear_input().unwrap();
    master.write_all(b"new").unwrap();
    let mut seen = [0; 3];
    port.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"new");
}

#[tokio::test]
async fn an_unplug_reads_as_gone_and_fails_the_rest() {
    let (master, path) = pty();
    let mut port = open(path, 115_200).await.unwrap();
    drop(master);
    // The link takes both for gone.
    for _ in 0..3 {
        match port.read(&mut [0; 8]).await {
            Ok(count) => assert_eq!(count, 0),
            Err(error) => assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error())),
        }
    }
    let error = port.set_baud(9600).await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
    assert!(port.write_all(b"x").await.is_err());
    port.close().await;
}

#[tokio::test]
async fn a_port_is_opened_once_and_its_holder_is_named() {
    let (_master, path) = pty();
    let port = open(path.clone(), 115_200).await.unwrap();
    for _ in 0..2 {
        match refused(&path).await {
            OpenError::Busy {
                path: named,
                holder: Some(holder),
            } => {
                assert_eq!(named, path);
                assert!(holder.ends_with(&format!("(process {})", std::process::id())));
            }
            other => panic!("{other:?}"),
        }
    }
    port.close().await;
    opened_soon(&path).await.close().await;
}

/// Root as well, whom the kernel would let in.
#[tokio::test]
async fn a_port_that_someone_keeps_to_himself_is_busy() {
    let (master, path) = pty();
    // like socat, who serves the other side, and keeps this one open
    let mut server = std::process::Command::new("sleep")
        .arg("60")
        .stdin(master.try_clone().unwrap())
        .stdout(File::options().write(true).open(&path).unwrap())
        .spawn()
        .unwrap();
    let owner = File::options().read(true).write(true).open(&path).unwrap();
    ioctl_tiocexcl(&owner).unwrap();
    for _ in 0..2 {
        assert!(matches!(refused(&path).await, OpenError::Busy { .. }));
    }
    drop(owner);
    // the mark is still there, and the kernel refuses everyone but root
    if rustix::process::geteuid().is_root() {
        opened_soon(&path).await.close().await;
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

#[tokio::test]
async fn all_who_have_a_busy_port_open_are_named() {
    let (_master, path) = pty();
    let mut reader = std::process::Command::new("sleep")
        .arg("60")
        .stdin(File::open(&path).unwrap())
        .spawn()
        .unwrap();
    let port = open(path.clone(), 115_200).await;
    let told = match &port {
        Ok(_) => refused(&path).await.to_string(),
        Err(error) => panic!("{error}"),
    };
    reader.kill().unwrap();
    reader.wait().unwrap();
    for process in [reader.id(), std::process::id()] {
        assert!(told.contains(&format!("(process {process})")), "{told}");
    }
}

#[tokio::test]
async fn a_dropped_port_is_free_again() {
    let (_master, path) = pty();
    drop(open(path.clone(), 115_200).await.unwrap());
    // It is closed by another thread.
    opened_soon(&path).await.close().await;
}

#[tokio::test]
async fn a_symlink_is_followed() {
    let (mut master, path) = pty();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("slot1");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut port = open(link, 115_200).await.unwrap();
    port.write_all(b"x").await.unwrap();
    master.read_exact(&mut [0]).unwrap();
}

#[tokio::test]
async fn what_is_no_serial_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("firmware.bin");
    File::create(&file).unwrap();
    let check = async |path: &Path, what: &str| match refused(path).await {
        OpenError::NotSerial { what: told, .. } => assert_eq!(told, what),
        other => panic!("{other:?}"),
    };
    check(&file, "a plain file").await;
    check(folder.path(), "a folder").await;
    check(Path::new("/dev/null"), "a device without a serial line").await;
}

#[tokio::test]
async fn what_is_not_there_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("ttyUSB7");
    assert!(matches!(refused(&absent).await, OpenError::Absent { path } if path == absent));
    let dangling = folder.path().join("dangling");
    std::os::unix::fs::symlink(&absent, &dangling).unwrap();
    assert!(matches!(refused(&dangling).await, OpenError::Absent { .. }));
}

/// Root may open everything, so the denial itself cannot be staged in every place.
#[test]
fn errors_of_an_open_by_their_number() {
    let check = |errno: Errno, expect: &str| {
        let error = open_error(Path::new("/dev/ttyUSB0"), errno.into());
        assert_eq!(error.to_string(), expect);
    };
    check(Errno::ACCESS, "no permission to open /dev/ttyUSB0");
    check(Errno::PERM, "no permission to open /dev/ttyUSB0");
    check(Errno::NXIO, "/dev/ttyUSB0 does not exist");
    check(Errno::NODEV, "/dev/ttyUSB0 does not exist");
    check(
        Errno::IO,
        "/dev/ttyUSB0 could not be opened: Input/output error (os error 5)",
    );
}
