//! What a simulated board is: chip, identity, flash part, wiring, faults and pace. Data only; what
//! a fault does is in the model.

use std::sync::Arc;
use std::time::Duration;

use super::console::Console;
use super::cost::Costs;
use crate::chip::{Chip, FlashId, Mac, Revision, Security};

/// One simulated board. Start from [`BoardSpec::esp32`] and change what the test is about.
#[derive(Debug, Clone)]
pub struct BoardSpec {
    pub chip: Chip,
    pub revision: Revision,
    pub mac: Mac,
    /// What the part answers to 0x9F.
    pub flash_id: FlashId,
    /// The part's real size; addresses past it wrap, as a part's do that ignores high address bits.
    pub flash_bytes: u32,
    pub contents: Contents,
    pub wiring: Wiring,
    pub faults: Vec<Fault>,
    /// Every random choice of the board (which byte is damaged) comes from it.
    pub seed: u64,
    pub pace: Pace,
    pub costs: Costs,
    /// From an answer's last bit on the wire to the host's read (a USB bridge's latency timer).
    pub answer_latency: Duration,
    /// How far the ROM's measurement of its crystal is off, in parts per million: its own
    /// CHANGE_BAUDRATE is off by as much.
    pub clock_error_ppm: i32,
    /// The board's crystal; `None` is the chip's usual one. The ROMs of C2 and C5 take one for granted:
    /// with another, the rate that comes of their CHANGE_BAUDRATE is off by as much.
    pub crystal_mhz: Option<u32>,
    pub access: Access,
    /// What the app prints.
    pub console: Console,
}

/// What the ROM's loader lets a client do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Access {
    /// Everything that the chip's ROM knows.
    #[default]
    Open,
    /// Secure Download Mode (ENABLE_SECURITY_DOWNLOAD is burnt; S2 and later): plain writing only, no
    /// registers, no RAM, no reading, no digest.
    SecureDownload,
}

/// What is in the flash at first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Contents {
    /// All FF, as from the factory.
    #[default]
    Blank,
    /// Something else everywhere, from the seed: a board that was flashed before.
    Used,
    /// These bytes from address 0, FF after them.
    Holds(Arc<[u8]>),
}

/// How the board's EN and IO0 are driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Wiring {
    /// A jig holds the boot strap and the port has no lines: the board is in its loader whenever it
    /// starts, and starts afresh when the port is closed.
    #[default]
    Strapped,
    /// DTR and RTS reset it through the usual two transistors; closing the port changes nothing.
    Lines,
    /// The chip's own USB-Serial-JTAG controller takes DTR for the strap and RTS for a reset of the
    /// core (ESP32-C3 TRM, "USB Serial/JTAG Controller"), and knows no rates. The port stays through
    /// every reset here; a real one leaves the bus for a moment when the watchdog bites.
    UsbSerialJtag(Strap),
}

/// The boot strap of a board that hangs on its own USB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strap {
    #[default]
    Free,
    /// Somebody held BOOT when it got power and has let go since: it is in its loader, and a reset of
    /// the core leads there again, for that does not read the strap anew. The watchdog's does.
    HeldAtPowerOn,
}

impl Wiring {
    pub fn is_own_usb(self) -> bool {
        matches!(self, Wiring::UsbSerialJtag(_))
    }
}

/// How the model's time goes against the clock's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Pace {
    /// As the real parts.
    #[default]
    Real,
    /// Every cost times this factor.
    Scaled(f64),
    /// No cost at all: as fast as bytes can be moved.
    Unpaced,
}

impl Pace {
    /// What a cost of the real part takes at this pace.
    pub fn of(self, real: Duration) -> Duration {
        match self {
            Pace::Real => real,
            Pace::Scaled(factor) => real.mul_f64(factor.max(0.0)),
            Pace::Unpaced => Duration::ZERO,
        }
    }
}

