//! A board in a place: the model behind a lock, what others may see and wait for, and pulling it out.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::chip::Mac;
use crate::port::Inputs;
use crate::sim::board::{Board, BoardState};
use crate::sim::spec::{BoardSpec, Wiring};
use crate::sim::wire::Moment;

/// A board and the clock that its moments count from. Outlives being pulled out.
#[derive(Debug)]
pub struct Core {
    board: Mutex<Board>,
    epoch: Instant,
}

impl Core {
    pub fn new(board: Board) -> Arc<Core> {
        Arc::new(Core {
            board: Mutex::new(board),
            // tokio's clock: the machine's, unless a test has paused it
            epoch: Instant::now(),
        })
    }

    /// How the board's lines are wired, as its spec says.
    pub fn wiring(&self) -> Wiring {
        self.lock().spec().wiring
    }

    /// Gives a board that was pulled power again.
    pub fn power_on(&self) {
        self.lock().power_on(self.epoch.elapsed());
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        // a panic in one test's closure leaves the model as it was
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Condition = Box<dyn Fn(&BoardState) -> bool + Send>;
type Unplug = Box<dyn Fn() + Send + Sync>;

/// A board that is plugged in somewhere.
pub struct Plug {
    core: Arc<Core>,
    path: PathBuf,
    wiring: Wiring,
    state: watch::Sender<BoardState>,
    /// CTS and DSR of the port.
    inputs: watch::Sender<Inputs>,
    /// Pulling it has begun; `BoardState::pulled` tells that it is over, the port gone.
    going: AtomicBool,
    /// Held while it is pulled: who pulls it a second time returns when the port is gone.
    pulling: Mutex<()>,
    pull_when: Mutex<Option<Condition>>,
    /// Takes the port away; called once.
    unplug: Unplug,
}

impl std::fmt::Debug for Plug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plug").field("path", &self.path).finish()
    }
}

impl Plug {
    /// `unplug` makes the port vanish.
    pub fn new(core: Arc<Core>, path: PathBuf, wiring: Wiring, unplug: Unplug) -> Arc<Plug> {
        let plug = Plug {
            core,
            path,
            wiring,
            state: watch::Sender::new(BoardState::default()),
            inputs: watch::Sender::new(Inputs::default()),
            going: AtomicBool::new(false),
            pulling: Mutex::new(()),
            pull_when: Mutex::new(None),
            unplug,
        };
        // its state is to be seen from the start
        plug.with(Board::advance);
        Arc::new(plug)
    }

    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub fn is_pulled(&self) -> bool {
        self.going.load(Ordering::Acquire)
    }

    /// Works on the board now; `None` once it is pulled. Those who wait for a state are told, and the
    /// script that pulls it is asked.
    pub fn with<R>(&self, work: impl FnOnce(&mut Board, Moment) -> R) -> Option<R> {
        if self.is_pulled() {
            return None;
        }
        let mut board = self.core.lock();
        let result = work(&mut board, self.core.epoch.elapsed());
        let seen = board.state();
        drop(board);
        self.state.send_if_modified(|state| {
            let next = BoardState {
                open: state.open,
                sessions: state.sessions,
                pulled: state.pulled,
                ..seen
            };
            std::mem::replace(state, next) != next
        });
        self.ask_script();
        Some(result)
    }

    /// A client opened the port: what the board said before that is lost.
    pub fn opened(&self) {
        self.with(|board, now| {
            board.rewire(now, self.wiring);
            board.clear_received(now);
        });
        self.state
            .send_if_modified(|state| !std::mem::replace(&mut state.open, true));
        self.ask_script();
    }

    /// The last client closed it.
    pub fn closed(&self) {
        self.with(Board::close);
        self.state.send_modify(|state| {
            state.open = false;
            state.sessions += 1;
        });
    }

    /// When the board has something to say or to do next.
    pub fn next_due(&self) -> Option<Instant> {
        let due = self.core.lock().next_due()?;
        Some(self.core.epoch + due)
    }

