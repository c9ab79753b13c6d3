//! Replies, parsed from frames, and what a refusal means.

use super::{Dialect, Op};

/// A reply frame: direction 1, op, value, payload with the status bytes still in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub op: u8,
    pub value: u32,
    pub payload: Vec<u8>,
}

impl Reply {
    /// The reply in this frame, or `None` if it is none: another direction, a length field that does
    /// not agree (the only check of integrity that a reply has), or no room for a status.
    pub fn parse(frame: &[u8]) -> Option<Reply> {
        let [1, op, low, high, v0, v1, v2, v3, payload @ ..] = frame else {
            return None;
        };
        let announced = usize::from(u16::from_le_bytes([*low, *high]));
        (announced == payload.len() && payload.len() >= 2).then(|| Reply {
            op: *op,
            value: u32::from_le_bytes([*v0, *v1, *v2, *v3]),
            payload: payload.to_vec(),
        })
    }

    /// The payload before the status bytes, or the refusal of `asked` that the status tells.
    ///
    /// A payload shorter than the dialect's status is all status: the other dialect answered.
    pub fn data(&self, asked: Op, dialect: Dialect) -> Result<&[u8], Refusal> {
        match self.status(dialect) {
            // Only the first byte tells: the ROM leaves an old code in the second after success.
            [0, _] => Ok(&self.payload[..self.status_at(dialect)]),
            status => Err(Refusal {
                op: asked,
                status: u16::from_be_bytes(status),
            }),
        }
    }

    /// Whether the status is success.
    pub fn is_success(&self, dialect: Dialect) -> bool {
        self.status(dialect)[0] == 0
    }

    fn status_at(&self, dialect: Dialect) -> usize {
        self.payload.len().saturating_sub(dialect.status_bytes())
    }

    fn status(&self, dialect: Dialect) -> [u8; 2] {
        let at = self.status_at(dialect);
        match self.payload[at..] {
            [first, second, ..] => [first, second],
            // `parse` takes no payload below two bytes; one built by hand has no status to trust.
            _ => [0xFF, 0xFF],
        }
    }
}

/// A reply whose status is not success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} was refused with status {status:04x} ({})", op.name(), self.meaning())]
pub struct Refusal {
    /// What was asked.
    pub op: Op,
    /// The first two status bytes, big-endian.
    pub status: u16,
}

