//! `[access]`: who may let the line go on. Leaves out who someone is: `station/access` asks the system.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{Fields, text};

/// Who is a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessSettings {
    /// Login names; a user without one goes by the number. `None`: whoever the daemon runs as. Root is one
    /// in any case.
    pub supervisors: Option<Vec<String>>,
    /// Bytes of the file's text that name each of them.
    pub said: Vec<Range<usize>>,
}

/// The name of the PIN file where `[access]` names none.
const PINS: &str = "supervisors.toml";

/// The PIN file beside the database: the station may write there, and whoever may write there may do more
/// than any PIN lets anyone do.
pub(super) fn pins_beside(database: &Path) -> PathBuf {
    database.with_file_name(PINS)
}

/// Reads `[access]`; with it the path of the PIN file, as it is written.
pub(super) fn table(root: &mut Fields<'_>) -> (AccessSettings, Option<String>) {
    let Some(mut table) = root.table("access", "[access]") else {
        return (AccessSettings::default(), None);
    };
    let supervisors = table.list("supervisors", text(64));
    let pins = table.optional("pins", text(4096));
    table.finish();
    let pins = pins.map(|found| found.value);
    let Some(names) = supervisors else {
        return (AccessSettings::default(), pins);
    };
    let (supervisors, said) = names
        .value
        .into_iter()
        .map(|name| (name.value, name.span))
        .unzip();
    let settings = AccessSettings {
        supervisors: Some(supervisors),
        said,
    };
    (settings, pins)
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    const HEAD: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

    fn check(text: &str, supervisors: Option<&[&str]>) {
        let settings = Settings::parse("station.toml".as_ref(), &format!("{HEAD}{text}"));
        let expected = supervisors.map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(settings.unwrap().access.supervisors, expected, "{text}");
    }

    #[test]
    fn nobody_named_is_not_the_same_as_an_empty_list() {
        check("", None);
        check("[access]", None);
        check("[access]\nsupervisors = []", Some(&[]));
        check(
            "[access]\nsupervisors = [\"anna\", \"li\"]",
            Some(&["anna", "li"]),
        );
    }

    #[test]
    fn pins_are_beside_the_database_unless_the_file_says_where() {
        let check = |text: &str, expected: &str| {
            let text = format!("{HEAD}{text}");
            let settings = Settings::parse("/etc/line/station.toml".as_ref(), &text).unwrap();
            assert_eq!(settings.pins.to_str(), Some(expected), "{text}");
        };
        check("", "/etc/line/supervisors.toml");
        let database = "database = \"/var/lib/flashline/line.db\"\n";
        check(database, "/var/lib/flashline/supervisors.toml");
        let named = format!("{database}[access]\npins = \"pins.toml\"");
        check(&named, "/etc/line/pins.toml");
        check("[access]\npins = \"/srv/pins.toml\"", "/srv/pins.toml");
    }

    #[test]
    fn what_is_no_list_of_names_is_told() {
        let text = format!("{HEAD}[access]\nsupervisors = \"anna\"\n");
        let faults = Settings::parse("station.toml".as_ref(), &text).unwrap_err();
        assert_eq!(faults[0].message, "`supervisors` is no list");
    }
}
