//! What a TOML value may be: one small reader per kind, which returns the value or says what it is
//! instead and what to write.

use std::ops::RangeInclusive;

use toml::de::DeValue;

/// A value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Reads on from the key: "is a list".
    pub what: String,
    pub advice: String,
}

impl Misfit {
    pub fn new(what: impl Into<String>, advice: impl Into<String>) -> Misfit {
        Misfit {
            what: what.into(),
            advice: advice.into(),
        }
    }

    fn kind(value: &DeValue<'_>, advice: impl Into<String>) -> Misfit {
        let kind = match value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        Misfit::new(format!("is {kind}"), advice)
    }
}

/// A string that is not empty, of at most `longest` characters and without control characters.
pub fn text(longest: usize) -> impl Fn(&DeValue<'_>) -> Result<String, Misfit> {
    move |value| {
        let advice = || format!("write 1 to {longest} characters between quotes");
        let DeValue::String(text) = value else {
            return Err(Misfit::kind(value, advice()));
        };
        let length = text.chars().count();
        if text.trim().is_empty() {
            Err(Misfit::new("is empty", advice()))
        } else if length > longest {
            Err(Misfit::new(
                format!("has {length} characters, more than {longest}"),
                advice(),
            ))
        } else if text.chars().any(char::is_control) {
            Err(Misfit::new("holds a control character", "leave it out"))
        } else {
            Ok(text.clone().into_owned())
        }
    }
}

/// A whole number within bounds; `unit` is what it counts ("milliseconds").
pub fn whole(
    bounds: RangeInclusive<u32>,
    unit: &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<u32, Misfit> {
    move |value| {
        let (low, high) = (*bounds.start(), *bounds.end());
        let advice =
            || format!("write a whole number from {low} to {high} ({unit}), without quotes");
        let DeValue::Integer(number) = value else {
            return Err(Misfit::kind(value, advice()));
        };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) if value < i64::from(low) => Err(Misfit::new(
                format!("is {value}, less than {low}"),
                advice(),
            )),
            Ok(value) if value <= i64::from(high) => Ok(value as u32),
            _ => Err(Misfit::new(
                format!("is {number}, more than {high}"),
                advice(),
            )),
        }
    }
}

/// A number, whole or with a fraction.
pub fn number(value: &DeValue<'_>) -> Result<f64, Misfit> {
    let advice = "write a number such as 3.3, without quotes";
    let read = match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number as f64),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => return Err(Misfit::kind(value, advice)),
    };
    read.filter(|number: &f64| number.is_finite())
        .ok_or_else(|| Misfit::new("is no number to compare with", advice))
}

/// `true` or `false`.
pub fn yes_or_no(value: &DeValue<'_>) -> Result<bool, Misfit> {
    match value {
        DeValue::Boolean(value) => Ok(*value),
        _ => Err(Misfit::kind(value, "write true or false, without quotes")),
    }
}

/// One of a few words, each with its meaning.
pub fn word<T: Clone>(words: &[(&str, T)]) -> impl Fn(&DeValue<'_>) -> Result<T, Misfit> {
    move |value| {
        let names: Vec<String> = words
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        let advice = || match names.as_slice() {
            [only] => format!("write {only}"),
            [others @ .., last] => format!("write {} or {last}", others.join(", ")),
            [] => String::new(),
        };
        let DeValue::String(text) = value else {
            return Err(Misfit::kind(value, advice()));
        };
        words
            .iter()
            .find_map(|(name, meaning)| (name == text).then(|| meaning.clone()))
            .ok_or_else(|| Misfit::new(format!("is \"{text}\""), advice()))
    }
}
