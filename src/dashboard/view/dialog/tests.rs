use super::*;
use crate::dashboard::fixture;
use crate::event::LotName;
use crate::station::NewLot;

/// A dialog about `ask` at a bench where wang and zhao have PINs.
fn dialog(subject: Subject, now: Instant) -> Dialog {
    Dialog::new(
        1,
        subject,
        &fixture::with_supervisors(fixture::bench()),
        &fixture::li(),
        now,
    )
}

fn free_line() -> Subject {
    Subject::Ask(Ask::FreeLine)
}

/// Presses keys: letters as themselves, `\r` Enter, `\u{8}` Backspace, `<`, `>`, `^`, `v` the arrows. What
/// the last one did.
fn press(dialog: &mut Dialog, keys: &str) -> Filled {
    let now = Instant::now();
    let mut filled = Filled::Going;
    for key in keys.chars() {
        let code = match key {
            '\r' => KeyCode::Enter,
            '\u{8}' => KeyCode::Backspace,
            '\u{1b}' => KeyCode::Esc,
            '<' => KeyCode::Left,
            '>' => KeyCode::Right,
            '^' => KeyCode::Up,
            'v' => KeyCode::Down,
            letter => KeyCode::Char(letter),
        };
        filled = dialog.key(KeyEvent::from(code), Language::English, now);
    }
    filled
}

fn warrant(name: &str, pin: &str, why: &str) -> Warrant {
    Warrant {
        why: why.into(),
        pin: Some(NamedPin {
            supervisor: name.into(),
            pin: Pin(pin.into()),
        }),
    }
}

#[test]
fn who_pin_and_why_make_a_warrant() {
    let check = |keys: &str, expected: Warrant| {
        let mut dialog = dialog(free_line(), Instant::now());
        let filled = press(&mut dialog, keys);
        assert_eq!(
            filled,
            Filled::Complete(Ask::FreeLine, expected),
            "{keys:?}"
        );
        assert_eq!((dialog.pin.chars(), dialog.stage), (0, Stage::Asked));
    };
    check(
        "\r4711\r>\r",
        warrant("wang", "4711", "the cause is mended"),
    );
    check(
        ">\r4711\r>>\r",
        warrant("zhao", "4711", "the boards were bad"),
    );
    check(
        "z\r12\u{8}3\r<\r",
        warrant("zhao", "13", "checked, nothing found"),
    );
    check("\r4711\r it broke \r", warrant("wang", "4711", "it broke"));
}

#[test]
fn nothing_is_asked_while_something_is_missing() {
    let check = |keys: &str, field| {
        let mut dialog = dialog(free_line(), Instant::now());
        assert_eq!(press(&mut dialog, keys), Filled::Going, "{keys:?}");
        assert_eq!(dialog.fault, Some(Fault::Missing(field)), "{keys:?}");
        assert_eq!(dialog.focus, field);
    };
    check("\r\r>\r", Field::Pin);
    check("\r4711\r\r", Field::Why);
    check("\r4711\r \r", Field::Why);
    check("\r4711\rx\u{8}\r", Field::Why);
}

/// Another person's PIN is another one, and a wrong one is typed anew.
#[test]
fn a_pin_is_forgotten() {
    let mut dialog = dialog(free_line(), Instant::now());
    press(&mut dialog, "\r4711^>");
    assert_eq!(dialog.pin.chars(), 0);
    press(&mut dialog, "v4711\r>\r");
    let name: Arc<str> = "zhao".into();
    dialog.refused(RequestRefused::WrongPin { name, left: 2 });
    assert_eq!((dialog.pin.chars(), dialog.focus), (0, Field::Pin));
    assert_eq!(dialog.stage, Stage::Filling);
    // the reason is still there
    let again = press(&mut dialog, "4712\r\r");
    let expected = warrant("zhao", "4712", "the cause is mended");
    assert_eq!(again, Filled::Complete(Ask::FreeLine, expected));
}

#[test]
fn a_pin_is_not_even_in_a_debug_text() {
    let mut dialog = dialog(free_line(), Instant::now());
    press(&mut dialog, "\r80815");
    assert!(!format!("{dialog:?}").contains("80815"));
    let filled = press(&mut dialog, "\r>\r");
    assert!(!format!("{filled:?}").contains("80815"));
}