impl Refusal {
    /// The status in words, for ROM (`0105`) and stub (`C100`) codes alike.
    ///
    /// Sources: Serial Protocol, "Status bytes"; esp-flasher-stub, `commands.h`.
    pub fn meaning(&self) -> &'static str {
        match self.status {
            0x0101 => "a parameter is invalid",
            0x0102 => "out of memory",
            0x0103 => "sending failed",
            0x0104 => "receiving failed",
            0x0105 => "the message is invalid or the command unknown",
            0x0106 => "it failed to act on the message",
            0x0107 => "the checksum does not hold",
            0x0108 => "writing the flash failed",
            0x0109 => "reading the flash failed",
            0x010A => "the length to read is wrong",
            0x010B => "the compressed data could not be inflated",
            0x010C => "the compressed data has a wrong Adler-32",
            0x010D => "a compression parameter is wrong",
            0x010E => "the RAM image has a wrong size",
            0x010F => "the RAM image has a wrong address",
            0x0164 => "a parameter is invalid",
            0x0165 => "the format is invalid",
            0x0166 => "the description is too long",
            0x0167 => "the description's encoding is wrong",
            0x0169 => "there is not enough storage",
            0xC000 => "the length is wrong",
            0xC100 => "the checksum does not hold",
            0xC200 => "the block size is wrong",
            0xC300 => "the command is unknown",
            0xC400 => "a flash operation failed",
            0xC500 => "the flash could not be unlocked",
            0xC600 => "no flash write was begun",
            0xC700 => "the compressed data could not be inflated",
            0xC800 => "too little data",
            0xC900 => "too much data",
            0xCA00 => "programming the NAND flash failed",
            0xCB00 => "erasing the NAND flash failed",
            0xFF00 => "not implemented in this stub",
            _ => "a status without a known meaning",
        }
    }

    /// The line damaged the frame: send it again (the stub takes the same block, the ROM wants a new
    /// BEGIN). A checksum that does not hold always says so (ROM 0107, stub C100); of a data block also
    /// a header that the stub found damaged: C000 frame length, C300 direction, C800 and C900 data length
    /// (esp-flasher-stub, `handle_command` and `s_flash_data`).
    pub fn is_line_damage(&self) -> bool {
        match self.status {
            0x0107 | 0xC100 => true,
            0xC000 | 0xC300 | 0xC800 | 0xC900 => {
                matches!(self.op, Op::FlashData | Op::FlashDeflData | Op::MemData)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    fn reply(hex: &str) -> Reply {
        Reply::parse(&bytes(hex)).unwrap()
    }

    /// Frames of the wire's transcripts, without their C0.
    #[test]
    fn data_and_status_as_real_loaders_send_them() {
        let check = |dialect, hex: &str, expect: Result<&str, u16>| {
            let parsed = reply(hex);
            let data = parsed.data(Op::ReadReg, dialect);
            let expect = expect.map(bytes);
            assert_eq!(
                data.map(<[u8]>::to_vec).map_err(|refusal| refusal.status),
                expect,
                "{hex}"
            );
            assert_eq!(parsed.is_success(dialect), expect.is_ok());
        };
        use Dialect::{Rom, Stub};
        check(Rom, "010a0400831df00000000000", Ok(""));
        // Left-overs of other commands, in the third and fourth byte and in the second.
        check(Rom, "010a0400831df00000006661", Ok(""));
        check(Rom, "010304000110fe0000050000", Ok(""));
        check(Rom, "010a04000110fe0001050000", Err(0x0105));
        check(
            Rom,
            "0111 04000110fe00010b6661".replace(' ', "").as_str(),
            Err(0x010B),
        );
        check(
            Rom,
            "011324000110fe00306633343362303933313132366132306631333364363763326230313861336200000000",
            Ok("3066333433623039333131323661323066313333643637633262303138613362"),
        );
        check(
            Rom,
            "011418000707122000000000000000000000000c050000000300000000000000",
            Ok("00000000000000000000000c0500000003000000"),
        );
        check(Stub, "010a0200831df0000000", Ok(""));
        check(
            Stub,
            "010302000000 0000c100".replace(' ', "").as_str(),
            Err(0xC100),
        );
        check(
            Stub,
            "0113120000000000ea13f524a784b8f63d95a883743253e70000",
            Ok("ea13f524a784b8f63d95a883743253e7"),
        );
        // The ROM's dialect is expected and the stub answers.
        check(Rom, "0108020000000000c300", Err(0xC300));
    }

    #[test]
    fn what_is_no_reply() {
        for hex in [
            "",
            "4f484149",
            // a request
            "000a04000000000000100040",
            // a byte lost
            "010a0400831df000000000",
            // no status
            "010a0000831df000",
        ] {
            assert_eq!(Reply::parse(&bytes(hex)), None, "{hex}");
        }
        assert_eq!(reply("010a0400831df00000000000").value, 0x00F0_1D83);
    }

    #[test]
    fn refusals_in_words() {
        let refusal = |op, status| Refusal { op, status };
        insta::assert_snapshot!(
            refusal(Op::GetSecurityInfo, 0x0105),
            @"GET_SECURITY_INFO was refused with status 0105 (the message is invalid or the command unknown)"
        );
        insta::assert_snapshot!(
            refusal(Op::FlashDeflData, 0xC700),
            @"FLASH_DEFL_DATA was refused with status c700 (the compressed data could not be inflated)"
        );
    }

    #[test]
    fn damage_of_the_line_is_told_from_refusal() {
        let check = |op, status, line_damage| {
            let refusal = Refusal { op, status };
            assert_eq!(refusal.is_line_damage(), line_damage, "{refusal}");
        };
        check(Op::FlashData, 0x0107, true);
        check(Op::FlashDeflData, 0xC100, true);
        check(Op::FlashDeflData, 0xC000, true);
        check(Op::FlashEnd, 0xC000, false);
        check(Op::FlashDeflData, 0xC400, false);
        check(Op::ReadReg, 0xC300, false);
        check(Op::FlashDeflData, 0xC600, false);
    }
}
