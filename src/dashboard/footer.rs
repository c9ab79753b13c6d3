//! The last line: the keys, or what has to be said instead.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::draw::Scene;
use super::options::Quit;
use super::pages::LOCK;
use super::palette::Role;
use super::signs::Signs;
use super::text::{clip, width};
use super::view::dialog::Stage;
use super::view::keymap::{Command, FORM_KEYS, FormCommand, KEYMAP};
use super::view::{Page, Prompt, Way, asking_slots, at_work};
use crate::event::{Code, LotState, Role as Rank, ScanKind, SlotId};
use crate::lang::{self, Label, Language, Word};
use crate::station::{BundleView, LineState, OnDisk, RequestRefused, SlotState};

/// Draws it.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let language = scene.language();
    let say = match &scene.view.prompt {
        Prompt::Keys => {
            keys(scene, area, buffer);
            return;
        }
        Prompt::ConfirmQuit => lang::confirm_quit(at_work(scene.snapshot), language),
        Prompt::ConfirmStopLine => scene.word(Word::ConfirmStopLine).to_owned(),
        Prompt::NothingToApprove => scene.word(Word::NothingToApprove).to_owned(),
        Prompt::Scanned(text) => format!("{}: {text}", scene.word(Word::Scanned)),
        Prompt::ScanCutShort => scene.word(Word::ScanCutShort).to_owned(),
        Prompt::SelectFirst => scene.word(Word::SelectFirst).to_owned(),
        Prompt::EnglishOnly => scene.word(Word::EnglishOnly).to_owned(),
        Prompt::TryAgain => scene.word(Word::TryAgain).to_owned(),
        Prompt::Say(label) => scene.label(*label).to_owned(),
        Prompt::Refused(refused) => refusal(refused, language),
    };
    buffer.set_style(area, scene.role(Role::Message));
    let cells = usize::from(area.width) - 2;
    buffer.set_string(area.x + 1, area.y, clip(&say, cells), Style::new());
}

