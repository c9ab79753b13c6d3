//! Serial ports: what a port is (`Port`), where they come from (`Ports`), the real ones (`tty`, and `net`
//! behind TCP servers), which of them are there and when that changes (`system`, by `scan`, `usb` and
//! `hints`), which of them are slots (`choice`), who works on them (`claim`) and has them open (`inspect`),
//! what udev is told of them (`udev`), how boards are reset by their lines (`reset`), and the one place
//! where an exchange meets a port and a clock (`Link`). Leaves out what is said over a port and why.
//!
//! Every call that can block in the kernel (open, close, baud rate, lines) runs on a blocking thread.

mod bridges;
mod choice;
mod claim;
mod follow;
mod hints;
mod holder;
mod inspect;
mod kernel;
mod link;
mod memory;
mod net;
pub mod reset;
mod scan;
mod stop;
mod system;
mod traits;
pub mod tty;
mod udev;
mod usb;

pub use bridges::{BRIDGES, Bridge, OwnUsb};
pub use choice::LeftAlone;
pub use claim::{Claim, Claimed, Held, Names, Purpose};
pub use follow::follow;
pub use holder::remedy;
pub use inspect::{Inspected, Inspection, PortAccess, WithoutLine, inspect};
pub use link::{Link, LinkError};
pub use memory::{CONTROLS, Control, FarEnd, MemoryPort, ModemLines};
pub use stop::{Stop, StopHandle};
pub use system::SystemPorts;
pub use traits::{
    Inputs, Lines, OpenError, Pending, Port, PortChange, PortInfo, Ports, RateControl, Sharing,
    UsbId,
};
pub use udev::{UDEV_RULES_PATH, udev_rules};
