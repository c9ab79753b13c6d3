//! The live dashboard's loop: snapshots, keys and the passing of seconds in, drawings and requests
//! out. It draws when something has changed and at no other time.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::{Position, Rect};
use tokio::sync::{mpsc, watch};

use super::bell::{Bell, Ring};
use super::draw::{Hit, Scene, draw, hit};
use super::grid::Arrangement;
use super::keyboard::{self, Typed};
use super::options::{Options, Quit, Speaks};
use super::scan::Heard;
use super::screen::{Screen, Spool};
use super::view::{Act, Page, Prompt, View, at_work};
use crate::lang::Caption;
use crate::station::enquiry::Enquirer;
use crate::station::{Answer, Ask, Asker, NotAsked, RequestRefused, Snapshot};

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
    /// Asks of the past.
    #[expect(dead_code, reason = "the views that ask of the past are being built")]
    enquirer: Enquirer,
    /// The answers that are waited for, [`ANSWERS`] at the most.
    answers: FuturesUnordered<Answer>,
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
    Answer(Option<Result<(), RequestRefused>>),
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
        Face {
            terminal,
            snapshot,
            snapshots,
            asker,
            enquirer,
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
                Some(answer) = self.answers.next() => Input::Answer(answer.ok()),
                changed = self.snapshots.changed() => match changed {
                    Ok(()) => Input::Snapshot,
                    Err(_) => Input::Ended,
                },
                asked = ask_shutdown(&self.asker, self.shutdown) => match asked {
                    Some(answer) => Input::ShutdownSent(answer),
                    None => Input::Ended,
                },
                () = caption_changed(&mut self.caption) => Input::Caption,
                _ = second.tick(), if at_work(&self.snapshot) > 0 => Input::Second,
            };
            let next = self.handle(input)?;
            match next {
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
                self.snapshot = Arc::clone(&self.snapshots.borrow_and_update());
                Next::Redraw
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
            Input::Answer(answer) => self.answered(answer),
            Input::ShutdownSent(answer) => {
                self.shutdown = Shutdown::Asked;
                self.answers.push(answer);
                Next::Keep
            }
            Input::Second => Next::Redraw,
        })
    }

    fn ring(&mut self) -> Ring {
        self.bell.hear(&self.snapshot.notices)
    }

    fn scene(&self) -> Scene<'_> {
        scene(&self.snapshot, &self.view, &self.caption, &self.options)
    }

    fn draw(&mut self) -> io::Result<()> {
        let scene = scene(&self.snapshot, &self.view, &self.caption, &self.options);
        self.terminal
            .draw(|frame| draw(&scene, frame.area(), frame.buffer_mut()))
            .map_err(io::Error::other)?;
        Ok(())
    }

    fn heard(&mut self, heard: Heard) -> io::Result<Next> {
        let act = match heard {
            Heard::Key(key) => self.key(key)?,
            Heard::Scan(text) => self.view.scan(text),
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
            Act::Ask(ask) => self.ask(ask),
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
        let caption = self.caption.as_ref().and_then(|caption| *caption.borrow());
        let tiles = super::draw::grid(&self.snapshot, caption, area)
            .map_or(Arrangement::Order { columns: 1 }, |grid| grid.arrangement);
        Ok(self.view.key(key, &self.snapshot, tiles))
    }

    fn ask_shutdown(&mut self) -> Next {
        if self.shutdown == Shutdown::NotAsked {
            self.shutdown = Shutdown::ToAsk;
        }
        Next::Redraw
    }

    fn ask(&mut self, ask: Ask) -> Next {
        if self.answers.len() >= ANSWERS {
            self.view.prompt = Prompt::TryAgain;
            return Next::Redraw;
        }
        match self.asker.try_ask(ask, None) {
            Ok(answer) => self.answers.push(answer),
            Err(NotAsked::QueueFull) => self.view.prompt = Prompt::TryAgain,
            // the watch tells that the station has ended
            Err(NotAsked::StationGone) => {}
        }
        Next::Redraw
    }

    fn answered(&mut self, answer: Option<Result<(), RequestRefused>>) -> Next {
        match answer {
            Some(Err(refused)) => {
                self.view.prompt = Prompt::Refused(refused);
                Next::Redraw
            }
            // what was asked shows on the slot
            Some(Ok(())) | None => Next::Keep,
        }
    }
}

/// What is shown at this moment; of parts, since the terminal is borrowed beside them.
fn scene<'a>(
    snapshot: &'a Snapshot,
    view: &'a View,
    caption: &Option<watch::Receiver<Option<Caption>>>,
    options: &'a Options,
) -> Scene<'a> {
    Scene {
        snapshot,
        view,
        caption: caption.as_ref().and_then(|caption| *caption.borrow()),
        colour: options.colour,
        signs: options.signs,
        zone: &options.zone,
        now: jiff::Timestamp::now(),
    }
}

/// Asks for the shutdown that is still to be asked; `None` where the station is gone.
async fn ask_shutdown(asker: &Asker, shutdown: Shutdown) -> Option<Answer> {
    match shutdown {
        Shutdown::ToAsk => asker.ask(Ask::Shutdown).await,
        Shutdown::NotAsked | Shutdown::Asked => std::future::pending().await,
    }
}

/// Returns when the caption is another one; never again when its sender is gone.
async fn caption_changed(caption: &mut Option<watch::Receiver<Option<Caption>>>) {
    if let Some(receiver) = caption
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests;
