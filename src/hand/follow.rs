//! Follows one port: what is known of it, and where it comes back after a reset took it away.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::port::{PortChange, PortInfo, Ports};

/// The port, followed for as long as this lives.
pub(super) struct Followed {
    pub(super) presence: watch::Receiver<Option<PortInfo>>,
    task: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Looks at the machine's ports once, and then at how they change. A port that nobody announces is what
/// its path says.
pub(super) async fn follow(ports: &Arc<dyn Ports>, path: &Path) -> Followed {
    let mut changes = ports.watch();
    let found = match changes.recv().await {
        Some(PortChange::Present(ports)) => ports.into_iter().find(|port| port.path == path),
        _ => None,
    };
    let port = found.unwrap_or_else(|| PortInfo::at(path));
    let (sender, presence) = watch::channel(Some(port.clone()));
    let task = tokio::spawn(async move {
        let mut at = port;
        while let Some(change) = changes.recv().await {
            match change {
                PortChange::Appeared(port) if is_at_the_same_place(&at, &port) => {
                    at = port.clone();
                    sender.send_replace(Some(port));
                }
                PortChange::Vanished(path) if path == at.path => {
                    sender.send_replace(None);
                }
                _ => {}
            }
        }
        // who watches no more still has the port that was there last
        std::future::pending::<()>().await;
    });
    Followed { presence, task }
}

fn is_at_the_same_place(before: &PortInfo, now: &PortInfo) -> bool {
    before.path == now.path || (before.usb_path.is_some() && before.usb_path == now.usb_path)
}
