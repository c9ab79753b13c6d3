//! The keys of `[boot]` and `[[boot.measure]]`.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeValue;

use super::super::draft::{error, once};
use super::{BootCheck, Measure, Pattern, Reject, Secrets, reject};
use crate::settings::{
    Document, Fields, Found, Misfit, no_expression, number, text, whole, yes_or_no,
};

const BAUDS: RangeInclusive<u32> = 300..=12_000_000;
/// ESP-IDF's, and that of every ROM but the ESP8266's.
const DEFAULT_BAUD: u32 = 115_200;
const TIMEOUTS_MS: RangeInclusive<u32> = 100..=600_000;
const DEFAULT_TIMEOUT_MS: u32 = 10_000;
const LINGERS_MS: RangeInclusive<u32> = 0..=60_000;

/// Of one kind; every line is held against all of them.
const PATTERNS_AT_MOST: usize = 64;
const PATTERN_CHARACTERS: usize = 256;

/// Reads `[boot]`, if there is one; `None` as well where it has no meaning, which is told then.
pub(in crate::manifest) fn read(
    document: &Document<'_>,
    root: &mut Fields<'_>,
) -> Option<BootCheck> {
    let mut boot = root.table("boot", "[boot]")?;
    let baud = boot.optional("baud", whole(BAUDS, "baud"));
    let timeout_ms = boot.optional("timeout_ms", whole(TIMEOUTS_MS, "milliseconds"));
    let linger_ms = boot.optional("linger_ms", whole(LINGERS_MS, "milliseconds"));
    let expect = patterns(document, &mut boot, "expect");
    let own_reject = patterns(document, &mut boot, "reject");
    let default_rejects = boot
        .optional("default_rejects", yes_or_no)
        .is_none_or(|found| found.value);
    let secrets = Secrets::new(patterns(document, &mut boot, "secrets"));
    let measures = measures(document, &mut boot, &secrets);
    let waits = !expect.is_empty() || measures.iter().any(|measure| measure.required);
    // beside a pattern or a value that does not fit, this may only follow
    if !waits && !document.has_errors() {
        boot.error(
            "[boot] waits for nothing",
            "say what a good board prints: expect = [\"…\"], or a [[boot.measure]] that is required",
        );
    }
    boot.finish();

    let own = own_reject.into_iter().map(|pattern| Reject {
        pattern,
        meaning: None,
    });
    let usual = match default_rejects {
        true => reject::every_product(),
        false => Vec::new(),
    };
    let milliseconds = |found: Option<Found<u32>>, or: u32| {
        Duration::from_millis(found.map_or(or, |found| found.value).into())
    };
    Some(BootCheck {
        baud: baud.map_or(DEFAULT_BAUD, |found| found.value),
        timeout: milliseconds(timeout_ms, DEFAULT_TIMEOUT_MS),
        linger: milliseconds(linger_ms, 0),
        expect,
        reject: own.chain(usual).collect(),
        loop_starts: default_rejects.then_some(reject::LOOP_STARTS),
        measures,
        secrets,
    })
}

fn patterns(document: &Document<'_>, boot: &mut Fields<'_>, key: &'static str) -> Vec<Pattern> {
    let Some(found) = boot.list(key, pattern) else {
        return Vec::new();
    };
    few(document, &found, &format!("`{key}`"));
    found.value.into_iter().map(|found| found.value).collect()
}

fn few<T>(document: &Document<'_>, found: &Found<Vec<T>>, name: &str) {
    if found.value.len() > PATTERNS_AT_MOST {
        document.error(
            &found.span,
            format!("{name} has more than {PATTERNS_AT_MOST} patterns"),
            "join some: one|other",
        );
    }
}

