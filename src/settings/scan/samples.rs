//! Some of the texts that a pattern takes, made from what it is written of: each choice once, repetitions at
//! their shortest and one longer, the ends of each range of characters. So two patterns that take the same are mostly
//! found out. Leaves out whether they do.

use regex_syntax::hir::{Class, Hir, HirKind};

/// So many of each part are gone on with, and of the whole.
const AT_MOST: usize = 200;

/// No sample is longer, characters.
const LONGEST: usize = 64;

/// Samples; none for what is no pattern.
pub fn of(pattern: &str) -> Vec<String> {
    regex_syntax::parse(pattern).map_or_else(|_| Vec::new(), |hir| samples(&hir))
}

fn samples(hir: &Hir) -> Vec<String> {
    let mut made = match hir.kind() {
        // whether a place fits is found when the sample is tried
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Class(Class::Unicode(class)) => class
            .iter()
            .flat_map(|range| [range.start(), range.end()])
            .chain(
                // what labels are printed with, where the class is a wide one
                ('0'..='z').filter(|letter| {
                    letter.is_ascii_alphanumeric()
                        && class
                            .iter()
                            .any(|range| (range.start()..=range.end()).contains(letter))
                }),
            )
            .map(String::from)
            .collect(),
        HirKind::Class(Class::Bytes(class)) => class
            .iter()
            .flat_map(|range| [range.start(), range.end()])
            .map(|byte| char::from(byte).to_string())
            .collect(),
        HirKind::Repetition(repetition) => {
            let of_one = samples(&repetition.sub);
            let most = repetition.max.unwrap_or(u32::MAX);
            let counts = repetition.min..=most.min(repetition.min.saturating_add(1));
            counts
                .filter_map(|count| usize::try_from(count).ok())
                .filter(|count| *count <= LONGEST)
                .flat_map(|count| of_one.iter().map(move |one| one.repeat(count)))
                .collect()
        }
        HirKind::Capture(capture) => samples(&capture.sub),
        HirKind::Concat(parts) => parts.iter().fold(vec![String::new()], |before, part| {
            let of_part = samples(part);
            let both = before
                .iter()
                .flat_map(|before| of_part.iter().map(move |part| format!("{before}{part}")));
            spread(both.collect())
        }),
        HirKind::Alternation(choices) => choices.iter().flat_map(samples).collect(),
    };
    made.retain(|text| text.chars().count() <= LONGEST);
    made.dedup();
    spread(made)
}

/// Not only the first of too many.
fn spread(all: Vec<String>) -> Vec<String> {
    let step = all.len().div_ceil(AT_MOST).max(1);
    all.into_iter().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn a_pattern_takes_its_samples() {
        for pattern in [
            "OP-[0-9]{4}",
            "L-(?:20|21)[0-9]*",
            r"\d{6,8}",
            "[A-Z]{2,}(x|yy)?",
            "(?i)sn(.+)",
            "",
        ] {
            let whole = Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap();
            let samples = of(pattern);
            assert!(!samples.is_empty(), "{pattern}");
            for sample in samples {
                assert!(whole.is_match(&sample), "{pattern}: {sample:?}");
            }
        }
    }

    #[test]
    fn however_many_there_are_few_are_made() {
        let many = "[a-z0-9]?".repeat(40);
        assert!(of(&many).len() <= AT_MOST);
        assert!(of(r"(?:\w{9}){9}{9}").len() <= AT_MOST);
        assert_eq!(of("x{4000}"), Vec::<String>::new());
        assert_eq!(of("("), Vec::<String>::new());
    }
}
