//! The flasher stub of each chip: the program that is loaded into RAM and writes the flash faster
//! than the ROM does. Most are taken in by `build.rs`, which tells from where; the ESP8266's comes
//! from an installed esptool.

use std::borrow::Cow;

use base64::Engine as _;
use serde_json::Value;

use super::{Chip, Revision};

include!(concat!(env!("OUT_DIR"), "/stubs.rs"));

/// Bytes and the RAM address that they are loaded to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    pub address: u32,
    pub bytes: Cow<'static, [u8]>,
}

/// A stub as MEM_BEGIN, MEM_DATA and MEM_END want it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stub {
    /// Where it is started.
    pub entry: u32,
    pub text: Load,
    pub data: Load,
    /// Where its zeroed memory begins: it clears that by itself, and nothing may be loaded there
    /// while it runs.
    pub bss_start: u32,
}

/// What is wrong with a stub's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StubFault {
    #[error("it is no JSON: {0}")]
    NoJson(String),
    #[error("it has no number `{0}`")]
    NoNumber(&'static str),
    #[error("it has no base64 text `{0}`")]
    NoBytes(&'static str),
    #[error("the entry 0x{entry:x} lies outside of its text at 0x{start:x}")]
    EntryOutside { entry: u32, start: u32 },
}

impl Stub {
    /// Reads a stub as esptool keeps it (`targets/stub_flasher/2/esp8266.json`): `entry`, `text`,
    /// `text_start`, `data`, `data_start`, `bss_start`, the bytes in base64.
    pub fn from_json(text: &str) -> Result<Stub, StubFault> {
        let root: Value =
            serde_json::from_str(text).map_err(|error| StubFault::NoJson(error.to_string()))?;
        let number = |key| {
            let value = root.get(key).and_then(Value::as_u64);
            value
                .and_then(|value| u32::try_from(value).ok())
                .ok_or(StubFault::NoNumber(key))
        };
        let bytes = |key| {
            let text = root.get(key).and_then(Value::as_str);
            let decode = |text| base64::engine::general_purpose::STANDARD.decode(text).ok();
            let mut bytes = text.and_then(decode).ok_or(StubFault::NoBytes(key))?;
            // RAM is loaded by words
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            Ok(Cow::Owned(bytes))
        };
        let stub = Stub {
            entry: number("entry")?,
            text: Load {
                address: number("text_start")?,
                bytes: bytes("text")?,
            },
            data: Load {
                address: number("data_start")?,
                bytes: bytes("data")?,
            },
            bss_start: number("bss_start")?,
        };
        let start = stub.text.address;
        let offset = stub.entry.checked_sub(start);
        if offset.is_none_or(|offset| offset as usize >= stub.text.bytes.len()) {
            let entry = stub.entry;
            return Err(StubFault::EntryOutside { entry, start });
        }
        Ok(stub)
    }

    /// Bytes that its upload carries.
    pub fn len_bytes(&self) -> usize {
        self.text.bytes.len() + self.data.bytes.len()
    }
}

/// The stubs that a program has at hand: those that were built in, and what else was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stubs {
    esp8266: Option<Stub>,
}

impl Stubs {
    /// The file of the one stub that is not built in, in an esptool's stub folder.
    pub const LOADED_FILE: &'static str = "esp8266.json";

    /// The built-in ones and this one for the ESP8266.
    pub fn with_esp8266(stub: Stub) -> Stubs {
        Stubs {
            esp8266: Some(stub),
        }
    }

