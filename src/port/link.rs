//! The one place where an exchange meets a port and a clock.
//!
//! A frame is written whole or the link is finished: there is no way back to the beginning of a frame
//! that is half on the wire. Waiting for a reply is the safe point where a stop is honoured.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::reset::LineStep;
use super::stop::Stop;
use super::traits::{Lines, Port, RateControl};
use crate::event::StopReason;
use crate::protocol::slip::{Decoder, Item};
use crate::protocol::{Action, Command, Dialect, Exchange, ExchangeError, Reply, Request};

/// Why a conversation over a link failed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The device is gone.
    #[error("the port is gone")]
    Gone,
    #[error("the port failed: {0}")]
    Io(io::Error),
    /// Asked to stop, at a safe point.
    #[error("stopped")]
    Stopped(StopReason),
}

/// A port with its decoder. All conversation with a board goes through here.
pub struct Link {
    port: Box<dyn Port>,
    decoder: Decoder,
    dialect: Dialect,
    baud: u32,
    /// As they were set last.
    lines: Lines,
    stop: Stop,
    /// A frame was begun and not finished: nothing more can be said over this link.
    mid_frame: bool,
    /// Received so far, whatever it meant.
    heard_bytes: u64,
}

/// A write without any progress for so long is a dead port: the slowest line takes a byte in 1 ms. A
/// stop waits for it, and has 5 s in all.
const STALL: Duration = Duration::from_secs(3);

/// How long the chip and the bridge need to settle on a new rate; what comes meanwhile is garbage. The
/// chip changes its divider once its answer has left (ROM and stub wait for an idle line), which is
/// before the host has it: what is needed is the bridge's own change. Where it is not enough, the SYNC
/// that follows is lost and repeated.
const RATE_SETTLE: Duration = Duration::from_millis(5);

/// A board that never stops talking must not hold a drain for longer than this beyond its quiet time…
const DRAIN_AT_MOST: Duration = Duration::from_secs(1);

/// …and this much of what it says is kept.
const DRAIN_KEEPS_BYTES: usize = 16 * 1024;

/// Taken in one read; small, since it lives in every future here.
const READ_BYTES: usize = 1024;

impl Link {
    /// `baud` is the rate at which the port was opened; the dialect starts as [`Dialect::Rom`].
    pub fn new(port: Box<dyn Port>, baud: u32, stop: Stop) -> Link {
        Link {
            port,
            decoder: Decoder::new(),
            dialect: Dialect::Rom,
            baud,
            // Linux raises both when a port is opened
            lines: Lines {
                dtr: true,
                rts: true,
            },
            stop,
            mid_frame: false,
            heard_bytes: 0,
        }
    }

