//! How boards are reset by their port's lines: sequences as data, run by [`super::Link::reset`], and
//! which of them are tried on which port.
//!
//! The usual circuit is two transistors: EN is pulled low by RTS without DTR, IO0 by DTR without RTS;
//! with both or neither asserted, both pins are high. A chip that leaves reset while IO0 is low
//! enters its loader. Chips with USB of their own watch the same lines as they come over the bus.
//!
//! Leaves out resets that are asked of the chip itself, by its registers.

use std::borrow::Cow;
use std::time::Duration;

use super::bridges::OwnUsb;
use super::{Lines, PortInfo, UsbId};
use crate::settings::{NetPort, NetProtocol, Reset, Sequence, SequenceStep};

/// Lines to set, and how long to hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStep {
    pub lines: Lines,
    pub hold: Duration,
}

const fn step(dtr: bool, rts: bool, hold_ms: u64) -> LineStep {
    LineStep {
        lines: Lines { dtr, rts },
        hold: Duration::from_millis(hold_ms),
    }
}

/// EN and IO0 change at the same moment. The way through (1,1) keeps a bridge that sets one line after
/// the other from letting the chip out of reset with IO0 high.
pub const TIGHT: &[LineStep] = &[
    step(false, false, 0),
    step(true, true, 0),
    step(false, true, 100),
    step(true, false, 50),
    step(false, false, 0),
];

/// For boards with a large capacitor at EN: IO0 is held low for half a second more.
pub const TIGHT_LONG: &[LineStep] = &[
    step(false, false, 0),
    step(true, true, 0),
    step(false, true, 100),
    step(true, false, 550),
    step(false, false, 0),
];

/// One line at a time, for circuits, drivers and servers that do not take both at once.
pub const CLASSIC: &[LineStep] = &[
    step(false, true, 100),
    step(true, true, 0),
    step(true, false, 50),
    step(false, false, 0),
];

pub const CLASSIC_LONG: &[LineStep] = &[
    step(false, true, 100),
    step(true, true, 0),
    step(true, false, 550),
    step(false, false, 0),
];

/// The USB-Serial-JTAG controller takes DTR for the strap and RTS for reset, and takes the strap over
/// with RTS: it has to be there before, and the way on leads through (1,1), since (0,0) would be
/// a reset into the app (ESP32-C3 TRM, "USB Serial/JTAG Controller", "CDC-ACM reset").
pub const USB_JTAG: &[LineStep] = &[
    step(false, false, 100),
    step(true, false, 100),
    step(true, true, 0),
    step(false, true, 100),
    step(false, false, 0),
];

/// Into the application: EN low for 100 ms, IO0 high throughout.
pub const HARD: &[LineStep] = &[
    step(false, false, 0),
    step(false, true, 100),
    step(false, false, 0),
];

/// The same for the chip's own USB, which leaves the bus meanwhile.
pub const HARD_OWN_USB: &[LineStep] = &[
    step(false, false, 0),
    step(false, true, 200),
    step(false, false, 200),
];

/// For bridges whose flow control follows DTR: it stays asserted from here on (see
/// [`UsbId::flow_control_follows_dtr`]).
pub const HARD_DTR_HELD: &[LineStep] = &[
    step(false, true, 100),
    step(true, true, 100),
    step(true, false, 0),
];

const DTR_HELD: &[LineStep] = &[
    step(false, false, 0),
    step(true, true, 0),
    step(false, true, 100),
    step(true, false, 50),
];

const DTR_HELD_LONG: &[LineStep] = &[
    step(false, false, 0),
    step(true, true, 0),
    step(false, true, 100),
    step(true, false, 550),
];

/// The ways into the loader that are tried on a port, one after the other and over again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ways {
    /// No line is moved: a jig holds the strap, or the operator does.
    None,
    Known(&'static [&'static [LineStep]]),
    Custom(Sequence),
}

impl Ways {
    /// The ways for this port, as its slot wants them.
    pub fn of(reset: &Reset, port: &PortInfo) -> Ways {
        match reset {
            Reset::Auto => Ways::by_port(port),
            Reset::Tight => Ways::Known(&[TIGHT, TIGHT_LONG]),
            Reset::Classic => Ways::Known(&[CLASSIC, CLASSIC_LONG]),
            Reset::UsbJtag => Ways::Known(&[USB_JTAG]),
            // Arduino's core waits for these four states in this order, ESP-IDF's console for RTS to
            // fall while DTR is up (arduino-esp32, `USBCDC.cpp`; ESP-IDF, `usb_console.c`)
            Reset::UsbOtg => Ways::Known(&[CLASSIC]),
            Reset::Custom(sequence) => Ways::Custom(sequence.clone()),
            Reset::None => Ways::None,
        }
    }

