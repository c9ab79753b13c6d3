//! A file's text, with the places in it. Reads files whole and bounded: a device, a pipe or a file
//! that is far too large is refused before it is read.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::{Fault, Severity};

/// No settings file of ours is larger, bytes.
const LONGEST_TEXT_BYTES: u64 = 1 << 20;

/// A file's name and its text, without a byte order mark. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    path: Arc<Path>,
    text: Arc<str>,
}

impl Source {
    /// Text that is at hand.
    pub fn new(path: &Path, text: &str) -> Source {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        Source {
            path: path.into(),
            text: text.into(),
        }
    }

    /// Text from bytes; what is no UTF-8 is a fault at its first wrong byte.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Source, Vec<Fault>> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(path, text)),
            Err(error) => {
                let mark = if bytes.starts_with("\u{FEFF}".as_bytes()) {
                    3
                } else {
                    0
                };
                let start = error.valid_up_to() - mark;
                let source = Source::new(path, &String::from_utf8_lossy(bytes));
                let span = start..start + char::REPLACEMENT_CHARACTER.len_utf8();
                let byte = bytes[error.valid_up_to()];
                let message = format!("byte 0x{byte:02X} is no part of UTF-8 text");
                let advice = "name a text file, saved as UTF-8";
                Err(vec![Fault::new(
                    Severity::Error,
                    &source,
                    Some(span),
                    message,
                    advice,
                )])
            }
        }
    }

    /// The file's text from disk. Blocks.
    pub fn load(path: &Path) -> Result<Source, Vec<Fault>> {
        let bytes = read_bounded(path, LONGEST_TEXT_BYTES).map_err(|error| {
            let nothing = Source::new(path, "");
            let message = format!("the file {error}");
            vec![Fault::new(
                Severity::Error,
                &nothing,
                None,
                message,
                error.advice(),
            )]
        })?;
        Source::from_bytes(path, &bytes)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..self.clamp(byte..byte).start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    /// The span within the text and at the borders of characters.
    pub(super) fn clamp(&self, span: Range<usize>) -> Range<usize> {
        let start = self
            .text
            .floor_char_boundary(span.start.min(self.text.len()));
        let end = self.text.ceil_char_boundary(span.end.min(self.text.len()));
        start..end.max(start)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Source({}, {} bytes)",
            self.path.display(),
            self.text.len()
        )
    }
}

/// Why a file was not read. Reads on from 'the file …'.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("does not exist")]
    Absent,
    #[error("is a folder")]
    Folder,
    #[error("is no regular file")]
    NotRegular,
    #[error("has {found_bytes} bytes, more than the {limit_bytes} that it may have")]
    TooLarge { found_bytes: u64, limit_bytes: u64 },
    #[error("may not be read by this user")]
    Denied,
    #[error("cannot be read: {0}")]
    Io(io::Error),
}

impl FileError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            FileError::Absent => {
                "check the name and the folder: paths are relative to the file that names them"
            }
            FileError::Folder | FileError::NotRegular => "name the file itself",
            FileError::TooLarge { .. } => "check that this is the file that is meant",
            FileError::Denied => "give this user leave to read the file and to enter its folders",
            FileError::Io(_) => "check the disk and the path",
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> FileError {
        match error.kind() {
            io::ErrorKind::NotFound => FileError::Absent,
            io::ErrorKind::PermissionDenied => FileError::Denied,
            io::ErrorKind::IsADirectory => FileError::Folder,
            _ => FileError::Io(error),
        }
    }
}

/// A regular file's bytes, at most `limit_bytes` of them. Blocks, but never on a pipe or a device:
/// those are not even opened, since opening a serial port can reset a board.
pub fn read_bounded(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, FileError> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(FileError::Folder);
    }
    if !metadata.is_file() {
        return Err(FileError::NotRegular);
    }
    let too_large = |found_bytes| FileError::TooLarge {
        found_bytes,
        limit_bytes,
    };
    if metadata.len() > limit_bytes {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // the file may have grown since it was measured
    let mut file = File::open(path)?.take(limit_bytes + 1);
    file.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_in_characters() {
        let source = Source::new(Path::new("x"), "\u{feff}aé\r\n温b\n");
        for (byte, position) in [
            (0, (1, 1)),
            (1, (1, 2)),
            (3, (1, 3)),
            (5, (2, 1)),
            (8, (2, 2)),
            (6, (2, 1)),
            (99, (3, 1)),
        ] {
            assert_eq!(source.position(byte), position, "byte {byte}");
        }
    }

    #[test]
    fn tells_where_utf8_ends() {
        let fault =
            Source::from_bytes(Path::new("x.toml"), b"a = 1\nb = \"\xE9t\xE9\"\n").unwrap_err();
        insta::assert_snapshot!(fault[0], @r#"
        error: byte 0xE9 is no part of UTF-8 text
         --> x.toml:2:6
          |
        2 | b = "�t�"
          |      ^
          |
          = help: name a text file, saved as UTF-8
        "#);
        let fault = Source::from_bytes(Path::new("x.toml"), b"\xEF\xBB\xBF\xFF").unwrap_err();
        assert_eq!((fault[0].line, fault[0].column), (1, 1));
    }

    #[test]
    fn reads_regular_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("five");
        std::fs::write(&path, b"12345").unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let told = |path: &Path, limit| match read_bounded(path, limit) {
            Ok(bytes) => String::from_utf8(bytes).unwrap(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told(&path, 5), "12345");
        assert_eq!(
            told(&path, 4),
            "has 5 bytes, more than the 4 that it may have"
        );
        assert_eq!(told(&folder.path().join("none"), 4), "does not exist");
        assert_eq!(told(folder.path(), 4), "is a folder");
        assert_eq!(told(&fifo, 4), "is no regular file");
        assert_eq!(told(Path::new("/dev/zero"), 4), "is no regular file");
    }
}
