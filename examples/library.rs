//! The library in another's program: connects to a board, flashes an image, reports progress.
//!
//! ```text
//! flashline sim --link-dir /tmp/bench &
//! cargo run --example library -- /tmp/bench/board0 app.bin
//! ```

use std::error::Error;

use flashline::hand::{Board, Options};

pub async fn flash(port: &str, file: &str) -> Result<(), Box<dyn Error>> {
    let options = Options::new(port).progress(|progress| {
        let percent = progress.percent().unwrap_or(0);
        eprintln!("{} {percent} %", progress.step);
    });
    let mut board = Board::connect(options).await?;
    println!("{:?}", board.identity());
    let image = tokio::fs::read(file).await?;
    let done = board.write(0x10000, image).await?;
    println!("{} bytes verified in {:?}", done.bytes, done.took);
    board.reset().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    match (args.next(), args.next()) {
        (Some(port), Some(file)) => flash(&port, &file).await,
        _ => Err("which port, and which file?".into()),
    }
}
