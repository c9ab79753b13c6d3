//! The last line: the keys, or what has to be said instead.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::Scene;
use super::palette::Role;
use super::text::{clip, width};
use super::view::{Page, Prompt, at_work};
use crate::event::SlotId;
use crate::lang::{self, Language, Word};
use crate::station::RequestRefused;

/// Draws it.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let language = scene.language();
    let say = match &scene.view.prompt {
        Prompt::Keys => {
            keys(scene, area, buffer);
            return;
        }
        Prompt::ConfirmQuit => lang::confirm_quit(at_work(scene.snapshot), language),
        Prompt::SelectFirst => scene.word(Word::SelectFirst).to_owned(),
        Prompt::TryAgain => scene.word(Word::TryAgain).to_owned(),
        Prompt::Refused(refused) => refusal(refused, language),
    };
    buffer.set_style(area, scene.role(Role::Message));
    let cells = usize::from(area.width) - 2;
    buffer.set_string(area.x + 1, area.y, clip(&say, cells), Style::new());
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
        RequestRefused::SlotRuns(slot) => about(slot, Word::SlotRuns),
        RequestRefused::LineStopped(why) => with(Word::LineStopped, why),
        RequestRefused::LineRuns => lang::word(Word::LineRuns, language).to_owned(),
        RequestRefused::NobodyScans => lang::word(Word::NobodyScans, language).to_owned(),
        RequestRefused::WhichSlot => lang::word(Word::WhichSlot, language).to_owned(),
        RequestRefused::NotASerial(text) => with(Word::NotASerial, text),
        RequestRefused::NoSuchBundle(bundle) => with(Word::NoSuchBundle, bundle),
        RequestRefused::SupervisorOnly { by } => with(Word::SupervisorOnly, &by.name),
    }
}

fn keys(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let back = [("Esc", Word::ShortBack), ("q", Word::ShortQuit)];
    let slot = [
        ("Esc", Word::ShortBack),
        ("s", Word::ShortStart),
        ("x", Word::ShortStop),
        ("l", Word::ShortLanguage),
        ("q", Word::ShortQuit),
    ];
    let bench = [
        ("q", Word::ShortQuit),
        ("←↑↓→", Word::ShortSelect),
        ("Enter", Word::ShortDetail),
        ("s", Word::ShortStart),
        ("x", Word::ShortStop),
        ("l", Word::ShortLanguage),
        ("?", Word::ShortHelp),
    ];
    let keys: &[(&str, Word)] = match scene.view.page {
        Page::Bench => &bench,
        Page::Detail => &slot,
        Page::Help => &back,
    };
    let mut x = area.x + 1;
    for (key, word) in keys {
        let word = scene.word(*word);
        let end = x + (width(key) + 1 + width(word)) as u16;
        if end >= area.right() {
            break;
        }
        buffer.set_string(x, area.y, key, scene.role(Role::Key));
        let at = x + width(key) as u16 + 1;
        buffer.set_string(at, area.y, word, scene.role(Role::Dim));
        x = end + 3;
    }
}
