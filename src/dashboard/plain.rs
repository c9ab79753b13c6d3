//! The plain face: one line per notice, and a table of the slots and the yield at the end.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::feed::follow;
use super::figures::yield_parts;
use super::notices::time_of_day;
use super::options::{Options, Quit, Times};
use super::signs;
use super::status;
use super::text::width;
use super::tile;
use crate::event::SlotId;
use crate::lang;
use crate::socket::{Feed, Item};
use crate::station::{Ask, Asker, SlotState, Snapshot};

/// Says each notice in a line on standard output until the station has ended. Where nobody reads
/// any more the station is asked to end.
pub async fn plain(
    snapshots: watch::Receiver<Arc<Snapshot>>,
    asker: Asker,
    options: Options,
) -> io::Result<()> {
    ending_on_broken_pipe(write(snapshots, &options, tokio::io::stdout()).await, asker).await
}

/// A reader that left is no error: the station ends in order.
pub async fn ending_on_broken_pipe(result: io::Result<()>, asker: Asker) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // a station that is gone has ended already
            let _ = asker.ask(Ask::Shutdown).await;
            Ok(())
        }
        result => result,
    }
}

async fn write(
    snapshots: watch::Receiver<Arc<Snapshot>>,
    options: &Options,
    mut out: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let feed = match options.quit {
        // what an attached face was not there for is not missed
        Quit::LeaveOnly => Feed::from_the_first_told(),
        Quit::AskWhenBusy | Quit::AtOnce => Feed::from_the_start(),
    };
    let last = follow(feed, snapshots, async |items| {
        let text: String = items.iter().map(|item| line(item, options)).collect();
        out.write_all(text.as_bytes()).await?;
        out.flush().await
    })
    .await?;
    out.write_all(closing_table(&last, options).as_bytes())
        .await?;
    out.flush().await
}

fn line(item: &Item, options: &Options) -> String {
    match item {
        Item::Missed(notices) => format!("... {}\n", lang::missed(*notices, options.language)),
        Item::Notice(notice) => {
            let time = match options.times {
                Times::Shown => format!("{}  ", time_of_day(notice.at, &options.zone)),
                Times::LeftOut => String::new(),
            };
            let slot = notice.slot.as_ref().map_or("-", SlotId::as_str);
            let text = lang::notice(notice, options.language);
            signs::line(options.signs, &format!("{time}{slot:<4} {text}\n"))
        }
    }
}

/// The slots with what they showed last, and the day's yield.
pub fn closing_table(snapshot: &Snapshot, options: &Options) -> String {
    let language = options.language;
    let headings = [
        lang::Word::Slot,
        lang::Word::State,
        lang::Word::Code,
        lang::Word::Mac,
        lang::Word::Time,
    ]
    .map(|word| lang::word(word, language).to_owned());
    let mut rows = vec![headings];
    for slot in &snapshot.slots {
        let (code, mac) = match &slot.state {
            SlotState::Done(result) => (
                result.code.map(|code| code.to_string()),
                result.unit.as_ref().map(|unit| unit.to_string()),
            ),
            _ => (status::code(slot).map(|code| code.to_string()), None),
        };
        rows.push([
            slot.slot.to_string(),
            tile::verdict(slot, language),
            code.unwrap_or_default(),
            mac.unwrap_or_default(),
            status::time(slot, snapshot.at).unwrap_or_default(),
        ]);
    }
    let widths: [usize; 5] = std::array::from_fn(|column| {
        rows.iter()
            .map(|row| width(&row[column]))
            .max()
            .unwrap_or(0)
    });
    let mut text = String::from("\n");
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, cells)| format!("{cell}{}", " ".repeat(cells - width(cell))))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    let standing = &snapshot.standing;
    text.push('\n');
    text.push_str(&yield_parts(&standing.today, language).join("   "));
    text.push('\n');
    for (code, count) in &standing.today.failures {
        text.push_str(&format!("{count:>4}  {code}\n"));
    }
    if !standing.open_units.is_empty() {
        let macs: Vec<String> = standing
            .open_units
            .iter()
            .map(|unit| unit.unit.to_string())
            .collect();
        let heading = lang::word(lang::Word::CutShort, language);
        text.push_str(&format!("{heading}: {}\n", macs.join(", ")));
    }
    signs::line(options.signs, &text)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::lang::Language;

    async fn written(language: Language) -> String {
        let (sender, receiver) = watch::channel(Arc::new(fixture::bench()));
        drop(sender);
        let options = fixture::options(language);
        let mut out = Vec::new();
        write(receiver, &options, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn notices_and_the_closing_table() {
        insta::assert_snapshot!(written(Language::English).await);
    }

    #[tokio::test]
    async fn in_chinese() {
        insta::assert_snapshot!(written(Language::Chinese).await);
    }

    /// A daemon that has told much before: only who was there from its start on missed something.
    #[tokio::test]
    async fn who_comes_later_missed_nothing() {
        for (quit, missed) in [(Quit::LeaveOnly, false), (Quit::AskWhenBusy, true)] {
            let mut bench = fixture::bench();
            bench.notices = [fixture::removed(700)].into();
            let (sender, receiver) = watch::channel(Arc::new(bench));
            drop(sender);
            let options = Options {
                quit,
                ..fixture::options(Language::English)
            };
            let mut out = Vec::new();
            write(receiver, &options, &mut out).await.unwrap();
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.contains("699"), missed, "{text}");
        }
    }

    #[test]
    fn what_keeps_times_of_its_own_is_told_none() {
        let notice = fixture::notice(1, Some("3"), crate::event::Happening::StationStopped);
        let check = |times, expected: &str| {
            let options = Options {
                times,
                ..fixture::options(Language::English)
            };
            assert_eq!(line(&Item::Notice(notice.clone()), &options), expected);
        };
        check(Times::Shown, "10:02:45  3    station stopped\n");
        check(Times::LeftOut, "3    station stopped\n");
    }

    #[tokio::test]
    async fn a_reader_that_left_ends_the_station_quietly() {
        let (_sender, receiver) = watch::channel(Arc::new(fixture::bench()));
        let (requests, mut asked) = tokio::sync::mpsc::channel(1);
        let asker = Asker::new(fixture::li(), requests);
        let (reader, writer) = tokio::io::duplex(64);
        drop(reader);
        let options = fixture::options(Language::English);
        let result = write(receiver, &options, writer).await;
        assert_eq!(
            result.as_ref().map_err(io::Error::kind),
            Err(io::ErrorKind::BrokenPipe)
        );
        ending_on_broken_pipe(result, asker).await.unwrap();
        assert_eq!(asked.recv().await.unwrap().ask, Ask::Shutdown);
    }
}
