//! A zlib stream that arrives in blocks, inflated as ROM and stub do it. Both carry an early `tinfl`,
//! which lets pass what stricter inflaters refuse (length codes 286 and 287, distance codes 30 and 31,
//! distances to before the data's beginning) and, told that no more input follows, reads on as if
//! zeros came. A damaged stream must fail here where it fails there; no crate does that.

/// What is collected before it is written, and how far back a distance reaches.
pub const WINDOW: usize = 0x8000;

/// Longest code (RFC 1951, 3.2.7).
const LONGEST_CODE: usize = 15;
/// Order of the code length code's lengths (RFC 1951, 3.2.7).
const LENGTH_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
/// Lengths and their extra bits (RFC 1951, 3.2.5), and what `tinfl` has for the two beyond.
const LENGTH_BASE: [u16; 31] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258, 0, 0,
];
const LENGTH_EXTRA: [u8; 31] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0, 0, 0,
];

/// Where a stream stands after some input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inflated {
    /// All input used, more is expected.
    More,
    /// Complete; so many input bytes were left over.
    Done { unused: usize },
    /// This is no deflate stream.
    Corrupt,
    /// Complete, and the checksum is another.
    WrongChecksum,
}

/// Whether the checksum at the end is read and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    Compared,
    Ignored,
}

/// Whether the caller knows of more input after this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Continues,
    Last,
}

/// A stream in progress.
#[derive(Debug)]
pub struct Inflater {
    bits: Bits,
    stage: Stage,
    last_block: bool,
    window: Vec<u8>,
    position: usize,
    adler: (u32, u32),
}

#[derive(Debug)]
enum Stage {
    Head,
    BlockHead,
    Stored { left: usize },
    Coded { literals: Code, distances: Code },
    Trailer,
    Done,
    Failed,
}

/// Why decoding stops.
enum Stop {
    /// The input ends in the middle of something; nothing of that was used.
    Starved,
    Corrupt,
}

impl Inflater {
    pub fn new() -> Inflater {
        Inflater {
            bits: Bits::default(),
            stage: Stage::Head,
            last_block: false,
            window: vec![0; WINDOW],
            position: 0,
            adler: (1, 0),
        }
    }

