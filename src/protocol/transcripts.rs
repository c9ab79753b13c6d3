//! What real mask ROMs and the stub answered, replayed to our exchanges: how each answer is taken
//! stands in the snapshots, to be read by people who know the chips.

use std::time::{Duration, Instant};

use super::slip::{Decoder, Item};
use super::{Action, Dialect, Exchange, ExchangeError, Op, Reply, Request};

const ESP32: &str = include_str!("../../tests/fixtures/wire/esp32.txt");
const ESP32C3: &str = include_str!("../../tests/fixtures/wire/esp32c3.txt");

/// The ops that the transcripts ask for and that have a name here.
const OPS: [Op; 21] = [
    Op::FlashBegin,
    Op::FlashData,
    Op::FlashEnd,
    Op::MemBegin,
    Op::MemEnd,
    Op::MemData,
    Op::Sync,
    Op::WriteReg,
    Op::ReadReg,
    Op::SpiSetParams,
    Op::SpiAttach,
    Op::ReadFlashSlow,
    Op::ChangeBaudrate,
    Op::FlashDeflBegin,
    Op::FlashDeflData,
    Op::FlashDeflEnd,
    Op::SpiFlashMd5,
    Op::GetSecurityInfo,
    Op::EraseFlash,
    Op::EraseRegion,
    Op::ReadFlash,
];

struct Entry<'a> {
    title: &'a str,
    dialect: Dialect,
    sent: Vec<u8>,
    answered: Vec<u8>,
}

fn entries(transcript: &str) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let (mut title, mut dialect, mut sent) = ("", Dialect::Rom, Vec::new());
    for line in transcript.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            // The ROM answers the command that starts the stub.
            if title.starts_with("MEM_END that starts the stub") {
                dialect = Dialect::Stub;
            }
            (title, sent) = (text, Vec::new());
        } else if let Some(hex) = line.strip_prefix("> ") {
            sent = bytes(hex);
        } else if let Some(hex) = line.strip_prefix("< ") {
            entries.push(Entry {
                title,
                dialect,
                sent: std::mem::take(&mut sent),
                answered: bytes(hex),
            });
        }
    }
    entries
}

/// `(nothing within a second)` is no bytes.
fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map_while(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn items(bytes: &[u8]) -> Vec<Item> {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    std::iter::from_fn(|| decoder.next()).collect()
}

/// How a request of ours with this op would take what the chip answered.
fn replay(op: Op, entry: &Entry<'_>) -> Result<Reply, ExchangeError> {
    let sent = entry.sent.as_slice().into();
    let mut request = Request::framed(op, sent, entry.dialect, Duration::from_secs(3));
    let mut now = Instant::now();
    let mut answers = items(&entry.answered).into_iter();
    loop {
        match request.poll(now) {
            Action::Send(_) => {}
            Action::Done(result) => return result,
            Action::Wait { until } => match answers.next() {
                Some(item) => request.handle(item, now),
                None => now = until,
            },
        }
    }
}

fn told(entry: &Entry<'_>) -> String {
    let loader = match entry.dialect {
        Dialect::Stub => "stub",
        Dialect::Rom | Dialect::Rom8266 => "ROM",
    };
    let op = |byte: &u8| OPS.into_iter().find(|op| *op as u8 == *byte);
    let taken = match entry.sent.get(2).and_then(op) {
        None => "(no request of ours)".to_owned(),
        Some(op) => match replay(op, entry) {
            Ok(reply) if reply.payload.is_empty() => format!("{:08x}", reply.value),
            Ok(reply) => format!("{:08x} {}", reply.value, hex(&reply.payload)),
            Err(error) => error.to_string(),
        },
    };
    format!("{loader} | {} | {taken}", entry.title)
}

fn all(transcript: &str) -> String {
    let lines: Vec<_> = entries(transcript).iter().map(told).collect();
    lines.join("\n")
}

#[test]
fn an_esp32() {
    insta::assert_snapshot!(all(ESP32));
}

#[test]
fn an_esp32c3() {
    insta::assert_snapshot!(all(ESP32C3));
}

/// What is found outside of frames: the texts that a chip prints, and nothing of a reply.
#[test]
fn texts_between_frames() {
    let all = entries(ESP32).into_iter().chain(entries(ESP32C3));
    let noise = all
        .flat_map(|entry| items(&entry.answered))
        .filter_map(|item| match item {
            Item::Noise(text) => Some(format!("{:?}", String::from_utf8_lossy(&text))),
            Item::Frame(_) => None,
        });
    insta::assert_snapshot!(noise.collect::<Vec<_>>().join("\n"));
}
