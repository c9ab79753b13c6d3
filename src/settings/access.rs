//! `[access]`: who may let the line go on. Leaves out who someone is: `station/access` asks the system.

use std::ops::Range;

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

/// Reads `[access]`.
pub(super) fn table(root: &mut Fields<'_>) -> AccessSettings {
    let Some(mut table) = root.table("access", "[access]") else {
        return AccessSettings::default();
    };
    let supervisors = table.list("supervisors", text(64));
    table.finish();
    let Some(names) = supervisors else {
        return AccessSettings::default();
    };
    let (supervisors, said) = names
        .value
        .into_iter()
        .map(|name| (name.value, name.span))
        .unzip();
    AccessSettings {
        supervisors: Some(supervisors),
        said,
    }
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
    fn what_is_no_list_of_names_is_told() {
        let text = format!("{HEAD}[access]\nsupervisors = \"anna\"\n");
        let faults = Settings::parse("station.toml".as_ref(), &text).unwrap_err();
        assert_eq!(faults[0].message, "`supervisors` is no list");
    }
}
