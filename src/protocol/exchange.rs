//! Exchanges: one conversation each, as a state machine that is told frames and the time, and says
//! what to send, how long to wait, and how it ended. An exchange retries nothing but SYNC.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::slip::Item;
use super::{Command, Dialect, Refusal, Reply};

/// What an exchange wants next.
#[derive(Debug)]
pub enum Action<T> {
    /// Put these bytes on the wire, whole, then poll again.
    Send(Arc<[u8]>),
    /// Nothing until a frame comes or this moment passes.
    Wait { until: Instant },
    /// It is over.
    Done(Result<T, ExchangeError>),
}

/// A conversation.
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
}

/// One command and its reply. Frames that answer something else are drained, not believed.
#[derive(Debug)]
pub struct Request {}

impl Request {
    pub fn new(command: &Command<'_>, dialect: Dialect, timeout: Duration) -> Request {
        let _ = (command, dialect, timeout);
        todo!("helper P")
    }
}

impl Exchange for Request {
    /// The reply, its status already checked; `payload` is without the status bytes.
    type Output = Reply;

    fn poll(&mut self, now: Instant) -> Action<Reply> {
        let _ = now;
        todo!("helper P")
    }

    fn handle(&mut self, item: Item, now: Instant) {
        let _ = (item, now);
        todo!("helper P")
    }
}

/// SYNC until it is answered: `tries` requests, `each` apart, then all eight replies are read.
#[derive(Debug)]
pub struct Sync {}

impl Sync {
    pub fn new(tries: u32, each: Duration) -> Sync {
        let _ = (tries, each);
        todo!("helper P")
    }
}

/// Who answered SYNC: a value of 0 in the reply means that a stub already runs.
impl Exchange for Sync {
    type Output = Dialect;

    fn poll(&mut self, now: Instant) -> Action<Dialect> {
        let _ = now;
        todo!("helper P")
    }

    fn handle(&mut self, item: Item, now: Instant) {
        let _ = (item, now);
        todo!("helper P")
    }
}

/// Waits for one unsolicited frame, such as the stub's `OHAI`.
#[derive(Debug)]
pub struct Await {}

impl Await {
    pub fn new(what: &'static str, frame: &'static [u8], timeout: Duration) -> Await {
        let _ = (what, frame, timeout);
        todo!("helper P")
    }
}

impl Exchange for Await {
    type Output = ();

    fn poll(&mut self, now: Instant) -> Action<()> {
        let _ = now;
        todo!("helper P")
    }

    fn handle(&mut self, item: Item, now: Instant) {
        let _ = (item, now);
        todo!("helper P")
    }
}

/// A block of a stream: a whole encoded frame, and how long its acknowledge may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub frame: Arc<[u8]>,
    pub timeout: Duration,
}

/// Encoded blocks, each sent when the one before it is acknowledged, starting at `first`.
/// Progress is read from outside through [`Stream::acknowledged`].
#[derive(Debug)]
pub struct Stream {}

impl Stream {
    pub fn new(op: super::Op, blocks: Arc<[Block]>, first: usize, dialect: Dialect) -> Stream {
        let _ = (op, blocks, first, dialect);
        todo!("helper P")
    }

    /// How many blocks, counted from the stream's beginning, are acknowledged.
    pub fn acknowledged(&self) -> usize {
        todo!("helper P")
    }
}

impl Exchange for Stream {
    type Output = ();

    fn poll(&mut self, now: Instant) -> Action<()> {
        let _ = now;
        todo!("helper P")
    }

    fn handle(&mut self, item: Item, now: Instant) {
        let _ = (item, now);
        todo!("helper P")
    }
}
