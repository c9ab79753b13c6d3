//! Every word that people read, in both languages, and a code's advice. Leaves out layout.

mod advice;
mod notice;

pub use advice::{Advice, advice};
pub use notice::notice;

/// A language of the faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    #[default]
    English,
    Chinese,
}
