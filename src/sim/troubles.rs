//! Faults with a count: how often each has still to strike.

use std::time::Duration;

use super::random::Random;
use super::spec::{BoardSpec, Fault};

/// What is to become of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    pub lost: bool,
    pub garbage_before: bool,
    pub late: Duration,
}

/// The faults of one board and the random numbers that they draw.
#[derive(Debug)]
pub struct Troubles {
    faults: Vec<Fault>,
    random: Random,
}

impl Troubles {
    pub fn new(spec: &BoardSpec) -> Troubles {
        Troubles {
            faults: spec.faults.clone(),
            random: Random::new(spec.seed),
        }
    }

    pub fn has(&self, fault: &Fault) -> bool {
        self.faults.contains(fault)
    }

    /// What the ROM says instead of starting from flash.
    pub fn no_start(&self) -> Option<&'static str> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::NoStart { says } => Some(*says),
            _ => None,
        })
    }

    /// A data block is refused for its checksum.
    pub fn checksum_refused(&mut self) -> bool {
        self.faults.iter_mut().any(|fault| match fault {
            Fault::ChecksumRefused { times } => count_down(times),
            _ => false,
        })
    }

    /// Inflating this block fails.
    pub fn inflate_fails(&mut self, at: u32) -> bool {
        self.faults.iter_mut().any(|fault| match fault {
            Fault::InflateFails { block, times } => *block == at && count_down(times),
            _ => false,
        })
    }

    /// How the answer to this op is delivered.
    pub fn delivery(&mut self, answered: u8) -> Delivery {
        let mut delivery = Delivery::default();
        for fault in &mut self.faults {
            match fault {
                Fault::ReplyLost { op, times } if *op == answered => {
                    delivery.lost |= count_down(times);
                }
                Fault::GarbageBefore { op, times } if *op == answered => {
                    delivery.garbage_before |= count_down(times);
                }
                Fault::ReplyLate { op, times, by } if *op == answered => {
                    delivery.late += match count_down(times) {
                        true => *by,
                        false => Duration::ZERO,
                    };
                }
                _ => {}
            }
        }
        delivery
    }

    /// How often the refusal of this op is said, if it is refused.
    pub fn refused(&mut self, asked: u8) -> Option<u32> {
        self.faults.iter_mut().find_map(|fault| match fault {
            Fault::Refused { op, copies, times } if *op == asked => {
                count_down(times).then_some(*copies)
            }
            _ => None,
        })
    }

    /// A change of the rate is acknowledged and not carried out.
    pub fn baud_ignored(&mut self) -> bool {
        self.faults.iter_mut().any(|fault| match fault {
            Fault::BaudIgnored { times } => count_down(times),
            _ => false,
        })
    }

    /// The rate that the bridge makes of the one that the host has set.
    pub fn bridge_makes(&self, host_baud: u32) -> u32 {
        self.faults
            .iter()
            .find_map(|fault| match *fault {
                Fault::BridgeMakes { asked, makes } if asked == host_baud => Some(makes),
                _ => None,
            })
            .unwrap_or(host_baud)
    }

    /// A byte as it comes out of a line at this rate, if it does.
    pub fn on_the_line(&mut self, byte: u8, baud: u32) -> Option<u8> {
        let mut byte = byte;
        for fault in &self.faults {
            match *fault {
                Fault::NoisyLine { from_baud, one_in } if baud >= from_baud => {
                    let damage = 1 << self.random.below(8);
                    byte ^= if self.random.one_in(one_in) {
                        damage
                    } else {
                        0
                    };
                }
                Fault::DroppedBytes { from_baud, one_in }
                    if baud >= from_baud && self.random.one_in(one_in) =>
                {
                    return None;
                }
                Fault::BaudCeiling { baud: ceiling } if baud > ceiling => {
                    byte = self.random.byte();
                }
                _ => {}
            }
        }
        Some(byte)
    }

    /// A data block as it comes out of a line at this rate: perhaps with one byte damaged.
    pub fn damage_block(&mut self, frame: &mut [u8], baud: u32) {
        // header and block header (8 + 16 bytes) stay whole: it is the data that are damaged
        let is_data = frame.len() > 24 && frame[0] == 0 && matches!(frame[1], 0x03 | 0x07 | 0x11);
        if !is_data {
            return;
        }
        for fault in &mut self.faults {
            if let Fault::DamagedBlocks { from_baud, frames } = fault
                && baud >= *from_baud
                && count_down(frames)
            {
                let at = 24 + self.random.below(frame.len() - 24);
                frame[at] ^= 1 << self.random.below(8);
            }
        }
    }

    /// A byte that has nothing to do with what was sent.
    pub fn garbage(&mut self) -> u8 {
        self.random.byte()
    }
}

fn count_down(times: &mut u32) -> bool {
    if *times > 0 {
        *times -= 1;
        true
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_says() {
        let spec = BoardSpec::esp32(0)
            .fault(Fault::ChecksumRefused { times: 2 })
            .fault(Fault::ReplyLost { op: 3, times: 1 })
            .fault(Fault::DamagedBlocks {
                from_baud: 460_800,
                frames: 1,
            });
        let mut troubles = Troubles::new(&spec);
        assert_eq!(
            [true, true, false],
            [0; 3].map(|_| troubles.checksum_refused())
        );
        assert!(!troubles.delivery(4).lost);
        assert!(troubles.delivery(3).lost);
        assert!(!troubles.delivery(3).lost);
        let block = [&[0, 3][..], &[0; 40]].concat();
        for (baud, damaged) in [(115_200, false), (460_800, true), (460_800, false)] {
            let mut frame = block.clone();
            troubles.damage_block(&mut frame, baud);
            assert_eq!(frame != block, damaged, "at {baud}");
        }
    }
}
