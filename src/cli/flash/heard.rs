//! What a board said in its boot check, for whoever flashes it by hand: the values, and how the
//! console ended where it failed.

use std::fmt::Write;

use crate::event::Step;
use crate::job::Verdict;
use crate::manifest::limits;

/// Lines of a failed board's console that are shown; the record has the rest.
const SHOWN_LINES: usize = 30;

/// Empty where there was no boot check.
pub(super) fn heard(verdict: &Verdict) -> String {
    let mut text = String::new();
    let Some(boot) = &verdict.boot else {
        return text;
    };
    for measured in &boot.measurements {
        let gap = if measured.unit.is_empty() { "" } else { " " };
        let allowed = limits(measured.low, measured.high, &measured.unit);
        let mark = if measured.is_within() { "" } else { " !" };
        // writing to a String cannot fail
        let _ = writeln!(
            text,
            "  {}: {}{gap}{} (allowed: {allowed}){mark}",
            measured.name, measured.value, measured.unit
        );
    }
    let failed = verdict.steps.last();
    if failed.is_some_and(|step| step.step == Step::Boot && step.code.is_some()) {
        let lines: Vec<&str> = boot.text.lines().collect();
        let from = lines.len().saturating_sub(SHOWN_LINES);
        for line in &lines[from..] {
            let _ = writeln!(text, "  | {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Code, Outcome};
    use crate::job::{BootLog, Measurement, Retries, StepResult};

    fn verdict(code: Option<Code>, boot: Option<BootLog>) -> Verdict {
        Verdict {
            outcome: code.map_or(Outcome::Pass, Code::outcome),
            code,
            detail: String::new(),
            identity: None,
            attempts: 1,
            retries: Retries::default(),
            written_by: None,
            baud: 0,
            bytes_written: 0,
            bytes_skipped: 0,
            boot,
            log: String::new(),
            steps: vec![StepResult {
                step: Step::Boot,
                attempt: 1,
                began: Duration::ZERO,
                took: Duration::ZERO,
                code,
            }],
            regions: Vec::new(),
        }
    }

    #[test]
    fn values_always_and_the_console_of_a_board_that_failed() {
        let measured = |name: &str, value, unit: &str| Measurement {
            name: name.into(),
            value,
            unit: unit.into(),
            low: Some(3000.0),
            high: None,
        };
        let boot = BootLog {
            text: (0..40).map(|line| format!("line {line}\n")).collect(),
            measurements: vec![measured("vbat", 3301.5, "mV"), measured("count", 2.0, "")],
        };
        let values = "  vbat: 3301.5 mV (allowed: 3000 mV and more)\n  count: 2 (allowed: 3000 and more) !\n";
        assert_eq!(heard(&verdict(None, Some(boot.clone()))), values);
        let failed = heard(&verdict(Some(Code::BootTimeout), Some(boot)));
        let console = failed.strip_prefix(values).unwrap();
        assert_eq!(console.lines().count(), SHOWN_LINES);
        assert!(console.starts_with("  | line 10\n") && console.ends_with("  | line 39\n"));
        assert_eq!(heard(&verdict(None, None)), "");
    }
}
