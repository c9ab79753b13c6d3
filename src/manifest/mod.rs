//! The manifest: what one product gets. Text and bytes in, a `Bundle` out, or every fault with its
//! line. Leaves out boards and chips at hand: those meet the bundle in `plan`.
//!
//! `draft` reads the keys (`values` their values), `contents` the images' files; `layout` looks at
//! regions, `roles` at what each image is, `firmware` at bootloader and apps, `leftovers` at the
//! partitions; `check` leads through them. Nothing stops at the first fault.

mod boot;
mod bundle;
mod check;
mod contents;
mod draft;
mod firmware;
#[cfg(test)]
pub mod fixture;
mod layout;
mod leftovers;
mod roles;
#[cfg(test)]
mod tests;
mod values;

pub use boot::{BLOT, Blotter, BootCheck, Measure, Pattern, Reject, Secrets, limits};
pub use bundle::{
    AgainPolicy, Bundle, DataPartition, ErasePolicy, FlashParameter, FlashSettings, FlashSize,
    Image, Leftover, Manifest, SecureDownload, VerifyPolicy, WritePolicy,
};
