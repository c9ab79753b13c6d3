//! The last line: the keys, or what has to be said instead.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::draw::Scene;
use super::options::Quit;
use super::palette::Role;
use super::signs::Signs;
use super::text::{clip, width};
use super::view::{Page, Prompt, at_work};
use crate::event::{LotState, SlotId};
use crate::lang::{self, Language, Word};
use crate::station::{BundleView, LineState, OnDisk, RequestRefused};

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
        Prompt::ConfirmBundle(shown) => confirm_bundle(shown, language),
        Prompt::NothingToApprove => scene.word(Word::NothingToApprove).to_owned(),
        Prompt::Scanned(text) => format!("{}: {text}", scene.word(Word::Scanned)),
        Prompt::ScanCutShort => scene.word(Word::ScanCutShort).to_owned(),
        Prompt::SelectFirst => scene.word(Word::SelectFirst).to_owned(),
        Prompt::EnglishOnly => scene.word(Word::EnglishOnly).to_owned(),
        Prompt::TryAgain => scene.word(Word::TryAgain).to_owned(),
        Prompt::Refused(refused) => refusal(refused, language),
    };
    buffer.set_style(area, scene.role(Role::Message));
    let cells = usize::from(area.width) - 2;
    buffer.set_string(area.x + 1, area.y, clip(&say, cells), Style::new());
}

/// What is approved, before it is.
fn confirm_bundle(shown: &BundleView, language: Language) -> String {
    match &shown.on_disk {
        OnDisk::Changed {
            product,
            version,
            bundle,
        } => {
            let what = format!("{product} {version} ({bundle})");
            lang::confirm_bundle(&what, &shown.manifest, language)
        }
        OnDisk::Same | OnDisk::Invalid { .. } => {
            lang::word(Word::NothingToApprove, language).to_owned()
        }
    }
}

fn refusal(refused: &RequestRefused, language: Language) -> String {
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
        RequestRefused::NobodyScans => lang::word(Word::NobodyScans, language).to_owned(),
        RequestRefused::WhichSlot => lang::word(Word::WhichSlot, language).to_owned(),
        RequestRefused::NotASerial(text) => with(Word::NotASerial, text),
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

/// The keys that have a use now, the most urgent first: a narrow screen loses the last ones.
fn useful(scene: &Scene<'_>) -> Vec<(&'static str, Word)> {
    let snapshot = scene.snapshot;
    let quit = match scene.view.quit {
        Quit::LeaveOnly => Word::ShortLeave,
        Quit::AtOnce | Quit::AskWhenBusy => Word::ShortQuit,
    };
    let selected = scene.view.selected_index(snapshot);
    let out = selected.is_some_and(|index| snapshot.slots[index].out.is_some());
    let on_slot = [
        ("s", Word::ShortStart),
        ("x", Word::ShortStop),
        match out {
            true => ("g", Word::ShortGoOn),
            false => ("p", Word::ShortStopSlot),
        },
    ];
    let mut on_line = Vec::new();
    if matches!(snapshot.line, LineState::Halted(_)) {
        on_line.push(("G", Word::ShortLineGoesOn));
    }
    let is_changed = |bundle: &BundleView| matches!(bundle.on_disk, OnDisk::Changed { .. });
    if snapshot.bundles.iter().any(is_changed) {
        on_line.push(("b", Word::ShortApprove));
    }
    let mut keys = Vec::new();
    match scene.view.page {
        Page::Bench => {
            keys.extend([("q", quit), ("?", Word::ShortHelp)]);
            keys.extend(on_line);
            keys.push(("←↑↓→", Word::ShortSelect));
            if selected.is_some() {
                keys.push(("Enter", Word::ShortDetail));
                keys.extend(on_slot);
            } else if snapshot.line == LineState::Running {
                keys.push(("P", Word::ShortStopLine));
            }
            keys.push(("l", Word::ShortLanguage));
        }
        Page::Detail => {
            keys.push(("Esc", Word::ShortBack));
            keys.extend(on_slot);
            keys.extend(on_line);
            keys.extend([("l", Word::ShortLanguage), ("q", quit)]);
        }
        Page::Help => keys.extend([
            ("Esc", Word::ShortBack),
            ("?", Word::ShortSigns),
            ("q", quit),
        ]),
        Page::Signs => keys.extend([("Esc", Word::ShortBack), ("q", quit)]),
    }
    keys
}

/// A key and its word, and where they stand.
struct Placed {
    at: Rect,
    key: &'static str,
    word: &'static str,
}

/// The useful keys that have room, from the left.
fn placed(scene: &Scene<'_>, area: Rect) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut x = area.x + 1;
    for (key, word) in useful(scene) {
        let word = match (word, scene.signs) {
            (Word::ShortLanguage, Signs::Ascii) => scene.word(Word::ShortLanguagePlain),
            (word, _) => scene.word(word),
        };
        let cells = (width(key) + 1 + width(word)) as u16;
        if x + cells >= area.right() {
            break;
        }
        let at = Rect::new(x, area.y, cells, 1);
        placed.push(Placed { at, key, word });
        x += cells + 3;
    }
    placed
}

fn keys(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    for Placed { at, key, word } in placed(scene, area) {
        buffer.set_string(at.x, at.y, key, scene.role(Role::Key));
        let x = at.x + width(key) as u16 + 1;
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
    let code = match hit.key {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        key => {
            let mut letters = key.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) => KeyCode::Char(letter),
                // several keys in one place
                _ => return None,
            }
        }
    };
    Some(KeyEvent::from(code))
}
