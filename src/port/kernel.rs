//! What no safe interface offers: DTR and RTS of a terminal both at once, whether someone keeps it to
//! himself, and waiting for a descriptor of one's own within the runtime. All of the crate's `unsafe` is here.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::{Errno, Result};
use rustix::ioctl::{Getter, Opcode, Setter, ioctl};
use tokio::io::unix::AsyncFd;

use super::Lines;

// asm-generic/ioctls.h and asm-generic/termios.h of Linux.
#[cfg(any(
    target_arch = "mips",
    target_arch = "mips64",
    target_arch = "powerpc",
    target_arch = "powerpc64",
    target_arch = "sparc",
    target_arch = "sparc64"
))]
compile_error!("this architecture numbers its terminal ioctls differently");
const TIOCMGET: Opcode = 0x5415;
const TIOCMSET: Opcode = 0x5418;
const TIOCGEXCL: Opcode = 0x8004_5440;
const TIOCM_DTR: i32 = 0x002;
const TIOCM_RTS: i32 = 0x004;

/// Sets both lines in one call and leaves the others (OUT1, OUT2) as they are. `Ok(false)`: this
/// terminal has no such lines (a pty). Blocks for as long as the driver talks to its device.
pub fn set_lines(terminal: BorrowedFd<'_>, lines: Lines) -> Result<bool> {
    let now = match get(terminal) {
        Ok(bits) => bits,
        Err(Errno::NOTTY | Errno::INVAL) => return Ok(false),
        Err(error) => return Err(error),
    };
    let bit = |asserted, bit| if asserted { bit } else { 0 };
    let wanted =
        (now & !(TIOCM_DTR | TIOCM_RTS)) | bit(lines.dtr, TIOCM_DTR) | bit(lines.rts, TIOCM_RTS);
    set(terminal, wanted).map(|()| true)
}

fn get(terminal: BorrowedFd<'_>) -> Result<i32> {
    // SAFETY: TIOCMGET writes one C int, which is an i32 on Linux, and nothing else
    // (tty_ioctl(4)); on a descriptor of another kind the kernel answers ENOTTY.
    unsafe { ioctl(terminal, Getter::<TIOCMGET, i32>::new()) }
}

fn set(terminal: BorrowedFd<'_>, bits: i32) -> Result<()> {
    // SAFETY: TIOCMSET reads one C int, which is an i32 on Linux, and writes nothing.
    unsafe { ioctl(terminal, Setter::<TIOCMSET, i32>::new(bits)) }
}

/// Whether someone keeps the terminal to himself (TIOCEXCL). The kernel lets root open it all the same.
pub fn is_exclusive(terminal: BorrowedFd<'_>) -> Result<bool> {
    // SAFETY: TIOCGEXCL writes one C int, which is an i32 on Linux, and nothing else (tty_ioctl(4));
    // on a descriptor of another kind the kernel answers ENOTTY.
    unsafe { ioctl(terminal, Getter::<TIOCGEXCL, i32>::new()) }.map(|exclusive| exclusive != 0)
}

/// Waits for a non-blocking descriptor within the runtime that this is called in.
pub fn register(descriptor: Arc<OwnedFd>) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: an `OwnedFd` is open and stays the same descriptor while it lives, and the `Arc` that
    // goes into the `AsyncFd` keeps it alive for as long as that one lives; nobody exchanges the `Arc`
    // within (`AsyncFd::get_mut` is not used).
    Ok(unsafe { AsyncFd::register(descriptor) }?)
}
