//! The `flashline` command: everything is in [`flashline::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    flashline::cli::main()
}
