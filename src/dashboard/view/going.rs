//! From page to page, and about on one: which slot, which row, how far down.

use super::keymap::Way;
use super::{Page, Prompt, Sight, View, lots, open_units, walk};
use crate::dashboard::grid::Arrangement;
use crate::event::Unit;
use crate::record::JobFilter;
use crate::station::Snapshot;

/// Farther than any list is long.
pub(super) const FAR: isize = 1 << 30;

impl View {
    pub(super) fn turn_to(&mut self, page: Page) {
        self.page = page;
        self.scroll = 0;
    }

    /// One step towards the bench; there, nothing is selected any more.
    pub(super) fn back(&mut self) {
        match self.page {
            Page::Bench => self.selected = None,
            Page::Story(_) => self.turn_to(Page::Jobs),
            _ => self.turn_to(Page::Bench),
        }
    }

    pub(super) fn open(&mut self, sight: &Sight<'_>) {
        match self.page {
            Page::Bench => match self.selected_index(sight.snapshot) {
                Some(_) => self.turn_to(Page::Detail),
                None => self.prompt = Prompt::SelectFirst,
            },
            Page::Jobs => {
                let jobs = sight.past.job_ids(&self.filter);
                if let Some(job) = self.job.key(&jobs) {
                    self.turn_to(Page::Story(*job));
                }
            }
            // its jobs
            Page::Open => {
                if let Some(unit) = self.unit.key(&open_units(sight.snapshot)) {
                    let text = match unit {
                        Unit::Mac(mac) => mac.to_string(),
                        Unit::Serial(serial) => serial.to_string(),
                    };
                    self.filter = JobFilter {
                        text: Some(text),
                        ..JobFilter::default()
                    };
                    self.turn_to(Page::Jobs);
                }
            }
            Page::Lots => {
                if let Some(lot) = self.lot.key(&lots(sight.snapshot)) {
                    self.filter = JobFilter {
                        lot: Some(lot.clone()),
                        ..JobFilter::default()
                    };
                    self.turn_to(Page::Jobs);
                }
            }
            Page::Detail | Page::Story(_) | Page::Charts | Page::Help | Page::Signs => self.back(),
        }
    }

    /// Moves the selection, or the page under the screen.
    pub(super) fn go(&mut self, way: Way, sight: &Sight<'_>) {
        match (self.page, way) {
            (Page::Bench, way) => self.select(sight.tiles, way, sight.snapshot),
            (_, Way::Up) => self.leaf(-1, sight),
            (_, Way::Down) => self.leaf(1, sight),
            (_, way) => self.beside(way, sight),
        }
    }

    /// The slot before or behind this one, in their order.
    pub(super) fn beside(&mut self, way: Way, sight: &Sight<'_>) {
        if matches!(self.page, Page::Bench | Page::Detail) {
            self.select(Arrangement::Order { columns: 1 }, way, sight.snapshot);
            self.scroll = 0;
        }
    }

    pub(super) fn select(&mut self, tiles: Arrangement, way: Way, snapshot: &Snapshot) {
        let target = walk::tile(snapshot, self.selected_index(snapshot), tiles, way);
        if let Some(slot) = snapshot.slots.get(target) {
            self.selected = Some(slot.slot.clone());
        }
    }

    /// So many rows down a list, or lines down a page.
    pub(super) fn leaf(&mut self, rows: isize, sight: &Sight<'_>) {
        match self.page {
            Page::Bench => {}
            Page::Jobs => self.job.go(&sight.past.job_ids(&self.filter), rows),
            Page::Lots => self.lot.go(&lots(sight.snapshot), rows),
            Page::Open => self.unit.go(&open_units(sight.snapshot), rows),
            Page::Detail | Page::Story(_) | Page::Charts | Page::Help | Page::Signs => {
                let from = self.scroll.min(sight.scroll_limit);
                self.scroll = from.saturating_add_signed(rows).min(sight.scroll_limit);
            }
        }
    }
}
