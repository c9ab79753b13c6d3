//! Lines above the figures that everyone must see: what stops the line, and which manifests on the disk are
//! not those at work.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::Scene;
use super::palette::Role;
use super::status::Status;
use super::text::wrap_into;
use crate::event::Code;
use crate::lang::{self, Caption, Word, advice};
use crate::station::{BundleView, Halt, LineState, OnDisk, Snapshot};

/// No more manifests than these are named; the last one then tells how many more there are.
const MOST_MANIFESTS: usize = 2;

/// A line, and how it looks.
pub type Line = (Role, String);

/// The lines for a screen of this size: what everyone must see, each whole where a fifth of the screen
/// holds it all, the first ones where it does not.
pub fn lines(scene: &Scene<'_>, area: Rect) -> Vec<Line> {
    let all = banners(scene);
    let cells = usize::from(area.width).saturating_sub(2);
    let mut spare = usize::from(area.height / 5).saturating_sub(all.len());
    let mut lines = Vec::new();
    for (role, text) in all {
        let wrapped = wrap_into(&text, cells, 1 + spare);
        spare -= wrapped.len().saturating_sub(1).min(spare);
        lines.extend(wrapped.into_iter().map(|line| (role, line)));
    }
    lines
}

/// Draws them into as many lines as there are.
pub fn draw(scene: &Scene<'_>, lines: &[Line], area: Rect, buffer: &mut Buffer) {
    for (y, (role, text)) in (area.y..area.bottom()).zip(lines) {
        let rect = Rect {
            y,
            height: 1,
            ..area
        };
        buffer.set_style(rect, scene.role(*role));
        buffer.set_string(area.x + 1, y, text, Style::new());
    }
}

/// What is to be said, the most urgent first.
fn banners(scene: &Scene<'_>) -> Vec<Line> {
    let mut banners: Vec<Line> = Vec::new();
    banners.extend(why_stopped(scene).map(|why| (Role::Banner, why)));
    if let Some(worst) = &scene.snapshot.standing.worst_slot {
        let text = lang::worst_slot(
            &worst.slot,
            (worst.failed, worst.units),
            (worst.other_failed, worst.other_units),
            scene.language(),
        );
        banners.push((Role::Message, format!("▼ {text}")));
    }
    let all: Vec<&BundleView> = changed(scene.snapshot).collect();
    for (index, bundle) in all.iter().take(MOST_MANIFESTS).enumerate() {
        let mut text = on_disk(scene, bundle);
        if index + 1 == MOST_MANIFESTS && all.len() > MOST_MANIFESTS {
            text = format!("(+{}) {text}", all.len() - MOST_MANIFESTS);
        }
        banners.push((Role::Message, text));
    }
    banners
}

fn changed(snapshot: &Snapshot) -> impl Iterator<Item = &BundleView> {
    let bundles = snapshot.bundles.iter();
    bundles.filter(|bundle| bundle.on_disk != OnDisk::Same)
}

fn why_stopped(scene: &Scene<'_>) -> Option<String> {
    let language = scene.language();
    let sign = Status::LineStopped.sign();
    if let Some(lost @ Caption::DaemonLost) = scene.caption {
        return Some(format!("{sign} {}", lang::caption(lost, language)));
    }
    let why = match &scene.snapshot.line {
        LineState::Running | LineState::Ending => return None,
        LineState::Stopped { code, detail } => {
            let remedy = advice(*code, language).remedy;
            format!("{code}: {remedy} ({detail})")
        }
        LineState::Halted(halt) if halt.is_escape() => {
            let words = advice(halt.code(), language);
            format!("{}: {}. {}", halt.code(), words.happened, words.remedy)
        }
        LineState::Halted(Halt::Failures { slots, code }) => {
            let halted = Code::LineHalted;
            let remedy = advice(halted, language).remedy;
            let failed = format!("{halted} {slots} × {code}");
            lang::halted(&failed, advice(*code, language), remedy, language)
        }
        LineState::Halted(Halt::Asked { by }) => format!(
            "{}{}",
            lang::stopped_by(&by.name, language),
            scene.word(Word::SupervisorFreesLine)
        ),
    };
    Some(format!("{sign} {} {why}", scene.word(Word::LineStopped)))
}

/// What became of a manifest on the disk.
pub fn on_disk(scene: &Scene<'_>, bundle: &BundleView) -> String {
    let language = scene.language();
    let code = Code::ManifestChangedOnDisk;
    let at_work = format!("{} {}", bundle.product, bundle.version);
    match &bundle.on_disk {
        OnDisk::Same => String::new(),
        OnDisk::Changed {
            product,
            version,
            bundle: digest,
        } => {
            let change = if *digest == bundle.bundle {
                // since the last start: no other one is at work
                format!("{at_work} ({digest})")
            } else if *product == bundle.product {
                format!("{at_work} → {version} ({digest})")
            } else {
                format!("{at_work} → {product} {version} ({digest})")
            };
            format!(
                "{code} {}",
                lang::changed_on_disk(&change, &bundle.manifest, language)
            )
        }
        OnDisk::Invalid { fault } => {
            format!(
                "{code} {}",
                lang::invalid_on_disk(&at_work, fault, language)
            )
        }
    }
}
