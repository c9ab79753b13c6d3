//! What is particular to a chip or a mode of its ROM, as a client sees it.

use std::time::Duration;

use flashline::chip::{Chip, Revision};
use flashline::sim::{Access, Board, BoardSpec, Mode, Pace, Strap, Wiring};

use crate::sim_talk::Talk;
use crate::wire_frames::{READ_MAGIC, SYNC, block, command, frames};

const SET_PARAMS_4_MB: [u32; 6] = [0, 4 << 20, 0x1_0000, 0x1000, 0x100, 0xFFFF];

fn with(chip: Chip) -> Talk {
    Talk::with(BoardSpec::esp32(7).chip(chip))
}

/// Only just synchronised: nothing attached, nothing sized.
fn synced(spec: BoardSpec) -> Talk {
    let mut talk = Talk {
        board: Board::new(spec.pace(Pace::Unpaced)),
        now: Duration::ZERO,
    };
    talk.ask(b"");
    talk.ask(SYNC);
    talk
}

fn locked(chip: Chip) -> Talk {
    synced(
        BoardSpec::esp32(7)
            .chip(chip)
            .access(Access::SecureDownload),
    )
}

#[test]
fn secure_download_mode_leaves_plain_writing() {
    for chip in Chip::ALL {
        if matches!(chip, Chip::Esp8266 | Chip::Esp32) {
            continue;
        }
        let mut talk = locked(chip);
        // the first refusal comes eight times: the last accepted command was SYNC
        let answer = frames(&talk.ask(READ_MAGIC));
        assert_eq!(answer.len(), 8, "{chip}");
        assert_eq!(
            (answer[0][1], &answer[0][8..10]),
            (0x08, &[1, 5][..]),
            "{chip}"
        );
        let security = frames(&talk.ask(&command(0x14, &[], b"")));
        assert_eq!(security[0][8] & 4, 4, "{chip}: SECURE_DOWNLOAD_ENABLE");
        let mut status = |op: u8, words: &[u32]| talk.status(&command(op, words, b""));
        for (op, words) in [
            (0x05, &[0x10, 1, 0x1800, 0x4009_0000][..]),
            (0x06, &[0, 0x4009_0000]),
            (0x09, &[0x3FF0_0000, 1, !0, 0]),
            (0x0A, &[0x4000_1000]),
            (0x0E, &[0, 64]),
            (0x10, &[0x400, 1, 0x400, 0, 0]),
            (0x13, &[0, 0x400, 0, 0]),
        ] {
            assert_eq!(status(op, words), 0x0105, "{chip}: {op:02x}");
        }
        assert_eq!(status(0x0D, &[0, 0]), 0, "{chip}");
        assert_eq!(status(0x02, &[0x400, 1, 0x400, 0x1_0000, 0]), 0, "{chip}");
        assert_eq!(talk.status(&block(0x03, 0, &[0x5A; 0x400])), 0, "{chip}");
        assert_eq!(talk.board.flash()[0x1_0000..0x1_0400], [0x5A; 0x400]);
    }
}

#[test]
fn two_megabytes_are_taken_for_granted() {
    let mut talk = locked(Chip::Esp32S3);
    talk.ask(&command(0x0D, &[0, 0], b""));
    let begin = command(0x02, &[0x400, 1, 0x400, 2 << 20, 0], b"");
    assert_eq!(talk.status(&begin), 0x0106);
    assert_eq!(talk.status(&command(0x0B, &SET_PARAMS_4_MB, b"")), 0);
    assert_eq!(talk.status(&begin), 0);
}

#[test]
fn the_older_chips_know_no_such_mode() {
    for chip in [Chip::Esp8266, Chip::Esp32] {
        let mut talk = locked(chip);
        assert_ne!(talk.read(0x4000_1000), 0, "{chip}");
    }
}

#[test]
fn the_esp8266_knows_ten_commands_less() {
    let mut talk = synced(BoardSpec::esp32(7).chip(Chip::Esp8266));
    let answer = frames(&talk.ask(&command(0x0A, &[0x4000_1000], b"")));
    assert_eq!(answer[0].len(), 8 + 2, "two status bytes");
    for op in [0x0B, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14] {
        assert_eq!(talk.status(&command(op, &[0, 0], b"")), 0x0105, "{op:02x}");
    }
}

