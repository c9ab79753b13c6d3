use std::io::Read;

use super::*;
use crate::image::sample;
use crate::protocol::{checksum, slip};

const OFFSET: u32 = 0x1_0000;

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// A frame's op, and its payload.
fn decode(frame: &[u8]) -> (u8, Vec<u8>) {
    let mut decoder = slip::Decoder::new();
    decoder.push(frame);
    match decoder.next() {
        Some(slip::Item::Frame(frame)) => (frame[1], frame[8..].to_vec()),
        other => panic!("{other:?}"),
    }
}

/// The data of all blocks, with their headers checked against the Serial Protocol's form.
fn carried(framed: &Framed, op: u8) -> Vec<Vec<u8>> {
    framed
        .blocks
        .iter()
        .enumerate()
        .map(|(index, block)| {
            let (found, payload) = decode(&block.frame);
            assert_eq!(found, op);
            let (header, data) = payload.split_at(16);
            assert_eq!(words(header), [data.len() as u32, index as u32, 0, 0]);
            let mut decoder = slip::Decoder::new();
            decoder.push(&block.frame);
            let Some(slip::Item::Frame(whole)) = decoder.next() else {
                unreachable!()
            };
            assert_eq!(whole[4], checksum(data));
            data.to_vec()
        })
        .collect()
}

fn inflate(stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::ZlibDecoder::new(stream)
        .read_to_end(&mut out)
        .unwrap();
    out
}

fn framed(chip: Chip, method: Method, data: &[u8]) -> Framed {
    super::frame(chip, method, OFFSET, data, Effort::Most)
}

#[test]
fn the_stub_is_told_exact_bytes() {
    let data = sample::app(Chip::Esp32, 100_000, 1)[..99_996].to_vec();
    let framed = framed(Chip::Esp32, Method::StubDeflate, &data);
    let blocks = carried(&framed, 0x11);
    let (op, begin) = decode(&framed.begin);
    assert_eq!(op, 0x10);
    let (count, block_bytes) = (blocks.len() as u32, blocks[0].len() as u32);
    assert_eq!(words(&begin), [99_996, count, block_bytes, OFFSET]);
    assert!(blocks.iter().all(|block| block.len() <= 0x4000));
    assert_eq!(inflate(&blocks.concat()), data);
    assert_eq!(framed.inflated_after.last(), Some(&99_996));
    assert_eq!(framed.flash_bytes_after.last(), Some(&99_996));
    let wire: usize = framed.blocks.iter().map(|block| block.frame.len()).sum();
    assert_eq!(framed.wire_bytes, (wire + framed.begin.len()) as u64);
}

#[test]
fn the_rom_is_told_whole_blocks() {
    let data = sample::app(Chip::Esp32, 100_000, 1)[..99_996].to_vec();
    let framed = framed(Chip::Esp32, Method::RomDeflate, &data);
    let blocks = carried(&framed, 0x11);
    let (_, begin) = decode(&framed.begin);
    let [write_bytes, count, block_bytes, offset] = words(&begin)[..] else {
        panic!("{begin:?}");
    };
    assert_eq!((write_bytes, offset), (98 * 0x400, OFFSET));
    assert_eq!(count as usize, blocks.len());
    assert!(
        blocks
            .iter()
            .all(|block| block.len() <= block_bytes as usize)
    );
    // FF to the end of the ROM's buffer, and a buffer of FF: what it programs too much is FF
    let inflated = inflate(&blocks.concat());
    assert_eq!(inflated.len(), 5 * 0x8000);
    assert_eq!(inflated[..data.len()], data);
    assert!(inflated[data.len()..].iter().all(|byte| *byte == 0xFF));
    assert_eq!(framed.inflated_after.last(), Some(&99_996));
    assert_eq!(framed.flash_bytes_after.last(), Some(&99_996));
    let overshoot = inflated.len() + 0x8000 - data.len();
    assert!(overshoot <= Method::RomDeflate.overshoot_bytes() as usize);
}

#[test]
fn a_plain_last_block_is_filled_with_ff() {
    let data = sample::app(Chip::Esp32, 5_008, 1);
    let framed = framed(Chip::Esp32, Method::RomPlain, &data);
    let blocks = carried(&framed, 0x03);
    let (op, begin) = decode(&framed.begin);
    assert_eq!(op, 0x02);
    assert_eq!(words(&begin), [5_008, 5, 0x400, OFFSET]);
    let sent = blocks.concat();
    assert_eq!(sent.len(), 5 * 0x400);
    assert_eq!(sent[..5_008], data);
    assert!(sent[5_008..].iter().all(|byte| *byte == 0xFF));
    assert_eq!(*framed.flash_bytes_after, [1024, 2048, 3072, 4096, 5008]);
}

#[test]
fn chips_from_the_s2_on_get_a_fifth_word() {
    let data = sample::app(Chip::Esp32C3, 8_192, 1);
    for method in Method::ALL {
        let (_, begin) = decode(&framed(Chip::Esp32C3, method, &data).begin);
        assert_eq!(words(&begin).len(), 5, "{method:?}");
        assert_eq!(words(&begin)[4], 0);
    }
}

#[test]
fn flash_is_complete_in_whole_buffers() {
    let data = sample::app(Chip::Esp32, 300_000, 1);
    for method in [Method::StubDeflate, Method::RomDeflate] {
        let framed = framed(Chip::Esp32, method, &data);
        let (last, earlier) = framed.flash_bytes_after.split_last().unwrap();
        assert_eq!(*last, 300_000);
        for (complete, inflated) in earlier.iter().zip(framed.inflated_after.iter()) {
            assert!(complete % 0x8000 == 0 && complete <= inflated);
        }
        assert!(framed.flash_bytes_after.is_sorted());
    }
}

#[test]
fn timeouts_include_the_erases_that_a_block_triggers() {
    // the stub: one block of FF that inflates to 1 MB, all of it to erase
    let stub = framed(Chip::Esp32, Method::StubDeflate, &vec![0xFF; 1 << 20]);
    assert!(stub.blocks[0].timeout > Duration::from_secs(80));
    // the ROM erases at BEGIN
    let rom = framed(Chip::Esp32, Method::RomPlain, &vec![0xFF; 1 << 20]);
    assert_eq!(rom.begin_timeout, Duration::from_secs(40));
    assert_eq!(rom.blocks[0].timeout, Duration::from_secs(3));
    // the acknowledge of the block after a slow one waits for it
    let mut data = vec![0xFF; 1 << 20];
    data.extend(sample::app(Chip::Esp32, 65_536, 1));
    let stub = framed(Chip::Esp32, Method::StubDeflate, &data);
    assert!(stub.blocks[1].timeout > Duration::from_secs(40));
}
