//! Lots at the bench, against a record that is a few lists here.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::event::{FirstArticle, LotName, LotState, Outcome};
use crate::record::{LotChange, LotStanding, LotStep, Yield};
use crate::settings::Required;
use crate::station::{Answer, NewLot};

fn name(lot: &str) -> LotName {
    LotName::parse(lot).unwrap()
}

fn new_lot(lot: &str, target: u64) -> NewLot {
    NewLot {
        lot: name(lot),
        target,
        order: None,
        bundle: None,
        hold_first_article: false,
    }
}

/// What the record would have.
#[derive(Default)]
struct Book {
    changes: u64,
    lots: Vec<LotStanding>,
    ended: Vec<LotName>,
    /// The lot's boards that were opened and not closed, by job, with the number of the row.
    at_work: HashMap<JobId, (LotName, usize)>,
    rows: usize,
    /// Of a lot's unit, the last job and whether it passed.
    units: HashMap<(LotName, Mac), (usize, bool)>,
    open: HashMap<Mac, LotName>,
}

impl Book {
    fn lot(&mut self, lot: &LotName) -> Option<&mut LotStanding> {
        self.lots.iter_mut().find(|known| known.lot == *lot)
    }

    fn passed(&self, lot: &LotName) -> u64 {
        let of_it = self.units.iter().filter(|((known, _), _)| known == lot);
        of_it.filter(|(_, (_, passed))| *passed).count() as u64
    }

    fn standing(&self) -> Standing {
        let lots = self.lots.iter().map(|lot| LotStanding {
            figures: Yield {
                passed: self.passed(&lot.lot),
                ..Yield::default()
            },
            open_units: self.open.values().filter(|of| **of == lot.lot).count() as u64,
            ..lot.clone()
        });
        Standing {
            changes: self.changes,
            lots: lots.collect(),
            ..Standing::default()
        }
    }

    fn change(&mut self, change: &LotChange) -> bool {
        let open = self.open.values().any(|of| *of == change.lot);
        let bundle = self.lot(&change.lot).map(|lot| lot.bundle.clone());
        let runs = |lot: &LotStanding| {
            lot.state == LotState::Running && Some(&lot.bundle) == bundle.as_ref()
        };
        let another_runs = self.lots.iter().any(runs);
        let is_used = self.ended.contains(&change.lot) || bundle.is_some();
        if let LotStep::Enter(new) = &change.step {
            if is_used {
                return false;
            }
            self.lots.push(LotStanding {
                lot: change.lot.clone(),
                product: new.product.clone(),
                version: new.version.clone(),
                bundle: crate::image::hex(&new.bundle_digest)[..12].to_owned(),
                order: new.order.clone(),
                target: new.target,
                state: LotState::Approved,
                first_article: new.first_article,
                figures: Yield::default(),
                open_units: 0,
                units_per_hour: None,
                to_go: None,
            });
        } else {
            let Some(lot) = self.lot(&change.lot) else {
                return false;
            };
            match change.step {
                LotStep::Start if another_runs => return false,
                LotStep::Start => lot.state = LotState::Running,
                LotStep::Pause => {
                    let by = change.by.clone();
                    lot.state = LotState::Paused { by };
                }
                LotStep::ApproveFirstArticle => lot.first_article = FirstArticle::Approved,
                LotStep::End if open => return false,
                LotStep::End | LotStep::Enter(_) => {
                    self.lots.retain(|lot| lot.lot != change.lot);
                    self.ended.push(change.lot.clone());
                }
            }
        }
        self.changes += 1;
        true
    }

    fn close(&mut self, job: JobId, verdict: &Verdict) {
        self.changes += 1;
        let Some((lot, number)) = self.at_work.remove(&job) else {
            return;
        };
        let mac = verdict.identity.as_ref().and_then(|it| it.mac).unwrap();
        let passed = verdict.outcome == Outcome::Pass;
        let last = self.units.entry((lot.clone(), mac)).or_default();
        if number >= last.0 {
            *last = (number, passed);
        }
        match verdict.code {
            None => {
                self.open.remove(&mac);
                if let Some(lot) = self.lot(&lot)
                    && lot.first_article == FirstArticle::Due
                {
                    lot.first_article = FirstArticle::Held;
                }
            }
            Some(Code::Unplugged | Code::Stopped) => {
                self.open.insert(mac, lot);
            }
            Some(_) => {}
        }
    }
}

