//! `[boot]`: what a board's console must and must not say after its reset. The values, the patterns
//! that hold for every product, the keys that the manifest adds, and how secrets are blotted out.
//! Leaves out the listening: that is `job`'s.

mod check;
mod keys;
mod reject;
mod secret;

pub use check::{BootCheck, Measure, Pattern, Reject, limits};
pub use secret::{BLOT, Blotter, Secrets};

pub(super) use keys::read;
