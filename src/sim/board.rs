//! A simulated board: the chip's programs, its lines and its clock, without IO. Time is an argument:
//! the caller tells what time it is, hands bytes in as the host sends them, and asks for those that
//! the host can read by then and for the moment when there is more.

mod run;

use std::time::Duration;

use super::boot::Cause;
use super::hardware::Hardware;
use super::rom::Rom;
use super::spec::{BoardSpec, Wiring};
use super::stub::Stub;
use super::wire::{Framing, Line, Moment, understands};

/// The rate of an app's console.
const CONSOLE_BAUD: u32 = 115_200;
/// Full-speed USB in bulk packets, taken for a line with ten bits to a byte.
const OWN_USB_BAUD: u32 = 8_000_000;

/// What a board is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Held in reset by EN, or starting.
    #[default]
    Held,
    /// The ROM's loader waits for commands.
    Loader,
    /// The stub runs.
    Stub,
    /// A bootloader image was found in flash and runs.
    App,
    /// Nothing bootable in flash: the ROM says so.
    NoApp,
    /// The chip does nothing until a reset.
    Hung,
}

/// What can be seen of a board from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BoardState {
    pub mode: Mode,
    /// A client has the port open.
    pub open: bool,
    /// How often the last client has closed it.
    pub sessions: u32,
    /// The rate that the chip listens at; 0 until it has measured one.
    pub baud: u32,
    /// Bytes programmed since the board was made, over all resets.
    pub bytes_written: u64,
    /// Bytes erased likewise.
    pub bytes_erased: u64,
    /// Starts: power-on, EN, brown-out, software.
    pub starts: u32,
    /// Starts that ended in an app.
    pub app_starts: u32,
    /// Pulled out: the port is gone.
    pub pulled: bool,
}

/// The board.
#[derive(Debug)]
pub struct Board {
    spec: BoardSpec,
    hardware: Hardware,
    line: Line,
    program: Program,
    framing: Framing,
    /// The rate that the chip listens at; `None` until the ROM has measured one.
    baud: Option<u32>,
    /// The rate of the last byte received: damage depends on it.
    host_baud: u32,
    busy_until: Moment,
    /// A whole frame that waits for the program.
    pending: Option<(Moment, Vec<u8>)>,
    /// Bytes that wait in the UART while the ROM works.
    fifo: Vec<u8>,
    alarm: Option<(Moment, Alarm)>,
    /// When the RTC watchdog resets the chip.
    watchdog: Option<Moment>,
    pins: Pins,
    usb_straps: UsbStraps,
    en_rise: Duration,
    starts: u32,
    app_starts: u32,
}

#[derive(Debug)]
enum Program {
    /// EN is low, or the ROM has not yet begun.
    Held,
    Loader(Box<Rom>),
    Stub(Box<Stub>),
    /// Between the jump to the stub and its greeting.
    StubStarts,
    App,
    NoApp,
    /// The ROM's BASIC: so many characters are in the line.
    Interpreter(usize),
    Hung,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alarm {
    /// EN has risen.
    Released,
    RomStarts(Cause),
    StubGreets,
    /// The app, or a ROM that found none, starts the chip over.
    Restarts(Cause),
}

/// EN and IO0, `true` is high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pins {
    en: bool,
    io0: bool,
}

/// What decides where a chip starts that is reset over its own USB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct UsbStraps {
    /// DTR, as the controller keeps it for the next reset.
    download: bool,
    /// The boot strap when it was read last.
    latched: bool,
}

impl Board {
    /// A board that gets power at time 0.
    pub fn new(spec: BoardSpec) -> Board {
        let mut board = Board {
            hardware: Hardware::new(&spec),
            line: Line::new(spec.pace, spec.answer_latency),
            program: Program::Held,
            framing: run::rom_framing(),
            baud: None,
            host_baud: CONSOLE_BAUD,
            busy_until: Moment::ZERO,
            pending: None,
            fifo: Vec::new(),
            alarm: None,
            watchdog: None,
            pins: Pins {
                en: true,
                io0: true,
            },
            usb_straps: UsbStraps::default(),
            // 10 kΩ and 1 µF at the module's EN
            en_rise: Duration::from_millis(10),
            starts: 0,
            app_starts: 0,
            spec,
        };
        board.start(Moment::ZERO, Cause::PowerOn);
        board
    }

    pub fn spec(&self) -> &BoardSpec {
        &self.spec
    }

    /// How long EN takes to rise. A server whose lines come over a network needs more than a board on
    /// a cable: between "EN low" and "IO0 low" both lines are asserted for a moment.
    pub fn set_en_rise(&mut self, time: Duration) {
        self.en_rise = time;
    }

    /// The whole flash.
    pub fn flash(&self) -> Vec<u8> {
        self.hardware.flash.to_vec()
    }

    /// `open`, `sessions` and `pulled` are the bench's to fill in.
    pub fn state(&self) -> BoardState {
        BoardState {
            mode: match self.program {
                Program::Held | Program::StubStarts => Mode::Held,
                Program::Loader(_) => Mode::Loader,
                Program::Stub(_) => Mode::Stub,
                Program::App => Mode::App,
                Program::NoApp | Program::Interpreter(_) => Mode::NoApp,
                Program::Hung => Mode::Hung,
            },
            baud: self.baud.unwrap_or(0),
            bytes_written: self.hardware.flash.programmed_bytes(),
            bytes_erased: self.hardware.flash.erased_bytes(),
            starts: self.starts,
            app_starts: self.app_starts,
            ..BoardState::default()
        }
    }

