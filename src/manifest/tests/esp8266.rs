//! The ESP8266: images of its own forms, sizes by its SDK's names, flash laid out without a table.

use super::*;

const SDK: &str = r#"product = "plug"
version = "1.0"
chip = "esp8266"
flash.size = "SIZE"

[[image]]
name = "boot"
path = "boot.bin"
offset = 0

[[image]]
name = "user1"
path = "user1.bin"
offset = 0x1000

[[image]]
name = "esp_init_data_default"
path = "init.bin"
offset = 0x3FC000
"#;

fn sdk(size: &str) -> Case {
    Case {
        text: SDK.replace("SIZE", size),
        files: [
            ("boot.bin", sample::bootloader(Chip::Esp8266)[..].to_vec()),
            ("user1.bin", sample::esp8266_version_2(200_000, 1)),
            ("init.bin", vec![5; 128]),
        ]
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .into(),
    }
}

#[test]
fn what_its_first_sdk_lays_out_is_a_bundle_without_a_word() {
    // a boot loader of one sector, as the SDK's is
    let mut case = sdk("32m-c1");
    let boot = sample::app(Chip::Esp8266, 0x1000, 1);
    case.files.insert("boot.bin".to_owned(), boot);
    let bundle = case.bundle();
    assert_eq!(case.warned(), "");
    assert!(bundle.images[0].is_bootloader);
    assert!(!bundle.images[1].is_bootloader);
}

#[test]
fn sizes_by_their_names() {
    let check = |name: &str, bytes: u64, code: u8| {
        let case = sdk(name).with("offset = 0x1000\n", "offset = 0x11000\n");
        let case = match bytes < 4 << 20 {
            true => case.with("0x3FC000", "0x7C000"),
            false => case,
        };
        let size = case.bundle().manifest.flash.size;
        assert_eq!(
            size,
            FlashParameter::Set(FlashSize { bytes, code }),
            "{name}"
        );
    };
    check("512KB", 512 << 10, 0);
    check("4m", 512 << 10, 0);
    check("16m", 2 << 20, 3);
    check("16m-c1", 2 << 20, 5);
    check("2MB-c1", 2 << 20, 5);
    check("4MB", 4 << 20, 4);
    check("32m", 4 << 20, 4);
    check("32m-c1", 4 << 20, 6);
    check("64m", 8 << 20, 8);
    check("128m", 16 << 20, 9);
    let unknown = sdk("32m-c2").refused();
    assert!(unknown.contains("\"32m-c1\""), "{unknown}");
}

#[test]
fn its_images_are_told_from_the_others() {
    let other = sdk("4MB").file("user1.bin", sample::app(Chip::Esp32, 20_000, 1));
    let told = other.refused();
    assert!(
        told.contains("`user1` is for esp32, and the manifest is for esp8266"),
        "{told}"
    );
    let damaged = sdk("4MB").changed("user1.bin", |file| file[0x40] ^= 1);
    let told = damaged.refused();
    assert!(told.contains("CRC-32"), "{told}");
}
