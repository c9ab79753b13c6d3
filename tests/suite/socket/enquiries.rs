//! What a face asks of the past: the same answers in the daemon's own process and over its socket.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_questions_have_the_same_answers_here_and_attached() {
    let line = Line::new(2).await;
    let mut program = Program::greeted(&line.socket).await;
    program.say("{\"id\":1,\"follow\":[\"notices\"]}").await;
    line.plug(1);
    line.plug(2);
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let ended = program.hear_until(passed).await["notice"].take();
        jobs.push(ended["job"].as_str().unwrap().parse().map(JobId).unwrap());
    }
    let attached = socket::attach(&line.socket, WhenLost::End).await.unwrap();
    let (here, there) = (line.station.enquirer(), attached.enquirer.clone());
    let of_slot_2 = JobFilter {
        slot: Some(SlotId::new("2")),
        ..JobFilter::default()
    };
    for question in [
        Question::Jobs(JobFilter::default()),
        Question::Jobs(of_slot_2),
        Question::Job { job: jobs[0] },
        Question::Job { job: JobId::now() },
        Question::Day,
    ] {
        let found = here.ask(question.clone()).await.unwrap();
        assert_eq!(there.ask(question.clone()).await.unwrap(), found);
        match (question, found) {
            (Question::Jobs(filter), Found::Jobs(rows)) => {
                assert_eq!(rows.len(), if filter.slot.is_some() { 1 } else { 2 });
            }
            (Question::Job { job }, Found::Job(story)) => {
                assert_eq!(story.is_some(), job == jobs[0]);
            }
            (Question::Day, Found::Day(day)) => {
                let units = |units: Vec<u64>| units.into_iter().sum::<u64>();
                assert_eq!(units(day.hours.iter().map(|hour| hour.passed).collect()), 2);
                assert_eq!(units(day.slots.iter().map(|slot| slot.units).collect()), 2);
            }
            other => panic!("{other:?}"),
        }
    }
    let day = program.answer(json!({"id": 2, "query": "day"})).await;
    assert_eq!(day["day"]["failures"], json!([]));
    line.end().await;
    attached.ended().await.unwrap();
    assert_eq!(here.ask(Question::Day).await, Err(NotFound::Silent));
    assert_eq!(there.ask(Question::Day).await, Err(NotFound::Silent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_says_why() {
    let line = Line::new(1).await;
    let attached = socket::attach(&line.socket, WhenLost::End).await.unwrap();
    std::fs::remove_file(line.record.path()).unwrap();
    for enquirer in [line.station.enquirer(), attached.enquirer.clone()] {
        match enquirer.ask(Question::Day).await {
            Err(NotFound::Unreadable(why)) => assert!(why.contains("line.db"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    line.end().await;
}

/// A record that never answers holds up neither what is asked of the line nor `status`.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_record_holds_up_nothing_else() {
    let mut station = MadeUp::new();
    let attached = socket::attach(&station.socket, WhenLost::Look)
        .await
        .unwrap();
    let mut questions = Vec::new();
    while let Ok(answer) = attached.enquirer.try_ask(Question::Day) {
        questions.push(answer);
    }
    // the daemon has one, and does not answer it
    let enquiry = station.enquiries.recv().await.unwrap();
    let answer = attached.asker.ask(Ask::StopLine).await.unwrap();
    let asked = station.asked.recv().await.unwrap();
    asked.answer.send(Ok(())).unwrap();
    assert_eq!(answer.await, Ok(Ok(())));
    let mut program = Program::greeted(&station.socket).await;
    let status = program.answer(json!({"id": 1, "query": "status"})).await;
    assert_eq!(status["ok"], true);
    // what comes at last is told
    let why = NotFound::Unreadable("slow".to_owned());
    enquiry.answer.send(Err(why.clone())).unwrap();
    assert_eq!(questions.remove(0).await, Ok(Err(why)));
    drop(questions);
    station.end().await;
}
