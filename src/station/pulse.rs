//! Whether the floor still turns, for a watchdog: asked of the floor itself, which answers once the
//! dispatcher has handled an input. Leaves out who is told.

use tokio::sync::{mpsc, oneshot};

/// Feels the floor's pulse. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pulse {
    beats: mpsc::Sender<Beat>,
}

/// Where the floor says that it has turned.
pub type Beat = oneshot::Sender<()>;

impl Pulse {
    /// A pulse, and what the floor takes its beats from.
    pub fn new() -> (Pulse, mpsc::Receiver<Beat>) {
        let (beats, asked) = mpsc::channel(1);
        (Pulse { beats }, asked)
    }

    /// Waits until the floor has turned once more: as long as that takes. `false`: the station has ended.
    pub async fn beat(&self) -> bool {
        let (beat, turned) = oneshot::channel();
        self.beats.send(beat).await.is_ok() && turned.await.is_ok()
    }
}