#[test]
fn a_barcode_is_no_pin_and_no_reason() {
    let now = Instant::now();
    let check = |keys: &str, text, taken, field| {
        let mut dialog = dialog(free_line(), now);
        press(&mut dialog, keys);
        assert_eq!(dialog.scan(text, now), taken, "{keys:?}");
        assert_eq!((dialog.focus, dialog.pin.chars()), (field, 0), "{keys:?}");
        assert_eq!(dialog.why, Why::Unsaid);
        dialog
    };
    let badge = check("", " Zhao ", true, Field::Pin);
    assert_eq!(badge.people[badge.person].name(), "zhao");
    check("", "A17", false, Field::Who);
    let pin = check("\r", "4711", true, Field::Pin);
    assert_eq!(pin.fault, Some(Fault::ScanIgnored));
    check("\rv", "4711", true, Field::Why);
}

#[test]
fn a_supervisor_by_login_needs_no_pin_and_who_is_nobody_gets_no_further() {
    let now = Instant::now();
    let nobody = fixture::bench();
    let mut own = Dialog::new(1, free_line(), &nobody, &fixture::wang(), now);
    let expected = Warrant {
        why: "the cause is mended".into(),
        pin: None,
    };
    let filled = press(&mut own, "\r>\r");
    assert_eq!(filled, Filled::Complete(Ask::FreeLine, expected));
    let mut none = Dialog::new(1, free_line(), &nobody, &fixture::li(), now);
    assert_eq!(press(&mut none, "\r\rx\r"), Filled::Going);
    assert_eq!(press(&mut none, "\u{1b}"), Filled::Closed);
}

/// What was shown is approved, whatever has become of the manifest since.
#[test]
fn one_of_several_manifests_is_approved() {
    let shown: Vec<BundleView> = fixture::changed_on_disk()
        .bundles
        .iter()
        .filter(|bundle| matches!(bundle.on_disk, OnDisk::Changed { .. }))
        .cloned()
        .collect();
    let check = |keys: &str, bundle: &str| {
        let subject = Subject::Bundle {
            shown: shown.clone(),
            at: 0,
        };
        let mut dialog = dialog(subject, Instant::now());
        let bundle = bundle.to_owned();
        let expected = warrant("wang", "4711", "new release");
        let filled = press(&mut dialog, keys);
        assert_eq!(
            filled,
            Filled::Complete(Ask::TakeBundle { bundle }, expected)
        );
    };
    check("\r\r4711\r>\r", "77d0c2b91e5a");
    check(">\r\r4711\r>\r", "0c11aa5533ee");
    check(">>\r\r4711\r>\r", "77d0c2b91e5a");
}

#[test]
fn a_lot_is_entered() {
    use super::super::form::LotForm;
    let now = Instant::now();
    let form = || Subject::NewLot(LotForm::new(&fixture::bench()));
    let entered = |keys: &str| {
        let mut dialog = dialog(form(), now);
        match press(&mut dialog, keys) {
            Filled::Complete(Ask::ApproveLot(lot), _) => Ok(lot),
            _ => Err(dialog.fault),
        }
    };
    let lot = |order: Option<&str>, hold_first_article| NewLot {
        lot: LotName::parse("L-7").unwrap(),
        target: 500,
        order: order.map(str::to_owned),
        bundle: None,
        hold_first_article,
    };
    assert_eq!(entered("L-7\r500\r\r\r\r4711\r>\r"), Ok(lot(None, true)));
    assert_eq!(
        entered("L-7\r5x00\rPO9\r>\r\r4711\r>\r"),
        Ok(lot(Some("PO9"), false))
    );
    assert_eq!(
        entered("\r500\r\r\r\r4711\r>\r"),
        Err(Some(Fault::Missing(Field::Lot)))
    );
    assert_eq!(
        entered("L-7\r0\r\r\r\r4711\r>\r"),
        Err(Some(Fault::Missing(Field::Target)))
    );
    // its papers are scanned
    let mut dialog = dialog(form(), now);
    assert!(dialog.scan("L-8", now) && dialog.scan("40", now) && dialog.scan("PO10", now));
    let Filled::Complete(Ask::ApproveLot(lot), _) = press(&mut dialog, "\r\r4711\r>\r") else {
        panic!("{:?}", dialog.fault);
    };
    assert_eq!(
        (lot.lot.as_str(), lot.target, lot.order.as_deref()),
        ("L-8", 40, Some("PO10"))
    );
}

proptest::proptest! {
    /// No keys make it panic, and none but a complete form asks anything.
    #[test]
    fn any_keys_are_taken(keys in "[a-c0-9 \r\u{8}<>^v]{0,60}") {
        use super::super::form::LotForm;
        for subject in [free_line(), Subject::NewLot(LotForm::new(&fixture::changed_on_disk()))] {
            let mut dialog = dialog(subject, Instant::now());
            press(&mut dialog, &keys);
            proptest::prop_assert!(dialog.fields().contains(&dialog.focus));
        }
    }
}