    fn by_port(port: &PortInfo) -> Ways {
        let net = NetPort::from_path(&port.path).map(|net| net.protocol);
        match (net, port.usb_id.and_then(UsbId::own_usb)) {
            (Some(NetProtocol::Socket), _) => Ways::None,
            // one line after the other is all that it can carry
            (Some(NetProtocol::Rfc2217), _) => Ways::Known(&[CLASSIC, CLASSIC_LONG]),
            (None, Some(OwnUsb::SerialJtag)) => Ways::Known(&[USB_JTAG]),
            (None, Some(OwnUsb::Otg)) => Ways::Known(&[CLASSIC]),
            (None, None) if port.usb_id.is_some_and(UsbId::flow_control_follows_dtr) => {
                Ways::Known(&[DTR_HELD, DTR_HELD_LONG])
            }
            (None, None) => Ways::Known(&[TIGHT, TIGHT_LONG, CLASSIC, CLASSIC_LONG]),
        }
    }

    /// What to do with the lines in this round (from 0), `now` being how they stand; nothing where no
    /// line is moved.
    pub fn round(&self, round: usize, now: Lines) -> Option<Cow<'static, [LineStep]>> {
        match self {
            Ways::None => None,
            Ways::Known(sequences) => Some(Cow::Borrowed(sequences[round % sequences.len()])),
            Ways::Custom(sequence) => Some(Cow::Owned(line_steps(sequence, now))),
        }
    }
}

/// A notated sequence from the lines as they stand: each of its steps moves one or both, or waits.
fn line_steps(sequence: &Sequence, now: Lines) -> Vec<LineStep> {
    let mut lines = now;
    let mut steps: Vec<LineStep> = Vec::new();
    for notated in sequence.steps() {
        match *notated {
            SequenceStep::Dtr(dtr) => lines.dtr = dtr,
            SequenceStep::Rts(rts) => lines.rts = rts,
            SequenceStep::Both { dtr, rts } => lines = Lines { dtr, rts },
            SequenceStep::Wait(time) => {
                match steps.last_mut() {
                    Some(last) => last.hold += time,
                    None => steps.push(LineStep { lines, hold: time }),
                }
                continue;
            }
        }
        steps.push(LineStep {
            lines,
            hold: Duration::ZERO,
        });
    }
    steps
}

/// The steps as `reset` in the station file spells them.
pub fn notation(steps: &[LineStep]) -> String {
    let steps = steps.iter().map(|step| {
        let Lines { dtr, rts } = step.lines;
        let lines = format!("U{},{}", u8::from(dtr), u8::from(rts));
        match step.hold {
            Duration::ZERO => lines,
            hold => format!("{lines}|W{}", hold.as_secs_f64()),
        }
    });
    steps.collect::<Vec<_>>().join("|")
}