/// Why the station did not do it.
pub fn refusal(refused: &RequestRefused, language: Language) -> String {
    let about = |slot: &SlotId, word| {
        let heading = lang::word(Word::Slot, language);
        format!("{heading} {slot}: {}", lang::word(word, language))
    };
    let with = |word, what: &str| format!("{}: {what}", lang::word(word, language));
    match refused {
        RequestRefused::NoSuchSlot(slot) => about(slot, Word::NoSuchSlot),
        RequestRefused::NoBoard(slot) => about(slot, Word::NoBoard),
        RequestRefused::AtWork(slot) => about(slot, Word::AtWork),
        RequestRefused::Held { slot, .. } => about(slot, Word::HeldByHand),
        RequestRefused::Idle(slot) => about(slot, Word::NothingRuns),
        RequestRefused::NotRemoved(slot) => about(slot, Word::NotRemoved),
        RequestRefused::SlotOut(slot) => about(slot, Word::SlotIsOut),
        RequestRefused::NotApproved { slot, .. } => about(slot, Word::NotApproved),
        RequestRefused::SlotRuns(slot) => about(slot, Word::SlotRuns),
        RequestRefused::LineStopped(why) => with(Word::LineStopped, why),
        RequestRefused::LineRuns => lang::word(Word::LineRuns, language).to_owned(),
        RequestRefused::WhichSlot => lang::word(Word::WhichSlot, language).to_owned(),
        RequestRefused::NotASerial(text) => with(Word::NotASerial, text),
        RequestRefused::UnknownScan { text, expected } => {
            let kinds: Vec<&str> = (expected.iter())
                .map(|kind| lang::word(scan_kind(*kind), language))
                .collect();
            let wanted = with(Word::UnknownScan, &kinds.join(", "));
            format!("{text}: {wanted}")
        }
        RequestRefused::SerialInUse { serial, slot } => {
            format!("{serial}: {}", about(slot, Word::SerialInUse))
        }
        RequestRefused::NoSuchBundle(bundle) => with(Word::NoSuchBundle, bundle),
        RequestRefused::NotALot(why) => with(Word::NotALot, why),
        RequestRefused::NoSuchLot(lot) => with(Word::NoSuchLot, lot.as_str()),
        RequestRefused::LotExists(lot) => with(Word::LotExists, lot.as_str()),
        RequestRefused::LotIs { lot, state } => match state {
            LotState::Approved => with(Word::LotNotStarted, lot.as_str()),
            LotState::Running => with(Word::LotAlreadyRuns, lot.as_str()),
            LotState::Paused { by } => with(Word::LotPaused, &by.name),
            LotState::Ended => with(Word::LotEnded, lot.as_str()),
        },
        RequestRefused::LotRuns { running } => with(Word::LotRunsAlready, running.as_str()),
        RequestRefused::LotOfOtherBundle { bundle, .. } => with(Word::LotOfOtherBundle, bundle),
        RequestRefused::LotUnitsOpen { units, .. } => with(Word::LotUnitsOpen, &units.to_string()),
        RequestRefused::LotAtWork(lot) => with(Word::LotAtWork, lot.as_str()),
        RequestRefused::NoFirstArticle(lot) => with(Word::NoFirstArticle, lot.as_str()),
        RequestRefused::NothingAsked(slot) => about(slot, Word::NothingAsked),
        RequestRefused::NotOpen(unit) => with(Word::NotOpenUnit, &unit.to_string()),
        RequestRefused::RetestFree(unit) => with(Word::RetestFree, &unit.to_string()),
        RequestRefused::WhyMissing => lang::word(Word::WhyMissing, language).to_owned(),
        RequestRefused::NotRecorded(why) => with(Word::NotRecorded, why),
        RequestRefused::NoPin(name) => format!("{name} {}", lang::word(Word::NoPin, language)),
        RequestRefused::WrongPin { left, .. } => with(Word::WrongPin, &left.to_string()),
        RequestRefused::LockedOut { seconds, .. } => with(Word::LockedOut, &seconds.to_string()),
        RequestRefused::PinsUnreadable(why) => with(Word::PinsUnreadable, why),
        RequestRefused::SupervisorOnly { by } => with(Word::SupervisorOnly, &by.name),
    }
}

fn scan_kind(kind: ScanKind) -> Word {
    match kind {
        ScanKind::Operator => Word::ABadge,
        ScanKind::Lot => Word::ALotNumber,
        ScanKind::Serial => Word::ASerialNumber,
    }
}

