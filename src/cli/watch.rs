//! `flashline watch`: what a running daemon tells, as lines for programs.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::AsyncWriteExt;
use tokio::signal::unix::{SignalKind, signal};

use super::Exit;
use super::daemon::{Which, refusal};
use crate::socket::{Client, ClientError, Stream, What};

/// Print what a running daemon tells, a JSON object per line
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Objects (there is no other form)
    #[arg(long, required = true)]
    json: bool,
    /// Snapshots and their changes as well as notices
    #[arg(long)]
    snapshots: bool,
    #[command(flatten)]
    which: Which,
}

/// A line of the daemon's, as far as it matters here.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    notice: Option<&'a RawValue>,
    #[serde(borrow)]
    snapshot: Option<&'a RawValue>,
    #[serde(borrow)]
    changes: Option<&'a RawValue>,
    #[serde(borrow)]
    bye: Option<&'a RawValue>,
}

pub fn run(args: Args) -> Exit {
    let mut streams = vec![Stream::Notices];
    if args.snapshots {
        streams.push(Stream::Snapshots);
    }
    args.which.talk(async |client| {
        let (Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) else {
            return Ok(Exit::Failure);
        };
        tokio::select! {
            ended = print(client, streams) => ended,
            _ = interrupt.recv() => Ok(Exit::Pass),
            _ = terminate.recv() => Ok(Exit::Pass),
        }
    })
}

async fn print(client: &mut Client, streams: Vec<Stream>) -> Result<Exit, ClientError> {
    if let Err(refused) = client.answer(What::Follow(streams)).await? {
        return Ok(refusal(&refused));
    }
    let mut out = tokio::io::stdout();
    loop {
        let text = client.line().await?;
        let line: Line<'_> =
            serde_json::from_str(&text).map_err(|error| ClientError::Garbled(error.to_string()))?;
        let object = match line {
            // the object of docs/json.md
            Line {
                notice: Some(notice),
                ..
            } => notice.get(),
            Line {
                snapshot: Some(_), ..
            }
            | Line {
                changes: Some(_), ..
            } => &text,
            // the last notice was that the station stopped
            Line { bye: Some(_), .. } => return Ok(Exit::Pass),
            _ => continue,
        };
        let object = format!("{object}\n");
        let written = async {
            out.write_all(object.as_bytes()).await?;
            out.flush().await
        };
        // who read has read enough
        if written.await.is_err() {
            return Ok(Exit::Pass);
        }
    }
}
