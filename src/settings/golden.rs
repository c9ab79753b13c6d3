//! `[[golden]]`: boards that the bench is tried with, known by their MAC. What that means for a job is the
//! station's and the record's.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use toml::de::DeValue;

use super::{Document, Fault, Fields, Misfit, Severity, text, word};
use crate::chip::{Identity, Mac};
use crate::event::Golden;

/// The boards that never count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoldenBoards(Vec<GoldenBoard>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenBoard {
    pub mac: Mac,
    pub expect: Golden,
    /// What it is called at the bench.
    pub name: Option<String>,
}

impl GoldenBoards {
    pub fn new(boards: Vec<GoldenBoard>) -> GoldenBoards {
        GoldenBoards(boards)
    }

    /// The one that this board is. One that hides its MAC is none.
    pub fn of(&self, board: &Identity) -> Option<&GoldenBoard> {
        let mac = board.mac?;
        self.0.iter().find(|golden| golden.mac == mac)
    }
}

/// Reads every `[[golden]]`.
pub(super) fn tables(document: &Document<'_>, root: &mut Fields<'_>) -> GoldenBoards {
    let mut seen: HashMap<Mac, Range<usize>> = HashMap::new();
    let mut boards = Vec::new();
    for mut table in root.tables("golden", "[[golden]]") {
        let found = table.required("mac", "\"24:0a:c4:00:00:01\"", mac);
        let expect = table.required(
            "expect",
            "\"pass\"",
            word(&[("pass", Golden::Good), ("fail", Golden::Bad)]),
        );
        let name = table.optional("name", text(64));
        table.finish();
        let Some(found) = found else {
            continue;
        };
        match seen.entry(found.value) {
            Entry::Occupied(first) => {
                let fault = Fault::new(
                    Severity::Error,
                    document.source(),
                    Some(found.span),
                    format!("{} is golden twice", found.value),
                    "keep the one that is meant",
                );
                document.push(fault.and(first.get().clone(), "here first"));
            }
            Entry::Vacant(entry) => {
                entry.insert(found.span);
            }
        }
        if let Some(expect) = expect {
            boards.push(GoldenBoard {
                mac: found.value,
                expect: expect.value,
                name: name.map(|name| name.value),
            });
        }
    }
    GoldenBoards(boards)
}

fn mac(value: &DeValue<'_>) -> Result<Mac, Misfit> {
    let advice = "write it as the dashboard shows it: \"24:0a:c4:00:00:01\"";
    let written = text(32)(value).map_err(|misfit| Misfit::new(misfit.what, advice))?;
    match Mac::parse(&written) {
        None => Err(Misfit::new(
            format!("is \"{written}\", no MAC address"),
            advice,
        )),
        Some(mac) if !mac.is_plausible() => {
            Err(Misfit::new(format!("is {mac}, no board's address"), advice))
        }
        Some(mac) => Ok(mac),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const HEAD: &str = "station = \"b\"\nmanifest = \"m.toml\"\n";

    fn read(text: &str) -> Result<GoldenBoards, String> {
        let read = Settings::parse("station.toml".as_ref(), &format!("{HEAD}{text}"));
        read.map(|settings| settings.golden)
            .map_err(|faults| faults.iter().map(|f| f.to_string() + "\n").collect())
    }

    #[test]
    fn boards_are_known_by_their_mac() {
        let golden = read(
            "[[golden]]\nmac = \"24:0A:C4:00:00:01\"\nexpect = \"fail\"\nname = \"dead flash\"\n\
             [[golden]]\nmac = \"240ac4000002\"\nexpect = \"pass\"\n",
        )
        .unwrap();
        let board = |last| Mac([0x24, 0x0A, 0xC4, 0, 0, last]);
        let expect = |boards: &GoldenBoards| -> Vec<_> {
            let each = boards.0.iter().map(|one| (one.mac, one.expect));
            each.collect()
        };
        assert_eq!(
            expect(&golden),
            [(board(1), Golden::Bad), (board(2), Golden::Good)]
        );
        assert_eq!(golden.0[0].name.as_deref(), Some("dead flash"));
        assert_eq!(read("").unwrap(), GoldenBoards::default());
    }

    #[test]
    fn what_is_no_golden_board_is_told_with_its_place() {
        insta::assert_snapshot!(
            read(
                "[[golden]]\nmac = \"24:0a:c4:00:00:01\"\nexpect = \"pass\"\n\
             [[golden]]\nmac = \"24-0A-C4-00-00-01\"\nexpect = \"bad\"\n\
             [[golden]]\nmac = \"24:0a:c4:00:00\"\n\
             [[golden]]\nmac = \"ff:ff:ff:ff:ff:ff\"\nexpect = \"fail\"\nnane = \"x\"\n",
            )
            .unwrap_err()
        );
    }
}
