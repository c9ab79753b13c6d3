//! What the board does by itself as its time goes on: bytes reach the chip, programs take up frames
//! and answer, resets start the ROM.

use std::time::Duration;

use super::{Alarm, Board, CONSOLE_BAUD, OWN_USB_BAUD, Program, UsbStraps};
use crate::sim::boot::{self, Cause, Found};
use crate::sim::console::AppEnd;
use crate::sim::cost;
use crate::sim::hardware::{Answer, Then};
use crate::sim::memory::WatchdogTold;
use crate::sim::rom::{self, Rom};
use crate::sim::spec::{Fault, Strap, Wiring};
use crate::sim::stub::{self, Stub};
use crate::sim::wire::{Framing, Moment, Rules, framed, understands};

/// The stub's is the PLL's.
const STUB_CLOCK_HZ: u64 = 80_000_000;
/// What the UART holds while the ROM is at work.
const FIFO_BYTES: usize = 128;

impl Board {
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
    pub(super) fn next_work(&self) -> Option<Moment> {
        let alarm = self.alarm.map(|(at, _)| at);
        let pending = self
            .pending
            .as_ref()
            .map(|(since, _)| self.busy_until.max(*since));
        let fifo = (!self.fifo.is_empty()).then_some(self.busy_until);
        [self.watchdog, alarm, pending, fifo]
            .into_iter()
            .flatten()
            .min()
    }

