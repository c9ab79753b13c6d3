//! What the command line, the station file and the environment decide about a face.

use std::io::IsTerminal;

use tokio::sync::watch;

use super::signs::Signs;
use crate::lang::{Caption, Language};
use crate::settings::Alarm;

/// How a face looks and what its keys do.
#[derive(Debug, Clone)]
pub struct Options {
    pub language: Language,
    pub speaks: Speaks,
    pub colour: Colour,
    pub signs: Signs,
    pub mouse: Mouse,
    /// What rings the terminal.
    pub bell: Vec<Alarm>,
    pub quit: Quit,
    /// Times of day are shown in this zone.
    pub zone: jiff::tz::TimeZone,
    pub times: Times,
    /// What a scripted run is doing, for the header.
    pub caption: Option<watch::Receiver<Option<Caption>>>,
}

/// What is asked for; what is `None` or `false` the environment decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub language: Option<Language>,
    /// Nothing but ASCII.
    pub ascii: bool,
}

impl Options {
    /// As the environment wants it: language by `LC_ALL`, `LC_MESSAGES`, `LANG`; characters by `LC_ALL`,
    /// `LC_CTYPE`, `LANG` and `TERM`; colour by `NO_COLOR`; the local zone; `q` asks while boards are at
    /// work.
    pub fn from_env() -> Options {
        Options::wanted(Wanted::default())
    }

    /// As asked for, and where nothing is as the environment wants it.
    pub fn wanted(wanted: Wanted) -> Options {
        let text = |name| std::env::var(name).ok();
        let messages = ["LC_ALL", "LC_MESSAGES", "LANG"].map(text);
        let ctype = ["LC_ALL", "LC_CTYPE", "LANG"].map(text);
        let terminal = match std::io::stdout().is_terminal() {
            true => terminal(ctype, text("TERM").as_deref()),
            // a file or a journal, read elsewhere
            false => Terminal::Unicode,
        };
        let language = wanted.language.unwrap_or_else(|| language(messages));
        let signs = match terminal {
            Terminal::Unicode if !wanted.ascii => Signs::Unicode,
            _ => Signs::Ascii,
        };
        let speaks = match (terminal, language) {
            (Terminal::Unicode, _) => Speaks::Both,
            (Terminal::Ascii, Language::English) => Speaks::EnglishOnly,
            (Terminal::Ascii, Language::Chinese) => Speaks::EnglishInstead,
        };
        Options {
            language: match speaks {
                Speaks::Both => language,
                Speaks::EnglishOnly | Speaks::EnglishInstead => Language::English,
            },
            speaks,
            colour: colour(std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())),
            signs,
            mouse: Mouse::Used,
            bell: Vec::new(),
            quit: Quit::AskWhenBusy,
            zone: jiff::tz::TimeZone::system(),
            times: Times::Shown,
            caption: None,
        }
    }
}

/// The languages that a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaks {
    Both,
    /// It has no Chinese characters.
    EnglishOnly,
    /// And was asked for them: that has to be said once.
    EnglishInstead,
}

/// Whether clicks and the wheel are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mouse {
    Used,
    /// The terminal keeps it, for its own selecting.
    LeftAlone,
}

/// Whether colours are used (never as the only sign).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Colour {
    Colour,
    /// Bold, underlined and reversed only (<https://no-color.org>).
    None,
}

/// Whether the plain face's lines begin with the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Times {
    Shown,
    /// Whoever takes the lines keeps the time of each: systemd's journal.
    LeftOut,
}

/// What `q` and Ctrl-C do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quit {
    /// End the station.
    AtOnce,
    /// End the station; `q` asks first while boards are at work.
    AskWhenBusy,
    /// End this face only: the station is another process's.
    LeaveOnly,
}

fn colour(unwanted: bool) -> Colour {
    if unwanted {
        Colour::None
    } else {
        Colour::Colour
    }
}

/// The characters that a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminal {
    Unicode,
    Ascii,
}

/// A locale of UTF-8, on a terminal whose font has more than 512 glyphs: the kernel's console has no signs
/// and no Chinese.
fn terminal(ctype: [Option<String>; 3], term: Option<&str>) -> Terminal {
    let locale = first(ctype).unwrap_or_default().to_ascii_lowercase();
    let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
    match term {
        Some("linux" | "vt100" | "vt102" | "vt220" | "dumb") => Terminal::Ascii,
        _ if is_utf8 => Terminal::Unicode,
        _ => Terminal::Ascii,
    }
}

fn language(messages: [Option<String>; 3]) -> Language {
    match first(messages) {
        Some(value) if value.starts_with("zh") => Language::Chinese,
        _ => Language::English,
    }
}

/// The first variable that is set and not empty decides, as in POSIX.
fn first(variables: [Option<String>; 3]) -> Option<String> {
    variables
        .into_iter()
        .flatten()
        .find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(variables: [Option<&str>; 3]) -> [Option<String>; 3] {
        variables.map(|value| value.map(str::to_owned))
    }

    #[test]
    fn the_language_follows_the_locale() {
        let check = |variables: [Option<&str>; 3], expected| {
            assert_eq!(language(owned(variables)), expected, "{variables:?}");
        };
        check([None, None, None], Language::English);
        check([None, None, Some("zh_CN.UTF-8")], Language::Chinese);
        check([Some(""), None, Some("zh_CN.UTF-8")], Language::Chinese);
        check([Some("C"), None, Some("zh_CN.UTF-8")], Language::English);
    }

    #[test]
    fn the_characters_follow_locale_and_terminal() {
        let check = |variables: [Option<&str>; 3], term, expected| {
            assert_eq!(
                terminal(owned(variables), term),
                expected,
                "{variables:?} {term:?}"
            );
        };
        let utf8 = [None, None, Some("de_DE.UTF-8")];
        check(utf8, Some("xterm-256color"), Terminal::Unicode);
        check(utf8, None, Terminal::Unicode);
        check(
            [None, Some("C.utf8"), None],
            Some("tmux"),
            Terminal::Unicode,
        );
        for term in ["linux", "vt100", "dumb"] {
            check(utf8, Some(term), Terminal::Ascii);
        }
        check([None, None, None], Some("xterm"), Terminal::Ascii);
        check(
            [Some("C"), None, Some("C.UTF-8")],
            Some("xterm"),
            Terminal::Ascii,
        );
        check(
            [None, None, Some("zh_CN.GB18030")],
            Some("xterm"),
            Terminal::Ascii,
        );
    }
}