    /// Whether the stream ended.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Takes input in, appends what it inflates to.
    pub fn feed(
        &mut self,
        checksum: Checksum,
        follows: Input,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> Inflated {
        self.bits.push(input);
        let mut result = self.run(checksum, output);
        while result == Inflated::More && follows == Input::Last && self.position != 0 {
            // zeros for what is missing, until the window is full
            let before = self.position;
            self.bits.push(&[0; 16]);
            result = self.run(checksum, output);
            if self.position < before {
                let surplus = self.position;
                output.truncate(output.len() - surplus);
                break;
            }
        }
        self.bits.compact();
        result
    }

    fn run(&mut self, checksum: Checksum, output: &mut Vec<u8>) -> Inflated {
        loop {
            let held = self.bits.clone_place();
            let step = match self.stage {
                Stage::Head => self.head(),
                Stage::BlockHead => self.block_head(checksum),
                Stage::Stored { .. } => self.stored(output),
                Stage::Coded { .. } => self.coded(output),
                Stage::Trailer => match self.trailer() {
                    Ok(true) => Ok(()),
                    Ok(false) => {
                        self.stage = Stage::Failed;
                        return Inflated::WrongChecksum;
                    }
                    Err(stop) => Err(stop),
                },
                Stage::Done => {
                    return Inflated::Done {
                        unused: self.bits.whole_bytes_left(),
                    };
                }
                Stage::Failed => return Inflated::Corrupt,
            };
            match step {
                Ok(()) => {}
                Err(Stop::Starved) => {
                    self.bits.restore(held);
                    return Inflated::More;
                }
                Err(Stop::Corrupt) => self.stage = Stage::Failed,
            }
        }
    }

    /// RFC 1950: method 8, a window of at most 32 KB, no preset dictionary, a multiple of 31.
    fn head(&mut self) -> Result<(), Stop> {
        let (method, flags) = (self.bits.take(8)?, self.bits.take(8)?);
        let wrong = !(method << 8 | flags).is_multiple_of(31)
            || flags & 0x20 != 0
            || method & 0x0F != 8
            || method >> 4 > 7;
        if wrong {
            return Err(Stop::Corrupt);
        }
        self.stage = Stage::BlockHead;
        Ok(())
    }

    fn block_head(&mut self, checksum: Checksum) -> Result<(), Stop> {
        if self.last_block {
            self.stage = match checksum {
                Checksum::Compared => Stage::Trailer,
                Checksum::Ignored => Stage::Done,
            };
            return Ok(());
        }
        let last = self.bits.take(1)? == 1;
        let stage = match self.bits.take(2)? {
            0 => {
                self.bits.skip_to_byte();
                let (length, complement) = (self.bits.take(16)?, self.bits.take(16)?);
                if length != complement ^ 0xFFFF {
                    return Err(Stop::Corrupt);
                }
                Stage::Stored {
                    left: length as usize,
                }
            }
            1 => {
                let mut lengths = [8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                Stage::Coded {
                    literals: Code::new(&lengths)?,
                    distances: Code::new(&[5; 32])?,
                }
            }
            2 => self.code_tables()?,
            _ => return Err(Stop::Corrupt),
        };
        self.stage = stage;
        self.last_block = last;
        Ok(())
    }

    /// RFC 1951, 3.2.7.
    fn code_tables(&mut self) -> Result<Stage, Stop> {
        let literals = self.bits.take(5)? as usize + 257;
        let distances = self.bits.take(5)? as usize + 1;
        let count = self.bits.take(4)? as usize + 4;
        let mut lengths = [0; 19];
        for place in &LENGTH_ORDER[..count] {
            lengths[*place] = self.bits.take(3)? as u8;
        }
        let code = Code::new(&lengths)?;
        let mut all: Vec<u8> = Vec::new();
        while all.len() < literals + distances {
            let (value, times) = match code.decode(&mut self.bits)? {
                length @ 0..=15 => (length as u8, 1),
                16 => {
                    let Some(last) = all.last().copied() else {
                        return Err(Stop::Corrupt);
                    };
                    (last, 3 + self.bits.take(2)?)
                }
                17 => (0, 3 + self.bits.take(3)?),
                _ => (0, 11 + self.bits.take(7)?),
            };
            all.resize(all.len() + times as usize, value);
        }
        if all.len() != literals + distances {
            return Err(Stop::Corrupt);
        }
        Ok(Stage::Coded {
            literals: Code::new(&all[..literals])?,
            distances: Code::new(&all[literals..])?,
        })
    }

    fn stored(&mut self, output: &mut Vec<u8>) -> Result<(), Stop> {
        let Stage::Stored { left } = self.stage else {
            return Ok(());
        };
        if left == 0 {
            self.stage = Stage::BlockHead;
            return Ok(());
        }
        let byte = self.bits.take(8)? as u8;
        self.put(byte, output);
        self.stage = Stage::Stored { left: left - 1 };
        Ok(())
    }

    /// One literal, or one length with its distance.
    fn coded(&mut self, output: &mut Vec<u8>) -> Result<(), Stop> {
        let Stage::Coded {
            literals,
            distances,
        } = &self.stage
        else {
            return Ok(());
        };
        let symbol = literals.decode(&mut self.bits)?;
        if symbol < 256 {
            self.put(symbol as u8, output);
            return Ok(());
        }
        if symbol == 256 {
            self.stage = Stage::BlockHead;
            return Ok(());
        }
        let code = usize::from(symbol) - 257;
        let length = u32::from(LENGTH_BASE[code]) + self.bits.take(LENGTH_EXTRA[code])?;
        let code = u32::from(distances.decode(&mut self.bits)?);
        let distance = match code {
            0..=3 => code + 1,
            4..=29 => {
                let extra = code / 2 - 1;
                ((2 + code % 2) << extra) + 1 + self.bits.take(extra as u8)?
            }
            _ => 0,
        };
        for _ in 0..length {
            let from = (self.position + WINDOW - distance as usize) % WINDOW;
            self.put(self.window[from], output);
        }
        Ok(())
    }

    fn trailer(&mut self) -> Result<bool, Stop> {
        self.bits.skip_to_byte();
        let mut sum = 0;
        for _ in 0..4 {
            sum = sum << 8 | self.bits.take(8)?;
        }
        self.stage = Stage::Done;
        Ok(sum == self.adler.1 << 16 | self.adler.0)
    }

    fn put(&mut self, byte: u8, output: &mut Vec<u8>) {
        self.window[self.position] = byte;
        self.position = (self.position + 1) % WINDOW;
        self.adler.0 = (self.adler.0 + u32::from(byte)) % 65521;
        self.adler.1 = (self.adler.1 + self.adler.0) % 65521;
        output.push(byte);
    }
}

/// Input, least significant bit first.
#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    /// In bits.
    place: usize,
}

impl Bits {
    fn push(&mut self, input: &[u8]) {
        self.bytes.extend_from_slice(input);
    }

    fn take(&mut self, count: u8) -> Result<u32, Stop> {
        let mut value = 0;
        for bit in 0..usize::from(count) {
            let at = self.place + bit;
            let byte = self.bytes.get(at / 8).ok_or(Stop::Starved)?;
            value |= u32::from(byte >> (at % 8) & 1) << bit;
        }
        self.place += usize::from(count);
        Ok(value)
    }

