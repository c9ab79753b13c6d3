//! Who may change the line, and that it is on record before it is done.

use super::*;
use crate::event::{Happening, LotName};
use crate::record::{Allowed, Proof, WrongPins};
use crate::station::{NewLot, Pin, Tried};

fn free_slot() -> Ask {
    Ask::FreeSlot {
        slot: SlotId::new("1"),
    }
}

/// What is to go on record of what was allowed.
fn allowed(bench: &Bench) -> Vec<&Allowed> {
    let wanted = bench.wanted.iter();
    let allowed = wanted.filter_map(|effect| match effect {
        Effect::Allow { allowed, .. } => Some(allowed),
        _ => None,
    });
    allowed.collect()
}

fn said(bench: &mut Bench, is_it: fn(&Happening) -> bool) -> bool {
    let now = bench.now();
    let notices = bench.dispatcher.snapshot(now).notices;
    notices.iter().any(|notice| is_it(&notice.what))
}

#[test]
fn what_changes_the_line_wants_a_reason_and_a_supervisor() {
    let mut bench = Bench::plug_slot();
    assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
    let by = Who::new("li", Role::Operator);
    let not_one = RequestRefused::SupervisorOnly { by: by.clone() };
    let check = |bench: &mut Bench, by: &Who, warrant: Option<Warrant>, expected| {
        let mut told = ask_for(bench, by.clone(), Ask::FreeLine, warrant);
        answer(bench);
        assert_eq!(told.try_recv().unwrap(), Err(expected));
        assert!(allowed(bench).is_empty());
    };
    let supervisor = Who::new("mei", Role::Supervisor);
    for who in [&by, &supervisor] {
        check(&mut bench, who, None, RequestRefused::WhyMissing);
        let blank = Some(warrant(" \t", None));
        check(&mut bench, who, blank, RequestRefused::WhyMissing);
    }
    check(&mut bench, &by, Some(warrant("mended", None)), not_one);
}

#[test]
fn it_is_done_once_it_is_on_record_and_answered_after_that() {
    let mut bench = Bench::plug_slot();
    let slot = SlotId::new("1");
    assert_eq!(ask(&mut bench, Ask::StopSlot { slot }), Ok(()));
    bench.tell(Input::ServiceKept(Ok(())));
    bench.plug("/bench/1");
    bench.pass(300);
    let by = Who::new("mei", Role::Supervisor);
    let mut told = ask_for(
        &mut bench,
        by,
        free_slot(),
        Some(warrant(" new pins ", None)),
    );
    let row = allowed(&bench)[0];
    assert_eq!(
        (
            &*row.who,
            &*row.terminal,
            row.what,
            row.subject.as_deref(),
            &*row.why
        ),
        ("mei", "mei", "free_slot", Some("1"), "new pins")
    );
    let goes_on = |told: &Happening| matches!(told, Happening::SlotGoesOn { .. });
    // first who and why, then that it is free, then it is
    for _ in 0..2 {
        answer(&mut bench);
        assert!(
            told.try_recv().is_err() && bench.opened().is_empty() && !said(&mut bench, goes_on)
        );
        keep_next(&mut bench);
    }
    answer(&mut bench);
    assert_eq!(told.try_recv().unwrap(), Ok(()));
    assert!(said(&mut bench, goes_on));
    assert_eq!(bench.opened().len(), 1);
}

#[test]
fn nothing_is_done_that_the_record_does_not_take() {
    let not_recorded = Err(RequestRefused::NotRecorded(full().to_string()));
    for commits in [0, 1] {
        let mut bench = Bench::plug_slot();
        assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
        bench.tell(Input::ServiceKept(Ok(())));
        let by = Who::new("mei", Role::Supervisor);
        let mut told = ask_for(&mut bench, by, Ask::FreeLine, Some(warrant("mended", None)));
        if commits == 1 {
            keep_next(&mut bench);
            bench.tell(Input::ServiceKept(Err(full())));
        } else {
            let Some(Effect::Allow { granted, .. }) =
                take_out(&mut bench, |effect| matches!(effect, Effect::Allow { .. }))
            else {
                panic!("an allowance")
            };
            let result = Err(full());
            bench.tell(Input::Allowed { granted, result });
        }
        answer(&mut bench);
        assert_eq!(told.try_recv().unwrap(), not_recorded);
        // and not a moment later, when the record is well
        bench.tell(Input::Health(Ok(Standing::default())));
        let now = bench.now();
        assert!(matches!(
            bench.dispatcher.snapshot(now).line,
            LineState::Halted(_)
        ));
    }
}

