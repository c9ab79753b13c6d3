//! What the person at the screen has chosen, and what a key changes about it. Synchronous and
//! without a terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::grid::Arrangement;
use super::options::{Quit, Speaks};
use super::status;
use crate::event::SlotId;
use crate::lang::Language;
use crate::settings::Seat;
use crate::station::{Ask, BundleView, LineState, OnDisk, RequestRefused, Snapshot};

/// The choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub language: Language,
    pub quit: Quit,
    pub speaks: Speaks,
    pub selected: Option<SlotId>,
    pub page: Page,
    /// What the footer says instead of the keys.
    pub prompt: Prompt,
}

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Bench,
    Detail,
    /// The keys, and where there is room what signs and colours mean.
    Help,
    /// What signs and colours mean.
    Signs,
}

/// The footer's say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    Keys,
    /// Boards are at work: end all the same?
    ConfirmQuit,
    /// Stop the line?
    ConfirmStopLine,
    /// Take what this bundle's manifest has become on the disk? As it was when it was shown.
    ConfirmBundle(BundleView),
    NothingToApprove,
    SelectFirst,
    /// A barcode was read, and asked about.
    Scanned(String),
    /// A barcode's end was lost.
    ScanCutShort,
    Refused(RequestRefused),
    /// The station's queue of requests is full.
    TryAgain,
    /// The terminal has no Chinese characters.
    EnglishOnly,
}

/// What a key asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Nothing,
    Redraw,
    Ask(Ask),
    Shutdown,
    /// Leave at once, without waiting for the station.
    Leave,
}

impl View {
    pub fn new(language: Language, quit: Quit) -> View {
        View {
            language,
            quit,
            speaks: Speaks::Both,
            selected: None,
            page: Page::Bench,
            prompt: Prompt::Keys,
        }
    }

