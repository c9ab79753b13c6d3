//! A mistake in a file, with the place where it stands.

use std::ops::Range;
use std::path::PathBuf;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Legal and suspicious.
    Warning,
    /// The file is not taken.
    Error,
}

/// One mistake: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub severity: Severity,
    pub file: PathBuf,
    /// Bytes of the text that are meant; `None` where the file as a whole is.
    pub span: Option<Range<usize>>,
    /// Line and column, both from 1, in characters; (0, 0) without a span.
    pub line: usize,
    pub column: usize,
    /// What is wrong, one sentence, no period.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}
