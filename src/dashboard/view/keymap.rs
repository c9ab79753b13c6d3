//! What keys are for and where they work; which ones is in the one table (`keys`). Leaves out what a key
//! does (`view`).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Page;
pub use super::keys::{FORM_KEYS, KEYMAP};
use crate::lang::Label;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    Back,
    Open,
    Go(Way),
    Next,
    Previous,
    PageUp,
    PageDown,
    First,
    Last,
    Help,
    Language,
    Quit,
    Interrupt,
    ShowJobs,
    ShowCharts,
    ShowLots,
    ShowOpen,
    Start,
    StopJob,
    StopSlot,
    FreeSlot,
    Flash,
    Skip,
    AllowRetest,
    StopLine,
    Yes,
    FreeLine,
    Approve,
    Filter,
    ClearFilter,
    StartLot,
    PauseLot,
    ApproveFirst,
    EndLot,
    NewLot,
    WriteOff,
}

/// Where an arrow points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    Left,
    Right,
    Up,
    Down,
}

/// What a key of a form is for; every other one writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormCommand {
    Next,
    Previous,
    Left,
    Right,
    Accept,
    Cancel,
    Rub,
}

/// The part of the help page that a key stands in, and where it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    Everywhere,
    Views,
    Slot,
    Line,
    Lists,
    Jobs,
    Lots,
    OpenUnits,
    Form,
}

impl Group {
    pub const ALL: [Group; 9] = [
        Group::Everywhere,
        Group::Views,
        Group::Slot,
        Group::Line,
        Group::Lists,
        Group::Jobs,
        Group::Lots,
        Group::OpenUnits,
        Group::Form,
    ];

    pub const fn heading(self) -> Label {
        match self {
            Group::Everywhere => Label::GroupEverywhere,
            Group::Views => Label::GroupViews,
            Group::Slot => Label::GroupSlot,
            Group::Line => Label::GroupLine,
            Group::Lists => Label::GroupLists,
            Group::Jobs => Label::Jobs,
            Group::Lots => Label::Lots,
            Group::OpenUnits => Label::OpenUnits,
            Group::Form => Label::GroupForm,
        }
    }

    /// Whether its keys work on a page; a form's work in no page but over it.
    pub const fn is_on(self, page: Page) -> bool {
        match self {
            Group::Everywhere | Group::Views | Group::Line | Group::Lists => true,
            Group::Slot => matches!(page, Page::Bench | Page::Detail),
            Group::Jobs => matches!(page, Page::Jobs),
            Group::Lots => matches!(page, Page::Lots),
            Group::OpenUnits => matches!(page, Page::Open),
            Group::Form => false,
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Key<C> {
    pub command: C,
    pub codes: &'static [KeyCode],
    pub held: KeyModifiers,
    /// As it is written on the help page and in the footer.
    pub shown: &'static str,
    pub group: Group,
    /// What it is for; several keys with one label share a line.
    pub label: Label,
}

/// What a key is for on a page.
pub fn command(key: KeyEvent, page: Page) -> Option<Command> {
    KEYMAP
        .iter()
        .find(|row| row.group.is_on(page) && is_it(row, key))
        .map(|row| row.command)
}

/// What a key is for in a form; `None`: it writes, or means nothing.
pub fn form_command(key: KeyEvent) -> Option<FormCommand> {
    FORM_KEYS
        .iter()
        .find(|row| is_it(row, key))
        .map(|row| row.command)
}

fn is_it<C>(row: &Key<C>, key: KeyEvent) -> bool {
    row.codes.contains(&key.code) && row.held == (key.modifiers & KeyModifiers::CONTROL)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn no_key_has_two_meanings_on_a_page() {
        for page in Page::EACH {
            let mut taken = HashMap::new();
            for row in KEYMAP.iter().filter(|row| row.group.is_on(page)) {
                for code in row.codes {
                    let before = taken.insert((code, row.held), row.command);
                    assert_eq!(before, None, "{code:?} on {page:?}");
                }
            }
        }
        let mut taken = HashMap::new();
        for row in FORM_KEYS {
            for code in row.codes {
                assert_eq!(taken.insert(code, row.command), None, "{code:?}");
            }
        }
    }

    /// No two lines of one group are written with the same key, and none is without one.
    #[test]
    fn what_is_written_tells_the_keys_apart() {
        let lines = KEYMAP
            .iter()
            .map(|row| (row.group, row.shown, row.label))
            .chain(
                FORM_KEYS
                    .iter()
                    .map(|row| (row.group, row.shown, row.label)),
            );
        let mut told = HashMap::new();
        for (group, shown, label) in lines {
            assert!(!shown.is_empty(), "{label:?}");
            assert_eq!(
                *told.entry((group, shown)).or_insert(label),
                label,
                "{shown}"
            );
        }
    }
}
