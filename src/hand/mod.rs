//! One board under an engineer's hand: connected, identified, its loader ready, and then whatever is
//! asked next: read, erase, write, verify, reset. The library's face for programs of others
//! (`docs/library.md`), and what `flashline info|read|erase|write|verify` are made of.
//!
//! The work is a job's (`job::kept`): the same steps, the same ladder. Leaves out manifests, slots and
//! the record.

mod board;
mod contents;
mod error;
mod follow;
mod gate;
mod options;
mod parts;
#[cfg(test)]
mod tests;

pub(crate) use board::claim;
pub use board::{Board, Done};
pub use contents::{App, Bootloader, Contents, Table};
pub use error::HandError;
pub use options::Options;
pub use parts::{Part, Scruples};
