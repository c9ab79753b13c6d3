//! Exchanges: one conversation each, as a state machine that is told frames and the time, and says
//! what to send, how long to wait, and how it ended. An exchange retries nothing but SYNC.

mod answer;
mod await_frame;
mod read;
mod request;
mod stream;
mod sync;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Refusal;
use super::slip::Item;

pub use await_frame::Await;
pub use read::ReadFlash;
pub use request::Request;
pub use stream::{Block, Stream};
pub use sync::Sync;

/// What an exchange wants next.
#[derive(Debug)]
pub enum Action<T> {
    /// Put these bytes on the wire, whole, then poll again.
    Send(Arc<[u8]>),
    /// Nothing until a frame comes or this moment passes.
    Wait { until: Instant },
    /// It is over; every further poll says the same.
    Done(Result<T, ExchangeError>),
}

/// A conversation.
///
/// The driver polls; on `Send` it writes the whole frame, hands in what came meanwhile and polls
/// again, which starts the clock; on `Wait` it hands in items as they come and polls after each, or at
/// the deadline.
pub trait Exchange {
    type Output;

    /// What to do next. Called again after each send, each item and each deadline.
    fn poll(&mut self, now: Instant) -> Action<Self::Output>;

    /// Something came in.
    fn handle(&mut self, item: Item, now: Instant);
}

/// How an exchange fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing that fits came in time.
    #[error("no reply to {what} within {after:?}")]
    Silence { what: &'static str, after: Duration },
    /// Bytes came and none of them was a reply: a wrong rate or a noisy line.
    #[error("the reply to {what} was garbled ({noise_bytes} bytes that are no frame)")]
    Garbled {
        what: &'static str,
        noise_bytes: usize,
    },
    /// The stub was asked, and a reply came with a ROM's status: the chip was reset meanwhile.
    #[error("{what} was answered by the chip's ROM and not by the stub")]
    ByRom { what: &'static str },
    /// Data came whole and are not those that were sent.
    #[error("the data of {what} do not have the MD5 that came behind them")]
    Digest { what: &'static str },
}

impl ExchangeError {
    /// Nothing that fits came in `after`; `noise_bytes` came that were no reply at all.
    fn nothing(what: &'static str, after: Duration, noise_bytes: usize) -> ExchangeError {
        match noise_bytes {
            0 => ExchangeError::Silence { what, after },
            _ => ExchangeError::Garbled { what, noise_bytes },
        }
    }
}

#[cfg(test)]
pub(super) mod script {
    //! A scripted other end with a clock of its own.

    use super::*;

    pub fn bytes(hex: &str) -> Vec<u8> {
        let digits: String = hex.split_whitespace().collect();
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    }

    pub fn frame(hex: &str) -> Item {
        Item::Frame(bytes(hex))
    }

    pub const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// An exchange at a moment; `at` counts from the script's beginning.
    pub struct Script<E> {
        pub exchange: E,
        began: Instant,
        at: Duration,
    }

    impl<E: Exchange<Output: std::fmt::Debug>> Script<E> {
        pub fn new(exchange: E) -> Script<E> {
            Script {
                exchange,
                began: Instant::now(),
                at: Duration::ZERO,
            }
        }

        fn now(&self) -> Instant {
            self.began + self.at
        }

        /// Lets it send; returns the frame.
        pub fn sends(&mut self) -> Arc<[u8]> {
            match self.exchange.poll(self.now()) {
                Action::Send(frame) => frame,
                other => panic!("it should send at {:?}, but {other:?}", self.at),
            }
        }

        /// It waits now; returns until when.
        pub fn waits(&mut self) -> Duration {
            match self.exchange.poll(self.now()) {
                Action::Wait { until } => until - self.began,
                other => panic!("it should wait at {:?}, but {other:?}", self.at),
            }
        }

        pub fn hears(&mut self, after: Duration, item: Item) -> &mut Self {
            self.at += after;
            self.exchange.handle(item, self.now());
            self
        }

        /// Waits out the deadline that it asked for.
        pub fn hears_nothing(&mut self) -> &mut Self {
            self.at = self.waits();
            self
        }

        pub fn ends(&mut self) -> Result<E::Output, ExchangeError> {
            match self.exchange.poll(self.now()) {
                Action::Done(result) => result,
                other => panic!("it should be over at {:?}, but {other:?}", self.at),
            }
        }
    }
}
