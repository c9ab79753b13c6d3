//! A link over a port in memory, under virtual time.

use std::future::Future;

use tokio::io::AsyncWriteExt;

use super::*;
use crate::port::reset::{HARD, TIGHT};
use crate::port::{Control, FarEnd, MemoryPort, ModemLines, StopHandle};
use crate::protocol::{Await, Block, Op, Stream};

const READ_REG: Command<'static> = Command::ReadReg {
    address: 0x4000_1000,
};
/// What a real ESP32 ROM answers to it.
const ANSWER: &[u8] = &[0xC0, 1, 0x0A, 4, 0, 0x83, 0x1D, 0xF0, 0, 0, 0, 0, 0, 0xC0];
const SYNCED: &[u8] = &[0xC0, 1, 8, 4, 0, 7, 7, 0x12, 0x20, 0, 0, 0, 0, 0xC0];

fn link_with(buffer_bytes: usize, lines: ModemLines) -> (Link, FarEnd, StopHandle) {
    let (port, far) = MemoryPort::pair(buffer_bytes, lines);
    let (handle, stop) = StopHandle::new();
    (Link::new(Box::new(port), 115_200, stop), far, handle)
}

fn link() -> (Link, FarEnd, StopHandle) {
    link_with(4096, ModemLines::Present)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Runs both sides to their ends.
async fn both<A, B>(near: impl Future<Output = A>, far: impl Future<Output = B>) -> (A, B) {
    tokio::join!(near, far)
}

/// Reads the request that `READ_REG` is.
async fn take_request(far: &mut FarEnd) -> Vec<u8> {
    let mut request = vec![0; READ_REG.frame().len()];
    far.stream.read_exact(&mut request).await.unwrap();
    request
}

#[tokio::test(start_paused = true)]
async fn a_request_gets_its_reply() {
    let (mut link, mut far, _handle) = link();
    let board = async {
        assert_eq!(take_request(&mut far).await, READ_REG.frame());
        // In two parts, among noise.
        far.stream.write_all(b"boot").await.unwrap();
        far.stream.write_all(&ANSWER[..5]).await.unwrap();
        sleep(ms(20)).await;
        far.stream.write_all(&ANSWER[5..]).await.unwrap();
    };
    let (reply, ()) = both(link.command(&READ_REG, ms(100)), board).await;
    assert_eq!(reply.unwrap().value, 0x00F0_1D83);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_request_is_dropped_and_a_listener_gets_it() {
    let (mut link, mut far, _handle) = link();
    far.stream.write_all(ANSWER).await.unwrap();
    let error = link.command(&READ_REG, ms(100)).await.unwrap_err();
    assert!(matches!(
        error,
        LinkError::Exchange(ExchangeError::Silence { .. })
    ));

    take_request(&mut far).await;
    let board = async {
        take_request(&mut far).await;
        far.stream.write_all(ANSWER).await.unwrap();
        far.stream.write_all(b"\xC0OHAI\xC0").await.unwrap();
    };
    let (reply, ()) = both(link.command(&READ_REG, ms(100)), board).await;
    reply.unwrap();
    let mut greeting = Await::new("the greeting", b"OHAI", ms(100));
    link.run(&mut greeting, |_| {}).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn garbage_at_a_wrong_rate_is_told_from_silence() {
    let (mut link, mut far, _handle) = link();
    let board = async {
        take_request(&mut far).await;
        // It opens a frame that never ends.
        far.stream
            .write_all(&[0x80, 0xC0, 0xF8, 0x06])
            .await
            .unwrap();
    };
    let (reply, ()) = both(link.command(&READ_REG, ms(100)), board).await;
    assert!(matches!(
        reply,
        Err(LinkError::Exchange(ExchangeError::Garbled {
            noise_bytes: 3,
            ..
        }))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_its_progress() {
    let (mut link, mut far, _handle) = link();
    let blocks: Arc<[Block]> = (0..3)
        .map(|n| Block {
            frame: [0xC0, n, 0xC0].into(),
            timeout: ms(100),
        })
        .collect();
    let mut stream = Stream::new(Op::FlashData, blocks, 0, Dialect::Stub);
    let board = async {
        for n in 0..3 {
            let mut block = [0; 3];
            far.stream.read_exact(&mut block).await.unwrap();
            assert_eq!(block[1], n);
            let acknowledge = [0xC0, 1, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0xC0];
            far.stream.write_all(&acknowledge).await.unwrap();
        }
    };
    let mut seen = Vec::new();
    let run = link.run(&mut stream, |stream| seen.push(stream.acknowledged()));
    both(run, board).await.0.unwrap();
    seen.dedup();
    assert_eq!(seen, [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_honoured_while_waiting() {
    let (mut link, mut far, handle) = link();
    let board = async {
        take_request(&mut far).await;
        handle.ask(StopReason::Operator);
    };
    let (reply, ()) = both(link.command(&READ_REG, ms(100_000)), board).await;
    assert!(matches!(
        reply,
        Err(LinkError::Stopped(StopReason::Operator))
    ));
    handle.ask(StopReason::Shutdown);
    for stopped in [
        link.pause(ms(1)).await,
        link.drain(ms(1)).await.map(drop),
        link.command(&READ_REG, ms(1)).await.map(drop),
    ] {
        assert!(matches!(
            stopped,
            Err(LinkError::Stopped(StopReason::Shutdown))
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_mid_frame_lets_the_frame_end() {
    let (mut link, mut far, handle) = link_with(4, ModemLines::Present);
    let board = async {
        let mut half = [0; 6];
        far.stream.read_exact(&mut half).await.unwrap();
        handle.ask(StopReason::Shutdown);
        sleep(ms(50)).await;
        let mut rest = vec![0; READ_REG.frame().len() - half.len()];
        far.stream.read_exact(&mut rest).await.unwrap();
        [&half[..], &rest].concat()
    };
    let (reply, request) = both(link.command(&READ_REG, ms(1000)), board).await;
    assert_eq!(request, READ_REG.frame());
    assert!(matches!(
        reply,
        Err(LinkError::Stopped(StopReason::Shutdown))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_write_ends_the_link() {
    let (mut link, _far, _handle) = link_with(4, ModemLines::Present);
    let error = link.command(&READ_REG, ms(100)).await.unwrap_err();
    assert!(matches!(error, LinkError::Io(error) if error.kind() == io::ErrorKind::TimedOut));
    let error = link.command(&READ_REG, ms(100)).await.unwrap_err();
    insta::assert_snapshot!(
        error,
        @"the port failed: an earlier frame was left half-sent; open the port again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_future_dropped_in_mid_frame_ends_the_link() {
    let (mut link, mut far, _handle) = link_with(4, ModemLines::Present);
    let cut = tokio::time::timeout(ms(10), link.command(&READ_REG, ms(100))).await;
    assert!(cut.is_err());
    // Even though there is room for another frame now.
    let board = async { while far.stream.read_u8().await.is_ok() {} };
    let again = async {
        let error = link.command(&READ_REG, ms(100)).await.unwrap_err();
        link.close().await;
        error
    };
    assert!(matches!(both(again, board).await.0, LinkError::Io(_)));
}

#[tokio::test(start_paused = true)]
async fn a_board_that_talks_while_it_is_written_to_blocks_nobody() {
    let (mut link, mut far, _handle) = link_with(8, ModemLines::Present);
    let board = async {
        // It takes nothing before it has said all this.
        far.stream.write_all(&[b'x'; 10_000]).await.unwrap();
        take_request(&mut far).await;
        far.stream.write_all(ANSWER).await.unwrap();
    };
    let (reply, ()) = both(link.command(&READ_REG, ms(1000)), board).await;
    assert_eq!(reply.unwrap().value, 0x00F0_1D83);
}

#[tokio::test(start_paused = true)]
async fn an_unplug_is_noticed_while_waiting_and_while_writing() {
    let (mut link, mut far, _handle) = link();
    let board = async {
        take_request(&mut far).await;
        drop(far);
    };
    let (reply, ()) = both(link.command(&READ_REG, ms(1000)), board).await;
    assert!(matches!(reply, Err(LinkError::Gone)));
    assert!(matches!(link.drain(ms(10)).await, Err(LinkError::Gone)));

    let (mut link, far, _handle) = link_with(4, ModemLines::Present);
    let board = async {
        sleep(ms(10)).await;
        drop(far);
    };
    let (reply, ()) = both(link.command(&READ_REG, ms(1000)), board).await;
    assert!(matches!(reply, Err(LinkError::Gone)));
}

#[test]
fn what_the_kernel_says_of_a_port_that_is_gone() {
    let check = |error: io::Error, gone: bool| {
        assert_eq!(matches!(failed(error), LinkError::Gone), gone);
    };
    check(Errno::IO.into(), true);
    check(Errno::NODEV.into(), true);
    check(Errno::NXIO.into(), true);
    check(io::ErrorKind::BrokenPipe.into(), true);
    check(Errno::INVAL.into(), false);
    check(io::ErrorKind::TimedOut.into(), false);
}

#[tokio::test(start_paused = true)]
async fn a_new_rate_drops_what_came_during_the_change() {
    let (mut link, mut far, _handle) = link();
    let board = async {
        assert_eq!(far.controls.recv().await, Some(Control::Baud(921_600)));
        sleep(ms(3)).await;
        far.stream.write_all(ANSWER).await.unwrap();
    };
    let began = Instant::now();
    let (made, ()) = both(link.set_baud(921_600), board).await;
    assert_eq!((made.unwrap(), link.baud()), (921_600, 921_600));
    assert_eq!(began.elapsed(), ms(5));
    assert_eq!(link.drain(ms(10)).await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn a_reset_runs_to_its_end() {
    let (mut link, mut far, handle) = link();
    link.set_dialect(Dialect::Stub);
    handle.ask(StopReason::Shutdown);
    let began = Instant::now();
    assert!(link.reset(TIGHT).await.unwrap());
    assert_eq!(began.elapsed(), ms(150));
    assert_eq!(link.dialect(), Dialect::Rom);
    for step in TIGHT {
        assert_eq!(far.controls.recv().await, Some(Control::Lines(step.lines)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_without_lines_is_not_reset() {
    let (mut link, _far, _handle) = link_with(4096, ModemLines::Absent);
    let began = Instant::now();
    assert!(!link.reset(HARD).await.unwrap());
    assert_eq!(began.elapsed(), ms(0));
}

#[tokio::test(start_paused = true)]
async fn a_drain_returns_the_boot_message() {
    let (mut link, mut far, _handle) = link();
    let board = async {
        far.stream.write_all(b"rst:0x1\r\n").await.unwrap();
        sleep(ms(40)).await;
        far.stream
            .write_all(b"waiting for download\r\n")
            .await
            .unwrap();
    };
    let (message, ()) = both(link.drain(ms(50)), board).await;
    assert_eq!(message.unwrap(), b"rst:0x1\r\nwaiting for download\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_on_a_board_that_never_stops_talking() {
    let (mut link, mut far, _handle) = link();
    let board = async {
        while far.stream.write_all(&[b'x'; 100]).await.is_ok() {
            sleep(ms(1)).await;
        }
    };
    let began = Instant::now();
    let drain = async {
        let dropped = link.drain(ms(50)).await.unwrap();
        link.close().await;
        dropped
    };
    let (dropped, ()) = both(drain, board).await;
    assert_eq!(dropped.len(), DRAIN_KEEPS_BYTES);
    assert!(began.elapsed() < ms(1100));
}

#[tokio::test(start_paused = true)]
async fn the_console_gets_what_was_read_and_not_used() {
    let (mut link, mut far, _handle) = link();
    let board = async {
        take_request(&mut far).await;
        far.stream
            .write_all(&[ANSWER, SYNCED, b"hello"].concat())
            .await
            .unwrap();
    };
    both(link.command(&READ_REG, ms(100)), board)
        .await
        .0
        .unwrap();
    far.stream.write_all(b" world").await.unwrap();
    let soon = || Instant::now() + ms(100);
    let mut heard = link.hear(soon()).await.unwrap();
    heard.extend(link.hear(soon()).await.unwrap());
    assert_eq!(heard, [SYNCED, b"hello world"].concat());
    // silence lasts to the deadline, and a console's rate is set without a pause
    assert_eq!(link.hear(soon()).await.unwrap(), b"");
    let before = Instant::now();
    link.listen_at(74_880).await.unwrap();
    link.listen_at(74_880).await.unwrap();
    assert_eq!((before.elapsed(), link.baud()), (Duration::ZERO, 74_880));
    assert_eq!(far.controls.try_recv().unwrap(), Control::Baud(74_880));
    far.controls.try_recv().unwrap_err();
    drop(far);
    assert!(matches!(link.hear(soon()).await, Err(LinkError::Gone)));
}
