//! The simulator answers as real chips did: the transcripts in `tests/fixtures/wire`, frame by frame.

use std::time::Duration;

use flashline::chip::{Chip, Mac};
use flashline::sim::{Board, BoardSpec, Pace};

/// One exchange of a transcript.
struct Exchange {
    title: String,
    sent: Vec<u8>,
    expected: Vec<u8>,
}

/// The board under test and its time.
struct Session {
    board: Board,
    now: Duration,
}

impl Session {
    fn new(spec: &BoardSpec) -> Session {
        let mut session = Session {
            board: Board::new(spec.clone()),
            now: Duration::ZERO,
        };
        session.ask(b"");
        session
    }

    fn ask(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.board.exchange(&mut self.now, bytes)
    }

    fn synced(spec: &BoardSpec) -> Session {
        let mut session = Session::new(spec);
        session.ask(&hex(SYNC));
        session
    }
}

const SYNC: &str =
    "c00008240000000000070712205555555555555555555555555555555555555555555555555555555555555555c0";
const READ_MAGIC: &str = "c0000a04000000000000100040c0";

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2)
        .map(|index| u8::from_str_radix(&digits[index * 2..index * 2 + 2], 16).unwrap())
        .collect()
}

/// A section's exchanges; a line that begins with `#` names one, `>` and `<` are its bytes.
fn section(text: &str, title: &str) -> Vec<Exchange> {
    let start = text.find(&format!("## {title}")).unwrap();
    let body = &text[start..];
    let end = body[3..].find("\n## ").map_or(body.len(), |end| end + 3);
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut title = String::new();
    for line in body[..end].lines() {
        if let Some(name) = line.strip_prefix("# ") {
            title = name.to_owned();
        } else if let Some(digits) = line.strip_prefix("> ") {
            exchanges.push(Exchange {
                title: title.clone(),
                sent: hex(digits),
                expected: Vec::new(),
            });
        } else if let Some(digest) = line.strip_prefix("  ")
            && let Some(last) = exchanges.last_mut()
        {
            last.expected = with_digest(&last.expected, digest);
        } else if let Some(digits) = line.strip_prefix("< ")
            && !digits.starts_with('(')
        {
            let expected = hex(digits);
            match exchanges.last_mut() {
                Some(last) if last.title == title => last.expected = expected,
                _ => exchanges.push(Exchange {
                    title: title.clone(),
                    sent: Vec::new(),
                    expected,
                }),
            }
        }
    }
    exchanges
}

/// The ESP32's emulator read other bytes from flash than were there, so its MD5s are not those of the
/// data; the transcript has the right ones beside them. (A C3's, and the stub's, are right.)
fn with_digest(reply: &[u8], digest: &str) -> Vec<u8> {
    let mut reply = reply.to_vec();
    if reply.get(2) == Some(&0x13) && reply.get(3) == Some(&0x24) {
        reply[9..41].copy_from_slice(digest.as_bytes());
    }
    reply
}

/// Blots out what a ROM's reply leaves to chance: the last two of its four status bytes.
fn masked(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut start = None;
    for index in 0..bytes.len() {
        if bytes[index] != 0xC0 {
            continue;
        }
        match start {
            Some(from) if index > from + 1 => {
                if index - from > 12 && bytes[from + 1] == 1 {
                    out[index - 2..index].fill(0);
                }
                start = None;
            }
            _ => start = Some(index),
        }
    }
    out
}

fn check(exchange: &Exchange, answer: &[u8]) {
    let show = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(show(answer), show(&exchange.expected), "{}", exchange.title);
}

fn esp32() -> BoardSpec {
    BoardSpec {
        mac: Mac([0x10, 0x01, 0x00, 0xC4, 0x0A, 0x24]),
        ..BoardSpec::esp32(0).pace(Pace::Unpaced)
    }
}

