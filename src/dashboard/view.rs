//! What the person at the screen has chosen, and what a key changes about it. Synchronous and without a
//! terminal. The keys are in `keymap`, what needs a supervisor's leave in `dialog`.

mod asking;
pub mod dialog;
pub mod filter;
pub mod form;
mod going;
pub mod keymap;
mod keys;
mod prompt;
mod reason;
mod walk;

use std::time::Instant;

use crossterm::event::{KeyEvent, KeyEventKind};

pub use self::asking::{asking_slots, lots, open_units};
use self::dialog::{Dialog, Filled, Subject};
use self::filter::{Draft, Typed};
use self::form::LotForm;
use self::going::FAR;
pub use self::keymap::Way;
use self::keymap::{Command, command};
pub use self::prompt::Prompt;
pub use self::walk::Cursor;
use super::grid::Arrangement;
use super::options::{Quit, Speaks};
use super::past::Past;
use super::status;
use crate::event::{JobId, LotName, SlotId, Unit, Who};
use crate::lang::{Label, Language};
use crate::record::JobFilter;
use crate::station::{Again, Ask, LineState, RequestRefused, Snapshot, Warrant};

/// The choices.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub language: Language,
    pub quit: Quit,
    pub speaks: Speaks,
    pub selected: Option<SlotId>,
    pub page: Page,
    /// What the footer says instead of the keys.
    pub prompt: Prompt,
    /// Over the page, while a supervisor's leave is asked for.
    pub dialog: Option<Dialog>,
    /// Which jobs are shown.
    pub filter: JobFilter,
    /// The filter while it is typed.
    pub draft: Option<Draft>,
    pub job: Cursor<JobId>,
    pub lot: Cursor<LotName>,
    pub unit: Cursor<Unit>,
    /// Lines of the page that are above its top.
    pub scroll: usize,
    /// Dialogs opened so far.
    pub dialogs: u64,
}

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Bench,
    Detail,
    Jobs,
    /// All about one of the jobs.
    Story(JobId),
    Charts,
    Lots,
    Open,
    /// The keys.
    Help,
    /// What signs and colours mean.
    Signs,
}

#[cfg(test)]
impl Page {
    /// One of each kind.
    pub const EACH: [Page; 9] = [
        Page::Bench,
        Page::Detail,
        Page::Jobs,
        Page::Story(JobId(uuid::Uuid::nil())),
        Page::Charts,
        Page::Lots,
        Page::Open,
        Page::Help,
        Page::Signs,
    ];
}

/// What a key is taken against: what is on the screen, and how large that is.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    pub snapshot: &'a Snapshot,
    pub past: &'a Past,
    /// Who sits at the screen, as the station knows them.
    pub by: &'a Who,
    /// How the tiles are arranged.
    pub tiles: Arrangement,
    /// Rows of a page.
    pub rows: usize,
    /// So many lines of the page can be above its top.
    pub scroll_limit: usize,
    pub now: Instant,
}

/// What a key asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Nothing,
    Redraw,
    Ask(Errand),
    Shutdown,
    /// Leave at once, without waiting for the station.
    Leave,
}

/// A request on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub ask: Ask,
    pub warrant: Option<Warrant>,
    pub from: From,
}