    /// The host sends bytes at its rate.
    pub fn receive(&mut self, now: Moment, host_baud: u32, bytes: &[u8]) {
        self.advance(now);
        let host_baud = self.host_baud_made(host_baud);
        self.line.host_sends(now, host_baud, bytes);
        self.advance(now);
    }

    /// The rate on the line when the host has set this one.
    fn host_baud_made(&self, asked: u32) -> u32 {
        match self.spec.wiring.is_own_usb() {
            true => OWN_USB_BAUD,
            false => self.hardware.troubles.bridge_makes(asked),
        }
    }

    /// Bytes that the host has handed in and that are still on their way.
    pub fn unsent(&mut self, now: Moment) -> usize {
        self.advance(now);
        self.line.on_their_way()
    }

    /// Takes what the host can read by now, listening at its rate.
    pub fn take(&mut self, now: Moment, host_baud: u32) -> Vec<u8> {
        self.advance(now);
        let host_baud = self.host_baud_made(host_baud);
        let mut bytes = Vec::new();
        while let Some(packet) = self.line.due(now) {
            let troubles = &mut self.hardware.troubles;
            bytes.extend(packet.bytes.iter().filter_map(|byte| {
                if understands(packet.baud, host_baud) {
                    troubles.on_the_line(*byte, packet.baud)
                } else {
                    Some(troubles.garbage())
                }
            }));
        }
        bytes
    }

    /// The next moment at which calling [`Board::take`] or [`Board::advance`] makes a difference.
    pub fn next_due(&self) -> Option<Moment> {
        [self.line.next_due(), self.next_event()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The same without what waits for the host to read it: the next moment at which
    /// [`Board::advance`] changes the board.
    pub fn next_event(&self) -> Option<Moment> {
        // within data a byte in 256 is a line's end: to wake for each would be most of what a board costs
        let mark = match self.program {
            Program::Interpreter(_) => b'\n',
            _ => 0xC0,
        };
        [self.next_work(), self.line.next_mark(mark)]
            .into_iter()
            .flatten()
            .min()
    }

    /// The host drops what it has received and not read.
    pub fn clear_received(&mut self, now: Moment) {
        self.advance(now);
        self.line.clear_received(now);
    }

    /// The lines as the host sets them. With the usual two transistors RTS alone pulls EN low, DTR
    /// alone pulls IO0 low, both together do nothing.
    pub fn set_lines(&mut self, now: Moment, dtr: bool, rts: bool) {
        self.advance(now);
        match self.spec.wiring {
            Wiring::Strapped => {}
            Wiring::Lines => self.set_pins(now, dtr, rts),
            Wiring::UsbSerialJtag(_) => match (dtr, rts) {
                (_, false) => self.usb_straps.download = dtr,
                (false, true) => self.start(now, Cause::Core),
                (true, true) => {}
            },
        }
    }

    fn set_pins(&mut self, now: Moment, dtr: bool, rts: bool) {
        let before = self.pins;
        self.pins = Pins {
            en: dtr || !rts,
            io0: rts || !dtr,
        };
        if !self.pins.en {
            self.hold();
            self.line.chip_stops(now);
        } else if !before.en {
            // both lines asserted on the way: EN is still rising when the next change comes
            let rise = if dtr && rts {
                self.en_rise
            } else {
                Duration::ZERO
            };
            self.alarm = Some((now + rise, Alarm::Released));
            self.advance(now);
        } else if matches!(self.alarm, Some((_, Alarm::Released))) && !(dtr && rts) {
            self.alarm = Some((now, Alarm::Released));
            self.advance(now);
        }
    }

    /// The client closed the port. A strapped board starts afresh.
    pub fn close(&mut self, now: Moment) {
        self.advance(now);
        self.line.clear(now);
        if self.spec.wiring == Wiring::Strapped {
            self.start(now, Cause::PowerOn);
        }
    }

    /// The board is pulled out: everything stops where it is, only the flash keeps what it has.
    pub fn power_off(&mut self, now: Moment) {
        self.advance(now);
        self.line.clear(now);
        self.hold();
    }

    /// Power comes (back): the board starts.
    pub fn power_on(&mut self, now: Moment) {
        self.line.clear(now);
        self.pins = Pins {
            en: true,
            io0: true,
        };
        self.start(now, Cause::PowerOn);
    }

    /// Another board, wired the same way, is put in its place.
    pub fn replace(&mut self, now: Moment, spec: BoardSpec) {
        let (wiring, en_rise) = (self.spec.wiring, self.en_rise);
        *self = Board::new(spec.wiring(wiring));
        self.en_rise = en_rise;
        self.power_on(now);
    }

    /// A board that has several ports is wired as the one that was opened last; a change restarts it.
    pub fn rewire(&mut self, now: Moment, wiring: Wiring) {
        self.advance(now);
        if self.spec.wiring != wiring {
            self.spec.wiring = wiring;
            self.power_on(now);
        }
    }

    /// Bytes in, bytes out: hands `bytes` in at the chip's own rate and runs its time on until it
    /// falls silent. For comparing the model with a real ROM; do not mix with a clock.
    pub fn exchange(&mut self, now: &mut Moment, bytes: &[u8]) -> Vec<u8> {
        let baud = self.baud.unwrap_or(CONSOLE_BAUD);
        self.receive(*now, baud, bytes);
        let mut answer = Vec::new();
        while let Some(due) = self.next_due() {
            *now = due.max(*now);
            let baud = self.baud.unwrap_or(CONSOLE_BAUD);
            answer.extend(self.take(*now, baud));
        }
        answer
    }
}
