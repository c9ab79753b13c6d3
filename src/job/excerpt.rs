//! What is kept of a long text, a board's console or a job's log: its beginning and its end, with a note
//! of what was left out between.

use std::collections::VecDeque;

const HEAD_BYTES: usize = 32 << 10;
const TAIL_BYTES: usize = 32 << 10;

#[derive(Debug, Default)]
pub(super) struct Excerpt {
    head: String,
    tail: VecDeque<String>,
    tail_bytes: usize,
    left_out_lines: u64,
}

impl Excerpt {
    /// Keeps a line, of which this many bytes more were dropped before.
    pub(super) fn push(&mut self, text: &str, lost_bytes: usize) {
        let mut line = text.to_owned();
        if lost_bytes > 0 {
            line += &format!(" [{lost_bytes} bytes left out]");
        }
        line.push('\n');
        if self.tail.is_empty() && self.head.len() + line.len() <= HEAD_BYTES {
            self.head += &line;
            return;
        }
        self.tail_bytes += line.len();
        self.tail.push_back(line);
        while self.tail_bytes > TAIL_BYTES
            && let Some(dropped) = self.tail.pop_front()
        {
            self.tail_bytes -= dropped.len();
            self.left_out_lines += 1;
        }
    }

    pub(super) fn into_text(self) -> String {
        let mut text = self.head;
        if self.left_out_lines > 0 {
            text += &format!("[{} lines left out]\n", self.left_out_lines);
        }
        text.extend(self.tail);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_log_is_kept_whole() {
        let mut log = Excerpt::default();
        log.push("a", 0);
        log.push("b", 7);
        assert_eq!(log.into_text(), "a\nb [7 bytes left out]\n");
    }

    #[test]
    fn of_a_long_one_both_ends() {
        let mut log = Excerpt::default();
        for number in 0..20_000 {
            log.push(&format!("line {number}"), 0);
        }
        let text = log.into_text();
        assert!(text.len() <= HEAD_BYTES + TAIL_BYTES + 40, "{}", text.len());
        assert!(text.starts_with("line 0\nline 1\n") && text.ends_with("line 19999\n"));
        let lines: Vec<&str> = text.lines().collect();
        let note = lines.iter().find(|line| line.starts_with('[')).unwrap();
        let left_out: usize = note[1..].split(' ').next().unwrap().parse().unwrap();
        assert_eq!(left_out + lines.len() - 1, 20_000);
    }
}
