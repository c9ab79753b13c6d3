//! Regular expressions that a file gives: bounded in what they take up, and told in one line what is wrong
//! with one. Leaves out what they are held against.

use regex::{Regex, RegexBuilder};

use super::Misfit;

/// What a compiled pattern may take up: room for some hundred characters with counted repetitions, and
/// none for `(\w{1000}){1000}`.
const COMPILED_BYTES: usize = 2 << 20;

/// Compiles it.
///
/// # Errors
/// Why it is none, in a few words, or that it takes too much memory.
pub fn expression(text: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(text)
        .size_limit(COMPILED_BYTES)
        .nest_limit(32)
        .build();
    regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            "it is too large: shorten it, or its repetitions".to_owned()
        }
        error => {
            // the parser draws the place over several lines and ends with the reason
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            reason.strip_prefix("error: ").unwrap_or(reason).to_owned()
        }
    })
}

/// A value that is none.
pub fn no_expression(why: &str) -> Misfit {
    Misfit::new(
        format!("is no regular expression: {why}"),
        r"put \ before each of . + * ? ( ) [ ] { } | ^ $ that stands for itself, and the whole between single quotes",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_none_says_why_in_one_line() {
        let why = |text| expression(text).unwrap_err();
        assert_eq!(why("a("), "unclosed group");
        assert_eq!(
            why("[z-a]"),
            "invalid character class range, the start must be <= the end"
        );
        assert!(why(r"(\w{500}){500}").starts_with("it is too large"));
        assert!(!why(&"(".repeat(200)).contains('\n'));
    }
}