#[test]
fn two_who_free_the_same_are_both_on_record_and_one_is_told_that_it_ran() {
    let mut bench = Bench::plug_slot();
    assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
    bench.tell(Input::ServiceKept(Ok(())));
    let mut told = ["anna", "mei"].map(|name| {
        let why = Some(warrant("mended", None));
        ask_for(
            &mut bench,
            Who::new(name, Role::Supervisor),
            Ask::FreeLine,
            why,
        )
    });
    assert_eq!(allowed(&bench).len(), 2);
    for _ in 0..4 {
        keep_next(&mut bench);
    }
    answer(&mut bench);
    let told = told.each_mut().map(|told| told.try_recv().unwrap());
    assert_eq!(told, [Ok(()), Err(RequestRefused::LineRuns)]);
}

#[test]
fn what_took_a_slot_out_while_it_was_being_freed_holds() {
    let mut bench = Bench::plug_slot();
    let slot = SlotId::new("1");
    let stop = || Ask::StopSlot { slot: slot.clone() };
    assert_eq!(ask(&mut bench, stop()), Ok(()));
    bench.tell(Input::ServiceKept(Ok(())));
    let mut told = [(); 2].map(|()| {
        let why = Some(warrant("mended", None));
        ask_for(
            &mut bench,
            Who::new("mei", Role::Supervisor),
            free_slot(),
            why,
        )
    });
    for _ in 0..3 {
        keep_next(&mut bench);
    }
    // stopped again before the second freeing, which was on its way, is on record
    assert_eq!(ask(&mut bench, stop()), Ok(()));
    keep_next(&mut bench);
    answer(&mut bench);
    let told = told.each_mut().map(|told| told.try_recv().unwrap());
    assert_eq!(told, [Ok(()), Err(RequestRefused::SlotOut(slot.clone()))]);
}

#[test]
fn a_unit_is_written_off_by_a_supervisor_and_only_an_open_one() {
    let unit = || Unit::from(identity().mac.unwrap());
    for (found, expected) in [
        (Ok(true), Ok(())),
        (Ok(false), Err(RequestRefused::NotOpen(unit()))),
        (
            Err(full()),
            Err(RequestRefused::NotRecorded(full().to_string())),
        ),
    ] {
        let mut bench = Bench::plug_slot();
        let by = Who::new("mei", Role::Supervisor);
        let why = Some(warrant("cracked", None));
        let mut told = ask_for(&mut bench, by, Ask::WriteOff { unit: unit() }, why);
        keep_next(&mut bench);
        let Some(Effect::WriteOff { writing_off, why }) = take_out(&mut bench, |effect| {
            matches!(effect, Effect::WriteOff { .. })
        }) else {
            panic!("a write-off")
        };
        assert_eq!(&*why, "cracked");
        let done = matches!(found, Ok(true));
        let result = found;
        bench.tell(Input::WrittenOff {
            writing_off,
            result,
        });
        answer(&mut bench);
        assert_eq!(told.try_recv().unwrap(), expected);
        let is_it = |told: &Happening| matches!(told, Happening::WrittenOff { .. });
        assert_eq!(said(&mut bench, is_it), done);
    }
}

const NAMES: [&str; 2] = ["anna", "mei"];

/// Asks at a dashboard in anna's or another's name.
fn ask_by_pin(bench: &mut Bench, name: &str, ask: Ask) -> Answer {
    let named = NamedPin {
        supervisor: name.into(),
        pin: Pin("1234".into()),
    };
    let by = Who::new("line", Role::Operator);
    ask_for(bench, by, ask, Some(warrant("mended", Some(named))))
}

/// Whose PINs are to be tried, taken out.
fn to_try(bench: &mut Bench) -> Vec<String> {
    let mut names = Vec::new();
    bench.wanted.retain(|effect| match effect {
        Effect::TryPin(named) => {
            names.push(named.supervisor.to_string());
            false
        }
        _ => true,
    });
    names
}

