//! The dialog over a page: a box at the foot of the page, and above it the slots' strip. A PIN is drawn as
//! dots and never otherwise.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::sheet::pad;
use super::strip;
use crate::dashboard::draw::Scene;
use crate::dashboard::footer::refusal;
use crate::dashboard::palette::Role;
use crate::dashboard::text::{clip, width, wrap};
use crate::dashboard::view::dialog::{Dialog, Fault, Field, Stage, Subject, Why};
use crate::dashboard::view::form::{Hold, LotForm};
use crate::lang::{Caption, Label, Word};
use crate::station::{Ask, BundleView, OnDisk};

/// The box is at most so wide, cells.
const WIDEST: u16 = 76;

/// How a supervisor sets a PIN.
const SET_PIN: &str = "flashline supervisor set NAME";

/// Draws it over what is in the area.
pub fn draw(scene: &Scene<'_>, dialog: &Dialog, area: Rect, buffer: &mut Buffer) {
    let box_width = WIDEST.min(area.width.saturating_sub(2));
    let cells = usize::from(box_width.saturating_sub(4));
    let lines = lines(scene, dialog, cells);
    // a border above and below, and the strip
    let height = (lines.len() as u16 + 3).min(area.height);
    let over = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    buffer.set_style(over, Style::reset());
    for y in over.y..over.bottom() {
        buffer.set_string(over.x, y, " ".repeat(over.width.into()), Style::reset());
    }
    strip::draw(scene, over, buffer);
    let frame = Rect::new(
        area.x + (area.width - box_width) / 2,
        over.y + 1,
        box_width,
        height.saturating_sub(1),
    );
    self::frame(scene, scene.label(dialog.subject.title()), frame, buffer);
    let inside = frame.y + 1..frame.bottom().saturating_sub(1);
    for (y, line) in inside.zip(lines) {
        let mut x = frame.x + 2;
        for (text, style) in line {
            let room = usize::from((frame.right() - 2).saturating_sub(x));
            let text = clip(&text, room);
            buffer.set_string(x, y, &text, style);
            x += width(&text) as u16;
        }
    }
}

fn frame(scene: &Scene<'_>, title: &str, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 || area.width < 4 {
        return;
    }
    let style = scene.role(Role::Key);
    let across = "═".repeat(usize::from(area.width) - 2);
    buffer.set_string(area.x, area.y, format!("╔{across}╗"), style);
    buffer.set_string(area.x, area.bottom() - 1, format!("╚{across}╝"), style);
    for y in area.y + 1..area.bottom() - 1 {
        buffer.set_string(area.x, y, "║", style);
        buffer.set_string(area.right() - 1, y, "║", style);
    }
    let title = clip(&format!(" {title} "), usize::from(area.width) - 4);
    buffer.set_string(area.x + 2, area.y, title, scene.role(Role::Message));
}

type Line = Vec<(String, Style)>;

fn lines(scene: &Scene<'_>, dialog: &Dialog, cells: usize) -> Vec<Line> {
    let plain = Style::new();
    let mut lines: Vec<Line> = Vec::new();
    for text in about(scene, &dialog.subject) {
        lines.extend(
            wrap(&text, cells)
                .into_iter()
                .map(|line| vec![(line, plain)]),
        );
    }
    if dialog.people.is_empty() {
        let nobody = wrap(scene.label(Label::NobodyHasPin), cells);
        lines.extend(nobody.into_iter().map(|line| vec![(line, plain)]));
        lines.push(vec![(SET_PIN.to_owned(), scene.role(Role::Key))]);
        return lines;
    }
    let fields = dialog.fields();
    let names = fields.iter().map(|field| width(scene.label(name(*field))));
    let name_cells = names.max().unwrap_or(0);
    for field in &fields {
        let is_chosen = dialog.stage == Stage::Filling && *field == dialog.focus;
        let mark = if is_chosen { "▶ " } else { "  " };
        let label = format!("{mark}{}  ", pad(scene.label(name(*field)), name_cells));
        let (value, style) = match is_chosen {
            true if dialog.is_choice(*field) => (
                format!("◀ {} ▶", value(scene, dialog, *field)),
                Style::new().add_modifier(Modifier::REVERSED),
            ),
            true => (
                format!("{}_", value(scene, dialog, *field)),
                Style::new().add_modifier(Modifier::REVERSED),
            ),
            false => (value(scene, dialog, *field), plain),
        };
        // the end of what is typed is what is looked at
        let room = cells.saturating_sub(width(&label));
        let mut line = vec![(label, scene.role(Role::Key)), (tail(&value, room), style)];
        if let Some(hint) = hint(scene, dialog, *field) {
            line.push((format!("  {hint}"), scene.role(Role::Dim)));
        }
        lines.push(line);
    }
    let say = match (&dialog.fault, dialog.stage) {
        (Some(fault), _) => self::fault(scene, fault),
        (None, Stage::Asked) => scene.label(Label::Asked).to_owned(),
        (None, Stage::Filling) => String::new(),
    };
    let mut said: Vec<Line> = wrap(&say, cells)
        .into_iter()
        .take(2)
        .map(|line| vec![(line, scene.role(Role::Message))])
        .collect();
    if said.is_empty() {
        said.push(Vec::new());
    }
    lines.extend(said);
    lines
}

