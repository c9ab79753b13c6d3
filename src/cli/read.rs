//! `flashline read`: one board's flash, or a range of it, into a file.

mod keep;

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWrite;

use self::keep::{FileName, Kept};
use super::Exit;
use super::hand::{self, Reach, Report, Took, Where};
use crate::image::hex;

/// Read one board's flash, or a range of it, into a file
///
/// Without --offset and --size or --partition: the whole part. Every piece is compared with the chip's
/// own MD5. Exit code: 0 done, 1 stopped, 2 the board failed, 3 the bench failed, 4 usage.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    place: Where,
    /// The file; {mac} in its name becomes the board's MAC, such as 240ac4000001
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// --output is a folder: the file is named by the board's MAC, 240ac4000001.bin
    #[arg(long)]
    name_by_mac: bool,
    /// Overwrite the file if there is one
    #[arg(long)]
    force: bool,
}

pub fn run(args: Args) -> Exit {
    let name = match FileName::new(&args.output, args.name_by_mac) {
        Ok(name) => name,
        Err(says) => return hand::usage("read", &args.reach, &says),
    };
    // a name without a MAC is known before any board is touched
    if let FileName::Fixed(path) = &name
        && path.exists()
        && !args.force
    {
        let says = format!("{} is there already: say --force", path.display());
        return hand::usage("read", &args.reach, &says);
    }
    hand::run("read", &args.reach, async |board| {
        let path = name.path(board.identity().mac)?;
        let range = match args.place.range(board).await? {
            Some(range) => range,
            None => board.whole_part()?,
        };
        let kept = Kept::create(&path, args.force)?;
        let mut sink = Digesting {
            file: tokio::fs::File::from_std(kept.file()?),
            sha256: Sha256::new(),
        };
        let done = board.read(range.clone(), &mut sink).await?;
        sink.file.sync_all().await?;
        kept.commit()?;
        let sha256 = hex(&sink.sha256.finalize());
        let mut fields = hand::board_fields(board);
        hand::merge(&mut fields, hand::done_fields(&done));
        hand::merge(
            &mut fields,
            json!({
                "offset": range.start,
                "file": path.display().to_string(),
                "sha256": sha256,
            }),
        );
        Ok(Report {
            text: format!("{}: {}\nSHA-256 {sha256}", path.display(), Took(&done)),
            fields,
            exit: Exit::Pass,
        })
    })
}

/// A file whose digest is computed on the way.
struct Digesting {
    file: tokio::fs::File,
    sha256: Sha256,
}

impl AsyncWrite for Digesting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.file).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.sha256.update(&bytes[..*count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.file).poll_shutdown(cx)
    }
}
