//! `[socket]`: where a running station is reached. Leaves out how the socket is made: `socket/listen`.

use std::path::{Path, PathBuf};

use super::{Fields, text};

/// The name of the socket where the file says nothing.
const NAME: &str = "flashline.sock";

/// The daemon's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketSettings {
    pub path: PathBuf,
    /// A group whose members may connect as well; `None`: only the user that the daemon runs as, and root.
    pub group: Option<String>,
}

impl SocketSettings {
    /// Beside the database, its user's alone.
    pub fn beside(database: &Path) -> SocketSettings {
        SocketSettings {
            path: database.with_file_name(NAME),
            group: None,
        }
    }
}

/// What `[socket]` says, the path as it is written.
#[derive(Debug, Default)]
pub(super) struct Said {
    path: Option<String>,
    group: Option<String>,
}

impl Said {
    pub(super) fn settings(self, folder: &Path, database: &Path) -> SocketSettings {
        let beside = SocketSettings::beside(database);
        SocketSettings {
            path: self.path.map_or(beside.path, |path| folder.join(path)),
            group: self.group,
        }
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
    Said {
        path: path.map(|found| found.value),
        group: group.map(|found| found.value),
    }
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
