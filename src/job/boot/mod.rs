//! Boot check: after the reset the console is held to what the manifest says of it. A pure judge is fed
//! bytes and told the time (`judge`; `lines` makes lines of bytes, `fault` says how it can end); `listen` reads the port for it. Leaves out the reset itself.

mod fault;
mod judge;
mod lines;
mod listen;

pub(super) use fault::BootFault;
pub(super) use judge::Judge;
pub(super) use listen::Listening;