/// Where its answer belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Key,
    /// The dialog with this number.
    Dialog(u64),
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
            dialog: None,
            filter: JobFilter::default(),
            draft: None,
            job: Cursor::default(),
            lot: Cursor::default(),
            unit: Cursor::default(),
            scroll: 0,
            dialogs: 0,
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

    /// Takes a barcode: of what a form asks for, or about the selected slot where one is.
    pub fn scan(&mut self, text: String, now: Instant) -> Act {
        if let Some(draft) = &mut self.draft {
            self.filter = draft.scan(&text);
            self.draft = None;
            return Act::Redraw;
        }
        if let Some(dialog) = &mut self.dialog
            && dialog.scan(&text, now)
        {
            return Act::Redraw;
        }
        self.prompt = Prompt::Scanned(text.clone());
        ask(Ask::Scan {
            text,
            slot: self.selected.clone(),
        })
    }

    /// Takes a click on a tile: it is selected, and one that was selected already is opened. Not while a
    /// dialog is open.
    pub fn click(&mut self, slot: &SlotId) -> Act {
        if self.dialog.is_some() {
            return Act::Nothing;
        }
        self.prompt = Prompt::Keys;
        match &self.selected {
            Some(selected) if selected == slot => self.turn_to(Page::Detail),
            _ => self.selected = Some(slot.clone()),
        }
        Act::Redraw
    }

    /// When something closes by itself; [`View::lapse`] then does.
    pub fn due(&self) -> Option<Instant> {
        self.dialog.as_ref().map(Dialog::due)
    }

    /// Closes what nobody has typed into for too long.
    pub fn lapse(&mut self, now: Instant) -> Act {
        match self.due() {
            Some(due) if now >= due => {
                self.dialog = None;
                self.prompt = Prompt::Say(Label::DialogLapsed);
                Act::Redraw
            }
            _ => Act::Nothing,
        }
    }

    /// The station has answered.
    pub fn answered(&mut self, from: From, answer: Result<(), RequestRefused>) -> Act {
        let dialog = self.dialog.as_mut();
        let dialog = dialog.filter(|dialog| from == From::Dialog(dialog.number));
        match (answer, dialog) {
            (Err(refused), Some(dialog)) => dialog.refused(refused),
            (Err(refused), None) => self.prompt = Prompt::Refused(refused),
            (Ok(()), Some(_)) => {
                self.dialog = None;
                self.prompt = Prompt::Say(Label::Carried);
            }
            // what was asked shows on the slot
            (Ok(()), None) => return Act::Nothing,
        }
        Act::Redraw
    }

    /// The station's queue was full.
    pub fn not_asked(&mut self, from: From) {
        match &mut self.dialog {
            Some(dialog) if from == From::Dialog(dialog.number) => {
                dialog.stage = dialog::Stage::Filling;
                dialog.fault = Some(dialog::Fault::TryAgain);
            }
            _ => self.prompt = Prompt::TryAgain,
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent, sight: &Sight<'_>) -> Act {
        if key.kind == KeyEventKind::Release {
            return Act::Nothing;
        }
        let before = self.clone();
        let act = self.take(key, sight);
        match act {
            Act::Nothing if *self != before => Act::Redraw,
            act => act,
        }
    }

    fn take(&mut self, key: KeyEvent, sight: &Sight<'_>) -> Act {
        let prompt = std::mem::replace(&mut self.prompt, Prompt::Keys);
        let command = command(key, self.page);
        if command == Some(Command::Interrupt) {
            return self.interrupt(sight.snapshot);
        }
        if let Some(dialog) = &mut self.dialog {
            return match dialog.key(key, self.language, sight.now) {
                Filled::Going => Act::Nothing,
                Filled::Closed => {
                    self.dialog = None;
                    Act::Nothing
                }
                Filled::Complete(ask, warrant) => Act::Ask(Errand {
                    ask,
                    warrant: Some(warrant),
                    from: From::Dialog(dialog.number),
                }),
            };
        }
        if let Some(draft) = &mut self.draft {
            match draft.key(key, sight.snapshot) {
                Typed::Going => return Act::Nothing,
                Typed::Dropped => {}
                Typed::Applied(filter) => self.filter = filter,
            }
            self.draft = None;
            return Act::Nothing;
        }
        match command {
            Some(command) => self.obey(command, prompt, sight),
            None => Act::Nothing,
        }
    }

    /// As a signal would do outside of raw mode; the second one does not wait.
    fn interrupt(&self, snapshot: &Snapshot) -> Act {
        match snapshot.line {
            LineState::Ending => Act::Leave,
            _ if self.quit == Quit::LeaveOnly => Act::Leave,
            _ => Act::Shutdown,
        }
    }

    fn obey(&mut self, command: Command, prompt: Prompt, sight: &Sight<'_>) -> Act {
        let snapshot = sight.snapshot;
        match command {
            Command::Interrupt => return self.interrupt(snapshot),
            Command::Quit => return self.quit(prompt, snapshot),
            Command::Back if prompt == Prompt::Keys => self.back(),
            Command::Back => {}
            Command::Help => self.turn_to(match self.page {
                Page::Help => Page::Signs,
                Page::Signs => Page::Bench,
                _ => Page::Help,
            }),
            Command::Language if self.speaks != Speaks::Both => self.prompt = Prompt::EnglishOnly,
            Command::Language => {
                self.language = match self.language {
                    Language::English => Language::Chinese,
                    Language::Chinese => Language::English,
                };
            }
            Command::ShowJobs => self.turn_to(Page::Jobs),
            Command::ShowCharts => self.turn_to(Page::Charts),
            Command::ShowLots => self.turn_to(Page::Lots),
            Command::ShowOpen => self.turn_to(Page::Open),
            Command::Open => self.open(sight),
            Command::Go(way) => self.go(way, sight),
            Command::Next => self.beside(Way::Right, sight),
            Command::Previous => self.beside(Way::Left, sight),
            Command::PageUp => self.leaf(-(sight.rows.max(2) as isize - 1), sight),
            Command::PageDown => self.leaf(sight.rows.max(2) as isize - 1, sight),
            Command::First => self.leaf(-FAR, sight),
            Command::Last => self.leaf(FAR, sight),
            Command::Yes if prompt == Prompt::ConfirmStopLine => return ask(Ask::StopLine),
            Command::Yes => {}
            Command::StopLine => self.prompt = Prompt::ConfirmStopLine,
            Command::FreeLine => match &snapshot.line {
                LineState::Halted(_) => self.with_leave(Ask::FreeLine, sight),
                LineState::Stopped { code, .. } => {
                    let why = code.to_string();
                    self.prompt = Prompt::Refused(RequestRefused::LineStopped(why));
                }
                LineState::Running => self.prompt = Prompt::Refused(RequestRefused::LineRuns),
                LineState::Ending => {}
            },
            Command::Approve => self.approve(sight),
            Command::Start => {
                return self.on_selected(snapshot, |slot| Ask::Start { slot, serial: None });
            }
            Command::StopJob => return self.on_selected(snapshot, |slot| Ask::StopJob { slot }),
            Command::StopSlot => return self.on_selected(snapshot, |slot| Ask::StopSlot { slot }),
            Command::FreeSlot => match self.chosen_slot(snapshot) {
                Some(slot) if slot.out.is_some() => {
                    let slot = slot.slot.clone();
                    self.with_leave(Ask::FreeSlot { slot }, sight);
                }
                Some(slot) => {
                    self.prompt = Prompt::Refused(RequestRefused::SlotRuns(slot.slot.clone()))
                }
                None => self.prompt = Prompt::SelectFirst,
            },
            Command::Flash => return self.decide(Again::Flash, snapshot),
            Command::Skip => return self.decide(Again::Skip, snapshot),
            Command::AllowRetest => self.allow_retest(sight),
            Command::Filter => self.draft = Some(Draft::of(&self.filter)),
            Command::ClearFilter => self.filter = JobFilter::default(),
            Command::StartLot => return self.start_lot(sight),
            Command::PauseLot => return self.on_lot(snapshot, |lot| Ask::PauseLot { lot }),
            Command::ApproveFirst => {
                self.lot_with_leave(sight, |lot| Ask::ApproveFirstArticle { lot })
            }
            Command::EndLot => self.lot_with_leave(sight, |lot| Ask::EndLot { lot }),
            Command::NewLot => self.ask_leave(Subject::NewLot(LotForm::new(snapshot)), sight),
            Command::WriteOff => match self.unit.key(&open_units(snapshot)) {
                Some(unit) => self.with_leave(Ask::WriteOff { unit: unit.clone() }, sight),
                None => self.prompt = Prompt::Say(Label::NoOpenUnits),
            },
        }
        Act::Nothing
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
}

fn ask(ask: Ask) -> Act {
    Act::Ask(Errand {
        ask,
        warrant: None,
        from: From::Key,
    })
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
mod tests;
