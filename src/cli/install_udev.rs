//! `flashline install-udev`: puts udev's rules for known bridges in place and has udev read them. Leaves out
//! the rules themselves (`port`).

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Exit, out};
use crate::port::{UDEV_RULES_PATH, udev_rules};

/// Install udev rules: who may open known bridges, and that ModemManager and brltty keep away
///
/// Writes /etc/udev/rules.d/95-flashline.rules and has udev read it. Without root it prints the rules and the
/// command that installs them. Exit code: 0 installed (or printed with --print), 1 not installed, 3 installed
/// and udev did not hear of it, 4 usage.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who may open the ports, besides root
    #[arg(long, value_name = "NAME", default_value = "dialout", value_parser = group)]
    group: String,
    /// Print the rules, install nothing
    #[arg(long)]
    print: bool,
}

/// What groups may be called (useradd(8)); it goes between quotes.
fn group(name: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !name.is_empty() && name.len() <= 32 && name.chars().all(is_plain) {
        Ok(name.to_owned())
    } else {
        Err("a group's name has 1 to 32 letters, digits, _, - and .".to_owned())
    }
}

pub fn run(args: Args) -> Exit {
    let rules = udev_rules(&args.group);
    if args.print {
        out::line(rules.trim_end());
        return Exit::Pass;
    }
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    if !has_group(&groups, &args.group) {
        eprintln!(
            "flashline: /etc/group has no group {0}: make it (`sudo groupadd --system {0}`), or name another \
             with --group",
            args.group
        );
        return Exit::Usage;
    }
    if !rustix::process::geteuid().is_root() {
        out::line(rules.trim_end());
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("flashline"));
        eprintln!(
            "flashline: these rules are not installed, which takes root:\n  sudo {} install-udev --group {}",
            program.display(),
            args.group
        );
        return Exit::Failure;
    }
    let path = Path::new(UDEV_RULES_PATH);
    match install(path, &rules) {
        Ok(Installed::Now) => out::line(&format!("{} is written", path.display())),
        Ok(Installed::Before) => out::line(&format!("{} is as it should be", path.display())),
        Err(error) => {
            eprintln!("flashline: {} cannot be written: {error}", path.display());
            return Exit::Failure;
        }
    }
    reload()
}

fn has_group(groups: &str, name: &str) -> bool {
    groups
        .lines()
        .any(|line| line.split(':').next() == Some(name))
}

/// Whether there was anything to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Installed {
    Now,
    Before,
}

/// Replaces the file as a whole: udev never reads half of it.
fn install(path: &Path, rules: &str) -> io::Result<Installed> {
    if fs::read_to_string(path).is_ok_and(|before| before == rules) {
        return Ok(Installed::Before);
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    // udev reads what ends in .rules
    let fresh = path.with_extension("rules.new");
    let mut file = File::create(&fresh)?;
    file.write_all(rules.as_bytes())?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    Ok(Installed::Now)
}

/// Has udev read its rules, and apply them to what is plugged in.
fn reload() -> Exit {
    let trigger = [
        "trigger",
        "--action=change",
        "--subsystem-match=usb",
        "--subsystem-match=tty",
    ];
    for arguments in [&["control", "--reload"][..], &trigger[..]] {
        let said = format!("udevadm {}", arguments.join(" "));
        match Command::new("udevadm").args(arguments).output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr);
                eprintln!(
                    "flashline: the rules are in place, and udev did not hear of it: `{said}`: {}",
                    why.trim()
                );
                return Exit::BenchError;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                out::line("there is no udevadm here: the rules hold once udev is installed");
                return Exit::Pass;
            }
            Err(error) => {
                eprintln!("flashline: `{said}`: {error}");
                return Exit::BenchError;
            }
        }
    }
    out::line("udev has read it; it holds for what is plugged in now as well");
    Exit::Pass
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
        check("one", Installed::Now);
        check("one", Installed::Before);
        check("two", Installed::Now);
        let no_folder = folder.path().join("file");
        fs::write(&no_folder, "").unwrap();
        assert!(install(&no_folder.join("x.rules"), "").is_err());
    }

    #[test]
    fn groups_by_name() {
        let groups = "root:x:0:\ndialout:x:20:anna\n";
        assert!(has_group(groups, "dialout"));
        assert!(!has_group(groups, "dial"));
        assert!(!has_group(groups, "anna"));
        assert!(group("plugdev").is_ok());
        for odd in ["", "a b", "x\", MODE=\"0666", &"x".repeat(33)] {
            assert!(group(odd).is_err(), "{odd}");
        }
    }
}
