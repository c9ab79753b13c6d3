//! Who has a device open, from /proc: the answer to 'in use by whom?'.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The first process that has this device (by number) open: `esptool (process 4711)`. `None` where
/// nobody has, or the holder belongs to another user and cannot be seen.
pub fn of(device: u64) -> Option<String> {
    fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
        })
        .find(|entry| holds(&entry.path(), device))
        .map(|entry| {
            let process = entry.file_name();
            let process = process.to_string_lossy();
            match fs::read_to_string(entry.path().join("comm")) {
                Ok(name) => format!("{} (process {process})", name.trim_end()),
                Err(_) => format!("process {process}"),
            }
        })
}

fn holds(process: &Path, device: u64) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    descriptors.flatten().any(|descriptor| {
        let link = descriptor.path();
        // Only what lies under /dev is worth a stat.
        fs::read_link(&link).is_ok_and(|target| target.starts_with("/dev"))
            && fs::metadata(&link).is_ok_and(|meta| meta.rdev() == device)
    })
}
