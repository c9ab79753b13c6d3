//! The live dashboard's loop: snapshots, keys and the passing of seconds in, drawings and requests
//! out. It draws when something has changed and at no other time.

mod waits;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::{Position, Rect};
use tokio::sync::{mpsc, oneshot, watch};

use self::waits::{Waited, ask_shutdown, caption_changed, due, found};
use super::bell::{Bell, Ring};
use super::draw::{Hit, Scene, draw, hit};
use super::grid::Arrangement;
use super::keyboard::{self, Typed};
use super::options::{Options, Quit, Speaks};
use super::past::Past;
use super::scan::Heard;
use super::screen::{Screen, Spool};
use super::view::{Act, Errand, From, Page, Prompt, Sight, View, at_work};
use crate::lang::Caption;
use crate::station::enquiry::{Enquirer, Found, NotFound};
use crate::station::{Answer, Asker, NotAsked, RequestRefused, Snapshot};

/// Shows the station on the terminal until it has ended. `q` asks it to; the terminal is given back
/// on every way out.
pub async fn tui(
    snapshots: watch::Receiver<Arc<Snapshot>>,
    asker: Asker,
    enquirer: Enquirer,
    options: Options,
) -> io::Result<()> {
    let screen = Screen::enter(options.mouse)?;
    let (terminal, spool) = Spool::terminal()?;
    let face = Face::new(terminal, snapshots, asker, enquirer, options);
    let written = async |ring| {
        let mut bytes = spool.take();
        if ring == Ring::Once {
            bytes.push(b'\x07');
        }
        screen.write(bytes).await
    };
    face.run(EventStream::new(), written).await
}

struct Face<B: Backend> {
    terminal: Terminal<B>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    snapshot: Arc<Snapshot>,
    asker: Asker,
    enquirer: Enquirer,
    /// The answer about the past that is waited for.
    enquiry: Option<oneshot::Receiver<Result<Found, NotFound>>>,
    past: Past,
    /// The answers that are waited for, [`ANSWERS`] at the most.
    answers: FuturesUnordered<Waited>,
    /// A shutdown that the station's full queue has not taken yet.
    shutdown: Shutdown,
    keyboard: Keyboard,
    caption: Option<watch::Receiver<Option<Caption>>>,
    bell: Bell,
    options: Options,
    view: View,
}

/// A station that owes so many answers is asked nothing more.
const ANSWERS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shutdown {
    NotAsked,
    ToAsk,
    Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keyboard {
    There,
    Gone,
}

/// What can happen to a face.
#[derive(Debug)]
enum Input {
    Snapshot,
    /// The station is gone.
    Ended,
    Typed(Typed),
    /// And with the keyboard the terminal.
    KeyboardGone,
    /// `None`: the station dropped the question.
    Answer(From, Option<Result<(), RequestRefused>>),
    /// An answer about the past.
    Found(Result<Found, NotFound>),
    /// Nobody has typed into a dialog for too long.
    Lapsed,
    ShutdownSent(Answer),
    Caption,
    /// Another second has passed on the jobs' clocks.
    Second,
}

/// What a round of the loop comes to.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Keep,
    Redraw,
    /// The station has ended: draw a last time and leave.
    Ended,
    Leave,
}