    fn work(&mut self, at: Moment) {
        if self.watchdog.is_some_and(|bites| bites <= at) {
            self.start(at, Cause::Watchdog);
        } else if let Some((due, alarm)) = self.alarm
            && due <= at
        {
            self.alarm = None;
            match alarm {
                Alarm::Released => self.start(at, Cause::PowerOn),
                Alarm::RomStarts(cause) => self.rom_starts(at, cause),
                Alarm::StubGreets => self.stub_greets(at),
                Alarm::Restarts(cause) => self.start(at, cause),
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
        let clock = self.hardware.rom_uart_hz();
        let baud = *self.baud.get_or_insert_with(|| {
            self.hardware.memory.set_uart(clock, host_baud);
            host_baud
        });
        let troubles = &mut self.hardware.troubles;
        let heard = match understands(baud, host_baud) {
            true => troubles.on_the_line(byte, baud),
            false => Some(troubles.garbage()),
        };
        let Some(byte) = heard else {
            return;
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
        match self.hardware.memory.watchdog_told() {
            Some(WatchdogTold::Bite(time)) => self.watchdog = Some(done + self.spec.pace.of(time)),
            Some(WatchdogTold::Off) => self.watchdog = None,
            None => {}
        }
        if browned_out {
            self.start(self.busy_until, Cause::BrownOut);
            return;
        }
        match answer.then {
            Then::Stay => {}
            Then::Baud { .. } if self.spec.wiring.is_own_usb() => {}
            Then::Baud { .. } if self.hardware.troubles.baud_ignored() => {}
            Then::Baud { baud, empty_frame } => {
                self.baud = Some(baud);
                let clock = match is_rom {
                    true => self.hardware.rom_uart_hz(),
                    false => STUB_CLOCK_HZ,
                };
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
                self.say(at + delivery.late, &framed(frame));
            }
        }
    }

    fn say(&mut self, at: Moment, bytes: &[u8]) {
        let baud = match self.spec.wiring.is_own_usb() {
            true => OWN_USB_BAUD,
            false => self.baud.unwrap_or_else(|| self.hardware.boot_baud()),
        };
        self.line.chip_sends(at, baud, bytes);
    }

    /// No program runs.
    pub(super) fn hold(&mut self) {
        self.program = Program::Held;
        self.alarm = None;
        self.watchdog = None;
        self.pending = None;
        self.fifo.clear();
    }

    /// Reset is over: the ROM starts a little later.
    pub(super) fn start(&mut self, at: Moment, cause: Cause) {
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
        let strapped = self.read_straps(cause);
        self.hardware.memory.set_strap(strapped);
        let into_loader = strapped || self.spec.wiring.is_own_usb() && self.usb_straps.download;
        if into_loader {
            let banner = boot::loader_banner(self.hardware.facts, cause);
            self.say(at, banner.as_bytes());
            let (clock, baud) = (self.hardware.rom_uart_hz(), self.hardware.boot_baud());
            self.hardware.memory.set_uart(clock, baud);
            self.program = Program::Loader(Box::new(Rom::new(self.hardware.facts)));
            self.busy_until = at;
        } else {
            let banner = boot::flash_banner(self.hardware.facts, cause);
            self.say(at, banner.as_bytes());
            if let Some(says) = self.hardware.troubles.no_start() {
                self.say(at, says.as_bytes());
                self.program = Program::NoApp;
                self.restart_after(at, cost::ROM_WATCHDOG, Cause::Watchdog);
                return;
            }
            match boot::from_flash(self.hardware.facts, &self.hardware.flash) {
                Found::Nothing(says) => {
                    self.say(at, says.as_bytes());
                    self.program = Program::NoApp;
                }
                image @ Found::Image { .. } => self.run_image(at, &image),
            }
        }
    }

    /// Whether the boot strap was low when it was read last: at this start, if it reads it.
    fn read_straps(&mut self, cause: Cause) -> bool {
        let low = match self.spec.wiring {
            Wiring::Strapped => true,
            Wiring::Lines => !self.pins.io0,
            Wiring::UsbSerialJtag(strap) => {
                match cause {
                    Cause::PowerOn => {
                        self.usb_straps = UsbStraps {
                            download: false,
                            latched: strap == Strap::HeldAtPowerOn,
                        };
                    }
                    Cause::BrownOut | Cause::Watchdog => self.usb_straps = UsbStraps::default(),
                    Cause::Core | Cause::Software => {}
                }
                self.usb_straps.latched
            }
        };
        low || self.hardware.troubles.has(&Fault::StrapHeld)
    }

    /// The ROM leaves its loader without a reset.
    fn boot(&mut self, at: Moment) {
        match boot::from_flash(self.hardware.facts, &self.hardware.flash) {
            Found::Nothing(_) => {
                self.say(at, boot::INTERPRETER.as_bytes());
                self.program = Program::Interpreter(0);
            }
            image @ Found::Image { .. } => self.run_image(at, &image),
        }
    }

    fn run_image(&mut self, at: Moment, image: &Found) {
        let Found::Image {
            rom,
            bootloader,
            has_app,
        } = image
        else {
            return;
        };
        self.app_starts += 1;
        self.program = Program::App;
        // the ROM's words, then the bootloader's
        self.baud = None;
        self.say(at, rom.as_bytes());
        self.baud = Some(CONSOLE_BAUD);
        let mut at = at + self.spec.pace.of(cost::APP_START);
        self.say(at, bootloader.as_bytes());
        if !has_app {
            return;
        }
        let console = self.spec.console.clone();
        self.baud = Some(console.baud);
        for said in &console.says {
            at = self.line.sent_until().max(at) + self.spec.pace.of(said.after);
            self.say(at, &said.bytes);
        }
        let cause = match console.end {
            AppEnd::Runs => return,
            AppEnd::Resets => Cause::Software,
            AppEnd::BrownsOut => Cause::BrownOut,
        };
        let quiet = self.line.sent_until().max(at);
        self.restart_after(quiet, cost::APP_RESTART, cause);
    }

    /// The chip starts over by itself. Takes its time at any pace: one that starts over and over would
    /// never let a moment pass.
    fn restart_after(&mut self, at: Moment, time: Duration, cause: Cause) {
        let time = self.spec.pace.of(time).max(cost::RESTART_LEAST);
        self.alarm = Some((at + time, Alarm::Restarts(cause)));
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
        let baud = self.baud.unwrap_or_else(|| self.hardware.boot_baud());
        self.hardware.memory.set_uart(STUB_CLOCK_HZ, baud);
        self.busy_until = at;
        self.say(at, &framed(&Stub::greeting()));
    }
}

pub(super) fn rom_framing() -> Framing {
    Framing::new(Rules::Rom {
        longest: rom::LONGEST_FRAME,
    })
}