    /// What the board has sent so far, in bytes, whatever it meant.
    pub fn heard_bytes(&self) -> u64 {
        self.heard_bytes
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// The rate that was set last.
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// Runs an exchange to its end. `watch` sees it after each step (progress of a stream).
    ///
    /// What came in before an exchange's first frame goes out is dropped; one that only listens gets
    /// it. After an exchange's own failure or a stop the link can be used again; a future that is
    /// dropped in the middle of a frame, or a write that stalls there, finishes it.
    pub async fn run<E: Exchange>(
        &mut self,
        exchange: &mut E,
        mut watch: impl FnMut(&E),
    ) -> Result<E::Output, LinkError> {
        let mut spoken = false;
        loop {
            match exchange.poll(Instant::now().into_std()) {
                Action::Send(frame) => {
                    self.check_stop()?;
                    if !spoken {
                        self.forget_input()?;
                        spoken = true;
                    }
                    self.write_frame(frame, exchange).await?;
                }
                Action::Wait { until } => self.listen(exchange, Instant::from_std(until)).await?,
                Action::Done(result) => {
                    watch(exchange);
                    return result.map_err(LinkError::from);
                }
            }
            watch(exchange);
        }
    }

    /// Whether the port's rate can be changed.
    pub fn rate_control(&self) -> RateControl {
        self.port.rate_control()
    }

    /// One command in the link's dialect.
    pub async fn command(
        &mut self,
        command: &Command<'_>,
        timeout: Duration,
    ) -> Result<Reply, LinkError> {
        let mut request = Request::new(command, self.dialect, timeout);
        self.run(&mut request, |_| {}).await
    }

    /// Sets the port's rate (not the chip's), lets both ends settle and drops what came in.
    /// Returns what the driver says it made of it.
    pub async fn set_baud(&mut self, baud: u32) -> Result<u32, LinkError> {
        let made = self.port.set_baud(baud).await.map_err(failed)?;
        self.baud = baud;
        sleep(RATE_SETTLE).await;
        self.port.clear_input().map_err(failed)?;
        self.forget_input()?;
        Ok(made)
    }

    /// What the port makes of a rate, by the word of its driver or server; it has its own again
    /// afterwards. Nothing may be on its way.
    pub async fn would_make(&mut self, baud: u32) -> Result<u32, LinkError> {
        let made = self.port.set_baud(baud).await.map_err(failed)?;
        self.port.set_baud(self.baud).await.map_err(failed)?;
        Ok(made)
    }

    /// `Ok(false)` where the port has no lines.
    pub async fn set_lines(&mut self, lines: Lines) -> Result<bool, LinkError> {
        self.lines = lines;
        self.port.set_lines(lines).await.map_err(failed)
    }

    /// The lines as they were set last; both asserted before that.
    pub fn lines(&self) -> Lines {
        self.lines
    }

    /// Runs a reset sequence to its end, a stop notwithstanding: half of one leaves a board held in
    /// reset or strapped. Returns `Ok(false)` at once where the port has no lines.
    ///
    /// The chip has forgotten its stub and any half frame after it: the dialect is the ROM's again.
    pub async fn reset(&mut self, sequence: &[LineStep]) -> Result<bool, LinkError> {
        for step in sequence {
            if !self.set_lines(step.lines).await? {
                return Ok(false);
            }
            if !step.hold.is_zero() {
                sleep(step.hold).await;
            }
        }
        self.dialect = Dialect::Rom;
        Ok(true)
    }

    /// Drops everything received so far and until the line is silent for `quiet` (bounded for boards
    /// that never are); returns the bytes (boot messages), 16 KB of them at most.
    pub async fn drain(&mut self, quiet: Duration) -> Result<Vec<u8>, LinkError> {
        let mut dropped = self.decoder.clear();
        let end = Instant::now() + quiet + DRAIN_AT_MOST;
        loop {
            let until = end.min(Instant::now() + quiet);
            let mut bytes = [0; READ_BYTES];
            let read = tokio::select! {
                biased;
                reason = self.stop.asked() => return Err(LinkError::Stopped(reason)),
                read = self.port.read(&mut bytes) => received(read)?,
                () = sleep_until(until) => break,
            };
            self.heard_bytes += read as u64;
            let room = DRAIN_KEEPS_BYTES.saturating_sub(dropped.len());
            dropped.extend_from_slice(&bytes[..read.min(room)]);
            if Instant::now() >= end {
                break;
            }
        }
        Ok(dropped)
    }

    /// Sleeps, and notices a stop.
    pub async fn pause(&mut self, time: Duration) -> Result<(), LinkError> {
        tokio::select! {
            biased;
            reason = self.stop.asked() => Err(LinkError::Stopped(reason)),
            () = sleep(time) => Ok(()),
        }
    }

    /// Sets the port's rate to a console's, unless it is that already. Unlike [`Link::set_baud`] it
    /// neither waits nor drops anything: the first words after a reset are on their way.
    pub async fn listen_at(&mut self, baud: u32) -> Result<(), LinkError> {
        if self.baud != baud {
            self.port.set_baud(baud).await.map_err(failed)?;
            self.baud = baud;
        }
        Ok(())
    }

    /// What the board says of its own accord: what was read already and is part of no conversation, or
    /// what comes next; nothing at the deadline.
    pub async fn hear(&mut self, until: Instant) -> Result<Vec<u8>, LinkError> {
        let held = self.decoder.clear();
        if !held.is_empty() {
            return Ok(held);
        }
        let mut bytes = [0; READ_BYTES];
        tokio::select! {
            biased;
            reason = self.stop.asked() => Err(LinkError::Stopped(reason)),
            read = self.port.read(&mut bytes) => {
                let read = received(read)?;
                self.heard_bytes += read as u64;
                Ok(bytes[..read].to_vec())
            }
            () = sleep_until(until) => Ok(Vec::new()),
        }
    }

    /// Closes the port, off the worker threads.
    pub async fn close(self) {
        self.port.close().await;
    }

    fn check_stop(&self) -> Result<(), LinkError> {
        self.stop
            .reason()
            .map_or(Ok(()), |reason| Err(LinkError::Stopped(reason)))
    }

    /// Waits for one item, or the deadline, and hands it over.
    async fn listen<E: Exchange>(
        &mut self,
        exchange: &mut E,
        until: Instant,
    ) -> Result<(), LinkError> {
        if let Some(item) = self.decoder.next() {
            exchange.handle(item, Instant::now().into_std());
            return Ok(());
        }
        let mut bytes = [0; READ_BYTES];
        tokio::select! {
            biased;
            reason = self.stop.asked() => return Err(LinkError::Stopped(reason)),
            read = self.port.read(&mut bytes) => {
                let read = received(read)?;
                self.heard_bytes += read as u64;
                self.decoder.push(&bytes[..read]);
            }
            () = sleep_until(until) => {
                // Half a frame at the deadline is no frame: at a wrong rate it is all there ever is.
                let held = self.decoder.clear();
                if !held.is_empty() {
                    exchange.handle(Item::Noise(held), Instant::now().into_std());
                }
            }
        }
        Ok(())
    }

    /// Writes the whole frame. It reads meanwhile, so that a board that talks cannot block itself, and
    /// so us; and to notice an unplug.
    async fn write_frame<E: Exchange>(
        &mut self,
        frame: Arc<[u8]>,
        exchange: &mut E,
    ) -> Result<(), LinkError> {
        if self.mid_frame {
            let why = "an earlier frame was left half-sent; open the port again";
            return Err(LinkError::Io(io::Error::other(why)));
        }
        self.mid_frame = true;
        let mut sent = 0;
        let mut stalled = Instant::now() + STALL;
        let mut bytes = [0; READ_BYTES];
        while sent < frame.len() {
            let step = poll_fn(|cx| self.poll_either(cx, &frame[sent..], &mut bytes));
            match timeout_at(stalled, step).await {
                Ok(Ok(Either::Wrote(count))) => {
                    sent += count;
                    stalled = Instant::now() + STALL;
                }
                Ok(Ok(Either::Read(count))) => {
                    self.decoder.push(&bytes[..count]);
                    while let Some(item) = self.decoder.next() {
                        exchange.handle(item, Instant::now().into_std());
                    }
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    let why = format!("no byte could be written for {} s", STALL.as_secs());
                    return Err(LinkError::Io(io::Error::new(io::ErrorKind::TimedOut, why)));
                }
            }
        }
        self.mid_frame = false;
        Ok(())
    }

    fn poll_either(
        &mut self,
        cx: &mut Context<'_>,
        rest: &[u8],
        bytes: &mut [u8],
    ) -> Poll<Result<Either, LinkError>> {
        match Pin::new(&mut self.port).poll_write(cx, rest) {
            Poll::Ready(Ok(0)) => {
                let error = io::Error::from(io::ErrorKind::WriteZero);
                return Poll::Ready(Err(LinkError::Io(error)));
            }
            Poll::Ready(Ok(count)) => return Poll::Ready(Ok(Either::Wrote(count))),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(failed(error))),
            Poll::Pending => {}
        }
        self.poll_input(cx, bytes)
            .map(|read| read.map(Either::Read))
    }

    fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<Result<usize, LinkError>> {
        let mut buffer = ReadBuf::new(bytes);
        let read = Pin::new(&mut self.port)
            .poll_read(cx, &mut buffer)
            .map(|read| received(read.map(|()| buffer.filled().len())));
        if let Poll::Ready(Ok(count)) = read {
            self.heard_bytes += count as u64;
        }
        read
    }

    /// Drops what has come in, without waiting.
    fn forget_input(&mut self) -> Result<(), LinkError> {
        self.decoder.clear();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut bytes = [0; READ_BYTES];
        // Bounded: a board that talks faster than this reads is dealt with by the exchange.
        for _ in 0..64 {
            match self.poll_input(&mut cx, &mut bytes) {
                Poll::Ready(read) => read?,
                Poll::Pending => break,
            };
        }
        Ok(())
    }
}

/// What a write that also reads did.
enum Either {
    Wrote(usize),
    Read(usize),
}

/// A read's count; 0 is how a port says that it is gone.
fn received(read: io::Result<usize>) -> Result<usize, LinkError> {
    match read {
        Ok(0) => Err(LinkError::Gone),
        Ok(count) => Ok(count),
        Err(error) => Err(failed(error)),
    }
}

/// A port's error. After a hang-up the kernel answers EIO to everything but reads.
fn failed(error: io::Error) -> LinkError {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    let hung_up = [Errno::IO, Errno::NXIO, Errno::NODEV]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
    let closed = matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected
    );
    if hung_up || closed {
        LinkError::Gone
    } else {
        LinkError::Io(error)
    }
}

#[cfg(test)]
mod tests;
