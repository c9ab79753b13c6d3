//! What the flash holds in the end, under every policy, by every way of writing, on every kind of
//! board: what was to be written, FF where it was to be erased, and everything else as it was, byte
//! for byte.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flashline::event::{Code, Outcome, Step, StopReason};
use flashline::image::sha256;
use flashline::job::StubUse::{self, RomDeflate, RomPlain, Stub};
use flashline::plan::Planner;
use flashline::sim::{BoardSpec, Contents, Fault};

use super::{APP_BYTES, Ended, Keeper, MANIFEST, Rig, plan, planner};

const FLASH_BYTES: usize = 4 << 20;

/// The plans under these policies, framed once for all tests.
pub(super) fn with(lines: &str) -> &'static Planner {
    static PLANNERS: Mutex<BTreeMap<String, &'static Planner>> = Mutex::new(BTreeMap::new());
    let mut planners = PLANNERS.lock().unwrap();
    planners.entry(lines.to_owned()).or_insert_with(|| {
        let planner = planner(&format!("{lines}\n{MANIFEST}"));
        Box::leak(Box::new(planner))
    })
}

pub(super) fn rig(planner: &'static Planner, spec: BoardSpec, stub: StubUse) -> Rig {
    let mut rig = Rig::new(spec).writing_by(stub);
    rig.keeper = Arc::new(Keeper::new(planner));
    rig
}

/// What a used board holds before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Blank,
    Used,
    /// Everything that is to be written, among other things.
    Right,
    /// The same, but for some sectors here and there.
    Partly,
    /// The same, up to the middle of the app; blank from there.
    Half,
}

const BEFORE: [Before; 5] = [
    Before::Blank,
    Before::Used,
    Before::Right,
    Before::Partly,
    Before::Half,
];

pub(super) fn contents(before: Before, planner: &'static Planner) -> Contents {
    if before == Before::Blank {
        return Contents::Blank;
    }
    // known bytes everywhere, none of them FF, each sector another than its neighbours
    let mut flash = vec![0; FLASH_BYTES];
    for (number, sector) in flash.chunks_mut(0x1000).enumerate() {
        sector.fill((number * 7 + 1) as u8 & 0x7F);
    }
    let keeper = Keeper::new(planner);
    let plan = plan(&keeper);
    if before != Before::Used {
        for region in &plan.regions {
            let (start, end) = (region.offset as usize, region.range().end as usize);
            flash[start..end.next_multiple_of(0x1000)].fill(0xFF);
            flash[start..end].copy_from_slice(&region.bytes);
        }
        for erase in &plan.erases {
            flash[erase.start as usize..erase.end as usize].fill(0xFF);
        }
    }
    match before {
        Before::Partly => {
            for at in [0x3_0123, 0x3_2FFF, 0x4_0000, 0x9100] {
                flash[at] ^= 0x40;
            }
        }
        Before::Half => flash[0x1_0000 + APP_BYTES / 2..].fill(0xFF),
        Before::Blank | Before::Used | Before::Right => {}
    }
    Contents::Holds(flash.into())
}

/// What an image leaves of its last sector is FF, whatever was there.
fn assert_tails(ended: &Ended, label: &str) {
    let flash = ended.board.flash();
    for region in &plan(&ended.keeper).regions {
        let end = region.range().end as usize;
        let tail = &flash[end..end.next_multiple_of(0x1000)];
        assert!(
            tail.iter().all(|byte| *byte == 0xFF),
            "{label}: {}",
            region.name
        );
    }
}

async fn check(lines: &str, stub: StubUse, before: Before, fault: Option<Fault>) -> Ended {
    let planner = with(lines);
    let label = format!("{lines:?} {stub:?} {before:?} {fault:?}");
    let mut spec = BoardSpec::esp32(1);
    spec.contents = contents(before, planner);
    spec.faults.extend(fault);
    let ended = rig(planner, spec, stub).run().await;
    let verdict = &ended.verdict;
    assert_eq!(
        verdict.outcome,
        Outcome::Pass,
        "{label}: {}",
        verdict.detail
    );
    assert_ne!(ended.flash(), "wrong", "{label}");
    assert_tails(&ended, &label);
    for (result, region) in verdict.regions.iter().zip(&plan(&ended.keeper).regions) {
        let found = (result.found_md5, result.found_sha256);
        if lines.contains("readback") {
            assert_eq!(found.1, Some(region.written_sha256), "{label}");
        } else {
            assert_eq!(found, (Some(region.md5), None), "{label}");
        }
        assert!(result.skipped_bytes <= result.size_bytes, "{label}");
    }
    let skipped: u64 = verdict
        .regions
        .iter()
        .map(|r| u64::from(r.skipped_bytes))
        .sum();
    assert_eq!(verdict.bytes_skipped, skipped, "{label}");
    ended
}