/// A PIN was tried; where it was wrong the record takes that.
fn tell_tried(bench: &mut Bench, name: &str, tried: Tried) {
    let supervisor = name.into();
    bench.tell(Input::Tried { supervisor, tried });
    if let Some(Effect::KeepWrongPin { refusing, .. }) = take_out(bench, |effect| {
        matches!(effect, Effect::KeepWrongPin { .. })
    }) {
        let result = Ok(());
        bench.tell(Input::WrongPinKept { refusing, result });
    }
    answer(bench);
}

fn halted() -> Bench {
    let mut bench = Bench::plug_slot();
    assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
    bench.tell(Input::ServiceKept(Ok(())));
    bench
}

#[test]
fn a_pin_that_holds_makes_it_that_supervisors() {
    let mut bench = halted();
    let mut told = ask_by_pin(&mut bench, "anna", Ask::FreeLine);
    assert_eq!(to_try(&mut bench), ["anna"]);
    assert!(allowed(&bench).is_empty());
    tell_tried(&mut bench, "anna", Tried::Right);
    let row = allowed(&bench)[0];
    assert_eq!(
        (
            &*row.who,
            row.how,
            &*row.terminal,
            row.what,
            row.subject.as_deref()
        ),
        ("anna", Proof::Pin, "line", "free_line", None)
    );
    keep_next(&mut bench);
    keep_next(&mut bench);
    answer(&mut bench);
    assert_eq!(told.try_recv().unwrap(), Ok(()));
    let by_anna =
        |told: &Happening| matches!(told, Happening::LineGoesOn { by } if *by.name == *"anna");
    assert!(said(&mut bench, by_anna));
}

#[test]
fn a_pin_that_does_not_hold_does_nothing() {
    let refused = |tried: Tried| match tried {
        Tried::Unknown => RequestRefused::NoPin("anna".into()),
        Tried::Unreadable(why) => RequestRefused::PinsUnreadable(why.to_string()),
        Tried::Wrong | Tried::Right => RequestRefused::WrongPin {
            name: "anna".into(),
            left: 4,
        },
    };
    for tried in [
        Tried::Unknown,
        Tried::Wrong,
        Tried::Unreadable("s.toml:1:1".into()),
    ] {
        let mut bench = halted();
        let mut told = ask_by_pin(&mut bench, "anna", Ask::FreeLine);
        tell_tried(&mut bench, "anna", tried.clone());
        let wrong = tried == Tried::Wrong;
        assert_eq!(told.try_recv().unwrap(), Err(refused(tried)));
        assert!(allowed(&bench).is_empty());
        let is_wrong = |told: &Happening| matches!(told, Happening::PinWrong { left: 4, .. });
        assert_eq!(said(&mut bench, is_wrong), wrong);
    }
}

#[test]
fn what_cannot_be_is_told_before_a_pin_is_tried_and_after() {
    let mut bench = Bench::plug_slot();
    let mut told = ask_by_pin(&mut bench, "anna", Ask::FreeLine);
    answer(&mut bench);
    assert_eq!(told.try_recv().unwrap(), Err(RequestRefused::LineRuns));
    assert!(to_try(&mut bench).is_empty());

    let mut bench = halted();
    let mut first = ask_by_pin(&mut bench, "anna", Ask::FreeLine);
    assert_eq!(ask_as(&mut bench, Role::Supervisor, Ask::FreeLine), Ok(()));
    tell_tried(&mut bench, "anna", Tried::Right);
    assert_eq!(first.try_recv().unwrap(), Err(RequestRefused::LineRuns));
    assert!(allowed(&bench).is_empty());

    let mut bench = halted();
    bench.tell(Input::Health(Err(full())));
    let mut told = ask_by_pin(&mut bench, "anna", Ask::FreeLine);
    answer(&mut bench);
    let refused = RequestRefused::NotRecorded(full().to_string());
    assert_eq!(told.try_recv().unwrap(), Err(refused));
}