/// What is asked for, in a line or two.
fn about(scene: &Scene<'_>, subject: &Subject) -> Vec<String> {
    let slot = |slot: &str| format!("{} {slot}", scene.word(Word::Slot));
    let lot = |lot: &str| format!("{} {lot}", scene.label(Label::Lot));
    match subject {
        Subject::NewLot(_) => Vec::new(),
        Subject::Bundle { shown, at } => shown
            .get(*at)
            .map(|bundle| vec![change(bundle), bundle.manifest.to_string()])
            .unwrap_or_default(),
        Subject::Ask(ask) => match ask {
            Ask::FreeSlot { slot: it } => vec![slot(it.as_str())],
            Ask::StartLot { lot: it }
            | Ask::ApproveFirstArticle { lot: it }
            | Ask::EndLot { lot: it } => {
                vec![lot(it.as_str())]
            }
            Ask::AllowRetest { unit } | Ask::WriteOff { unit } => {
                vec![format!("{} {unit}", scene.label(Label::Unit))]
            }
            _ => Vec::new(),
        },
    }
}

/// From what to what a manifest has changed.
fn change(bundle: &BundleView) -> String {
    let at_work = format!("{} {} ({})", bundle.product, bundle.version, bundle.bundle);
    match &bundle.on_disk {
        OnDisk::Changed {
            product,
            version,
            bundle,
        } => format!("{at_work} → {product} {version} ({bundle})"),
        OnDisk::Same | OnDisk::Invalid { .. } => at_work,
    }
}

fn name(field: Field) -> Label {
    match field {
        Field::Bundle => Label::FieldBundle,
        Field::Lot => Label::FieldLot,
        Field::Target => Label::FieldTarget,
        Field::Order => Label::FieldOrder,
        Field::FirstArticle => Label::FieldFirst,
        Field::Who => Label::FieldWho,
        Field::Pin => Label::FieldPin,
        Field::Why => Label::FieldWhy,
    }
}

fn value(scene: &Scene<'_>, dialog: &Dialog, field: Field) -> String {
    match (field, &dialog.subject) {
        (Field::Who, _) => {
            let name = dialog.people.get(dialog.person).map_or("", |it| it.name());
            let count = dialog.people.len();
            match count {
                1 => name.to_owned(),
                count => format!("{name}  ({}/{count})", dialog.person + 1),
            }
        }
        (Field::Pin, _) => "•".repeat(dialog.pin.chars()),
        (Field::Why, _) => dialog.why_text(scene.language()).to_owned(),
        (Field::Bundle, Subject::Bundle { shown, at }) => {
            format!("{}/{}", at + 1, shown.len())
        }
        (field, Subject::NewLot(form)) => lot_value(scene, form, field),
        _ => String::new(),
    }
}

fn lot_value(scene: &Scene<'_>, form: &LotForm, field: Field) -> String {
    match field {
        Field::Lot => form.name.clone(),
        Field::Target => form.target.clone(),
        Field::Order => form.order.clone(),
        Field::Bundle => form
            .bundles
            .get(form.bundle)
            .map_or_else(String::new, |it| {
                format!("{} {} ({})", it.product, it.version, it.bundle)
            }),
        Field::FirstArticle => scene
            .label(match form.first_article {
                Hold::Held => Label::Hold,
                Hold::Free => Label::Free,
            })
            .to_owned(),
        Field::Who | Field::Pin | Field::Why => String::new(),
    }
}

/// What can be done in a field that nothing is in.
fn hint(scene: &Scene<'_>, dialog: &Dialog, field: Field) -> Option<&'static str> {
    let is_demo = matches!(
        scene.caption,
        Some(Caption::DemoRound { .. } | Caption::DemoOver)
    );
    match (field, &dialog.subject) {
        // a stranger who tries the demo has read no manual
        (Field::Pin, _) if is_demo && dialog.pin.chars() == 0 => Some(scene.label(Label::DemoPin)),
        (Field::Why, _) if dialog.why == Why::Unsaid => Some(scene.label(Label::WhyHint)),
        (Field::Order, Subject::NewLot(form)) if form.order.is_empty() => {
            Some(scene.label(Label::May))
        }
        _ => None,
    }
}

fn fault(scene: &Scene<'_>, fault: &Fault) -> String {
    match fault {
        Fault::Missing(field) => format!(
            "{}: {}",
            scene.label(name(*field)),
            scene.label(Label::MissingField)
        ),
        Fault::ScanIgnored => scene.label(Label::ScanIgnored).to_owned(),
        Fault::TryAgain => scene.word(Word::TryAgain).to_owned(),
        Fault::Refused(refused) => refusal(refused, scene.language()),
    }
}

/// The end of a text in so many cells.
fn tail(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut tail = text.to_owned();
    while width(&tail) >= cells.max(1) && !tail.is_empty() {
        tail.remove(0);
    }
    format!("…{tail}")
}
