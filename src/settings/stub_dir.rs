//! `stub_dir`: the stub folder of an installed esptool, which has the one stub that is not built in.
//! Reads one file; what is in it is `chip`'s.

use std::path::{Path, PathBuf};

use super::{FileError, read_bounded};
use crate::chip::{Stub, StubFault, Stubs};

/// Where such a folder is found.
pub const HELP: &str =
    "name the folder esptool/targets/stub_flasher/2 of an esptool 5, or the one above it";

/// A stub has to fit into the chip's RAM: its file is a few tens of kilobytes.
const LARGEST_BYTES: u64 = 1 << 20;

/// Why a folder gives no stub.
#[derive(Debug, thiserror::Error)]
pub enum StubDirError {
    #[error("neither {} nor its folders 2 and 1 hold an {}", .0.display(), Stubs::LOADED_FILE)]
    Absent(PathBuf),
    #[error("{} {source}", file.display())]
    Unreadable { file: PathBuf, source: FileError },
    #[error("{} is no stub: {source}", file.display())]
    NoStub { file: PathBuf, source: StubFault },
}

/// The built-in stubs with the ESP8266's from this folder: its own file, that of its folder `2` (the
/// current stub), that of `1` (the one before it), whichever is there first. Blocks.
pub fn load(folder: &Path) -> Result<Stubs, StubDirError> {
    let places = [folder.to_owned(), folder.join("2"), folder.join("1")];
    let files = places.map(|place| place.join(Stubs::LOADED_FILE));
    for file in files {
        let bytes = match read_bounded(&file, LARGEST_BYTES) {
            Ok(bytes) => bytes,
            Err(FileError::Absent) => continue,
            Err(source) => return Err(StubDirError::Unreadable { file, source }),
        };
        return match Stub::from_json(&String::from_utf8_lossy(&bytes)) {
            Ok(stub) => Ok(Stubs::with_esp8266(stub)),
            Err(source) => Err(StubDirError::NoStub { file, source }),
        };
    }
    Err(StubDirError::Absent(folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{Chip, Revision};

    const STUB: &str = r#"{"entry": 16, "text": "AAECAw==", "text_start": 16,
        "data": "Bwg=", "data_start": 64, "bss_start": 128}"#;

    fn check(files: &[(&str, &str)], expected: Result<usize, &str>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = load(folder.path()).map(|stubs| {
            let none = Revision { major: 0, minor: 0 };
            stubs.find(Chip::Esp8266, none).unwrap().entry as usize
        });
        match (found, expected) {
            (Ok(entry), Ok(expected)) => assert_eq!(entry, expected, "{files:?}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, _) => panic!("{files:?}: {found:?}"),
        }
    }

    #[test]
    fn where_the_file_is_looked_for() {
        let other = STUB.replace("\"entry\": 16", "\"entry\": 17");
        check(
            &[("esp8266.json", STUB), ("2/esp8266.json", &other)],
            Ok(16),
        );
        check(
            &[("1/esp8266.json", &other), ("2/esp8266.json", STUB)],
            Ok(16),
        );
        check(&[("1/esp8266.json", STUB)], Ok(16));
        check(&[("2/esp32.json", STUB)], Err("hold an esp8266.json"));
        check(&[], Err("nor its folders 2 and 1"));
        check(
            &[("2/esp8266.json", "{}")],
            Err("2/esp8266.json is no stub: it has no number"),
        );
        check(
            &[("2/esp8266.json/x", "")],
            Err("2/esp8266.json is a folder"),
        );
    }
}
