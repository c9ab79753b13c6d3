//! A room uses only rooms above it, in the order of `src/lib.rs`.