    /// The place of the selected slot in the snapshot.
    pub fn selected_index(&self, snapshot: &Snapshot) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        snapshot
            .slots
            .iter()
            .position(|slot| slot.slot == *selected)
    }

    /// Takes a barcode: about the selected slot, where one is.
    pub fn scan(&mut self, text: String) -> Act {
        self.prompt = Prompt::Scanned(text.clone());
        Act::Ask(Ask::Scan {
            text,
            slot: self.selected.clone(),
        })
    }

    /// Takes a click on a tile: it is selected, and one that was selected already is opened.
    pub fn click(&mut self, slot: &SlotId) -> Act {
        self.prompt = Prompt::Keys;
        match &self.selected {
            Some(selected) if selected == slot => self.page = Page::Detail,
            _ => self.selected = Some(slot.clone()),
        }
        Act::Redraw
    }

    /// Takes a key; the arrows go by how the tiles are arranged.
    pub fn key(&mut self, key: KeyEvent, snapshot: &Snapshot, tiles: Arrangement) -> Act {
        if key.kind == KeyEventKind::Release {
            return Act::Nothing;
        }
        let before = self.clone();
        let act = self.take(key, snapshot, tiles);
        match act {
            Act::Nothing if *self != before => Act::Redraw,
            act => act,
        }
    }

    fn take(&mut self, key: KeyEvent, snapshot: &Snapshot, tiles: Arrangement) -> Act {
        let prompt = std::mem::replace(&mut self.prompt, Prompt::Keys);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            // as a signal would do outside of raw mode; the second one does not wait
            KeyCode::Char('c') if control && snapshot.line == LineState::Ending => Act::Leave,
            KeyCode::Char('c') if control && self.quit == Quit::LeaveOnly => Act::Leave,
            KeyCode::Char('c') if control => Act::Shutdown,
            KeyCode::Char('q' | 'Q') => self.quit(prompt, snapshot),
            KeyCode::Char('l' | 'L') if self.speaks != Speaks::Both => {
                self.prompt = Prompt::EnglishOnly;
                Act::Nothing
            }
            KeyCode::Char('l' | 'L') => {
                self.language = match self.language {
                    Language::English => Language::Chinese,
                    Language::Chinese => Language::English,
                };
                Act::Nothing
            }
            KeyCode::Char('?' | 'h' | 'H') => {
                self.page = match self.page {
                    Page::Bench | Page::Detail => Page::Help,
                    Page::Help => Page::Signs,
                    Page::Signs => Page::Bench,
                };
                Act::Nothing
            }
            KeyCode::Char('y' | 'Y') => match prompt {
                Prompt::ConfirmStopLine => Act::Ask(Ask::StopLine),
                Prompt::ConfirmBundle(shown) => take_bundle(&shown),
                _ => Act::Nothing,
            },
            KeyCode::Char('s' | 'S') => {
                self.on_selected(snapshot, |slot| Ask::Start { slot, serial: None })
            }
            KeyCode::Char('x' | 'X') => self.on_selected(snapshot, |slot| Ask::StopJob { slot }),
            KeyCode::Char('p') => self.on_selected(snapshot, |slot| Ask::StopSlot { slot }),
            KeyCode::Char('g') => self.on_selected(snapshot, |slot| Ask::FreeSlot { slot }),
            KeyCode::Char('P') => {
                self.prompt = Prompt::ConfirmStopLine;
                Act::Nothing
            }
            KeyCode::Char('G') => Act::Ask(Ask::FreeLine),
            KeyCode::Char('b' | 'B') => {
                self.prompt = next_bundle(snapshot, &prompt);
                Act::Nothing
            }
            KeyCode::Esc => {
                match self.page {
                    _ if prompt != Prompt::Keys => {}
                    Page::Bench => self.selected = None,
                    Page::Detail | Page::Help | Page::Signs => self.page = Page::Bench,
                }
                Act::Nothing
            }
            KeyCode::Enter => {
                match (self.page, self.selected_index(snapshot)) {
                    (Page::Bench, Some(_)) => self.page = Page::Detail,
                    (Page::Bench, None) => self.prompt = Prompt::SelectFirst,
                    (Page::Detail | Page::Help | Page::Signs, _) => self.page = Page::Bench,
                }
                Act::Nothing
            }
            KeyCode::Left => self.go(snapshot, tiles, Way::Left),
            KeyCode::Right => self.go(snapshot, tiles, Way::Right),
            KeyCode::Up => self.go(snapshot, tiles, Way::Up),
            KeyCode::Down => self.go(snapshot, tiles, Way::Down),
            KeyCode::Tab => self.go(snapshot, Arrangement::Order { columns: 1 }, Way::Right),
            KeyCode::BackTab => self.go(snapshot, Arrangement::Order { columns: 1 }, Way::Left),
            _ => Act::Nothing,
        }
    }

    fn quit(&mut self, prompt: Prompt, snapshot: &Snapshot) -> Act {
        let at_work = at_work(snapshot) > 0;
        if self.quit == Quit::LeaveOnly {
            Act::Leave
        } else if snapshot.line == LineState::Ending {
            Act::Nothing
        } else if self.quit == Quit::AskWhenBusy && at_work && prompt != Prompt::ConfirmQuit {
            self.prompt = Prompt::ConfirmQuit;
            Act::Nothing
        } else {
            Act::Shutdown
        }
    }

    fn on_selected(&mut self, snapshot: &Snapshot, ask: impl Fn(SlotId) -> Ask) -> Act {
        match self.selected_index(snapshot) {
            Some(index) => Act::Ask(ask(snapshot.slots[index].slot.clone())),
            None => {
                self.prompt = Prompt::SelectFirst;
                Act::Nothing
            }
        }
    }

    /// Moves the selection; the first arrow selects the first slot. A step over the edge stays.
    fn go(&mut self, snapshot: &Snapshot, tiles: Arrangement, way: Way) -> Act {
        let target = match (self.selected_index(snapshot), tiles) {
            (None, _) => 0,
            (Some(index), Arrangement::Seats) => beside(snapshot, index, way).unwrap_or(index),
            (Some(index), Arrangement::Order { columns }) => {
                let step = match way {
                    Way::Left => -1,
                    Way::Right => 1,
                    Way::Up => -(columns.max(1) as isize),
                    Way::Down => columns.max(1) as isize,
                };
                index.checked_add_signed(step).unwrap_or(index)
            }
        };
        if let Some(slot) = snapshot.slots.get(target) {
            self.selected = Some(slot.slot.clone());
        }
        Act::Nothing
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Left,
    Right,
    Up,
    Down,
}

