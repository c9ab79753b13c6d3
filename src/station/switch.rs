//! A jig's switch: what is known of it. Leaves out how it is read (`watch`) and what follows from it
//! (`dispatcher/switches`).

use std::time::Instant;

use crate::port::Inputs;
use crate::settings::Start;

/// The input that the switch closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchInput {
    Cts,
    Dsr,
}

impl SwitchInput {
    /// Of a slot that starts so; `None` where no switch does it.
    pub fn of(start: Start) -> Option<SwitchInput> {
        match start {
            Start::Cts => Some(SwitchInput::Cts),
            Start::Dsr => Some(SwitchInput::Dsr),
            Start::Plug | Start::Probe | Start::Request | Start::Scan => None,
        }
    }

    pub fn contact(self, inputs: Inputs) -> Contact {
        let closed = match self {
            SwitchInput::Cts => inputs.cts,
            SwitchInput::Dsr => inputs.dsr,
        };
        match closed {
            true => Contact::Closed,
            false => Contact::Open,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            SwitchInput::Cts => "CTS",
            SwitchInput::Dsr => "DSR",
        }
    }
}

/// A switch's two states: closed while a board is in the jig.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    Open,
    Closed,
}

/// What a watch tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchTold {
    /// First, and whenever it has changed.
    Reads(Contact),
    /// The watch is over by itself.
    Ended(WatchEnd),
}

/// Why a watch is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEnd {
    /// Someone else works on the port, or waits to.
    Wanted,
    /// The port has no such input, or does not tell it.
    NoInput,
    /// It could not be opened or read.
    Failed(String),
}

/// One slot's switch.
#[derive(Debug)]
pub struct Switch {
    pub input: SwitchInput,
    /// As it has been for the settle time; `None`: not read since its port came.
    pub contact: Option<Contact>,
    /// It reads otherwise, which counts from this moment on.
    pub change: Option<(Contact, Instant)>,
    pub watch: Watched,
    /// The newest watch's number: what an older one told is stale.
    pub number: u64,
    /// Watches in a row that ended before they had read anything.
    pub failures: u32,
}

/// Whether someone watches a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    Yes,
    /// From then on it should be.
    From(Instant),
}

impl Switch {
    pub fn new(input: SwitchInput, now: Instant) -> Switch {
        Switch {
            input,
            contact: None,
            change: None,
            watch: Watched::From(now),
            number: 0,
            failures: 0,
        }
    }

    /// How it read last, bounces included; `None` where that is not known.
    pub fn reads(&self) -> Option<Contact> {
        match self.failures {
            0 => self.change.map(|(contact, _)| contact).or(self.contact),
            _ => None,
        }
    }

    /// A job begins: as it reads now it counts, and where that is not known, as it reads first after it.
    pub fn job_begins(&mut self) {
        (self.contact, self.change) = (self.reads(), None);
    }

    /// Its port came or went: nothing is known of it any more.
    pub fn forget(&mut self) {
        (self.contact, self.change, self.failures) = (None, None, 0);
    }
}
