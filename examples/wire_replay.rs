//! Replays recorded exchanges to the simulator's chip model and prints where it answers otherwise.
//!
//!     cargo run --example wire_replay -- FILE [--exact]
//!
//! FILE has the form of `tests/fixtures/wire`: `# title`, `> sent`, `< answered`, both in hex; a line
//! `! fresh` starts a new ESP32 with a blank flash and one SYNC (`! fresh nosync`: without). The last
//! two status bytes of a reply are left-overs and not compared, unless `--exact` asks for it.
//! Exit code 1 if anything differs.

use std::process::ExitCode;
use std::time::Duration;

use flashline::chip::Mac;
use flashline::sim::{Board, BoardSpec, Pace};

const SYNC: &str =
    "c00008240000000000070712205555555555555555555555555555555555555555555555555555555555555555c0";

struct Session {
    board: Board,
    now: Duration,
}

impl Session {
    /// The board of the transcripts.
    fn new(sync: bool) -> Session {
        let mut session = Session {
            board: Board::new(BoardSpec {
                mac: Mac([0x10, 0x01, 0x00, 0xC4, 0x0A, 0x24]),
                ..BoardSpec::esp32(0).pace(Pace::Unpaced)
            }),
            now: Duration::ZERO,
        };
        session.ask(&[]);
        if sync {
            session.ask(&bytes(SYNC));
        }
        session
    }

    fn ask(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.board.exchange(&mut self.now, bytes)
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: wire_replay FILE [--exact]");
        return ExitCode::FAILURE;
    };
    let exact = arguments.next().as_deref() == Some("--exact");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut session = Session::new(true);
    let (mut title, mut sent, mut answer) = ("", "", Vec::new());
    let (mut same, mut different) = (0, 0);
    for line in text.lines() {
        if let Some(how) = line.strip_prefix("! fresh") {
            session = Session::new(how.trim() != "nosync");
        } else if let Some(words) = line.strip_prefix("# ") {
            title = words;
        } else if let Some(digits) = line.strip_prefix("> ") {
            sent = digits;
            answer = session.ask(&bytes(digits));
        } else if let Some(digits) = line.strip_prefix("< ") {
            let expected = bytes(digits);
            let equal = match exact {
                true => expected == answer,
                false => masked(&expected) == masked(&answer),
            };
            if equal {
                same += 1;
            } else {
                different += 1;
                let got: String = answer.iter().map(|byte| format!("{byte:02x}")).collect();
                println!("{title}\n  sent      {sent}\n  recorded  {digits}\n  simulator {got}");
            }
        }
    }
    println!("{same} the same, {different} different");
    ExitCode::from(u8::from(different > 0))
}

/// Hex digits; anything else, such as `(nothing)`, is no bytes.
fn bytes(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks_exact(2)
        .map_while(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}

/// With the last two bytes of each reply frame blotted out.
fn masked(answer: &[u8]) -> Vec<u8> {
    let mut out = answer.to_vec();
    let mut begin = None;
    for (index, byte) in answer.iter().enumerate() {
        match (byte, begin) {
            (0xC0, Some(from)) if index > from + 1 => {
                if index - from > 12 && answer[from + 1] == 1 {
                    out[index - 2..index].fill(0);
                }
                begin = None;
            }
            (0xC0, _) => begin = Some(index),
            _ => {}
        }
    }
    out
}
