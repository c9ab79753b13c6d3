//! The keys, and what signs and colours mean.

use ratatui::style::Style;

use super::sheet::{self, Block, pad};
use crate::dashboard::draw::Scene;
use crate::dashboard::options::Quit;
use crate::dashboard::palette::{self, Role};
use crate::dashboard::status::Status;
use crate::dashboard::view::keymap::{Command, FORM_KEYS, Group, KEYMAP};
use crate::event::Role as Rank;
use crate::lang::{Label, Word};

/// Keys are written in so many cells.
const KEY_CELLS: usize = 10;

/// Every key, by where it works, in a block per group.
pub fn keys(scene: &Scene<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for group in Group::ALL {
        let mut block = vec![sheet::heading(scene, scene.label(group.heading()))];
        let mut lines: Vec<(&str, Label, bool)> = Vec::new();
        for row in KEYMAP.iter().filter(|row| row.group == group) {
            let label = match (row.label, scene.view.quit) {
                (Label::KeyQuit, Quit::LeaveOnly) => Label::KeyLeave,
                (label, _) => label,
            };
            lines.push((row.shown, label, row.command.needs() == Rank::Supervisor));
        }
        let forms = FORM_KEYS.iter().filter(|row| row.group == group);
        lines.extend(forms.map(|row| (row.shown, row.label, false)));
        lines.dedup();
        for (shown, label, is_locked) in lines {
            let lock = if is_locked { LOCK } else { " " };
            let key = format!("{}{lock} ", pad(shown, KEY_CELLS));
            let text = scene.label(label).to_owned();
            block.push(vec![(key, scene.role(Role::Key)), (text, Style::new())]);
        }
        blocks.push(block);
    }
    let mut rest = vec![vec![
        (
            format!("{}{LOCK} ", " ".repeat(KEY_CELLS)),
            scene.role(Role::Key),
        ),
        (scene.label(Label::Locked).to_owned(), Style::new()),
    ]];
    let scan = scene.label(Label::KeyScan);
    rest.push(vec![
        (pad("▌▐║▌", KEY_CELLS + 2), scene.role(Role::Key)),
        (scan.to_owned(), Style::new()),
    ]);
    blocks.push(rest);
    blocks
}

/// Beside a key that needs a supervisor.
pub const LOCK: &str = "‡";

impl Command {
    /// Who may ask what it is for.
    pub fn needs(self) -> Rank {
        match self {
            Command::FreeSlot
            | Command::FreeLine
            | Command::Approve
            | Command::AllowRetest
            | Command::ApproveFirst
            | Command::EndLot
            | Command::NewLot
            | Command::WriteOff => Rank::Supervisor,
            _ => Rank::Operator,
        }
    }
}

/// The signs, in one block.
pub fn signs(scene: &Scene<'_>) -> Vec<Block> {
    let head = vec![sheet::heading(scene, scene.word(Word::Colours))];
    let sign = |status: Status| {
        let style = palette::tile_head(status, scene.colour);
        let text = format!(" {} {}", status.sign(), scene.word(status.word()));
        vec![(pad(&text, SIGN_CELLS), style)]
    };
    let [first, second] = [
        &Status::ALL[..Status::ALL.len() / 2],
        &Status::ALL[Status::ALL.len() / 2..],
    ];
    let mut block = head;
    block.extend(first.iter().map(|status| sign(*status)));
    vec![block, second.iter().map(|status| sign(*status)).collect()]
}

/// A sign and its word are so wide, cells.
const SIGN_CELLS: usize = 22;
