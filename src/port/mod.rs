//! Serial ports: what a port is (`Port`), where they come from (`Ports`), the real ones (`tty`),
//! how boards are reset by their lines (`reset`), the kernel's device events (`hotplug`), and the
//! one place where an exchange meets a port and a clock (`Link`). Leaves out what is said over a
//! port and why.
//!
//! Every call that can block in the kernel (open, close, baud rate, lines) runs on a blocking thread.

mod bridges;
mod holder;
mod link;
mod memory;
mod modem;
pub mod reset;
mod stop;
mod traits;
pub mod tty;

pub use link::{Console, Link, LinkError};
pub use memory::{CONTROLS, Control, FarEnd, MemoryPort, ModemLines};
pub use stop::{Stop, StopHandle};
pub use traits::{Lines, OpenError, Pending, Port, PortChange, PortInfo, Ports, UsbId};
