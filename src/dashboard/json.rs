//! The JSON face: one object per notice and line, for programs. What they may rely on:
#![doc = include_str!("../../docs/json.md")]

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::feed::follow;
use super::plain::ending_on_broken_pipe;
use crate::socket::{Feed, Item, Missed};
use crate::station::{Asker, Snapshot};

/// Writes each notice as an object on standard output until the station has ended. Where nobody
/// reads any more the station is asked to end.
pub async fn json(snapshots: watch::Receiver<Arc<Snapshot>>, asker: Asker) -> io::Result<()> {
    ending_on_broken_pipe(write(snapshots, tokio::io::stdout()).await, asker).await
}

async fn write(
    snapshots: watch::Receiver<Arc<Snapshot>>,
    mut out: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    follow(Feed::from_the_start(), snapshots, async |items| {
        let mut text = Vec::new();
        for item in items {
            match item {
                Item::Missed(notices) => {
                    serde_json::to_writer(&mut text, &Missed::new(notices))?;
                }
                Item::Notice(notice) => serde_json::to_writer(&mut text, &*notice)?,
            }
            text.push(b'\n');
        }
        out.write_all(&text).await?;
        out.flush().await
    })
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::event::Notice;

    #[tokio::test]
    async fn every_happening_has_its_object() {
        let mut snapshot = fixture::bench();
        snapshot.notices = fixture::every_happening().into();
        let (sender, receiver) = watch::channel(Arc::new(snapshot));
        drop(sender);
        let mut out = Vec::new();
        write(receiver, &mut out).await.unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn every_event_and_field_is_documented() {
        let page = include_str!("../../docs/json.md");
        let mut objects: Vec<serde_json::Value> = fixture::every_happening()
            .iter()
            .map(|notice| serde_json::to_value(&**notice).unwrap())
            .collect();
        objects.push(serde_json::to_value(Missed::new(3)).unwrap());
        for object in objects {
            let event = object["event"].as_str().unwrap();
            let row = format!("| `{event}` |");
            let row = page.lines().find(|line| line.starts_with(&row));
            let row = row.unwrap_or_else(|| panic!("{event} has no row"));
            for field in object.as_object().unwrap().keys() {
                let common = format!("| `{field}` |");
                let named = row.contains(&format!("`{field}`"))
                    || page.lines().any(|line| line.starts_with(&common));
                assert!(named, "{field} of {event}");
            }
        }
    }

    #[test]
    fn every_object_is_read_back() {
        for notice in fixture::every_happening() {
            let text = serde_json::to_string(&*notice).unwrap();
            let read: Notice = serde_json::from_str(&text).unwrap();
            assert_eq!(read, *notice, "{text}");
        }
    }

    #[test]
    fn what_was_missed_is_an_object_too() {
        let text = serde_json::to_string(&Missed::new(3)).unwrap();
        assert_eq!(text, r#"{"event":"missed","notices":3}"#);
    }
}
