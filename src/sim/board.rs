//! A simulated board: the chip's programs, its lines and its clock, without IO. Time is an argument:
//! the caller tells what time it is, hands bytes in as the host sends them, and asks for those that
//! the host can read by then and for the moment when there is more.

use std::time::Duration;

use super::boot::{self, Cause, Found};
use super::cost;
use super::hardware::{Answer, Hardware, Then};
use super::rom::{self, Rom};
use super::spec::{BoardSpec, Fault, Wiring};
use super::stub::{self, Stub};
use super::wire::{Framing, Line, Moment, Rules, framed, understands};

/// The rate of the ROM's boot text, and of the app's console.
const BOOT_BAUD: u32 = 115_200;
/// The ROM's clock is the crystal's.
const CRYSTAL_HZ: u64 = 40_000_000;
/// The stub's is the PLL's.
const STUB_CLOCK_HZ: u64 = 80_000_000;
/// What the UART holds while the ROM is at work.
const FIFO_BYTES: usize = 128;

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
    pins: Pins,
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
}

/// EN and IO0, `true` is high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pins {
    en: bool,
    io0: bool,
}

impl Board {
    /// A board that gets power at time 0.
    pub fn new(spec: BoardSpec) -> Board {
        let mut board = Board {
            hardware: Hardware::new(&spec),
            line: Line::new(spec.pace, spec.answer_latency),
            program: Program::Held,
            framing: rom_framing(),
            baud: None,
            host_baud: BOOT_BAUD,
            busy_until: Moment::ZERO,
            pending: None,
            fifo: Vec::new(),
            alarm: None,
            pins: Pins {
                en: true,
                io0: true,
            },
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

    /// `open` and `pulled` are the bench's to fill in.
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
        self.line.host_sends(now, host_baud, bytes);
        self.advance(now);
    }

    /// Bytes that the host has handed in and that are still on their way.
    pub fn unsent(&mut self, now: Moment) -> usize {
        self.advance(now);
        self.line.on_their_way()
    }

    /// Takes what the host can read by now, listening at its rate.
    pub fn take(&mut self, now: Moment, host_baud: u32) -> Vec<u8> {
        self.advance(now);
        let mut bytes = Vec::new();
        while let Some(packet) = self.line.due(now) {
            let troubles = &mut self.hardware.troubles;
            bytes.extend(packet.bytes.iter().map(|byte| {
                if understands(packet.baud, host_baud) {
                    troubles.on_the_line(*byte, packet.baud)
                } else {
                    troubles.garbage()
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
        [self.next_work(), self.line.next_mark()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The host drops what it has received and not read.
    pub fn clear_received(&mut self, now: Moment) {
        self.advance(now);
        self.line.clear_received(now);
    }

    /// The lines as the host sets them: RTS alone pulls EN low, DTR alone pulls IO0 low, both
    /// together do nothing (the usual two transistors).
    pub fn set_lines(&mut self, now: Moment, dtr: bool, rts: bool) {
        self.advance(now);
        if self.spec.wiring != Wiring::Lines {
            return;
        }
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
        let baud = self.baud.unwrap_or(BOOT_BAUD);
        self.receive(*now, baud, bytes);
        let mut answer = Vec::new();
        while let Some(due) = self.next_due() {
            *now = due.max(*now);
            let baud = self.baud.unwrap_or(BOOT_BAUD);
            answer.extend(self.take(*now, baud));
        }
        answer
    }

    /// Carries out everything that happens until now.
    pub fn advance(&mut self, now: Moment) {
        loop {
            let work = self.next_work();
            let arrival = self.line.next_arrival();
            match (work, arrival) {
                (Some(at), arrival) if at <= now && arrival.is_none_or(|byte| at <= byte) => {
                    self.work(at);
                }
                (_, Some(at)) if at <= now => {
                    if let Some((byte, baud)) = self.line.arrived() {
                        self.byte(at, byte, baud);
                    }
                }
                _ => return,
            }
        }
    }

    /// When the chip itself has something to do next.
    fn next_work(&self) -> Option<Moment> {
        let alarm = self.alarm.map(|(at, _)| at);
        let pending = self
            .pending
            .as_ref()
            .map(|(since, _)| self.busy_until.max(*since));
        let fifo = (!self.fifo.is_empty()).then_some(self.busy_until);
        [alarm, pending, fifo].into_iter().flatten().min()
    }

    fn work(&mut self, at: Moment) {
        if let Some((due, alarm)) = self.alarm
            && due <= at
        {
            self.alarm = None;
            match alarm {
                Alarm::Released => self.start(at, Cause::PowerOn),
                Alarm::RomStarts(cause) => self.rom_starts(at, cause),
                Alarm::StubGreets => self.stub_greets(at),
            }
        } else if let Some((_, frame)) = self.pending.take() {
            self.frame(at, frame);
        } else {
            for byte in std::mem::take(&mut self.fifo) {
                self.understood(at, byte);
            }
        }
    }

    /// A byte reaches the chip.
    fn byte(&mut self, at: Moment, byte: u8, host_baud: u32) {
        self.host_baud = host_baud;
        if matches!(self.program, Program::Held) {
            return;
        }
        // the ROM measures the rate of the first bytes that it gets
        let baud = *self.baud.get_or_insert_with(|| {
            self.hardware.memory.set_uart(CRYSTAL_HZ, host_baud);
            host_baud
        });
        let byte = if understands(baud, host_baud) {
            self.hardware.troubles.on_the_line(byte, baud)
        } else {
            self.hardware.troubles.garbage()
        };
        let rom_at_work = matches!(self.program, Program::Loader(_)) && at < self.busy_until;
        if rom_at_work || !self.fifo.is_empty() {
            if self.fifo.len() < FIFO_BYTES {
                self.fifo.push(byte);
            }
        } else {
            self.understood(at, byte);
        }
    }

    /// A byte reaches the program.
    fn understood(&mut self, at: Moment, byte: u8) {
        match &mut self.program {
            Program::Loader(_) | Program::Stub(_) => {
                // the stub has no buffer left while one frame is worked on and one waits
                if self.pending.is_none()
                    && let Some(frame) = self.framing.push(byte)
                {
                    self.pending = Some((at, frame));
                    if self.busy_until <= at {
                        self.work(at);
                    }
                }
            }
            Program::Interpreter(line) => {
                let echo = match byte {
                    0 => return,
                    b'\n' | b'\r' if *line == 0 => b"\r\n>".to_vec(),
                    b'\n' | b'\r' => b"\r\nHow?\r\n>".to_vec(),
                    0x08 if *line == 0 => return,
                    0x08 => b"\x08 \x08".to_vec(),
                    byte => vec![byte],
                };
                *line = match byte {
                    b'\n' | b'\r' => 0,
                    0x08 => *line - 1,
                    _ => *line + 1,
                };
                self.say(at, &echo);
            }
            _ => {}
        }
    }

    /// The program takes up a frame.
    fn frame(&mut self, at: Moment, mut frame: Vec<u8>) {
        self.hardware
            .troubles
            .damage_block(&mut frame, self.host_baud);
        let (answer, is_rom) = match &mut self.program {
            Program::Loader(rom) => (rom.handle(&frame, &mut self.hardware), true),
            Program::Stub(stub) => (stub.handle(&frame, &mut self.hardware), false),
            _ => return,
        };
        let browned_out = std::mem::take(&mut self.hardware.browned_out);
        let done = at + self.spec.pace.of(answer.before);
        // the ROM answers after its work, the stub before it
        if !(browned_out && is_rom) {
            self.deliver(done, &answer);
        }
        self.busy_until = done + self.spec.pace.of(answer.after);
        if browned_out {
            self.start(self.busy_until, Cause::BrownOut);
            return;
        }
        match answer.then {
            Then::Stay => {}
            Then::Baud { baud, empty_frame } => {
                self.baud = Some(baud);
                let clock = if is_rom { CRYSTAL_HZ } else { STUB_CLOCK_HZ };
                self.hardware.memory.set_uart(clock, baud);
                if empty_frame {
                    self.say(done, &framed(&[]));
                }
            }
            Then::RunStub => {
                self.program = Program::StubStarts;
                let greets = self.busy_until + self.spec.pace.of(cost::STUB_START);
                self.alarm = Some((greets, Alarm::StubGreets));
            }
            Then::Boot => self.boot(done),
            Then::Restart => {
                self.say(done, &framed(&[]));
                let quiet = self.line.sent_until();
                self.start(quiet, Cause::Software);
            }
            Then::Hang => self.program = Program::Hung,
        }
    }

    fn deliver(&mut self, at: Moment, answer: &Answer) {
        if answer.frames.is_empty() {
            return;
        }
        let delivery = self.hardware.troubles.delivery(answer.op);
        if delivery.garbage_before {
            let garbage: Vec<u8> = (0..9).map(|_| self.hardware.troubles.garbage()).collect();
            self.say(at, &garbage);
        }
        if !delivery.lost {
            for frame in &answer.frames {
                self.say(at + self.spec.pace.of(delivery.late), &framed(frame));
            }
        }
    }

    fn say(&mut self, at: Moment, bytes: &[u8]) {
        let baud = self.baud.unwrap_or(BOOT_BAUD);
        self.line.chip_sends(at, baud, bytes);
    }

    /// No program runs.
    fn hold(&mut self) {
        self.program = Program::Held;
        self.alarm = None;
        self.pending = None;
        self.fifo.clear();
    }

    /// Reset is over: the ROM starts a little later.
    fn start(&mut self, at: Moment, cause: Cause) {
        self.starts += 1;
        self.hold();
        self.baud = None;
        self.framing = rom_framing();
        self.hardware.memory.reset();
        if cause != Cause::Software {
            self.line.chip_stops(at);
        }
        let begins = at + self.spec.pace.of(cost::ROM_START);
        self.busy_until = begins;
        self.alarm = Some((begins, Alarm::RomStarts(cause)));
    }

    fn rom_starts(&mut self, at: Moment, cause: Cause) {
        if self.hardware.troubles.has(&Fault::Silent) {
            self.program = Program::Hung;
            return;
        }
        let into_loader = match self.spec.wiring {
            Wiring::Strapped => true,
            Wiring::Lines => !self.pins.io0,
        };
        if into_loader {
            let banner = boot::loader_banner(self.hardware.facts, cause);
            self.say(at, banner.as_bytes());
            self.hardware.memory.set_uart(CRYSTAL_HZ, BOOT_BAUD);
            self.program = Program::Loader(Box::new(Rom::new()));
            self.busy_until = at;
        } else {
            let banner = boot::flash_banner(self.hardware.facts, cause);
            self.say(at, banner.as_bytes());
            match boot::from_flash(self.hardware.facts, &self.hardware.flash) {
                Found::Nothing(says) => {
                    self.say(at, says.as_bytes());
                    self.program = Program::NoApp;
                }
                Found::App { rom, app } => self.run_app(at, &rom, &app),
            }
        }
    }

    /// The ROM leaves its loader without a reset.
    fn boot(&mut self, at: Moment) {
        match boot::from_flash(self.hardware.facts, &self.hardware.flash) {
            Found::Nothing(_) => {
                self.say(at, boot::INTERPRETER.as_bytes());
                self.program = Program::Interpreter(0);
            }
            Found::App { rom, app } => self.run_app(at, &rom, &app),
        }
    }

    fn run_app(&mut self, at: Moment, rom: &str, app: &str) {
        self.app_starts += 1;
        self.program = Program::App;
        self.baud = Some(BOOT_BAUD);
        self.say(at, rom.as_bytes());
        self.say(at + self.spec.pace.of(cost::APP_START), app.as_bytes());
    }

    fn stub_greets(&mut self, at: Moment) {
        if self.hardware.troubles.has(&Fault::StubSilent) {
            self.program = Program::Hung;
            return;
        }
        self.framing = Framing::new(Rules::Stub {
            longest: stub::LONGEST_FRAME,
        });
        self.program = Program::Stub(Box::new(Stub::new(&mut self.hardware)));
        let baud = self.baud.unwrap_or(BOOT_BAUD);
        self.hardware.memory.set_uart(STUB_CLOCK_HZ, baud);
        self.busy_until = at;
        self.say(at, &framed(&Stub::greeting()));
    }
}

fn rom_framing() -> Framing {
    Framing::new(Rules::Rom {
        longest: rom::LONGEST_FRAME,
    })
}
