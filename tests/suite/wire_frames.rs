//! Frames as a client sends them, written by hand: no code of ours says what is right here.

/// SYNC, as Espressif's documentation spells it.
pub const SYNC: &[u8] =
    b"\xC0\0\x08\x24\0\0\0\0\0\x07\x07\x12\x20UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU\xC0";

/// READ_REG of the word that tells an ESP32.
pub const READ_MAGIC: &[u8] = b"\xC0\0\x0A\x04\0\0\0\0\0\0\x10\0\x40\xC0";

/// A command with words as arguments and data behind them; the checksum covers the data.
pub fn command(op: u8, words: &[u32], data: &[u8]) -> Vec<u8> {
    let mut payload = vec![0, op];
    payload.extend((words.len() as u16 * 4 + data.len() as u16).to_le_bytes());
    let sum = data.iter().fold(0xEF, |sum, byte| sum ^ byte);
    payload.extend(u32::from(sum).to_le_bytes());
    payload.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    payload.extend(data);
    let mut frame = vec![0xC0];
    for byte in payload {
        match byte {
            0xC0 => frame.extend([0xDB, 0xDC]),
            0xDB => frame.extend([0xDB, 0xDD]),
            byte => frame.push(byte),
        }
    }
    frame.push(0xC0);
    frame
}

/// A block of FLASH_DATA, FLASH_DEFL_DATA or MEM_DATA.
pub fn block(op: u8, sequence: u32, data: &[u8]) -> Vec<u8> {
    command(op, &[data.len() as u32, sequence, 0, 0], data)
}

/// The frames in what came back, unescaped.
pub fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes
        .split(|byte| *byte == 0xC0)
        .filter(|frame| !frame.is_empty())
        .map(|frame| {
            let mut out = Vec::new();
            let mut bytes = frame.iter();
            while let Some(byte) = bytes.next() {
                out.push(match byte {
                    0xDB if bytes.next() == Some(&0xDC) => 0xC0,
                    byte => *byte,
                });
            }
            out
        })
        .collect()
}
