//! The client's side of telnet with the COM port option (RFC 854, 855, 2217): bytes in, what they mean
//! out, and the bytes of what is said. No socket here.

use crate::port::{Inputs, Lines};

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

const BINARY: u8 = 0;
const SUPPRESS_GO_AHEAD: u8 = 3;
const COM_PORT: u8 = 44;
const OPTIONS: [u8; 3] = [COM_PORT, BINARY, SUPPRESS_GO_AHEAD];

/// A server answers a command with its number plus this, and the value that it made of it.
const ANSWER: u8 = 100;

/// Bits of a modem state (RFC 2217, "NOTIFY-MODEMSTATE"), and of what changed in it.
const CTS: u8 = 16;
const DSR: u8 = 32;
const CTS_CHANGED: u8 = 1;
const DSR_CHANGED: u8 = 2;

/// Longer than any command of RFC 2217 but a signature, which is cut off.
const LONGEST_COMMAND: usize = 64;

/// What a client asks for (RFC 2217, "COM Port Configuration Commands").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Baud(u32),
    /// Eight data bits.
    DataSize,
    /// No parity.
    Parity,
    /// One stop bit.
    StopSize,
    NoFlowControl,
    Dtr(bool),
    Rts(bool),
    /// Drop what was received and not sent on.
    PurgeReceived,
    /// Tell every change of CTS and DSR.
    ModemStateMask,
    /// Tell the modem state now. RFC 2217 leaves it to the server to tell; pyserial's tells when it is asked, and
    /// looks by itself only once a second.
    ModemState,
}

/// What a server tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The rate that it made.
    Baud(u32),
    /// The byte with which it answers a command: the command's number, its value.
    Value(u8, u8),
    /// CTS and DSR, asked for or not.
    ModemState(Inputs),
    /// Send nothing more, until told.
    Suspend,
    Resume,
}

/// What some bytes meant.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// From the board.
    pub data: Vec<u8>,
    pub told: Vec<Told>,
    /// To be sent back.
    pub replies: Vec<u8>,
}

/// Whether the server takes COM port commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComPort {
    Unknown,
    Agreed,
    Refused,
}

impl Ask {
    fn number(self) -> u8 {
        match self {
            Ask::Baud(_) => 1,
            Ask::DataSize => 2,
            Ask::Parity => 3,
            Ask::StopSize => 4,
            Ask::NoFlowControl | Ask::Dtr(_) | Ask::Rts(_) => 5,
            Ask::PurgeReceived => 12,
            Ask::ModemStateMask => 11,
            Ask::ModemState => 7,
        }
    }

    fn value(self) -> u8 {
        match self {
            // not one byte: see `bytes`
            Ask::Baud(_) | Ask::ModemState => 0,
            Ask::DataSize => 8,
            Ask::Parity | Ask::StopSize | Ask::NoFlowControl | Ask::PurgeReceived => 1,
            // without the bits of what changed pyserial's would not tell that all are open
            Ask::ModemStateMask => CTS | DSR | CTS_CHANGED | DSR_CHANGED,
            Ask::Dtr(on) => 9 - u8::from(on),
            Ask::Rts(on) => 12 - u8::from(on),
        }
    }

    /// The command as it is sent.
    pub fn bytes(self) -> Vec<u8> {
        let mut bytes = vec![IAC, SB, COM_PORT, self.number()];
        match self {
            Ask::Baud(baud) => escape(&baud.to_be_bytes(), &mut bytes),
            Ask::ModemState => {}
            _ => bytes.push(self.value()),
        }
        bytes.extend([IAC, SE]);
        bytes
    }

    /// Whether this is the server's answer; of a rate, whatever it made of it.
    pub fn is_answered_by(self, told: Told) -> bool {
        match told {
            Told::Baud(_) => matches!(self, Ask::Baud(_)),
            Told::Value(number, value) => number == self.number() && value == self.value(),
            Told::Suspend | Told::Resume | Told::ModemState(_) => false,
        }
    }
}

/// The commands that set both lines; only what changes. One after the other is all that telnet can do.
pub fn line_changes(before: Option<Lines>, lines: Lines) -> Vec<Ask> {
    let dtr = (before.map(|before| before.dtr) != Some(lines.dtr)).then_some(Ask::Dtr(lines.dtr));
    let rts = (before.map(|before| before.rts) != Some(lines.rts)).then_some(Ask::Rts(lines.rts));
    dtr.into_iter().chain(rts).collect()
}