#[test]
fn the_esp8266_attaches_its_flash_at_begin() {
    let mut talk = synced(BoardSpec::esp32(7).chip(Chip::Esp8266));
    let mut flash_id = || {
        let spi = 0x6000_0200;
        for (offset, word) in [(0x20, 23 << 8), (0x1C, 9 << 28), (0x24, 7 << 28 | 0x9F)] {
            talk.ask(&command(0x09, &[spi + offset, word, !0, 0], b""));
        }
        talk.ask(&command(0x09, &[spi, 1 << 18, !0, 0], b""));
        let id = talk.read(spi + 0x40);
        assert_eq!(talk.status(&command(0x02, &[0, 0, 0x400, 0], b"")), 0);
        id
    };
    assert_eq!(flash_id(), 0);
    assert_eq!(flash_id(), 0x16_40EF);
}

#[test]
fn the_esp8266_erases_more_than_it_was_told() {
    // sectors from where on, asked, erased: the way to the next 64 KB counts twice
    let check = |start: u32, asked: u32, erased: u32| {
        let mut talk = synced(BoardSpec::esp32(7).chip(Chip::Esp8266));
        let words = [asked << 12, 0, 0x400, start << 12];
        assert_eq!(talk.status(&command(0x02, &words, b"")), 0);
        assert_eq!(talk.board.state().bytes_erased, u64::from(erased) << 12);
    };
    check(16, 0, 0);
    check(16, 1, 2);
    check(16, 16, 32);
    check(16, 40, 56);
    check(15, 1, 2);
    check(15, 8, 9);
    check(8, 8, 16);
}

#[test]
fn rates_as_the_rom_takes_its_crystal_for_another() {
    let check = |chip: Chip, crystal_mhz: Option<u32>, asked: u32, comes: u32| {
        let mut talk = Talk::with(BoardSpec {
            crystal_mhz,
            ..BoardSpec::esp32(7).chip(chip)
        });
        talk.ask(&command(0x0F, &[asked, 0], b""));
        assert_eq!(talk.board.state().baud, comes, "{chip} {crystal_mhz:?}");
    };
    check(Chip::Esp32C2, None, 460_800 * 40 / 26, 460_799);
    check(Chip::Esp32C2, Some(40), 460_800, 460_800);
    check(Chip::Esp32C5, None, 460_800, 460_800);
    check(Chip::Esp32C5, Some(40), 552_960, 460_800);
    check(Chip::Esp32H2, None, 921_600, 921_600);
}

#[test]
fn the_boot_text_is_off_by_as_much() {
    let check = |chip: Chip, crystal_mhz: Option<u32>, host_baud: u32, readable: bool| {
        let spec = BoardSpec {
            crystal_mhz,
            wiring: Wiring::Lines,
            ..BoardSpec::esp32(7).chip(chip)
        };
        let mut board = Board::new(spec);
        let text = board.take(Duration::from_secs(1), host_baud);
        let found = String::from_utf8_lossy(&text).contains("invalid header: 0xffffffff");
        assert_eq!(found, readable, "{chip} at {host_baud}: {text:02x?}");
    };
    check(Chip::Esp32, None, 115_200, true);
    check(Chip::Esp8266, None, 115_200, false);
    check(Chip::Esp8266, None, 74_880, true);
    check(Chip::Esp32C2, Some(26), 74_880, true);
    check(Chip::Esp32C2, Some(40), 115_200, true);
}

#[test]
fn the_rtc_watchdog_starts_the_chip_again() {
    let mut talk = Talk::with(
        BoardSpec::esp32(7)
            .chip(Chip::Esp32C3)
            .wiring(Wiring::Strapped),
    );
    let mut write = |address: u32, value: u32| {
        talk.ask(&command(0x09, &[address, value, !0, 0], b""));
        talk.board.state().starts
    };
    let (config, timeout, protect) = (0x6000_8090, 0x6000_8094, 0x6000_80A8);
    let on = 1 << 31 | 5 << 28 | 1 << 8 | 2;
    // behind its write protection nothing happens
    assert_eq!(write(config, on), 1);
    assert_eq!(write(protect, 0x50D8_3AA1), 1);
    assert_eq!(write(timeout, 2000), 1);
    assert_eq!(write(config, on), 2);
    assert_eq!(talk.board.state().mode, Mode::Loader);
}

