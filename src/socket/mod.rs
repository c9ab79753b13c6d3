//! A running station on a unix socket: one JSON object per line, both ways. The daemon's side (`listen`,
//! `server`, `connection`) and the other end (`client`, `attach`), which gives faces the snapshots and
//! the asker that they know. Leaves out what a request does (`station`) and how anything looks (the
//! faces below). The protocol, for other programs:
#![doc = include_str!("../../docs/socket.md")]

mod attach;
mod changes;
mod client;
mod connection;
mod feed;
mod health;
mod line;
mod listen;
mod server;
mod wire;

pub use attach::{Attached, Contact, WhenLost, attach};
pub use client::{Client, ClientError, Event};
pub use feed::{Feed, Item};
pub use listen::{ListenError, Listening, listen};
pub use server::{MOST_CONNECTIONS, Server, serve};
pub use wire::{Hello, Missed, PROTOCOL, Query, Refused, Stream, What};
