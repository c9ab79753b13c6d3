//! Reading flash through the stub.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::Listening;
use super::{Action, Exchange, ExchangeError};
use crate::image::md5;
use crate::protocol::slip::{Item, encode};
use crate::protocol::{Command, Dialect, Op};

/// The largest packet that the stub sends (esp-flasher-stub, `s_read_flash_post_process`).
const PACKET_BYTES: u32 = 0x1000;

/// READ_FLASH: the stub answers, sends the range in packets of up to 4 KB, each after the one before
/// is acknowledged with the bytes had so far, and at last the MD5 of everything (16 raw bytes).
///
/// Packets have no checksum; one of another length than is due ends the exchange, and a damaged one
/// shows in the digest. After a failure the stub may still wait for an acknowledge: any other frame,
/// such as SYNC, takes it back to its commands. What it cannot read it does not send, and refuses the
/// next command instead.
#[derive(Debug)]
pub struct ReadFlash {
    length: u32,
    timeout: Duration,
    data: Vec<u8>,
    received: u32,
    noise_bytes: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Unsent(Arc<[u8]>),
    Sending,
    Answering(Listening),
    /// The next packet is due, or the digest.
    Receiving {
        until: Instant,
    },
    /// What came has to be acknowledged.
    Acknowledge,
    Acknowledging,
    Over(Result<Vec<u8>, ExchangeError>),
}

impl ReadFlash {
    /// `timeout` for the answer and for each packet. The data are kept in memory: long ranges are
    /// better read in pieces.
    pub fn new(offset: u32, length: u32, timeout: Duration) -> ReadFlash {
        let command = Command::ReadFlash {
            offset,
            length,
            packet_bytes: PACKET_BYTES,
        };
        ReadFlash {
            length,
            timeout,
            data: Vec::with_capacity(length as usize),
            received: 0,
            noise_bytes: 0,
            state: State::Unsent(command.frame().into()),
        }
    }

    /// Bytes received so far.
    pub fn received(&self) -> u32 {
        self.received
    }

    fn receive(&mut self, frame: &[u8]) -> State {
        let left = self.length - self.received();
        let due = match left {
            0 => 16,
            _ => left.min(PACKET_BYTES) as usize,
        };
        if frame.len() != due {
            return State::Over(Err(ExchangeError::Garbled {
                what: Op::ReadFlash.name(),
                noise_bytes: self.noise_bytes + frame.len(),
            }));
        }
        if left > 0 {
            self.data.extend_from_slice(frame);
            self.received = self.data.len() as u32;
            return State::Acknowledge;
        }
        let data = std::mem::take(&mut self.data);
        State::Over(match md5(&data) == frame {
            true => Ok(data),
            false => Err(ExchangeError::Digest {
                what: Op::ReadFlash.name(),
            }),
        })
    }
}

impl Exchange for ReadFlash {
    /// The range's bytes, their digest already compared.
    type Output = Vec<u8>;

    fn poll(&mut self, now: Instant) -> Action<Vec<u8>> {
        loop {
            match &self.state {
                State::Unsent(frame) => {
                    let frame = frame.clone();
                    self.state = State::Sending;
                    return Action::Send(frame);
                }
                State::Sending => {
                    // only the stub knows this command
                    let listening = Listening::new(Op::ReadFlash, Dialect::Stub, self.timeout, now);
                    self.state = State::Answering(listening);
                }
                State::Answering(listening) => match listening.expired(now) {
                    Some(error) => self.state = State::Over(Err(error)),
                    None => {
                        let until = listening.deadline();
                        return Action::Wait { until };
                    }
                },
                State::Acknowledge => {
                    self.state = State::Acknowledging;
                    return Action::Send(encode(&self.received().to_le_bytes()).into());
                }
                State::Acknowledging => {
                    let until = now + self.timeout;
                    self.state = State::Receiving { until };
                }
                &State::Receiving { until } if now < until => return Action::Wait { until },
                State::Receiving { .. } => {
                    let what = Op::ReadFlash.name();
                    let error = ExchangeError::nothing(what, self.timeout, self.noise_bytes);
                    self.state = State::Over(Err(error));
                }
                State::Over(result) => return Action::Done(result.clone()),
            }
        }
    }

