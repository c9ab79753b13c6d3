//! A zlib stream that arrives in blocks, taken apart so that its parts can be told from one another:
//! ROM and stub differ in what they do with the checksum at the end and with what follows it.

use flate2::{Decompress, FlushDecompress, Status};

/// Where a stream stands after some input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inflated {
    /// All input used, more is expected.
    More,
    /// The data are complete; the checksum behind them is not there yet.
    DataDone,
    /// Complete, checksum included; so many input bytes were left over.
    Done { unused: usize },
    /// This is no deflate stream.
    Corrupt,
    /// Complete, and the checksum is another.
    WrongChecksum,
}

/// A stream in progress.
#[derive(Debug)]
pub struct Inflater {
    header: Vec<u8>,
    body: Decompress,
    body_done: bool,
    corrupt: bool,
    adler: (u32, u32),
    trailer: Vec<u8>,
}

impl Inflater {
    pub fn new() -> Inflater {
        Inflater {
            header: Vec::new(),
            body: Decompress::new(false),
            body_done: false,
            corrupt: false,
            adler: (1, 0),
            trailer: Vec::new(),
        }
    }

    /// Whether the stream ended, checksum included.
    pub fn is_done(&self) -> bool {
        self.trailer.len() == 4
    }

    /// Takes input in, appends what it inflates to.
    pub fn feed(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> Inflated {
        if self.corrupt {
            return Inflated::Corrupt;
        }
        while self.header.len() < 2 {
            let Some((first, rest)) = input.split_first() else {
                return Inflated::More;
            };
            self.header.push(*first);
            input = rest;
        }
        let header = u16::from_be_bytes([self.header[0], self.header[1]]);
        // RFC 1950: method 8, no preset dictionary, a multiple of 31
        if header >> 8 & 0x0F != 8 || header & 0x20 != 0 || !header.is_multiple_of(31) {
            self.corrupt = true;
            return Inflated::Corrupt;
        }
        let start = output.len();
        while !self.body_done {
            output.reserve(0x8000);
            let before = (self.body.total_in(), output.len());
            let status = self
                .body
                .decompress_vec(input, output, FlushDecompress::None);
            input = &input[(self.body.total_in() - before.0) as usize..];
            match status {
                Ok(Status::StreamEnd) => self.body_done = true,
                Ok(_) if input.is_empty() && output.len() < output.capacity() => break,
                Ok(_) if (self.body.total_in(), output.len()) != before => {}
                Ok(_) | Err(_) => {
                    self.corrupt = true;
                    return Inflated::Corrupt;
                }
            }
        }
        for byte in &output[start..] {
            self.adler.0 = (self.adler.0 + u32::from(*byte)) % 65521;
            self.adler.1 = (self.adler.1 + self.adler.0) % 65521;
        }
        if !self.body_done {
            return Inflated::More;
        }
        while self.trailer.len() < 4 {
            let Some((first, rest)) = input.split_first() else {
                return Inflated::DataDone;
            };
            self.trailer.push(*first);
            input = rest;
        }
        let expected = (self.adler.1 << 16 | self.adler.0).to_be_bytes();
        if self.trailer == expected {
            Inflated::Done {
                unused: input.len(),
            }
        } else {
            Inflated::WrongChecksum
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn sample() -> Vec<u8> {
        (0..100_000u32).map(|n| ((n * n) >> 7) as u8).collect()
    }

    #[test]
    fn a_stream_in_pieces_of_any_size_comes_out_whole() {
        let stream = compressed(&sample());
        for size in [1, 7, 1024, stream.len()] {
            let mut inflater = Inflater::new();
            let mut output = Vec::new();
            let mut last = Inflated::More;
            for piece in stream.chunks(size) {
                last = inflater.feed(piece, &mut output);
            }
            assert_eq!(last, Inflated::Done { unused: 0 });
            assert_eq!(output, sample());
        }
    }

    #[test]
    fn the_end_is_told_apart() {
        let mut stream = compressed(b"a few bytes");
        let body = stream.len() - 4;
        let mut inflater = Inflater::new();
        let mut output = Vec::new();
        assert_eq!(
            inflater.feed(&stream[..body], &mut output),
            Inflated::DataDone
        );
        assert_eq!(output, b"a few bytes");
        stream.push(0);
        assert_eq!(
            inflater.feed(&stream[body..], &mut output),
            Inflated::Done { unused: 1 }
        );
        stream[body] ^= 1;
        assert_eq!(
            Inflater::new().feed(&stream, &mut Vec::new()),
            Inflated::WrongChecksum
        );
        for garbage in [&b"\x78\xDA\xFF\xFF\xFF"[..], b"\0\0", b"\x78\xBB"] {
            assert_eq!(
                Inflater::new().feed(garbage, &mut Vec::new()),
                Inflated::Corrupt
            );
        }
    }
}