/// The slot whose seat is next to this one's: in its row, or in the next row that has one the nearest.
fn beside(snapshot: &Snapshot, index: usize, way: Way) -> Option<usize> {
    let from = snapshot.slots[index].seat?;
    let seats = snapshot.slots.iter().enumerate();
    let seats = seats.filter_map(|(index, slot)| Some((index, slot.seat?)));
    let across = |seat: &Seat| seat.row == from.row;
    let away = |seat: Seat| {
        let [rows, columns] = [
            seat.row.abs_diff(from.row),
            seat.column.abs_diff(from.column),
        ];
        (rows, columns, seat.column)
    };
    let is_there = |seat: &Seat| match way {
        Way::Left => across(seat) && seat.column < from.column,
        Way::Right => across(seat) && seat.column > from.column,
        Way::Up => seat.row < from.row,
        Way::Down => seat.row > from.row,
    };
    seats
        .filter(|(_, seat)| is_there(seat))
        .min_by_key(|(_, seat)| away(*seat))
        .map(|(index, _)| index)
}

/// What is shown next to be approved: the changed bundle behind the one that is shown, or the first.
fn next_bundle(snapshot: &Snapshot, shown: &Prompt) -> Prompt {
    let is_changed = |bundle: &&BundleView| matches!(bundle.on_disk, OnDisk::Changed { .. });
    let changed: Vec<&BundleView> = snapshot.bundles.iter().filter(is_changed).collect();
    let before = match shown {
        Prompt::ConfirmBundle(shown) => changed
            .iter()
            .position(|bundle| bundle.manifest == shown.manifest),
        _ => None,
    };
    let next = before.map_or(0, |before| (before + 1) % changed.len());
    match changed.get(next) {
        Some(bundle) => Prompt::ConfirmBundle((*bundle).clone()),
        None => Prompt::NothingToApprove,
    }
}

/// Approves what was shown, whatever the manifest has become since.
fn take_bundle(shown: &BundleView) -> Act {
    match &shown.on_disk {
        OnDisk::Changed { bundle, .. } => Act::Ask(Ask::TakeBundle {
            bundle: bundle.to_string(),
        }),
        OnDisk::Same | OnDisk::Invalid { .. } => Act::Nothing,
    }
}

