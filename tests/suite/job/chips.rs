//! Every chip of the family: identified by as little as that takes, and written.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use flashline::chip::{Access, Chip, Eui64, FlashId, Mac, Revision, Stub, Stubs};
use flashline::job::StubUse;
use flashline::plan::Planner;
use flashline::port::{PortInfo, UsbId};
use flashline::sim::{self, BoardSpec, Mode, Strap, Wiring};

use super::{Ended, Keeper, MANIFEST, Rig, planner_for};

/// Two blocks of a stub's stream: what is asked here is who the chip is.
const APP_BYTES: usize = 30_000;

/// Of an ESP8266, which has no partition table.
const MANIFEST_8266: &str = r#"
product = "sample"
version = "1"
chip = "esp8266"
bauds = [921600, 460800, 115200]

[[image]]
name = "data"
path = "data.bin"
offset = 0x10000
"#;

/// Each chip's plans, framed once.
static PLANNERS: LazyLock<HashMap<Chip, Planner>> = LazyLock::new(|| {
    let planner = |chip: Chip| {
        let manifest = MANIFEST
            .replace("chip = \"esp32\"", &format!("chip = \"{chip}\""))
            .replace(
                "offset = 0x1000\n",
                &format!("offset = {:#x}\n", chip.facts().bootloader_offset),
            );
        match chip {
            Chip::Esp8266 => planner_for(chip, MANIFEST_8266, APP_BYTES),
            _ => planner_for(chip, &manifest, APP_BYTES),
        }
    };
    Chip::ALL.map(|chip| (chip, planner(chip))).into()
});

/// A rig whose manifest is for the board's chip.
pub(super) fn rig(spec: BoardSpec) -> Rig {
    let chip = spec.chip;
    let mut rig = Rig::new(spec);
    rig.keeper = Arc::new(Keeper::new(&PLANNERS[&chip]));
    rig.assignment.likely = chip;
    rig
}

/// From the ESP32 on, in each generation that wants something of its own.
fn boards() -> Vec<BoardSpec> {
    let v = |major, minor| Revision { major, minor };
    let older = [(Chip::Esp32P4, v(1, 3)), (Chip::Esp32P4, v(3, 1))];
    let mut boards: Vec<BoardSpec> = Chip::ALL
        .into_iter()
        .filter(|chip| *chip != Chip::Esp8266)
        .map(|chip| BoardSpec::esp32(7).chip(chip))
        .collect();
    boards.extend(older.map(|(chip, revision)| BoardSpec {
        revision,
        ..BoardSpec::esp32(7).chip(chip)
    }));
    boards
}

fn check_passed(ended: &Ended, label: &str) {
    let verdict = &ended.verdict;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right",
        "{label}: {}",
        verdict.detail
    );
}

#[tokio::test(start_paused = true)]
async fn every_chip_passes_by_its_rom() {
    for spec in boards() {
        let label = format!("{} {}", spec.chip, spec.revision);
        let ended = rig(spec).writing_by(StubUse::RomDeflate).run().await;
        check_passed(&ended, &label);
    }
}

