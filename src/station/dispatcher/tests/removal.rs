//! Boards that a slot is through with and that are still in it.

use super::*;
use crate::event::Outcome;
use crate::record::EndedJob;

fn unit() -> Unit {
    identity().mac.expect("it has one").into()
}

/// A slot that starts so, with a board that ended with this code in it.
fn done(how: Start, code: Option<Code>) -> Bench {
    let mut bench = Bench::new(vec![slot("1", how)]);
    bench.plug("/bench/1");
    bench.pass(300);
    if how != Start::Plug {
        assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    }
    end(&mut bench, code);
    bench
}

fn end(bench: &mut Bench, code: Option<Code>) {
    let job = bench.commit_row();
    bench.finish(job, code);
    bench.record(job, Ok(Standing::default()));
    bench.wanted.clear();
}

/// What the next job is told to expect not to find.
fn expected(bench: &mut Bench) -> Option<Unit> {
    bench.commit_row();
    let spawned = bench.wanted.iter().find_map(|effect| match effect {
        Effect::Spawn { through_with, .. } => Some(through_with.clone()),
        _ => None,
    });
    spawned.expect("a job")
}

#[test]
fn where_removal_is_seen_a_board_that_is_done_is_not_started_again() {
    let refused = RequestRefused::NotRemoved(SlotId::new("1"));
    for how in [Start::Plug, Start::Probe, Start::Cts] {
        for code in [None, Some(Code::NotVerified)] {
            let mut bench = done(how, code);
            assert_eq!(
                ask(&mut bench, start("1", None)),
                Err(refused.clone()),
                "{how:?}"
            );
            assert!(bench.opened().is_empty());
        }
        // one that failed is tried again
        let mut bench = done(how, Some(Code::VerifyMismatch));
        assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
        assert_eq!(expected(&mut bench), None);
    }
    // seen leaving
    let mut bench = done(Start::Plug, None);
    bench.pull("/bench/1");
    bench.plug("/bench/1");
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    assert_eq!(expected(&mut bench), None);
    // by hand it may have been given anything
    let mut bench = done(Start::Plug, None);
    held(&mut bench, Some("flashline write"));
    held(&mut bench, None);
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
}

#[test]
fn where_it_is_not_seen_the_job_is_told_which_board_it_is_through_with() {
    for how in [Start::Request, Start::Scan] {
        let again = |bench: &mut Bench| assert_eq!(ask(bench, start("1", None)), Ok(()));
        let mut bench = done(how, None);
        again(&mut bench);
        assert_eq!(expected(&mut bench), Some(unit()));
    }
    let next = |code| {
        let mut bench = done(Start::Request, None);
        assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
        end(&mut bench, code);
        assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
        expected(&mut bench)
    };
    // refused: it is there until another answers, however often it is asked
    assert_eq!(next(Some(Code::NotRemoved)), Some(unit()));
    // the next board failed: that is a board that may be tried again
    assert_eq!(next(Some(Code::VerifyMismatch)), None);
    // nobody answered: it was taken out
    assert_eq!(next(Some(Code::NoBoard)), None);
    // the adapter was plugged anew
    let mut bench = done(Start::Request, None);
    bench.pull("/bench/1");
    bench.plug("/bench/1");
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    assert_eq!(expected(&mut bench), None);
}

#[test]
fn a_port_that_could_not_be_opened_tells_nothing_of_the_board() {
    let mut bench = done(Start::Request, None);
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    let job = bench.commit_row();
    bench.tell(Input::Finished {
        slot: SlotId::new("1"),
        job,
        verdict: Verdict {
            identity: None,
            ..verdict(Some(Code::PortBusy))
        },
    });
    bench.record(job, Ok(Standing::default()));
    bench.wanted.clear();
    assert_eq!(ask(&mut bench, start("1", None)), Ok(()));
    assert_eq!(expected(&mut bench), Some(unit()));
}

#[test]
fn a_restart_forgets_no_board_whose_removal_nobody_sees() {
    let (passed, failed) = (None, Some(Code::VerifyMismatch));
    let digest = fixture::bundle().digest;
    let job = |slot: &str, code: Option<Code>, unit, bundle_digest| EndedJob {
        slot: SlotId::new(slot),
        unit,
        golden: None,
        outcome: code.map_or(Outcome::Pass, Code::outcome),
        code,
        bundle_digest,
        ended: jiff::Timestamp::UNIX_EPOCH,
    };
    let check = |how: Start, jobs: &[EndedJob], known: bool| {
        let history = History {
            jobs: jobs.to_vec(),
            ..History::default()
        };
        let settings = Settings {
            slots: vec![slot("1", how)],
            ..Settings::of("bench", "m.toml".into(), "db".into())
        };
        let at_work = at_work(&settings, &Arc::new(fixture::bundle()).into());
        let mut bench = Bench::after(&history, settings, at_work);
        bench.tell(Input::Port(PortChange::Present(vec![port("/bench/1")])));
        assert_eq!(ask(&mut bench, start("1", None)), Ok(()), "{jobs:?}");
        assert_eq!(expected(&mut bench), known.then(unit), "{jobs:?}");
    };
    let done = job("1", passed, Some(unit()), digest);
    for how in [Start::Request, Start::Scan] {
        check(how, &[], false);
        check(how, std::slice::from_ref(&done), true);
        let refused = job("1", Some(Code::NotRemoved), Some(unit()), digest);
        check(how, &[done.clone(), refused], true);
        let busy = job("1", Some(Code::PortBusy), None, digest);
        check(how, &[done.clone(), busy], true);
        let empty = job("1", Some(Code::NoBoard), None, digest);
        check(how, &[done.clone(), empty], false);
        check(how, &[job("1", failed, Some(unit()), digest)], false);
        check(how, &[job("2", passed, Some(unit()), digest)], false);
        check(how, &[job("1", passed, Some(unit()), [7; 32])], false);
    }
    // what left while nothing ran is not known: the board that is there may be another
    for how in [Start::Plug, Start::Probe, Start::Cts, Start::Dsr] {
        check(how, std::slice::from_ref(&done), false);
    }
}
