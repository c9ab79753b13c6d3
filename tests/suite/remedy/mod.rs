//! For every failure code: a cause that is scripted on a simulated bench, the code as the slot shows it,
//! and the remedies that its advice names, done one after the other as an operator would. They lead to a
//! PASS, or into the bin where a board with that cause belongs; what other codes' advices name does not.

mod cause;
mod doors;
mod killed;
mod world;

use flashline::event::Code;
use flashline::lang::{Remedy, remedies};
use tokio::task::JoinSet;

use cause::{Cause, Tempo, causes};
use world::{After, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_advice_leads_to_a_pass_or_to_the_right_bin() {
    let mut cases = JoinSet::new();
    for code in Code::ALL {
        for (number, cause) in causes(code).into_iter().enumerate() {
            // a panic tells of itself; this tells in which case
            let label = format!("{code}, cause {}", number + 1);
            cases.spawn(async move {
                let played = tokio::spawn(follow(code, cause, label.clone()));
                played.await.map_err(|_| label)
            });
        }
    }
    let mut failed: Vec<String> = Vec::new();
    while let Some(case) = cases.join_next().await {
        failed.extend(case.unwrap().err());
    }
    failed.sort();
    assert_eq!(failed, [""; 0]);
}

/// Plays a cause, tries what other advices name, then follows the code's own.
async fn follow(code: Code, cause: Cause, label: String) {
    let (helps, others) = (cause.helps, others(code, &cause));
    assert!(!others.is_empty(), "{label}");
    let right_bin = cause.bin().map(Remedy::Into);
    if matches!(helps, Remedy::Into(_)) || right_bin.is_some() {
        assert_eq!(
            right_bin,
            Some(helps),
            "{label}: where such a board belongs"
        );
    }
    let mut world = World::after(cause).await;
    assert!(world.shows(code), "{label}: it has struck");
    for other in others {
        let after = world.apply(other).await;
        assert_ne!(
            after,
            After::Helped,
            "{label}: {other:?} is no remedy of it"
        );
    }
    for remedy in remedies(code) {
        let after = world.apply(*remedy).await;
        if *remedy == helps {
            assert_eq!(after, After::Helped, "{label}: {remedy:?}");
            return world.end().await;
        }
        assert_ne!(
            after,
            After::Helped,
            "{label}: {remedy:?} comes before {helps:?}"
        );
    }
    panic!("{label}: {helps:?} is none of {:?}", remedies(code));
}

/// What the advice for this code does not name, and what therefore must not help: everything, but that who
/// needs the board plugged again is helped by whatever ends with that.
fn others(code: Code, cause: &Cause) -> Vec<Remedy> {
    Remedy::ALL
        .into_iter()
        .filter(|remedy| !remedies(code).contains(remedy))
        .filter(|remedy| !plugs(*remedy) || !plugs(cause.helps))
        .filter(|remedy| match cause.tempo {
            Tempo::Quick => true,
            Tempo::Slow => !plugs(*remedy) || *remedy == Remedy::ChangeCable,
            Tempo::Slowest => !plugs(*remedy),
        })
        .collect()
}

/// Whether a remedy ends with the board being plugged again.
fn plugs(remedy: Remedy) -> bool {
    matches!(
        remedy,
        Remedy::PlugAgain
            | Remedy::SeatAnew
            | Remedy::ChangeCable
            | Remedy::ChangeAdapter
            | Remedy::CorrectPath
            | Remedy::GrantAccess
            | Remedy::LowerCeiling
    )
}
