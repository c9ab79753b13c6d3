use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::*;
use crate::chip::Mac;
use crate::event::{Code, FirstArticle, LotName, SlotId};
use crate::record::{Jobs, OpenUnit, SlowSlot, Yield};

fn report() -> Report {
    Report {
        database: "flashline.db".to_owned(),
        since: Since(Some("2026-11-02T00:00:00+08:00".parse().unwrap())),
        lot: None,
        zone: TimeZone::fixed(jiff::tz::offset(8)),
        figures: Figures {
            period: Yield {
                units: 10_412,
                first_pass: 10_129,
                passed: 10_398,
                written: 3,
                median_cycle: Some(Duration::from_millis(12_480)),
                failures: vec![
                    (Code::NoSync, 34),
                    (Code::Unplugged, 21),
                    (Code::PortError, 12),
                    (Code::Stopped, 5),
                ],
                jobs: Jobs {
                    passed: 10_431,
                    written: 3,
                    failed: 221,
                    no_contact: 34,
                    errors: 12,
                    aborted: 5,
                    skipped: 6,
                    golden: 7,
                },
            },
            running: 8,
            open_units: vec![OpenUnit {
                unit: Mac([0x24, 0x0A, 0xC4, 0, 0, 1]).into(),
                slot: SlotId::new("=上3, \"left\""),
                since: "2026-11-02T10:14:30+08:00".parse().unwrap(),
                code: Code::Unplugged,
            }],
            slow_slots: vec![
                SlowSlot {
                    slot: SlotId::new("3"),
                    jobs: 410,
                    baud: 460_800,
                    neighbours_baud: 921_600,
                    bytes_per_second: 71_000,
                    neighbours_bytes_per_second: 139_000,
                },
                SlowSlot {
                    slot: SlotId::new("=7"),
                    jobs: 96,
                    baud: 921_600,
                    neighbours_baud: 921_600,
                    bytes_per_second: 101_000,
                    neighbours_bytes_per_second: 139_000,
                },
            ],
        },
    }
}

fn nothing() -> Report {
    Report {
        since: Since::default(),
        figures: Figures {
            period: Yield::default(),
            running: 0,
            open_units: Vec::new(),
            slow_slots: Vec::new(),
        },
        ..report()
    }
}

fn render(report: &Report, format: Format) -> String {
    let mut text = Vec::new();
    write(report, format, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn table() {
    insta::assert_snapshot!(render(&report(), Format::Table));
    insta::assert_snapshot!(render(&nothing(), Format::Table), @r"
    flashline.db, all jobs

    no jobs
    ");
}

#[test]
fn a_table_fits_80_columns_whatever_failed() {
    let mut report = report();
    report.figures.period.failures = Code::ALL.map(|code| (code, 999_999)).to_vec();
    report.figures.open_units[0].code = Code::FlashNoAnswer;
    let table = render(&report, Format::Table);
    let widest = table.lines().map(UnicodeWidthStr::width).max().unwrap();
    assert!(widest <= 80, "{widest} columns:\n{table}");
}

#[test]
fn a_table_lists_some_open_units_and_counts_the_rest() {
    let mut report = report();
    let unit = report.figures.open_units[0].clone();
    for (units, told) in [(20, false), (21, true)] {
        report.figures.open_units = vec![unit.clone(); units];
        let table = render(&report, Format::Table);
        assert_eq!(table.matches("24:0a:c4").count(), 20);
        assert_eq!(table.contains("and 1 more:"), told, "{table}");
    }
}

#[test]
fn csv() {
    let csv = render(&report(), Format::Csv);
    assert_eq!(csv.lines().count(), csv.matches("\r\n").count());
    insta::assert_snapshot!(csv.replace('\r', ""));
    for record in ::csv::Reader::from_reader(csv.as_bytes()).records() {
        for cell in record.unwrap().iter() {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{cell}"
            );
        }
    }
    insta::assert_snapshot!(
        "csv_of_nothing",
        render(&nothing(), Format::Csv).replace('\r', "")
    );
}

#[test]
fn json() {
    insta::assert_snapshot!(render(&report(), Format::Json));
    insta::assert_snapshot!("json_of_nothing", render(&nothing(), Format::Json));
}

/// Of a lot whose papers spell it as a formula.
fn of_a_lot() -> Report {
    let report = report();
    let lot = LotStanding {
        lot: LotName::parse("=L-2031").unwrap(),
        product: "thermostat".to_owned(),
        version: "1.4.2".to_owned(),
        bundle: "3f2a91c07be4".to_owned(),
        order: Some("+PO 88231".to_owned()),
        target: 12_000,
        state: LotState::Running,
        first_article: FirstArticle::Approved,
        figures: report.figures.period.clone(),
        open_units: 1,
        units_per_hour: Some(312.44),
        to_go: Some(Duration::from_millis(18_460_500)),
    };
    Report {
        since: Since::default(),
        lot: Some(lot),
        ..report
    }
}

#[test]
fn of_one_lot() {
    let csv = render(&of_a_lot(), Format::Csv);
    for record in ::csv::Reader::from_reader(csv.as_bytes()).records() {
        let is_formula = |cell: &str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        assert!(!record.unwrap().iter().any(is_formula), "{csv}");
    }
    // what comes before the figures that every report has
    let head = |text: &str, figures: &str| text.split(figures).next().unwrap().replace('\r', "");
    let table = render(&of_a_lot(), Format::Table);
    insta::assert_snapshot!("table_of_a_lot", head(&table, "units"));
    insta::assert_snapshot!("csv_of_a_lot", head(&csv, "\nunits,"));
    let json = render(&of_a_lot(), Format::Json);
    insta::assert_snapshot!("json_of_a_lot", head(&json, "  \"units\""));
}