/// Appends data for the board.
pub fn escape(data: &[u8], out: &mut Vec<u8>) {
    for byte in data {
        out.push(*byte);
        if *byte == IAC {
            out.push(IAC);
        }
    }
}

/// What is said first. Binary: or every CR would have a NUL after it.
pub fn greeting() -> Vec<u8> {
    let offers = OPTIONS.map(|option| [IAC, WILL, option, IAC, DO, option]);
    offers.concat()
}

/// The stream's state.
#[derive(Debug)]
pub struct Telnet {
    place: Place,
    command: Vec<u8>,
    com_port: ComPort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Data,
    Iac,
    Option(u8),
    Command,
    CommandIac,
}

impl Telnet {
    /// For a stream on which the [`greeting`] is sent.
    pub fn new() -> Telnet {
        Telnet {
            place: Place::Data,
            command: Vec::new(),
            com_port: ComPort::Unknown,
        }
    }

    pub fn com_port(&self) -> ComPort {
        self.com_port
    }

    /// Takes bytes in, cut wherever the network cuts them.
    pub fn push(&mut self, bytes: &[u8]) -> Heard {
        let mut heard = Heard::default();
        for &byte in bytes {
            self.place = match (self.place, byte) {
                (Place::Data, IAC) => Place::Iac,
                (Place::Iac, IAC) | (Place::Data, _) => {
                    heard.data.push(byte);
                    Place::Data
                }
                (Place::Iac, verb @ WILL..=DONT) => Place::Option(verb),
                (Place::Iac, SB) => {
                    self.command.clear();
                    Place::Command
                }
                // GA, NOP and the like
                (Place::Iac, _) => Place::Data,
                (Place::Option(verb), option) => {
                    heard.replies.extend(self.negotiate(verb, option));
                    Place::Data
                }
                (Place::Command, IAC) => Place::CommandIac,
                (Place::CommandIac, SE) => {
                    heard.told.extend(told(&self.command));
                    Place::Data
                }
                (Place::Command | Place::CommandIac, _) => {
                    if self.command.len() < LONGEST_COMMAND {
                        self.command.push(byte);
                    }
                    Place::Command
                }
            };
        }
        heard
    }

    /// All that is wanted was offered in the greeting: what agrees with it needs no answer (RFC 854: or
    /// the two sides would answer each other for ever), and all else is declined.
    fn negotiate(&mut self, verb: u8, option: u8) -> Vec<u8> {
        if option == COM_PORT {
            match verb {
                DO => self.com_port = ComPort::Agreed,
                DONT => self.com_port = ComPort::Refused,
                _ => {}
            }
        }
        match verb {
            DO if !OPTIONS.contains(&option) => vec![IAC, WONT, option],
            WILL if !OPTIONS.contains(&option) => vec![IAC, DONT, option],
            _ => Vec::new(),
        }
    }
}

