//! The one place where an exchange meets a port and a clock.

use std::io;
use std::time::Duration;

use super::stop::Stop;
use super::traits::{Lines, Port};
use crate::event::StopReason;
use crate::protocol::{Command, Dialect, Exchange, ExchangeError, Reply};

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
pub struct Link {}

/// What is left of a link when the conversation is over: the port, and bytes that came and were not
/// part of it.
pub struct Console {
    pub port: Box<dyn Port>,
    pub unread: Vec<u8>,
}

impl Link {
    /// `baud` is the rate at which the port was opened; the dialect starts as [`Dialect::Rom`].
    pub fn new(port: Box<dyn Port>, baud: u32, stop: Stop) -> Link {
        let _ = (port, baud, stop);
        todo!("helper P")
    }

    pub fn dialect(&self) -> Dialect {
        todo!("helper P")
    }

    pub fn set_dialect(&mut self, dialect: Dialect) {
        let _ = dialect;
        todo!("helper P")
    }

    /// The line's rate now.
    pub fn baud(&self) -> u32 {
        todo!("helper P")
    }

    /// Runs an exchange to its end. `watch` sees it after each step (progress of a stream).
    /// On every error the link can be used again (a half-sent frame is finished first).
    pub async fn run<E: Exchange>(
        &mut self,
        exchange: &mut E,
        watch: impl FnMut(&E),
    ) -> Result<E::Output, LinkError> {
        let _ = (exchange, watch);
        todo!("helper P")
    }

    /// One command in the link's dialect.
    pub async fn command(
        &mut self,
        command: &Command<'_>,
        timeout: Duration,
    ) -> Result<Reply, LinkError> {
        let _ = (command, timeout);
        todo!("helper P")
    }

    /// Sets the port's rate (not the chip's), waits 50 ms and drops what came in.
    /// Returns what the driver says it made of it.
    pub async fn set_baud(&mut self, baud: u32) -> Result<u32, LinkError> {
        let _ = baud;
        todo!("helper P")
    }

    /// `Ok(false)` where the port has no lines.
    pub async fn set_lines(&mut self, lines: Lines) -> Result<bool, LinkError> {
        let _ = lines;
        todo!("helper P")
    }

    /// Drops everything received so far; returns the bytes (boot messages).
    pub async fn drain(&mut self, quiet: Duration) -> Result<Vec<u8>, LinkError> {
        let _ = quiet;
        todo!("helper P")
    }

    /// Sleeps, and notices a stop.
    pub async fn pause(&mut self, time: Duration) -> Result<(), LinkError> {
        let _ = time;
        todo!("helper P")
    }

    /// Hands over the port and the bytes already read.
    pub fn into_console(self) -> Console {
        todo!("helper P")
    }

    /// Closes the port, off the worker threads.
    pub async fn close(self) {
        todo!("helper P")
    }
}
