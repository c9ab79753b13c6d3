//! Boards without trouble, and boards that the Gate refuses.

use flashline::chip::{Chip, FlashId, Mac, Revision, Security};
use flashline::event::Step;
use flashline::job::StubUse;
use flashline::port::Ports;
use flashline::sim::{BoardSpec, Contents, Fault, Mode, Wiring};
use tokio::io::AsyncReadExt;

use super::{Rig, check};

const PASS: &str = "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right";

#[tokio::test(start_paused = true)]
async fn a_good_board_passes_by_every_way_of_writing() {
    for stub in [StubUse::Stub, StubUse::RomDeflate, StubUse::RomPlain] {
        for wiring in [Wiring::Strapped, Wiring::Lines] {
            for contents in [Contents::Blank, Contents::Used] {
                let mut spec = BoardSpec::esp32(1).wiring(wiring);
                spec.contents = contents;
                check(spec, stub, PASS).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_with_lines_runs_its_app_at_the_end() {
    let rig = Rig::new(BoardSpec::esp32(1).wiring(Wiring::Lines));
    let ports = rig.ports.clone();
    let ended = rig.run().await;
    assert_eq!(ended.summary(), PASS);
    let mut console = ports.open(ended.board.path(), 115_200).await.unwrap();
    let mut said = [0; 4096];
    while ended.board.state().mode != Mode::App {
        assert!(console.read(&mut said).await.unwrap() > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_verdict_tells_all_of_the_board_and_the_work() {
    let ended = Rig::new(BoardSpec::esp32(7)).run().await;
    let verdict = &ended.verdict;
    let identity = verdict.identity.as_ref().unwrap();
    assert_eq!(identity.chip, Chip::Esp32);
    assert_eq!(identity.mac, Some(Mac([0x24, 0x0A, 0xC4, 0, 0, 7])));
    assert!(identity.mac_crc_holds);
    assert_eq!(identity.revision, Some(Revision { major: 3, minor: 1 }));
    assert_eq!(identity.crystal_mhz, Some(40));
    assert_eq!(identity.flash_id, Some(FlashId(0xEF4016)));
    assert!(identity.security.is_open());
    let steps: Vec<Step> = verdict.steps.iter().map(|step| step.step).collect();
    assert_eq!(steps, super::STEPS);
    assert!(
        verdict
            .steps
            .iter()
            .all(|s| s.code.is_none() && s.attempt == 1)
    );
    let plan = super::plan(&ended.keeper);
    assert_eq!(verdict.regions.len(), plan.regions.len());
    for (result, region) in verdict.regions.iter().zip(&plan.regions) {
        assert_eq!(result.found_md5, Some(region.md5));
        assert_eq!(result.written_sha256, region.written_sha256);
    }
    let bytes: usize = plan.regions.iter().map(|region| region.bytes.len()).sum();
    assert_eq!(verdict.bytes_written, bytes as u64);
    assert_eq!(*ended.keeper.asked.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_board_that_does_not_fit_is_refused_untouched() {
    let refused =
        |code: &str| format!("FAIL {code}, attempt 1, retried 0+0+0, 0 baud, flash untouched");
    let esp32 = || BoardSpec::esp32(1);
    let other_part = |id| BoardSpec {
        flash_id: FlashId(id),
        ..esp32()
    };
    let secured = Fault::Secured(Security {
        flash_encryption: true,
        ..Security::default()
    });
    for (spec, code) in [
        (esp32().chip(Chip::Esp32C3), "WRONG_CHIP"),
        (esp32().chip(Chip::Esp32S2), "WRONG_CHIP"),
        (esp32().chip(Chip::Esp8266), "WRONG_CHIP"),
        (esp32().fault(Fault::MacCrcWrong), "MAC_INVALID"),
        (other_part(0), "FLASH_NO_ANSWER"),
        (other_part(0xFF_FFFF), "FLASH_NO_ANSWER"),
        (esp32().flash_size(1 << 20), "FLASH_TOO_SMALL"),
        (esp32().fault(secured), "SECURITY_STATE"),
    ] {
        check(spec, StubUse::Stub, &refused(code)).await;
    }
}
