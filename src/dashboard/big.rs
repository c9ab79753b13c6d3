//! Large letters out of block characters, for words that are read from two metres away.

use super::signs::Signs;

/// How many cells a dot of a letter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// One column and half a line: letters of 3 by 3 cells.
    Half,
    /// One column and a line, where half a line has no character: letters of 3 by 5 cells.
    Whole,
    /// Two columns and a line: letters of 6 by 5 cells. They want air around them, or the smaller ones
    /// look better.
    Double,
}

impl Scale {
    /// The largest scale at which the text fits, drawn in these characters.
    pub fn fitting(text: &str, signs: Signs, width: usize, height: usize) -> Option<Scale> {
        let scales = match signs {
            Signs::Unicode => [Scale::Double, Scale::Half],
            Signs::Ascii => [Scale::Double, Scale::Whole],
        };
        scales.into_iter().find(|scale| {
            let (columns, rows) = scale.size(text);
            columns <= width && rows <= height
        })
    }

    /// Columns and rows that it wants.
    fn size(self, text: &str) -> (usize, usize) {
        let dots = (text.chars().count() * 4).saturating_sub(1);
        match self {
            Scale::Half => (dots, 3),
            Scale::Whole => (dots, 5),
            Scale::Double => (dots * 2, 8),
        }
    }
}

/// The text in large letters, line by line. A character that has no large form is left blank.
pub fn lines(text: &str, scale: Scale) -> Vec<String> {
    let rows: Vec<Vec<bool>> = (0..5).map(|row| dots(text, row)).collect();
    let whole = |filled: &'static str, blank: &'static str| {
        let line = |row: &Vec<bool>| {
            let dots = row.iter();
            dots.map(|dot| if *dot { filled } else { blank }).collect()
        };
        rows.iter().map(line).collect()
    };
    match scale {
        Scale::Double => whole("██", "  "),
        Scale::Whole => whole("█", " "),
        Scale::Half => rows
            .chunks(2)
            .map(|pair| {
                let upper = &pair[0];
                (0..upper.len())
                    .map(|column| {
                        let lower = pair.get(1).is_some_and(|row| row[column]);
                        match (upper[column], lower) {
                            (true, true) => '█',
                            (true, false) => '▀',
                            (false, true) => '▄',
                            (false, false) => ' ',
                        }
                    })
                    .collect()
            })
            .collect(),
    }
}

/// One row of dots, a column of air between letters.
fn dots(text: &str, row: usize) -> Vec<bool> {
    let mut dots = Vec::new();
    for character in text.chars() {
        if !dots.is_empty() {
            dots.push(false);
        }
        dots.extend(glyph(character)[row].bytes().map(|dot| dot == b'#'));
    }
    dots
}

fn glyph(character: char) -> [&'static str; 5] {
    match character {
        'A' => [".#.", "#.#", "###", "#.#", "#.#"],
        'D' => ["##.", "#.#", "#.#", "#.#", "##."],
        'E' => ["###", "#..", "##.", "#..", "###"],
        'F' => ["###", "#..", "##.", "#..", "#.."],
        'G' => ["###", "#..", "#.#", "#.#", "###"],
        'I' => ["###", ".#.", ".#.", ".#.", "###"],
        'K' => ["#.#", "#.#", "##.", "#.#", "#.#"],
        'L' => ["#..", "#..", "#..", "#..", "###"],
        'N' => ["##.", "#.#", "#.#", "#.#", "#.#"],
        'O' => ["###", "#.#", "#.#", "#.#", "###"],
        'P' => ["###", "#.#", "###", "#..", "#.."],
        'R' => ["##.", "#.#", "##.", "#.#", "#.#"],
        'S' => ["###", "#..", "###", "..#", "###"],
        'T' => ["###", ".#.", ".#.", ".#.", ".#."],
        'W' => ["#.#", "#.#", "###", "###", "#.#"],
        '0' => ["###", "#.#", "#.#", "#.#", "###"],
        '1' => [".#.", "##.", ".#.", ".#.", "###"],
        '2' => ["###", "..#", "###", "#..", "###"],
        '3' => ["###", "..#", "###", "..#", "###"],
        '4' => ["#.#", "#.#", "###", "..#", "..#"],
        '5' => ["###", "#..", "###", "..#", "###"],
        '6' => ["###", "#..", "###", "#.#", "###"],
        '7' => ["###", "..#", "..#", "..#", "..#"],
        '8' => ["###", "#.#", "###", "#.#", "###"],
        '9' => ["###", "#.#", "###", "..#", "###"],
        '?' => ["###", "..#", ".##", "...", ".#."],
        '%' => ["#.#", "..#", ".#.", "#..", "#.#"],
        _ => ["...", "...", "...", "...", "..."],
    }
}

#[cfg(test)]
mod tests {
    use super::super::status::Status;
    use super::*;

    #[test]
    fn letters_are_readable() {
        insta::assert_snapshot!("half", lines("PASS FAIL", Scale::Half).join("\n"));
        insta::assert_snapshot!("double", lines("42%", Scale::Double).join("\n"));
    }

    #[test]
    fn every_large_word_has_its_letters() {
        for word in Status::ALL.into_iter().filter_map(Status::large) {
            for letter in word.chars() {
                assert!(glyph(letter).concat().contains('#'), "{letter} of {word}");
            }
        }
    }

    #[test]
    fn the_scale_fits_the_room() {
        let fitting = |signs, width, height| Scale::fitting("PASS", signs, width, height);
        let check = |width, height, expected| {
            assert_eq!(fitting(Signs::Unicode, width, height), expected);
        };
        check(14, 5, None);
        check(15, 2, None);
        check(15, 3, Some(Scale::Half));
        check(30, 7, Some(Scale::Half));
        check(30, 8, Some(Scale::Double));
        assert_eq!(fitting(Signs::Ascii, 15, 4), None);
        assert_eq!(fitting(Signs::Ascii, 15, 5), Some(Scale::Whole));
        assert_eq!(fitting(Signs::Ascii, 30, 8), Some(Scale::Double));
    }
}
