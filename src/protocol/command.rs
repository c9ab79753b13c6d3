//! Commands as bytes. A command knows its op code, payload and checksum word; framing is `slip`.

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
    /// The 8-byte form of the ROM; the stub takes the first 4. `pins` 0 is the default SPI flash.
    SpiAttach {
        pins: u32,
        dialect: super::Dialect,
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
        todo!("helper P")
    }

    /// The whole request, SLIP-framed, ready for the wire.
    pub fn frame(&self) -> Vec<u8> {
        todo!("helper P")
    }
}

/// The checksum of data blocks: XOR of all bytes, seeded with 0xEF.
pub fn checksum(data: &[u8]) -> u8 {
    data.iter().fold(0xEF, |sum, byte| sum ^ byte)
}
