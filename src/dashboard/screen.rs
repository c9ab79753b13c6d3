//! The terminal as the dashboard holds it: raw, on the alternate screen, given back whatever
//! happens. What is drawn is collected here and written by whoever may wait for a slow terminal.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crossterm::cursor;
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::options::Mouse;

/// Buttons and the wheel (1000) with coordinates of any size (1006), as xterm's control sequences have
/// them: not the motions that crossterm's own command asks for too, which would wake the loop at each.
const TAKE_MOUSE: &str = "\x1b[?1000h\x1b[?1006h";
const GIVE_MOUSE_BACK: &str = "\x1b[?1006l\x1b[?1000l";

type PanicHook = dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync;

/// Holds the terminal; dropping it gives it back.
pub struct Screen {
    held: Arc<Mutex<Held>>,
    previous_hook: Arc<PanicHook>,
}

/// Whose the terminal is. Locked while something is written, so that nothing is written to a terminal
/// that has been given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Ours,
    GivenBack,
}

impl Screen {
    /// Takes the terminal over, and a panic's message too: it is printed after the terminal is
    /// given back.
    pub fn enter(mouse: Mouse) -> io::Result<Screen> {
        terminal::enable_raw_mode()?;
        let held = Arc::new(Mutex::new(Held::Ours));
        let previous_hook: Arc<PanicHook> = Arc::from(std::panic::take_hook());
        let hook = Arc::clone(&previous_hook);
        let at_panic = Arc::clone(&held);
        std::panic::set_hook(Box::new(move |info| {
            give_back(&at_panic);
            hook(info);
        }));
        // from here on the guard undoes it
        let screen = Screen {
            held,
            previous_hook,
        };
        // one that was killed may have left its alternate screen behind, and the first picture only
        // draws what is not blank
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            Clear(ClearType::All),
            cursor::Hide
        )?;
        if mouse == Mouse::Used {
            execute!(io::stdout(), Print(TAKE_MOUSE))?;
        }
        Ok(screen)
    }

    /// Writes to the terminal, however slow it is, off the workers.
    pub async fn write(&self, bytes: Vec<u8>) -> io::Result<()> {
        let held = Arc::clone(&self.held);
        let write = move || {
            let held = held.lock().unwrap_or_else(PoisonError::into_inner);
            match *held {
                Held::Ours => {
                    let mut out = io::stdout().lock();
                    out.write_all(&bytes)?;
                    out.flush()
                }
                Held::GivenBack => Ok(()),
            }
        };
        tokio::task::spawn_blocking(write).await?
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&self.held);
        // a thread that panics may not change the hook, and has no more use for it
        if !std::thread::panicking() {
            let previous = Arc::clone(&self.previous_hook);
            std::panic::set_hook(Box::new(move |info| previous(info)));
        }
    }
}

fn give_back(held: &Mutex<Held>) {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if *held == Held::Ours {
        *held = Held::GivenBack;
        // a terminal that is gone needs nothing back
        // (one whose mouse was not taken does not mind)
        let _ = execute!(
            io::stdout(),
            Print(GIVE_MOUSE_BACK),
            LeaveAlternateScreen,
            cursor::Show
        );
        let _ = terminal::disable_raw_mode();
    }
}

/// What was drawn and not yet written. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Spool {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Spool {
    /// A terminal that draws into a spool.
    pub fn terminal() -> io::Result<(Terminal<CrosstermBackend<Spool>>, Spool)> {
        let spool = Spool::default();
        let terminal = Terminal::new(CrosstermBackend::new(spool.clone()))?;
        Ok((terminal, spool))
    }

    /// Everything since the last call.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
