//! READ_FLASH: packets that the host acknowledges one by one, and the digest of all.

use md5::{Digest, Md5};

use super::{BAD_LENGTH, Stub};
use crate::sim::cost;
use crate::sim::hardware::{Answer, Hardware, word};

/// The largest packet.
const LARGEST_PACKET: u32 = 4096;

/// READ_FLASH in progress: one packet at a time, each acknowledged with the bytes had so far.
#[derive(Debug)]
pub struct Read {
    address: u32,
    left_bytes: u32,
    total_bytes: u32,
    packet_bytes: u32,
    md5: Md5,
}

impl Read {
    pub fn new(address: u32, bytes: u32, packet_bytes: u32) -> Read {
        Read {
            address,
            left_bytes: bytes,
            total_bytes: bytes,
            packet_bytes,
            md5: Md5::new(),
        }
    }
}

impl Stub {
    /// The first packet, or the digest at once where nothing is to be read.
    pub(super) fn send_packet(
        &mut self,
        mut read: Read,
        hardware: &mut Hardware,
        answer: &mut Answer,
    ) {
        if read.packet_bytes > LARGEST_PACKET {
            self.owed = BAD_LENGTH;
            return;
        }
        if read.left_bytes == 0 || read.packet_bytes == 0 {
            answer.frames.push(read.md5.finalize().to_vec());
            return;
        }
        let length = read.left_bytes.min(read.packet_bytes);
        if let Err(status) = self.within(read.address, length) {
            self.owed = status;
            return;
        }
        let bytes = hardware.read(read.address, length);
        read.md5.update(&bytes);
        read.address += length;
        read.left_bytes -= length;
        answer.before += cost::READ_PER_KB * length.div_ceil(1024);
        answer.frames.push(bytes);
        self.read = Some(read);
    }

    /// A frame while READ_FLASH runs: how much the host has.
    pub(super) fn acknowledged(
        &mut self,
        read: Read,
        frame: &[u8],
        hardware: &mut Hardware,
    ) -> Answer {
        let mut answer = Answer {
            op: 0xD2,
            before: cost::COMMAND,
            ..Answer::silent()
        };
        if frame.len() != 4 || read.left_bytes == 0 && word(frame, 0) >= read.total_bytes {
            answer.frames.push(read.md5.finalize().to_vec());
        } else if read.left_bytes == 0 {
            self.read = Some(read);
        } else {
            self.send_packet(read, hardware, &mut answer);
        }
        answer
    }
}