/// A bench of plug slots and its record, each of which is told later what the other did.
struct Line {
    bench: Bench,
    book: Book,
    /// On their way to the record.
    to_record: Vec<Effect>,
    /// On their way back.
    told: Vec<Input>,
    answers: Vec<Answer>,
    /// The bundle that is to go on record.
    taking: Option<Taking>,
    boards: Vec<Option<Mac>>,
}

impl Line {
    fn new(slots: usize, require: Required) -> Line {
        let names = (0..slots).map(|slot| super::slot(&slot.to_string(), Start::Plug));
        let mut settings = Settings {
            slots: names.collect(),
            settle: Duration::from_millis(300),
            ..Settings::of("bench", "m.toml".into(), "db".into())
        };
        // failures of the boards are not what is looked at here
        settings.line.quarantine_after = None;
        settings.line.halt_after = None;
        settings.line.require = require;
        let at_work = at_work(&settings, &Arc::new(fixture::bundle()).into());
        let mut bench = Bench::with(settings, at_work);
        bench.tell(Input::Port(PortChange::Present(Vec::new())));
        Line {
            bench,
            book: Book::default(),
            to_record: Vec::new(),
            told: Vec::new(),
            answers: Vec::new(),
            taking: None,
            boards: vec![None; slots],
        }
    }

    /// What the dispatcher wanted since the last look. A row is opened at once.
    fn look(&mut self) {
        for effect in std::mem::take(&mut self.bench.wanted) {
            match effect {
                Effect::OpenRow { slot, job } => {
                    self.book.rows += 1;
                    if let Some(lot) = &job.lot {
                        self.begun(lot);
                        let row = (lot.clone(), self.book.rows);
                        self.book.at_work.insert(job.job, row);
                    }
                    self.told.push(Input::Opened {
                        slot,
                        job: job.job,
                        result: Ok(()),
                    });
                }
                Effect::ChangeLot(_) | Effect::CloseRow { .. } => self.to_record.push(effect),
                Effect::Allow { granted, .. } => {
                    let result = Ok(());
                    self.told.push(Input::Allowed { granted, result });
                }
                Effect::Approve { taking, .. } => self.taking = Some(taking),
                Effect::Answer(reply, result) => reply.send(result),
                _ => {}
            }
        }
    }

    /// A board is begun for a lot: whether it may be, by what the record has.
    #[track_caller]
    fn begun(&mut self, lot: &LotName) {
        let others = self.book.at_work.values().filter(|(of, _)| of == lot);
        let others = others.count() as u64;
        let passed = self.book.passed(lot);
        let known = self.book.lot(lot).expect("a lot that has not ended");
        assert_eq!(known.state, LotState::Running);
        assert!(passed + others < known.target, "{passed} and {others}");
        match known.first_article {
            FirstArticle::Due => assert_eq!(others, 0),
            FirstArticle::Held => panic!("the first article waits"),
            FirstArticle::Free | FirstArticle::Approved => {}
        }
    }

    /// The record takes one of the things that are on their way to it.
    fn commit(&mut self, which: usize) {
        if self.to_record.is_empty() {
            return;
        }
        let told = match self.to_record.remove(which % self.to_record.len()) {
            Effect::ChangeLot(change) => {
                let changed = self.book.change(&change);
                Input::LotChanged(Ok((changed, self.book.standing())))
            }
            Effect::CloseRow {
                slot, job, verdict, ..
            } => {
                self.book.close(job, &verdict);
                let result = Ok(self.book.standing());
                Input::Recorded { slot, job, result }
            }
            other => panic!("{other:?}"),
        };
        self.told.push(told);
    }

    /// The dispatcher hears one of the things that are on their way back.
    fn hear(&mut self, which: usize) {
        if !self.told.is_empty() {
            let input = self.told.remove(which % self.told.len());
            self.bench.tell(input);
            self.look();
        }
    }

    /// Everything comes where it is to go.
    fn settle(&mut self) {
        self.bench.pass(1000);
        self.look();
        while !(self.to_record.is_empty() && self.told.is_empty()) {
            self.commit(0);
            self.hear(0);
        }
    }

    fn request(&mut self, role: Role, ask: Ask) {
        if role < ask.needs() {
            return;
        }
        let why = (role == Role::Supervisor).then(|| warrant("as planned", None));
        let (request, answer) = Request::new(Who::new("li", role), ask, why);
        self.bench.tell(Input::Request(request));
        self.answers.push(answer);
        self.look();
    }

