//! Who may change the line, and that it is on record before it is done.

use super::*;
use crate::event::Happening;
use crate::record::Allowed;

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
