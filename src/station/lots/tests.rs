use super::*;
use crate::event::Role;
use crate::record::Yield;

const BUNDLE: &str = "3f2a91c07be4";
const OTHER: &str = "05d1c3a9b27e";

fn name(lot: &str) -> LotName {
    LotName::parse(lot).unwrap()
}

fn lot(lot: &str, bundle: &str, state: LotState) -> LotStanding {
    LotStanding {
        lot: name(lot),
        product: "thermostat".to_owned(),
        version: "1.4.0".to_owned(),
        bundle: bundle.to_owned(),
        order: None,
        target: 10,
        state,
        first_article: FirstArticle::Free,
        figures: Yield::default(),
        open_units: 0,
        units_per_hour: None,
        to_go: None,
    }
}

fn running(passed: u64, first_article: FirstArticle) -> LotStanding {
    LotStanding {
        first_article,
        figures: Yield {
            passed,
            ..Yield::default()
        },
        ..lot("L", BUNDLE, LotState::Running)
    }
}

fn paused(by: Role) -> LotState {
    LotState::Paused {
        by: Who::new("anna", by),
    }
}

fn now(lots: &[LotStanding]) -> LotsNow<'_> {
    LotsNow {
        lots,
        changing: None,
        demanded: false,
    }
}

#[track_caller]
fn board(lots: &[LotStanding], at_work: u64, expected: Result<Option<&str>, Waiting>) {
    let told = now(lots).next_board(BUNDLE, |_| at_work);
    assert_eq!(told, expected.map(|lot| lot.map(name)), "{lots:?}");
}

#[test]
fn a_board_belongs_to_the_running_lot_of_its_bundle() {
    let running = lot("L", BUNDLE, LotState::Running);
    let approved = lot("M", BUNDLE, LotState::Approved);
    let held_up = lot("N", BUNDLE, paused(Role::Operator));
    let others = lot("O", OTHER, LotState::Running);
    board(&[], 0, Ok(None));
    board(&[others.clone(), approved.clone()], 0, Ok(None));
    board(
        &[held_up.clone(), others.clone()],
        0,
        Err(Waiting::LotPaused),
    );
    let all = [others, approved, held_up, running];
    board(&all, 0, Ok(Some("L")));
    assert_eq!(now(&all).next_board(OTHER, |_| 0), Ok(Some(name("O"))));
}

#[test]
fn where_a_lot_is_demanded_a_board_without_one_waits() {
    let demanded = |lots: &[LotStanding]| {
        let now = LotsNow {
            demanded: true,
            ..now(lots)
        };
        now.next_board(BUNDLE, |_| 0)
    };
    assert_eq!(demanded(&[]), Err(Waiting::Lot));
    let approved = lot("L", BUNDLE, LotState::Approved);
    assert_eq!(demanded(&[approved]), Err(Waiting::Lot));
    let held_up = lot("L", BUNDLE, paused(Role::Operator));
    assert_eq!(demanded(&[held_up]), Err(Waiting::LotPaused));
    let running = lot("L", BUNDLE, LotState::Running);
    assert_eq!(demanded(&[running]), Ok(Some(name("L"))));
}

#[test]
fn no_more_are_begun_than_the_target_has_room_for() {
    let free = |passed| [running(passed, FirstArticle::Free)];
    board(&free(0), 9, Ok(Some("L")));
    board(&free(0), 10, Err(Waiting::LotFull));
    board(&free(7), 2, Ok(Some("L")));
    board(&free(7), 3, Err(Waiting::LotFull));
    board(&free(10), 0, Err(Waiting::LotFull));
    board(&free(12), 0, Err(Waiting::LotFull));
}

#[test]
fn a_first_article_is_alone_until_it_is_approved() {
    let with = |passed, first| [running(passed, first)];
    board(&with(0, FirstArticle::Due), 0, Ok(Some("L")));
    board(&with(0, FirstArticle::Due), 1, Err(Waiting::FirstArticle));
    board(&with(1, FirstArticle::Held), 0, Err(Waiting::FirstArticle));
    board(&with(1, FirstArticle::Approved), 5, Ok(Some("L")));
    board(&with(9, FirstArticle::Approved), 1, Err(Waiting::LotFull));
}

