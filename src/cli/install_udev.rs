//! `flashline install-udev`: puts udev's rules for known bridges in place and has udev read them. Leaves out
//! the rules themselves (`port`).

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::install::{Installed, install};
use super::{Exit, out};
use crate::port::{UDEV_RULES_PATH, udev_rules};
use crate::station::Access;

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
    if !Access::is_group(&args.group) {
        eprintln!(
            "flashline: this computer has no group {0}: make it (`sudo groupadd --system {0}`), or name another \
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
        Ok(Installed::Written | Installed::Replaced) => {
            out::line(&format!("{} is written", path.display()))
        }
        Ok(Installed::Before) => out::line(&format!("{} is as it should be", path.display())),
        Err(error) => {
            eprintln!("flashline: {} cannot be written: {error}", path.display());
            return Exit::Failure;
        }
    }
    reload()
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
    fn groups_by_name() {
        assert!(group("plugdev").is_ok());
        for odd in ["", "a b", "x\", MODE=\"0666", &"x".repeat(33)] {
            assert!(group(odd).is_err(), "{odd}");
        }
    }
}
