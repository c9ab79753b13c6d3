//! Which of the frames that come in is the answer to what was asked.
//!
//! Replies carry the op of their command and no number, and a ROM answers a command that it does not
//! know with the op and value of the *last accepted* one, eight times over when that was SYNC
//! (seen on a real ESP32 ROM). The stub echoes the op that it read, which noise may have changed. So:
//!
//! | op | status | taken as |
//! |---|---|---|
//! | as asked | any | the answer, at once |
//! | another | success | a late reply to an earlier command: dropped |
//! | another | refusal | a suspicion: the refusal of what was asked, unless the answer follows |
//!
//! A suspicion is believed once [`QUIET`] has passed without a frame: late copies of an earlier
//! refusal are then overruled by the answer that comes after them, and the eight copies are all read
//! by the exchange that provoked them, none is left for the next. What stays undecidable is a late
//! reply to a command with the same op; after a timeout the job has to SYNC again.

use std::time::{Duration, Instant};

use super::ExchangeError;
use crate::protocol::slip::Item;
use crate::protocol::{Dialect, Op, Refusal, Reply};

/// How long the line must be silent before a refusal under another command's op is believed: the
/// copies come back to back, a bridge may deliver them 16 ms apart (FTDI's latency timer).
const QUIET: Duration = Duration::from_millis(100);

/// Waiting for the reply to one command.
#[derive(Debug)]
pub(super) struct Listening {
    op: Op,
    dialect: Dialect,
    timeout: Duration,
    until: Instant,
    noise_bytes: usize,
    /// A refusal under another op, and when the last copy of it came.
    suspicion: Option<(Refusal, Instant)>,
}

impl Listening {
    pub fn new(op: Op, dialect: Dialect, timeout: Duration, now: Instant) -> Listening {
        Listening {
            op,
            dialect,
            timeout,
            until: now + timeout,
            noise_bytes: 0,
            suspicion: None,
        }
    }

    /// The answer, if this is it; the reply's payload is without its status.
    pub fn hear(&mut self, item: Item, now: Instant) -> Option<Result<Reply, Refusal>> {
        let frame = match item {
            Item::Frame(frame) => frame,
            Item::Noise(bytes) => {
                self.noise_bytes += bytes.len();
                return None;
            }
        };
        let Some(reply) = Reply::parse(&frame) else {
            self.noise_bytes += frame.len();
            return None;
        };
        let data = reply.data(self.op, self.dialect).map(<[u8]>::to_vec);
        if reply.op == self.op as u8 {
            return Some(data.map(|payload| Reply { payload, ..reply }));
        }
        if let Err(refusal) = data {
            self.suspicion = Some((refusal, now));
        }
        None
    }

    /// When to give up, or to believe a suspicion.
    pub fn deadline(&self) -> Instant {
        self.suspicion
            .map_or(self.until, |(_, since)| self.until.min(since + QUIET))
    }

    /// How it ended, if the deadline has passed.
    pub fn expired(&self, now: Instant) -> Option<ExchangeError> {
        (now >= self.deadline()).then(|| match self.suspicion {
            Some((refusal, _)) => ExchangeError::Refused(refusal),
            None => ExchangeError::nothing(self.op.name(), self.timeout, self.noise_bytes),
        })
    }
}
