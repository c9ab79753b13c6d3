//! Where everything is on a screen of a given size.

use ratatui::layout::Rect;

use crate::settings::Seat;

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
    /// A line each: what stops the line, what changed on the disk. May have none.
    pub banners: Rect,
    pub figures: Rect,
    /// One per slot, in their order.
    pub tiles: Vec<Rect>,
    pub arrangement: Arrangement,
    pub notices: Rect,
    pub footer: Rect,
}

/// Which tile is beside which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// Row by row in the slots' order, so many in a row.
    Order { columns: usize },
    /// By the seats of their slots.
    Seats,
}

/// Lays the screen out; `None` where it is too small for the slots. Tiles lie as their slots do on the
/// bench, holes and all, where every slot has a seat and the columns find room; a tile that is in the
/// wrong place would mislead less than one that cannot be read, so else they lie in their order.
pub fn layout(area: Rect, seats: &[Option<Seat>], banners: u16) -> Option<Grid> {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return None;
    }
    let row = |y, height| Rect::new(area.x, y, area.width, height);
    let header = row(area.y, 1);
    let banners = row(area.y + 1, banners);
    let figures = row(banners.bottom(), 1);
    let top = figures.bottom();
    let footer = row(area.bottom() - 1, 1);
    let room = row(top, footer.y - top);
    let (tiles, arrangement) = match by_seats(room, seats) {
        Some(tiles) => (tiles, Arrangement::Seats),
        None => {
            let tiling = Tiling::best(room, seats.len())?;
            let columns = usize::from(tiling.columns);
            let rect =
                |index| tiling.rect(room, (index / columns) as u16, (index % columns) as u16);
            let tiles = (0..seats.len()).map(rect).collect();
            (tiles, Arrangement::Order { columns })
        }
    };
    let end = tiles.iter().map(|tile| tile.bottom()).max().unwrap_or(top);
    // a line of air between the tiles and the notices where there is room
    let notices_top = end + u16::from(footer.y - end > 3);
    Some(Grid {
        header,
        banners,
        figures,
        tiles,
        arrangement,
        notices: row(notices_top, footer.y - notices_top),
        footer,
    })
}

/// Tiles at their seats; empty rows and columns before the first are left out.
fn by_seats(room: Rect, seats: &[Option<Seat>]) -> Option<Vec<Rect>> {
    let seats: Vec<Seat> = seats.iter().copied().collect::<Option<_>>()?;
    let [rows, columns] = [
        seats.iter().map(|seat| seat.row).collect::<Vec<_>>(),
        seats.iter().map(|seat| seat.column).collect(),
    ];
    let (first_row, last_row) = (*rows.iter().min()?, *rows.iter().max()?);
    let (first_column, last_column) = (*columns.iter().min()?, *columns.iter().max()?);
    let (rows, columns) = (last_row - first_row + 1, last_column - first_column + 1);
    let tiling = Tiling::of(room, rows, columns)?;
    Some(
        seats
            .iter()
            .map(|seat| tiling.rect(room, seat.row - first_row, seat.column - first_column))
            .collect(),
    )
}

/// How tiles of one size fill a room.
#[derive(Debug, Clone, Copy)]
struct Tiling {
    rows: u16,
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
            .filter_map(|columns| {
                let tiling = Tiling::of(room, slots.div_ceil(columns), columns)?;
                Some((tiling, tiling.distance(slots)))
            })
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(tiling, _)| tiling)
    }

    /// So many tiles below each other and side by side.
    fn of(room: Rect, rows: u16, columns: u16) -> Option<Tiling> {
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
        (width >= LEAST_TILE_WIDTH && tile > 0).then_some(Tiling {
            rows,
            columns,
            width,
            height: tile,
            gap,
        })
    }

    /// How far it is from a good one for so many slots.
    fn distance(&self, slots: u16) -> f64 {
        let shape = (f64::from(self.width) / f64::from(self.height) / 2.3)
            .ln()
            .abs();
        let narrow = f64::from(GOOD_TILE.0.saturating_sub(self.width)) * 0.3;
        let low = f64::from(GOOD_TILE.1.saturating_sub(self.height)) * 0.2;
        let empty = f64::from(self.columns * self.rows - slots) / f64::from(slots);
        shape + narrow + low + empty
    }

    fn rect(&self, room: Rect, row: u16, column: u16) -> Rect {
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
        let grid = layout(Rect::new(0, 0, width, height), &vec![None; slots], 0)
            .unwrap_or_else(|| panic!("{width}x{height} holds {slots}"));
        let last = grid.tiles[slots - 1];
        assert_eq!(
            (
                grid.arrangement,
                (last.width, last.height),
                grid.notices.height
            ),
            (Arrangement::Order { columns }, tile, notices),
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
                // in their order, in a full square, and on every second seat of one
                let square = |index: usize| Seat {
                    row: (index / 8) as u16 + 1,
                    column: (index % 8) as u16 + 1,
                };
                let seats: [Vec<Option<Seat>>; 3] = [
                    vec![None; slots],
                    (0..slots).map(|index| Some(square(index))).collect(),
                    (0..slots).map(|index| Some(square(index * 2))).collect(),
                ];
                for (seats, banners) in seats.iter().flat_map(|seats| [(seats, 0), (seats, 3)]) {
                    let Some(grid) = layout(area, seats, banners) else {
                        continue;
                    };
                    let mut parts = grid.tiles.clone();
                    parts.extend([grid.header, grid.figures, grid.notices, grid.footer]);
                    parts.extend((banners > 0).then_some(grid.banners));
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
                layout(Rect::new(0, 0, width, height), &vec![None; slots], 0),
                None
            );
        };
        check(59, 24, 1);
        check(80, 17, 1);
        check(60, 18, 200);
    }

    #[test]
    fn tiles_lie_as_the_slots_do_where_the_columns_find_room() {
        let seat = |row, column| Some(Seat { row, column });
        // a hole in the middle of the front row; nothing in the first row and column of the bench
        let seats = [seat(2, 2), seat(2, 3), seat(2, 4), seat(3, 4), seat(3, 2)];
        let grid = layout(Rect::new(0, 0, 80, 24), &seats, 0).unwrap();
        assert_eq!(grid.arrangement, Arrangement::Seats);
        let corner = |index: usize| (grid.tiles[index].x, grid.tiles[index].y);
        assert_eq!(corner(0), (0, 2));
        assert_eq!((corner(3).0, corner(4).0), (corner(2).0, corner(0).0));
        assert_eq!(corner(3).1, corner(4).1);
        assert!(corner(3).1 > corner(0).1);
        // one without a seat, and more columns than can be read
        let some = [seat(1, 1), None];
        let wide: Vec<_> = (1..=16).map(|column| seat(1, column)).collect();
        for seats in [&some[..], &wide] {
            let grid = layout(Rect::new(0, 0, 80, 24), seats, 0).unwrap();
            assert!(matches!(grid.arrangement, Arrangement::Order { .. }));
        }
        let grid = layout(Rect::new(0, 0, 200, 60), &wide, 0).unwrap();
        assert_eq!(grid.arrangement, Arrangement::Seats);
    }
}
