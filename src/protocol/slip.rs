//! SLIP framing as the loaders use it: C0 begins and ends a frame, DB DC stands for C0, DB DD for DB.
//!
//! The decoder is the host's: it must find the next reply again after noise. A C0 that ends what is
//! no packet may have been the beginning of one (the first C0 was noise, or an end was lost), so it
//! counts as both. The chips are stricter, every second C0 ends a frame; that is not modelled here.

use std::collections::VecDeque;

const END: u8 = 0xC0;
const ESC: u8 = 0xDB;
const ESC_END: u8 = 0xDC;
const ESC_ESC: u8 = 0xDD;

/// The longest packet that either side sends, unescaped: the stub's frame buffer
/// (esp-flasher-stub, `frame_buffer.h`: 8 + 0x4000 + 0xFF).
const MAX_PACKET_BYTES: usize = 8 + 0x4000 + 0xFF;

/// What a byte stream holds, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A whole frame, unescaped.
    Frame(Vec<u8>),
    /// Bytes outside any frame, or the raw bytes of a frame that is broken: boot messages, line
    /// noise. Never empty; C0 itself is never part of it.
    Noise(Vec<u8>),
}

/// `payload` as one frame, escaped, with both C0.
pub fn encode(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + payload.len() / 64 + 2);
    frame.push(END);
    for &byte in payload {
        match byte {
            END => frame.extend([ESC, ESC_END]),
            ESC => frame.extend([ESC, ESC_ESC]),
            _ => frame.push(byte),
        }
    }
    frame.push(END);
    frame
}

/// Splits a byte stream into frames and noise. Bounded: what exceeds the longest legal frame is noise.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Complete items that nobody has taken yet.
    ready: VecDeque<Item>,
    /// Bytes since the last C0 (or since the last item), still escaped.
    raw: Vec<u8>,
    place: Place,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Outside,
    Inside,
}

impl Decoder {
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Takes bytes in as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == END {
                self.delimiter();
                continue;
            }
            self.raw.push(byte);
            if self.raw.len() > 2 * MAX_PACKET_BYTES {
                self.flush_noise();
                self.place = Place::Outside;
            }
        }
    }

    /// The next complete item, if there is one.
    #[expect(
        clippy::should_implement_trait,
        reason = "None is not the end: more may be pushed"
    )]
    pub fn next(&mut self) -> Option<Item> {
        if self.ready.is_empty() && self.place == Place::Outside {
            self.flush_noise();
        }
        self.ready.pop_front()
    }

    /// Forgets everything, a half frame included; returns the bytes it held, frames encoded again.
    pub fn clear(&mut self) -> Vec<u8> {
        let mut held = Vec::new();
        for item in self.ready.drain(..) {
            match item {
                Item::Frame(payload) => held.extend(encode(&payload)),
                Item::Noise(bytes) => held.extend(bytes),
            }
        }
        held.append(&mut self.raw);
        self.place = Place::Outside;
        held
    }

    fn delimiter(&mut self) {
        if self.place == Place::Outside {
            self.flush_noise();
            self.place = Place::Inside;
            return;
        }
        if self.raw.is_empty() {
            return;
        }
        match unescape(&self.raw) {
            Some(payload) if payload.len() <= MAX_PACKET_BYTES => {
                if is_packet(&payload) {
                    self.place = Place::Outside;
                }
                self.raw.clear();
                self.ready.push_back(Item::Frame(payload));
            }
            _ => self.flush_noise(),
        }
    }

    fn flush_noise(&mut self) {
        if !self.raw.is_empty() {
            self.ready
                .push_back(Item::Noise(std::mem::take(&mut self.raw)));
        }
    }
}

fn unescape(raw: &[u8]) -> Option<Vec<u8>> {
    let mut payload = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        payload.push(match byte {
            ESC => match bytes.next() {
                Some(&ESC_END) => END,
                Some(&ESC_ESC) => ESC,
                _ => return None,
            },
            _ => byte,
        });
    }
    Some(payload)
}

