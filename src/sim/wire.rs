//! The line between host and chip: bytes on their way in both directions, each with the time at
//! which it arrives, and the framing of either program. A byte takes ten bits at the sender's rate;
//! received at another rate it is garbage.

use std::collections::VecDeque;
use std::time::Duration;

use super::cost::BITS_PER_BYTE;
use super::spec::Pace;

/// Time since the board was made.
pub type Moment = Duration;

/// What a bridge hands to the host at once: a full-speed USB packet.
const PACKET_BYTES: usize = 64;
/// Rates that differ by more than this (1/n) do not understand each other. A UART samples in the
/// middle of the tenth bit: half a bit in ten is the limit, half of that is what both sides share.
const TOLERANCE: u32 = 33;

/// Whether a receiver at one rate understands a sender at the other.
pub fn understands(one: u32, other: u32) -> bool {
    one.abs_diff(other) <= one.min(other) / TOLERANCE
}

/// Both directions.
#[derive(Debug)]
pub struct Line {
    pace: Pace,
    answer_latency: Duration,
    arriving: VecDeque<Arriving>,
    receive_free: Moment,
    leaving: VecDeque<Packet>,
    send_free: Moment,
}

/// Bytes from the host, back to back.
#[derive(Debug)]
struct Arriving {
    /// When the byte at `next` is there.
    at: Moment,
    per_byte: Duration,
    baud: u32,
    bytes: Vec<u8>,
    next: usize,
}

/// Bytes to the host.
#[derive(Debug)]
pub struct Packet {
    /// When the host can read it.
    pub due: Moment,
    /// The chip's rate.
    pub baud: u32,
    pub bytes: Vec<u8>,
}

impl Line {
    pub fn new(pace: Pace, answer_latency: Duration) -> Line {
        Line {
            pace,
            answer_latency,
            arriving: VecDeque::new(),
            receive_free: Moment::ZERO,
            leaving: VecDeque::new(),
            send_free: Moment::ZERO,
        }
    }

    /// The host puts bytes on the line.
    pub fn host_sends(&mut self, now: Moment, baud: u32, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let per_byte = self.per_byte(baud);
        let start = self.receive_free.max(now);
        self.receive_free = start + per_byte * bytes.len() as u32;
        self.arriving.push_back(Arriving {
            at: start + per_byte,
            per_byte,
            baud,
            bytes: bytes.to_vec(),
            next: 0,
        });
    }

    /// When the next byte reaches the chip.
    pub fn next_arrival(&self) -> Option<Moment> {
        self.arriving.front().map(|arriving| arriving.at)
    }

    /// The byte that has reached the chip, and the rate at which it was sent.
    pub fn arrived(&mut self) -> Option<(u8, u32)> {
        let front = self.arriving.front_mut()?;
        let byte = front.bytes[front.next];
        let baud = front.baud;
        front.next += 1;
        front.at += front.per_byte;
        if front.next == front.bytes.len() {
            self.arriving.pop_front();
        }
        Some((byte, baud))
    }

    /// Bytes that have not yet reached the chip.
    pub fn on_their_way(&self) -> usize {
        self.arriving
            .iter()
            .map(|arriving| arriving.bytes.len() - arriving.next)
            .sum()
    }

    /// When a byte arrives that a program may act upon: the next one that is `mark`, or else the last
    /// of all.
    pub fn next_mark(&self, mark: u8) -> Option<Moment> {
        let mut last = None;
        for arriving in &self.arriving {
            let rest = &arriving.bytes[arriving.next..];
            let moment = |index: usize| arriving.at + arriving.per_byte * index as u32;
            if let Some(index) = rest.iter().position(|byte| *byte == mark) {
                return Some(moment(index));
            }
            last = Some(moment(rest.len() - 1));
        }
        last
    }

    /// The chip puts bytes on the line at `at` or as soon as it is free.
    pub fn chip_sends(&mut self, at: Moment, baud: u32, bytes: &[u8]) {
        let per_byte = self.per_byte(baud);
        self.send_free = self.send_free.max(at);
        for piece in bytes.chunks(PACKET_BYTES) {
            self.send_free += per_byte * piece.len() as u32;
            self.leaving.push_back(Packet {
                due: self.send_free + self.pace.of(self.answer_latency),
                baud,
                bytes: piece.to_vec(),
            });
        }
    }

    /// When the chip's last byte has left.
    pub fn sent_until(&self) -> Moment {
        self.send_free
    }

    /// When the host has something to read next.
    pub fn next_due(&self) -> Option<Moment> {
        self.leaving.front().map(|packet| packet.due)
    }

    /// What the host can read by now.
    pub fn due(&mut self, now: Moment) -> Option<Packet> {
        if self.next_due()? <= now {
            self.leaving.pop_front()
        } else {
            None
        }
    }

    /// A reset stops the chip in the middle of what it says.
    pub fn chip_stops(&mut self, at: Moment) {
        let kept = at + self.pace.of(self.answer_latency);
        self.leaving.retain(|packet| packet.due <= kept);
        self.send_free = self.send_free.min(at);
    }

    /// The port was closed: nothing of either side is left.
    pub fn clear(&mut self, now: Moment) {
        self.arriving.clear();
        self.leaving.clear();
        self.receive_free = now;
        self.send_free = now;
    }

    /// The host drops what it has received.
    pub fn clear_received(&mut self, now: Moment) {
        while self.due(now).is_some() {}
    }

    pub fn per_byte(&self, baud: u32) -> Duration {
        self.pace
            .of(Duration::from_secs(u64::from(BITS_PER_BYTE)) / baud.max(1))
    }
}

