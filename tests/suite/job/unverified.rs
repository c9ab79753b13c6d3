//! Boards that are written to the end and cannot be verified: Secure Download Mode, and the ESP8266's
//! ROM. They end WRITTEN, never PASS.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use flashline::chip::Chip;
use flashline::event::{Code, Outcome, Serial};
use flashline::job::StubUse;
use flashline::plan::{Method, Planner};
use flashline::sim::{Access, BoardSpec, Console, Contents, Fault, Wiring};

use super::{Ended, Keeper, MANIFEST, Rig, planner_for};

const APP_BYTES: usize = 10_000;

/// What lies beyond what a ROM takes for granted.
const BEYOND_2_MB: &str = r#"
[[image]]
name = "far"
path = "data.bin"
offset = 0x300000
"#;

const HIDDEN: [Chip; 9] = [
    Chip::Esp32S2,
    Chip::Esp32S3,
    Chip::Esp32C2,
    Chip::Esp32C3,
    Chip::Esp32C5,
    Chip::Esp32C6,
    Chip::Esp32C61,
    Chip::Esp32H2,
    Chip::Esp32P4,
];

static HIDDEN_PLANNERS: LazyLock<HashMap<Chip, Planner>> = LazyLock::new(|| {
    let planner = |chip: Chip| {
        let manifest = MANIFEST
            .replace(
                "chip = \"esp32\"",
                &format!("chip = \"{chip}\"\nsecure_download = \"allow\"\nflash.size = \"4MB\""),
            )
            .replace(
                "offset = 0x1000\n",
                &format!("offset = {:#x}\n", chip.facts().bootloader_offset),
            );
        planner_for(chip, &(manifest + BEYOND_2_MB), APP_BYTES)
    };
    HIDDEN.map(|chip| (chip, planner(chip))).into()
});

/// What the ESP8266's first SDK lays out: no partition table, and the radio's data near the end.
const MANIFEST_8266: &str = r#"
product = "sample"
version = "1"
chip = "esp8266"
flash.size = "32m-c1"

[[image]]
name = "boot"
path = "bootloader.bin"
offset = 0

[[image]]
name = "user1"
path = "app.bin"
offset = 0x11000

[[image]]
name = "esp_init_data_default"
path = "data.bin"
offset = 0x3C0000
"#;

pub(super) static PLANNER_8266: LazyLock<Planner> =
    LazyLock::new(|| planner_for(Chip::Esp8266, MANIFEST_8266, 0x8_000 + 0x3000));

fn rig(spec: BoardSpec, planner: &'static Planner, serial: Option<&str>) -> Rig {
    let chip = spec.chip;
    let mut rig = Rig::new(spec);
    rig.keeper = Arc::new(Keeper::new(planner));
    rig.assignment.likely = chip;
    rig.assignment.serial = serial.and_then(Serial::parse);
    rig
}

fn hidden(chip: Chip) -> BoardSpec {
    let mut spec = BoardSpec::esp32(7)
        .chip(chip)
        .access(Access::SecureDownload);
    spec.contents = Contents::Used;
    spec
}

fn check_written(ended: &Ended, label: &str, detail: &str) {
    let verdict = &ended.verdict;
    let found = (verdict.outcome, verdict.code, ended.flash());
    let expected = (Outcome::Written, Some(Code::NotVerified), "right");
    assert_eq!(found, expected, "{label}: {}", verdict.detail);
    assert_eq!(verdict.detail, detail, "{label}");
    assert_eq!(verdict.written_by, Some(Method::RomPlain), "{label}");
    assert_eq!(verdict.retries.total(), 0, "{label}");
    assert!(
        verdict
            .regions
            .iter()
            .all(|region| region.found_md5.is_none())
    );
}

#[tokio::test(start_paused = true)]
async fn in_secure_download_mode_every_chip_is_written_and_called_written() {
    for chip in HIDDEN {
        // whatever is asked for, there is one way
        let ways: &[StubUse] = match chip {
            Chip::Esp32C3 => &[StubUse::Stub, StubUse::RomDeflate, StubUse::RomPlain],
            _ => &[StubUse::Stub],
        };
        for stub in ways {
            let rig = rig(hidden(chip), &HIDDEN_PLANNERS[&chip], Some("A17"));
            let ended = rig.writing_by(*stub).run().await;
            check_written(
                &ended,
                &format!("{chip} {stub:?}"),
                "all written; verified: none; not verified: bootloader, partition-table, app, far \
                 (Secure Download Mode answers no digests)",
            );
        }
    }
}

