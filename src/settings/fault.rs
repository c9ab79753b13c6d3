//! A mistake in a file, with the place where it stands, and how it is told: file, line and column,
//! the lines it is about, what is wrong and what to do. The text is stable; colour is the caller's
//! choice.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::Source;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Legal and suspicious.
    Warning,
    /// The file is not taken.
    Error,
}

/// Whether text is coloured: only where it goes to a terminal that wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Coloured,
}

/// Another place in the same file that the mistake is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// A few words beside it.
    pub label: String,
}

/// One mistake: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub severity: Severity,
    /// The file it stands in.
    pub source: Source,
    /// Bytes of the text that are meant; `None` where the file as a whole is.
    pub span: Option<Range<usize>>,
    /// Line and column, both from 1, in characters; (0, 0) without a span.
    pub line: usize,
    pub column: usize,
    /// What is wrong, one sentence, no period.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// Other places that belong to it.
    pub also: Vec<Pointer>,
}

impl Fault {
    /// A mistake at `span`, which is brought to character borders within the text.
    pub fn new(
        severity: Severity,
        source: &Source,
        span: Option<Range<usize>>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Fault {
        let span = span.map(|span| source.clamp(span));
        let (line, column) = span.as_ref().map_or((0, 0), |s| source.position(s.start));
        Fault {
            severity,
            source: source.clone(),
            span,
            line,
            column,
            message: message.into(),
            advice: advice.into(),
            also: Vec::new(),
        }
    }

    /// The same fault, pointing at one more place.
    #[must_use]
    pub fn and(mut self, span: Range<usize>, label: impl Into<String>) -> Fault {
        let (span, label) = (self.source.clamp(span), label.into());
        self.also.push(Pointer { span, label });
        self
    }

    /// The file it stands in.
    pub fn file(&self) -> &Path {
        self.source.path()
    }

    /// Where and what, in one line: `file:line:column: message`.
    pub fn in_a_line(&self) -> String {
        let file = self.file().display();
        let place = match &self.span {
            Some(_) => format!("{file}:{}:{}", self.line, self.column),
            None => file.to_string(),
        };
        printable(&format!("{place}: {}", self.message))
    }

    /// The whole report of this fault, several lines, ending without a newline.
    pub fn render(&self, paint: Paint) -> String {
        let renderer = match paint {
            Paint::Plain => Renderer::plain(),
            Paint::Coloured => Renderer::styled(),
        };
        let level = match self.severity {
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let path = printable(&self.file().display().to_string());
        let message = printable(&self.message);
        let advice = printable(&self.advice);
        let title = Group::with_title(level.primary_title(message.as_str()));
        let group = match &self.span {
            None => title.element(Origin::path(path.as_str())),
            Some(span) => {
                let others = self.also.iter().map(|pointer| {
                    AnnotationKind::Context
                        .span(pointer.span.clone())
                        .label(pointer.label.as_str())
                });
                title.element(
                    Snippet::source(self.source.text())
                        .path(path.as_str())
                        .annotation(AnnotationKind::Primary.span(span.clone()))
                        .annotations(others),
                )
            }
        };
        renderer.render(&[group.element(Level::HELP.message(advice.as_str()))])
    }

    /// All of them, a blank line between each and the next.
    pub fn render_all(faults: &[Fault], paint: Paint) -> String {
        let each: Vec<String> = faults.iter().map(|fault| fault.render(paint)).collect();
        each.join("\n\n")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Paint::Plain))
    }
}

