//! The bench: boards in memory under a paused clock, boards on ptys through the real serial code, and
//! pulling them out.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use flashline::port::{Lines, OpenError, Port, PortChange, Ports};
use flashline::sim::{Bench, BoardSpec, Fault, Mode, Pace, SimPorts, Wiring};

use crate::wire_frames::{READ_MAGIC, SYNC, command};

const MAGIC_IS: &[u8] = b"\xC0\x01\x0A\x04\0\x83\x1D\xF0\0\0\0\0\0\xC0";

/// Sends, and reads as many bytes as the answer has.
async fn ask(port: &mut Box<dyn Port>, bytes: &[u8], expected: usize) -> Vec<u8> {
    port.write_all(bytes).await.unwrap();
    let mut answer = vec![0; expected];
    let patience = Duration::from_secs(30);
    match tokio::time::timeout(patience, port.read_exact(&mut answer)).await {
        Ok(read) => read.unwrap(),
        Err(_) => panic!("no answer to {bytes:02x?}"),
    };
    answer
}

async fn open(ports: &dyn Ports, path: PathBuf) -> Box<dyn Port> {
    ports.open(path, 115_200).await.unwrap()
}

async fn silent(port: &mut Box<dyn Port>, time: Duration) -> bool {
    let mut buffer = [0; 64];
    tokio::time::timeout(time, port.read(&mut buffer))
        .await
        .is_err()
}