/// The keys that have a use now, the most urgent first: a narrow screen loses the last ones.
fn useful(scene: &Scene<'_>) -> Vec<(Command, &'static str)> {
    let snapshot = scene.snapshot;
    let page = scene.view.page;
    let label = |label| scene.label(label);
    let quit = match scene.view.quit {
        Quit::LeaveOnly => Word::ShortLeave,
        Quit::AtOnce | Quit::AskWhenBusy => Word::ShortQuit,
    };
    let quit = (Command::Quit, scene.word(quit));
    let language = match scene.signs {
        Signs::Ascii => Word::ShortLanguagePlain,
        Signs::Unicode => Word::ShortLanguage,
    };
    let language = (Command::Language, scene.word(language));
    let help = (Command::Help, scene.word(Word::ShortHelp));
    let home = (Command::Back, label(Label::ShortHome));
    let open = |what| (Command::Open, label(what));
    let mut keys = Vec::new();
    match page {
        Page::Bench => {
            keys.extend([quit, help]);
            keys.extend(urgent(scene));
            match scene.view.selected_index(snapshot) {
                Some(index) => {
                    keys.push((Command::Open, scene.word(Word::ShortDetail)));
                    keys.extend(on_slot(scene, index));
                    keys.push((Command::Go(Way::Left), scene.word(Word::ShortSelect)));
                }
                None => {
                    keys.push((Command::Go(Way::Left), scene.word(Word::ShortSelect)));
                    keys.extend([
                        (Command::ShowJobs, label(Label::ShortJobs)),
                        (Command::ShowCharts, label(Label::ShortCharts)),
                        (Command::ShowLots, label(Label::ShortLots)),
                        (Command::ShowOpen, label(Label::ShortOpen)),
                    ]);
                    if snapshot.line == LineState::Running {
                        keys.push((Command::StopLine, scene.word(Word::ShortStopLine)));
                    }
                }
            }
            keys.push(language);
        }
        Page::Detail => {
            keys.push(home);
            if let Some(index) = scene.view.selected_index(snapshot) {
                keys.extend(on_slot(scene, index));
            }
            keys.extend(urgent(scene));
            keys.push((Command::Go(Way::Up), label(Label::ShortScroll)));
            keys.push(language);
        }
        Page::Jobs => {
            keys.extend([home, open(Label::ShortStory)]);
            keys.push((Command::Filter, label(Label::ShortFilter)));
            if scene.view.filter != Default::default() {
                keys.push((Command::ClearFilter, label(Label::ShortAll)));
            }
            keys.push(language);
        }
        Page::Lots => keys.extend([
            home,
            (Command::StartLot, label(Label::ShortStartLot)),
            (Command::PauseLot, label(Label::ShortPauseLot)),
            (Command::ApproveFirst, label(Label::ShortFirst)),
            (Command::EndLot, label(Label::ShortEndLot)),
            (Command::NewLot, label(Label::ShortNewLot)),
            open(Label::ShortItsJobs),
        ]),
        Page::Open => keys.extend([
            home,
            (Command::WriteOff, label(Label::ShortWriteOff)),
            open(Label::ShortItsJobs),
            language,
        ]),
        Page::Story(_) => keys.extend([
            (Command::Back, scene.word(Word::ShortBack)),
            (Command::Go(Way::Up), label(Label::ShortScroll)),
            language,
        ]),
        Page::Charts => keys.extend([
            home,
            (Command::Go(Way::Up), label(Label::ShortScroll)),
            language,
        ]),
        Page::Help => keys.extend([
            home,
            (Command::Help, scene.word(Word::ShortSigns)),
            (Command::Go(Way::Up), label(Label::ShortScroll)),
            language,
        ]),
        Page::Signs => keys.extend([home, language]),
    }
    if page != Page::Bench {
        keys.push(help);
        keys.push(quit);
    }
    keys
}

/// What waits for someone wherever one looks.
fn urgent(scene: &Scene<'_>) -> Vec<(Command, &'static str)> {
    let snapshot = scene.snapshot;
    let mut keys = Vec::new();
    if matches!(snapshot.line, LineState::Halted(_)) {
        keys.push((Command::FreeLine, scene.word(Word::ShortLineGoesOn)));
    }
    let is_changed = |bundle: &BundleView| matches!(bundle.on_disk, OnDisk::Changed { .. });
    if snapshot.bundles.iter().any(is_changed) {
        keys.push((Command::Approve, scene.word(Word::ShortApprove)));
    }
    let is_selected = scene.view.selected_index(snapshot).is_some();
    if !is_selected && asking_slots(snapshot).len() == 1 {
        keys.extend(answers(scene));
    }
    keys
}

fn answers(scene: &Scene<'_>) -> [(Command, &'static str); 2] {
    [
        (Command::Flash, scene.label(Label::ShortFlash)),
        (Command::Skip, scene.label(Label::ShortSkip)),
    ]
}

/// What can be asked about the slot with this index.
fn on_slot(scene: &Scene<'_>, index: usize) -> Vec<(Command, &'static str)> {
    let slot = &scene.snapshot.slots[index];
    let mut keys = Vec::new();
    if asking_slots(scene.snapshot).contains(&slot.slot) {
        keys.extend(answers(scene));
    }
    if matches!(&slot.state, SlotState::Done(result) if result.code == Some(Code::RetestLimit)) {
        keys.push((Command::AllowRetest, scene.label(Label::ShortRetest)));
    }
    keys.push((Command::Start, scene.word(Word::ShortStart)));
    keys.push((Command::StopJob, scene.word(Word::ShortStop)));
    keys.push(match slot.out {
        Some(_) => (Command::FreeSlot, scene.word(Word::ShortGoOn)),
        None => (Command::StopSlot, scene.word(Word::ShortStopSlot)),
    });
    keys
}