#[test]
fn a_chip_on_its_own_usb_is_reset_by_its_lines() {
    let check = |strap: Strap, lines: &[(bool, bool)], starts: u32, mode: Mode| {
        let spec = BoardSpec::esp32(7)
            .chip(Chip::Esp32C3)
            .wiring(Wiring::UsbSerialJtag(strap));
        let mut talk = Talk {
            board: Board::new(spec),
            now: Duration::ZERO,
        };
        talk.ask(b"");
        for (dtr, rts) in lines {
            talk.board.set_lines(talk.now, *dtr, *rts);
            talk.now += Duration::from_millis(100);
            talk.board.advance(talk.now);
        }
        let state = talk.board.state();
        assert_eq!(
            (state.starts, state.mode),
            (starts, mode),
            "{strap:?} {lines:?}"
        );
        talk
    };
    let into_loader = [
        (false, false),
        (true, false),
        (true, true),
        (false, true),
        (false, false),
    ];
    let into_app = [(false, false), (false, true), (false, false)];
    check(Strap::Free, &[], 1, Mode::NoApp);
    check(Strap::Free, &into_loader, 2, Mode::Loader);
    // by (0,0) the strap is let go before the reset
    let by_zero = [(true, false), (false, false), (false, true)];
    check(Strap::Free, &by_zero, 2, Mode::NoApp);
    check(Strap::HeldAtPowerOn, &into_app, 2, Mode::Loader);
    // the register of the strap tells the two loaders apart
    let strap = |mut talk: Talk| {
        talk.ask(SYNC);
        talk.read(0x6000_4038)
    };
    assert_eq!(strap(check(Strap::Free, &into_loader, 2, Mode::Loader)), 8);
    assert_eq!(strap(check(Strap::HeldAtPowerOn, &[], 1, Mode::Loader)), 0);
    // only the watchdog reads the strap again
    let mut talk = check(Strap::HeldAtPowerOn, &into_app, 2, Mode::Loader);
    talk.ask(SYNC);
    for (address, value) in [
        (0x6000_80A8, 0x50D8_3AA1),
        (0x6000_8094, 2000),
        (0x6000_8090, 0xD000_0102),
    ] {
        talk.ask(&command(0x09, &[address, value, !0, 0], b""));
    }
    assert_eq!(talk.board.state().mode, Mode::NoApp);
}

#[test]
fn a_chip_on_its_own_usb_knows_no_rates() {
    let strap = Wiring::UsbSerialJtag(Strap::HeldAtPowerOn);
    let mut talk = Talk::with(BoardSpec::esp32(7).chip(Chip::Esp32C3).wiring(strap));
    talk.ask(&command(0x0F, &[921_600, 0], b""));
    for host_baud in [9_600, 115_200, 2_000_000] {
        talk.board.receive(talk.now, host_baud, READ_MAGIC);
        talk.now += Duration::from_secs(1);
        assert_eq!(frames(&talk.board.take(talk.now, host_baud))[0][1], 0x0A);
    }
}

fn p4(major: u8, minor: u8) -> BoardSpec {
    BoardSpec {
        revision: Revision { major, minor },
        ..BoardSpec::esp32(7).chip(Chip::Esp32P4)
    }
}

#[test]
fn a_p4_runs_the_stub_of_its_generation() {
    let check = |spec: BoardSpec, address: u32, mode: Mode| {
        let mut talk = Talk::with(spec);
        talk.ask(&command(0x05, &[16, 1, 0x1800, address], b""));
        talk.ask(&block(0x07, 0, &[0x11; 16]));
        talk.ask(&command(0x06, &[0, address], b""));
        assert_eq!(talk.board.state().mode, mode, "{address:08x}");
    };
    check(p4(1, 3), 0x4FF1_0000, Mode::Stub);
    check(p4(1, 3), 0x4FF5_0000, Mode::Hung);
    check(p4(3, 0), 0x4FF1_0000, Mode::Hung);
    check(p4(3, 0), 0x4FF5_0000, Mode::Stub);
}

#[test]
fn the_flash_of_a_later_p4_has_to_be_switched_on() {
    let written = |talk: &mut Talk| {
        talk.ask(&command(0x02, &[0x400, 1, 0x400, 0x1_0000, 0], b""));
        talk.ask(&block(0x03, 0, &[0x5A; 0x400]));
        talk.board.state().bytes_written
    };
    assert_eq!(written(&mut Talk::with(p4(3, 0))), 0x400);
    let mut talk = Talk::with(p4(3, 1));
    assert_eq!(written(&mut talk), 0);
    talk.ask(&command(0x09, &[0x5011_53FC, 3, !0, 0], b""));
    assert_eq!(written(&mut talk), 0x400);
}

#[test]
fn revisions_are_read_where_the_chip_keeps_them() {
    let mut talk = Talk::with(BoardSpec {
        revision: Revision { major: 3, minor: 1 },
        ..BoardSpec::esp32(7).chip(Chip::Esp32P4)
    });
    assert_eq!(talk.read(0x5012_D04C), 0x31);
    // an EUI-64's middle above the MAC
    assert_eq!(with(Chip::Esp32C6).read(0x600B_0848), 0xFFFE_240A);
}