/// What cannot be read back is written all the same, and said not to be verified.
#[tokio::test(start_paused = true)]
async fn a_readback_that_is_impossible_ends_written_too() {
    static READING: LazyLock<[Planner; 2]> = LazyLock::new(|| {
        let readback =
            |manifest: &str| manifest.replacen("version", "verify = \"readback\"\nversion", 1);
        let hidden = MANIFEST
            .replace("\"esp32\"", "\"esp32c3\"\nsecure_download = \"allow\"")
            .replace("offset = 0x1000\n", "offset = 0\n");
        [
            planner_for(Chip::Esp32C3, &readback(&hidden), APP_BYTES),
            planner_for(Chip::Esp8266, &readback(MANIFEST_8266), APP_BYTES),
        ]
    });
    let old = BoardSpec::esp32(7).chip(Chip::Esp8266);
    for (spec, planner, detail) in [
        (
            hidden(Chip::Esp32C3),
            &READING[0],
            "all written; verified: none; not verified: bootloader, partition-table, app (Secure \
             Download Mode answers no digests and reads nothing back)",
        ),
        (
            old,
            &READING[1],
            "all written; verified: none; not verified: boot, user1, esp_init_data_default (the ROM \
             of the esp8266 computes no digests and reads nothing back)",
        ),
    ] {
        let ended = rig(spec, planner, Some("A17")).run().await;
        check_written(&ended, detail, detail);
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_hides_itself_is_not_touched_without_leave_and_serial() {
    let check = async |planner, serial, words: &str| {
        let ended = rig(hidden(Chip::Esp32C3), planner, serial).run().await;
        let verdict = &ended.verdict;
        assert_eq!(
            ended.summary(),
            "FAIL SECURITY_STATE, attempt 1, retried 0+0+0, 0 baud, flash untouched"
        );
        assert!(verdict.detail.contains(words), "{}", verdict.detail);
    };
    static REFUSING: LazyLock<Planner> = LazyLock::new(|| {
        let manifest = MANIFEST
            .replace("\"esp32\"", "\"esp32c3\"")
            .replace("offset = 0x1000\n", "offset = 0\n");
        planner_for(Chip::Esp32C3, &manifest, APP_BYTES)
    });
    check(&REFUSING, Some("A17"), "secure_download = \"allow\"").await;
    let allowing = &HIDDEN_PLANNERS[&Chip::Esp32C3];
    check(allowing, None, "serial number").await;
}

#[tokio::test(start_paused = true)]
async fn noise_is_got_over_where_nothing_is_verified_too() {
    let spec = hidden(Chip::Esp32C3).fault(Fault::ChecksumRefused { times: 1 });
    let ended = rig(spec, &HIDDEN_PLANNERS[&Chip::Esp32C3], Some("A17"))
        .run()
        .await;
    let verdict = &ended.verdict;
    let found = (verdict.outcome, verdict.retries.blocks, ended.flash());
    assert_eq!(found, (Outcome::Written, 1, "right"), "{}", verdict.detail);
}

#[tokio::test(start_paused = true)]
async fn a_flash_that_cannot_be_written_fails_there_too() {
    let spec = hidden(Chip::Esp32C3).fault(Fault::WriteProtected);
    let ended = rig(spec, &HIDDEN_PLANNERS[&Chip::Esp32C3], Some("A17"))
        .run()
        .await;
    let verdict = &ended.verdict;
    let found = (verdict.outcome, verdict.code);
    assert_eq!(
        found,
        (Outcome::Fail, Some(Code::FlashWrite)),
        "{}",
        verdict.detail
    );
}

#[tokio::test(start_paused = true)]
async fn an_esp8266_without_a_stub_is_written_by_its_rom() {
    let ways = [
        (Contents::Blank, StubUse::Stub),
        (Contents::Used, StubUse::RomDeflate),
    ];
    for (contents, stub) in ways {
        let mut spec = BoardSpec::esp32(7).chip(Chip::Esp8266);
        spec.contents = contents;
        let ended = rig(spec, &PLANNER_8266, None).writing_by(stub).run().await;
        check_written(
            &ended,
            &format!("{stub:?}"),
            "all written; verified: none; not verified: boot, user1, esp_init_data_default (the ROM \
             of the esp8266 computes no digests)",
        );
        // the ROM knows no other rate
        assert_eq!(ended.verdict.baud, 115_200);
    }
}

/// What an ESP8266's ROM does to the sector behind a single one.
mod single_sectors {
    use super::*;

    const HEAD: &str = "product = \"s\"\nversion = \"1\"\nchip = \"esp8266\"\n\
        [flash]\nsize = \"32m-c1\"\n";

    fn image(name: &str, file: &str, offset: u32) -> String {
        format!("[[image]]\nname = \"{name}\"\npath = \"{file}\"\noffset = {offset:#x}\n")
    }

    /// A partition table, which has one sector, and what it names behind it.
    fn with_table(nvs: &str) -> Planner {
        let manifest = [
            HEAD.to_owned(),
            image("boot", "bootloader.bin", 0),
            image("table", "partition-table.bin", 0x8000),
            image("app", "app.bin", 0x1_0000),
            format!("[[partition]]\nname = \"nvs\"\nleftover = \"{nvs}\"\n"),
        ];
        planner_for(Chip::Esp8266, &manifest.concat(), APP_BYTES)
    }

    fn used() -> BoardSpec {
        let mut spec = BoardSpec::esp32(7).chip(Chip::Esp8266);
        spec.contents = Contents::Used;
        spec
    }

    fn check(ended: &Ended, expected: (Outcome, Option<Code>, &str)) {
        let verdict = &ended.verdict;
        let found = (verdict.outcome, verdict.code, ended.flash());
        assert_eq!(found, expected, "{}", verdict.detail);
    }

    const WRITTEN: (Outcome, Option<Code>, &str) =
        (Outcome::Written, Some(Code::NotVerified), "right");

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_behind_one_is_not_touched() {
        static KEEPING: LazyLock<Planner> = LazyLock::new(|| with_table("keep"));
        let ended = rig(used(), &KEEPING, None).run().await;
        let refused = Some(Code::CommandRefused);
        check(&ended, (Outcome::Fail, refused, "untouched"));
        let detail = &ended.verdict.detail;
        let words = "table at 0x8000 is one sector, and this board's ROM erases the next with it, at 0x9000";
        assert!(detail.starts_with(words), "{detail}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_erased_behind_one_may_go() {
        static ERASING: LazyLock<Planner> = LazyLock::new(|| with_table("erase"));
        check(&rig(used(), &ERASING, None).run().await, WRITTEN);
    }

    #[tokio::test(start_paused = true)]
    async fn images_behind_one_another_are_all_there() {
        static ROW: LazyLock<Planner> = LazyLock::new(|| {
            let rows = [0x2_0000, 0x2_1000, 0x2_2000];
            let rows = rows.map(|offset| image(&format!("row-{offset:x}"), "data.bin", offset));
            let boot = image("boot", "bootloader.bin", 0);
            planner_for(
                Chip::Esp8266,
                &[HEAD, &boot, &rows.concat()].concat(),
                3_000,
            )
        });
        let ended = rig(used(), &ROW, None).run().await;
        let flash = ended.board.flash();
        for region in super::super::plan(&ended.keeper).regions {
            let range = region.range();
            let found = &flash[range.start as usize..range.end as usize];
            assert!(*found == *region.bytes, "{}", region.name);
        }
        assert_eq!(ended.verdict.outcome, Outcome::Written);
    }

    /// The rest of a stream may be one sector: it is not erased alone.
    #[tokio::test(start_paused = true)]
    async fn a_stream_taken_up_in_its_last_sector_spares_what_is_behind() {
        let rig = rig(used(), &PLANNER_8266, None);
        let (ports, board) = (rig.ports.clone(), rig.board.clone());
        let regions = super::super::plan(&rig.keeper).regions;
        let before: usize = regions[..2].iter().map(|region| region.bytes.len()).sum();
        let last_sector = (before - 0x800) as u64;
        board.pull_when(move |state| state.bytes_written >= last_sector);
        let back = async {
            board.wait_until(|state| state.pulled).await;
            ports.replug("a", &board);
        };
        let (ended, ()) = tokio::join!(rig.run(), back);
        assert_eq!(ended.verdict.attempts, 2, "{}", ended.verdict.detail);
        check(&ended, WRITTEN);
    }
}

/// The app that says so itself proves what no digest does.
#[tokio::test(start_paused = true)]
async fn a_boot_check_that_passes_makes_it_a_pass() {
    static PLANNER: LazyLock<Planner> = LazyLock::new(|| {
        let boot = "[boot]\nexpect = ['SELFTEST OK']\ntimeout_ms = 4000\n";
        let manifest = MANIFEST
            .replace(
                "\"esp32\"",
                "\"esp32c3\"\nsecure_download = \"allow\"\nflash.size = \"4MB\"",
            )
            .replace("offset = 0x1000\n", "offset = 0\n")
            .replacen("\n[[image]]", &format!("\n{boot}\n[[image]]"), 1);
        planner_for(Chip::Esp32C3, &manifest, APP_BYTES)
    });
    for (line, expected) in [
        ("I (900) app: SELFTEST OK", (Outcome::Pass, None)),
        (
            "I (900) app: waiting",
            (Outcome::Fail, Some(Code::BootTimeout)),
        ),
    ] {
        let spec = hidden(Chip::Esp32C3)
            .wiring(Wiring::Lines)
            .console(Console::default().line(300, line));
        let ended = rig(spec, &PLANNER, Some("A17")).run().await;
        let verdict = &ended.verdict;
        let found = (verdict.outcome, verdict.code);
        assert_eq!(found, expected, "{}", verdict.detail);
        assert_eq!(ended.flash(), "right");
    }
}

/// Two of them look the same, so none is taken for the one that was away.
#[tokio::test(start_paused = true)]
async fn a_board_that_hides_itself_is_not_taken_up_again() {
    let planner = &HIDDEN_PLANNERS[&Chip::Esp32C3];
    let rig = rig(hidden(Chip::Esp32C3), planner, Some("A17"));
    let (ports, board) = (rig.ports.clone(), rig.board.clone());
    board.pull_when(|state| state.bytes_written >= 10_000);
    let back_at_once = async {
        board.wait_until(|state| state.pulled).await;
        ports.replug("a", &board);
    };
    let (ended, ()) = tokio::join!(rig.run(), back_at_once);
    let verdict = &ended.verdict;
    assert_eq!(verdict.code, Some(Code::Unplugged), "{}", verdict.detail);
    assert_eq!(verdict.attempts, 1);
    assert!(
        verdict.detail.contains("hides its MAC"),
        "{}",
        verdict.detail
    );
}