#[tokio::test(start_paused = true)]
async fn in_memory_a_board_answers_at_its_own_pace_on_a_paused_clock() {
    let ports = SimPorts::new();
    ports.plug("a", BoardSpec::esp32(1));
    let mut port = open(&ports, SimPorts::path("a")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    port.clear_input().unwrap();
    let wall = Instant::now();
    let began = tokio::time::Instant::now();
    ask(&mut port, SYNC, 8 * 14).await;
    // 46 bytes there and 112 back at 115200 baud
    let took = began.elapsed();
    assert!(took > Duration::from_micros(13_700), "{took:?}");
    assert!(took < Duration::from_micros(17_000), "{took:?}");
    assert_eq!(ask(&mut port, READ_MAGIC, 14).await, MAGIC_IS);
    // an erase of a megabyte: sixteen blocks
    let began = tokio::time::Instant::now();
    ask(&mut port, &command(0x0D, &[0, 0], b""), 14).await;
    ask(
        &mut port,
        &command(0x02, &[1 << 20, 1024, 1024, 0], b""),
        14,
    )
    .await;
    assert!(began.elapsed() > Duration::from_millis(2400));
    // nothing here waits for a real clock
    assert!(wall.elapsed() < Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn at_another_rate_than_the_chips_there_is_only_garbage() {
    let ports = SimPorts::new();
    ports.plug("a", BoardSpec::esp32(1));
    let mut port = open(&ports, SimPorts::path("a")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    port.clear_input().unwrap();
    ask(&mut port, SYNC, 8 * 14).await;
    // the answer still comes at the old rate; behind it an empty frame at the new one, garbage here
    let answer = ask(&mut port, &command(0x0F, &[921_600, 0], b""), 14).await;
    assert_eq!(answer[..3], [0xC0, 1, 0x0F]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    port.clear_input().unwrap();
    port.write_all(READ_MAGIC).await.unwrap();
    assert!(silent(&mut port, Duration::from_secs(1)).await);
    assert_eq!(port.set_baud(921_600).await.unwrap(), 921_600);
    // the garbage may have begun a frame: end it
    port.write_all(b"\xC0\xC0").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    port.clear_input().unwrap();
    assert_eq!(ask(&mut port, READ_MAGIC, 14).await, MAGIC_IS);
}

#[tokio::test(start_paused = true)]
async fn lines_reset_a_board_that_has_them() {
    let ports = SimPorts::new();
    let board = ports.plug("a", BoardSpec::esp32(1).wiring(Wiring::Lines));
    let mut port = open(&ports, SimPorts::path("a")).await;
    board.wait_until(|state| state.mode == Mode::NoApp).await;
    let steps = [
        (false, false, 0),
        (true, true, 0),
        (false, true, 100),
        (true, false, 50),
        (false, false, 0),
    ];
    for (dtr, rts, hold_ms) in steps {
        assert!(port.set_lines(Lines { dtr, rts }).await.unwrap());
        tokio::time::sleep(Duration::from_millis(hold_ms)).await;
    }
    board.wait_until(|state| state.mode == Mode::Loader).await;
    port.clear_input().unwrap();
    ask(&mut port, SYNC, 8 * 14).await;
    // closing changes nothing on a board with lines
    port.close().await;
    assert_eq!(board.state().mode, Mode::Loader);

    let strapped = ports.plug("b", BoardSpec::esp32(2));
    let mut port = open(&ports, SimPorts::path("b")).await;
    assert!(
        !port
            .set_lines(Lines {
                dtr: true,
                rts: false
            })
            .await
            .unwrap()
    );
    let starts = strapped.state().starts;
    port.close().await;
    assert_eq!(strapped.state().starts, starts + 1);
}

#[tokio::test(start_paused = true)]
async fn ports_in_memory_come_and_go() {
    let ports = SimPorts::new();
    let first = ports.plug("a", BoardSpec::esp32(1));
    let mut changes = ports.watch();
    let Some(PortChange::Present(present)) = changes.recv().await else {
        panic!("no listing");
    };
    assert_eq!(present.len(), 1);
    let path = SimPorts::path("a");
    assert_eq!(present[0].path, path);
    let mut port = open(&ports, path.clone()).await;
    assert!(matches!(
        ports.open(path.clone(), 115_200).await,
        Err(OpenError::Busy { .. })
    ));
    first.pull();
    assert_eq!(port.read(&mut [0; 8]).await.unwrap(), 0);
    assert!(port.write_all(b"x").await.is_err());
    assert_eq!(
        changes.recv().await,
        Some(PortChange::Vanished(path.clone()))
    );
    assert!(matches!(
        ports.open(path.clone(), 115_200).await,
        Err(OpenError::Absent { .. })
    ));
    let second = ports.replug("a", &first);
    assert_eq!(second.mac(), first.mac());
    let Some(PortChange::Appeared(info)) = changes.recv().await else {
        panic!("it did not appear");
    };
    assert_ne!(info.instance, present[0].instance);
    // another board in the same place is another instance even if nobody looked in between
    ports.plug("a", BoardSpec::esp32(2));
    assert_eq!(changes.recv().await, Some(PortChange::Vanished(path)));
    assert!(matches!(
        changes.recv().await,
        Some(PortChange::Appeared(_))
    ));
}

/// Writes blocks through the ROM until the board is gone; returns how many were acknowledged.
async fn write_until_gone(port: &mut Box<dyn Port>) -> usize {
    ask(port, SYNC, 8 * 14).await;
    ask(port, &command(0x0D, &[0, 0], b""), 14).await;
    ask(port, &command(0x02, &[0x8000, 32, 1024, 0], b""), 14).await;
    for block in 0..32 {
        let frame = command(0x03, &[1024, block, 0, 0], &[block as u8; 1024]);
        if port.write_all(&frame).await.is_err() {
            return block as usize;
        }
        let mut answer = [0; 14];
        if port.read_exact(&mut answer).await.is_err() || answer[..3] != [0xC0, 1, 0x03] {
            return block as usize;
        }
    }
    32
}

#[tokio::test(start_paused = true)]
async fn a_board_pulled_in_mid_write_keeps_what_was_written() {
    let ports = SimPorts::new();
    let board = ports.plug("a", BoardSpec::esp32(1));
    board.pull_when(|state| state.bytes_written >= 5 * 1024);
    let mut port = open(&ports, SimPorts::path("a")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    port.clear_input().unwrap();
    let acknowledged = write_until_gone(&mut port).await;
    // pulled while the fifth was being acknowledged
    assert_eq!(acknowledged, 4);
    assert!(board.state().pulled);
    assert_eq!(board.state().bytes_written, 5 * 1024);
    let flash = board.flash();
    assert_eq!(flash[4 * 1024], 4);
    assert_eq!(flash[5 * 1024], 0xFF);
    drop(port);
    let again = ports.replug("a", &board);
    assert_eq!(again.flash()[4 * 1024], 4);
    let mut port = open(&ports, SimPorts::path("a")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    port.clear_input().unwrap();
    assert_eq!(write_until_gone(&mut port).await, 32);
}

#[tokio::test(start_paused = true)]
async fn a_brown_out_starts_the_board_over() {
    let ports = SimPorts::new();
    let fault = Fault::ResetAfter {
        bytes: 3000,
        times: 1,
    };
    let board = ports.plug("a", BoardSpec::esp32(1).fault(fault));
    let mut port = open(&ports, SimPorts::path("a")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    port.clear_input().unwrap();
    let starts = board.state().starts;
    // what comes in the third block's place is the ROM's boot text
    assert_eq!(write_until_gone(&mut port).await, 2);
    assert_eq!(board.state().starts, starts + 1);
    assert_eq!(board.state().mode, Mode::Loader);
    assert_eq!(board.state().bytes_written, 3000);
}

/// A serial port as any client opens it: raw, at a rate.
fn open_tty(path: &Path) -> std::fs::File {
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut settings = tcgetattr(&file).unwrap();
    settings.make_raw();
    settings.set_speed(115_200).unwrap();
    // a read returns after what is there, or half a second
    settings.special_codes[rustix::termios::SpecialCodeIndex::VMIN] = 0;
    settings.special_codes[rustix::termios::SpecialCodeIndex::VTIME] = 5;
    tcsetattr(&file, OptionalActions::Now, &settings).unwrap();
    file
}

fn say(mut port: &std::fs::File, bytes: &[u8], expected: usize) -> Vec<u8> {
    use std::io::{Read, Write};
    // as every client does: again until it is heard
    for _ in 0..20 {
        port.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 256];
        while answer.len() < expected {
            match port.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            }
        }
        if answer.len() >= expected {
            return answer;
        }
    }
    Vec::new()
}

#[test]
fn on_a_pty_a_board_answers_starts_afresh_and_can_be_pulled() {
    let dir = TempDir::new().unwrap();
    let bench = Bench::new(dir.path()).unwrap();
    let board = bench
        .plug("slot1", BoardSpec::esp32(1).pace(Pace::Unpaced))
        .unwrap();
    let link = dir.path().join("slot1");
    assert_eq!(board.path(), link);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();

    let port = open_tty(&link);
    assert!(say(&port, SYNC, 112).starts_with(b"\xC0\x01\x08\x04"));
    assert_eq!(say(&port, READ_MAGIC, 14), MAGIC_IS);
    let starts = board.state().starts;
    drop(port);
    runtime.block_on(board.wait_until(|state| state.sessions == 1 && state.starts > starts));

    // a client that opens twice has closed when it has closed twice
    let both = (open_tty(&link), open_tty(&link));
    assert!(say(&both.0, SYNC, 112).starts_with(b"\xC0\x01\x08\x04"));
    drop(both.1);
    assert_eq!(say(&both.0, READ_MAGIC, 14), MAGIC_IS);
    drop(both.0);
    runtime.block_on(board.wait_until(|state| state.sessions == 2));

    let port = open_tty(&link);
    assert!(say(&port, SYNC, 112).starts_with(b"\xC0\x01\x08\x04"));
    board.pull();
    // the hang-up comes when the board's thread has let go of its end
    loop {
        use std::io::Read;
        match (&port).read(&mut [0; 16]) {
            Ok(0) if link.symlink_metadata().is_err() => break,
            Err(_) => break,
            Ok(_) => {}
        }
    }
    assert!(link.symlink_metadata().is_err());

    let again = bench.replug("slot2", &board).unwrap();
    assert_eq!(again.mac(), board.mac());
    let port = open_tty(&dir.path().join("slot2"));
    assert!(say(&port, SYNC, 112).starts_with(b"\xC0\x01\x08\x04"));
    drop(bench);
    assert!(dir.path().read_dir().unwrap().next().is_none());
}

#[test]
fn a_file_in_a_links_place_is_not_touched() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("slot1"), "someone's").unwrap();
    let bench = Bench::new(dir.path()).unwrap();
    assert!(bench.plug("slot1", BoardSpec::esp32(1)).is_err());
    assert_eq!(
        std::fs::read_to_string(dir.path().join("slot1")).unwrap(),
        "someone's"
    );
}