#[test]
fn one_of_a_person_is_tried_at_a_time_two_in_all_and_only_so_many_wait() {
    let mut bench = halted();
    let names = ["anna", "anna", "mei", "li"];
    let told = names.map(|name| ask_by_pin(&mut bench, name, Ask::FreeLine));
    assert_eq!(to_try(&mut bench), ["anna", "mei"]);
    tell_tried(&mut bench, "mei", Tried::Unknown);
    assert_eq!(to_try(&mut bench), ["li"]);
    tell_tried(&mut bench, "anna", Tried::Unknown);
    assert_eq!(to_try(&mut bench), ["anna"]);
    drop(told);

    let mut bench = halted();
    let told: Vec<Answer> = (0..200)
        .map(|_| ask_by_pin(&mut bench, "anna", Ask::FreeLine))
        .collect();
    answer(&mut bench);
    let refused = told.into_iter().filter_map(|mut told| told.try_recv().ok());
    let refused: Vec<_> = refused.map(Result::unwrap_err).collect();
    assert_eq!(refused.len(), 200 - 33);
    assert!(
        refused[0].to_string().contains("ask again"),
        "{}",
        refused[0]
    );
}

#[test]
fn five_wrong_ones_lock_one_name_and_a_right_one_clears() {
    let mut bench = halted();
    let try_one = |bench: &mut Bench, name: &str, tried| {
        let mut told = ask_by_pin(bench, name, Ask::FreeLine);
        if to_try(bench) == [name] {
            tell_tried(bench, name, tried);
        } else {
            answer(bench);
        }
        told.try_recv().ok()
    };
    let locked = |seconds| {
        let name = "anna".into();
        Some(Err(RequestRefused::LockedOut { name, seconds }))
    };
    for left in (1..5).rev() {
        let name = "anna".into();
        let wrong = RequestRefused::WrongPin { name, left };
        assert_eq!(try_one(&mut bench, "anna", Tried::Wrong), Some(Err(wrong)));
    }
    assert_eq!(try_one(&mut bench, "anna", Tried::Wrong), locked(300));
    let is_locked = |told: &Happening| matches!(told, Happening::PinLocked { .. });
    assert!(said(&mut bench, is_locked));
    // not even the right one, and nobody else is locked
    assert_eq!(try_one(&mut bench, "anna", Tried::Right), locked(300));
    let unknown = Some(Err(RequestRefused::NoPin("mei".into())));
    assert_eq!(try_one(&mut bench, "mei", Tried::Unknown), unknown);
    bench.pass(299_999);
    assert_eq!(try_one(&mut bench, "anna", Tried::Right), locked(1));
    bench.pass(1);
    // allowed: not answered before it is on record
    assert_eq!(try_one(&mut bench, "anna", Tried::Right), None);
    assert_eq!(allowed(&bench).len(), 1);
    let wrong = try_one(&mut bench, "anna", Tried::Wrong);
    assert!(matches!(
        wrong,
        Some(Err(RequestRefused::WrongPin { left: 4, .. }))
    ));
}

#[test]
fn those_that_wait_while_the_name_is_locked_are_told_so() {
    let mut bench = halted();
    let mut told: Vec<Answer> = (0..7)
        .map(|_| ask_by_pin(&mut bench, "anna", Ask::FreeLine))
        .collect();
    for _ in 0..5 {
        tell_tried(&mut bench, "anna", Tried::Wrong);
    }
    assert_eq!(to_try(&mut bench).len(), 5);
    for told in &mut told[4..] {
        let refused = told.try_recv().unwrap();
        assert!(matches!(
            refused,
            Err(RequestRefused::LockedOut { seconds: 300, .. })
        ));
    }
}

#[test]
fn a_restart_does_not_clear_a_lock() {
    let settings = Settings::of("bench", "m.toml".into(), "db".into());
    let at_work = at_work(&settings, &Arc::new(fixture::bundle()).into());
    let epoch = jiff::Timestamp::UNIX_EPOCH;
    let history = History {
        wrong_pins: vec![WrongPins {
            who: "anna".into(),
            in_a_row: 0,
            locks: 2,
            locked_until: Some(epoch + Duration::from_secs(500)),
        }],
        ..History::default()
    };
    let mut bench = Bench::after(&history, settings, at_work);
    assert_eq!(ask(&mut bench, Ask::StopLine), Ok(()));
    let mut told = ask_by_pin(&mut bench, "anna", Ask::FreeLine);
    answer(&mut bench);
    let name = "anna".into();
    let refused = RequestRefused::LockedOut { name, seconds: 500 };
    assert_eq!(told.try_recv().unwrap(), Err(refused));
}