/// Text from a file is quoted in messages: whatever would steer a terminal is shown, not sent.
fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}')
    };
    text.chars()
        .map(|c| if steers(c) { '\u{FFFD}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The fault's report for the first occurrence of `needle`.
    fn told(text: &str, needle: &str) -> String {
        let source = Source::new(Path::new("some.toml"), text);
        let start = source.text().find(needle).unwrap();
        let span = Some(start..start + needle.len());
        let fault = Fault::new(
            Severity::Error,
            &source,
            span,
            "it is wrong",
            "write it right",
        );
        fault.to_string()
    }

    #[test]
    fn points_at_the_place() {
        insta::assert_snapshot!(told("a = 1\nb = 2\n", "2"), @r#"
        error: it is wrong
         --> some.toml:2:5
          |
        2 | b = 2
          |     ^
          |
          = help: write it right
        "#);
    }

    #[test]
    fn columns_count_characters() {
        insta::assert_snapshot!(told("Größe_温度 = \"x\"\n", "\"x\""), @r#"
        error: it is wrong
         --> some.toml:1:12
          |
        1 | Größe_温度 = "x"
          |              ^^^
          |
          = help: write it right
        "#);
        insta::assert_snapshot!(told("\tb =\t2\n", "2"), @r#"
        error: it is wrong
         --> some.toml:1:6
          |
        1 |     b =    2
          |            ^
          |
          = help: write it right
        "#);
    }

    #[test]
    fn line_ends_and_marks_of_other_systems() {
        insta::assert_snapshot!(told("\u{feff}a = 1\r\nb = 2\r\nc = 3\r\n", "2"), @r#"
        error: it is wrong
         --> some.toml:2:5
          |
        2 | b = 2
          |     ^
          |
          = help: write it right
        "#);
        insta::assert_snapshot!(told("\u{feff}a = 1\r\n", "a"), @r#"
        error: it is wrong
         --> some.toml:1:1
          |
        1 | a = 1
          | ^
          |
          = help: write it right
        "#);
    }

    #[test]
    fn a_file_as_a_whole() {
        let source = Source::new(Path::new("some.toml"), "");
        let fault = Fault::new(Severity::Warning, &source, None, "it is odd", "look at it");
        insta::assert_snapshot!(fault, @r#"
        warning: it is odd
        --> some.toml
         = help: look at it
        "#);
        assert_eq!((fault.line, fault.column), (0, 0));
        assert_eq!(fault.in_a_line(), "some.toml: it is odd");
    }

    #[test]
    fn two_places() {
        let text = "a = 1\n\n\n\n\n\nb = 2\n";
        let source = Source::new(Path::new("some.toml"), text);
        let fault = Fault::new(
            Severity::Error,
            &source,
            Some(11..16),
            "they meet",
            "part them",
        )
        .and(0..5, "the other");
        assert_eq!(fault.in_a_line(), "some.toml:7:1: they meet");
        insta::assert_snapshot!(fault, @r#"
        error: they meet
         --> some.toml:7:1
          |
        1 | a = 1
          | ----- the other
        ...
        7 | b = 2
          | ^^^^^
          |
          = help: part them
        "#);
    }

    #[test]
    fn steers_no_terminal() {
        let source = Source::new(Path::new("so\u{1b}me.toml"), "a = \"\u{1b}[31m\u{202e}\"");
        let fault = Fault::new(Severity::Error, &source, Some(0..1), "\u{1b}[2J", "\u{7}");
        let report = fault.to_string();
        assert!(
            !report.chars().any(|c| c.is_control() && c != '\n'),
            "{report:?}"
        );
        assert!(!report.contains('\u{202e}'));
    }

    #[test]
    fn colour_only_on_request() {
        let source = Source::new(Path::new("some.toml"), "a");
        let fault = Fault::new(Severity::Error, &source, Some(0..1), "it is wrong", "do");
        assert!(fault.render(Paint::Coloured).contains("\u{1b}["));
        assert!(!fault.render(Paint::Plain).contains('\u{1b}'));
    }

    proptest::proptest! {
        #[test]
        fn any_text_any_span(text in ".{0,80}(\n|\r\n|\t|\u{feff}|é|.){0,20}", a in 0..200_usize, b in 0..200_usize) {
            let source = Source::new(Path::new("some.toml"), &text);
            let fault = Fault::new(Severity::Error, &source, Some(a..b), "wrong", "do").and(b..a, "other");
            let report = fault.to_string();
            let start = fault.span.unwrap().start;
            if source.text()[start..].starts_with(|c: char| !c.is_control()) {
                let place = format!("some.toml:{}:{}\n", fault.line, fault.column);
                proptest::prop_assert!(report.contains(&place), "{report}");
            }
        }
    }
}