fn told(command: &[u8]) -> Option<Told> {
    let [COM_PORT, number, value @ ..] = command else {
        return None;
    };
    match (number.checked_sub(ANSWER)?, value) {
        (1, [a, b, c, d]) => Some(Told::Baud(u32::from_be_bytes([*a, *b, *c, *d]))),
        (8, _) => Some(Told::Suspend),
        (9, _) => Some(Told::Resume),
        (7, [state]) => Some(Told::ModemState(Inputs {
            cts: state & CTS != 0,
            dsr: state & DSR != 0,
        })),
        (number, [value]) => Some(Told::Value(number, *value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_as_rfc_2217_writes_them() {
        let check = |ask: Ask, expected: &[u8]| {
            let bytes = ask.bytes();
            assert_eq!(bytes[..3], [255, 250, 44]);
            assert_eq!(bytes[3..bytes.len() - 2], *expected, "{ask:?}");
            assert_eq!(bytes[bytes.len() - 2..], [255, 240]);
        };
        check(Ask::Baud(115_200), &[1, 0, 1, 0xC2, 0]);
        // 255 in a value is doubled
        check(Ask::Baud(255), &[1, 0, 0, 0, 255, 255]);
        check(Ask::DataSize, &[2, 8]);
        check(Ask::Parity, &[3, 1]);
        check(Ask::StopSize, &[4, 1]);
        check(Ask::NoFlowControl, &[5, 1]);
        check(Ask::Dtr(true), &[5, 8]);
        check(Ask::Dtr(false), &[5, 9]);
        check(Ask::Rts(true), &[5, 11]);
        check(Ask::Rts(false), &[5, 12]);
        check(Ask::PurgeReceived, &[12, 1]);
        check(Ask::ModemStateMask, &[11, 51]);
        check(Ask::ModemState, &[7]);
    }

    #[test]
    fn what_pyserials_server_says_when_one_connects() {
        let mut telnet = Telnet::new();
        // WILL ECHO, WILL SGA, DO BINARY, WILL COM-PORT, then to our greeting DO COM-PORT
        let heard = telnet.push(b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x00\xff\xfb\x2c");
        assert_eq!(heard.replies, b"\xff\xfe\x01");
        assert_eq!(telnet.com_port(), ComPort::Unknown);
        assert_eq!(telnet.push(b"\xff\xfd\x2c"), Heard::default());
        assert_eq!(telnet.com_port(), ComPort::Agreed);
        telnet.push(b"\xff\xfe\x2c");
        assert_eq!(telnet.com_port(), ComPort::Refused);
    }

    #[test]
    fn answers_between_data() {
        let mut telnet = Telnet::new();
        let heard = telnet.push(
            b"a\xff\xff\xff\xfa\x2c\x65\0\x0e\x10\0\xff\xf0b\xff\xfa\x2c\x69\x08\xff\xf0\xff\xf1c",
        );
        assert_eq!(heard.data, b"a\xffbc");
        assert_eq!(heard.told, [Told::Baud(921_600), Told::Value(5, 8)]);
        assert!(Ask::Baud(921_601).is_answered_by(heard.told[0]));
        assert!(Ask::Dtr(true).is_answered_by(heard.told[1]));
        assert!(!Ask::Dtr(false).is_answered_by(heard.told[1]));
        assert!(!Ask::Rts(true).is_answered_by(heard.told[1]));
        // a modem state that nobody asked for, and hold and go
        let heard = telnet
            .push(b"\xff\xfa\x2c\x6b\x30\xff\xf0\xff\xfa\x2c\x6c\xff\xf0\xff\xfa\x2c\x6d\xff\xf0");
        assert_eq!(
            heard.told,
            [
                Told::ModemState(Inputs {
                    cts: true,
                    dsr: true
                }),
                Told::Suspend,
                Told::Resume
            ]
        );
    }

    #[test]
    fn only_lines_that_change_are_told() {
        let lines = |dtr, rts| Lines { dtr, rts };
        let check = |before, after, expected: &[Ask]| {
            assert_eq!(line_changes(before, after), expected);
        };
        check(None, lines(false, true), &[Ask::Dtr(false), Ask::Rts(true)]);
        let before = Some(lines(false, true));
        check(before, lines(false, true), &[]);
        check(before, lines(true, true), &[Ask::Dtr(true)]);
        check(
            before,
            lines(true, false),
            &[Ask::Dtr(true), Ask::Rts(false)],
        );
    }

    proptest! {
        /// Data and commands in any mixture and however cut: all of it arrives, nothing else.
        #[test]
        fn nothing_is_lost_or_made_up(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..20).prop_map(Ok),
                    any::<u32>().prop_map(Err),
                ],
                0..12,
            ),
            cut in 1..9usize,
        ) {
            let (mut wire, mut data, mut rates) = (Vec::new(), Vec::new(), Vec::new());
            for part in parts {
                match part {
                    Ok(bytes) => {
                        escape(&bytes, &mut wire);
                        data.extend(bytes);
                    }
                    Err(rate) => {
                        let mut answer = Ask::Baud(rate).bytes();
                        answer[3] += ANSWER;
                        wire.extend(answer);
                        rates.push(Told::Baud(rate));
                    }
                }
            }
            let mut telnet = Telnet::new();
            let (mut heard, mut told) = (Vec::new(), Vec::new());
            for piece in wire.chunks(cut) {
                let piece = telnet.push(piece);
                heard.extend(piece.data);
                told.extend(piece.told);
                prop_assert!(piece.replies.is_empty());
            }
            prop_assert_eq!(heard, data);
            prop_assert_eq!(told, rates);
        }

        #[test]
        fn whatever_comes_is_taken(bytes in prop::collection::vec(
            prop_oneof![Just(IAC), Just(SB), Just(SE), Just(COM_PORT), any::<u8>()], 0..300,
        )) {
            let mut telnet = Telnet::new();
            let heard = telnet.push(&bytes);
            prop_assert!(heard.data.len() <= bytes.len());
            prop_assert!(heard.replies.len() <= bytes.len());
            prop_assert!(telnet.command.len() <= LONGEST_COMMAND);
        }
    }
}
