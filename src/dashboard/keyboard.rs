//! Reads what is typed at the terminal, at the moment it comes: whoever draws may be busy for as long as
//! a slow terminal takes, and what a barcode is shows in the time between its keys. Keys and barcodes wait
//! here for the drawing side in a queue with an end. Leaves out what they do.

use std::io;
use std::time::Instant;

use crossterm::event::Event;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;

use super::scan::{Heard, Scanner};

/// What came in at the terminal.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    Heard(Heard),
    /// What is no key: the mouse, a new size.
    Event(Event),
}

/// So much may wait for the drawing side. A hand needs seconds for as many keys; a barcode is one.
const WAITING: usize = 256;

/// The queue between [`read`] and who takes what was typed.
pub fn queue() -> (
    mpsc::Sender<io::Result<Typed>>,
    mpsc::Receiver<io::Result<Typed>>,
) {
    mpsc::channel(WAITING)
}

/// Reads until the terminal is gone or nobody takes what is read.
pub async fn read(
    mut events: impl Stream<Item = io::Result<Event>> + Unpin,
    queue: mpsc::Sender<io::Result<Typed>>,
) {
    let mut scanner = Scanner::default();
    let mut missed = false;
    loop {
        let typed: Vec<Typed> = tokio::select! {
            // a key that is there when its time is up came in time: it is this side that was late
            biased;
            event = events.next() => match event {
                Some(Ok(Event::Key(key))) => heard(scanner.key(now(), key)),
                Some(Ok(other)) => vec![Typed::Event(other)],
                Some(Err(error)) => {
                    // nobody to tell is as good as told
                    let _ = queue.send(Err(error)).await;
                    return;
                }
                None => return,
            },
            () = due(scanner.due()) => heard(scanner.lapse(now())),
            // what is lost is told, once there is room again
            permit = queue.reserve(), if missed => match permit {
                Ok(permit) => {
                    missed = false;
                    permit.send(Ok(Typed::Heard(Heard::CutShort)));
                    Vec::new()
                }
                Err(_) => return,
            },
        };
        for typed in typed {
            match queue.try_send(Ok(typed)) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => missed = true,
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }
}

fn heard(heard: Vec<Heard>) -> Vec<Typed> {
    heard.into_iter().map(Typed::Heard).collect()
}

/// The clock of the keys.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Never where nothing is due.
async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossterm::event::{KeyCode, KeyEvent};
    use futures_util::stream;

    use super::*;

    /// Letters with the milliseconds before each.
    fn typed(keys: &'static [(u64, char)]) -> impl Stream<Item = io::Result<Event>> + Unpin {
        let keys = stream::iter(keys).then(|(pause, letter)| async move {
            tokio::time::sleep(Duration::from_millis(*pause)).await;
            let code = match letter {
                '\r' => KeyCode::Enter,
                letter => KeyCode::Char(*letter),
            };
            Ok(Event::Key(KeyEvent::from(code)))
        });
        Box::pin(keys)
    }

    async fn all(mut queue: mpsc::Receiver<io::Result<Typed>>) -> Vec<Typed> {
        let mut all = Vec::new();
        while let Some(typed) = queue.recv().await {
            all.push(typed.unwrap());
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_lost_and_told_and_nothing_is_cut() {
        let (queue, taken) = mpsc::channel(1);
        const KEYS: &[(u64, char)] = &[
            (2, 'A'),
            (2, '1'),
            (2, '\r'),
            // lost: the first is still in the queue
            (900, 'A'),
            (2, '2'),
            (2, '\r'),
            (9_000, 'A'),
            (2, '3'),
            (2, '\r'),
            (900, 'q'),
            (900, 'q'),
        ];
        let late = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            all(taken).await
        };
        let ((), all) = tokio::join!(read(typed(KEYS), queue), late);
        let q = KeyEvent::from(KeyCode::Char('q'));
        let scan = |text: &str| Heard::Scan(text.to_owned());
        let expected = [scan("A1"), Heard::CutShort, scan("A3"), Heard::Key(q)];
        assert_eq!(all, expected.map(Typed::Heard));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_nobody_wants_ends() {
        let (queue, taken) = super::queue();
        drop(taken);
        let keys = typed(&[(5, 'q')]).chain(stream::pending());
        let ended = tokio::time::timeout(Duration::from_secs(60), read(keys, queue)).await;
        assert_eq!(ended, Ok(()));
    }
}
