//! A file of ours in the system's folders, replaced as a whole. Leaves out the station file, which is someone
//! else's text (`slots/file`).

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What there was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    Written,
    Replaced,
    /// Nothing: it is as it should be.
    Before,
}

/// Writes the file, readable for everyone; whoever reads it meanwhile never gets half of it.
pub fn install(path: &Path, text: &str) -> io::Result<Installed> {
    let before = fs::read_to_string(path);
    if before.as_ref().is_ok_and(|before| before == text) {
        return Ok(Installed::Before);
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    // under a name that neither udev nor systemd reads
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file = File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    Ok(match before {
        Ok(_) => Installed::Replaced,
        Err(_) => Installed::Written,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("udev/rules.d/95-flashline.rules");
        let check = |rules: &str, expected| {
            assert_eq!(install(&path, rules).unwrap(), expected);
            assert_eq!(fs::read_to_string(&path).unwrap(), rules);
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o644);
            let beside = fs::read_dir(path.parent().unwrap()).unwrap();
            assert_eq!(beside.count(), 1);
        };
        check("one", Installed::Written);
        check("one", Installed::Before);
        check("two", Installed::Replaced);
        let no_folder = folder.path().join("file");
        fs::write(&no_folder, "").unwrap();
        assert!(install(&no_folder.join("x.rules"), "").is_err());
    }
}
