//! What `slots learn` makes of ports that come and go and of keys: a state machine that is told the time.
//! Ports and keys in, words out; at the end, which place of the bench is where on USB. Leaves out the
//! terminal, the station file, and every port that is not on USB: it opens none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::event::{SlotId, UsbPath};
use crate::port::{PortChange, PortInfo};
use crate::settings::Seat;

/// A place that comes back sooner than this was never left: contacts bounce, and bridges start anew.
const BOUNCE: Duration = Duration::from_millis(1_500);

/// Which places are asked for, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// Row by row, each from the left.
    Grid { rows: u16, columns: u16 },
    /// So many, wherever they are.
    Count(u32),
    /// Until someone says that it was the last.
    Open,
}

impl Bench {
    fn places(self) -> Option<u32> {
        match self {
            Bench::Grid { rows, columns } => Some(u32::from(rows) * u32::from(columns)),
            Bench::Count(count) => Some(count),
            Bench::Open => None,
        }
    }

    /// The place with this number, counted from 1.
    fn seat(self, number: u32) -> Option<Seat> {
        let Bench::Grid { columns, .. } = self else {
            return None;
        };
        let index = number - 1;
        let [row, column] = [index / u32::from(columns), index % u32::from(columns)];
        // both are below what `Grid` counts in u16
        Some(Seat {
            row: row as u16 + 1,
            column: column as u16 + 1,
        })
    }
}

/// What an adapter with several lines comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interfaces {
    /// Someone is asked which line is the place.
    Ask,
    /// Each line is a place, in their order.
    Each,
}

/// How a lesson is given.
#[derive(Debug, Clone)]
pub struct Terms {
    pub bench: Bench,
    pub interfaces: Interfaces,
    /// How long a port must have been there to count.
    pub settle: Duration,
    /// The slots on USB that the station file has.
    pub known: Vec<(UsbPath, SlotId)>,
}

/// What someone at the bench says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// This place stays without a slot.
    Skip,
    /// Forget the last place.
    Undo,
    Finish,
    /// One of an adapter's lines, counted from 1.
    Line(u32),
    /// All of an adapter's lines.
    All,
    Yes,
    No,
}

/// A place whose slot is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// Counted from 1.
    pub number: u32,
    pub seat: Option<Seat>,
    pub place: UsbPath,
}

/// The lesson.
#[derive(Debug)]
pub struct Lesson {
    terms: Terms,
    /// Learned and skipped places in their order.
    done: Vec<(u32, Option<Learned>)>,
    state: State,
    /// What is plugged in: node → port.
    present: BTreeMap<PathBuf, Line>,
    /// Nodes that came and have not been there long enough.
    fresh: BTreeSet<PathBuf>,
    /// When the last of them came.
    came: Option<Instant>,
    /// When places were last left.
    left: BTreeMap<UsbPath, Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Asking,
    /// An adapter has several lines: which is it?
    Which(Vec<Line>),
    /// There are no more places.
    Full,
    Ended,
}

/// A serial line on USB.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    place: UsbPath,
    node: PathBuf,
    description: String,
}

impl Line {
    /// The device that it belongs to: its place without the interface.
    fn device(&self) -> &str {
        let place = self.place.0.as_str();
        place.rsplit_once(':').map_or(place, |(device, _)| device)
    }
}

impl Lesson {
    pub fn new(terms: Terms) -> Lesson {
        let mut lesson = Lesson {
            terms,
            done: Vec::new(),
            state: State::Asking,
            present: BTreeMap::new(),
            fresh: BTreeSet::new(),
            came: None,
            left: BTreeMap::new(),
        };
        lesson.advance();
        lesson
    }

