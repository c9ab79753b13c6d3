//! A bundle for tests of rooms that judge or carry one: an ESP32's, without images.

use super::{
    AgainPolicy, Bundle, ErasePolicy, FlashParameter, FlashSettings, Manifest, SecureDownload,
    VerifyPolicy, WritePolicy,
};
use crate::chip::Chip;

pub fn bundle() -> Bundle {
    Bundle {
        manifest: Manifest {
            product: "thermostat".into(),
            version: "1.0".into(),
            chip: Chip::Esp32,
            min_revision: None,
            max_revision: None,
            flash_ids: Vec::new(),
            bauds: vec![921_600],
            partition_table_offset: 0x8000,
            flash: FlashSettings {
                mode: FlashParameter::Keep,
                frequency: FlashParameter::Keep,
                size: FlashParameter::Keep,
            },
            write: WritePolicy::Changed,
            erase: ErasePolicy::Touched,
            verify: VerifyPolicy::Md5,
            secure_download: SecureDownload::Refuse,
            again: AgainPolicy::Flash,
            boot: None,
        },
        text: "".into(),
        images: Vec::new(),
        leftovers: Vec::new(),
        needed_flash_bytes: 1,
        digest: [0xAB; 32],
        warnings: Vec::new(),
    }
}
