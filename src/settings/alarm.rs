//! `[alarm]`: what calls for someone who looks elsewhere, by a terminal's bell or a command of one's own.
//! Leaves out ringing (`dashboard`) and running (`cli`).

use super::{Fields, Found, text, word};
use crate::event::{Happening, Outcome};

/// Who is called, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlarmSettings {
    /// What rings the terminal of each dashboard.
    pub bell: Vec<Alarm>,
    /// A program and its arguments; empty: none. A program without a slash is looked for in `PATH`.
    pub command: Vec<String>,
    /// What runs it.
    pub command_on: Vec<Alarm>,
}

/// What someone may be called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// A board failed, or the bench did on it.
    Fail,
    /// A lot has as many good boards as it is to have.
    LotDone,
    /// The line stopped by itself, or a slot was quarantined.
    Stop,
}

impl Alarm {
    pub const NAMES: [(&str, Alarm); 3] = [
        ("fail", Alarm::Fail),
        ("lot_done", Alarm::LotDone),
        ("stop", Alarm::Stop),
    ];

    /// The word in the station file.
    pub const fn name(self) -> &'static str {
        match self {
            Alarm::Fail => "fail",
            Alarm::LotDone => "lot_done",
            Alarm::Stop => "stop",
        }
    }

    /// What a happening calls for; `None`: nobody.
    pub fn of(what: &Happening) -> Option<Alarm> {
        match what {
            Happening::JobEnded {
                outcome: Outcome::Fail | Outcome::Error,
                ..
            } => Some(Alarm::Fail),
            Happening::LotDone { .. } => Some(Alarm::LotDone),
            Happening::LineStopped { .. } | Happening::SlotQuarantined { .. } => Some(Alarm::Stop),
            _ => None,
        }
    }
}

/// Reads `[alarm]`.
pub(super) fn table(root: &mut Fields<'_>) -> AlarmSettings {
    let Some(mut table) = root.table("alarm", "[alarm]") else {
        return AlarmSettings::default();
    };
    let bell = table.list("bell", word(&Alarm::NAMES));
    let command = table.list("command", text(4096));
    let command_on = table.list("command_on", word(&Alarm::NAMES));
    if command.is_none() && command_on.is_some() {
        table.error(
            "`command_on` without a `command`",
            "name the program and its arguments: command = [\"/usr/local/bin/call\", \"bench-1\"]",
        );
    }
    table.finish();
    AlarmSettings {
        bell: bell.map(values).unwrap_or_default(),
        command: command.map(values).unwrap_or_default(),
        command_on: command_on.map_or(Alarm::NAMES.map(|(_, alarm)| alarm).into(), values),
    }
}

fn values<T>(list: Found<Vec<Found<T>>>) -> Vec<T> {
    list.value.into_iter().map(|found| found.value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Code;
    use crate::settings::Settings;

    const HEAD: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

    fn parsed(text: &str) -> AlarmSettings {
        let settings = Settings::parse("station.toml".as_ref(), &format!("{HEAD}{text}"));
        settings.unwrap().alarm
    }

    #[test]
    fn what_calls_and_how() {
        assert_eq!(parsed(""), AlarmSettings::default());
        let bell = parsed("[alarm]\nbell = [\"fail\", \"lot_done\"]");
        assert_eq!(bell.bell, [Alarm::Fail, Alarm::LotDone]);
        assert!(bell.command.is_empty());
        let command = parsed("[alarm]\ncommand = [\"call\", \"bench-1\"]");
        assert_eq!(command.command, ["call", "bench-1"]);
        assert_eq!(command.command_on, Alarm::NAMES.map(|(_, alarm)| alarm));
        let some = parsed("[alarm]\ncommand = [\"call\"]\ncommand_on = [\"stop\"]");
        assert_eq!(some.command_on, [Alarm::Stop]);
    }

    #[test]
    fn mistakes_are_told() {
        let text = format!("{HEAD}[alarm]\nbell = [\"loud\"]\ncommand_on = [\"stop\"]\n");
        let faults = Settings::parse("station.toml".as_ref(), &text).unwrap_err();
        let told: Vec<&str> = faults.iter().map(|fault| &*fault.message).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.contains(&"`command_on` without a `command`"),
            "{told:?}"
        );
    }

    #[test]
    fn a_board_that_passed_or_was_stopped_calls_nobody() {
        let ended = |outcome| Happening::JobEnded {
            outcome,
            code: None,
            detail: String::new(),
            unit: None,
            attempts: 1,
            retries: 0,
            took: std::time::Duration::ZERO,
        };
        let check = |what: Happening, expected| assert_eq!(Alarm::of(&what), expected, "{what:?}");
        check(ended(Outcome::Fail), Some(Alarm::Fail));
        check(ended(Outcome::Error), Some(Alarm::Fail));
        for outcome in [
            Outcome::Pass,
            Outcome::Written,
            Outcome::Skipped,
            Outcome::Aborted,
        ] {
            check(ended(outcome), None);
        }
        let code = Code::NoSync;
        check(
            Happening::SlotQuarantined { boards: 3, code },
            Some(Alarm::Stop),
        );
    }
}
