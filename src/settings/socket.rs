//! `[socket]`: where a running station is reached. Leaves out how the socket is made: `socket/listen`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{Document, Fields, Found, text};

/// The name of the socket where the file says nothing.
const NAME: &str = "flashline.sock";

/// The daemon's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketSettings {
    pub path: PathBuf,
    /// A group whose members may connect as well; `None`: only the user that the daemon runs as, and root.
    pub group: Option<String>,
    /// Bytes of the file's text that name the group.
    pub said_group: Option<Range<usize>>,
}

/// The longest path of a socket in bytes: `sun_path` has 108, one of them for the end (unix(7)).
pub const LONGEST_SOCKET_BYTES: usize = 107;

impl SocketSettings {
    /// Beside the database, its user's alone.
    pub fn beside(database: &Path) -> SocketSettings {
        SocketSettings {
            path: database.with_file_name(NAME),
            group: None,
            said_group: None,
        }
    }
}

/// What `[socket]` says, the path as it is written.
#[derive(Debug, Default)]
pub(super) struct Said {
    path: Option<Found<String>>,
    group: Option<Found<String>>,
}

impl Said {
    pub(super) fn settings(
        self,
        document: &Document<'_>,
        folder: &Path,
        database: &Path,
        said_database: Option<Range<usize>>,
    ) -> SocketSettings {
        let mut settings = SocketSettings::beside(database);
        let said = match self.path {
            Some(path) => {
                settings.path = folder.join(path.value);
                path.span
            }
            None => said_database.unwrap_or_default(),
        };
        // as it is given to the kernel
        let path = std::path::absolute(&settings.path);
        let bytes = path.as_ref().unwrap_or(&settings.path).as_os_str().len();
        if bytes > LONGEST_SOCKET_BYTES {
            let message = format!(
                "the socket's path has {bytes} bytes, and a socket's may have {LONGEST_SOCKET_BYTES}"
            );
            let advice = format!(
                "write a shorter `path` in [socket] (it is {})",
                settings.path.display()
            );
            document.error(&said, message, advice);
        }
        if let Some(group) = self.group {
            settings.group = Some(group.value);
            settings.said_group = Some(group.span);
        }
        settings
    }
}

/// Reads `[socket]`.
pub(super) fn table(root: &mut Fields<'_>) -> Said {
    let Some(mut table) = root.table("socket", "[socket]") else {
        return Said::default();
    };
    let path = table.optional("path", text(4096));
    let group = table.optional("group", text(64));
    table.finish();
    Said { path, group }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    fn check(more: &str, path: &str, group: Option<&str>) {
        let text = format!("station = \"b\"\nmanifest = \"m.toml\"\n{more}");
        let settings = Settings::parse("/etc/line/station.toml".as_ref(), &text).unwrap();
        assert_eq!(settings.socket.path.to_str(), Some(path), "{more}");
        assert_eq!(settings.socket.group.as_deref(), group, "{more}");
    }

    #[test]
    fn a_path_that_is_too_long_is_told_where_it_is() {
        let long = "x".repeat(100);
        let text = format!(
            "station = \"b\"\nmanifest = \"m.toml\"\n[socket]\npath = \"/run/line/{long}\"\n"
        );
        let faults = Settings::parse("station.toml".as_ref(), &text).unwrap_err();
        assert_eq!((faults[0].line, faults[0].column), (4, 8));
        let message = "the socket's path has 110 bytes, and a socket's may have 107";
        assert_eq!(faults[0].message, message);
    }

    #[test]
    fn one_that_is_too_long_beside_the_database_is_told_too() {
        let long = "x".repeat(100);
        let head = "station = \"b\"\nmanifest = \"m.toml\"\n";
        let check = |folder: &str, more: &str, at: (usize, usize)| {
            let file = format!("{folder}station.toml");
            let faults = Settings::parse(file.as_ref(), &format!("{head}{more}")).unwrap_err();
            assert_eq!((faults[0].line, faults[0].column), at);
            assert!(faults[0].message.starts_with("the socket's path has "));
        };
        check("", &format!("database = \"/{long}/line.db\"\n"), (3, 12));
        check(&format!("/{long}/"), "", (1, 1));
    }

    #[test]
    fn it_is_beside_the_database_unless_the_file_says_where() {
        check("", "/etc/line/flashline.sock", None);
        check(
            "database = \"/var/lib/flashline/line.db\"",
            "/var/lib/flashline/flashline.sock",
            None,
        );
        check(
            "[socket]\npath = \"/run/flashline/flashline.sock\"\ngroup = \"line\"",
            "/run/flashline/flashline.sock",
            Some("line"),
        );
        check("[socket]\npath = \"s\"", "/etc/line/s", None);
    }
}
