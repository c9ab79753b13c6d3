use super::*;
use crate::dashboard::fixture;
use crate::dashboard::options::Quit;
use crate::lang::Language;

fn on(page: Page) -> View {
    View {
        page,
        ..View::new(Language::English, Quit::AtOnce)
    }
}

fn one_more_job(snapshot: &Snapshot) -> Snapshot {
    let mut standing = (*snapshot.standing).clone();
    standing.today.jobs.passed += 1;
    Snapshot {
        standing: standing.into(),
        ..snapshot.clone()
    }
}

/// A page asks once, and again when a job has ended; what it had stays on show meanwhile.
#[test]
fn a_page_asks_when_it_is_opened_and_when_jobs_have_ended() {
    let snapshot = fixture::bench();
    let mut past = Past::default();
    assert_eq!(past.wanted(&on(Page::Bench), &snapshot), None);
    let view = on(Page::Charts);
    assert_eq!(past.day(), Known::NotYet);
    assert_eq!(past.wanted(&view, &snapshot), Some(Question::Day));
    assert_eq!(past.wanted(&view, &snapshot), None, "one at a time");
    past.found(Ok(Found::Day(fixture::day())));
    assert_eq!(past.day(), Known::There(&fixture::day()));
    assert_eq!(past.wanted(&view, &snapshot), None);
    let later = one_more_job(&snapshot);
    assert_eq!(past.wanted(&view, &later), Some(Question::Day));
    assert_eq!(past.day(), Known::There(&fixture::day()));
}

#[test]
fn another_filter_is_another_question() {
    let snapshot = fixture::bench();
    let mut past = Past::default();
    let mut view = on(Page::Jobs);
    past.wanted(&view, &snapshot);
    past.found(Ok(Found::Jobs(fixture::job_rows())));
    assert!(matches!(past.jobs(&view.filter), Known::There(_)));
    view.filter.text = Some("a17".to_owned());
    assert_eq!(past.jobs(&view.filter), Known::NotYet);
    assert!(past.wanted(&view, &snapshot).is_some());
}

/// What cannot be found is said, and asked for again when jobs have ended or the page is opened anew.
#[test]
fn a_fault_is_kept_until_there_is_a_reason_to_ask_again() {
    let snapshot = fixture::bench();
    let mut past = Past::default();
    let view = on(Page::Charts);
    past.wanted(&view, &snapshot);
    past.found(Err(NotFound::Unreadable("locked".to_owned())));
    assert!(matches!(past.day(), Known::Not(_)));
    assert_eq!(past.wanted(&view, &snapshot), None);
    past.forget_faults();
    assert_eq!(past.wanted(&view, &snapshot), Some(Question::Day));
}

/// A closed job changes no more; a running one is asked for when jobs have ended.
#[test]
fn a_story_is_asked_for_until_it_is_over() {
    let snapshot = fixture::bench();
    let later = one_more_job(&snapshot);
    let mut story = fixture::story();
    let job = story.row.job;
    for (ended, asks_again) in [(story.row.ended, false), (None, true)] {
        story.row.ended = ended;
        let mut past = Past::default();
        let view = on(Page::Story(job));
        assert_eq!(past.wanted(&view, &snapshot), Some(Question::Job { job }));
        past.found(Ok(Found::Job(Some(Box::new(story.clone())))));
        assert_eq!(past.wanted(&view, &later).is_some(), asks_again);
    }
}