#[tokio::test(start_paused = true)]
async fn every_chip_tells_who_it_is_and_passes_by_its_stub() {
    for spec in boards() {
        let ended = rig(spec.clone()).run().await;
        check_passed(&ended, &format!("{} {}", spec.chip, spec.revision));
        let identity = ended.verdict.identity.unwrap();
        let chip = spec.chip;
        assert_eq!(identity.chip, chip);
        assert_eq!(identity.access, Access::Full);
        assert_eq!(identity.revision, Some(spec.revision), "{chip}");
        assert_eq!(identity.mac, Some(spec.mac), "{chip}");
        assert_eq!(identity.flash_id, Some(FlashId(0xEF4016)), "{chip}");
        assert!(identity.security.is_open(), "{chip}");
        assert!(!identity.features.is_empty(), "{chip}");
        let has_eui64 = matches!(chip, Chip::Esp32C5 | Chip::Esp32C6 | Chip::Esp32H2);
        let eui64 = Eui64([0x24, 0x0A, 0xC4, 0xFF, 0xFE, 0, 0, 7]);
        assert_eq!(identity.eui64, has_eui64.then_some(eui64), "{chip}");
        let crystal = match chip {
            Chip::Esp32C5 => 48,
            Chip::Esp32H2 => 32,
            Chip::Esp32C2 => 26,
            _ => 40,
        };
        let crystal = spec.crystal_mhz.unwrap_or(crystal);
        assert_eq!(identity.crystal_mhz, Some(crystal), "{chip}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_was_expected_the_chip_that_is_there_is_found() {
    for spec in boards() {
        let likely = match spec.chip {
            Chip::Esp32 => Chip::Esp32C3,
            _ => Chip::Esp32,
        };
        let label = format!("{} for {likely}", spec.chip);
        let mut rig = rig(spec);
        rig.assignment.likely = likely;
        check_passed(&rig.run().await, &label);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rom_that_mistakes_its_crystal_comes_to_the_rate_that_is_meant() {
    let esp32 = |clock_error_ppm| BoardSpec {
        clock_error_ppm,
        ..BoardSpec::esp32(7)
    };
    let other = |chip, crystal_mhz| BoardSpec {
        crystal_mhz: Some(crystal_mhz),
        ..BoardSpec::esp32(7).chip(chip)
    };
    let boards = [
        esp32(-60_000),
        esp32(60_000),
        other(Chip::Esp32C2, 26),
        other(Chip::Esp32C2, 40),
        other(Chip::Esp32C5, 48),
        other(Chip::Esp32C5, 40),
    ];
    for spec in boards {
        let label = format!("{spec:?}");
        for stub in [StubUse::Stub, StubUse::RomDeflate] {
            let ended = rig(spec.clone()).writing_by(stub).run().await;
            check_passed(&ended, &label);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_secure_download_mode_a_chip_is_known_by_its_security_info_alone() {
    for spec in boards() {
        let chip = spec.chip;
        if chip == Chip::Esp32 {
            continue;
        }
        for likely in [chip, Chip::Esp32] {
            let mut rig = rig(spec.clone().access(sim::Access::SecureDownload));
            rig.assignment.likely = likely;
            let ended = rig.run().await;
            let identity = ended.verdict.identity.as_ref().unwrap();
            assert_eq!(identity.chip, chip);
            assert_eq!(identity.access, Access::SecureDownload, "{chip}");
            assert_eq!(identity.mac, None, "{chip}");
            assert_eq!(identity.flash_id, None, "{chip}");
            assert!(identity.security.download_locked, "{chip}");
            assert_eq!(ended.flash(), "untouched", "{chip}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_c2_of_the_first_revision_is_written_by_its_rom() {
    let spec = BoardSpec {
        revision: Revision { major: 0, minor: 0 },
        ..BoardSpec::esp32(7).chip(Chip::Esp32C2)
    };
    let ended = rig(spec).run().await;
    check_passed(&ended, "c2 v0.0");
    assert_eq!(
        ended.verdict.identity.unwrap().mac,
        Some(Mac([0x24, 0x0A, 0xC4, 0, 0, 7]))
    );
}

#[tokio::test(start_paused = true)]
async fn an_esp8266_gets_the_stub_that_was_loaded_and_its_rate_from_that() {
    let stub = r#"{"entry": 1074840836, "text": "AAECAwQFBgc=", "text_start": 1074840832,
        "data": "Bwg=", "data_start": 1073720940, "bss_start": 1073643776}"#;
    let mut rig = rig(BoardSpec::esp32(7).chip(Chip::Esp8266));
    rig.assignment.stubs = Arc::new(Stubs::with_esp8266(Stub::from_json(stub).unwrap()));
    let ended = rig.run().await;
    check_passed(&ended, "esp8266");
    let identity = ended.verdict.identity.unwrap();
    assert_eq!(identity.mac, Some(Mac([0x24, 0x0A, 0xC4, 0, 0, 7])));
    assert_eq!(identity.crystal_mhz, Some(26));
    assert_eq!(identity.flash_id, Some(FlashId(0xEF4016)));
}

/// The app runs at the end, however the chip came into its loader: by the lines, whose reset is enough
/// then, or by hand, when only the watchdog reads the strap again.
#[tokio::test(start_paused = true)]
async fn a_chip_on_its_own_usb_starts_its_app() {
    for strap in [Strap::Free, Strap::HeldAtPowerOn] {
        for stub in [StubUse::Stub, StubUse::RomDeflate] {
            let rig = rig(BoardSpec::esp32(7)
                .chip(Chip::Esp32C3)
                .wiring(Wiring::UsbSerialJtag(strap)));
            let port = PortInfo {
                instance: 1,
                usb_id: Some(UsbId {
                    vendor: 0x303A,
                    product: 0x1001,
                }),
                ..PortInfo::at(rig.board.path())
            };
            rig.presence.send_replace(Some(port));
            let ended = rig.writing_by(stub).run().await;
            let label = format!("{strap:?} {stub:?}");
            check_passed(&ended, &label);
            let state = ended.board.wait_until(|state| state.app_starts > 0).await;
            // with power, into the loader by the lines, and into the app
            assert_eq!((state.mode, state.starts), (Mode::App, 3), "{label}");
        }
    }
}
