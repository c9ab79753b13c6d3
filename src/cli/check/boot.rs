//! The boot check in `flashline check`'s sheet.

use std::path::Path;
use std::time::Duration;

use crate::manifest::{BootCheck, Manifest, Measure, limits};
use crate::settings::Settings;
use crate::station::{mute, why_mute};

/// What the console is held to, line by line. `path`: the manifest's.
pub fn boot(
    check: &BootCheck,
    manifest: &Manifest,
    path: &Path,
    settings: Option<&Settings>,
) -> String {
    let own = check
        .reject
        .iter()
        .filter(|reject| reject.meaning.is_none());
    let mut rejects: Vec<String> = own.map(|reject| quoted(reject.pattern.as_str())).collect();
    rejects.extend(
        check.loop_starts.map(|starts| {
            format!("bad starts of any product, and start {starts} within the check")
        }),
    );
    let expects: Vec<String> = check.expect.iter().map(|p| quoted(p.as_str())).collect();
    let rows = [
        ("expects", expects),
        ("measures", check.measures.iter().map(measure).collect()),
        ("rejects", rejects),
    ];
    let mut text = format!(
        "after the reset the console is read at {} baud, for {} at most{}\n",
        check.baud,
        seconds(check.timeout),
        match check.linger {
            Duration::ZERO => String::new(),
            linger => format!(", and {} more when all has come", seconds(linger)),
        }
    );
    for (heading, values) in rows {
        for (index, value) in values.iter().enumerate() {
            let heading = if index == 0 { heading } else { "" };
            text += &format!("  {heading:8}  {value}\n");
        }
    }
    let slots = settings
        .into_iter()
        .flat_map(|settings| mute(manifest, path, settings));
    for slot in slots {
        let (name, why) = (&slot.name, why_mute(slot));
        text += &format!("  slot {name} {why}: none can pass, and run refuses\n");
    }
    text
}

fn measure(measure: &Measure) -> String {
    let allowed = limits(measure.low, measure.high, &measure.unit);
    let optional = if measure.required {
        ""
    } else {
        ", if it comes"
    };
    format!("{}: {allowed}{optional}", measure.name)
}

fn quoted(pattern: &str) -> String {
    format!("'{pattern}'")
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