fn measures(document: &Document<'_>, boot: &mut Fields<'_>, secrets: &Secrets) -> Vec<Measure> {
    let mut names = HashMap::new();
    let tables = boot.tables("measure", "[[boot.measure]]");
    if tables.len() > PATTERNS_AT_MOST {
        let message = format!("there are more than {PATTERNS_AT_MOST} [[boot.measure]]");
        boot.error(message, "measure less");
    }
    tables
        .into_iter()
        .filter_map(|mut table| {
            let name = table.required("name", "\"vbat\"", text(32));
            let key = table.optional("key", text(64));
            let pattern = table.optional("pattern", pattern);
            let unit = table.optional("unit", text(16));
            let low = table.optional("low", number);
            let high = table.optional("high", number);
            let required = table.optional("required", yes_or_no);
            let has_pattern = table.has("pattern");
            table.finish();

            if let (Some(low), Some(high)) = (&low, &high)
                && low.value > high.value
            {
                let fault = error(
                    document,
                    &high.span,
                    "no value is within these limits",
                    "swap them, or leave one out",
                );
                document.push(fault.and(low.span.clone(), "the lower limit"));
            }
            if let (Some(key), Some(pattern)) = (&key, &pattern) {
                let fault = error(
                    document,
                    &pattern.span,
                    "a value is found by its `key` or by a `pattern`, not by both",
                    "leave one out",
                );
                document.push(fault.and(key.span.clone(), "the key"));
            }
            if let Some(pattern) = pattern.as_ref().filter(|found| !found.value.has_group()) {
                document.error(
                    &pattern.span,
                    "the pattern has no group to tell where the number is",
                    r"put the number in brackets: 'VBAT is (\d+) mV'",
                );
            }
            let name = name?;
            once(
                document,
                &mut names,
                name.value.clone(),
                &name.span,
                format!("two measurements are called `{}`", name.value),
                "give each a name of its own",
            );
            for called in [Some(&name), key.as_ref()].into_iter().flatten() {
                if secrets.covers(&called.value) {
                    document.error(
                        &called.span,
                        format!("`{}` looks like a secret, and secrets are blotted out before anything is measured", called.value),
                        "let the app print the value under another name",
                    );
                }
            }
            let pattern = match pattern {
                Some(pattern) => pattern.value,
                None if has_pattern => return None,
                None => after_key(key.as_ref().map_or(&name.value, |key| &key.value))?,
            };
            Some(Measure {
                name: name.value,
                pattern,
                unit: unit.map_or_else(String::new, |unit| unit.value),
                low: low.map(|low| low.value),
                high: high.map(|high| high.value),
                required: required.is_none_or(|required| required.value),
            })
        })
        .collect()
}

fn pattern(value: &DeValue<'_>) -> Result<Pattern, Misfit> {
    let written = text(PATTERN_CHARACTERS)(value)?;
    Pattern::new(&written).map_err(|why| no_expression(&why))
}

/// `key=value`, `key: value`, `"key":value`: a number, or the `nan` and `inf` of C's printf.
fn after_key(key: &str) -> Option<Pattern> {
    let pattern = format!(
        r#"(?:^|[^\w.-]){}["']?\s*[=:]\s*["']?([-+]?(?:0[xX][0-9a-fA-F]+|\d[\d.]*(?:[eE][-+]?\d+)?|\.\d+|(?i:nan|inf(?:inity)?)\b))"#,
        regex::escape(key)
    );
    Pattern::new(&pattern).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_value() {
        let check = |line: &str, expected: Option<&str>| {
            let pattern = after_key("v.bat").unwrap();
            assert_eq!(pattern.first_group(line), expected, "{line}");
        };
        check("v.bat=3300", Some("3300"));
        check("I (12) adc: v.bat: -3.30e2V", Some("-3.30e2"));
        check(r#"{"v.bat":"0x1F","x":1}"#, Some("0x1F"));
        check("a=1,v.bat = .5", Some(".5"));
        check("v.bat=nan", Some("nan"));
        check("v.bat=-inf", Some("-inf"));
        check("v.bat=nano", None);
        check("v.bat=1.2.3", Some("1.2.3"));
        check("xv.bat=1", None);
        check("min-v.bat=1", None);
        check("vxbat=1", None);
        check("v.bat 3", None);
        check("v.bat=high", None);
    }
}