#[test]
fn two_overrides_at_once_are_both_on_record_in_their_names() {
    let mut bench = halted();
    let mut told = NAMES.map(|name| ask_by_pin(&mut bench, name, Ask::FreeLine));
    for name in NAMES {
        tell_tried(&mut bench, name, Tried::Right);
    }
    let names: Vec<&str> = allowed(&bench).iter().map(|row| &*row.who).collect();
    assert_eq!(names, NAMES);
    for _ in 0..4 {
        keep_next(&mut bench);
    }
    answer(&mut bench);
    let told = told.each_mut().map(|told| told.try_recv().unwrap());
    assert_eq!(told, [Ok(()), Err(RequestRefused::LineRuns)]);
}

#[test]
fn who_has_a_pin_is_at_hand() {
    let mut bench = Bench::plug_slot();
    let supervisors = |bench: &mut Bench, names| {
        bench.tell(Input::Supervisors(names));
        let now = bench.now();
        bench.dispatcher.snapshot(now).at_hand
    };
    let anna = || Ok(vec!["anna".into()]);
    let first = supervisors(&mut bench, anna());
    assert_eq!(first.supervisors, ["anna".into()]);
    assert!(Arc::ptr_eq(&first, &supervisors(&mut bench, anna())));
    assert!(
        supervisors(&mut bench, Err("s.toml:1:1".into()))
            .supervisors
            .is_empty()
    );
}

/// Every ask by everyone, with each kind of warrant: what it comes to.
#[test]
fn who_may_ask_what() {
    let lot = || LotName::parse("L-1").unwrap();
    let unit = || Unit::from(identity().mac.unwrap());
    let slot = || SlotId::new("1");
    let new_lot = || NewLot {
        lot: lot(),
        target: 1,
        order: None,
        bundle: None,
        hold_first_article: false,
    };
    let asks = || {
        [
            Ask::FreeSlot { slot: slot() },
            Ask::FreeLine,
            Ask::TakeBundle {
                bundle: "ab".to_owned(),
            },
            Ask::ApproveLot(new_lot()),
            Ask::ApproveFirstArticle { lot: lot() },
            Ask::EndLot { lot: lot() },
            Ask::AllowRetest { unit: unit() },
            Ask::WriteOff { unit: unit() },
        ]
    };
    let pin = || NamedPin {
        supervisor: "anna".into(),
        pin: Pin("1234".into()),
    };
    for ask in asks() {
        assert_eq!(ask.needs(), Role::Supervisor, "{ask:?}");
        for (role, given, expected) in [
            (Role::Operator, None, Some("why_missing")),
            (Role::Supervisor, None, Some("why_missing")),
            (
                Role::Operator,
                Some(warrant("", Some(pin()))),
                Some("why_missing"),
            ),
            (
                Role::Operator,
                Some(warrant("x", None)),
                Some("supervisor_only"),
            ),
            (Role::Operator, Some(warrant("x", Some(pin()))), None),
            (Role::Supervisor, Some(warrant("x", Some(pin()))), None),
            (Role::Supervisor, Some(warrant("x", None)), None),
        ] {
            let mut bench = Bench::plug_slot();
            let by_pin = given.as_ref().is_some_and(|given| given.pin.is_some());
            let mut told = ask_for(&mut bench, Who::new("li", role), ask.clone(), given);
            answer(&mut bench);
            let tries = !to_try(&mut bench).is_empty();
            match (told.try_recv(), expected) {
                (Ok(Err(refused)), Some(word)) => assert_eq!(refused.word(), word, "{ask:?}"),
                // there is nothing to do it to
                (Ok(Err(refused)), None) => {
                    let words = ["slot_runs", "line_runs", "no_such_bundle"];
                    let word = refused.word();
                    let is_late =
                        word.starts_with("no_") || word == "retest_free" || word == "lot_exists";
                    assert!(words.contains(&&*word) || is_late, "{ask:?} {word}");
                }
                (Err(_), None) => assert_eq!(tries, by_pin, "{ask:?}"),
                (told, _) => panic!("{ask:?} {told:?}"),
            }
        }
    }
}
