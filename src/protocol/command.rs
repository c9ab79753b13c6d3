//! Commands as bytes. A command knows its op code, payload and checksum word; framing is `slip`.

use super::{Dialect, slip};

/// Op codes (Serial Protocol, "Commands").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    FlashBegin = 0x02,
    FlashData = 0x03,
    FlashEnd = 0x04,
    MemBegin = 0x05,
    MemEnd = 0x06,
    MemData = 0x07,
    Sync = 0x08,
    WriteReg = 0x09,
    ReadReg = 0x0A,
    SpiSetParams = 0x0B,
    SpiAttach = 0x0D,
    ReadFlashSlow = 0x0E,
    ChangeBaudrate = 0x0F,
    FlashDeflBegin = 0x10,
    FlashDeflData = 0x11,
    FlashDeflEnd = 0x12,
    SpiFlashMd5 = 0x13,
    GetSecurityInfo = 0x14,
    EraseFlash = 0xD0,
    EraseRegion = 0xD1,
    ReadFlash = 0xD2,
    RunUserCode = 0xD3,
}

impl Op {
    /// The name in Espressif's documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Op::FlashBegin => "FLASH_BEGIN",
            Op::FlashData => "FLASH_DATA",
            Op::FlashEnd => "FLASH_END",
            Op::MemBegin => "MEM_BEGIN",
            Op::MemEnd => "MEM_END",
            Op::MemData => "MEM_DATA",
            Op::Sync => "SYNC",
            Op::WriteReg => "WRITE_REG",
            Op::ReadReg => "READ_REG",
            Op::SpiSetParams => "SPI_SET_PARAMS",
            Op::SpiAttach => "SPI_ATTACH",
            Op::ReadFlashSlow => "READ_FLASH_SLOW",
            Op::ChangeBaudrate => "CHANGE_BAUDRATE",
            Op::FlashDeflBegin => "FLASH_DEFL_BEGIN",
            Op::FlashDeflData => "FLASH_DEFL_DATA",
            Op::FlashDeflEnd => "FLASH_DEFL_END",
            Op::SpiFlashMd5 => "SPI_FLASH_MD5",
            Op::GetSecurityInfo => "GET_SECURITY_INFO",
            Op::EraseFlash => "ERASE_FLASH",
            Op::EraseRegion => "ERASE_REGION",
            Op::ReadFlash => "READ_FLASH",
            Op::RunUserCode => "RUN_USER_CODE",
        }
    }
}

/// One write of a WRITE_REG command, which may carry several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegWrite {
    pub address: u32,
    pub value: u32,
    pub mask: u32,
    pub delay_us: u32,
}

/// A command with its arguments. Lengths and addresses are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    Sync,
    ReadReg {
        address: u32,
    },
    WriteReg {
        writes: &'a [RegWrite],
    },
    /// The 8-byte form for the ROM, 4 bytes for the stub. `pins` 0 is the default SPI flash.
    SpiAttach {
        pins: u32,
        dialect: Dialect,
    },
    SpiSetParams {
        total_bytes: u32,
    },
    /// `old_baud` is 0 for the ROM and the current rate for the stub.
    ChangeBaudrate {
        new_baud: u32,
        old_baud: u32,
    },
    /// `encrypt` is the fifth word that ROMs from the S2 on insist on; `None` leaves it out.
    FlashBegin {
        erase_bytes: u32,
        blocks: u32,
        block_bytes: u32,
        offset: u32,
        encrypt: Option<bool>,
    },
    FlashData {
        sequence: u32,
        data: &'a [u8],
    },
    /// `reboot` false stays in the loader.
    FlashEnd {
        reboot: bool,
    },
    DeflBegin {
        write_bytes: u32,
        blocks: u32,
        block_bytes: u32,
        offset: u32,
        encrypt: Option<bool>,
    },
    DeflData {
        sequence: u32,
        data: &'a [u8],
    },
    DeflEnd {
        reboot: bool,
    },
    MemBegin {
        total_bytes: u32,
        blocks: u32,
        block_bytes: u32,
        offset: u32,
    },
    MemData {
        sequence: u32,
        data: &'a [u8],
    },
    /// `entry` 0 stays in the loader.
    MemEnd {
        entry: u32,
    },
    FlashMd5 {
        offset: u32,
        length: u32,
    },
    GetSecurityInfo,
    /// ROM only, 64 bytes at most; the reply has 64 bytes whatever was asked.
    ReadFlashSlow {
        offset: u32,
        length: u32,
    },
    /// Stub only: see [`super::ReadFlash`]. One packet is on its way at a time: the stub keeps to that
    /// whatever it is told (esp-flasher-stub, `s_read_flash_post_process`).
    ReadFlash {
        offset: u32,
        length: u32,
        packet_bytes: u32,
    },
    /// Stub only.
    EraseFlash,
    /// Stub only; both whole sectors.
    EraseRegion {
        offset: u32,
        length: u32,
    },
}

