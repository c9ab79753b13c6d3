//! Lines out of a console's bytes, however they are cut: CR, LF or both end a line, colours and other
//! control characters go, what is no UTF-8 becomes U+FFFD.

/// A longer line loses its rest: no part of it may be taken for a line of its own, or half a secret
/// would not look like one.
const LINE_BYTES: usize = 4096;

/// Bytes of an escape sequence before it is taken for garbage.
const ESCAPE_BYTES: usize = 32;

/// A line, or the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// Bytes of it that were dropped.
    pub(super) lost_bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    lost_bytes: usize,
    escape: Escape,
    after_cr: bool,
}

/// Where in an escape sequence (ECMA-48: ESC, or ESC [ up to a byte from 0x40) the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    Outside,
    Begun,
    Control {
        bytes: usize,
    },
}

impl Lines {
    /// Takes what came, in pieces of any size; gives each line that it ends.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for &byte in bytes {
            let ends_pair = byte == b'\n' && self.after_cr;
            self.after_cr = byte == b'\r';
            match byte {
                b'\n' if ends_pair => {}
                b'\n' | b'\r' => {
                    lines.push(self.line());
                    *self = Lines {
                        after_cr: self.after_cr,
                        ..Lines::default()
                    };
                }
                _ if self.is_escaped(byte) => {}
                b'\t' | b' '..=b'~' | 0x80.. => self.hold(byte),
                _ => {}
            }
        }
        lines
    }

    /// The beginning of a line whose end has not come.
    pub(super) fn begun(&self) -> Option<Line> {
        (!self.held.is_empty()).then(|| self.line())
    }

    fn line(&self) -> Line {
        let text = String::from_utf8_lossy(&self.held);
        Line {
            text: text
                .chars()
                .filter(|c| *c == '\t' || !c.is_control())
                .collect(),
            lost_bytes: self.lost_bytes,
        }
    }

    fn hold(&mut self, byte: u8) {
        if self.held.len() < LINE_BYTES {
            self.held.push(byte);
        } else {
            self.lost_bytes += 1;
        }
    }

    /// Whether the byte belongs to an escape sequence.
    fn is_escaped(&mut self, byte: u8) -> bool {
        if byte == 0x1B {
            self.escape = Escape::Begun;
            return true;
        }
        match self.escape {
            Escape::Outside => false,
            Escape::Begun => {
                self.escape = match byte {
                    b'[' => Escape::Control { bytes: 0 },
                    _ => Escape::Outside,
                };
                true
            }
            Escape::Control { bytes } => {
                self.escape = match byte {
                    b' '..=b'?' if bytes < ESCAPE_BYTES => Escape::Control { bytes: bytes + 1 },
                    _ => Escape::Outside,
                };
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<String>, Option<String>) {
        let mut lines = Lines::default();
        let ended = pieces.iter().flat_map(|piece| lines.push(piece));
        let ended = ended.map(|line| line.text).collect();
        (ended, lines.begun().map(|line| line.text))
    }

    fn check(bytes: &[u8], ended: &[&str], begun: Option<&str>) {
        let expected = (
            ended.iter().map(|line| line.to_string()).collect(),
            begun.map(str::to_owned),
        );
        assert_eq!(lines(&[bytes]), expected, "{bytes:?}");
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(lines(&single), expected, "byte by byte: {bytes:?}");
    }

    #[test]
    fn lines_end_in_every_way() {
        check(b"a\r\nb\nc\rd", &["a", "b", "c"], Some("d"));
        check(b"a\r\r\n\nb", &["a", "", ""], Some("b"));
        check(b"", &[], None);
    }

    #[test]
    fn colours_and_controls_go() {
        check(b"\x1b[0;32mI (12) ok\x1b[0m\r\n", &["I (12) ok"], None);
        check(b"a\0b\x07\x7f\tc\x1b7d\n", &["ab\tcd"], None);
        check(b"\x1b[\ncut\n", &["", "cut"], None);
        check(b"\x1b\x1b[1mx\n", &["x"], None);
    }

    #[test]
    fn text_is_text_and_the_rest_is_marked() {
        check("温度=3°\n".as_bytes(), &["温度=3°"], None);
        check(b"\xff\xfea\xc3\n", &["\u{fffd}\u{fffd}a\u{fffd}"], None);
        check("a\u{9b}b\n".as_bytes(), &["ab"], None);
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(&[b'x'; 3 * LINE_BYTES]), []);
        let ended = lines.push(b"tail\nnext\n");
        assert_eq!(ended[0].text.len(), LINE_BYTES);
        assert_eq!(ended[0].lost_bytes, 2 * LINE_BYTES + 4);
        assert_eq!((&*ended[1].text, ended[1].lost_bytes), ("next", 0));
        // an escape sequence without end is none
        let garbage = [b"\x1b[".as_slice(), &[b'1'; 100], b"\n"].concat();
        assert!(lines.push(&garbage)[0].text.len() > 60);
    }

    proptest::proptest! {
        #[test]
        fn the_pieces_do_not_matter(bytes: Vec<u8>, size in 1..9_usize) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            proptest::prop_assert_eq!(lines(&pieces), lines(&[&bytes]));
        }
    }
}