#[tokio::test(start_paused = true)]
async fn every_policy_leaves_what_it_says_and_touches_nothing_else() {
    for stub in [Stub, RomDeflate, RomPlain] {
        for erase in ["touched", "regions"] {
            for (write, befores) in [
                ("changed", &BEFORE[..]),
                ("all", &[Before::Used, Before::Half]),
            ] {
                for &before in befores {
                    let lines = format!("write = \"{write}\"\nerase = \"{erase}\"");
                    let ended = check(&lines, stub, before, None).await;
                    if write == "all" {
                        assert_eq!(ended.verdict.bytes_skipped, 0);
                    }
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_part_is_erased_and_written() {
    for stub in [Stub, RomDeflate] {
        let ended = check("erase = \"all\"", stub, Before::Right, None).await;
        assert_eq!(ended.verdict.bytes_skipped, 0);
        let mut flash = ended.board.flash();
        for region in &plan(&ended.keeper).regions {
            let range = region.range();
            flash[range.start as usize..range.end as usize].fill(0xFF);
        }
        assert!(flash.iter().all(|byte| *byte == 0xFF));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_right_is_not_written() {
    let all: u64 = {
        let ended = check("", Stub, Before::Blank, None).await;
        assert_eq!(ended.verdict.bytes_skipped, 0);
        ended.verdict.bytes_written
    };
    for stub in [Stub, RomDeflate, RomPlain] {
        let right = check("", stub, Before::Right, None).await;
        assert_eq!(
            (right.verdict.bytes_written, right.verdict.bytes_skipped),
            (0, all)
        );
        assert_eq!(right.flash(), "untouched", "{stub:?}");
        let partly = check("", stub, Before::Partly, None).await;
        let written = partly.verdict.bytes_written;
        assert!(
            (0x3000..=0x1_0000).contains(&written),
            "{stub:?}: {written}"
        );
        assert_eq!(written + partly.verdict.bytes_skipped, all);
        let half = check("", stub, Before::Half, None).await;
        assert!(half.verdict.bytes_skipped > all / 3, "{stub:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_is_reset_in_the_middle_ends_the_same() {
    for stub in [Stub, RomDeflate, RomPlain] {
        for before in [Before::Blank, Before::Used, Before::Partly] {
            for bytes in [30_000, 150_000] {
                let fault = Fault::ResetAfter { bytes, times: 1 };
                check("erase = \"regions\"", stub, before, Some(fault)).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_read_back_is_compared() {
    for (stub, before) in [
        (Stub, Before::Used),
        (Stub, Before::Right),
        (Stub, Before::Partly),
        (RomDeflate, Before::Right),
    ] {
        check("verify = \"readback\"", stub, before, None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flash_that_does_not_hold_is_told_by_what_came_back() {
    let planner = with("verify = \"readback\"");
    let spec = BoardSpec::esp32(1).fault(Fault::LostByte { offset: 0x2_0010 });
    let ended = rig(planner, spec, Stub).run().await;
    let verdict = &ended.verdict;
    assert_eq!(
        verdict.code,
        Some(Code::VerifyMismatch),
        "{}",
        verdict.detail
    );
    let app = verdict.regions.last().unwrap();
    let held = &ended.board.flash()[0x1_0000..0x1_0000 + app.size_bytes as usize];
    assert_eq!(app.found_sha256, Some(sha256(held)));
    assert_ne!(app.found_sha256, Some(app.written_sha256));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_damages_what_is_read_back() {
    for fault in [
        Fault::NoisyLine {
            from_baud: 500_000,
            one_in: 80_000,
        },
        Fault::ReplyLost { op: 0xD2, times: 2 },
        Fault::GarbageBefore { op: 0xD2, times: 2 },
    ] {
        let ended = check("verify = \"readback\"", Stub, Before::Right, Some(fault)).await;
        assert!(ended.verdict.retries.total() > 0);
    }
}

/// A stop in the middle of a whole-chip erase, or a pull, is told as what it is.
#[tokio::test(start_paused = true)]
async fn an_erase_that_does_not_end() {
    for is_pulled in [false, true] {
        for flash_mb in [4, 32] {
            let mut spec = BoardSpec::esp32(1).flash_size(flash_mb << 20);
            spec.contents = Contents::Used;
            let mut rig = rig(with("erase = \"all\""), spec, Stub);
            let (stop, board) = (rig.stop_handle.clone(), rig.board.clone());
            let total = u64::from(flash_mb) << 20;
            rig.ear.on_progress = Some(Box::new(move |progress| {
                if progress.total_bytes == total && progress.done_bytes > total / 4 {
                    match is_pulled {
                        true => board.pull(),
                        false => stop.ask(StopReason::Operator),
                    }
                }
            }));
            let ended = rig.run().await;
            let verdict = &ended.verdict;
            let label = format!("pulled {is_pulled}, {flash_mb} MB: {}", verdict.detail);
            assert_eq!(verdict.code, Some(Code::EraseUnfinished), "{label}");
            assert_eq!(verdict.outcome, Outcome::Aborted, "{label}");
            assert_ne!(ended.flash(), "untouched", "{label}");
        }
    }
}

/// A part that reaches further than the stub's addresses on this chip is erased with one command, and
/// the display moves meanwhile.
#[tokio::test(start_paused = true)]
async fn an_erase_of_minutes_moves_and_never_says_that_it_is_done() {
    let mut spec = BoardSpec::esp32(1).flash_size(32 << 20);
    spec.contents = Contents::Used;
    let mut rig = rig(with("erase = \"all\""), spec, Stub);
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = told.clone();
    rig.ear.on_progress = Some(Box::new(move |progress| {
        if progress.total_bytes == 32 << 20 {
            ear.lock()
                .unwrap()
                .push((tokio::time::Instant::now(), progress.done_bytes));
        }
    }));
    let ended = rig.run().await;
    assert_eq!(
        ended.verdict.outcome,
        Outcome::Pass,
        "{}",
        ended.verdict.detail
    );
    let told = told.lock().unwrap();
    assert!(told.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    assert!(
        told.windows(2)
            .all(|pair| pair[1].0 - pair[0].0 <= Duration::from_millis(600))
    );
    assert!(told.len() > 100, "{}", told.len());
    assert_eq!(told.iter().filter(|(_, done)| *done == 32 << 20).count(), 1);
    assert!(
        ended.board.flash()[0x100_0000..]
            .iter()
            .all(|byte| *byte == 0xFF)
    );
}

#[tokio::test(start_paused = true)]
async fn a_rom_does_not_erase_what_its_addresses_do_not_reach() {
    let mut spec = BoardSpec::esp32(1).flash_size(32 << 20);
    spec.contents = Contents::Used;
    let ended = rig(with("erase = \"all\""), spec, RomDeflate).run().await;
    assert_eq!(ended.verdict.code, Some(Code::CommandRefused));
    assert_eq!(ended.flash(), "untouched");
}

/// In the boards' own time: what asking costs, against what it saves.
#[tokio::test(start_paused = true)]
async fn asking_costs_a_blank_board_next_to_nothing_and_saves_a_right_one_nearly_all() {
    async fn took(lines: &str, before: Before) -> Duration {
        let ended = check(lines, Stub, before, None).await;
        let steps = ended.verdict.steps.iter();
        let working = steps.filter(|s| matches!(s.step, Step::Erase | Step::Write | Step::Verify));
        working.map(|step| step.took).sum()
    }
    let plain = took("write = \"all\"", Before::Blank).await;
    let blank = took("", Before::Blank).await;
    assert!(blank <= plain * 102 / 100, "{blank:?} instead of {plain:?}");
    let used = took("write = \"all\"", Before::Right).await;
    let right = took("", Before::Right).await;
    assert!(right <= used * 6 / 100, "{right:?} instead of {used:?}");
}
