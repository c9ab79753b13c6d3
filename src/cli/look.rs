//! How a face looks, as its command line and the station file have it.

use super::session::Face;
use crate::dashboard::{Mouse, Options, Speaks, Wanted};
use crate::lang::{Language, Word, word};
use crate::settings::{AlarmSettings, FaceSettings, LANGUAGES};

#[derive(Debug, clap::Args)]
pub struct Look {
    /// The language, whatever station file and locale say: en or zh (the key l changes it)
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Option<Language>,
    /// Nothing but ASCII for signs, bars and frames; by itself where the locale is not UTF-8, and on the
    /// kernel's console
    #[arg(long)]
    ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    no_mouse: bool,
}

impl Look {
    /// What a face is told; for one that writes lines it is said here that it cannot write Chinese.
    pub fn options(&self, face: Face, said: &FaceSettings, alarm: &AlarmSettings) -> Options {
        let options = Options::wanted(Wanted {
            language: self.lang.or(said.language),
            ascii: self.ascii,
        });
        if face == Face::Plain && options.speaks == Speaks::EnglishInstead {
            eprintln!("flashline: {}", word(Word::EnglishOnly, options.language));
        }
        Options {
            mouse: match said.mouse && !self.no_mouse {
                true => Mouse::Used,
                false => Mouse::LeftAlone,
            },
            bell: alarm.bell.clone(),
            ..options
        }
    }
}

fn language(text: &str) -> Result<Language, &'static str> {
    let known = LANGUAGES.iter().find(|(name, _)| *name == text);
    known.map(|(_, language)| *language).ok_or("one of en, zh")
}