/// A frame as either program puts it on the wire.
pub fn framed(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xC0];
    for byte in payload {
        match byte {
            0xC0 => bytes.extend_from_slice(&[0xDB, 0xDC]),
            0xDB => bytes.extend_from_slice(&[0xDB, 0xDD]),
            byte => bytes.push(*byte),
        }
    }
    bytes.push(0xC0);
    bytes
}

/// How a program finds frames in what it receives.
#[derive(Debug)]
pub struct Framing {
    rules: Rules,
    place: Place,
    frame: Vec<u8>,
    overlong: bool,
}

/// Which program's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Empty frames are skipped, a wrong escape stands for its second byte, a frame that is too long
    /// is dropped at its end.
    Rom { longest: usize },
    /// An empty frame ends as any other; a wrong escape or a frame that is too long ends it at once.
    Stub { longest: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Inside,
    Escaped,
}

impl Framing {
    pub fn new(rules: Rules) -> Framing {
        Framing {
            rules,
            place: Place::Outside,
            frame: Vec::new(),
            overlong: false,
        }
    }

    /// Takes a byte; gives the frame that it completes.
    pub fn push(&mut self, byte: u8) -> Option<Vec<u8>> {
        match (self.place, byte) {
            (Place::Outside, 0xC0) => {
                self.place = Place::Inside;
                self.frame.clear();
                self.overlong = false;
            }
            (Place::Outside, _) => {}
            (Place::Inside, 0xC0) => return self.end(),
            (Place::Inside, 0xDB) => self.place = Place::Escaped,
            (Place::Inside, byte) => self.put(byte),
            (Place::Escaped, escaped) => {
                self.place = Place::Inside;
                match (escaped, self.rules) {
                    (0xDC, _) => self.put(0xC0),
                    (0xDD, _) => self.put(0xDB),
                    (byte, Rules::Rom { .. }) => self.put(byte),
                    (_, Rules::Stub { .. }) => self.place = Place::Outside,
                }
            }
        }
        None
    }

    fn end(&mut self) -> Option<Vec<u8>> {
        let empty = self.frame.is_empty();
        if !(empty && matches!(self.rules, Rules::Rom { .. })) {
            self.place = Place::Outside;
        }
        let frame = std::mem::take(&mut self.frame);
        (!empty && !self.overlong).then_some(frame)
    }

    fn put(&mut self, byte: u8) {
        match self.rules {
            Rules::Rom { longest } if self.frame.len() >= longest => self.overlong = true,
            Rules::Stub { longest } if self.frame.len() >= longest => self.place = Place::Outside,
            _ => self.frame.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(rules: Rules, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut framing = Framing::new(rules);
        bytes
            .iter()
            .filter_map(|byte| framing.push(*byte))
            .collect()
    }

    #[test]
    fn frames_as_rom_and_stub_find_them() {
        let rom = Rules::Rom { longest: 4 };
        let stub = Rules::Stub { longest: 4 };
        let check = |bytes: &[u8], by_rom: &[&[u8]], by_stub: &[&[u8]]| {
            assert_eq!(frames(rom, bytes), by_rom, "ROM: {bytes:02x?}");
            assert_eq!(frames(stub, bytes), by_stub, "stub: {bytes:02x?}");
        };
        check(b"\xC0\x01\x02\xC0", &[b"\x01\x02"], &[b"\x01\x02"]);
        check(b"xy\xC0\x01\xC0", &[b"\x01"], &[b"\x01"]);
        check(b"\xC0\xDB\xDC\xDB\xDD\xC0", &[b"\xC0\xDB"], &[b"\xC0\xDB"]);
        check(b"\xC0\xC0\x01\xC0", &[b"\x01"], &[]);
        check(b"\xC0\xDB\x07\x01\xC0", &[b"\x07\x01"], &[]);
        check(b"\xC0\x01\xC0\x02\xC0", &[b"\x01"], &[b"\x01"]);
        check(
            b"\xC0\x01\xC0\xC0\x02\xC0",
            &[b"\x01", b"\x02"],
            &[b"\x01", b"\x02"],
        );
        // the stub leaves a frame that is too long at once: its end is the next one's beginning
        check(b"\xC012345\xC0\xC0\x01\xC0", &[b"\x01"], &[]);
        check(b"\xC012345\xC0\x01\xC0", &[], &[b"\x01"]);
    }

    #[test]
    fn bytes_take_ten_bits_each_way() {
        let mut line = Line::new(Pace::Real, Duration::from_millis(1));
        line.host_sends(Duration::from_secs(1), 1_000_000, b"\nb\xC0");
        assert_eq!(line.next_arrival(), Some(Duration::from_micros(1_000_010)));
        let marked = |mark| line.next_mark(mark);
        assert_eq!(marked(b'\n'), Some(Duration::from_micros(1_000_010)));
        assert_eq!(marked(0xC0), Some(Duration::from_micros(1_000_030)));
        assert_eq!(marked(b'x'), Some(Duration::from_micros(1_000_030)));
        // a second write waits for the first
        line.host_sends(Duration::from_secs(1), 1_000_000, b"c");
        for expected in [b'\n', b'b', 0xC0, b'c'] {
            assert_eq!(line.arrived(), Some((expected, 1_000_000)));
        }
        assert_eq!(line.arrived(), None);
        line.chip_sends(Duration::from_secs(2), 1_000_000, &[0; 100]);
        assert_eq!(line.next_due(), Some(Duration::from_micros(2_001_640)));
        assert_eq!(line.sent_until(), Duration::from_micros(2_001_000));
        line.chip_stops(Duration::from_secs(2));
        assert_eq!(line.next_due(), None);
    }

    #[test]
    fn rates_within_three_percent_understand_each_other() {
        assert!(understands(115_200, 115_200));
        assert!(understands(921_600, 930_232));
        assert!(!understands(1_500_000, 1_000_000));
        assert!(!understands(115_200, 921_600));
    }
}
