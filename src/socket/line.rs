//! Lines out of bytes that come in pieces, bounded.

/// A line was longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// What came and is no whole line yet.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Bytes at the front that were given out.
    taken: usize,
    /// Bytes that are known to hold no line's end.
    searched: usize,
}

impl Lines {
    /// Where the next bytes are read to.
    pub fn space(&mut self) -> &mut Vec<u8> {
        self.bytes.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        &mut self.bytes
    }

    /// The next whole line, without its end; `None` where more must be read.
    ///
    /// # Errors
    /// More than `longest` bytes without a line's end.
    pub fn next(&mut self, longest: usize) -> Result<Option<&[u8]>, TooLong> {
        let end = self.bytes[self.searched..]
            .iter()
            .position(|&byte| byte == b'\n')
            .map(|at| self.searched + at);
        let length = end.unwrap_or(self.bytes.len()) - self.taken;
        if length > longest {
            return Err(TooLong);
        }
        let Some(end) = end else {
            self.searched = self.bytes.len();
            return Ok(None);
        };
        let line = self.taken..end;
        self.taken = end + 1;
        self.searched = end + 1;
        Ok(Some(&self.bytes[line]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]], longest: usize) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            lines.space().extend_from_slice(piece);
            while let Some(line) = lines.next(longest)? {
                found.push(line.to_vec());
            }
        }
        Ok(found)
    }

    #[test]
    fn lines_may_come_in_pieces_and_together() {
        let check = |pieces: &[&[u8]], expected: Result<&[&[u8]], TooLong>| {
            let expected = expected.map(|lines| lines.iter().map(|line| line.to_vec()).collect());
            assert_eq!(read(pieces, 4), expected, "{pieces:?}");
        };
        check(&[b"ab\ncd\n"], Ok(&[b"ab", b"cd"]));
        check(&[b"a", b"b", b"\n\nc", b"d\ne"], Ok(&[b"ab", b"", b"cd"]));
        check(&[b"abcd\n"], Ok(&[b"abcd"]));
        check(&[b"abcde\n"], Err(TooLong));
        check(&[b"ab\nabc", b"de"], Err(TooLong));
    }

    proptest! {
        /// However it is cut, the same lines come out.
        #[test]
        fn the_cuts_do_not_matter(text in "[a-c\n]{0,60}", cuts in prop::collection::vec(0usize..60, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(read(&pieces, 100), read(&[bytes], 100));
        }
    }
}
