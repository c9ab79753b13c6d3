//! `[log]`: flashline's own diagnostic log. Leaves out the record, and how a log is written (`cli`).

use std::path::{Path, PathBuf};

use super::{Fields, text, whole, word};

/// The diagnostic log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// `None`: to stderr, warnings only.
    pub file: Option<PathBuf>,
    pub format: LogFormat,
    pub level: LogLevel,
    /// A file that would grow past this is put aside.
    pub rotate_bytes: u64,
    /// Files put aside that are kept: `.1` is the newest.
    pub keep: u32,
}

impl Default for LogSettings {
    fn default() -> LogSettings {
        LogSettings {
            file: None,
            format: LogFormat::Text,
            level: LogLevel::Info,
            rotate_bytes: u64::from(ROTATE_MB) << 20,
            keep: KEEP,
        }
    }
}

const ROTATE_MB: u32 = 10;
const KEEP: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// An object per line.
    Json,
}

impl LogFormat {
    pub const NAMES: [(&str, LogFormat); 2] =
        [("text", LogFormat::Text), ("json", LogFormat::Json)];
}

/// The least that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub const NAMES: [(&str, LogLevel); 5] = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];

    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// Reads `[log]`; a file's path is one beside the station file.
pub(super) fn table(root: &mut Fields<'_>, folder: &Path) -> LogSettings {
    let defaults = LogSettings::default();
    let Some(mut table) = root.table("log", "[log]") else {
        return defaults;
    };
    let file = table.optional("file", text(4096));
    let format = table.optional("format", word(&LogFormat::NAMES));
    let level = table.optional("level", word(&LogLevel::NAMES));
    let rotate = table.optional("rotate_mb", whole(1..=100_000, "megabytes"));
    let keep = table.optional("keep", whole(0..=100, "files"));
    table.finish();
    LogSettings {
        file: file.map(|found| folder.join(found.value)),
        format: format.map_or(defaults.format, |found| found.value),
        level: level.map_or(defaults.level, |found| found.value),
        rotate_bytes: rotate.map_or(defaults.rotate_bytes, |found| u64::from(found.value) << 20),
        keep: keep.map_or(defaults.keep, |found| found.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const HEAD: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

    #[test]
    fn what_is_logged_and_where() {
        let check = |text: &str, expected: LogSettings| {
            let settings =
                Settings::parse("/etc/f/station.toml".as_ref(), &format!("{HEAD}{text}"));
            assert_eq!(settings.unwrap().log, expected, "{text}");
        };
        check("", LogSettings::default());
        check(
            "[log]\nfile = \"diagnostic.log\"",
            LogSettings {
                file: Some("/etc/f/diagnostic.log".into()),
                ..LogSettings::default()
            },
        );
        check(
            "[log]\nfile = \"/var/log/f\"\nformat = \"json\"\nlevel = \"debug\"\nrotate_mb = 2\nkeep = 0",
            LogSettings {
                file: Some("/var/log/f".into()),
                format: LogFormat::Json,
                level: LogLevel::Debug,
                rotate_bytes: 2 << 20,
                keep: 0,
            },
        );
    }

    #[test]
    fn what_is_none_of_the_words_is_told() {
        let text = format!("{HEAD}[log]\nformat = \"xml\"\nlevel = \"loud\"\nrotate_mb = 0\n");
        let faults = Settings::parse("station.toml".as_ref(), &text).unwrap_err();
        let lines: Vec<_> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines.len(), 3, "{faults:?}");
    }
}
