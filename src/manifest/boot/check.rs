//! The boot check's values, and its patterns.

use std::time::Duration;

use regex::Regex;

use super::Secrets;
use crate::settings::expression;

/// What the console is held to.
#[derive(Debug, Clone, PartialEq)]
pub struct BootCheck {
    /// The console's rate.
    pub baud: u32,
    /// From the reset to the last line that is waited for.
    pub timeout: Duration,
    /// How long the console is still listened to when all that is waited for has come.
    pub linger: Duration,
    /// Lines that must come, in any order.
    pub expect: Vec<Pattern>,
    /// Lines that must not come, those that hold for every product included.
    pub reject: Vec<Reject>,
    /// Starts of the chip that are a reset loop; `None`: it may start as often as it likes.
    pub loop_starts: Option<u32>,
    pub measures: Vec<Measure>,
    pub secrets: Secrets,
}

/// A line that must not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub pattern: Pattern,
    /// What such a line tells; `None` for the manifest's own.
    pub meaning: Option<&'static str>,
}

/// A value that the app prints.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    pub name: String,
    /// Its first group is the number.
    pub pattern: Pattern,
    /// Empty where it has none.
    pub unit: String,
    /// Both limits are included; `None` is open to that side.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// The check does not end well without it.
    pub required: bool,
}

/// Limits in words: `3000 to 3600 mV`.
pub fn limits(low: Option<f64>, high: Option<f64>, unit: &str) -> String {
    let gap = if unit.is_empty() { "" } else { " " };
    match (low, high) {
        (Some(low), Some(high)) => format!("{low} to {high}{gap}{unit}"),
        (Some(low), None) => format!("{low}{gap}{unit} and more"),
        (None, Some(high)) => format!("up to {high}{gap}{unit}"),
        (None, None) => "any number".to_owned(),
    }
}

/// A regular expression, looked for in one line. Matching takes time in proportion to the line's
/// length, whatever the expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// Why it is none in a few words, or where it takes too much memory.
    pub fn new(text: &str) -> Result<Pattern, String> {
        expression(text).map(|regex| Pattern { regex })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    pub fn is_match(&self, line: &str) -> bool {
        self.regex.is_match(line)
    }

    /// What its first group matches in the line.
    pub fn first_group<'l>(&self, line: &'l str) -> Option<&'l str> {
        let captures = self.regex.captures(line)?;
        captures.get(1).map(|found| found.as_str())
    }

    /// Whether it has a group.
    pub fn has_group(&self) -> bool {
        self.regex.captures_len() > 1
    }

    pub(super) fn regex(&self) -> &Regex {
        &self.regex
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_group_is_what_counts() {
        let pattern = Pattern::new(r"vbat=(\d+) (\w+)").unwrap();
        assert_eq!(pattern.first_group("vbat=33 mV"), Some("33"));
        assert_eq!(pattern.first_group("vbat="), None);
        assert!(pattern.has_group() && !Pattern::new("(?:a)").unwrap().has_group());
    }
}
