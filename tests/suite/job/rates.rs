//! Troubles of the way between: rates that are not what they were said to be, bytes that are lost,
//! commands that are refused with the op of another. That a board gets through, and with what in its
//! flash; how often the ladder was climbed for it is not what is asked here.

use flashline::job::StubUse::{self, RomDeflate, RomPlain, Stub};
use flashline::sim::{BoardSpec, Contents, Fault};

use super::{Rig, check};

const ALL: [StubUse; 3] = [Stub, RomDeflate, RomPlain];

fn with(fault: Fault) -> BoardSpec {
    let mut spec = BoardSpec::esp32(1).fault(fault);
    spec.contents = Contents::Used;
    spec
}

/// The job passes after at least one retry, at this rate where one is said.
async fn passes(fault: Fault, stub: StubUse, baud: Option<u32>) {
    let label = format!("{fault:?} {stub:?}");
    let ended = Rig::new(with(fault)).writing_by(stub).run().await;
    let summary = ended.summary();
    let said = |part: &str| summary.contains(part);
    assert!(said("PASS") && said("flash right"), "{label}: {summary}");
    assert!(!said("retried 0+0+0"), "{label}: {summary}");
    if let Some(baud) = baud {
        assert!(said(&format!(" {baud} baud")), "{label}: {summary}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bridge_that_makes_another_rate() {
    for stub in ALL {
        let bridge = Fault::BridgeMakes {
            asked: 921_600,
            makes: 500_000,
        };
        passes(bridge, stub, Some(460_800)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_chip_that_stays_at_its_rate() {
    for stub in ALL {
        passes(Fault::BaudIgnored { times: 1 }, stub, None).await;
        let always = Fault::BaudIgnored { times: u32::MAX };
        passes(always, stub, Some(115_200)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_lost() {
    for stub in ALL {
        let lost = Fault::DroppedBytes {
            from_baud: 500_000,
            one_in: 60_000,
        };
        passes(lost, stub, None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_with_the_op_of_another_command() {
    for (op, copies, stub) in [
        (0x02, 1, RomPlain),
        (0x03, 8, RomPlain),
        (0x05, 1, Stub),
        (0x07, 8, Stub),
        (0x0B, 8, RomDeflate),
        (0x0D, 1, RomDeflate),
        (0x0F, 8, RomPlain),
        (0x10, 8, RomDeflate),
        (0x11, 1, RomDeflate),
        (0x13, 8, RomDeflate),
    ] {
        let refused = Fault::Refused {
            op,
            copies,
            times: 1,
        };
        passes(refused, stub, None).await;
    }
    // the question who it is is asked again, and that is all
    let refused = Fault::Refused {
        op: 0x0A,
        copies: 8,
        times: 1,
    };
    let expected = "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right";
    check(with(refused), Stub, expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_flash_that_ignores_what_it_is_told() {
    let expected = "FAIL VERIFY_MISMATCH, attempt 2, retried 0+0+1, 921600 baud, flash untouched";
    for stub in ALL {
        check(with(Fault::WritesIgnored), stub, expected).await;
    }
}