/// A key and its word, and where they stand.
struct Placed {
    at: Rect,
    key: String,
    /// `None`: several keys in one place.
    code: Option<KeyCode>,
    word: &'static str,
}

/// The useful keys that have room, from the left.
fn placed(scene: &Scene<'_>, area: Rect) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut x = area.x + 1;
    let keys = match form(scene) {
        Some(keys) => keys,
        None => useful(scene).into_iter().map(own).collect(),
    };
    for (key, code, word) in keys {
        let cells = (width(&key) + 1 + width(word)) as u16;
        if x + cells >= area.right() {
            break;
        }
        let at = Rect::new(x, area.y, cells, 1);
        placed.push(Placed {
            at,
            key,
            code,
            word,
        });
        x += cells + 3;
    }
    placed
}

/// A key of the footer: how it is written, what a click presses, its word.
type Shown = (String, Option<KeyCode>, &'static str);

/// The first of a command's keys; all arrows are one.
fn own((command, word): (Command, &'static str)) -> Shown {
    let row = KEYMAP.iter().find(|row| row.command == command);
    let code = row.and_then(|row| row.codes.first().copied());
    let (mut key, code) = match (command, code) {
        (Command::Go(Way::Up | Way::Down), _) => ("↑↓".to_owned(), None),
        (Command::Go(_), _) => ("←↑↓→".to_owned(), None),
        (_, Some(KeyCode::Char(letter))) => (letter.to_string(), code),
        (_, Some(KeyCode::Delete)) => ("Del".to_owned(), code),
        (_, code) => (row.map_or("", |row| row.shown).to_owned(), code),
    };
    if command.needs() == Rank::Supervisor {
        key += LOCK;
    }
    (key, code, word)
}

/// The keys of what is typed into, where something is.
fn form(scene: &Scene<'_>) -> Option<Vec<Shown>> {
    let key = |command, label| {
        let row = FORM_KEYS.iter().find(|row| row.command == command);
        let code = row.and_then(|row| row.codes.first().copied());
        let code = code.filter(|code| matches!(code, KeyCode::Enter | KeyCode::Esc));
        let shown = row.map_or("", |row| row.shown);
        (shown.to_owned(), code, scene.label(label))
    };
    let escape = key(FormCommand::Cancel, Label::ShortDrop);
    let accept = match (&scene.view.dialog, &scene.view.draft) {
        (Some(dialog), _) if dialog.people.is_empty() || dialog.stage == Stage::Asked => {
            return Some(vec![escape]);
        }
        (Some(dialog), _) if dialog.fields().last() == Some(&dialog.focus) => Label::ShortDo,
        (Some(_), _) => Label::ShortNext,
        (None, Some(_)) => Label::ShortLook,
        (None, None) => return None,
    };
    Some(vec![
        escape,
        key(FormCommand::Accept, accept),
        key(FormCommand::Left, Label::ShortChoose),
        key(FormCommand::Next, Label::ShortField),
    ])
}

fn keys(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    for Placed { at, key, word, .. } in placed(scene, area) {
        buffer.set_string(at.x, at.y, &key, scene.role(Role::Key));
        let x = at.x + width(&key) as u16 + 1;
        buffer.set_string(x, at.y, word, scene.role(Role::Dim));
    }
}

/// The key that is pressed by a click there.
pub fn hit(scene: &Scene<'_>, area: Rect, at: Position) -> Option<KeyEvent> {
    if scene.view.prompt != Prompt::Keys {
        return None;
    }
    let placed = placed(scene, area);
    let hit = placed.iter().find(|placed| placed.at.contains(at))?;
    hit.code.map(KeyEvent::from)
}
