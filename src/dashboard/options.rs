//! What the command line decides about a face.

use tokio::sync::watch;

use crate::lang::{Caption, Language};

/// How a face looks and what its keys do.
#[derive(Debug, Clone)]
pub struct Options {
    pub language: Language,
    pub colour: Colour,
    pub quit: Quit,
    /// Times of day are shown in this zone.
    pub zone: jiff::tz::TimeZone,
    pub times: Times,
    /// What a scripted run is doing, for the header.
    pub caption: Option<watch::Receiver<Option<Caption>>>,
}

impl Options {
    /// As the environment wants it: language by `LC_ALL`, `LC_MESSAGES`, `LANG`; colour by
    /// `NO_COLOR`; the local zone; `q` asks while boards are at work.
    pub fn from_env() -> Options {
        Options {
            language: language(
                ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).ok()),
            ),
            colour: colour(std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())),
            quit: Quit::AskWhenBusy,
            zone: jiff::tz::TimeZone::system(),
            times: Times::Shown,
            caption: None,
        }
    }
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

/// The first variable that is set and not empty decides, as in POSIX.
fn language(variables: [Option<String>; 3]) -> Language {
    let first = variables
        .into_iter()
        .flatten()
        .find(|value| !value.is_empty());
    match first {
        Some(value) if value.starts_with("zh") => Language::Chinese,
        _ => Language::English,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_follows_the_locale() {
        let check = |variables: [Option<&str>; 3], expected| {
            assert_eq!(
                language(variables.map(|value| value.map(str::to_owned))),
                expected,
                "{variables:?}"
            );
        };
        check([None, None, None], Language::English);
        check([None, None, Some("zh_CN.UTF-8")], Language::Chinese);
        check([Some(""), None, Some("zh_CN.UTF-8")], Language::Chinese);
        check([Some("C"), None, Some("zh_CN.UTF-8")], Language::English);
    }
}
