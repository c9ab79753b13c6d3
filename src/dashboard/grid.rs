//! Where everything is on a screen of a given size.

use ratatui::layout::Rect;

/// The least cells that the dashboard works in.
pub const LEAST: (u16, u16) = (60, 18);

/// A tile has at least a slot's name, a sign and a short word.
const LEAST_TILE_WIDTH: u16 = 8;

/// A tile that is at least this size shows a MAC (17 cells and a margin) and what to do.
const GOOD_TILE: (u16, u16) = (19, 9);

/// The parts of the bench screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    pub header: Rect,
    /// Where something stops the line.
    pub banner: Option<Rect>,
    pub figures: Rect,
    /// One per slot, in their order.
    pub tiles: Vec<Rect>,
    /// Tiles side by side.
    pub columns: usize,
    pub notices: Rect,
    pub footer: Rect,
}

/// Whether the line above the tiles is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Banner {
    Shown,
    Hidden,
}

/// Lays the screen out; `None` where it is too small for the slots.
pub fn layout(area: Rect, slots: usize, banner: Banner) -> Option<Grid> {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return None;
    }
    let row = |y, height| Rect::new(area.x, y, area.width, height);
    let header = row(area.y, 1);
    let mut top = area.y + 1;
    let banner = (banner == Banner::Shown).then(|| {
        let rect = row(top, 1);
        top += 1;
        rect
    });
    let figures = row(top, 1);
    top += 1;
    let footer = row(area.bottom() - 1, 1);
    let room = row(top, footer.y - top);
    let tiling = Tiling::best(room, slots)?;
    let tiles: Vec<Rect> = (0..slots).map(|index| tiling.rect(room, index)).collect();
    let end = tiles.iter().map(|tile| tile.bottom()).max().unwrap_or(top);
    // a line of air between the tiles and the notices where there is room
    let notices_top = end + u16::from(footer.y - end > 3);
    Some(Grid {
        header,
        banner,
        figures,
        tiles,
        columns: tiling.columns.into(),
        notices: row(notices_top, footer.y - notices_top),
        footer,
    })
}

/// How tiles of one size fill a room.
#[derive(Debug, Clone, Copy)]
struct Tiling {
    columns: u16,
    width: u16,
    height: u16,
    /// Empty lines between rows of tiles.
    gap: u16,
}

impl Tiling {
    fn best(room: Rect, slots: usize) -> Option<Tiling> {
        let slots = u16::try_from(slots.max(1)).ok()?;
        (1..=slots)
            .filter_map(|columns| Tiling::of(room, slots, columns))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(tiling, _)| tiling)
    }

    /// The tiling with so many columns, and how far it is from a good one.
    fn of(room: Rect, slots: u16, columns: u16) -> Option<(Tiling, f64)> {
        let rows = slots.div_ceil(columns);
        let width = (room.width - (columns - 1).min(room.width)) / columns;
        // what good tiles need, or the larger part of a large screen; two notices stay
        let wanted = (rows * (GOOD_TILE.1 + 1)).max(room.height * 7 / 10);
        let height = wanted.min(room.height.saturating_sub(2));
        // rows of a single line, or two, need no line between them: their heads bound them
        let (tile, gap) = match (height + 1) / rows {
            0 => (height / rows, 0),
            pitch @ 1..=3 => (pitch.min(height / rows), 0),
            pitch => (pitch - 1, 1),
        };
        if width < LEAST_TILE_WIDTH || tile == 0 {
            return None;
        }
        let shape = (f64::from(width) / f64::from(tile) / 2.3).ln().abs();
        let narrow = f64::from(GOOD_TILE.0.saturating_sub(width)) * 0.3;
        let low = f64::from(GOOD_TILE.1.saturating_sub(tile)) * 0.2;
        let empty = f64::from(columns * rows - slots) / f64::from(slots);
        let tiling = Tiling {
            columns,
            width,
            height: tile,
            gap,
        };
        Some((tiling, shape + narrow + low + empty))
    }

    fn rect(&self, room: Rect, index: usize) -> Rect {
        // a slot's index fits: `best` was asked for no more than u16 can count
        let (column, row) = (
            (index % usize::from(self.columns)) as u16,
            (index / usize::from(self.columns)) as u16,
        );
        // the cells that remain go to the first columns, one each
        let spare = room.width + 1 - self.columns * (self.width + 1);
        let wider = u16::from(column < spare);
        Rect::new(
            room.x + column * (self.width + 1) + column.min(spare),
            room.y + row * (self.height + self.gap),
            self.width + wider,
            self.height,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        width: u16,
        height: u16,
        slots: usize,
        columns: usize,
        tile: (u16, u16),
        notices: u16,
    ) {
        let grid = layout(Rect::new(0, 0, width, height), slots, Banner::Hidden)
            .unwrap_or_else(|| panic!("{width}x{height} holds {slots}"));
        let last = grid.tiles[slots - 1];
        assert_eq!(
            (grid.columns, (last.width, last.height), grid.notices.height),
            (columns, tile, notices),
            "{width}x{height}, {slots} slots"
        );
    }

    #[test]
    fn tiles_adapt_to_the_screen() {
        check(80, 24, 8, 4, (19, 9), 2);
        check(80, 24, 64, 4, (19, 1), 4);
        check(120, 40, 8, 4, (29, 12), 11);
        check(200, 60, 8, 4, (49, 19), 17);
        check(200, 60, 64, 10, (19, 7), 2);
        check(200, 60, 1, 1, (200, 39), 17);
        check(60, 18, 8, 4, (14, 6), 2);
    }

    #[test]
    fn tiles_never_overlap_and_stay_on_the_screen() {
        for (width, height) in [(60, 18), (80, 24), (133, 37), (200, 60), (300, 90)] {
            let area = Rect::new(0, 0, width, height);
            for slots in 1..=70 {
                for banner in [Banner::Shown, Banner::Hidden] {
                    let Some(grid) = layout(area, slots, banner) else {
                        continue;
                    };
                    let mut parts = grid.tiles.clone();
                    parts.extend([grid.header, grid.figures, grid.notices, grid.footer]);
                    parts.extend(grid.banner);
                    for (index, part) in parts.iter().enumerate() {
                        assert_eq!(part.intersection(area), *part, "{area} {slots}");
                        for other in &parts[index + 1..] {
                            assert!(!part.intersects(*other), "{area} {slots}: {part} {other}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn too_small_is_said() {
        let check = |width, height, slots| {
            assert_eq!(
                layout(Rect::new(0, 0, width, height), slots, Banner::Hidden),
                None
            );
        };
        check(59, 24, 1);
        check(80, 17, 1);
        check(60, 18, 200);
    }
}