/// How this port's board is reset into its app.
pub fn hard(port: &PortInfo) -> &'static [LineStep] {
    match port.usb_id {
        Some(id) if id.own_usb().is_some() => HARD_OWN_USB,
        Some(id) if id.flow_control_follows_dtr() => HARD_DTR_HELD,
        _ => HARD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_told_as_the_station_file_spells_it() {
        let told = notation(TIGHT);
        assert_eq!(told, "U0,0|U1,1|U0,1|W0.1|U1,0|W0.05|U0,0");
        let read = Sequence::parse(&told).unwrap();
        let lines = Lines {
            dtr: false,
            rts: false,
        };
        assert_eq!(line_steps(&read, lines), TIGHT);
    }

    /// The two pins as the circuit makes them: `true` is high.
    fn pins(lines: Lines) -> (bool, bool) {
        let pulls_en = lines.rts && !lines.dtr;
        let pulls_io0 = lines.dtr && !lines.rts;
        (!pulls_en, !pulls_io0)
    }

    fn port(path: &str, usb: Option<(u16, u16)>) -> PortInfo {
        PortInfo {
            usb_id: usb.map(|(vendor, product)| UsbId { vendor, product }),
            ..PortInfo::at(path)
        }
    }

    const BRIDGE: Option<(u16, u16)> = Some((0x10C4, 0xEA60));
    const OPENED: Lines = Lines {
        dtr: true,
        rts: true,
    };

    /// The pins over time, as EN and IO0 levels with the milliseconds that they are held: `10/100`.
    fn table(steps: &[LineStep]) -> String {
        let pin = |high| if high { '1' } else { '0' };
        let words = steps.iter().map(|step| {
            let (en, io0) = pins(step.lines);
            format!("{}{}/{}", pin(en), pin(io0), step.hold.as_millis())
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sequences_as_the_pins_see_them() {
        let check = |steps, expected: &str| assert_eq!(table(steps), expected);
        check(TIGHT, "11/0 11/0 01/100 10/50 11/0");
        check(TIGHT_LONG, "11/0 11/0 01/100 10/550 11/0");
        check(CLASSIC, "01/100 11/0 10/50 11/0");
        check(CLASSIC_LONG, "01/100 11/0 10/550 11/0");
        check(DTR_HELD, "11/0 11/0 01/100 10/50");
        check(DTR_HELD_LONG, "11/0 11/0 01/100 10/550");
        check(HARD, "11/0 01/100 11/0");
        check(HARD_OWN_USB, "11/0 01/200 11/200");
        check(HARD_DTR_HELD, "01/100 11/100 10/0");
    }

    #[test]
    fn the_usb_controllers_see_lines_not_pins() {
        let lines = |steps: &[LineStep]| {
            let words = steps.iter().map(|step| {
                let Lines { dtr, rts } = step.lines;
                format!(
                    "{}{}/{}",
                    u8::from(dtr),
                    u8::from(rts),
                    step.hold.as_millis()
                )
            });
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(lines(USB_JTAG), "00/100 10/100 11/0 01/100 00/0");
        // what arduino-esp32 counts: 01, 11, 10, 00
        assert_eq!(lines(CLASSIC), "01/100 11/0 10/50 00/0");
    }

    #[test]
    fn every_way_through_a_bridge_leaves_reset_with_io0_low() {
        for sequence in [TIGHT, TIGHT_LONG, CLASSIC, CLASSIC_LONG, DTR_HELD] {
            let in_reset = sequence
                .iter()
                .position(|step| !pins(step.lines).0 && step.hold >= Duration::from_millis(100));
            let released = &sequence[in_reset.unwrap() + 1..];
            // Brief passages do not count: EN rises slowly.
            let first = released.iter().find(|step| !step.hold.is_zero()).unwrap();
            assert_eq!(pins(first.lines), (true, false));
        }
    }

    #[test]
    fn a_hard_reset_never_pulls_io0_while_the_chip_starts() {
        for sequence in [HARD, HARD_OWN_USB] {
            assert!(sequence.iter().all(|step| pins(step.lines).1));
            assert_eq!(pins(sequence[sequence.len() - 1].lines), (true, true));
        }
    }

    #[test]
    fn which_ways_a_port_gets() {
        let check = |reset: Reset, port: PortInfo, expected: Ways| {
            assert_eq!(Ways::of(&reset, &port), expected, "{reset:?} {port:?}");
        };
        let auto = |path, usb, expected: &'static [&'static [LineStep]]| {
            check(Reset::Auto, port(path, usb), Ways::Known(expected));
        };
        let all: &[&[LineStep]] = &[TIGHT, TIGHT_LONG, CLASSIC, CLASSIC_LONG];
        auto("/dev/ttyUSB0", BRIDGE, all);
        auto("/dev/pts/3", None, all);
        auto("/dev/ttyACM0", Some((0x303A, 0x1001)), &[USB_JTAG]);
        auto("/dev/ttyACM0", Some((0x303A, 0x0002)), &[CLASSIC]);
        auto("/dev/ttyACM0", Some((0x303A, 0x4001)), &[CLASSIC]);
        // Espressif's bridge is a bridge
        auto("/dev/ttyACM0", Some((0x303A, 0x1002)), all);
        auto(
            "/dev/ttyUSB0",
            Some((0x10C4, 0xEA64)),
            &[DTR_HELD, DTR_HELD_LONG],
        );
        auto("rfc2217://rack:4000", None, &[CLASSIC, CLASSIC_LONG]);
        check(Reset::Auto, port("socket://rack:23", None), Ways::None);
        // what the slot says holds
        let bridge = || port("/dev/ttyUSB0", BRIDGE);
        check(Reset::UsbJtag, bridge(), Ways::Known(&[USB_JTAG]));
        check(Reset::UsbOtg, bridge(), Ways::Known(&[CLASSIC]));
        check(Reset::Tight, bridge(), Ways::Known(&[TIGHT, TIGHT_LONG]));
        check(Reset::None, bridge(), Ways::None);
    }

    #[test]
    fn the_rounds_go_through_all_ways() {
        let ways = Ways::of(&Reset::Auto, &port("/dev/ttyUSB0", BRIDGE));
        let rounds = (0..7).map(|round| ways.round(round, OPENED).unwrap());
        let expected = [
            TIGHT,
            TIGHT_LONG,
            CLASSIC,
            CLASSIC_LONG,
            TIGHT,
            TIGHT_LONG,
            CLASSIC,
        ];
        assert!(rounds.eq(expected));
        assert_eq!(Ways::None.round(0, OPENED), None);
    }

    #[test]
    fn a_notated_sequence_moves_what_it_names() {
        let steps = |text| line_steps(&Sequence::parse(text).unwrap(), OPENED);
        // esptool's documentation gives this for its classic reset
        let classic = steps("D0|R1|W0.1|D1|R0|W0.05|D0");
        let told = [
            step(false, true, 0),
            step(false, true, 100),
            step(true, true, 0),
            step(true, false, 50),
            step(false, false, 0),
        ];
        assert_eq!(classic, told);
        assert_eq!(
            steps("W0.2|U0,1|W0.1|W0.1|R0"),
            [
                step(true, true, 200),
                step(false, true, 200),
                step(false, false, 0)
            ]
        );
    }

    #[test]
    fn hard_resets_by_port() {
        let check = |usb, expected: &[LineStep]| assert_eq!(hard(&port("/dev/x", usb)), expected);
        check(None, HARD);
        check(BRIDGE, HARD);
        check(Some((0x303A, 0x1001)), HARD_OWN_USB);
        check(Some((0x10C4, 0xEA64)), HARD_DTR_HELD);
    }
}
