//! Which key a mistyped one was meant to be.

/// How far a mistyped key is from a known one, 0 being nearest; `None` where it was surely not meant.
pub(super) fn likeness(typed: &str, known: &str) -> Option<usize> {
    let typed = typed.to_lowercase().replace('-', "_");
    if typed.len() >= 3 && (known.starts_with(&typed) || typed.starts_with(known)) {
        return Some(0);
    }
    let changes = edits(&typed, known);
    (changes <= 1 + known.len() / 4).then_some(changes)
}

/// Letters to insert, delete, replace or swap with their neighbour.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_keys() {
        for (typed, known, near) in [
            ("settle", "settle_ms", true),
            ("settel_ms", "settle_ms", true),
            ("Settle-ms", "settle_ms", true),
            ("manifset", "manifest", true),
            ("colour", "settle_ms", false),
            ("id", "station", false),
            ("", "name", false),
        ] {
            assert_eq!(likeness(typed, known).is_some(), near, "{typed} {known}");
        }
    }
}
