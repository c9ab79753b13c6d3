//! `flashline install-service`: the systemd unit and its user. Leaves out what a running service tells
//! systemd (`notify`), and udev's rules.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::install::{self, Installed};
use super::{Exit, out};

const UNIT: &str = include_str!("service/flashline.service");
const SYSUSERS: &str = include_str!("service/sysusers.conf");

/// Where an administrator's units and users are (systemd.unit(5), sysusers.d(5)).
const UNIT_PATH: &str = "etc/systemd/system/flashline.service";
const SYSUSERS_PATH: &str = "etc/sysusers.d/flashline.conf";

/// Folders that the unit's hardening hides from the service.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// Install the systemd service and its user `flashline`; prints both files where you are not root
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print what would be installed, and change nothing
    #[arg(long)]
    print: bool,
    /// The program that the service starts (this one, unless said)
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The station file that it runs
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/flashline/station.toml"
    )]
    config: PathBuf,
    /// Install into a system that is not the running one (an image); makes no user and tells no systemd
    #[arg(long, value_name = "FOLDER", conflicts_with = "print")]
    root: Option<PathBuf>,
}

pub fn run(args: Args) -> Exit {
    let program = match args.program.map_or_else(std::env::current_exe, Ok) {
        Ok(program) => program,
        Err(error) => {
            eprintln!("flashline: this program's own place cannot be told: {error}");
            return Exit::Failure;
        }
    };
    let unit = match unit(&program, &args.config) {
        Ok(unit) => unit,
        Err(why) => {
            eprintln!("flashline: {why}");
            return Exit::Usage;
        }
    };
    let is_root = rustix::process::geteuid().is_root();
    if args.print || (args.root.is_none() && !is_root) {
        out::line(&format!(
            "# /{UNIT_PATH}\n{unit}\n# /{SYSUSERS_PATH}\n{SYSUSERS}"
        ));
        if !args.print {
            eprintln!(
                "flashline: nothing was installed: run `sudo {} install-service`",
                program.display()
            );
        }
        return Exit::Pass;
    }
    match install(args.root.as_deref(), &unit) {
        Ok(()) => Exit::Pass,
        Err(error) => {
            eprintln!("flashline: {error}");
            Exit::Failure
        }
    }
}

/// The unit for this program and station file, or why it would not work.
fn unit(program: &Path, config: &Path) -> Result<String, String> {
    for (what, path, instead) in [
        ("the program", program, "/usr/local/bin/flashline"),
        ("the station file", config, "/etc/flashline/station.toml"),
    ] {
        let shown = path.display();
        if !path.is_absolute() {
            return Err(format!(
                "{what} must be given with its whole path, not as {shown}"
            ));
        }
        if let Some(folder) = HIDDEN.iter().find(|folder| path.starts_with(folder)) {
            return Err(format!(
                "{what} is {shown}, and the service sees nothing of {folder}: put it to {instead}"
            ));
        }
    }
    let quoted = |path: &Path| {
        let text = path.to_str().ok_or("a path in a unit must be UTF-8")?;
        // systemd.service(5), "Command lines"; `%` begins a specifier
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        let text = text.replace('%', "%%").replace('$', "$$");
        Ok::<_, String>(match text.contains(char::is_whitespace) {
            true => format!("\"{text}\""),
            false => text,
        })
    };
    Ok(UNIT
        .replace("@PROGRAM@", &quoted(program)?)
        .replace("@CONFIG@", &quoted(config)?))
}

/// Why it was not installed.
#[derive(Debug, thiserror::Error)]
enum InstallError {
    #[error("{path} cannot be written: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("`{command}` {why}")]
    Command { command: String, why: String },
}

fn install(root: Option<&Path>, unit: &str) -> Result<(), InstallError> {
    let folder = root.unwrap_or(Path::new("/"));
    write(&folder.join(UNIT_PATH), unit)?;
    write(&folder.join(SYSUSERS_PATH), SYSUSERS)?;
    if root.is_some() {
        return Ok(());
    }
    command("systemd-sysusers", &["flashline.conf"])?;
    // without a running systemd it will read the unit when it starts (sd_booted(3))
    if Path::new("/run/systemd/system").is_dir() {
        command("systemctl", &["daemon-reload"])?;
    }
    out::line(
        "Next: put station.toml, the manifest and its images into /etc/flashline, with\n\
         `database = \"/var/lib/flashline/flashline.db\"` in station.toml, then\n\
         `systemctl enable --now flashline`. `systemctl status flashline` tells how it goes.",
    );
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), InstallError> {
    let what = match install::install(path, text) {
        Ok(Installed::Before) => "is as it should be",
        Ok(Installed::Replaced) => "is replaced",
        Ok(Installed::Written) => "is written",
        Err(source) => {
            let path = path.to_owned();
            return Err(InstallError::Write { path, source });
        }
    };
    out::line(&format!("{} {what}", path.display()));
    Ok(())
}

fn command(program: &str, args: &[&str]) -> Result<(), InstallError> {
    let why = match Command::new(program).args(args).status() {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("failed ({status})"),
        Err(error) => format!("could not be run: {error}"),
    };
    Err(InstallError::Command {
        command: format!("{program} {}", args.join(" ")),
        why,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const STATION: &str = "/etc/flashline/station.toml";

    #[test]
    fn the_unit_starts_this_program_with_this_station_file() {
        let check = |program: &str, config: &str, expected: &str| {
            let told = match unit(Path::new(program), Path::new(config)) {
                Ok(unit) => {
                    assert!(!unit.contains("@PROGRAM@") && !unit.contains("@CONFIG@"));
                    let start = unit
                        .lines()
                        .find_map(|line| line.strip_prefix("ExecStart="));
                    start.unwrap().to_owned()
                }
                Err(why) => why,
            };
            assert_eq!(told, expected);
        };
        check(
            "/usr/local/bin/flashline",
            STATION,
            "/usr/local/bin/flashline run --config /etc/flashline/station.toml",
        );
        check(
            "/opt/flash line/50%/f",
            "/srv/$a.toml",
            "\"/opt/flash line/50%%/f\" run --config /srv/$$a.toml",
        );
        check(
            "/home/mei/flashline",
            STATION,
            "the program is /home/mei/flashline, and the service sees nothing of /home: put it to \
             /usr/local/bin/flashline",
        );
        check(
            "/usr/bin/flashline",
            "station.toml",
            "the station file must be given with its whole path, not as station.toml",
        );
    }

    #[test]
    fn an_image_gets_both_files_and_again_the_same() {
        let root = tempfile::tempdir().unwrap();
        let unit = unit(Path::new("/usr/bin/flashline"), Path::new(STATION)).unwrap();
        for _ in 0..2 {
            install(Some(root.path()), &unit).unwrap();
            let read = |path| fs::read_to_string(root.path().join(path)).unwrap();
            assert_eq!(read(UNIT_PATH), unit);
            assert_eq!(read(SYSUSERS_PATH), SYSUSERS);
        }
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let told = install(Some(&file), "").unwrap_err().to_string();
        assert!(
            told.contains("etc/systemd/system/flashline.service cannot be written"),
            "{told}"
        );
    }
}
