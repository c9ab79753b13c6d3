use super::*;
use crate::chip::{FlashId, Mac, Revision};
use crate::image::{md5, sample, sha256};
use crate::manifest::FlashSize;
use crate::manifest::{
    AgainPolicy, DataPartition, Manifest, SecureDownload, VerifyPolicy, WritePolicy,
};
use crate::plan::Held;

const MB: u64 = 1 << 20;

fn bundle(size: FlashParameter<FlashSize>, erase: ErasePolicy) -> Bundle {
    let image = |name: &str, offset, bytes: Vec<u8>, is_bootloader| Image {
        name: name.into(),
        path: format!("{name}.bin").into(),
        offset,
        sha256: sha256(&bytes),
        bytes: bytes.into(),
        is_bootloader,
        said: 0..0,
    };
    let leftover = |name: &str, offset, size_bytes, leftover| DataPartition {
        name: name.into(),
        offset,
        size_bytes,
        leftover,
    };
    Bundle {
        manifest: Manifest {
            product: "lamp".into(),
            version: "1".into(),
            chip: Chip::Esp32,
            min_revision: None,
            max_revision: None,
            flash_ids: Vec::new(),
            bauds: vec![921_600, 460_800, 115_200],
            partition_table_offset: 0x8000,
            flash: FlashSettings {
                mode: FlashParameter::Set(0),
                frequency: FlashParameter::Keep,
                size,
            },
            write: WritePolicy::Changed,
            erase,
            verify: VerifyPolicy::Md5,
            secure_download: SecureDownload::Refuse,
            again: AgainPolicy::Flash,
            boot: None,
        },
        text: "".into(),
        images: vec![
            image("bootloader", 0x1000, sample::bootloader(Chip::Esp32), true),
            image(
                "partition-table",
                0x8000,
                sample::single_app_table().to_bytes(),
                false,
            ),
            image("app", 0x1_0000, sample::app(Chip::Esp32, 20_000, 1), false),
        ],
        leftovers: vec![
            leftover("phy_init", 0xF000, 0x1000, Leftover::Erase),
            leftover("nvs", 0x9000, 0x6000, Leftover::Erase),
            leftover("log", 0x20_0000, 0x1000, Leftover::Keep),
            leftover("spool", 0x21_0000, 0x2000, Leftover::Erase),
        ],
        needed_flash_bytes: 3 * MB,
        digest: [0; 32],
        warnings: Vec::new(),
    }
}

fn board(flash_id: u32) -> Identity {
    Identity {
        crystal_mhz: Some(40),
        ..Identity::open(
            Chip::Esp32,
            Revision { major: 1, minor: 0 },
            Mac([2, 0, 0, 0, 0, 1]),
            FlashId(flash_id),
        )
    }
}

fn header(region: &Region) -> FlashHeader {
    EspImage::parse(&region.bytes).unwrap().flash
}

#[test]
fn what_is_the_same_is_shared_and_what_is_detected_follows_the_part() {
    let planner = Planner::new(Arc::new(bundle(
        FlashParameter::Detect,
        ErasePolicy::Touched,
    )));
    let four = planner.plan(&board(0xEF4016), None);
    let four_again = planner.plan(&board(0xC84016), None);
    let sixteen = planner.plan(&board(0xEF4018), None);
    assert_eq!((four.flash_bytes, sixteen.flash_bytes), (4 * MB, 16 * MB));
    for (index, region) in four.regions.iter().enumerate() {
        assert!(Arc::ptr_eq(region, &four_again.regions[index]));
        assert_eq!(Arc::ptr_eq(region, &sixteen.regions[index]), index != 0);
    }
    let expect = |size| FlashHeader {
        mode: 0,
        frequency: 0,
        size,
    };
    assert_eq!(header(&four.regions[0]), expect(2));
    assert_eq!(header(&sixteen.regions[0]), expect(4));
}

#[test]
fn a_set_size_and_a_kept_one() {
    let size_of = |size| {
        let planner = Planner::new(Arc::new(bundle(size, ErasePolicy::Touched)));
        header(&planner.plan(&board(0xEF4018), None).regions[0]).size
    };
    assert_eq!(
        size_of(FlashParameter::Set(FlashSize {
            bytes: 8 * MB,
            code: 3
        })),
        3
    );
    assert_eq!(size_of(FlashParameter::Keep), 2);
}