    /// Asks as a supervisor, and waits for the answer.
    fn ask(&mut self, ask: Ask) -> Result<(), RequestRefused> {
        self.ask_as(Role::Supervisor, ask)
    }

    fn ask_as(&mut self, role: Role, ask: Ask) -> Result<(), RequestRefused> {
        self.request(role, ask);
        self.settle();
        self.answers.pop().unwrap().try_recv().unwrap()
    }

    /// A board is plugged into a slot that has none, unless it is elsewhere.
    fn plug(&mut self, slot: usize, unit: u8) {
        let mac = Mac([0x24, 0x0A, 0xC4, 0, 0, unit]);
        if self.boards[slot].is_none() && !self.boards.contains(&Some(mac)) {
            self.boards[slot] = Some(mac);
            self.bench.plug(&format!("/bench/{slot}"));
            self.bench.pass(300);
            self.look();
        }
    }

    /// The board of a slot is taken out, unless it is worked on.
    fn pull(&mut self, slot: usize) {
        let working = matches!(self.state(slot), SlotState::Working(_));
        if self.boards[slot].is_some() && !working {
            self.boards[slot] = None;
            self.bench.pull(&format!("/bench/{slot}"));
            self.look();
        }
    }

    /// The job on a slot ends.
    fn finish(&mut self, slot: usize, code: Option<Code>) {
        let SlotState::Working(board) = self.state(slot) else {
            return;
        };
        let identity = Identity {
            mac: self.boards[slot],
            ..identity()
        };
        self.bench.tell(Input::Finished {
            slot: SlotId::new(&slot.to_string()),
            job: board.job,
            verdict: Verdict {
                identity: Some(identity),
                ..verdict(code)
            },
        });
        self.look();
    }

    /// A job that has begun ends, and is on record; its board is taken out.
    fn end(&mut self, slot: usize, code: Option<Code>) {
        self.settle();
        self.finish(slot, code);
        self.settle();
        self.pull(slot);
        self.settle();
    }

    fn state(&mut self, slot: usize) -> SlotState {
        self.bench.state(&slot.to_string())
    }

    #[track_caller]
    fn waits(&mut self, slot: usize, why: Waiting) {
        assert_eq!(self.state(slot), SlotState::Waiting(why));
    }

    #[track_caller]
    fn works(&mut self, slot: usize) {
        assert!(matches!(self.state(slot), SlotState::Working(_)));
    }

    /// What was told of lots.
    fn told_of_lots(&mut self) -> Vec<String> {
        let now = self.bench.now();
        let notices = self.bench.dispatcher.snapshot(now).notices;
        let words = |what: &Happening| match what {
            Happening::LotApproved { lot, target, .. } => Some(format!("{lot} of {target}")),
            Happening::LotStarted { lot, by } => Some(format!("{by} started {lot}")),
            Happening::LotPaused { lot, by } => Some(format!("{by} paused {lot}")),
            Happening::LotDone { lot, passed } => Some(format!("{lot} done: {passed}")),
            Happening::LotEnded {
                lot,
                passed,
                target,
                ..
            } => Some(format!("{lot} ended: {passed} of {target}")),
            Happening::FirstArticleHeld { lot } => Some(format!("{lot}: first article")),
            Happening::FirstArticleApproved { lot, .. } => Some(format!("{lot}: approved")),
            _ => None,
        };
        notices.iter().filter_map(|n| words(&n.what)).collect()
    }

    /// A lot of so many that runs.
    fn with_lot(slots: usize, target: u64) -> Line {
        let mut line = Line::new(slots, Required::default());
        let approved = line.ask(Ask::ApproveLot(new_lot("L", target)));
        assert_eq!(approved, Ok(()));
        assert_eq!(line.ask(Ask::StartLot { lot: name("L") }), Ok(()));
        line
    }
}