/// Whether this is a request or a reply as far as its header tells: direction, and a length that
/// agrees (Serial Protocol, "Low Level Protocol").
fn is_packet(payload: &[u8]) -> bool {
    match payload {
        [0 | 1, _, low, high, _, _, _, _, data @ ..] => {
            usize::from(u16::from_le_bytes([*low, *high])) == data.len()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: &[u8]) -> Vec<Item> {
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        std::iter::from_fn(|| decoder.next()).collect()
    }

    fn frame(bytes: &[u8]) -> Item {
        Item::Frame(bytes.to_vec())
    }

    fn noise(bytes: &[u8]) -> Item {
        Item::Noise(bytes.to_vec())
    }

    /// A reply of the transcript: READ_REG answered with 00F01D83.
    const REPLY: &[u8] = &[1, 0x0A, 4, 0, 0x83, 0x1D, 0xF0, 0, 0, 0, 0, 0];

    fn framed(payload: &[u8]) -> Vec<u8> {
        [&[0xC0], payload, &[0xC0]].concat()
    }

    #[test]
    fn escapes() {
        assert_eq!(
            encode(&[1, 0xC0, 2, 0xDB, 3]),
            [0xC0, 1, 0xDB, 0xDC, 2, 0xDB, 0xDD, 3, 0xC0]
        );
        assert_eq!(
            decode(&[0xC0, 0xDB, 0xDC, 0xDB, 0xDD, 0xC0]),
            [frame(&[0xC0, 0xDB])]
        );
    }

    #[test]
    fn frames_and_noise_apart() {
        let reply = framed(REPLY);
        let check = |name: &str, bytes: &[&[u8]], expect: &[Item]| {
            assert_eq!(decode(&bytes.concat()), expect, "{name}");
        };
        check(
            "a boot message, then a reply",
            &[b"ets Jul 29", &reply],
            &[noise(b"ets Jul 29"), frame(REPLY)],
        );
        check(
            "a reply, then text",
            &[&reply, b"OK\r\n>"],
            &[frame(REPLY), noise(b"OK\r\n>")],
        );
        check(
            "empty frames are nothing",
            &[&[0xC0; 5], &reply],
            &[frame(REPLY)],
        );
        check(
            "a broken escape",
            &[&framed(&[1, 0xDB, 0, 2]), &reply],
            &[noise(&[1, 0xDB, 0, 2]), frame(REPLY)],
        );
        check(
            "an escape cut by the end",
            &[&framed(&[1, 0xDB]), &reply],
            &[noise(&[1, 0xDB]), frame(REPLY)],
        );
        check(
            "a C0 of noise, text, a reply",
            &[&[0xC0], b"text", &reply],
            &[frame(b"text"), frame(REPLY)],
        );
        check(
            "a lost end",
            &[&reply[..reply.len() - 1], &reply],
            &[frame(REPLY), noise(REPLY)],
        );
        check(
            "a lost byte and a lost end",
            &[&reply[..6], &reply],
            &[frame(&reply[1..6]), frame(REPLY)],
        );
        check(
            "the stub's greeting after its reply",
            &[&reply, &framed(b"OHAI"), &reply],
            &[frame(REPLY), frame(b"OHAI"), frame(REPLY)],
        );
    }

    #[test]
    fn a_half_frame_waits_and_can_be_forgotten() {
        let mut decoder = Decoder::new();
        decoder.push(&framed(REPLY));
        decoder.push(&framed(REPLY)[..5]);
        assert_eq!(decoder.next(), Some(frame(REPLY)));
        assert_eq!(decoder.next(), None);
        assert_eq!(decoder.clear(), REPLY[..4]);
        decoder.push(&framed(REPLY));
        assert_eq!(decoder.clear(), framed(REPLY));
        assert_eq!(decoder.next(), None);
    }

    #[test]
    fn the_longest_frame_passes_and_a_longer_one_is_noise() {
        // A header that announces the rest, and bytes that all need escapes.
        let mut longest = vec![0xC0; MAX_PACKET_BYTES];
        let data_bytes = u16::try_from(MAX_PACKET_BYTES - 8).unwrap();
        longest[0] = 0;
        longest[2..4].copy_from_slice(&data_bytes.to_le_bytes());
        assert_eq!(decode(&encode(&longest)), [frame(&longest)]);

        let longer = vec![0x55; MAX_PACKET_BYTES + 1];
        assert_eq!(decode(&encode(&longer)), [noise(&longer)]);

        let mut decoder = Decoder::new();
        decoder.push(&[0xC0]);
        decoder.push(&vec![0x55; 10 * MAX_PACKET_BYTES]);
        assert!(decoder.raw.len() <= 2 * MAX_PACKET_BYTES);
    }

    /// Neighbouring noise joined: where it is cut depends on the chunks in which it came.
    fn joined(items: impl Iterator<Item = Item>) -> Vec<Item> {
        let mut out: Vec<Item> = Vec::new();
        for item in items {
            match (out.last_mut(), item) {
                (Some(Item::Noise(last)), Item::Noise(more)) => last.extend(more),
                (_, item) => out.push(item),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(payload in proptest::collection::vec(any::<u8>(), 1..2000)) {
            prop_assert_eq!(decode(&encode(&payload)), [Item::Frame(payload)]);
        }

        #[test]
        fn chunks_do_not_matter_and_no_byte_is_lost(
            bytes in proptest::collection::vec(
                prop_oneof![Just(0xC0u8), Just(0xDB), Just(0xDC), Just(0xDD), any::<u8>()], 0..300),
            cuts in proptest::collection::vec(1usize..40, 1..20),
        ) {
            let whole = joined(decode(&bytes).into_iter());
            let mut decoder = Decoder::new();
            let mut parts = Vec::new();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                decoder.push(now);
                parts.extend(std::iter::from_fn(|| decoder.next()));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(&joined(parts.into_iter()), &whole);

            // Every byte that is no delimiter is in an item or still held.
            let held = decoder.clear();
            let seen: Vec<u8> = whole
                .into_iter()
                .flat_map(|item| match item {
                    Item::Frame(payload) => encode(&payload),
                    Item::Noise(raw) => raw,
                })
                .chain(held)
                .filter(|byte| *byte != 0xC0)
                .collect();
            let sent: Vec<u8> = bytes.into_iter().filter(|byte| *byte != 0xC0).collect();
            prop_assert_eq!(seen, sent);
        }

        #[test]
        fn a_reply_is_found_after_any_noise_that_is_followed_by_one(
            junk in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            // The first reply may be swallowed by a frame that the junk left open; the second never is.
            let bytes = [junk, framed(REPLY), framed(REPLY)].concat();
            prop_assert!(decode(&bytes).contains(&Item::Frame(REPLY.to_vec())));
        }
    }
}