#[test]
fn both_digests_are_known() {
    let bundle = bundle(FlashParameter::Detect, ErasePolicy::Touched);
    let file = bundle.images[0].sha256;
    let plan = Planner::new(Arc::new(bundle)).plan(&board(0xEF4018), None);
    let bootloader = &plan.regions[0];
    assert_eq!(bootloader.file_sha256, file);
    assert_ne!(bootloader.written_sha256, file);
    assert_eq!(bootloader.md5, md5(&bootloader.bytes));
    assert_eq!(plan.regions[2].written_sha256, plan.regions[2].file_sha256);
}

#[test]
fn an_image_that_is_none_is_written_as_it_is() {
    let mut bundle = bundle(FlashParameter::Detect, ErasePolicy::Touched);
    bundle.images[0].bytes = [0x55; 100].into();
    let plan = Planner::new(Arc::new(bundle)).plan(&board(0xEF4018), None);
    assert_eq!(*plan.regions[0].bytes, [0x55; 100]);
}

#[test]
fn leftovers_are_erased_in_few_pieces() {
    let plan = |erase| {
        Planner::new(Arc::new(bundle(FlashParameter::Keep, erase))).plan(&board(0xEF4016), None)
    };
    let touched = plan(ErasePolicy::Touched);
    assert_eq!(
        touched.kept,
        std::iter::once(0x20_0000..0x20_1000).collect::<Vec<_>>()
    );
    assert!(!touched.erase_all);
    assert_eq!(
        touched.erases,
        [0x9000..0x1_0000, 0x21_0000..0x21_2000],
        "nvs and phy_init touch each other, log is kept"
    );
    let all = plan(ErasePolicy::All);
    assert!(all.erase_all);
    assert_eq!(all.erases, []);
}

#[test]
fn rates() {
    let check = |ceiling, expect: &[u32]| {
        let planner = Planner::new(Arc::new(bundle(FlashParameter::Keep, ErasePolicy::Touched)));
        assert_eq!(planner.plan(&board(0xEF4016), ceiling).bauds, expect);
    };
    check(None, &[921_600, 460_800, 115_200]);
    check(Some(2_000_000), &[921_600, 460_800, 115_200]);
    check(Some(460_800), &[460_800, 115_200]);
    check(Some(230_400), &[230_400, 115_200]);
    check(Some(9_600), &[9_600]);
}

#[test]
fn a_size_that_is_not_known_is_the_manifests() {
    let bytes = |size, flash_id| {
        Planner::new(Arc::new(bundle(size, ErasePolicy::Touched)))
            .plan(&board(flash_id), None)
            .flash_bytes
    };
    assert_eq!(
        bytes(
            FlashParameter::Set(FlashSize {
                bytes: 8 * MB,
                code: 3
            }),
            0xEF4000
        ),
        8 * MB
    );
    assert_eq!(bytes(FlashParameter::Detect, 0xEF4000), 4 * MB);
}

#[test]
fn estimates() {
    let planner = Planner::new(Arc::new(bundle(FlashParameter::Keep, ErasePolicy::Touched)));
    let plan = planner.plan(&board(0xEF4016), None);
    let slow = plan.estimate(Method::StubDeflate, 115_200, Held::Other);
    let fast = plan.estimate(Method::StubDeflate, 921_600, Held::Other);
    let deflate = plan.estimate(Method::RomDeflate, 921_600, Held::Other);
    let plain = plan.estimate(Method::RomPlain, 921_600, Held::Other);
    let blank = plan.estimate(Method::StubDeflate, 921_600, Held::Nothing);
    let right = plan.estimate(Method::StubDeflate, 921_600, Held::Same);
    assert!(right.total < blank.total && blank.total < fast.total);
    assert_eq!((right.wire_bytes, blank.wire_bytes), (0, fast.wire_bytes));
    assert_eq!(slow.wire_bytes, fast.wire_bytes);
    assert!(slow.wire > fast.wire * 4 && slow.total > fast.total);
    assert!(plain.wire_bytes > deflate.wire_bytes && plain.total > deflate.total);
    assert!(fast.total > fast.wire);
}