    fn handle(&mut self, item: Item, now: Instant) {
        match &mut self.state {
            State::Answering(listening) => match listening.hear(item, now) {
                None => {}
                Some(Ok(_)) => {
                    let until = now + self.timeout;
                    self.state = State::Receiving { until };
                }
                Some(Err(refusal)) => self.state = State::Over(Err(refusal.into())),
            },
            State::Receiving { .. } | State::Acknowledging => match item {
                Item::Frame(frame) => self.state = self.receive(&frame),
                Item::Noise(bytes) => self.noise_bytes += bytes.len(),
            },
            State::Unsent(_) | State::Sending | State::Acknowledge | State::Over(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{Script, bytes, frame, ms};
    use super::*;
    use crate::protocol::Refusal;

    const BEGUN: &str = "01d20200 00000000 0000";

    fn read(length: u32) -> Script<ReadFlash> {
        let mut script = Script::new(ReadFlash::new(0x4_0000, length, ms(3000)));
        script.sends();
        script.waits();
        script
    }

    fn packet(bytes: usize) -> Item {
        Item::Frame(vec![0xFF; bytes])
    }

    fn digest(bytes: usize) -> Item {
        Item::Frame(md5(&vec![0xFF; bytes]).to_vec())
    }

    /// The digest is that which a real stub sent behind these 32 bytes of FF (the ESP32's
    /// transcript, where the packets were of 16 bytes).
    #[test]
    fn packet_acknowledge_digest() {
        let mut script = Script::new(ReadFlash::new(0x4_0000, 32, ms(3000)));
        let request = "c0 00d21000 00000000 00000400 20000000 00100000 01000000 c0";
        assert_eq!(*script.sends(), bytes(request));
        script.waits();
        script.hears(ms(1), frame(BEGUN)).waits();
        script.hears(ms(1), packet(32));
        assert_eq!(*script.sends(), bytes("c0 20000000 c0"));
        script.waits();
        script.hears(ms(1), frame("0d7dc4266497100e4831f5b31b6b274f"));
        assert_eq!(script.ends(), Ok(vec![0xFF; 32]));
    }

    #[test]
    fn every_packet_is_acknowledged_with_what_is_there() {
        let mut script = read(0x1800);
        script.hears(ms(1), frame(BEGUN)).waits();
        script.hears(ms(1), packet(0x1000));
        assert_eq!(script.exchange.received(), 0x1000);
        assert_eq!(*script.sends(), bytes("c0 00100000 c0"));
        assert_eq!(script.waits(), ms(2 + 3000));
        script.hears(ms(50), packet(0x800));
        assert_eq!(*script.sends(), bytes("c0 00180000 c0"));
        script.waits();
        script.hears(ms(1), digest(0x1800));
        assert_eq!(script.ends().unwrap().len(), 0x1800);
    }

    #[test]
    fn what_goes_wrong() {
        let what = "READ_FLASH";
        let garbled = |noise_bytes| Err(ExchangeError::Garbled { what, noise_bytes });
        // a packet that is cut short, or is none of this range
        let mut script = read(0x1000);
        script.hears(ms(1), frame(BEGUN)).waits();
        script.hears(ms(1), Item::Noise(vec![1, 2])).waits();
        script.hears(ms(1), packet(0xFFF));
        assert_eq!(script.ends(), garbled(0x1001));
        // one whose bytes were changed on the way
        let mut script = read(0x1000);
        script.hears(ms(1), frame(BEGUN)).waits();
        script.hears(ms(1), Item::Frame(vec![0xFE; 0x1000]));
        script.sends();
        script.waits();
        script.hears(ms(1), digest(0x1000));
        assert_eq!(script.ends(), Err(ExchangeError::Digest { what }));
        // one that never comes
        let mut script = read(0x1000);
        script.hears(ms(1), frame(BEGUN));
        let silence = ExchangeError::Silence {
            what,
            after: ms(3000),
        };
        assert_eq!(script.hears_nothing().ends(), Err(silence));
        // a command that is not taken
        let mut script = read(0x1000);
        script.hears(ms(1), frame("01d20200 00000000 c400"));
        let refusal = Refusal {
            op: Op::ReadFlash,
            status: 0xC400,
        };
        assert_eq!(script.ends(), Err(ExchangeError::Refused(refusal)));
    }
}
