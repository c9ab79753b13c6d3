//! Who has a device open, from /proc: the answer to 'in use by whom?'.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor};

/// The processes that have this device (by number) open: `cat (process 815) and esptool (process 4711)`.
/// All of them, since one may have it open and another keep it to itself; but not who made a pty and
/// serves its other side (socat, an emulator), which often keeps this side open as well. `None` where
/// nobody has, or the holder belongs to another user and cannot be seen.
pub fn of(device: u64) -> Option<String> {
    let mut holders: Vec<u32> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter(|entry| holds(&entry.path(), device) && !serves(&entry.path(), device))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    holders.sort_unstable();
    let named: Vec<String> = holders.into_iter().map(name).collect();
    (!named.is_empty()).then(|| named.join(" and "))
}

/// What keeps these holders (as `of` names them) away for good, where they are services that open every
/// new port by themselves.
pub fn remedy(holders: &str) -> Option<&'static str> {
    let has = |name: &str| holders.contains(&format!("{name} (process"));
    if has("ModemManager") {
        Some("`flashline install-udev` keeps ModemManager away from known bridges")
    } else if has("brltty") {
        Some("`flashline install-udev` keeps brltty away from known bridges")
    } else {
        None
    }
}

fn name(process: u32) -> String {
    match fs::read_to_string(format!("/proc/{process}/comm")) {
        Ok(name) => format!("{} (process {process})", name.trim_end()),
        Err(_) => format!("process {process}"),
    }
}

/// Whether another process than this one has the master of a pty open.
fn serves(process: &Path, device: u64) -> bool {
    let is_pty = major(device) == PTY_MAJOR;
    if !is_pty || process.ends_with(std::process::id().to_string()) {
        return false;
    }
    let Ok(descriptors) = fs::read_dir(process.join("fdinfo")) else {
        return false;
    };
    // proc(5): only a pty's master has this line
    let line = format!("tty-index:\t{}", minor(device));
    descriptors.flatten().any(|descriptor| {
        fs::read_to_string(descriptor.path())
            .is_ok_and(|info| info.lines().any(|found| found == line))
    })
}

/// Of the side of a pty that is a terminal (devices.txt of the kernel: UNIX98 PTY slaves).
const PTY_MAJOR: u32 = 136;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_that_can_be_kept_away() {
        let check = |holders, named: Option<&str>| {
            let remedy = remedy(holders);
            assert_eq!(remedy.is_some(), named.is_some(), "{holders}");
            assert!(
                remedy
                    .zip(named)
                    .is_none_or(|(told, name)| told.contains(name))
            );
        };
        check("ModemManager (process 812)", Some("ModemManager"));
        check("cat (process 7) and brltty (process 9)", Some("brltty"));
        check("picocom (process 4711)", None);
        check("flashline run, slot 7 (process 4711)", None);
    }
}
