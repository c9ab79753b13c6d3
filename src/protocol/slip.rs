//! SLIP framing as the loaders use it: C0 begins and ends a frame, DB DC stands for C0, DB DD for DB.

/// What a byte stream holds, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A whole frame, unescaped.
    Frame(Vec<u8>),
    /// Bytes outside any frame, or a frame that is broken: boot messages, line noise.
    Noise(Vec<u8>),
}

/// `payload` as one frame, escaped, with both C0.
pub fn encode(payload: &[u8]) -> Vec<u8> {
    let _ = payload;
    todo!("helper P")
}

/// Splits a byte stream into frames and noise. Bounded: what exceeds the longest legal frame is noise.
#[derive(Debug, Default)]
pub struct Decoder {}

impl Decoder {
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Takes bytes in as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        let _ = bytes;
        todo!("helper P")
    }

    /// The next complete item, if there is one.
    pub fn next(&mut self) -> Option<Item> {
        todo!("helper P")
    }

    /// Forgets everything, a half frame included; returns the bytes it held.
    pub fn clear(&mut self) -> Vec<u8> {
        todo!("helper P")
    }
}
