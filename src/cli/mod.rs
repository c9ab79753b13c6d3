//! The command line: one file per command, and the exit codes. Leaves out what the commands do.

mod alarm;
mod allow_retest;
mod approve;
mod check;
mod daemon;
mod dashboard;
mod demo;
mod erase;
mod faults;
mod flash;
mod go_on;
mod hand;
mod info;
mod job;
mod journal;
mod install;
mod install_udev;
mod logging;
mod lot;
mod look;
mod names;
mod notify;
mod out;
mod ports;
mod read;
mod report;
mod run;
mod scan;
mod screen;
mod service;
mod session;
mod sim;
mod slots;
mod start;
mod starts;
mod status;
mod stop;
mod supervisor;
mod typed;
mod verify;
mod watch;
mod write;
mod write_off;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::record::RecordError;

/// How a command ended; the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Pass,
    /// 1: the demo's boards did not all end as scripted, or the program could not do its work.
    Failure,
    /// 2
    BoardFailed,
    /// 3
    BenchError,
    /// 4
    Usage,
    /// 5: written, and not all of it verified.
    NotVerified,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Pass => 0,
            Exit::Failure => 1,
            Exit::BoardFailed => 2,
            Exit::BenchError => 3,
            Exit::Usage => 4,
            Exit::NotVerified => 5,
        })
    }
}

/// A wrong path is a usage error, a database that cannot be used one of the bench.
impl From<&RecordError> for Exit {
    fn from(error: &RecordError) -> Exit {
        if error.is_wrong_path() {
            Exit::Usage
        } else {
            Exit::BenchError
        }
    }
}

/// A production-line flashing station for Espressif chips.
#[derive(Debug, Parser)]
#[command(
    name = "flashline",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Dashboard(dashboard::Args),
    Watch(watch::Args),
    Status(status::Args),
    Start(start::Args),
    Scan(scan::Args),
    Stop(stop::Args),
    GoOn(go_on::Args),
    AllowRetest(allow_retest::Args),
    Approve(approve::Args),
    Demo(demo::Args),
    Flash(flash::Args),
    Info(info::Args),
    Read(read::Args),
    Erase(erase::Args),
    Write(write::Args),
    Verify(verify::Args),
    Check(check::Args),
    Slots(slots::Args),
    Ports(ports::Args),
    InstallUdev(install_udev::Args),
    Lot(lot::Args),
    Report(report::Args),
    Job(job::Args),
    WriteOff(write_off::Args),
    Supervisor(supervisor::Args),
    InstallService(service::Args),
    Sim(sim::Args),
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    main_with(std::env::args_os())
}

/// The same with other arguments than the process's own; the first is the program's name.
pub fn main_with<T: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = T>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // an unwritable terminal leaves nobody to tell
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Pass
            }
            .into();
        }
    };
    match cli.command {
        Command::Run(args) => run::run(args),
        Command::Dashboard(args) => dashboard::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Status(args) => status::run(args),
        Command::Start(args) => start::run(args),
        Command::Scan(args) => scan::run(args),
        Command::Stop(args) => stop::run(args),
        Command::GoOn(args) => go_on::run(args),
        Command::AllowRetest(args) => allow_retest::run(args),
        Command::Approve(args) => approve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Flash(args) => flash::run(args),
        Command::Info(args) => info::run(args),
        Command::Read(args) => read::run(args),
        Command::Erase(args) => erase::run(args),
        Command::Write(args) => write::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Check(args) => check::run(args),
        Command::Slots(args) => slots::run(args),
        Command::Ports(args) => ports::run(args),
        Command::InstallUdev(args) => install_udev::run(args),
        Command::Lot(args) => lot::run(args),
        Command::Report(args) => report::run(args),
        Command::Job(args) => job::run(args),
        Command::WriteOff(args) => write_off::run(args),
        Command::Supervisor(args) => supervisor::run(args),
        Command::InstallService(args) => service::run(args),
        Command::Sim(args) => sim::run(args),
    }
    .into()
}