    fn skip_to_byte(&mut self) {
        self.place = self.place.next_multiple_of(8);
    }

    fn clone_place(&self) -> usize {
        self.place
    }

    fn restore(&mut self, place: usize) {
        self.place = place;
    }

    fn whole_bytes_left(&self) -> usize {
        self.bytes.len() - self.place.div_ceil(8)
    }

    /// Forgets what is used up.
    fn compact(&mut self) {
        self.bytes.drain(..self.place / 8);
        self.place %= 8;
    }
}

/// A canonical prefix code: how many codes there are of each length, and their symbols in order.
#[derive(Debug)]
struct Code {
    counts: [u16; LONGEST_CODE + 1],
    symbols: Vec<u16>,
}

impl Code {
    /// Refuses a code that is over- or underfull, unless it has one symbol or none.
    fn new(lengths: &[u8]) -> Result<Code, Stop> {
        let mut counts = [0u16; LONGEST_CODE + 1];
        for length in lengths.iter().filter(|length| **length > 0) {
            counts[usize::from(*length)] += 1;
        }
        let mut symbols: Vec<u16> = (0..lengths.len() as u16)
            .filter(|symbol| lengths[usize::from(*symbol)] > 0)
            .collect();
        symbols.sort_by_key(|symbol| lengths[usize::from(*symbol)]);
        let used: u32 = (counts.iter().enumerate())
            .map(|(length, count)| u32::from(*count) << (LONGEST_CODE - length))
            .sum();
        if used != 1 << LONGEST_CODE && symbols.len() > 1 {
            return Err(Stop::Corrupt);
        }
        Ok(Code { counts, symbols })
    }

    fn decode(&self, bits: &mut Bits) -> Result<u16, Stop> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            let count = u32::from(*count);
            if code < first + count {
                return Ok(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::Corrupt)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn compressed(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn feed(inflater: &mut Inflater, input: &[u8], output: &mut Vec<u8>) -> Inflated {
        inflater.feed(Checksum::Compared, Input::Continues, input, output)
    }

    fn in_pieces(stream: &[u8], size: usize) -> (Inflated, Vec<u8>) {
        let mut inflater = Inflater::new();
        let mut output = Vec::new();
        let mut last = Inflated::More;
        for piece in stream.chunks(size) {
            last = feed(&mut inflater, piece, &mut output);
        }
        (last, output)
    }

    #[test]
    fn a_stream_in_pieces_of_any_size_comes_out_whole() {
        let sample: Vec<u8> = (0..100_000u32)
            .map(|n| (n.wrapping_mul(n) >> 7) as u8)
            .collect();
        // stored, fixed and dynamic blocks
        for level in [0, 1, 9] {
            let stream = compressed(&sample, level);
            for size in [1, 7, 1024, stream.len()] {
                let (last, output) = in_pieces(&stream, size);
                assert_eq!(last, Inflated::Done { unused: 0 });
                assert!(output == sample, "level {level}, pieces of {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_a_compressor_makes_comes_out_again(
            sample in proptest::collection::vec(0u8..5, 0..5000),
            level in 0u32..=9,
            size in 1usize..2000,
        ) {
            let (last, output) = in_pieces(&compressed(&sample, level), size);
            prop_assert_eq!(last, Inflated::Done { unused: 0 });
            prop_assert_eq!(output, sample);
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            last in any::<bool>(),
        ) {
            let stream = [&[0x78, 0xDA], &bytes[..]].concat();
            let follows = if last { Input::Last } else { Input::Continues };
            Inflater::new().feed(Checksum::Compared, follows, &stream, &mut Vec::new());
        }
    }

    #[test]
    fn the_end_is_told_apart() {
        let mut stream = compressed(b"a few bytes", 9);
        let body = stream.len() - 4;
        let mut inflater = Inflater::new();
        let mut output = Vec::new();
        assert_eq!(
            feed(&mut inflater, &stream[..body], &mut output),
            Inflated::More
        );
        assert_eq!(output, b"a few bytes");
        stream.push(0);
        assert_eq!(
            feed(&mut inflater, &stream[body..], &mut output),
            Inflated::Done { unused: 1 }
        );
        stream[body] ^= 1;
        assert_eq!(
            feed(&mut Inflater::new(), &stream, &mut Vec::new()),
            Inflated::WrongChecksum
        );
        for garbage in [&b"\x78\xDA\xFF\xFF\xFF"[..], b"\0\0", b"\x78\xBB"] {
            assert_eq!(
                feed(&mut Inflater::new(), garbage, &mut Vec::new()),
                Inflated::Corrupt
            );
        }
    }
}
