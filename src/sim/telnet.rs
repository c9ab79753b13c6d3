//! The server's side of telnet with the COM port option (RFC 854, RFC 2217): bytes in, what they
//! mean and the answers out. No socket here.

use crate::port::Inputs;

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

/// A server's answer to a COM port command is the command plus this (RFC 2217, section 3).
const ANSWER: u8 = 100;
const SET_BAUDRATE: u8 = 1;
const SET_CONTROL: u8 = 5;
const NOTIFY_MODEMSTATE: u8 = 7;
const PURGE: u8 = 12;

/// Bits of a modem state, and of what changed in it.
const CTS: u8 = 16;
const CTS_CHANGED: u8 = 1;
const DSR: u8 = 32;
const DSR_CHANGED: u8 = 2;

/// The longest subnegotiation that is taken; what is longer is cut off.
const LONGEST_COMMAND: usize = 64;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// For the board.
    Data(Vec<u8>),
    /// Only to be answered, with these bytes.
    Answer(Vec<u8>),
    /// Set the rate, or tell it (0); answer with [`Telnet::baud_is`].
    Baud(u32),
    /// Set or tell a line; answer with [`Telnet::control_is`].
    Control(Control),
    /// Tell CTS and DSR: [`Telnet::modem_state`].
    ModemState,
    /// Drop buffers (1: what was received, 2: what is to be sent, 3: both); answer with
    /// [`Telnet::purged`].
    Purge(u8),
}

/// SET-CONTROL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Dtr(bool),
    Rts(bool),
    /// Flow control, break, queries: confirmed and without effect.
    Other(u8),
}

/// The stream's state.
#[derive(Debug)]
pub struct Telnet {
    place: Place,
    data: Vec<u8>,
    command: Vec<u8>,
    /// Options that this side has agreed to use, and those that it has agreed to let the client use.
    ours: Vec<u8>,
    theirs: Vec<u8>,
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
    pub fn new() -> Telnet {
        Telnet {
            place: Place::Data,
            data: Vec::new(),
            command: Vec::new(),
            ours: Vec::new(),
            theirs: Vec::new(),
        }
    }

    /// Takes bytes in; gives what they mean, in order.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Input> {
        let mut inputs = Vec::new();
        for byte in bytes {
            self.place = match (self.place, *byte) {
                (Place::Data, IAC) => Place::Iac,
                (Place::Data, byte) => {
                    self.data.push(byte);
                    Place::Data
                }
                (Place::Iac, IAC) => {
                    self.data.push(IAC);
                    Place::Data
                }
                (Place::Iac, verb @ WILL..=DONT) => Place::Option(verb),
                (Place::Iac, SB) => {
                    self.command.clear();
                    Place::Command
                }
                (Place::Iac, _) => Place::Data,
                (Place::Option(verb), option) => {
                    if let Some(answer) = self.negotiate(verb, option) {
                        self.hand_over(&mut inputs, Input::Answer(answer));
                    }
                    Place::Data
                }
                (Place::Command, IAC) => Place::CommandIac,
                (Place::Command, byte) => {
                    if self.command.len() < LONGEST_COMMAND {
                        self.command.push(byte);
                    }
                    Place::Command
                }
                (Place::CommandIac, SE) => {
                    if let Some(input) = com_port(&self.command) {
                        self.hand_over(&mut inputs, input);
                    }
                    Place::Data
                }
                (Place::CommandIac, byte) => {
                    if self.command.len() < LONGEST_COMMAND {
                        self.command.push(byte);
                    }
                    Place::Command
                }
            };
        }
        if !self.data.is_empty() {
            inputs.push(Input::Data(std::mem::take(&mut self.data)));
        }
        inputs
    }

    /// Data for the client.
    pub fn escaped(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 8);
        for byte in bytes {
            out.push(*byte);
            if *byte == IAC {
                out.push(IAC);
            }
        }
        out
    }

    pub fn baud_is(baud: u32) -> Vec<u8> {
        answer(SET_BAUDRATE, &baud.to_be_bytes())
    }

    pub fn purged(which: u8) -> Vec<u8> {
        answer(PURGE, &[which])
    }

    /// CTS and DSR are these, and were those before.
    pub fn modem_state(now: Inputs, before: Inputs) -> Vec<u8> {
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        let state = bit(now.cts, CTS)
            | bit(now.dsr, DSR)
            | bit(now.cts != before.cts, CTS_CHANGED)
            | bit(now.dsr != before.dsr, DSR_CHANGED);
        answer(NOTIFY_MODEMSTATE, &[state])
    }

    /// Whether the client knows COM port commands: only then it is told what it did not ask for.
    pub fn is_com_port(&self) -> bool {
        self.ours.contains(&COM_PORT)
    }

    /// Confirms, or answers a query with the state that it asks for.
    pub fn control_is(control: Control, dtr: bool, rts: bool) -> Vec<u8> {
        let value = match control {
            Control::Dtr(_) | Control::Other(7) => 9 - u8::from(dtr),
            Control::Rts(_) | Control::Other(10) => 12 - u8::from(rts),
            // no flow control, no break
            Control::Other(0) => 1,
            Control::Other(4) => 6,
            Control::Other(13) => 14,
            Control::Other(value) => value,
        };
        answer(SET_CONTROL, &[value])
    }

    fn hand_over(&mut self, inputs: &mut Vec<Input>, input: Input) {
        if !self.data.is_empty() {
            inputs.push(Input::Data(std::mem::take(&mut self.data)));
        }
        inputs.push(input);
    }

    /// The answer to WILL, WONT, DO, DONT; none where it would change nothing (RFC 854: or the two
    /// sides would answer each other for ever).
    fn negotiate(&mut self, verb: u8, option: u8) -> Option<Vec<u8>> {
        let wanted = matches!(option, BINARY | SUPPRESS_GO_AHEAD | COM_PORT);
        let (list, yes, no) = match verb {
            DO | DONT => (&mut self.ours, WILL, WONT),
            _ => (&mut self.theirs, DO, DONT),
        };
        let asks_for = matches!(verb, DO | WILL);
        let active = list.contains(&option);
        match (asks_for, active) {
            (true, false) if wanted => {
                list.push(option);
                Some(vec![IAC, yes, option])
            }
            (true, false) => Some(vec![IAC, no, option]),
            (false, true) => {
                list.retain(|held| *held != option);
                Some(vec![IAC, no, option])
            }
            _ => None,
        }
    }
}