impl<B: Backend> Face<B>
where
    B::Error: Send + Sync + 'static,
{
    fn new(
        terminal: Terminal<B>,
        mut snapshots: watch::Receiver<Arc<Snapshot>>,
        asker: Asker,
        enquirer: Enquirer,
        options: Options,
    ) -> Face<B> {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let mut past = Past::default();
        past.courses.look(&snapshot);
        Face {
            terminal,
            snapshot,
            snapshots,
            asker,
            enquirer,
            enquiry: None,
            past,
            answers: FuturesUnordered::new(),
            shutdown: Shutdown::NotAsked,
            keyboard: Keyboard::There,
            caption: options.caption.clone(),
            bell: Bell::new(options.bell.clone(), jiff::Timestamp::now()),
            view: View {
                speaks: options.speaks,
                prompt: match options.speaks {
                    Speaks::EnglishInstead => Prompt::EnglishOnly,
                    Speaks::Both | Speaks::EnglishOnly => Prompt::Keys,
                },
                ..View::new(options.language, options.quit)
            },
            options,
        }
    }

    /// `written` carries what was drawn to the terminal; what is typed meanwhile is read all the same.
    async fn run(
        self,
        events: impl Stream<Item = io::Result<Event>> + Unpin,
        written: impl AsyncFnMut(Ring) -> io::Result<()>,
    ) -> io::Result<()> {
        let (queue, typed) = keyboard::queue();
        let reading = async {
            keyboard::read(events, queue).await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            never = reading => match never {},
            ended = self.attend(typed, written) => ended,
        }
    }

    async fn attend(
        mut self,
        mut typed: mpsc::Receiver<io::Result<Typed>>,
        mut written: impl AsyncFnMut(Ring) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        self.draw()?;
        written(self.ring()).await?;
        loop {
            let input = tokio::select! {
                biased;
                typed = typed.recv(), if self.keyboard == Keyboard::There => match typed {
                    Some(typed) => Input::Typed(typed?),
                    None => Input::KeyboardGone,
                },
                Some((from, answer)) = self.answers.next() => Input::Answer(from, answer),
                changed = self.snapshots.changed() => match changed {
                    Ok(()) => Input::Snapshot,
                    Err(_) => Input::Ended,
                },
                asked = ask_shutdown(&self.asker, self.shutdown) => match asked {
                    Some(answer) => Input::ShutdownSent(answer),
                    None => Input::Ended,
                },
                found = found(&mut self.enquiry) => Input::Found(found),
                () = due(self.view.due()) => Input::Lapsed,
                () = caption_changed(&mut self.caption) => Input::Caption,
                _ = second.tick(), if at_work(&self.snapshot) > 0 => Input::Second,
            };
            let next = self.handle(input)?;
            match self.enquire(next) {
                Next::Keep => {}
                Next::Redraw => {
                    self.draw()?;
                    written(self.ring()).await?;
                }
                Next::Ended => {
                    self.draw()?;
                    return written(self.ring()).await;
                }
                Next::Leave => return Ok(()),
            }
        }
    }

    fn handle(&mut self, input: Input) -> io::Result<Next> {
        Ok(match input {
            // a caption is never shown beside a snapshot that is older than it
            Input::Snapshot | Input::Caption => {
                let is_news = matches!(input, Input::Caption);
                let newest = Arc::clone(&self.snapshots.borrow_and_update());
                let before = std::mem::replace(&mut self.snapshot, newest);
                self.past.courses.look(&self.snapshot);
                match is_news || !self.snapshot.shows_the_same(&before) {
                    true => Next::Redraw,
                    false => Next::Keep,
                }
            }
            Input::Ended => {
                self.snapshot = Arc::clone(&self.snapshots.borrow());
                Next::Ended
            }
            Input::Typed(Typed::Heard(heard)) => self.heard(heard)?,
            Input::Typed(Typed::Event(Event::Resize(..))) => Next::Redraw,
            Input::Typed(Typed::Event(Event::Mouse(mouse))) => {
                let act = self.mouse(mouse)?;
                self.act(act)
            }
            Input::Typed(Typed::Event(_)) => Next::Keep,
            Input::KeyboardGone => {
                self.keyboard = Keyboard::Gone;
                match self.options.quit {
                    Quit::LeaveOnly => Next::Leave,
                    Quit::AtOnce | Quit::AskWhenBusy => self.ask_shutdown(),
                }
            }
            Input::Answer(from, answer) => self.answered(from, answer),
            Input::Found(found) => {
                self.enquiry = None;
                self.past.found(found);
                Next::Redraw
            }
            Input::Lapsed => {
                let act = self.view.lapse(now());
                self.act(act)
            }
            Input::ShutdownSent(answer) => {
                self.shutdown = Shutdown::Asked;
                let from = From::Key;
                self.answers.push(Waited { from, answer });
                Next::Keep
            }
            Input::Second => Next::Redraw,
        })
    }

    fn ring(&mut self) -> Ring {
        self.bell.hear(&self.snapshot.notices)
    }

    fn scene(&self) -> Scene<'_> {
        scene(
            &self.snapshot,
            &self.view,
            &self.past,
            &self.caption,
            &self.options,
        )
    }

    fn draw(&mut self) -> io::Result<()> {
        let scene = scene(
            &self.snapshot,
            &self.view,
            &self.past,
            &self.caption,
            &self.options,
        );
        self.terminal
            .draw(|frame| draw(&scene, frame.area(), frame.buffer_mut()))
            .map_err(io::Error::other)?;
        Ok(())
    }

    fn heard(&mut self, heard: Heard) -> io::Result<Next> {
        let act = match heard {
            Heard::Key(key) => self.key(key)?,
            Heard::Scan(text) => self.view.scan(text, now()),
            Heard::CutShort => {
                self.view.prompt = Prompt::ScanCutShort;
                Act::Redraw
            }
        };
        Ok(self.act(act))
    }

    fn act(&mut self, act: Act) -> Next {
        match act {
            Act::Nothing => Next::Keep,
            Act::Redraw => Next::Redraw,
            Act::Leave => Next::Leave,
            Act::Shutdown => self.ask_shutdown(),
            Act::Ask(errand) => self.ask(errand),
        }
    }

    fn area(&self) -> io::Result<Rect> {
        let size = self.terminal.size().map_err(io::Error::other)?;
        Ok(Rect::new(0, 0, size.width, size.height))
    }

    /// A click is what lies under it; the wheel is the arrows, where they scroll.
    fn mouse(&mut self, mouse: MouseEvent) -> io::Result<Act> {
        let area = self.area()?;
        let at = Position::new(mouse.column, mouse.row);
        let scroll = |face: &mut Self, code| match face.view.page {
            Page::Bench => Ok(Act::Nothing),
            _ => face.key(KeyEvent::from(code)),
        };
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => match hit(&self.scene(), area, at) {
                Hit::Nothing => Ok(Act::Nothing),
                Hit::Key(key) => self.key(key),
                Hit::Tile(index) => {
                    let slot = self.snapshot.slots[index].slot.clone();
                    Ok(self.view.click(&slot))
                }
            },
            MouseEventKind::ScrollUp => scroll(self, KeyCode::Up),
            MouseEventKind::ScrollDown => scroll(self, KeyCode::Down),
            _ => Ok(Act::Nothing),
        }
    }

    fn key(&mut self, key: KeyEvent) -> io::Result<Act> {
        let area = self.area()?;
        let scene = self.scene();
        let tiles = super::draw::grid(&scene, area)
            .map_or(Arrangement::Order { columns: 1 }, |grid| grid.arrangement);
        let (rows, scroll_limit) = super::draw::extent(&scene, area);
        let sight = Sight {
            snapshot: &self.snapshot,
            past: &self.past,
            by: self.asker.by(),
            tiles,
            rows,
            scroll_limit,
            now: now(),
        };
        let before = self.view.page;
        let act = self.view.key(key, &sight);
        if self.view.page != before {
            self.past.forget_faults();
        }
        Ok(act)
    }

    /// Asks of the past what the page on show needs, one thing at a time.
    fn enquire(&mut self, next: Next) -> Next {
        match self.past.wanted(&self.view, &self.snapshot) {
            Some(question) => match self.enquirer.try_ask(question) {
                Ok(answer) => {
                    self.enquiry = Some(answer);
                    next
                }
                Err(why) => {
                    self.past.found(Err(why));
                    match next {
                        Next::Keep => Next::Redraw,
                        next => next,
                    }
                }
            },
            None => next,
        }
    }

    fn ask_shutdown(&mut self) -> Next {
        if self.shutdown == Shutdown::NotAsked {
            self.shutdown = Shutdown::ToAsk;
        }
        Next::Redraw
    }

    fn ask(&mut self, errand: Errand) -> Next {
        let Errand { ask, warrant, from } = errand;
        if self.answers.len() >= ANSWERS {
            self.view.not_asked(from);
            return Next::Redraw;
        }
        match self.asker.try_ask(ask, warrant) {
            Ok(answer) => self.answers.push(Waited { from, answer }),
            Err(NotAsked::QueueFull) => self.view.not_asked(from),
            // the watch tells that the station has ended
            Err(NotAsked::StationGone) => {}
        }
        Next::Redraw
    }

    fn answered(&mut self, from: From, answer: Option<Result<(), RequestRefused>>) -> Next {
        match answer {
            Some(answer) => {
                let act = self.view.answered(from, answer);
                self.act(act)
            }
            // a request that a station dropped may be made once more
            None => {
                self.view.not_asked(from);
                Next::Redraw
            }
        }
    }
}

/// The clock of the dialogs.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// What is shown at this moment; of parts, since the terminal is borrowed beside them.
fn scene<'a>(
    snapshot: &'a Snapshot,
    view: &'a View,
    past: &'a Past,
    caption: &Option<watch::Receiver<Option<Caption>>>,
    options: &'a Options,
) -> Scene<'a> {
    Scene {
        snapshot,
        view,
        past,
        caption: caption.as_ref().and_then(|caption| *caption.borrow()),
        colour: options.colour,
        signs: options.signs,
        zone: &options.zone,
        now: jiff::Timestamp::now(),
    }
}

#[cfg(test)]
mod tests;
