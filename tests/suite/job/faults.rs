//! Each fault of a board or its line: outcome, code, retries and what the flash holds.

use std::time::Duration;

use flashline::job::Silence;
use flashline::job::StubUse::{self, RomDeflate, RomPlain, Stub};
use flashline::protocol::Op;
use flashline::settings::Reset;
use flashline::sim::{BoardSpec, Contents, Fault, Pace, Wiring};

use super::{Keeper, PLANNER, Rig, check, plan};

const ALL: [StubUse; 3] = [Stub, RomDeflate, RomPlain];

/// Every retry that there is was used up.
const MANY: u32 = 100_000;

/// A board that was flashed before, so that an erase shows.
fn with(fault: Fault) -> BoardSpec {
    let mut spec = BoardSpec::esp32(1).fault(fault);
    spec.contents = Contents::Used;
    spec
}

#[tokio::test(start_paused = true)]
async fn a_silent_board() {
    let expected = "FAIL NO_SYNC, attempt 1, retried 0+0+0, 0 baud, flash untouched";
    check(with(Fault::Silent), Stub, expected).await;
}

/// In a jig whose adapter is always there, silence is no board; one that only talks is a board.
#[tokio::test(start_paused = true)]
async fn a_jig_without_a_board_and_one_with_a_board_that_only_talks() {
    let check = async |spec: BoardSpec, expected: &str| {
        let mut rig = Rig::new(spec);
        rig.assignment.silence = Silence::NoBoard;
        rig.assignment.reset = Reset::None;
        assert_eq!(rig.run().await.summary(), expected);
    };
    let nobody = "ERROR NO_BOARD, attempt 1, retried 0+0+0, 0 baud, flash untouched";
    check(with(Fault::Silent), nobody).await;
    let talker = "FAIL NO_SYNC, attempt 1, retried 0+0+0, 0 baud, flash untouched";
    check(BoardSpec::esp32(1).wiring(Wiring::Lines), talker).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_checksum_costs_one_block() {
    let expected = "PASS, attempt 1, retried 1+0+0, 921600 baud, flash right";
    for stub in ALL {
        check(with(Fault::ChecksumRefused { times: 1 }), stub, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_checksum_that_never_holds_goes_down_the_whole_ladder() {
    let ever = || with(Fault::ChecksumRefused { times: MANY });
    // the stub's own upload meets it first
    let expected = "FAIL LINE_NOISE, attempt 2, retried 8+2+1, 0 baud, flash untouched";
    check(ever(), Stub, expected).await;
    let expected = "FAIL LINE_NOISE, attempt 2, retried 8+2+1, 115200 baud, flash wrong";
    check(ever(), RomDeflate, expected).await;
    check(ever(), RomPlain, expected).await;
}

#[tokio::test(start_paused = true)]
async fn blocks_that_are_damaged_on_the_line() {
    let few = |frames| Fault::DamagedBlocks {
        from_baud: 500_000,
        frames,
    };
    for stub in ALL {
        let expected = "PASS, attempt 1, retried 2+0+0, 921600 baud, flash right";
        check(with(few(2)), stub, expected).await;
        let expected = "PASS, attempt 1, retried 2+1+0, 460800 baud, flash right";
        check(with(few(MANY)), stub, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_the_line_cannot_carry() {
    let expected = "PASS, attempt 2, retried 0+0+1, 460800 baud, flash right";
    for stub in ALL {
        check(with(Fault::BaudCeiling { baud: 500_000 }), stub, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_noisy_line() {
    for stub in ALL {
        let noise = Fault::NoisyLine {
            from_baud: 500_000,
            one_in: 60_000,
        };
        let ended = Rig::new(with(noise)).writing_by(stub).run().await;
        let summary = ended.summary();
        assert!(
            summary.starts_with("PASS"),
            "{summary} {}",
            ended.verdict.detail
        );
        assert!(summary.ends_with("flash right"), "{summary}");
        assert!(ended.verdict.retries.total() > 0, "{summary}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_lost_once() {
    let lost = |op: Op| Fault::ReplyLost {
        op: op as u8,
        times: 1,
    };
    let once = "PASS, attempt 1, retried 1+0+0, 921600 baud, flash right";
    // SYNC is repeated by itself, and END's work is done
    let unseen = "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right";
    for (op, stub, expected) in [
        (Op::Sync, Stub, unseen),
        (Op::ReadReg, Stub, once),
        (Op::WriteReg, Stub, once),
        (Op::SpiAttach, Stub, once),
        (Op::SpiSetParams, Stub, once),
        (Op::MemBegin, Stub, once),
        (Op::MemData, Stub, once),
        (Op::MemEnd, Stub, unseen),
        (Op::EraseRegion, Stub, once),
        (Op::FlashDeflBegin, Stub, once),
        (Op::FlashDeflData, Stub, once),
        (Op::FlashDeflEnd, Stub, unseen),
        (Op::SpiFlashMd5, Stub, once),
        (Op::FlashDeflBegin, RomDeflate, once),
        (Op::FlashDeflData, RomDeflate, once),
        (Op::FlashBegin, RomPlain, once),
        (Op::FlashData, RomPlain, once),
        (Op::SpiFlashMd5, RomPlain, once),
        (Op::ChangeBaudrate, Stub, unseen),
    ] {
        check(with(lost(op)), stub, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn replies_that_never_come() {
    let lost = |op: Op| Fault::ReplyLost {
        op: op as u8,
        times: MANY,
    };
    let expected = "FAIL NO_REPLY, attempt 2, retried 8+2+1, 115200 baud, flash wrong";
    for (op, stub) in [
        (Op::FlashDeflData, Stub),
        (Op::FlashDeflData, RomDeflate),
        (Op::FlashData, RomPlain),
    ] {
        check(with(lost(op)), stub, expected).await;
    }
    // a single command is not asked at another rate within its connection
    let expected = "FAIL NO_REPLY, attempt 2, retried 4+0+1, 0 baud, flash untouched";
    check(with(lost(Op::SpiFlashMd5)), Stub, expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_comes_late() {
    let late = |op: Op| Fault::ReplyLate {
        op: op as u8,
        times: 1,
        by: Duration::from_millis(3_200),
    };
    let once = "PASS, attempt 1, retried 1+0+0, 921600 baud, flash right";
    for (op, stub) in [
        (Op::ReadReg, Stub),
        (Op::FlashDeflData, RomDeflate),
        (Op::FlashData, RomPlain),
    ] {
        check(with(late(op)), stub, once).await;
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_before_an_answer_changes_nothing() {
    let expected = "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right";
    for op in [Op::Sync, Op::ReadReg, Op::FlashDeflData, Op::SpiFlashMd5] {
        let garbage = Fault::GarbageBefore {
            op: op as u8,
            times: MANY,
        };
        check(with(garbage), Stub, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_chip_that_resets_in_mid_write() {
    let reset = |times| Fault::ResetAfter {
        bytes: 90_000,
        times,
    };
    let expected = "PASS, attempt 2, retried 0+0+1, 921600 baud, flash right";
    check(with(reset(1)), Stub, expected).await;
    // who answers is a ROM, as before: that it has forgotten its flash shows at the next BEGIN
    let expected = "PASS, attempt 2, retried 1+0+1, 921600 baud, flash right";
    check(with(reset(1)), RomDeflate, expected).await;
    check(with(reset(1)), RomPlain, expected).await;
    let expected = "FAIL NO_REPLY, attempt 2, retried 0+0+1, 921600 baud, flash wrong";
    check(with(reset(9)), Stub, expected).await;
}

/// Wherever it is, in its first region as well, the second attempt makes it good; even where the ROM's
/// loader is there so soon that it answers what the stub was asked.
#[tokio::test(start_paused = true)]
async fn a_chip_that_resets_anywhere_in_mid_write() {
    let regions = &plan(&Keeper::new(&PLANNER)).regions;
    let image_bytes = regions.iter().map(|region| region.bytes.len() as u64).sum();
    let places = (0..0x8000).step_by(0x1000);
    let places = places.chain((0x8000..image_bytes).step_by(0xF000));
    for bytes in places {
        for (stub, pace) in [
            (Stub, Pace::Real),
            (Stub, Pace::Unpaced),
            (RomDeflate, Pace::Unpaced),
            (RomPlain, Pace::Unpaced),
        ] {
            let spec = with(Fault::ResetAfter { bytes, times: 1 }).pace(pace);
            let ended = Rig::new(spec).writing_by(stub).run().await;
            let (summary, detail) = (ended.summary(), &ended.verdict.detail);
            assert!(
                summary.starts_with("PASS, attempt 2,") && summary.ends_with("flash right"),
                "{stub:?} {pace:?} {bytes:#x}: {summary}: {detail}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stub_that_never_greets() {
    let expected = "FAIL STUB_SILENT, attempt 2, retried 0+0+1, 0 baud, flash untouched";
    check(with(Fault::StubSilent), Stub, expected).await;
}

#[tokio::test(start_paused = true)]
async fn data_that_cannot_be_inflated() {
    let inflate = |times| Fault::InflateFails { block: 3, times };
    for stub in [Stub, RomDeflate] {
        let expected = "PASS, attempt 1, retried 1+0+0, 921600 baud, flash right";
        check(with(inflate(1)), stub, expected).await;
    }
    // each BEGIN gets three blocks further in the stub's stream; the ROM's hold too little for that
    let expected = "FAIL INFLATE_FAILED, attempt 2, retried 7+0+1, 460800 baud, flash wrong";
    check(with(inflate(MANY)), Stub, expected).await;
    let expected = "FAIL INFLATE_FAILED, attempt 2, retried 2+0+1, 460800 baud, flash wrong";
    check(with(inflate(MANY)), RomDeflate, expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_flash_cell_that_does_not_hold() {
    let expected = "FAIL VERIFY_MISMATCH, attempt 2, retried 0+0+1, 921600 baud, flash wrong";
    for stub in ALL {
        check(with(Fault::LostByte { offset: 0x2_1234 }), stub, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flash_that_takes_nothing() {
    let expected = "FAIL FLASH_WRITE, attempt 2, retried 0+0+1, 0 baud, flash untouched";
    for stub in ALL {
        check(with(Fault::WriteProtected), stub, expected).await;
    }
}