fn com_port(command: &[u8]) -> Option<Input> {
    let [COM_PORT, code, value @ ..] = command else {
        return None;
    };
    Some(match (*code, value) {
        (SET_BAUDRATE, [a, b, c, d]) => Input::Baud(u32::from_be_bytes([*a, *b, *c, *d])),
        (SET_CONTROL, [8]) => Input::Control(Control::Dtr(true)),
        (SET_CONTROL, [9]) => Input::Control(Control::Dtr(false)),
        (SET_CONTROL, [11]) => Input::Control(Control::Rts(true)),
        (SET_CONTROL, [12]) => Input::Control(Control::Rts(false)),
        (SET_CONTROL, [other]) => Input::Control(Control::Other(*other)),
        (PURGE, [which]) => Input::Purge(*which),
        (NOTIFY_MODEMSTATE, []) => Input::ModemState,
        // the server's name
        (0, []) => Input::Answer(answer(0, b"flashline sim")),
        // data size, parity, stop bits, masks: confirmed as asked
        (code, value) if code < ANSWER => Input::Answer(answer(code, value)),
        _ => return None,
    })
}

fn answer(code: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![IAC, SB, COM_PORT, code + ANSWER];
    bytes.extend(Telnet::escaped(value));
    bytes.extend([IAC, SE]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pyserial_sends_when_it_opens() {
        let mut telnet = Telnet::new();
        // DO ECHO, WILL SGA, DO SGA, DO and WILL COM-PORT; 115200 baud; DTR on
        let inputs = telnet.push(
            b"\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03\xff\xfd\x2c\xff\xfb\x2c\xff\xfa\x2c\x01\0\x01\xc2\0\xff\xf0\xff\xfa\x2c\x05\x08\xff\xf0",
        );
        assert_eq!(
            inputs,
            [
                Input::Answer(b"\xff\xfc\x01".to_vec()),
                Input::Answer(b"\xff\xfd\x03".to_vec()),
                Input::Answer(b"\xff\xfb\x03".to_vec()),
                Input::Answer(b"\xff\xfb\x2c".to_vec()),
                Input::Answer(b"\xff\xfd\x2c".to_vec()),
                Input::Baud(115_200),
                Input::Control(Control::Dtr(true)),
            ]
        );
        // said again, it is not answered again
        assert_eq!(telnet.push(b"\xff\xfd\x2c"), []);
    }

    #[test]
    fn data_and_commands_keep_their_order_and_ff_is_doubled() {
        let mut telnet = Telnet::new();
        assert_eq!(telnet.push(b"a\xff"), [Input::Data(b"a".to_vec())]);
        assert_eq!(
            telnet.push(b"\xffb\xff\xfa\x2c\x0c\x03\xff\xf0c"),
            [
                Input::Data(b"\xffb".to_vec()),
                Input::Purge(3),
                Input::Data(b"c".to_vec()),
            ]
        );
        assert_eq!(Telnet::escaped(b"\xff\xfe"), b"\xff\xff\xfe");
        // 255 in a value is doubled as well
        assert_eq!(
            telnet.push(b"\xff\xfa\x2c\x01\0\0\0\xff\xff\xff\xf0"),
            [Input::Baud(255)]
        );
        assert_eq!(
            Telnet::baud_is(255),
            b"\xff\xfa\x2c\x65\0\0\0\xff\xff\xff\xf0"
        );
    }

    #[test]
    fn queries_are_answered_with_the_state() {
        let check = |query: u8, expected: u8| {
            let answer = Telnet::control_is(Control::Other(query), true, false);
            assert_eq!(answer, [IAC, SB, COM_PORT, 105, expected, IAC, SE]);
        };
        check(7, 8);
        check(10, 12);
        check(0, 1);
        check(4, 6);
        check(1, 1);
    }
}
