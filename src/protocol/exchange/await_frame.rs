//! Waiting for something that was not asked for.

use std::time::{Duration, Instant};

use super::{Action, Exchange, ExchangeError};
use crate::protocol::slip::Item;

/// Waits for one unsolicited frame, such as the stub's `OHAI`.
#[derive(Debug)]
pub struct Await {
    what: &'static str,
    frame: &'static [u8],
    timeout: Duration,
    noise_bytes: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Fresh,
    Listening { until: Instant },
    Over(Result<(), ExchangeError>),
}

impl Await {
    /// `what` names it in errors; `timeout` runs from the first poll.
    pub fn new(what: &'static str, frame: &'static [u8], timeout: Duration) -> Await {
        Await {
            what,
            frame,
            timeout,
            noise_bytes: 0,
            state: State::Fresh,
        }
    }
}

impl Exchange for Await {
    type Output = ();

    fn poll(&mut self, now: Instant) -> Action<()> {
        loop {
            match &self.state {
                State::Fresh => {
                    let until = now + self.timeout;
                    self.state = State::Listening { until };
                }
                &State::Listening { until } if now < until => return Action::Wait { until },
                State::Listening { .. } => {
                    let error = ExchangeError::nothing(self.what, self.timeout, self.noise_bytes);
                    self.state = State::Over(Err(error));
                }
                State::Over(result) => return Action::Done(result.clone()),
            }
        }
    }

    fn handle(&mut self, item: Item, _now: Instant) {
        match item {
            Item::Frame(frame) if frame == self.frame => {
                if !matches!(self.state, State::Over(_)) {
                    self.state = State::Over(Ok(()));
                }
            }
            // A reply to something earlier says nothing about the line.
            Item::Frame(frame) if crate::protocol::Reply::parse(&frame).is_some() => {}
            Item::Frame(bytes) | Item::Noise(bytes) => self.noise_bytes += bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{Script, frame, ms};
    use super::*;

    fn greeting() -> Script<Await> {
        Script::new(Await::new("the stub's greeting", b"OHAI", ms(500)))
    }

    #[test]
    fn the_frame_ends_it_even_before_the_first_poll() {
        let mut script = greeting();
        script.hears(ms(0), Item::Frame(b"OHAI".to_vec()));
        assert_eq!(script.ends(), Ok(()));
    }

    #[test]
    fn other_frames_do_not() {
        let mut script = greeting();
        assert_eq!(script.waits(), ms(500));
        script
            .hears(ms(1), frame("01060400 831df000 00006561"))
            .waits();
        let silence = ExchangeError::Silence {
            what: "the stub's greeting",
            after: ms(500),
        };
        assert_eq!(script.hears_nothing().ends(), Err(silence));
    }

    #[test]
    fn a_damaged_greeting_is_noise() {
        let mut script = greeting();
        script.waits();
        script.hears(ms(1), Item::Frame(b"OHAH".to_vec())).waits();
        let garbled = ExchangeError::Garbled {
            what: "the stub's greeting",
            noise_bytes: 4,
        };
        assert_eq!(script.hears_nothing().ends(), Err(garbled));
    }
}