    /// When the board does something of its own next, whoever listens.
    fn next_work(&self) -> Option<Instant> {
        let due = self.core.lock().next_event()?;
        Some(self.core.epoch + due)
    }

    /// Returns when the port is gone, whoever pulled it.
    pub fn pull(&self) {
        let _one_at_a_time = self.pulling.lock().unwrap_or_else(PoisonError::into_inner);
        if self.going.swap(true, Ordering::AcqRel) {
            return;
        }
        self.core.lock().power_off(self.core.epoch.elapsed());
        (self.unplug)();
        // last: who waits for it may put another board there at once
        self.state.send_modify(|state| {
            state.open = false;
            state.pulled = true;
        });
    }

    pub fn watch(&self) -> watch::Receiver<BoardState> {
        self.state.subscribe()
    }

    /// CTS and DSR now; `None` where the port has no lines.
    pub fn inputs(&self) -> Option<Inputs> {
        (self.wiring != Wiring::Strapped).then(|| *self.inputs.borrow())
    }

    pub fn watch_inputs(&self) -> watch::Receiver<Inputs> {
        self.inputs.subscribe()
    }

    fn ask_script(&self) {
        let state = *self.state.borrow();
        let mut script = self
            .pull_when
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let fires = !self.is_pulled() && script.as_ref().is_some_and(|when| when(&state));
        if fires {
            *script = None;
        }
        drop(script);
        if fires {
            self.pull();
        }
    }
}

/// A plugged board, wherever it is plugged. Dropping the handle leaves the board plugged.
#[derive(Debug, Clone)]
pub struct BoardHandle {
    pub(super) plug: Arc<Plug>,
}

impl BoardHandle {
    /// The path of its port (the symlink), or its `rfc2217://` URL.
    pub fn path(&self) -> PathBuf {
        self.plug.path.clone()
    }

    pub fn mac(&self) -> Mac {
        self.plug.core.lock().spec().mac
    }

    /// Pulls the board out now: the port vanishes, power is gone, what is in flash stays.
    pub fn pull(&self) {
        self.plug.pull();
    }

    /// Pulls the board out at the first moment when `when` holds. It is asked after each piece of the
    /// board's own work (a block written), so it does not depend on when a script gets to run.
    pub fn pull_when(&self, when: impl Fn(&BoardState) -> bool + Send + 'static) {
        *self
            .plug
            .pull_when
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Box::new(when));
        self.plug.ask_script();
    }

    /// Puts another board into the jig: the port, which is the jig's, stays.
    pub fn exchange(&self, spec: BoardSpec) {
        self.plug.with(|board, now| board.replace(now, spec));
    }

    /// Moves the switches of its jig, on the port's CTS and DSR. Without effect where the port has no lines.
    pub fn set_inputs(&self, inputs: Inputs) {
        self.plug.inputs.send_replace(inputs);
    }

    /// The whole flash as it is now.
    pub fn flash(&self) -> Vec<u8> {
        self.plug.core.lock().flash()
    }

    /// How the board is now.
    pub fn state(&self) -> BoardState {
        self.plug.with(Board::advance);
        *self.plug.state.borrow()
    }

    /// Waits until the state is so, and returns it. The board's time goes on meanwhile, whether or not
    /// a client has its port open.
    pub async fn wait_until(&self, mut when: impl FnMut(&BoardState) -> bool) -> BoardState {
        let mut states = self.plug.watch();
        loop {
            let state = self.state();
            if when(&state) {
                return state;
            }
            states.mark_unchanged();
            // the state may have changed between the two lines above
            if *states.borrow() != state {
                continue;
            }
            let due = match state.pulled {
                true => None,
                false => self.plug.next_work(),
            };
            let board = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // an error cannot be: the plug holds the sender
                _ = states.changed() => {}
                () = board => {}
            }
        }
    }
}
