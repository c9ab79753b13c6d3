//! Many blocks, one after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::Listening;
use super::{Action, Exchange, ExchangeError};
use crate::protocol::slip::Item;
use crate::protocol::{Dialect, Op};

/// A block of a stream: a whole encoded frame, and how long its acknowledge may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub frame: Arc<[u8]>,
    pub timeout: Duration,
}

/// Encoded blocks, each sent when the one before it is acknowledged, starting at `first`; never
/// before, since the loader would miss the frame's first byte.
///
/// The stub acknowledges a block and inflates and writes it afterwards: the failure of block n (C400,
/// C500, C700) is the answer to block n + 1, which is not taken, and that of the last one the answer to
/// whatever is asked next (esp-flasher-stub, `handle_command`). Progress is read from outside through
/// [`Stream::acknowledged`].
#[derive(Debug)]
pub struct Stream {
    op: Op,
    dialect: Dialect,
    blocks: Arc<[Block]>,
    acknowledged: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The next block may be sent.
    Clear,
    Sending,
    Listening(Listening),
    Failed(ExchangeError),
}

impl Stream {
    pub fn new(op: Op, blocks: Arc<[Block]>, first: usize, dialect: Dialect) -> Stream {
        Stream {
            op,
            dialect,
            acknowledged: first.min(blocks.len()),
            blocks,
            state: State::Clear,
        }
    }

    /// How many blocks, counted from the stream's beginning, are acknowledged. After a failure the
    /// block with this index is the one that was not.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged
    }
}

impl Exchange for Stream {
    type Output = ();

    fn poll(&mut self, now: Instant) -> Action<()> {
        loop {
            // Past the last block there is only `Clear`.
            let Some(block) = self.blocks.get(self.acknowledged) else {
                return Action::Done(Ok(()));
            };
            match &self.state {
                State::Clear => {
                    let frame = block.frame.clone();
                    self.state = State::Sending;
                    return Action::Send(frame);
                }
                State::Sending => {
                    let listening = Listening::new(self.op, self.dialect, block.timeout, now);
                    self.state = State::Listening(listening);
                }
                State::Listening(listening) => match listening.expired(now) {
                    Some(error) => self.state = State::Failed(error),
                    None => {
                        let until = listening.deadline();
                        return Action::Wait { until };
                    }
                },
                State::Failed(error) => return Action::Done(Err(error.clone())),
            }
        }
    }

    fn handle(&mut self, item: Item, now: Instant) {
        let State::Listening(listening) = &mut self.state else {
            return;
        };
        match listening.hear(item, now) {
            None => {}
            Some(Ok(_)) => {
                self.acknowledged += 1;
                self.state = State::Clear;
            }
            Some(Err(refusal)) => self.state = State::Failed(refusal.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{Script, frame, ms};
    use super::*;
    use crate::protocol::Refusal;

    const ACKNOWLEDGED: &str = "01110200 00000000 0000";

    fn blocks(count: u8) -> Arc<[Block]> {
        (0..count)
            .map(|n| Block {
                frame: [0xC0, n, 0xC0].into(),
                timeout: ms(1000 + u64::from(n)),
            })
            .collect()
    }

    fn stream(count: u8, first: usize) -> Script<Stream> {
        Script::new(Stream::new(
            Op::FlashDeflData,
            blocks(count),
            first,
            Dialect::Stub,
        ))
    }

    #[test]
    fn each_block_waits_for_the_acknowledge_of_the_one_before() {
        let mut script = stream(3, 0);
        for n in 0..3 {
            assert_eq!(script.sends()[1], n);
            script.waits();
            assert_eq!(script.exchange.acknowledged(), usize::from(n));
            script.hears(ms(10), frame(ACKNOWLEDGED));
        }
        assert_eq!(script.exchange.acknowledged(), 3);
        assert_eq!(script.ends(), Ok(()));
    }

    #[test]
    fn one_acknowledge_lets_one_block_go() {
        let mut script = stream(3, 0);
        script.sends();
        script.waits();
        script.hears(ms(1), frame(ACKNOWLEDGED));
        // A second copy of it, before and while the next block is sent.
        script.hears(ms(1), frame(ACKNOWLEDGED));
        assert_eq!(script.sends()[1], 1);
        script.hears(ms(1), frame(ACKNOWLEDGED));
        script.waits();
        assert_eq!(script.exchange.acknowledged(), 1);
    }

    #[test]
    fn it_starts_where_it_is_told() {
        let mut script = stream(3, 2);
        assert_eq!(script.sends()[1], 2);
        script.waits();
        script.hears(ms(1), frame(ACKNOWLEDGED));
        assert_eq!(script.ends(), Ok(()));
        assert_eq!(stream(3, 3).ends(), Ok(()));
        assert_eq!(stream(3, 9).ends(), Ok(()));
    }

    #[test]
    fn every_block_has_its_own_timeout() {
        let mut script = stream(2, 0);
        script.sends();
        assert_eq!(script.waits(), ms(1000));
        script.hears(ms(500), frame(ACKNOWLEDGED));
        script.sends();
        assert_eq!(script.waits(), ms(500 + 1001));
        let silence = ExchangeError::Silence {
            what: "FLASH_DEFL_DATA",
            after: ms(1001),
        };
        assert_eq!(script.hears_nothing().ends(), Err(silence));
        assert_eq!(script.exchange.acknowledged(), 1);
    }

    #[test]
    fn a_failed_write_is_the_answer_to_the_next_block() {
        let mut script = stream(3, 0);
        script.sends();
        script.waits();
        script.hears(ms(1), frame(ACKNOWLEDGED));
        script.sends();
        script.waits();
        script.hears(ms(1), frame("01110200 00000000 c400"));
        let refusal = Refusal {
            op: Op::FlashDeflData,
            status: 0xC400,
        };
        assert_eq!(script.ends(), Err(ExchangeError::Refused(refusal)));
        assert_eq!(script.exchange.acknowledged(), 1);
    }

    #[test]
    fn a_block_whose_op_was_damaged_is_refused_under_another() {
        let mut script = stream(1, 0);
        script.sends();
        script.waits();
        script.hears(ms(1), frame("01310200 00000000 c300")).waits();
        let refusal = Refusal {
            op: Op::FlashDeflData,
            status: 0xC300,
        };
        assert_eq!(
            script.hears_nothing().ends(),
            Err(ExchangeError::Refused(refusal))
        );
        assert!(refusal.is_line_damage());
    }
}