    /// When [`Lesson::tick`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        self.came.map(|came| came + self.terms.settle)
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Ended
    }

    /// The places that were learned, in their order.
    pub fn learned(self) -> Vec<Learned> {
        self.done
            .into_iter()
            .filter_map(|(_, learned)| learned)
            .collect()
    }

    /// What is asked now.
    pub fn question(&self) -> String {
        match &self.state {
            State::Asking => format!("{}: plug a board in.", self.place_words()),
            State::Which(lines) => {
                let mut text = String::from("This adapter has several lines:\n");
                for (number, line) in (1..).zip(lines) {
                    text += &format!("  {number}  {}\n", words(line));
                }
                let place = self.place_words();
                text + &format!(
                    "Which one is {}? Its number; a: each is a place, from this one on; s: none.",
                    first_small(&place)
                )
            }
            State::Full => "All places are through. q: write and end   u: undo the last".to_owned(),
            State::Ended => String::new(),
        }
    }

    /// No key will come any more: nothing is left to wait for once every place is through, or where
    /// only a key could have said which is the last.
    pub fn keys_gone(&mut self) -> Vec<String> {
        if let State::Which(_) = self.state {
            self.state = State::Asking;
            return vec![
                "Nobody is there to say which line it is: say --each-interface.".to_owned(),
            ];
        }
        if self.state == State::Full || self.terms.bench == Bench::Open {
            self.state = State::Ended;
        }
        Vec::new()
    }

    pub fn key(&mut self, key: Key) -> Vec<String> {
        match (&self.state, key) {
            (State::Ended, _) => Vec::new(),
            (_, Key::Finish) => {
                self.state = State::Ended;
                Vec::new()
            }
            (State::Which(_), Key::Skip | Key::Undo | Key::No) => {
                self.state = State::Asking;
                vec!["This adapter is left out.".to_owned()]
            }
            (State::Which(lines), Key::All) => {
                let lines = lines.clone();
                self.state = State::Asking;
                self.learn_each(&lines)
            }
            (State::Which(lines), Key::Line(number)) => {
                let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
                match index.and_then(|index| lines.get(index)).cloned() {
                    Some(line) => {
                        self.state = State::Asking;
                        vec![self.learn(&line)]
                    }
                    None => vec![format!("It has no line {number}.")],
                }
            }
            (State::Asking, Key::Skip) => {
                let number = self.number();
                self.done.push((number, None));
                self.advance();
                vec![format!("Place {number} is skipped.")]
            }
            (State::Asking | State::Full, Key::Undo) => match self.done.pop() {
                Some((number, _)) => {
                    self.state = State::Asking;
                    vec![format!("Place {number} is forgotten.")]
                }
                None => vec!["There is nothing to undo.".to_owned()],
            },
            _ => Vec::new(),
        }
    }

    pub fn port(&mut self, now: Instant, change: PortChange) -> Vec<String> {
        match change {
            PortChange::Present(ports) => {
                let mut said = Vec::new();
                for port in ports {
                    match line(&port) {
                        Some(line) => {
                            self.present.insert(line.node.clone(), line);
                        }
                        None => said.push(no_place(&port)),
                    }
                }
                said
            }
            PortChange::Appeared(port) => {
                let Some(line) = line(&port) else {
                    return vec![no_place(&port)];
                };
                let node = line.node.clone();
                let is_bounce = |left: &Instant| now.duration_since(*left) < BOUNCE;
                let bounced = self.left.get(&line.place).is_some_and(is_bounce)
                    && self.number_of(&line.place).is_some();
                self.present.insert(node.clone(), line);
                if !bounced {
                    self.fresh.insert(node);
                    self.came = Some(now);
                }
                Vec::new()
            }
            PortChange::Vanished(node) => {
                self.fresh.remove(&node);
                if self.fresh.is_empty() {
                    self.came = None;
                }
                if let Some(line) = self.present.remove(&node) {
                    self.left.insert(line.place, now);
                }
                Vec::new()
            }
        }
    }

    /// What came has been there long enough.
    pub fn tick(&mut self, now: Instant) -> Vec<String> {
        if self.due().is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.came = None;
        let fresh = std::mem::take(&mut self.fresh);
        let mut devices: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        for line in fresh.iter().filter_map(|node| self.present.get(node)) {
            let lines = devices.entry(line.device().to_owned()).or_default();
            lines.push(line.clone());
        }
        let mut devices = devices.into_values();
        match (devices.next(), devices.next()) {
            (None, _) => Vec::new(),
            (Some(lines), None) => self.device(lines),
            (Some(one), Some(two)) => {
                let names: Vec<String> = [one, two]
                    .into_iter()
                    .chain(devices)
                    .filter_map(|lines| lines.first().map(|line| line.place.short()))
                    .collect();
                vec![format!(
                    "Several came at once ({}): pull them, then plug in one after the other.",
                    names.join(", ")
                )]
            }
        }
    }

    /// One adapter is there.
    fn device(&mut self, mut lines: Vec<Line>) -> Vec<String> {
        lines.sort_by(|one, two| one.place.cmp(&two.place));
        let told: Vec<String> = lines
            .iter()
            .filter_map(|line| {
                let number = self.number_of(&line.place)?;
                Some(format!("That is place {number} already ({}).", words(line)))
            })
            .collect();
        if !told.is_empty() {
            return told;
        }
        match (&self.state, &lines[..]) {
            (State::Asking, [line]) => {
                let line = line.clone();
                vec![self.learn(&line)]
            }
            (State::Asking, _) if self.terms.interfaces == Interfaces::Each => {
                self.learn_each(&lines)
            }
            (State::Asking, _) => {
                self.state = State::Which(lines);
                Vec::new()
            }
            (State::Which(_), _) => vec!["First say which line of the adapter it is.".to_owned()],
            (State::Full, _) => lines
                .iter()
                .map(|line| format!("No place is left for {}.", words(line)))
                .collect(),
            (State::Ended, _) => Vec::new(),
        }
    }

    fn learn_each(&mut self, lines: &[Line]) -> Vec<String> {
        let mut said = Vec::new();
        for line in lines {
            if self.state != State::Asking {
                said.push(format!("No place is left for {}.", words(line)));
                continue;
            }
            said.push(self.learn(line));
        }
        said
    }

    /// The place that is asked for is where this line is.
    fn learn(&mut self, line: &Line) -> String {
        let number = self.number();
        let place = self.place_words();
        let known = self.terms.known.iter();
        let name = known
            .clone()
            .find(|(place, _)| *place == line.place)
            .map(|(_, name)| format!(", slot {name} of the station file"))
            .unwrap_or_default();
        self.done.push((
            number,
            Some(Learned {
                number,
                seat: self.terms.bench.seat(number),
                place: line.place.clone(),
            }),
        ));
        self.advance();
        format!("{place} is {}{name}.", words(line))
    }

    fn advance(&mut self) {
        let places = self.terms.bench.places();
        if places.is_some_and(|places| self.number() > places) {
            self.state = State::Full;
        }
    }

    /// The place that is asked for.
    fn number(&self) -> u32 {
        self.done.last().map_or(1, |(number, _)| number + 1)
    }

    fn number_of(&self, place: &UsbPath) -> Option<u32> {
        let learned = self.done.iter().filter_map(|(_, learned)| learned.as_ref());
        learned
            .into_iter()
            .find(|learned| learned.place == *place)
            .map(|learned| learned.number)
    }

    fn place_words(&self) -> String {
        let number = self.number();
        match self.terms.bench.seat(number) {
            Some(Seat { row, column }) => format!("Place {number} (row {row}, column {column})"),
            None => format!("Place {number}"),
        }
    }
}

fn line(port: &PortInfo) -> Option<Line> {
    Some(Line {
        place: port.usb_path.clone()?,
        node: port.path.clone(),
        description: port.description.clone(),
    })
}

fn words(line: &Line) -> String {
    let node = line.node.display();
    match line.description.as_str() {
        "" => format!("{} ({node})", line.place.short()),
        description => format!("{} ({node}, {description})", line.place.short()),
    }
}

fn no_place(port: &PortInfo) -> String {
    format!(
        "{} ({}) has no place on USB that could be learned: give its slot `path` in the station file.",
        port.path.display(),
        port.description
    )
}

/// As it stands within a sentence.
fn first_small(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(0..1) {
        first.make_ascii_lowercase();
    }
    text
}

#[cfg(test)]
mod tests;
