//! `[line]`: when a slot or the whole line takes no more boards, and what must be known before it takes
//! one. What counts is the station's (`station/failures`).

use super::{Fields, whole, word};

/// When failures in a row take a slot or the line out of service, and what is asked for before a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRules {
    /// So many different boards failed in a row on one slot (`SLOT_QUARANTINED`); `None`: never.
    pub quarantine_after: Option<u32>,
    /// So many different slots in a row failed with the same code (`LINE_HALTED`); `None`: never.
    pub halt_after: Option<u32>,
    /// A board that failed so often in a row is tried no more (`RETEST_LIMIT`); `None`: there is no limit.
    pub retest_limit: Option<u32>,
    pub require: Required,
}

/// What must be known before a board is flashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Required {
    /// Whose badge was scanned.
    pub operator: bool,
    /// The running lot that it belongs to.
    pub lot: bool,
    /// The serial number on its label.
    pub serial: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Operator,
    Lot,
    Serial,
}

const NEEDS: [(&str, Need); 3] = [
    ("operator", Need::Operator),
    ("lot", Need::Lot),
    ("serial", Need::Serial),
];

impl LineRules {
    /// Nothing is ever taken out of service by itself.
    pub const NEVER: LineRules = LineRules {
        quarantine_after: None,
        halt_after: None,
        retest_limit: None,
        require: Required {
            operator: false,
            lot: false,
            serial: false,
        },
    };
}

impl Default for LineRules {
    fn default() -> LineRules {
        LineRules {
            quarantine_after: Some(3),
            halt_after: Some(3),
            retest_limit: None,
            require: Required::default(),
        }
    }
}

/// Reads `[line]`; 0 is never.
pub(super) fn table(root: &mut Fields<'_>) -> LineRules {
    let defaults = LineRules::default();
    let Some(mut table) = root.table("line", "[line]") else {
        return defaults;
    };
    let quarantine_after = table.optional("quarantine_after", whole(0..=100, "boards, 0 is never"));
    let halt_after = table.optional("halt_after", whole(0..=100, "slots, 0 is never"));
    let retest_limit = table.optional("retest_limit", whole(0..=100, "tries, 0 is no limit"));
    let require = table.list("require", word(&NEEDS));
    table.finish();
    let or_never = |count: u32| (count > 0).then_some(count);
    let mut required = Required::default();
    for need in require.into_iter().flat_map(|found| found.value) {
        match need.value {
            Need::Operator => required.operator = true,
            Need::Lot => required.lot = true,
            Need::Serial => required.serial = true,
        }
    }
    LineRules {
        quarantine_after: quarantine_after
            .map_or(defaults.quarantine_after, |found| or_never(found.value)),
        halt_after: halt_after.map_or(defaults.halt_after, |found| or_never(found.value)),
        retest_limit: retest_limit.and_then(|found| or_never(found.value)),
        require: required,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const HEAD: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

    fn check(text: &str, quarantine_after: Option<u32>, halt_after: Option<u32>) {
        let settings = Settings::parse("station.toml".as_ref(), &format!("{HEAD}{text}"));
        let expected = LineRules {
            quarantine_after,
            halt_after,
            ..LineRules::default()
        };
        assert_eq!(settings.unwrap().line, expected, "{text}");
    }

    #[test]
    fn three_unless_said_and_nought_is_never() {
        check("", Some(3), Some(3));
        check("[line]", Some(3), Some(3));
        check("[line]\nquarantine_after = 5", Some(5), Some(3));
        check(
            "[line]\nhalt_after = 0\nquarantine_after = 1",
            Some(1),
            None,
        );
        check("[line]\nquarantine_after = 0", None, Some(3));
    }

    #[test]
    fn a_board_may_be_tried_for_ever_unless_said() {
        let check = |text: &str, retest_limit| {
            let settings = Settings::parse("station.toml".as_ref(), &format!("{HEAD}{text}"));
            assert_eq!(settings.unwrap().line.retest_limit, retest_limit, "{text}");
        };
        check("[line]", None);
        check("[line]\nretest_limit = 0", None);
        check("[line]\nretest_limit = 3", Some(3));
    }

    #[test]
    fn nothing_is_required_unless_said() {
        let check = |text: &str, operator, lot, serial| {
            let settings = Settings::parse("station.toml".as_ref(), &format!("{HEAD}{text}"));
            let expected = Required {
                operator,
                lot,
                serial,
            };
            assert_eq!(settings.unwrap().line.require, expected, "{text}");
        };
        check("[line]", false, false, false);
        check("[line]\nrequire = []", false, false, false);
        check("[line]\nrequire = [\"lot\"]", false, true, false);
        check(
            "[line]\nrequire = [\"serial\", \"operator\"]\n[scan]\noperator = 'OP.*'",
            true,
            false,
            true,
        );
    }

    #[test]
    fn what_is_no_count_is_told() {
        let text =
            format!("{HEAD}[line]\nquarantine_after = -1\nhalt_afer = 3\nrequire = [\"lto\"]\n");
        let faults = Settings::parse("station.toml".as_ref(), &text).unwrap_err();
        let told: Vec<String> = faults.iter().map(|fault| fault.message.clone()).collect();
        assert_eq!(
            told,
            [
                "`quarantine_after` is -1, less than 0",
                "unknown key `halt_afer`",
                "an element of `require` is \"lto\""
            ]
        );
    }
}
