//! The manifest: what one product gets. Text and bytes in, a `Bundle` out, or every fault with its
//! line. Leaves out boards and chips at hand: those meet the bundle in `plan`.

mod bundle;

pub use bundle::{
    Bundle, DataPartition, ErasePolicy, FlashParameter, FlashSettings, Image, Leftover, Manifest,
    VerifyPolicy,
};