impl Command<'_> {
    pub fn op(&self) -> Op {
        match self {
            Command::Sync => Op::Sync,
            Command::ReadReg { .. } => Op::ReadReg,
            Command::WriteReg { .. } => Op::WriteReg,
            Command::SpiAttach { .. } => Op::SpiAttach,
            Command::SpiSetParams { .. } => Op::SpiSetParams,
            Command::ChangeBaudrate { .. } => Op::ChangeBaudrate,
            Command::FlashBegin { .. } => Op::FlashBegin,
            Command::FlashData { .. } => Op::FlashData,
            Command::FlashEnd { .. } => Op::FlashEnd,
            Command::DeflBegin { .. } => Op::FlashDeflBegin,
            Command::DeflData { .. } => Op::FlashDeflData,
            Command::DeflEnd { .. } => Op::FlashDeflEnd,
            Command::MemBegin { .. } => Op::MemBegin,
            Command::MemData { .. } => Op::MemData,
            Command::MemEnd { .. } => Op::MemEnd,
            Command::FlashMd5 { .. } => Op::SpiFlashMd5,
            Command::GetSecurityInfo => Op::GetSecurityInfo,
            Command::ReadFlashSlow { .. } => Op::ReadFlashSlow,
            Command::ReadFlash { .. } => Op::ReadFlash,
            Command::EraseFlash => Op::EraseFlash,
            Command::EraseRegion { .. } => Op::EraseRegion,
        }
    }

    /// The whole request, SLIP-framed, ready for the wire.
    pub fn frame(&self) -> Vec<u8> {
        let payload = self.payload();
        let mut packet = Vec::with_capacity(8 + payload.len());
        packet.extend([0, self.op() as u8]);
        // A payload is at most a block and its four words, far below 64 KB.
        packet.extend((payload.len() as u16).to_le_bytes());
        packet.extend(u32::from(self.checksum()).to_le_bytes());
        packet.extend(payload);
        slip::encode(&packet)
    }

    /// Only data blocks have one; it covers the data without the words before it.
    fn checksum(&self) -> u8 {
        match self {
            Command::FlashData { data, .. }
            | Command::DeflData { data, .. }
            | Command::MemData { data, .. } => checksum(data),
            _ => 0,
        }
    }

    fn payload(&self) -> Vec<u8> {
        match *self {
            Command::Sync => [&[0x07, 0x07, 0x12, 0x20][..], &[0x55; 32]].concat(),
            Command::ReadReg { address } => words(&[address]),
            Command::WriteReg { writes } => writes
                .iter()
                .flat_map(|w| words(&[w.address, w.value, w.mask, w.delay_us]))
                .collect(),
            Command::SpiAttach { pins, dialect } => match dialect {
                Dialect::Stub => words(&[pins]),
                Dialect::Rom | Dialect::Rom8266 => words(&[pins, 0]),
            },
            // id, total, block, sector, page, status mask; the sizes are those of every part in use.
            Command::SpiSetParams { total_bytes } => {
                words(&[0, total_bytes, 0x10000, 0x1000, 0x100, 0xFFFF])
            }
            Command::ChangeBaudrate { new_baud, old_baud } => words(&[new_baud, old_baud]),
            Command::FlashBegin {
                erase_bytes: total_bytes,
                blocks,
                block_bytes,
                offset,
                encrypt,
            }
            | Command::DeflBegin {
                write_bytes: total_bytes,
                blocks,
                block_bytes,
                offset,
                encrypt,
            } => {
                let mut payload = words(&[total_bytes, blocks, block_bytes, offset]);
                payload.extend(
                    encrypt
                        .map(u32::from)
                        .iter()
                        .flat_map(|word| word.to_le_bytes()),
                );
                payload
            }
            Command::FlashData { sequence, data }
            | Command::DeflData { sequence, data }
            | Command::MemData { sequence, data } => {
                let mut payload = words(&[data.len() as u32, sequence, 0, 0]);
                payload.extend_from_slice(data);
                payload
            }
            Command::FlashEnd { reboot } | Command::DeflEnd { reboot } => {
                words(&[u32::from(!reboot)])
            }
            Command::MemBegin {
                total_bytes,
                blocks,
                block_bytes,
                offset,
            } => words(&[total_bytes, blocks, block_bytes, offset]),
            Command::MemEnd { entry } => words(&[u32::from(entry == 0), entry]),
            Command::FlashMd5 { offset, length } => words(&[offset, length, 0, 0]),
            Command::GetSecurityInfo | Command::EraseFlash => Vec::new(),
            Command::EraseRegion { offset, length } | Command::ReadFlashSlow { offset, length } => {
                words(&[offset, length])
            }
            Command::ReadFlash {
                offset,
                length,
                packet_bytes,
            } => words(&[offset, length, packet_bytes, 1]),
        }
    }
}

