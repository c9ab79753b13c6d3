//! What no safe interface offers: DTR and RTS of a terminal both at once, its CTS and DSR, its low-latency mode, whether
//! someone keeps it to himself, and waiting for a descriptor of one's own within the runtime. All of the
//! crate's `unsafe` is here.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::{Errno, Result};
use rustix::ioctl::{Getter, Opcode, Setter, ioctl};
use tokio::io::unix::AsyncFd;

use super::{Inputs, Lines};

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
const TIOCGSERIAL: Opcode = 0x541E;
const TIOCSSERIAL: Opcode = 0x541F;
const TIOCGEXCL: Opcode = 0x8004_5440;
const TIOCM_DTR: i32 = 0x002;
const TIOCM_RTS: i32 = 0x004;
const TIOCM_CTS: i32 = 0x020;
const TIOCM_DSR: i32 = 0x100;

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

/// CTS and DSR now; `None`: this terminal has none (a pty). Blocks for as long as the driver talks to its
/// device.
pub fn inputs(terminal: BorrowedFd<'_>) -> Result<Option<Inputs>> {
    match get(terminal) {
        Ok(bits) => Ok(Some(Inputs {
            cts: bits & TIOCM_CTS != 0,
            dsr: bits & TIOCM_DSR != 0,
        })),
        Err(Errno::NOTTY | Errno::INVAL) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `struct serial_struct` of Linux (include/uapi/linux/serial.h), as the kernel fills and takes it.
#[repr(C)]
#[derive(Clone, Copy)]
struct SerialStruct {
    kind: i32,
    line: i32,
    port: u32,
    irq: i32,
    flags: i32,
    xmit_fifo_size: i32,
    custom_divisor: i32,
    baud_base: i32,
    close_delay: u16,
    io_type: u8,
    reserved_char: u8,
    hub6: i32,
    closing_wait: u16,
    closing_wait2: u16,
    /// A pointer of the kernel's, handed back as it came.
    iomem_base: usize,
    iomem_reg_shift: u16,
    port_high: u32,
    iomap_base: usize,
}

/// include/uapi/linux/tty_flags.h: hand over what came in without gathering it.
const ASYNC_LOW_LATENCY: i32 = 1 << 13;

/// Asks the driver to hand over what comes in at once. Errors where it has no such mode (a pty, many
/// bridges: those do not gather either).
pub fn set_low_latency(terminal: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: TIOCGSERIAL writes one `struct serial_struct` (tty_ioctl(4)), which `SerialStruct` is field
    // by field, padding included, being `repr(C)`; every bit pattern is a value of it. On a descriptor
    // of another kind the kernel answers ENOTTY.
    let mut serial = unsafe { ioctl(terminal, Getter::<TIOCGSERIAL, SerialStruct>::new()) }?;
    if serial.flags & ASYNC_LOW_LATENCY != 0 {
        return Ok(());
    }
    serial.flags |= ASYNC_LOW_LATENCY;
    // SAFETY: TIOCSSERIAL reads one `struct serial_struct`, here the driver's own with one flag more, and
    // writes nothing.
    unsafe { ioctl(terminal, Setter::<TIOCSSERIAL, SerialStruct>::new(serial)) }
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

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::SerialStruct;

    /// As a C compiler lays it out on a 64-bit machine.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_kernels_structure_has_the_kernels_layout() {
        assert_eq!(offset_of!(SerialStruct, flags), 16);
        assert_eq!(offset_of!(SerialStruct, hub6), 36);
        assert_eq!(offset_of!(SerialStruct, iomem_base), 48);
        assert_eq!(offset_of!(SerialStruct, port_high), 60);
        assert_eq!(size_of::<SerialStruct>(), 72);
    }
}
