//! What the station file says of its faces: `language`, and `[dashboard]`. What a command line says wins.

use super::{Fields, word, yes_or_no};
use crate::lang::Language;

/// How screens and lines look where nobody says else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceSettings {
    /// `None`: as the locale has it.
    pub language: Option<Language>,
    /// Dashboards take clicks and the wheel.
    pub mouse: bool,
}

impl Default for FaceSettings {
    fn default() -> FaceSettings {
        FaceSettings {
            language: None,
            mouse: true,
        }
    }
}

/// Languages as the station file and command lines name them.
pub const LANGUAGES: [(&str, Language); 2] = [("en", Language::English), ("zh", Language::Chinese)];

/// Reads both.
pub(super) fn keys(root: &mut Fields<'_>) -> FaceSettings {
    let defaults = FaceSettings::default();
    let language = root.optional("language", word(&LANGUAGES));
    let mouse = root
        .table("dashboard", "[dashboard]")
        .and_then(|mut table| {
            let mouse = table.optional("mouse", yes_or_no);
            table.finish();
            mouse
        });
    FaceSettings {
        language: language.map(|found| found.value),
        mouse: mouse.map_or(defaults.mouse, |found| found.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const HEAD: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

    #[test]
    fn language_and_mouse() {
        let check = |text: &str, language, mouse| {
            let settings = Settings::parse("station.toml".as_ref(), &format!("{HEAD}{text}"));
            let expected = FaceSettings { language, mouse };
            assert_eq!(settings.unwrap().face, expected, "{text}");
        };
        check("", None, true);
        check("language = \"zh\"", Some(Language::Chinese), true);
        check(
            "language = \"en\"\n[dashboard]\nmouse = false",
            Some(Language::English),
            false,
        );
    }

    #[test]
    fn another_language_is_told() {
        let text = format!("{HEAD}language = \"de\"\n[dashboard]\nmous = 1\n");
        let faults = Settings::parse("station.toml".as_ref(), &text).unwrap_err();
        let told: Vec<&str> = faults.iter().map(|fault| &*fault.message).collect();
        assert_eq!(told, ["`language` is \"de\"", "unknown key `mous`"]);
    }
}
