//! One command and its reply.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::Listening;
use super::{Action, Exchange, ExchangeError};
use crate::protocol::slip::Item;
use crate::protocol::{Command, Dialect, Op, Reply};

/// One command and its reply. Frames that answer something else are drained, not believed.
#[derive(Debug)]
pub struct Request {
    op: Op,
    dialect: Dialect,
    timeout: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    Unsent(Arc<[u8]>),
    /// Handed over to be written; what comes before that is done answers something else.
    Sending,
    Listening(Listening),
    Over(Result<Reply, ExchangeError>),
}

impl Request {
    /// `timeout` runs from the moment at which the request is written.
    pub fn new(command: &Command<'_>, dialect: Dialect, timeout: Duration) -> Request {
        Request::framed(command.op(), command.frame().into(), dialect, timeout)
    }

    /// A request that is encoded already.
    pub fn framed(op: Op, frame: Arc<[u8]>, dialect: Dialect, timeout: Duration) -> Request {
        Request {
            op,
            dialect,
            timeout,
            state: State::Unsent(frame),
        }
    }
}

impl Exchange for Request {
    /// The reply, its status already checked; `payload` is without the status bytes.
    type Output = Reply;

    fn poll(&mut self, now: Instant) -> Action<Reply> {
        loop {
            match &self.state {
                State::Unsent(frame) => {
                    let frame = frame.clone();
                    self.state = State::Sending;
                    return Action::Send(frame);
                }
                State::Sending => {
                    let listening = Listening::new(self.op, self.dialect, self.timeout, now);
                    self.state = State::Listening(listening);
                }
                State::Listening(listening) => match listening.expired(now) {
                    Some(error) => self.state = State::Over(Err(error)),
                    None => {
                        let until = listening.deadline();
                        return Action::Wait { until };
                    }
                },
                State::Over(result) => return Action::Done(result.clone()),
            }
        }
    }

    fn handle(&mut self, item: Item, now: Instant) {
        if let State::Listening(listening) = &mut self.state
            && let Some(answer) = listening.hear(item, now)
        {
            self.state = State::Over(answer.map_err(ExchangeError::from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{Script, bytes, frame, ms};
    use super::*;
    use crate::protocol::Refusal;

    /// READ_REG of the chip magic, and what a real ESP32 ROM answers to it.
    const READ_REG: &str = "c0 000a0400 00000000 00100040 c0";
    const ANSWER: &str = "010a0400 831df000 00000000";
    /// What that ROM sends eight times when a command that it does not know follows SYNC.
    const REFUSED_AFTER_SYNC: &str = "01080400 07071220 01050000";
    const SYNCED: &str = "01080400 07071220 00000000";

    fn read_reg() -> Script<Request> {
        let command = Command::ReadReg {
            address: 0x4000_1000,
        };
        let mut script = Script::new(Request::new(&command, Dialect::Rom, ms(3000)));
        assert_eq!(*script.sends(), bytes(READ_REG));
        assert_eq!(script.waits(), ms(3000));
        script
    }

    fn security_info() -> Script<Request> {
        let request = Request::new(&Command::GetSecurityInfo, Dialect::Rom, ms(3000));
        let mut script = Script::new(request);
        script.sends();
        script.waits();
        script
    }

    fn refused(op: Op, status: u16) -> ExchangeError {
        ExchangeError::Refused(Refusal { op, status })
    }

    #[test]
    fn an_answer_ends_it_at_once_and_for_good() {
        let mut script = read_reg();
        let reply = script.hears(ms(2), frame(ANSWER)).ends().unwrap();
        assert_eq!((reply.value, reply.payload), (0x00F0_1D83, vec![]));
        script.hears(ms(1), frame(REFUSED_AFTER_SYNC));
        assert_eq!(script.ends().unwrap().value, 0x00F0_1D83);
    }

    #[test]
    fn payload_comes_without_its_status() {
        let command = Command::FlashMd5 {
            offset: 0,
            length: 0x4000,
        };
        let mut script = Script::new(Request::new(&command, Dialect::Stub, ms(8000)));
        script.sends();
        script.waits();
        let md5 = "ea13f524a784b8f63d95a883743253e7";
        script.hears(ms(40), frame(&format!("01131200 00000000 {md5} 0000")));
        assert_eq!(script.ends().unwrap().payload, bytes(md5));
    }

    #[test]
    fn a_late_success_of_another_command_is_not_believed() {
        let mut script = read_reg();
        script.hears(ms(1), frame(SYNCED)).waits();
        script.hears(ms(1), frame(SYNCED)).waits();
        script.hears(ms(1), frame(ANSWER)).ends().unwrap();
    }

    #[test]
    fn a_refusal_under_its_own_op_is_believed_at_once() {
        let mut script = read_reg();
        script.hears(ms(1), frame("010a0400 000110fe 01050000"));
        assert_eq!(script.ends(), Err(refused(Op::ReadReg, 0x0105)));
    }

    #[test]
    fn a_refusal_under_the_last_op_is_believed_after_its_eight_copies() {
        let mut script = security_info();
        for copy in 1..=8 {
            script.hears(ms(1), frame(REFUSED_AFTER_SYNC));
            assert_eq!(script.waits(), ms(copy + 100));
        }
        script.hears_nothing();
        assert_eq!(script.ends(), Err(refused(Op::GetSecurityInfo, 0x0105)));
    }

    #[test]
    fn an_answer_overrules_late_copies_of_an_earlier_refusal() {
        let mut script = read_reg();
        script.hears(ms(1), frame(REFUSED_AFTER_SYNC)).waits();
        script.hears(ms(1), frame(REFUSED_AFTER_SYNC)).waits();
        script.hears(ms(1), frame(ANSWER)).ends().unwrap();
    }

    #[test]
    fn what_comes_while_it_is_sent_answers_something_else() {
        let command = Command::ReadReg { address: 0 };
        let mut script = Script::new(Request::new(&command, Dialect::Rom, ms(3000)));
        script.sends();
        script.hears(ms(1), frame(ANSWER));
        assert_eq!(script.waits(), ms(3001));
    }

    #[test]
    fn silence_and_noise_are_told_apart() {
        let mut script = read_reg();
        assert_eq!(
            script.hears_nothing().ends(),
            Err(ExchangeError::Silence {
                what: "READ_REG",
                after: ms(3000)
            })
        );
        let mut script = read_reg();
        script.hears(ms(1), Item::Noise(vec![1, 2, 3])).waits();
        // A frame with a byte lost, and our own request come back.
        script
            .hears(ms(1), frame("010a0400 831df000 000000"))
            .waits();
        script
            .hears(ms(1), frame("000a0400 00000000 00100040"))
            .waits();
        assert_eq!(
            script.hears_nothing().ends(),
            Err(ExchangeError::Garbled {
                what: "READ_REG",
                noise_bytes: 3 + 11 + 12
            })
        );
    }
}
