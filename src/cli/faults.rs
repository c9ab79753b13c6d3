//! Telling the mistakes in a file, for every command that reads one: to stderr, coloured where that
//! is a terminal that wants it.

use std::io::{self, IsTerminal, Write};

use crate::settings::{Fault, Paint, Severity};

/// Tells them all and how many they are.
pub fn tell(faults: &[Fault]) {
    if faults.is_empty() {
        return;
    }
    let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let paint = if io::stderr().is_terminal() && wants_colour {
        Paint::Coloured
    } else {
        Paint::Plain
    };
    let text = format!(
        "{}\n\n{}\n",
        Fault::render_all(faults, paint),
        count(faults)
    );
    // an unwritable stderr leaves nobody to tell
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// "2 errors and 1 warning".
fn count(faults: &[Fault]) -> String {
    let of = |severity, word: &str| {
        let number = faults.iter().filter(|f| f.severity == severity).count();
        let plural = if number == 1 { "" } else { "s" };
        (number > 0).then(|| format!("{number} {word}{plural}"))
    };
    let parts = [
        of(Severity::Error, "error"),
        of(Severity::Warning, "warning"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(" and ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::Source;

    #[test]
    fn counting() {
        let source = Source::new(Path::new("x"), "");
        let fault = |severity| Fault::new(severity, &source, None, "", "");
        let (error, warning) = (fault(Severity::Error), fault(Severity::Warning));
        assert_eq!(count(std::slice::from_ref(&error)), "1 error");
        assert_eq!(
            count(&[error.clone(), error, warning]),
            "2 errors and 1 warning"
        );
    }
}
