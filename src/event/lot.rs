//! A lot: a batch of boards with a target, and what makes a board count for it or not. Leaves out what may be
//! done with a lot when (`station`), and what it has come to (`record`).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Who;
use crate::chip::spelled;

/// A lot's name, as it is on its papers. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LotName(Arc<str>);

impl LotName {
    /// The longest that is taken, in characters.
    pub const MOST_CHARS: usize = 64;

    /// The text without blanks around it; `None` where nothing is left, where it is too long, and where
    /// it holds what no paper shows (control characters).
    pub fn parse(text: &str) -> Option<LotName> {
        let text = text.trim();
        let fits = (1..=LotName::MOST_CHARS).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| LotName(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

spelled!(LotName, LotName::parse, "lot");

impl fmt::Debug for LotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Where a lot is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotState {
    /// A supervisor entered it; an operator may start it.
    Approved,
    /// Boards of its bundle are worked on for it.
    Running,
    /// No board of its bundle is begun.
    Paused {
        #[serde(flatten)]
        by: Who,
    },
    /// Nothing more is counted for it.
    Ended,
}

/// Whether a lot's first good board waits for a supervisor's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstArticle {
    /// It does not.
    Free,
    /// It will: until one board has passed, they are worked on one at a time.
    Due,
    /// One has passed: no board is begun until a supervisor approves it.
    Held,
    /// A supervisor approved it.
    Approved,
}

impl FirstArticle {
    pub const ALL: [FirstArticle; 4] = [
        FirstArticle::Free,
        FirstArticle::Due,
        FirstArticle::Held,
        FirstArticle::Approved,
    ];

    /// The word in the record.
    pub const fn name(self) -> &'static str {
        match self {
            FirstArticle::Free => "free",
            FirstArticle::Due => "due",
            FirstArticle::Held => "held",
            FirstArticle::Approved => "approved",
        }
    }

    pub fn from_name(name: &str) -> Option<FirstArticle> {
        FirstArticle::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// A board that the bench is tried with: flashed and recorded, never counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Golden {
    /// It passes on a bench that works.
    Good,
    /// It fails on a bench that works.
    Bad,
}

impl Golden {
    pub const ALL: [Golden; 2] = [Golden::Good, Golden::Bad];

    /// The word in settings and in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Golden::Good => "good",
            Golden::Bad => "bad",
        }
    }

    pub fn from_name(name: &str) -> Option<Golden> {
        Golden::ALL.into_iter().find(|it| it.name() == name)
    }
}
