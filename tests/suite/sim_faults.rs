//! Each fault of a simulated board, as a client sees it.

use std::time::Duration;

use flashline::chip::{Chip, Mac, Security};
use flashline::sim::{Board, BoardSpec, Fault, Mode, Pace, Wiring};
use flate2::{Compression, write::ZlibEncoder};
use proptest::prelude::*;

use crate::sim_talk::Talk;
use crate::wire_frames::{READ_MAGIC, SYNC, block, command, frames};

/// Two blocks of 1 KB at 0x10000, plain.
fn write_two_blocks(talk: &mut Talk) -> [u16; 2] {
    assert_eq!(
        talk.status(&command(0x02, &[0x800, 2, 0x400, 0x1_0000], b"")),
        0
    );
    [0, 1].map(|sequence| talk.status(&block(0x03, sequence, &[0x5A; 0x400])))
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn without_a_fault_all_goes_well() {
    let mut talk = Talk::with(BoardSpec::esp32(7));
    assert_eq!(write_two_blocks(&mut talk), [0, 0]);
    assert_eq!(talk.start_stub()[14..], *b"\xC0OHAI\xC0");
    assert_eq!(talk.board.state().mode, Mode::Stub);
    assert_eq!(talk.board.flash()[0x1_0000..0x1_0800], [0x5A; 0x800]);
}

#[test]
fn a_silent_board_says_nothing() {
    let mut talk = Talk::with_fault(Fault::Silent);
    assert_eq!(talk.ask(SYNC), b"");
}

#[test]
fn a_noisy_line_damages_bytes_from_its_rate_on() {
    let mut talk = Talk::with_fault(Fault::NoisyLine {
        from_baud: 460_800,
        one_in: 50,
    });
    for _ in 0..50 {
        assert_eq!(talk.read(0x4000_1000), 0x00F0_1D83);
    }
    talk.ask(&command(0x0F, &[460_800, 0], b""));
    let good = b"\xC0\x01\x0A\x04\0\x83\x1D\xF0\0\0\0\0\0\xC0";
    let damaged = (0..50).filter(|_| talk.ask(READ_MAGIC) != good).count();
    assert!((5..45).contains(&damaged), "{damaged} of 50");
}

#[test]
fn bytes_are_lost_from_a_rate_on() {
    let mut talk = Talk::with_fault(Fault::DroppedBytes {
        from_baud: 460_800,
        one_in: 50,
    });
    for _ in 0..50 {
        assert_eq!(talk.read(0x4000_1000), 0x00F0_1D83);
    }
    talk.ask(&command(0x0F, &[460_800, 0], b""));
    let whole = (0..50).filter(|_| talk.ask(READ_MAGIC).len() == 14).count();
    assert!((5..45).contains(&whole), "{whole} of 50");
}

#[test]
fn a_bridge_that_makes_another_rate_is_understood_at_that_rate_only() {
    let check = |asked: u32, chip_baud: u32, understood: bool| {
        let mut talk = Talk::with_fault(Fault::BridgeMakes {
            asked: 1_500_000,
            makes: 1_000_000,
        });
        talk.ask(&command(0x0F, &[chip_baud, 0], b""));
        assert_eq!(talk.board.state().baud, chip_baud);
        talk.board.receive(talk.now, asked, READ_MAGIC);
        talk.now += Duration::from_secs(1);
        let answer = talk.board.take(talk.now, asked);
        let found = answer.ends_with(b"\x01\x0A\x04\0\x83\x1D\xF0\0\0\0\0\0\xC0");
        assert_eq!(found, understood, "{asked} at {chip_baud}: {answer:02x?}");
    };
    check(1_500_000, 1_500_000, false);
    check(1_500_000, 1_000_000, true);
    check(1_000_000, 1_000_000, true);
    check(921_600, 921_600, true);
}

#[test]
fn a_rate_that_does_not_come_up() {
    let mut talk = Talk::with_fault(Fault::BaudIgnored { times: 1 });
    assert_eq!(talk.status(&command(0x0F, &[921_600, 0], b"")), 0);
    assert_eq!(talk.board.state().baud, 115_200);
    talk.ask(&command(0x0F, &[921_600, 0], b""));
    assert_eq!(talk.board.state().baud, 921_600);
}

#[test]
fn refusals_carry_the_op_that_was_accepted_last() {
    for copies in [1, 8] {
        let mut talk = Talk::with_fault(Fault::Refused {
            op: 0x02,
            copies,
            times: 2,
        });
        let begin = command(0x02, &[0x400, 1, 0x400, 0x1_0000], b"");
        talk.read(0x4000_1000);
        for _ in 0..2 {
            let answer = frames(&talk.ask(&begin));
            assert_eq!(answer.len(), copies as usize);
            assert_eq!((answer[0][1], &answer[0][8..10]), (0x0A, &[1, 5][..]));
        }
        assert_eq!(talk.status(&begin), 0);
    }
    let mut talk = Talk::with_fault(Fault::Refused {
        op: 0x0A,
        copies: 8,
        times: 1,
    });
    talk.start_stub();
    assert_eq!(talk.status(READ_MAGIC), 0xC300);
    assert_eq!(talk.status(READ_MAGIC), 0);
}

#[test]
fn the_rom_refuses_a_sequence_number_that_it_had_whatever_the_block_says() {
    let mut talk = Talk::with(BoardSpec::esp32(7));
    assert_eq!(
        talk.status(&command(0x02, &[0x800, 2, 0x400, 0x1_0000], b"")),
        0
    );
    let first = block(0x03, 0, &[0x5A; 0x400]);
    assert_eq!(talk.status(&first), 0);
    assert_eq!(talk.status(&first), 0x0105);
}

#[test]
fn a_checksum_can_be_refused_for_ever() {
    let mut talk = Talk::with_fault(Fault::ChecksumRefused { times: u32::MAX });
    for _ in 0..20 {
        talk.ask(&command(0x02, &[0x400, 1, 0x400, 0x1_0000], b""));
        assert_eq!(talk.status(&block(0x03, 0, &[0x5A; 0x400])), 0x0107);
    }
    assert_eq!(talk.board.state().bytes_written, 0);
}

#[test]
fn a_rate_above_the_ceiling_carries_garbage() {
    let mut talk = Talk::with_fault(Fault::BaudCeiling { baud: 921_600 });
    talk.ask(&command(0x0F, &[921_600, 0], b""));
    assert_eq!(talk.read(0x4000_1000), 0x00F0_1D83);
    talk.ask(&command(0x0F, &[1_500_000, 0], b""));
    assert!(!talk.ask(READ_MAGIC).starts_with(b"\xC0\x01\x0A"));
}

#[test]
fn a_block_that_is_damaged_on_the_line_is_refused_by_rom_and_stub() {
    let fault = Fault::DamagedBlocks {
        from_baud: 0,
        frames: 1,
    };
    // the ROM wants the next sequence number after that
    assert_eq!(write_two_blocks(&mut Talk::with_fault(fault)), [0x0107, 0]);
    let mut talk = Talk::with_fault(Fault::DamagedBlocks {
        from_baud: 460_800,
        frames: 1,
    });
    talk.start_stub();
    talk.ask(&command(0x0F, &[460_800, 115_200], b""));
    talk.ask(&command(0x02, &[0x400, 1, 0x4000, 0], b""));
    assert_eq!(talk.status(&block(0x03, 0, &[1; 0x400])), 0xC100);
    assert_eq!(talk.status(&block(0x03, 0, &[1; 0x400])), 0);
}

#[test]
fn a_refused_checksum_costs_the_rom_its_sequence_number_and_the_stub_nothing() {
    let fault = Fault::ChecksumRefused { times: 1 };
    let mut talk = Talk::with_fault(fault.clone());
    talk.ask(&command(0x02, &[0x400, 1, 0x400, 0], b""));
    assert_eq!(talk.status(&block(0x03, 0, &[1; 0x400])), 0x0107);
    assert_eq!(talk.status(&block(0x03, 0, &[1; 0x400])), 0x0105);

    let mut talk = Talk::with_fault(fault);
    // the one refusal goes to the upload
    talk.ask(&command(0x05, &[16, 1, 0x1800, 0x4009_0000], b""));
    assert_eq!(talk.status(&block(0x07, 0, &[0x11; 16])), 0x0107);
    talk.start_stub();
    talk.ask(&command(0x02, &[0x400, 1, 0x4000, 0], b""));
    assert_eq!(talk.status(&block(0x03, 0, &[1; 0x400])), 0);
}

#[test]
fn replies_are_lost_late_and_behind_garbage_as_often_as_told() {
    let mut talk = Talk::with_fault(Fault::ReplyLost { op: 0x0A, times: 1 });
    assert_eq!(talk.ask(READ_MAGIC), b"");
    assert_eq!(talk.ask(READ_MAGIC).len(), 14);

    let late = Duration::from_secs(4);
    let mut talk = Talk::with_fault(Fault::ReplyLate {
        op: 0x0A,
        times: 1,
        by: late,
    });
    let before = talk.now;
    assert_eq!(talk.ask(READ_MAGIC).len(), 14);
    assert!(talk.now - before >= late);
    let before = talk.now;
    talk.ask(READ_MAGIC);
    assert!(talk.now - before < late);

    let mut talk = Talk::with_fault(Fault::GarbageBefore { op: 0x0A, times: 1 });
    let answer = talk.ask(READ_MAGIC);
    assert!(answer.len() > 14 && answer.ends_with(b"\x83\x1D\xF0\0\0\0\0\0\xC0"));
    assert_eq!(talk.ask(READ_MAGIC).len(), 14);
}

#[test]
fn a_silent_stub_leaves_the_chip_hung() {
    let mut talk = Talk::with_fault(Fault::StubSilent);
    assert_eq!(talk.start_stub().len(), 14);
    assert_eq!(talk.board.state().mode, Mode::Hung);
    assert_eq!(talk.ask(SYNC), b"");
}

#[test]
fn inflating_fails_at_once_in_the_rom_and_a_command_later_in_the_stub() {
    let stream = deflated(&[7; 0x1000]);
    let fault = Fault::InflateFails { block: 0, times: 1 };
    let mut talk = Talk::with_fault(fault.clone());
    talk.ask(&command(0x10, &[0x1000, 1, 0x400, 0], b""));
    assert_eq!(talk.status(&block(0x11, 0, &stream)), 0x010B);

    let mut talk = Talk::with_fault(fault);
    talk.start_stub();
    talk.ask(&command(0x10, &[0x1000, 1, 0x4000, 0], b""));
    assert_eq!(talk.status(&block(0x11, 0, &stream)), 0);
    assert_eq!(talk.status(READ_MAGIC), 0xC700);
    assert_eq!(talk.status(READ_MAGIC), 0);
}

#[test]
fn a_byte_that_is_lost_shows_in_the_digest() {
    let digest = |fault: Option<Fault>| {
        let mut spec = BoardSpec::esp32(7);
        spec.faults.extend(fault);
        let mut talk = Talk::with(spec);
        assert_eq!(write_two_blocks(&mut talk), [0, 0]);
        frames(&talk.ask(&command(0x13, &[0x1_0000, 0x800, 0, 0], b"")))[0][8..40].to_vec()
    };
    let good = digest(None);
    assert_eq!(digest(Some(Fault::LostByte { offset: 0x1_0800 })), good);
    assert_ne!(digest(Some(Fault::LostByte { offset: 0x1_07FF })), good);
}

#[test]
fn a_protected_part_fails_at_once_in_the_rom_and_a_command_later_in_the_stub() {
    let mut talk = Talk::with_fault(Fault::WriteProtected);
    assert_eq!(
        talk.status(&command(0x02, &[0x400, 1, 0x400, 0], b"")),
        0x0106
    );
    assert_eq!(talk.status(&block(0x03, 0, &[1; 0x400])), 0x0108);

    let mut talk = Talk::with_fault(Fault::WriteProtected);
    talk.start_stub();
    assert_eq!(talk.status(&command(0x02, &[0x400, 1, 0x4000, 0], b"")), 0);
    assert_eq!(talk.status(&block(0x03, 0, &[1; 0x400])), 0);
    assert_eq!(talk.status(READ_MAGIC), 0xC400);
}

#[test]
fn efuses_tell_a_wrong_crc_and_burnt_locks() {
    let crc = |fault: Option<Fault>| {
        let mut spec = BoardSpec::esp32(7);
        spec.faults.extend(fault);
        Talk::with(spec).read(0x3FF5_A008) >> 16
    };
    assert_ne!(crc(None), crc(Some(Fault::MacCrcWrong)));

    let secured = |security: Security| {
        let mut talk = Talk::with_fault(Fault::Secured(security));
        (talk.read(0x3FF5_A000), talk.read(0x3FF5_A018))
    };
    let open = Security::default();
    assert_eq!(secured(open), (0, 0));
    // FLASH_CRYPT_CNT, ABS_DONE_0, UART_DOWNLOAD_DIS
    let check = |security, expected| assert_eq!(secured(security), expected);
    check(
        Security {
            flash_encryption: true,
            ..open
        },
        (1 << 20, 0),
    );
    check(
        Security {
            secure_boot: true,
            ..open
        },
        (0, 1 << 4),
    );
    check(
        Security {
            download_locked: true,
            ..open
        },
        (1 << 27, 0),
    );
}

#[test]
fn other_chips_say_which_they_are() {
    // magic or chip id, as esptool's detection reads them
    let mut talk = Talk::with(BoardSpec::esp32(7).chip(Chip::Esp8266));
    assert_eq!(talk.read(0x4000_1000), 0xFFF0_C101);
    for (chip, id) in [
        (Chip::Esp32C3, 5u32),
        (Chip::Esp32S3, 9),
        (Chip::Esp32C2, 12),
        (Chip::Esp32C6, 13),
        (Chip::Esp32H2, 16),
        (Chip::Esp32P4, 18),
        (Chip::Esp32C61, 20),
        (Chip::Esp32C5, 23),
    ] {
        let mut talk = Talk::with(BoardSpec::esp32(7).chip(chip));
        let answer = frames(&talk.ask(&command(0x14, &[], b"")));
        assert_eq!(answer[0][20..24], id.to_le_bytes(), "{chip}");
    }
    let mut talk = Talk::with(BoardSpec::esp32(7).chip(Chip::Esp32S2));
    assert_eq!(talk.read(0x4000_1000), 0x0000_07C6);
    assert_eq!(
        frames(&talk.ask(&command(0x14, &[], b"")))[0].len(),
        8 + 12 + 4
    );
}

#[test]
fn a_crystal_that_the_rom_measures_wrongly_shifts_its_rate() {
    let mut spec = BoardSpec::esp32(7);
    spec.clock_error_ppm = 50_000;
    let mut talk = Talk::with(spec);
    talk.ask(&command(0x0F, &[921_600, 0], b""));
    assert_eq!(talk.board.state().baud, 877_714);
    // esptool's correction: ask for the rate times what the ROM believes, by 40 MHz
    talk.ask(&command(0x0F, &[921_600 / 20 * 21, 0], b""));
    assert_eq!(talk.board.state().baud, 921_600);
}

#[test]
fn a_board_is_the_same_in_every_run() {
    let run = || {
        let mut talk = Talk::with_fault(Fault::NoisyLine {
            from_baud: 0,
            one_in: 10,
        });
        (0..20).map(|_| talk.ask(READ_MAGIC)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn an_app_starts_when_the_lines_say_so() {
    let spec = BoardSpec {
        mac: Mac([2, 0, 0, 0, 0, 1]),
        ..BoardSpec::esp32(7).wiring(Wiring::Lines)
    };
    let mut board = Board::new(spec.pace(Pace::Real));
    let second = Duration::from_secs(1);
    let heard =
        |board: &mut Board, at: Duration| String::from_utf8(board.take(at, 115_200)).unwrap();
    assert!(heard(&mut board, second).contains("invalid header: 0xffffffff"));
    assert_eq!(board.state().mode, Mode::NoApp);
    // EN low, then IO0 low as EN rises
    board.set_lines(second, false, true);
    assert_eq!(board.state().mode, Mode::Held);
    board.set_lines(second * 2, true, false);
    assert!(heard(&mut board, second * 3).ends_with("boot:0xf (UART_BOOT(UART0))\r\n"));
    assert_eq!(board.state().mode, Mode::Loader);
}

proptest! {
    #[test]
    fn no_bytes_make_a_board_panic(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..12),
        stub in any::<bool>(),
    ) {
        let mut talk = Talk::with(BoardSpec::esp32(7));
        if stub {
            talk.start_stub();
        }
        for piece in pieces {
            talk.ask(&piece);
        }
    }

    #[test]
    fn no_frames_make_a_board_panic(
        frames in proptest::collection::vec(
            (
                prop_oneof![0x02u8..=0x14, 0xD0u8..=0xD4],
                proptest::collection::vec(prop_oneof![0u32..0x2000, any::<u32>()], 0..6),
                proptest::collection::vec(any::<u8>(), 0..40),
            ),
            0..12,
        ),
        stub in any::<bool>(),
    ) {
        let mut talk = Talk::with(BoardSpec::esp32(7));
        if stub {
            talk.start_stub();
        }
        for (op, words, data) in frames {
            talk.ask(&command(op, &words, &data));
        }
    }
}