#[test]
fn a_lot_runs_to_its_target_and_not_beyond() {
    let mut line = Line::with_lot(3, 2);
    for slot in 0..3 {
        line.plug(slot, slot as u8);
    }
    line.settle();
    line.works(0);
    line.works(1);
    line.waits(2, Waiting::LotFull);
    // one that fails makes room
    line.end(0, Some(Code::VerifyMismatch));
    line.works(2);
    line.end(1, None);
    line.end(2, None);
    line.plug(0, 7);
    line.settle();
    line.waits(0, Waiting::LotFull);
    let done = ["L of 2", "li started L", "L done: 2"];
    assert_eq!(line.told_of_lots(), done);
    // full it stays until it is ended; the board that waited is not begun without a lot
    assert_eq!(line.ask(Ask::EndLot { lot: name("L") }), Ok(()));
    line.waits(0, Waiting::Lot);
    assert_eq!(line.ask(Ask::ApproveLot(new_lot("M", 1))), Ok(()));
    line.waits(0, Waiting::Lot);
    assert_eq!(line.ask(Ask::StartLot { lot: name("M") }), Ok(()));
    line.works(0);
    line.end(0, None);
    let told = line.told_of_lots();
    let rest = ["L ended: 2 of 2", "M of 1", "li started M", "M done: 1"];
    assert_eq!(told[3..], rest);
}

#[test]
fn without_a_lot_boards_are_worked_on_unless_one_is_demanded() {
    let mut line = Line::new(1, Required::default());
    line.plug(0, 1);
    line.settle();
    line.works(0);
    let mut line = Line::new(
        1,
        Required {
            lot: true,
            ..Required::default()
        },
    );
    line.plug(0, 1);
    line.settle();
    line.waits(0, Waiting::Lot);
    assert_eq!(line.ask(Ask::ApproveLot(new_lot("L", 1))), Ok(()));
    line.waits(0, Waiting::Lot);
    assert_eq!(line.ask(Ask::StartLot { lot: name("L") }), Ok(()));
    line.works(0);
}

#[test]
fn a_paused_lot_begins_no_board_and_a_supervisors_pause_is_a_supervisors_to_end() {
    let mut line = Line::with_lot(2, 10);
    let lot = || name("L");
    line.plug(0, 1);
    line.settle();
    for role in [Role::Operator, Role::Supervisor] {
        assert_eq!(line.ask_as(role, Ask::PauseLot { lot: lot() }), Ok(()));
        line.plug(1, 2);
        line.settle();
        line.works(0);
        line.waits(1, Waiting::LotPaused);
        let started = line.ask_as(Role::Operator, Ask::StartLot { lot: lot() });
        match role {
            Role::Operator => assert_eq!(started, Ok(())),
            Role::Supervisor => {
                let by = Who::new("li", Role::Operator);
                assert_eq!(started, Err(RequestRefused::SupervisorOnly { by }));
                line.waits(1, Waiting::LotPaused);
                assert_eq!(line.ask(Ask::StartLot { lot: lot() }), Ok(()));
            }
        }
        line.works(1);
        line.end(1, None);
    }
}

#[test]
fn the_first_article_goes_alone_and_waits_for_a_supervisor() {
    let mut line = Line::new(2, Required::default());
    let lot = || name("L");
    let approved = line.ask(Ask::ApproveLot(NewLot {
        hold_first_article: true,
        ..new_lot("L", 10)
    }));
    assert_eq!(approved, Ok(()));
    assert_eq!(line.ask(Ask::StartLot { lot: lot() }), Ok(()));
    line.plug(0, 0);
    line.plug(1, 1);
    line.settle();
    line.works(0);
    line.waits(1, Waiting::FirstArticle);
    line.end(0, Some(Code::VerifyMismatch));
    line.works(1);
    let early = line.ask(Ask::ApproveFirstArticle { lot: lot() });
    assert_eq!(early, Err(RequestRefused::NoFirstArticle(lot())));
    line.end(1, None);
    line.plug(0, 0);
    line.settle();
    line.waits(0, Waiting::FirstArticle);
    assert_eq!(line.ask(Ask::ApproveFirstArticle { lot: lot() }), Ok(()));
    line.works(0);
    assert_eq!(
        line.told_of_lots()[2..],
        ["L: first article", "L: approved"]
    );
}