/// Something that is wrong with a board or its line. A board may have several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The chip never answers.
    Silent,
    /// At this rate and above, one byte in `one_in` is damaged, both ways.
    NoisyLine { from_baud: u32, one_in: u32 },
    /// At this rate and above, one byte in each of the next `frames` data blocks is damaged on its
    /// way to the chip.
    DamagedBlocks { from_baud: u32, frames: u32 },
    /// At this rate and above, one byte in `one_in` is lost, both ways.
    DroppedBytes { from_baud: u32, one_in: u32 },
    /// The bridge takes a rate that it is asked for and makes another (a CP2102: 1,000,000 for
    /// 1,500,000), without a word.
    BridgeMakes { asked: u32, makes: u32 },
    /// CHANGE_BAUDRATE is acknowledged and not carried out, this many times.
    BaudIgnored { times: u32 },
    /// Above this rate the bridge or the line carries garbage only.
    BaudCeiling { baud: u32 },
    /// This op is refused as one that is not known, this many times; by the ROM with the op of the
    /// command that it accepted last and `copies` times over (a real one: 8 after SYNC, else 1).
    Refused { op: u8, copies: u32, times: u32 },
    /// Data blocks are refused for their checksum (ROM 0107, stub C100) this many times; `u32::MAX`
    /// is always.
    ChecksumRefused { times: u32 },
    /// The answer to this op is not sent, this many times.
    ReplyLost { op: u8, times: u32 },
    /// The answer to this op comes later by this much, this many times.
    ReplyLate { op: u8, times: u32, by: Duration },
    /// Bytes that are no frame come before the answer to this op, this many times.
    GarbageBefore { op: u8, times: u32 },
    /// The chip resets (brown-out) once this many bytes have been programmed; at most `times` times.
    ResetAfter { bytes: u64, times: u32 },
    /// The boot strap is held low: every start ends in the loader.
    StrapHeld,
    /// The ROM says this instead of starting what is in flash, until its watchdog resets the chip.
    NoStart { says: &'static str },
    /// The stub is uploaded and started, and never greets.
    StubSilent,
    /// Inflating fails (ROM 010B, stub C700) at data block `block`, counted from 0, this many times.
    InflateFails { block: u32, times: u32 },
    /// The byte at this flash address does not hold what is programmed: it reads FF.
    LostByte { offset: u32 },
    /// Erasing and programming do nothing and are reported as failed (ROM 0108, stub C400).
    WriteProtected,
    /// Erasing and programming do nothing and nobody is told: a part whose protection bits are locked.
    WritesIgnored,
    /// The CRC beside the MAC in eFuse does not hold.
    MacCrcWrong,
    /// Security eFuses are burnt.
    Secured(Security),
}

impl BoardSpec {
    /// An ESP32 v3.1 with a blank 4 MB Winbond part; boards of different `number` differ in MAC and
    /// seed.
    pub fn esp32(number: u32) -> BoardSpec {
        let [_, high, middle, low] = number.to_be_bytes();
        BoardSpec {
            chip: Chip::Esp32,
            revision: Revision { major: 3, minor: 1 },
            mac: Mac([0x24, 0x0A, 0xC4, high, middle, low]),
            // W25Q32
            flash_id: FlashId(0xEF4016),
            flash_bytes: 4 << 20,
            contents: Contents::Blank,
            wiring: Wiring::Strapped,
            faults: Vec::new(),
            seed: u64::from(number),
            pace: Pace::Real,
            costs: Costs::default(),
            answer_latency: Duration::from_millis(1),
            clock_error_ppm: 0,
            crystal_mhz: None,
            access: Access::Open,
            console: Console::default(),
        }
    }

    /// The same board as another chip, in that chip's usual revision.
    pub fn chip(mut self, chip: Chip) -> BoardSpec {
        if chip != self.chip {
            self.chip = chip;
            self.revision = usual_revision(chip);
        }
        self
    }

    pub fn access(mut self, access: Access) -> BoardSpec {
        self.access = access;
        self
    }

    pub fn fault(mut self, fault: Fault) -> BoardSpec {
        self.faults.push(fault);
        self
    }

    pub fn console(mut self, console: Console) -> BoardSpec {
        self.console = console;
        self
    }

    pub fn pace(mut self, pace: Pace) -> BoardSpec {
        self.pace = pace;
        self
    }

    pub fn wiring(mut self, wiring: Wiring) -> BoardSpec {
        self.wiring = wiring;
        self
    }

    /// A part of another size: its ID is a Winbond W25Q's of that size (a power of two).
    pub fn flash_size(mut self, bytes: u32) -> BoardSpec {
        self.flash_bytes = bytes;
        self.flash_id = FlashId(0xEF4000 | bytes.trailing_zeros());
        self
    }
}

/// One that boards of these years carry. The C2 before v1.0 takes no stub; the P4 from v3.0 on takes
/// another one than before.
fn usual_revision(chip: Chip) -> Revision {
    let (major, minor) = match chip {
        Chip::Esp8266 => (0, 0),
        Chip::Esp32 => (3, 1),
        Chip::Esp32S2 | Chip::Esp32C5 | Chip::Esp32C61 => (1, 0),
        Chip::Esp32S3 | Chip::Esp32C6 => (0, 2),
        Chip::Esp32C2 | Chip::Esp32H2 => (1, 2),
        Chip::Esp32C3 => (0, 4),
        Chip::Esp32P4 => (3, 0),
    };
    Revision { major, minor }
}
