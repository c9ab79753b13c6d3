//! SYNC, the one request that is repeated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Action, Exchange, ExchangeError};
use crate::protocol::slip::Item;
use crate::protocol::{Command, Dialect, Op, Reply};

/// Replies to one SYNC (ROM and stub alike).
const REPLIES: u32 = 8;

/// How long to wait for the rest of the replies once one has come. One that comes later still is
/// dropped by the next exchange: it is a success under another op.
const REST: Duration = Duration::from_millis(50);

/// SYNC until it is answered: `tries` requests, `each` apart, then all eight replies are read.
#[derive(Debug)]
pub struct Sync {
    tries: u32,
    each: Duration,
    frame: Arc<[u8]>,
    sent: u32,
    noise_bytes: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Unsent,
    Sending,
    Listening {
        until: Instant,
    },
    Answered {
        dialect: Dialect,
        replies: u32,
        until: Instant,
    },
    Over(Result<Dialect, ExchangeError>),
}

impl Sync {
    pub fn new(tries: u32, each: Duration) -> Sync {
        Sync {
            tries,
            each,
            frame: Command::Sync.frame().into(),
            sent: 0,
            noise_bytes: 0,
            state: State::Unsent,
        }
    }
}

/// Who answered SYNC: a value of 0 in the reply means that a stub already runs.
impl Exchange for Sync {
    type Output = Dialect;

    fn poll(&mut self, now: Instant) -> Action<Dialect> {
        loop {
            match &self.state {
                State::Unsent if self.sent < self.tries => {
                    self.sent += 1;
                    self.state = State::Sending;
                    return Action::Send(self.frame.clone());
                }
                State::Unsent => {
                    let after = self.each * self.tries;
                    let error = ExchangeError::nothing(Op::Sync.name(), after, self.noise_bytes);
                    self.state = State::Over(Err(error));
                }
                State::Sending => {
                    let until = now + self.each;
                    self.state = State::Listening { until };
                }
                &State::Listening { until } if now < until => return Action::Wait { until },
                State::Listening { .. } => self.state = State::Unsent,
                &State::Answered { replies, until, .. }
                    if replies < self.sent * REPLIES && now < until =>
                {
                    return Action::Wait { until };
                }
                &State::Answered { dialect, .. } => self.state = State::Over(Ok(dialect)),
                State::Over(result) => return Action::Done(result.clone()),
            }
        }
    }

    fn handle(&mut self, item: Item, now: Instant) {
        let frame = match item {
            Item::Frame(frame) => frame,
            Item::Noise(bytes) => {
                self.noise_bytes += bytes.len();
                return;
            }
        };
        let Some(reply) = Reply::parse(&frame) else {
            self.noise_bytes += frame.len();
            return;
        };
        let Some(answered_by) = who(&reply) else {
            return;
        };
        let until = now + REST;
        match &mut self.state {
            // While a repetition is sent, the reply to the one before it may come.
            State::Sending | State::Listening { .. } => {
                self.state = State::Answered {
                    dialect: answered_by,
                    replies: 1,
                    until,
                };
            }
            State::Answered {
                replies,
                until: rest,
                ..
            } => {
                *replies += 1;
                *rest = until;
            }
            State::Unsent | State::Over(_) => {}
        }
    }
}

/// Who sent this, if it is a reply to SYNC.
fn who(reply: &Reply) -> Option<Dialect> {
    let dialect = match (reply.value, reply.payload.len()) {
        (0, _) => Dialect::Stub,
        (_, 2) => Dialect::Rom8266,
        _ => Dialect::Rom,
    };
    // A refusal under SYNC's op is what is left of a command that the ROM did not know.
    (reply.op == Op::Sync as u8 && reply.is_success(dialect)).then_some(dialect)
}

#[cfg(test)]
mod tests {
    use super::super::script::{Script, frame, ms};
    use super::*;

    const ROM: &str = "01080400 07071220 00000000";
    const STUB: &str = "01080200 00000000 0000";
    const ROM_8266: &str = "01080200 07071220 0000";
    const REFUSED: &str = "01080400 07071220 01050000";

    fn sync() -> Script<Sync> {
        let mut script = Script::new(Sync::new(3, ms(100)));
        script.sends();
        script.waits();
        script
    }

    #[test]
    fn all_eight_replies_are_read() {
        for (reply, dialect) in [
            (ROM, Dialect::Rom),
            (STUB, Dialect::Stub),
            (ROM_8266, Dialect::Rom8266),
        ] {
            let mut script = sync();
            for _ in 0..7 {
                script.hears(ms(1), frame(reply)).waits();
            }
            assert_eq!(script.hears(ms(1), frame(reply)).ends(), Ok(dialect));
        }
    }

    #[test]
    fn missing_replies_are_not_waited_for_long() {
        let mut script = sync();
        script.hears(ms(10), frame(ROM));
        assert_eq!(script.waits(), ms(60));
        assert_eq!(script.hears_nothing().ends(), Ok(Dialect::Rom));
    }

    #[test]
    fn it_is_repeated_and_the_replies_to_every_one_are_read() {
        let mut script = sync();
        script.hears_nothing().sends();
        // Both are answered, late.
        script.waits();
        for _ in 0..15 {
            script.hears(ms(1), frame(ROM)).waits();
        }
        assert_eq!(script.hears(ms(1), frame(ROM)).ends(), Ok(Dialect::Rom));
    }

    #[test]
    fn a_reply_that_comes_during_a_repetition_counts() {
        let mut script = sync();
        script.hears_nothing().sends();
        script.hears(ms(1), frame(ROM));
        assert_eq!(script.hears_nothing().ends(), Ok(Dialect::Rom));
    }

    #[test]
    fn old_refusals_and_other_replies_do_not_answer_it() {
        let mut script = sync();
        script.hears(ms(1), frame(REFUSED)).waits();
        script
            .hears(ms(1), frame("010a0400 831df000 00000000"))
            .waits();
        script.hears_nothing().sends();
    }

    #[test]
    fn silence_and_noise_are_told_apart() {
        let mut script = sync();
        for _ in 0..2 {
            script.hears_nothing().sends();
        }
        let silence = ExchangeError::Silence {
            what: "SYNC",
            after: ms(300),
        };
        assert_eq!(script.hears_nothing().ends(), Err(silence));

        let mut script = sync();
        script.hears(ms(5), Item::Noise(b"waiting for download".to_vec()));
        for _ in 0..2 {
            script.hears_nothing().sends();
        }
        let garbled = ExchangeError::Garbled {
            what: "SYNC",
            noise_bytes: 20,
        };
        assert_eq!(script.hears_nothing().ends(), Err(garbled));
    }
}