/// Slots with a job.
pub fn at_work(snapshot: &Snapshot) -> usize {
    snapshot
        .slots
        .iter()
        .filter(|slot| status::board(&slot.state).is_some())
        .count()
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    const FOUR: Arrangement = Arrangement::Order { columns: 4 };

    /// Presses keys one after the other on eight slots in four columns; what the last one asks for.
    fn press(view: &mut View, snapshot: &Snapshot, keys: &[KeyCode]) -> Act {
        keys.iter()
            .map(|key| view.key(KeyEvent::from(*key), snapshot, FOUR))
            .last()
            .unwrap()
    }

    fn view(quit: Quit) -> View {
        View::new(Language::English, quit)
    }

    #[test]
    fn arrows_go_through_the_tiles_and_stay_on_them() {
        use KeyCode::{Down, Esc, Left, Right, Tab, Up};
        let check = |keys: &[KeyCode], expected: Option<&str>| {
            let mut view = view(Quit::AtOnce);
            press(&mut view, &fixture::bench(), keys);
            let selected = view.selected.as_ref().map(SlotId::as_str);
            assert_eq!(selected, expected, "{keys:?}");
        };
        check(&[Down], Some("1"));
        check(&[Right, Right], Some("2"));
        check(&[Right, Down, Right], Some("6"));
        check(&[Right, Down, Down], Some("5"));
        check(&[Right, Up, Left], Some("1"));
        check(&[Tab, Tab, Tab], Some("3"));
        check(&[Right, Esc], None);
    }

    #[test]
    fn start_and_stop_are_about_the_selected_slot() {
        use KeyCode::{Char, Right};
        let slot = SlotId::new("2");
        let check = |keys: &[KeyCode], expected: Act, prompt: Prompt| {
            let mut view = view(Quit::AtOnce);
            assert_eq!(press(&mut view, &fixture::bench(), keys), expected);
            assert_eq!(view.prompt, prompt, "{keys:?}");
        };
        check(
            &[Right, Right, Char('s')],
            Act::Ask(Ask::Start {
                slot: slot.clone(),
                serial: None,
            }),
            Prompt::Keys,
        );
        let about = |key, ask: Ask| check(&[Right, Right, Char(key)], Act::Ask(ask), Prompt::Keys);
        about('x', Ask::StopJob { slot: slot.clone() });
        about('p', Ask::StopSlot { slot: slot.clone() });
        about('g', Ask::FreeSlot { slot });
        check(&[Char('s')], Act::Redraw, Prompt::SelectFirst);
        check(&[Char('s'), Right], Act::Redraw, Prompt::Keys);
    }

    /// Two rows of three with a hole in the middle of the front one, as the file has them in its own order.
    #[test]
    fn arrows_go_by_seats_where_tiles_do() {
        use KeyCode::{Down, Left, Right, Tab, Up};
        let seats = [(1, 1), (1, 2), (1, 3), (3, 3), (3, 1)];
        let snapshot = fixture::seated(&seats);
        let check = |keys: &[KeyCode], expected: &str| {
            let mut view = view(Quit::AtOnce);
            for key in keys {
                view.key(KeyEvent::from(*key), &snapshot, Arrangement::Seats);
            }
            let selected = view.selected.as_ref().map(SlotId::as_str);
            assert_eq!(selected, Some(expected), "{keys:?}");
        };
        check(&[Down], "1");
        check(&[Down, Down], "5");
        check(&[Down, Right, Right, Right], "3");
        check(&[Down, Right, Right, Down], "4");
        check(&[Down, Down, Right], "4");
        check(&[Down, Down, Right, Left, Up], "1");
        check(&[Down, Right, Down, Down], "5");
        check(&[Down, Up, Left], "1");
        check(&[Tab, Tab, Tab, Tab], "4");
    }

    #[test]
    fn stopping_the_line_is_asked_once_and_going_on_is_not() {
        use KeyCode::{Char, Esc};
        let check = |keys: &[KeyCode], expected: Act| {
            let mut view = view(Quit::AtOnce);
            assert_eq!(
                press(&mut view, &fixture::bench(), keys),
                expected,
                "{keys:?}"
            );
        };
        check(&[Char('P')], Act::Redraw);
        check(&[Char('P'), Char('y')], Act::Ask(Ask::StopLine));
        check(&[Char('P'), Esc, Char('y')], Act::Nothing);
        check(&[Char('y')], Act::Nothing);
        check(&[Char('G')], Act::Ask(Ask::FreeLine));
    }

    #[test]
    fn what_is_approved_is_what_was_shown() {
        use KeyCode::Char;
        let take = |bundle: &str| {
            Act::Ask(Ask::TakeBundle {
                bundle: bundle.to_owned(),
            })
        };
        let snapshot = fixture::changed_on_disk();
        let check = |keys: &[KeyCode], expected: Act| {
            let mut view = view(Quit::AtOnce);
            assert_eq!(press(&mut view, &snapshot, keys), expected, "{keys:?}");
        };
        let (b, y) = (Char('b'), Char('y'));
        check(&[b], Act::Redraw);
        check(&[b, y], take("77d0c2b91e5a"));
        check(&[b, b, y], take("0c11aa5533ee"));
        check(&[b, b, b, y], take("77d0c2b91e5a"));
        check(&[b, KeyCode::Esc, y], Act::Nothing);
        // it changed once more after it was shown: the station refuses the digest
        let mut view = view(Quit::AtOnce);
        press(&mut view, &snapshot, &[b]);
        assert_eq!(
            press(&mut view, &fixture::bench(), &[y]),
            take("77d0c2b91e5a")
        );
        press(&mut view, &fixture::bench(), &[b]);
        assert_eq!(view.prompt, Prompt::NothingToApprove);
    }

    #[test]
    fn quitting_asks_where_boards_are_at_work() {
        use KeyCode::{Char, Esc};
        let idle = || fixture::with(vec![fixture::slot("1", crate::station::SlotState::Empty)]);
        let check = |quit, snapshot: Snapshot, keys: &[KeyCode], expected| {
            assert_eq!(
                press(&mut view(quit), &snapshot, keys),
                expected,
                "{keys:?}"
            );
        };
        let q = Char('q');
        check(Quit::AtOnce, fixture::bench(), &[q], Act::Shutdown);
        check(Quit::AskWhenBusy, idle(), &[q], Act::Shutdown);
        check(Quit::AskWhenBusy, fixture::bench(), &[q], Act::Redraw);
        check(Quit::AskWhenBusy, fixture::bench(), &[q, q], Act::Shutdown);
        check(
            Quit::AskWhenBusy,
            fixture::bench(),
            &[q, Esc, q],
            Act::Redraw,
        );
        let mut ending = fixture::bench();
        ending.line = LineState::Ending;
        check(Quit::AtOnce, ending.clone(), &[q], Act::Nothing);
        check(Quit::LeaveOnly, fixture::bench(), &[q], Act::Leave);
        check(Quit::LeaveOnly, ending, &[q], Act::Leave);
    }

    #[test]
    fn control_c_ends_and_the_second_one_does_not_wait() {
        let mut snapshot = fixture::bench();
        let mut view = view(Quit::AskWhenBusy);
        let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(view.key(key, &snapshot, FOUR), Act::Shutdown);
        snapshot.line = LineState::Ending;
        assert_eq!(view.key(key, &snapshot, FOUR), Act::Leave);
        view.quit = Quit::LeaveOnly;
        assert_eq!(view.key(key, &fixture::bench(), FOUR), Act::Leave);
    }

    #[test]
    fn pages_and_languages() {
        use KeyCode::{Char, Enter, Esc, Right};
        let check = |keys: &[KeyCode], page, language| {
            let mut view = view(Quit::AtOnce);
            press(&mut view, &fixture::bench(), keys);
            assert_eq!((view.page, view.language), (page, language), "{keys:?}");
        };
        check(&[Enter], Page::Bench, Language::English);
        check(&[Right, Enter], Page::Detail, Language::English);
        check(&[Right, Enter, Esc], Page::Bench, Language::English);
        check(&[Char('?'), Char('l')], Page::Help, Language::Chinese);
        check(&[Char('?'), Char('?')], Page::Signs, Language::English);
        check(
            &[Char('?'), Char('?'), Char('?')],
            Page::Bench,
            Language::English,
        );
    }

    #[test]
    fn a_key_without_meaning_draws_nothing() {
        let mut view = view(Quit::AtOnce);
        let act = press(&mut view, &fixture::bench(), &[KeyCode::Char('z')]);
        assert_eq!(act, Act::Nothing);
    }
}
