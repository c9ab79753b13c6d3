//! All slots in one line, above every page and dialog: whatever is read there, no alarm is out of sight.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::dashboard::draw::Scene;
use crate::dashboard::palette;
use crate::dashboard::status::Status;
use crate::dashboard::text::{clip, width};
use crate::event::SlotId;

/// A slot's name takes no more cells.
const NAME_CELLS: usize = 8;

/// Draws it into the first row of the area: in the slots' order, or where they do not fit those that want a
/// human first, and how many more there are.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let selected = scene.view.selected.as_ref();
    let mut marks: Vec<(Status, String)> = scene
        .snapshot
        .slots
        .iter()
        .map(|slot| {
            let status = Status::of(slot);
            (
                status,
                mark(&slot.slot, status, selected == Some(&slot.slot)),
            )
        })
        .collect();
    let room = usize::from(area.width).saturating_sub(2);
    let cells = |marks: &[(Status, String)]| -> usize {
        marks.iter().map(|(_, mark)| width(mark) + 1).sum::<usize>()
    };
    if cells(&marks) > room + 1 {
        marks.sort_by_key(|(status, _)| urgency(*status));
    }
    let mut x = area.x + 1;
    for (index, (status, mark)) in marks.iter().enumerate() {
        let rest = format!("+{}", marks.len() - index);
        let end = x + width(mark) as u16;
        let is_last = index + 1 == marks.len();
        let after = if is_last { 0 } else { 1 + width(&rest) as u16 };
        if end + after > area.right().saturating_sub(1) {
            buffer.set_stringn(
                x,
                area.y,
                &rest,
                room,
                palette::text(Status::Empty, scene.colour),
            );
            return;
        }
        let style = palette::tile_head(*status, scene.colour);
        buffer.set_string(x, area.y, mark, style);
        x = end + 1;
    }
}

fn mark(slot: &SlotId, status: Status, is_selected: bool) -> String {
    let name = clip(slot.as_str(), NAME_CELLS);
    if is_selected {
        format!("[{name}]{}", status.sign())
    } else {
        format!(" {name} {}", status.sign())
    }
}

/// What wants a human comes first.
fn urgency(status: Status) -> u8 {
    match status {
        Status::LineStopped | Status::BenchError | Status::Quarantined => 0,
        Status::Failed | Status::PulledTooEarly | Status::PortLost => 1,
        Status::Waiting | Status::Asking | Status::Written => 2,
        Status::Passed | Status::PassedAfterRetry | Status::Skipped | Status::Stopped => 3,
        Status::Working | Status::Held => 4,
        Status::Empty | Status::SlotStopped => 5,
    }
}