    /// The stub for a chip of this revision; `None` where there is none, and the ROM has to write:
    /// on an ESP8266 unless one was loaded, and on a C2 v0.0, which the stub does not run on (esptool
    /// 5.6, ESP32-C2 target).
    pub fn find(&self, chip: Chip, revision: Revision) -> Option<&Stub> {
        let before_3 = revision.major < 3;
        match chip {
            Chip::Esp8266 => self.esp8266.as_ref(),
            Chip::Esp32C2 if revision.as_number() == 0 => None,
            // the generation before v3.0 has its RAM elsewhere
            Chip::Esp32P4 if before_3 => embedded("esp32p4rc1"),
            _ => embedded(chip.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn v(major: u8, minor: u8) -> Revision {
        Revision { major, minor }
    }

    const FILE: &str = r#"{"entry": 1074840836, "text": "AAECAwQF", "text_start": 1074840832,
        "data": "Bwg=", "data_start": 1073720940, "bss_start": 1073643776, "plugins": {}}"#;

    fn check(from: &str, to: &str, fault: &str) {
        assert!(FILE.contains(from), "{from}");
        let found = Stub::from_json(&FILE.replace(from, to)).unwrap_err();
        assert_eq!(found.to_string(), fault);
    }

    #[test]
    fn which_chips_have_one() {
        let stubs = Stubs::default();
        for chip in Chip::ALL {
            let found = stubs.find(chip, v(1, 0)).is_some();
            assert_eq!(found, chip != Chip::Esp8266, "{chip}");
        }
        assert_eq!(stubs.find(Chip::Esp32C2, v(0, 0)), None);
        assert!(stubs.find(Chip::Esp32C3, v(0, 0)).is_some());
        let loaded = Stubs::with_esp8266(Stub::from_json(FILE).unwrap());
        assert!(loaded.find(Chip::Esp8266, v(0, 0)).is_some());
    }

    #[test]
    fn the_p4s_generations_have_their_own() {
        let stubs = Stubs::default();
        let text_at = |revision| stubs.find(Chip::Esp32P4, revision).unwrap().text.address;
        // esp-flasher-stub, `src/ld/esp32p4-rev1.ld` and `esp32p4.ld`
        assert_eq!(text_at(v(1, 3)), 0x4FF1_0000);
        assert_eq!(text_at(v(3, 0)), 0x4FF5_0000);
    }

    #[test]
    fn whole_words_with_the_entry_inside_the_text() {
        let stubs = Stubs::default();
        for (chip, revision) in Chip::ALL.map(|chip| (chip, v(1, 0))) {
            let Some(Stub {
                entry, text, data, ..
            }) = stubs.find(chip, revision)
            else {
                continue;
            };
            let end = text.address + text.bytes.len() as u32;
            assert!((text.address..end).contains(entry), "{chip}");
            assert_eq!(text.bytes.len() % 4, 0, "{chip}");
            assert_eq!(data.bytes.len() % 4, 0, "{chip}");
        }
    }

    #[test]
    fn an_installed_esptools_file() {
        let stub = Stub::from_json(FILE).unwrap();
        assert_eq!(stub.entry, 0x4010_C504);
        assert_eq!(stub.text.address, 0x4010_C500);
        assert_eq!(*stub.text.bytes, [0, 1, 2, 3, 4, 5, 0, 0]);
        assert_eq!(stub.data.address, 0x3FFF_AE6C);
        assert_eq!(*stub.data.bytes, [7, 8, 0, 0]);
        assert_eq!(stub.bss_start, 0x3FFE_8100);
        assert_eq!(stub.len_bytes(), 12);
    }

    #[test]
    fn files_that_are_no_stub() {
        check("\"entry\"", "\"start\"", "it has no number `entry`");
        check("1073643776", "-1", "it has no number `bss_start`");
        check("1074840832", "5000000000", "it has no number `text_start`");
        check("Bwg=", "Bwg", "it has no base64 text `data`");
        check("\"AAECAwQF\"", "7", "it has no base64 text `text`");
        check(
            "1074840836",
            "1074840831",
            "the entry 0x4010c4ff lies outside of its text at 0x4010c500",
        );
        check(
            "1074840836",
            "1074840840",
            "the entry 0x4010c508 lies outside of its text at 0x4010c500",
        );
        let fault = Stub::from_json("{").unwrap_err();
        assert!(matches!(fault, StubFault::NoJson(_)), "{fault}");
    }
}