fn rom_section(spec: &BoardSpec, text: &str, chip: &str) -> usize {
    let exchanges = section(text, &format!("ROM ({chip} mask ROM"));
    let mut session = Session {
        board: Board::new(spec.clone()),
        now: Duration::ZERO,
    };
    for exchange in &exchanges {
        if exchange.title.contains("(a session of its own)")
            || exchange.title.contains("right after SYNC")
        {
            session = Session::synced(spec);
        }
        let answer = session.ask(&exchange.sent);
        let expected = Exchange {
            title: exchange.title.clone(),
            sent: Vec::new(),
            expected: masked(&exchange.expected),
        };
        check(&expected, &masked(&answer));
    }
    exchanges.len()
}

/// Up to where the transcript's stub section begins: a stub is uploaded, not yet started.
fn uploaded(spec: &BoardSpec, load_address: u32) -> Session {
    let mut session = Session::synced(spec);
    session.ask(&hex(READ_MAGIC));
    let mut begin = vec![0xC0, 0, 0x05, 16, 0, 0, 0, 0, 0];
    for word in [16u32, 1, 0x1800, load_address] {
        begin.extend_from_slice(&word.to_le_bytes());
    }
    begin.push(0xC0);
    session.ask(&begin);
    session.ask(&hex(
        "c000072000ef0000001000000000000000000000000000000011111111111111111111111111111111c0",
    ));
    session
}

fn stub_section(spec: &BoardSpec, text: &str, load_address: u32) -> usize {
    let exchanges = section(text, "STUB");
    let mut session = uploaded(spec, load_address);
    for (index, exchange) in exchanges.iter().enumerate() {
        let answer = session.ask(&exchange.sent);
        if index == 0 {
            // still the ROM that answers
            let expected = Exchange {
                title: exchange.title.clone(),
                sent: Vec::new(),
                expected: masked(&exchange.expected),
            };
            check(&expected, &masked(&answer));
        } else {
            check(exchange, &answer);
        }
    }
    exchanges.len()
}

#[test]
fn esp32_rom() {
    let text = include_str!("../fixtures/wire/esp32.txt");
    assert!(rom_section(&esp32(), text, "ESP32") > 60);
}

#[test]
fn esp32_stub() {
    let text = include_str!("../fixtures/wire/esp32.txt");
    assert!(stub_section(&esp32(), text, 0x400A_9000) > 30);
}

fn esp32c3() -> BoardSpec {
    BoardSpec {
        mac: Mac([0xC4, 0x0A, 0x24, 0xFE, 0x10, 0x01]),
        ..BoardSpec::esp32(0).chip(Chip::Esp32C3).pace(Pace::Unpaced)
    }
}

#[test]
fn esp32c3_rom() {
    let text = include_str!("../fixtures/wire/esp32c3.txt");
    assert!(rom_section(&esp32c3(), text, "ESP32-C3") > 20);
}

#[test]
fn esp32c3_stub() {
    let text = include_str!("../fixtures/wire/esp32c3.txt");
    assert!(stub_section(&esp32c3(), text, 0x4038_0E90) > 10);
}

/// Random frames, recorded from the ROM; here even the left-overs are the same.
#[test]
fn esp32_random_frames() {
    let mut session = None;
    let (mut title, mut answer, mut compared) = ("", Vec::new(), 0);
    for line in include_str!("../fixtures/wire/random.txt").lines() {
        if line == "! fresh" {
            session = Some(Session::synced(&esp32()));
        } else if let Some(words) = line.strip_prefix("# ") {
            title = words;
        } else if let Some(digits) = line.strip_prefix("> ") {
            answer = session.as_mut().unwrap().ask(&hex(digits));
        } else if let Some(digits) = line.strip_prefix("< ") {
            let recorded = if digits == "(nothing)" { "" } else { digits };
            assert_eq!(answer, hex(recorded), "{title}");
            compared += 1;
        }
    }
    assert_eq!(compared, 310);
}
