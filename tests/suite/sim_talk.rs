//! A board in its loader and a client that talks to it byte by byte, in the board's own time.

use std::time::Duration;

use flashline::sim::{Board, BoardSpec, Fault, Pace};

use crate::wire_frames::{SYNC, block, command, frames};

/// A board and its time.
pub struct Talk {
    pub board: Board,
    pub now: Duration,
}

impl Talk {
    /// With a board in its loader, flash attached and sized.
    pub fn with(spec: BoardSpec) -> Talk {
        let mut talk = Talk {
            board: Board::new(spec.pace(Pace::Unpaced)),
            now: Duration::ZERO,
        };
        talk.ask(b"");
        talk.ask(SYNC);
        talk.ask(&command(0x0D, &[0, 0], b""));
        talk.ask(&command(
            0x0B,
            &[0, 4 << 20, 0x1_0000, 0x1000, 0x100, 0xFFFF],
            b"",
        ));
        talk
    }

    pub fn with_fault(fault: Fault) -> Talk {
        Talk::with(BoardSpec::esp32(7).fault(fault))
    }

    pub fn ask(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.board.exchange(&mut self.now, bytes)
    }

    /// The status of the one reply: 0 where its first byte says success (the ROM leaves the second as
    /// it was).
    pub fn status(&mut self, bytes: &[u8]) -> u16 {
        let answer = self.ask(bytes);
        let frames = frames(&answer);
        let [frame] = &frames[..] else {
            panic!("{} frames: {frames:02x?}", frames.len());
        };
        match frame[8] {
            0 => 0,
            first => u16::from_be_bytes([first, frame[9]]),
        }
    }

    pub fn read(&mut self, address: u32) -> u32 {
        let answer = frames(&self.ask(&command(0x0A, &[address], b"")));
        u32::from_le_bytes(answer[0][4..8].try_into().unwrap())
    }

    pub fn start_stub(&mut self) -> Vec<u8> {
        self.ask(&command(0x05, &[16, 1, 0x1800, 0x4009_0000], b""));
        self.ask(&block(0x07, 0, &[0x11; 16]));
        self.ask(&command(0x06, &[0, 0x4009_0000], b""))
    }
}