/// The checksum of data blocks: XOR of all bytes, seeded with 0xEF.
pub fn checksum(data: &[u8]) -> u8 {
    data.iter().fold(0xEF, |sum, byte| sum ^ byte)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Expected bytes: requests that a real ESP32 or C3 ROM or the stub took (the transcripts of
    /// the wire), not what this encoder says.
    #[test]
    fn as_on_the_wire() {
        use Command::*;
        let check = |command: Command<'_>, expect: &str| {
            assert_eq!(hex(&command.frame()), expect, "{command:?}");
        };
        check(
            Sync,
            "c00008240000000000070712205555555555555555555555555555555555555555555555555555555555555555c0",
        );
        check(
            ReadReg {
                address: 0x4000_1000,
            },
            "c0000a04000000000000100040c0",
        );
        check(
            WriteReg {
                writes: &[RegWrite {
                    address: 0x3FF4_2080,
                    value: 0,
                    mask: u32::MAX,
                    delay_us: 0,
                }],
            },
            "c000091000000000008020f43f00000000ffffffff00000000c0",
        );
        check(
            ChangeBaudrate {
                new_baud: 115_200,
                old_baud: 0,
            },
            "c0000f08000000000000c2010000000000c0",
        );
        check(
            ChangeBaudrate {
                new_baud: 115_200,
                old_baud: 115_200,
            },
            "c0000f08000000000000c2010000c20100c0",
        );
        let attach = |dialect| SpiAttach { pins: 0, dialect };
        check(attach(Dialect::Rom), "c0000d0800000000000000000000000000c0");
        check(attach(Dialect::Stub), "c0000d04000000000000000000c0");
        check(
            SpiSetParams {
                total_bytes: 0x40_0000,
            },
            "c0000b1800000000000000000000004000000001000010000000010000ffff0000c0",
        );
        let begin = |encrypt| FlashBegin {
            erase_bytes: 0x400,
            blocks: 1,
            block_bytes: 0x400,
            offset: 0x2_0000,
            encrypt,
        };
        check(
            begin(None),
            "c0000210000000000000040000010000000004000000000200c0",
        );
        check(
            begin(Some(false)),
            "c000021400000000000004000001000000000400000000020000000000c0",
        );
        check(
            FlashData {
                sequence: 0,
                data: &[0xAA; 16],
            },
            "c000032000ef00000010000000000000000000000000000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac0",
        );
        check(FlashEnd { reboot: true }, "c0000404000000000000000000c0");
        check(FlashEnd { reboot: false }, "c0000404000000000001000000c0");
        check(
            DeflBegin {
                write_bytes: 0x1000,
                blocks: 1,
                block_bytes: 0x400,
                offset: 0x3_0000,
                encrypt: None,
            },
            "c0001010000000000000100000010000000004000000000300c0",
        );
        let mut broken = vec![0x78, 0xDA];
        broken.extend([0xFF; 64]);
        check(
            DeflData {
                sequence: 0,
                data: &broken,
            },
            &format!(
                "c0001152004d0000004200000000000000000000000000000078da{}c0",
                "ff".repeat(64)
            ),
        );
        check(DeflEnd { reboot: false }, "c0001204000000000001000000c0");
        check(
            MemBegin {
                total_bytes: 16,
                blocks: 1,
                block_bytes: 0x1800,
                offset: 0x3FFE_8000,
            },
            "c000051000000000001000000001000000001800000080fe3fc0",
        );
        check(
            MemData {
                sequence: 0,
                data: &[0x11; 16],
            },
            "c000072000ef0000001000000000000000000000000000000011111111111111111111111111111111c0",
        );
        check(MemEnd { entry: 0 }, "c000060800000000000100000000000000c0");
        check(
            MemEnd { entry: 0x400A_902C },
            "c00006080000000000000000002c900a40c0",
        );
        check(
            FlashMd5 {
                offset: 0x2_0000,
                length: 0x400,
            },
            "c0001310000000000000000200000400000000000000000000c0",
        );
        check(GetSecurityInfo, "c00014000000000000c0");
        check(
            EraseRegion {
                offset: 0x5_0000,
                length: 0x1000,
            },
            "c000d10800000000000000050000100000c0",
        );
        check(
            ReadFlash {
                offset: 0x4_0000,
                length: 32,
                packet_bytes: 16,
            },
            "c000d210000000000000000400200000001000000001000000c0",
        );
        // Not in the transcripts: Serial Protocol, "Commands", 0E takes an offset and a length.
        check(
            ReadFlashSlow {
                offset: 0x4_0000,
                length: 64,
            },
            "c0000e0800000000000000040040000000c0",
        );
        // Not in the transcripts: Serial Protocol, "Commands", D0 takes nothing.
        check(EraseFlash, "c000d0000000000000c0");
    }

    #[test]
    fn several_register_writes_share_a_command() {
        let write = |address| RegWrite {
            address,
            value: 1,
            mask: 2,
            delay_us: 3,
        };
        assert_eq!(
            hex(&Command::WriteReg {
                writes: &[write(0x10), write(0x20)]
            }
            .frame()),
            "c000092000000000001000000001000000020000000300000020000000010000000200000003000000c0"
        );
    }

    #[test]
    fn block_sequence_is_the_second_word() {
        let frame = Command::MemData {
            sequence: 0x0102_0304,
            data: &[0xEF],
        }
        .frame();
        assert_eq!(
            hex(&frame),
            "c00007110000000000010000000403020100000000 00000000efc0".replace(' ', "")
        );
    }
}
