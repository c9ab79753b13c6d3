use proptest::prelude::*;

use super::*;
use crate::chip::Chip;
use crate::image::{sample, sha256};

const OFFSET: u32 = 0x1_0000;

fn region(bytes: &[u8]) -> Arc<Region> {
    let sha256 = sha256(bytes);
    Arc::new(Region::new(
        Chip::Esp32,
        "app".into(),
        OFFSET,
        bytes,
        sha256,
    ))
}

/// Surveys a region on a flash that holds this from the region's first sector to its last: the
/// questions (first and last sector, counted from the region's beginning), and what is to be written.
fn survey(region: &Arc<Region>, flash: &[u8]) -> (Vec<Range<u32>>, Survey) {
    let mut survey = Survey::new(region.clone());
    let mut asked = Vec::new();
    while let Some(range) = survey.ask() {
        assert!(asked.len() < 10_000, "it does not end");
        let (from, until) = (range.start - OFFSET, range.end - OFFSET);
        survey.answer(md5(&flash[from as usize..until as usize]));
        asked.push(from..until);
    }
    (asked, survey)
}

/// The region as it stands in flash after it was written.
fn written(region: &Region) -> Vec<u8> {
    let mut flash = region.bytes.to_vec();
    flash.resize(flash.len().next_multiple_of(0x1000), 0xFF);
    flash
}

fn app(bytes: usize) -> Arc<Region> {
    let app = sample::app(Chip::Esp32, bytes.max(8_192), 1);
    region(&app[..bytes])
}

#[test]
fn a_blank_board_is_known_by_one_sector() {
    for bytes in [20_000, 300_000, 1 << 20] {
        let region = app(bytes);
        let (asked, survey) = survey(&region, &vec![0xFF; bytes.next_multiple_of(0x1000)]);
        assert_eq!(asked.len(), 1, "{bytes}");
        assert_eq!(asked[0].len(), 0x1000);
        assert_eq!(survey.into_runs(), [region.range()]);
    }
}

#[test]
fn another_firmware_is_known_by_a_few_sectors() {
    for (bytes, samples) in [(20_000, 2), (300_000, 4), (1 << 20, 4)] {
        let region = app(bytes);
        let other = vec![0xA5; bytes.next_multiple_of(0x1000)];
        let (asked, survey) = survey(&region, &other);
        assert_eq!(asked.len(), samples, "{bytes}");
        assert_eq!(survey.into_runs(), [region.range()]);
    }
}

#[test]
fn a_right_board_is_known_by_the_whole_digest() {
    for (bytes, questions) in [
        (3_072, 2),
        (8_192, 1),
        (20_000, 4),
        (300_000, 6),
        (1 << 20, 5),
    ] {
        let region = app(bytes);
        let (asked, survey) = survey(&region, &written(&region));
        assert_eq!(asked.len(), questions, "{bytes}: {asked:x?}");
        assert_eq!(survey.digest(), Some(region.md5));
        assert_eq!(survey.into_runs(), []);
    }
}

#[test]
fn what_an_older_image_left_in_the_last_sector_is_written_over() {
    let region = app(20_000);
    let mut flash = written(&region);
    flash[20_100] = 0;
    let (asked, survey) = survey(&region, &flash);
    assert_eq!(asked.last(), Some(&(20_000..20_480)));
    assert_eq!(survey.digest(), Some(region.md5));
    let last = OFFSET + 0x4000..OFFSET + 20_000;
    assert_eq!(survey.into_runs(), std::slice::from_ref(&last));
}

#[test]
fn one_changed_sector_is_found_by_halves() {
    let region = app(1 << 20);
    for sector in [0, 1, 7, 15, 100, 255] {
        let mut flash = written(&region);
        flash[sector * 0x1000 + 17] ^= 1;
        let (asked, survey) = survey(&region, &flash);
        // samples, the whole unless a sample was the one, 16 blocks, at most 2 for each of 4 splits
        assert!(asked.len() <= 4 + 1 + 16 + 8, "{sector}: {}", asked.len());
        let start = OFFSET + sector as u32 * 0x1000;
        assert_eq!(survey.digest(), None);
        assert_eq!(survey.into_runs(), vec![start..start + 0x1000]);
    }
}

#[test]
fn dense_changes_are_written_without_asking_for_each_sector() {
    let region = app(1 << 20);
    let mut flash = written(&region);
    for byte in flash[0x4_0000..0x5_0000].iter_mut() {
        *byte ^= 0x55;
    }
    let (asked, survey) = survey(&region, &flash);
    assert!(asked.len() <= 4 + 1 + 16 + 6, "{}", asked.len());
    assert_eq!(
        survey.into_runs(),
        vec![OFFSET + 0x4_0000..OFFSET + 0x5_0000]
    );
}

#[test]
fn a_board_that_was_pulled_in_the_middle_keeps_what_it_has() {
    let region = app(1 << 20);
    let mut flash = written(&region);
    flash[0x8_3000..].fill(0xFF);
    let (_, survey) = survey(&region, &flash);
    // not from 0x83000: the changes lie dense there
    assert_eq!(
        survey.into_runs(),
        vec![OFFSET + 0x8_0000..region.range().end]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever differs is written, whole sectors of it, and where nothing does, nothing is.
    #[test]
    fn what_differs_is_written(
        bytes in 1usize..400_000,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1usize..30_000), 0..6),
    ) {
        let region = app(bytes.next_multiple_of(4).max(64));
        let right = written(&region);
        let mut flash = right.clone();
        for (at, length) in changes {
            let at = at.index(flash.len());
            let end = (at + length).min(flash.len());
            flash[at..end].iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        }
        let (_, survey) = survey(&region, &flash);
        let runs = survey.into_runs();
        prop_assert_eq!(runs.is_empty(), flash == right);
        let end = region.range().end;
        for run in &runs {
            prop_assert!(run.start % 0x1000 == 0 && run.start < run.end);
            prop_assert!(run.end % 0x1000 == 0 && run.end < end || run.end == end);
        }
        prop_assert!(runs.windows(2).all(|pair| pair[0].end < pair[1].start));
        for run in runs {
            let from = (run.start - OFFSET) as usize;
            let until = ((run.end - OFFSET) as usize).next_multiple_of(0x1000);
            flash[from..until].copy_from_slice(&right[from..until]);
        }
        prop_assert!(flash == right);
    }
}
