use super::*;
use crate::settings::Settings;

const HEAD: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

fn scan(text: &str) -> ScanSettings {
    let settings = Settings::parse("station.toml".as_ref(), &format!("{HEAD}{text}"));
    settings.unwrap().scan
}

const ALL: &str =
    "[scan]\noperator = 'OP-(\\w+)'\nlot = 'L-\\d+'\nserial = 'SN(?:-)?([0-9A-F]{4})|old\\d'\n";

#[test]
fn patterns_tell_scans_apart() {
    let all = scan(ALL);
    let check = |text: &str, expected: Option<(ScanKind, &str)>| {
        assert_eq!(all.tell(text), expected, "{text:?}");
    };
    check("OP-anna", Some((ScanKind::Operator, "anna")));
    check(" L-2031\n", Some((ScanKind::Lot, "L-2031")));
    check("SN-00A7", Some((ScanKind::Serial, "00A7")));
    // the group had no part in it
    check("old7", Some((ScanKind::Serial, "old7")));
    // the whole text, not a part of it
    check("xSN-00A7", None);
    check("SN-00A7x", None);
    check("SN-00A7 OP-anna", None);
    check("", None);
    use ScanKind::{Lot, Operator, Serial};
    assert_eq!(all.kinds(), [Operator, Lot, Serial]);
}

#[test]
fn without_a_pattern_for_it_what_is_nothing_else_is_a_serial() {
    let none = scan("");
    assert_eq!(none.tell(" A17 "), Some((ScanKind::Serial, "A17")));
    assert_eq!(none.kinds(), [ScanKind::Serial]);
    let badges = scan("[scan]\noperator = 'OP-.+'\n");
    assert_eq!(badges.tell("A17"), Some((ScanKind::Serial, "A17")));
    assert_eq!(badges.tell("OP-A17"), Some((ScanKind::Operator, "OP-A17")));
}

#[test]
fn the_first_of_several_holds_and_that_is_found_out() {
    let check = |patterns: &str, expected: &[(ScanKind, ScanKind)]| {
        let settings = scan(&format!("[scan]\n{patterns}"));
        let overlaps = settings.overlaps();
        let kinds: Vec<_> = overlaps
            .iter()
            .map(|overlap| (overlap.first, overlap.second.kind))
            .collect();
        assert_eq!(kinds, expected, "{patterns}");
        for overlap in overlaps {
            let (kind, _) = settings.tell(&overlap.text).unwrap();
            assert_eq!(kind, overlap.first, "{}", overlap.text);
        }
    };
    use ScanKind::{Lot, Operator, Serial};
    check(
        "operator = 'OP-.+'\nlot = 'L-\\d+'\nserial = '\\d{6}'\n",
        &[],
    );
    check(
        "operator = '\\d{4,8}'\nserial = '\\d{6}'\n",
        &[(Operator, Serial)],
    );
    check("operator = '\\d{5}'\nserial = '\\d{6}'\n", &[]);
    check("lot = '.+'\nserial = 'SN.+'\n", &[(Lot, Serial)]);
    check("lot = 'L.*'\nserial = '.{3}'\n", &[(Lot, Serial)]);
    check("lot = '[A-M]{3}'\nserial = '[M-Z]{3}'\n", &[(Lot, Serial)]);
    check(
        "operator = '\\w+'\nlot = '\\w+'\nserial = '\\w+'\n",
        &[(Operator, Lot), (Operator, Serial)],
    );
}

#[test]
fn an_overlap_is_told_at_the_one_that_loses() {
    let text = format!("{HEAD}[scan]\nserial = '\\d{{6}}'\noperator = '\\d+'\n");
    let source = Source::new("station.toml".as_ref(), text.as_str());
    let settings = Settings::read(&source).unwrap();
    let warnings = settings.scan.warnings(&source);
    let told: Vec<_> = warnings
        .iter()
        .map(|fault| (fault.line, fault.column, fault.message.as_str()))
        .collect();
    let message = "`000000` fits `operator` and `serial`, and is taken for `operator`";
    assert_eq!(told, [(4, 10, message)]);
}

#[test]
fn how_long_a_serial_waits() {
    assert_eq!(scan("").pair, Duration::from_secs(30));
    assert_eq!(
        scan("[scan]\npair_seconds = 5").pair,
        Duration::from_secs(5)
    );
}

#[test]
fn a_comment_in_a_pattern_ends_with_it() {
    let commented = scan("[scan]\nserial = '(?x) [0-9]+  # digits'\n");
    assert_eq!(commented.tell("123"), Some((ScanKind::Serial, "123")));
    assert_eq!(commented.tell("123x"), None);
}

#[test]
fn what_is_no_pattern_is_told() {
    let check = |text: &str, expected: (usize, usize, &str)| {
        let text = format!("{HEAD}{text}");
        let faults = Settings::parse("station.toml".as_ref(), &text).unwrap_err();
        let [fault] = faults.as_slice() else {
            panic!("{faults:?}")
        };
        let told = (fault.line, fault.column, fault.message.as_str());
        assert_eq!(told, expected, "{text}");
    };
    check(
        "[scan]\nserial = 'SN('",
        (4, 10, "`serial` is no regular expression: unclosed group"),
    );
    check(
        "[scan]\nlot = '(L)-(\\d+)'",
        (4, 7, "`lot` has 2 groups, and the value is in one"),
    );
    check(
        "[scan]\npair_seconds = 0",
        (4, 16, "`pair_seconds` is 0, less than 1"),
    );
    check(
        "[line]\nrequire = [\"operator\"]\n[scan]\nserial = 'x'",
        (5, 1, "[scan] has no `operator`"),
    );
    check(
        "[line]\nrequire = [\"operator\"]",
        (0, 0, "no [scan] tells what a badge is"),
    );
}
