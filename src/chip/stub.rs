//! The flasher stub of each chip: the program that is loaded into RAM and writes the flash faster
//! than the ROM does. Taken in by `build.rs`, which tells from where.

use super::Chip;

include!(concat!(env!("OUT_DIR"), "/stubs.rs"));

/// Bytes and the RAM address that they are loaded to; a multiple of 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub address: u32,
    pub bytes: &'static [u8],
}

/// A stub as MEM_BEGIN, MEM_DATA and MEM_END want it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stub {
    /// Where it is started.
    pub entry: u32,
    pub text: Load,
    pub data: Load,
    /// Where its zeroed memory begins: it clears that by itself, and nothing may be loaded there
    /// while it runs.
    pub bss_start: u32,
}

impl Chip {
    /// The chip's stub. `None` on the ESP8266, whose stub `espflash` does not ship. The P4's is the
    /// one for revision 3.0 and later.
    pub fn stub(self) -> Option<&'static Stub> {
        embedded(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chip_but_the_esp8266_has_one() {
        for chip in Chip::ALL {
            assert_eq!(chip.stub().is_some(), chip != Chip::Esp8266, "{chip}");
        }
    }

    #[test]
    fn whole_words_with_the_entry_inside_the_text() {
        for (chip, stub) in Chip::ALL.map(|chip| (chip, chip.stub())) {
            let Some(Stub {
                entry, text, data, ..
            }) = stub
            else {
                continue;
            };
            let end = text.address + text.bytes.len() as u32;
            assert!((text.address..end).contains(entry), "{chip}");
            assert_eq!(text.bytes.len() % 4, 0, "{chip}");
            assert_eq!(data.bytes.len() % 4, 0, "{chip}");
        }
    }
}
