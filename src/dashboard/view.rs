//! What the person at the screen has chosen, and what a key changes about it. Synchronous and
//! without a terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::options::Quit;
use super::status;
use crate::event::SlotId;
use crate::lang::Language;
use crate::station::{LineState, RequestRefused, Snapshot};

/// The choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub language: Language,
    pub quit: Quit,
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
    Help,
}

/// The footer's say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    Keys,
    /// Boards are at work: end all the same?
    ConfirmQuit,
    SelectFirst,
    Refused(RequestRefused),
    /// The station's queue of requests is full.
    TryAgain,
}

/// What a key asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Nothing,
    Redraw,
    Start(SlotId),
    Stop(SlotId),
    Shutdown,
    /// Leave at once, without waiting for the station.
    Leave,
}

impl View {
    pub fn new(language: Language, quit: Quit) -> View {
        View {
            language,
            quit,
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

    /// Takes a key; `columns` is how many tiles are side by side.
    pub fn key(&mut self, key: KeyEvent, snapshot: &Snapshot, columns: usize) -> Act {
        if key.kind == KeyEventKind::Release {
            return Act::Nothing;
        }
        let before = self.clone();
        let act = self.take(key, snapshot, columns);
        match act {
            Act::Nothing if *self != before => Act::Redraw,
            act => act,
        }
    }

    fn take(&mut self, key: KeyEvent, snapshot: &Snapshot, columns: usize) -> Act {
        let prompt = std::mem::replace(&mut self.prompt, Prompt::Keys);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            // as a signal would do outside of raw mode; the second one does not wait
            KeyCode::Char('c') if control && snapshot.line == LineState::Ending => Act::Leave,
            KeyCode::Char('c') if control && self.quit == Quit::LeaveOnly => Act::Leave,
            KeyCode::Char('c') if control => Act::Shutdown,
            KeyCode::Char('q' | 'Q') => self.quit(prompt, snapshot),
            KeyCode::Char('l' | 'L') => {
                self.language = match self.language {
                    Language::English => Language::Chinese,
                    Language::Chinese => Language::English,
                };
                Act::Nothing
            }
            KeyCode::Char('?' | 'h' | 'H') => {
                self.page = match self.page {
                    Page::Help => Page::Bench,
                    _ => Page::Help,
                };
                Act::Nothing
            }
            KeyCode::Char('s' | 'S') => self.on_selected(snapshot, Act::Start),
            KeyCode::Char('x' | 'X') => self.on_selected(snapshot, Act::Stop),
            KeyCode::Esc => {
                match self.page {
                    _ if prompt != Prompt::Keys => {}
                    Page::Bench => self.selected = None,
                    Page::Detail | Page::Help => self.page = Page::Bench,
                }
                Act::Nothing
            }
            KeyCode::Enter => {
                match (self.page, self.selected_index(snapshot)) {
                    (Page::Bench, Some(_)) => self.page = Page::Detail,
                    (Page::Bench, None) => self.prompt = Prompt::SelectFirst,
                    (Page::Detail | Page::Help, _) => self.page = Page::Bench,
                }
                Act::Nothing
            }
            KeyCode::Left => self.go(snapshot, -1),
            KeyCode::Right => self.go(snapshot, 1),
            KeyCode::Up => self.go(snapshot, -(columns.max(1) as isize)),
            KeyCode::Down => self.go(snapshot, columns.max(1) as isize),
            KeyCode::Tab => self.go(snapshot, 1),
            KeyCode::BackTab => self.go(snapshot, -1),
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

    fn on_selected(&mut self, snapshot: &Snapshot, act: impl Fn(SlotId) -> Act) -> Act {
        match self.selected_index(snapshot) {
            Some(index) => act(snapshot.slots[index].slot.clone()),
            None => {
                self.prompt = Prompt::SelectFirst;
                Act::Nothing
            }
        }
    }

    /// Moves the selection; the first arrow selects the first slot. A step over the edge stays.
    fn go(&mut self, snapshot: &Snapshot, by: isize) -> Act {
        let target = match self.selected_index(snapshot) {
            None => 0,
            Some(index) => index.checked_add_signed(by).unwrap_or(index),
        };
        if let Some(slot) = snapshot.slots.get(target) {
            self.selected = Some(slot.slot.clone());
        }
        Act::Nothing
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

    /// Presses keys one after the other on eight slots in four columns; what the last one asks for.
    fn press(view: &mut View, snapshot: &Snapshot, keys: &[KeyCode]) -> Act {
        keys.iter()
            .map(|key| view.key(KeyEvent::from(*key), snapshot, 4))
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
            Act::Start(slot.clone()),
            Prompt::Keys,
        );
        check(&[Right, Right, Char('x')], Act::Stop(slot), Prompt::Keys);
        check(&[Char('s')], Act::Redraw, Prompt::SelectFirst);
        check(&[Char('s'), Right], Act::Redraw, Prompt::Keys);
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
        assert_eq!(view.key(key, &snapshot, 4), Act::Shutdown);
        snapshot.line = LineState::Ending;
        assert_eq!(view.key(key, &snapshot, 4), Act::Leave);
        view.quit = Quit::LeaveOnly;
        assert_eq!(view.key(key, &fixture::bench(), 4), Act::Leave);
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
        check(&[Char('?'), Char('?')], Page::Bench, Language::English);
    }

    #[test]
    fn a_key_without_meaning_draws_nothing() {
        let mut view = view(Quit::AtOnce);
        let act = press(&mut view, &fixture::bench(), &[KeyCode::Char('z')]);
        assert_eq!(act, Act::Nothing);
    }
}