#[test]
fn a_lot_is_not_ended_with_boards_at_work_or_units_open() {
    let mut line = Line::with_lot(1, 10);
    let lot = || name("L");
    line.plug(0, 0);
    line.settle();
    let ended = line.ask(Ask::EndLot { lot: lot() });
    assert_eq!(ended, Err(RequestRefused::LotAtWork(lot())));
    line.end(0, Some(Code::Unplugged));
    let ended = line.ask(Ask::EndLot { lot: lot() });
    let open = RequestRefused::LotUnitsOpen {
        lot: lot(),
        units: 1,
    };
    assert_eq!(ended, Err(open));
    line.plug(0, 0);
    line.end(0, None);
    assert_eq!(line.ask(Ask::EndLot { lot: lot() }), Ok(()));
    let state = LotState::Ended;
    let is_ended = Err(RequestRefused::LotIs { lot: lot(), state });
    assert_eq!(line.ask(Ask::StartLot { lot: lot() }), is_ended);
    let again = line.ask(Ask::ApproveLot(new_lot("L", 1)));
    assert_eq!(again, Err(RequestRefused::LotExists(lot())));
    let unknown = line.ask(Ask::PauseLot { lot: name("N") });
    assert_eq!(unknown, Err(RequestRefused::NoSuchLot(name("N"))));
}

#[test]
fn a_lot_is_for_a_bundle_that_is_at_work() {
    let mut line = Line::with_lot(1, 10);
    let bundle = "c0ffee000001".to_owned();
    let other = NewLot {
        bundle: Some(bundle.clone()),
        ..new_lot("M", 1)
    };
    let lot = name("M");
    let refused = RequestRefused::LotOfOtherBundle { lot, bundle };
    assert_eq!(line.ask(Ask::ApproveLot(other)), Err(refused));
    let own = line.book.lots[0].bundle.clone();
    let named = NewLot {
        bundle: Some(own),
        ..new_lot("M", 1)
    };
    assert_eq!(line.ask(Ask::ApproveLot(named)), Ok(()));
    let running = name("L");
    let second = line.ask(Ask::StartLot { lot: name("M") });
    assert_eq!(second, Err(RequestRefused::LotRuns { running }));
}

#[test]
fn the_bundle_of_a_running_lot_is_not_replaced() {
    let mut line = Line::with_lot(1, 10);
    let new = Arc::new(crate::manifest::Bundle {
        digest: [0xCD; 32],
        ..fixture::bundle()
    });
    line.bench.tell(Input::Manifest {
        manifest: 0,
        found: Ok(Arc::new(Planner::new(new))),
    });
    let bundle = "cd".repeat(6);
    let take = || Ask::TakeBundle {
        bundle: bundle.clone(),
    };
    let running = name("L");
    let refused = Err(RequestRefused::LotRuns { running });
    assert_eq!(line.ask(take()), refused);
    assert_eq!(line.ask(Ask::PauseLot { lot: name("L") }), Ok(()));
    // while the bundle is on its way through the record, the lot is not started with the old one
    line.request(Role::Supervisor, take());
    line.settle();
    let mut taken = line.answers.pop().unwrap();
    line.request(Role::Supervisor, Ask::StartLot { lot: name("L") });
    line.settle();
    let taking = line.taking.take().expect("an approval");
    line.bench.tell(Input::Approved {
        taking,
        result: Ok(()),
    });
    line.settle();
    assert_eq!(taken.try_recv().unwrap(), Ok(()));
    let lot = name("L");
    let bundle = line.book.lots[0].bundle.clone();
    assert_eq!(
        line.answers.pop().unwrap().try_recv().unwrap(),
        Err(RequestRefused::LotOfOtherBundle { lot, bundle })
    );
}

#[test]
fn a_supervisors_pause_and_its_end_are_on_record_with_why_however_they_are_asked() {
    let mut line = Line::with_lot(1, 10);
    assert_eq!(line.ask(Ask::PauseLot { lot: name("L") }), Ok(()));
    let pause = line.book.lots[0].state.clone();
    assert!(matches!(pause, LotState::Paused { by } if by.role == Role::Supervisor));
    // without a word an operator's is refused, and a supervisor's, also where a start is meant by it
    let start = || Ask::StartLot { lot: name("L") };
    let without_why = |line: &mut Line, role| {
        let (request, mut answer) = Request::new(Who::new("li", role), start(), None);
        line.bench.tell(Input::Request(request));
        line.look();
        line.settle();
        answer.try_recv().unwrap()
    };
    assert!(matches!(
        without_why(&mut line, Role::Operator),
        Err(RequestRefused::SupervisorOnly { .. })
    ));
    let refused = without_why(&mut line, Role::Supervisor);
    assert_eq!(refused, Err(RequestRefused::WhyMissing));
    assert_eq!(line.ask(start()), Ok(()));
}

