//! A command's result on standard output. Leaves out what is shown while it works.

use std::io::{self, Write};

/// Writes a line. A reader that has left (`| head`) wants no more, and the exit code tells the result
/// all the same; what else keeps the line from being written is said on stderr.
pub fn line(text: &str) {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        eprintln!("flashline: the result could not be written: {error}");
    }
}