#[test]
fn nothing_is_begun_for_a_lot_that_is_being_changed() {
    let changing = name("L");
    let next = |state| {
        let lots = [
            lot("L", BUNDLE, state),
            lot("M", BUNDLE, LotState::Approved),
        ];
        let now = LotsNow {
            changing: Some(&changing),
            ..now(&lots)
        };
        now.next_board(BUNDLE, |_| 0)
    };
    for state in [
        LotState::Running,
        LotState::Approved,
        paused(Role::Operator),
    ] {
        assert_eq!(next(state), Err(Waiting::LotPaused));
    }
}

#[test]
fn who_may_start_which_lot() {
    let is_refused = |lots: &[LotStanding], by: Role, expected: Option<RequestRefused>| {
        let by = Who::new("li", by);
        let told = now(lots).may_start(&name("L"), &by, |bundle| bundle == BUNDLE);
        assert_eq!(told.err(), expected, "{lots:?}");
    };
    let (operator, supervisor) = (Role::Operator, Role::Supervisor);
    is_refused(&[], operator, Some(RequestRefused::NoSuchLot(name("L"))));
    is_refused(&[lot("L", BUNDLE, LotState::Approved)], operator, None);
    let other = lot("L", OTHER, LotState::Approved);
    let bundle = OTHER.to_owned();
    let refused = RequestRefused::LotOfOtherBundle {
        lot: name("L"),
        bundle,
    };
    is_refused(&[other], supervisor, Some(refused));
    let runs = lot("L", BUNDLE, LotState::Running);
    let state = LotState::Running;
    let refused = RequestRefused::LotIs {
        lot: name("L"),
        state,
    };
    is_refused(&[runs], supervisor, Some(refused));
    // one at a time with a bundle
    let two = [
        lot("L", BUNDLE, LotState::Approved),
        lot("M", BUNDLE, LotState::Running),
    ];
    let running = name("M");
    is_refused(&two, supervisor, Some(RequestRefused::LotRuns { running }));
    let two = [
        lot("L", BUNDLE, LotState::Approved),
        lot("M", OTHER, LotState::Running),
    ];
    is_refused(&two, operator, None);
    // a supervisor's pause is a supervisor's to end
    let by_operator = [lot("L", BUNDLE, paused(operator))];
    is_refused(&by_operator, operator, None);
    is_refused(&by_operator, supervisor, None);
    let by_supervisor = [lot("L", BUNDLE, paused(supervisor))];
    let by = Who::new("li", operator);
    let refused = RequestRefused::SupervisorOnly { by };
    is_refused(&by_supervisor, operator, Some(refused));
    is_refused(&by_supervisor, supervisor, None);
}

#[test]
fn what_a_lot_must_be_for_the_rest() {
    let name = || name("L");
    let is = |state| Err(RequestRefused::LotIs { lot: name(), state });
    for (state, pause) in [
        (LotState::Approved, is(LotState::Approved)),
        (LotState::Running, Ok(())),
        (paused(Role::Operator), is(paused(Role::Operator))),
    ] {
        let lots = [lot("L", BUNDLE, state)];
        assert_eq!(now(&lots).may_pause(&name()), pause);
        assert_eq!(now(&lots).may_end(&name(), |_| 0), Ok(()));
        let at_work = Err(RequestRefused::LotAtWork(name()));
        assert_eq!(now(&lots).may_end(&name(), |_| 1), at_work);
    }
    for first in FirstArticle::ALL {
        let lots = [running(1, first)];
        let expected = match first {
            FirstArticle::Held => Ok(()),
            _ => Err(RequestRefused::NoFirstArticle(name())),
        };
        assert_eq!(now(&lots).may_approve_first_article(&name()), expected);
    }
}

#[test]
fn what_can_be_entered() {
    let new = |target, order: Option<&str>| NewLot {
        lot: name("L"),
        target,
        order: order.map(str::to_owned),
        bundle: None,
        hold_first_article: false,
    };
    assert_eq!(entered(&new(1, None)), Ok(None));
    assert_eq!(entered(&new(500, Some(" "))), Ok(None));
    let order = Ok(Some("PO 7".to_owned()));
    assert_eq!(entered(&new(MOST_BOARDS, Some(" PO 7 "))), order);
    for (target, order) in [
        (0, None),
        (MOST_BOARDS + 1, None),
        (1, Some("PO\u{1b}[2J")),
        (1, Some(&*"7".repeat(65))),
    ] {
        let refused = entered(&new(target, order)).unwrap_err();
        assert!(matches!(refused, RequestRefused::NotALot(_)), "{refused}");
    }
}