#[test]
fn a_lot_that_the_record_does_not_take_stops_the_line() {
    let mut line = Line::with_lot(1, 10);
    let lot = || name("L");
    line.request(Role::Operator, Ask::PauseLot { lot: lot() });
    line.to_record.clear();
    line.plug(0, 1);
    line.settle();
    // on its way it holds already
    line.waits(0, Waiting::LotPaused);
    line.bench.tell(Input::LotChanged(Err(full())));
    line.look();
    let answer = line.answers.pop().unwrap().try_recv().unwrap();
    assert!(matches!(answer, Err(RequestRefused::LineStopped(_))));
    let refused = line.ask_as(Role::Operator, Ask::PauseLot { lot: lot() });
    assert!(matches!(refused, Err(RequestRefused::LineStopped(_))));
    let standing = line.book.standing();
    line.bench.tell(Input::Health(Ok(standing)));
    line.look();
    line.settle();
    line.works(0);
}

#[test]
fn figures_that_are_told_late_make_no_room() {
    let mut line = Line::with_lot(2, 2);
    line.plug(0, 0);
    line.plug(1, 1);
    line.settle();
    line.finish(0, None);
    line.finish(1, None);
    line.commit(0);
    line.commit(0);
    // the second commit is heard of first
    line.hear(1);
    line.hear(0);
    line.pull(0);
    line.plug(0, 2);
    line.settle();
    line.waits(0, Waiting::LotFull);
}

#[derive(Debug, Clone)]
enum Act {
    Plug(usize, u8),
    Pull(usize),
    Finish(usize, Option<Code>),
    Commit(usize),
    Hear(usize),
    Ask(Role, usize, LotName),
    Health,
}

fn act() -> impl Strategy<Value = Act> {
    let slot = || 0..4_usize;
    let code = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Code::VerifyMismatch)),
        1 => Just(Some(Code::Unplugged)),
        1 => Just(Some(Code::Stopped)),
    ];
    let role = prop_oneof![Just(Role::Operator), Just(Role::Supervisor)];
    let lot = prop_oneof![Just("L"), Just("M")].prop_map(name);
    prop_oneof![
        4 => (slot(), 0..6_u8).prop_map(|(slot, unit)| Act::Plug(slot, unit)),
        2 => slot().prop_map(Act::Pull),
        4 => (slot(), code).prop_map(|(slot, code)| Act::Finish(slot, code)),
        6 => (0..4_usize).prop_map(Act::Commit),
        6 => (0..4_usize).prop_map(Act::Hear),
        3 => (role, 0..6_usize, lot).prop_map(|(role, which, lot)| Act::Ask(role, which, lot)),
        1 => Just(Act::Health),
    ]
}

fn what(which: usize, lot: LotName) -> Ask {
    match which {
        0 => Ask::ApproveLot(NewLot {
            hold_first_article: lot.as_str() == "M",
            ..new_lot(lot.as_str(), 3)
        }),
        1 | 2 => Ask::StartLot { lot },
        3 => Ask::PauseLot { lot },
        4 => Ask::ApproveFirstArticle { lot },
        _ => Ask::EndLot { lot },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_order_no_lot_gets_over_its_target_nor_ends_with_open_units(
        acts in proptest::collection::vec(act(), 1..120),
        demanded: bool,
        runs: bool,
    ) {
        let mut line = match runs {
            true => Line::with_lot(4, 3),
            false => Line::new(4, Required { lot: demanded, ..Required::default() }),
        };
        for act in acts {
            match act {
                Act::Plug(slot, unit) => line.plug(slot, unit),
                Act::Pull(slot) => line.pull(slot),
                Act::Finish(slot, code) => line.finish(slot, code),
                Act::Commit(which) => line.commit(which),
                Act::Hear(which) => line.hear(which),
                Act::Ask(role, which, lot) => line.request(role, what(which, lot)),
                Act::Health => line.told.push(Input::Health(Ok(line.book.standing()))),
            }
            for lot in ["L", "M"] {
                let target = 3;
                prop_assert!(line.book.passed(&name(lot)) <= target);
            }
            for ended in &line.book.ended {
                prop_assert!(!line.book.open.values().any(|of| of == ended));
                prop_assert!(!line.book.at_work.values().any(|(of, _)| of == ended));
            }
        }
        line.settle();
        for mut answer in line.answers {
            prop_assert!(answer.try_recv().is_ok(), "each request is answered");
        }
    }
}
