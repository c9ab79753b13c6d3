//! The ports of this machine: looks, compares with what it saw before, tells what changed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use super::hints::{self, Folders};
use super::scan::{Found, Roots, scan};
use super::{OpenError, Pending, Port, PortChange, PortInfo, Ports, Sharing, net, tty};
use crate::settings::NetPort;

/// The ports of this machine: every serial line on USB, and the configured paths.
#[derive(Debug, Clone)]
pub struct SystemPorts {
    /// Paths of devices.
    configured: Vec<PathBuf>,
    /// Network ports, told under their URLs.
    servers: Vec<PathBuf>,
    roots: Roots,
    rescan: Duration,
    hints: hints::Open,
}

/// Hints may be missed, and may not exist: so often it looks in any case. (With eight slots all looks
/// together take 0.03 % of a core.)
const RESCAN: Duration = Duration::from_secs(2);

/// A plug makes a handful of events within a few milliseconds: one look answers them all.
const GATHER: Duration = Duration::from_millis(5);

/// A new port that may not be opened is told after this time: until then udev may be about to permit
/// it, and later people should hear of it (by the error of an attempt to open it).
const DENIED_AFTER: Duration = Duration::from_secs(2);

/// Changes that wait to be taken.
const CHANGES: usize = 64;

impl SystemPorts {
    /// `configured` paths may be character devices, ptys or symlinks to them, there or not yet, or URLs
    /// of network ports, which are always there; they are told under the name that they have here. Lines
    /// on USB are told besides, whatever bridge they have ([`super::UsbId::known_bridge`]); one that a
    /// configured path leads to is told once.
    pub fn new(configured: Vec<PathBuf>) -> SystemPorts {
        let is_server = |path: &PathBuf| NetPort::from_path(path).is_some();
        let (servers, configured) = configured.into_iter().partition(is_server);
        SystemPorts {
            configured,
            servers,
            roots: Roots::default(),
            rescan: RESCAN,
            hints: hints::open,
        }
    }

    fn start(&self) -> (mpsc::Receiver<PortChange>, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(CHANGES);
        let watch = watch(self.clone(), sender);
        (receiver, tokio::spawn(watch))
    }
}

impl Ports for SystemPorts {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        // The task ends by itself when the receiver is dropped.
        self.start().0
    }

    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        match NetPort::from_path(&path) {
            Some(net) => Box::pin(net::open(net, path, baud)),
            None => Box::pin(tty::open(path, baud)),
        }
    }

    fn shared(&self) -> Sharing {
        Sharing::WithOtherProcesses
    }
}

async fn watch(ports: SystemPorts, sender: mpsc::Sender<PortChange>) {
    let rescan = ports.rescan;
    let (hints, folders) = (ports.hints)();
    let mut looker = Looker { ports, folders };
    let mut known: Option<Known> = None;
    loop {
        let look = spawn_blocking(move || {
            let found = looker.look();
            (looker, found)
        });
        let Ok((returned, found)) = look.await else {
            // Only the runtime's end takes the blocking threads away.
            return;
        };
        looker = returned;
        let changes = match &mut known {
            Some(known) => known.update(found, Instant::now()),
            None => vec![PortChange::Present(known.insert(Known::new(found)).all())],
        };
        for change in changes {
            tracing::debug!(?change, "ports");
            if sender.send(change).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = sender.closed() => return,
            () = hints.next() => {
                sleep(GATHER).await;
                hints.clear();
            }
            () = sleep(rescan) => {}
        }
    }
}

/// What goes to the blocking thread and back.
struct Looker {
    ports: SystemPorts,
    folders: Folders,
}

impl Looker {
    /// Watch first, then look: what comes in between is seen by both and missed by neither.
    fn look(&mut self) -> Vec<Found> {
        let SystemPorts {
            configured,
            servers,
            roots,
            ..
        } = &self.ports;
        self.folders.watch(&roots.dev, configured);
        let mut found = scan(roots, configured);
        // whether a server can be reached is found out, and told, when it is opened
        found.extend(servers.iter().map(|path| Found {
            permitted: true,
            info: PortInfo {
                description: "serial server".to_owned(),
                ..PortInfo::at(path)
            },
        }));
        found
    }
}

/// The ports that were told, and those that are held back.
#[derive(Debug)]
struct Known {
    told: BTreeMap<PathBuf, PortInfo>,
    /// Not permitted yet: which instance, and since when.
    denied: BTreeMap<PathBuf, (u64, Instant)>,
}

impl Known {
    /// After the first look, which tells everything: whoever was to permit these has done so.
    fn new(found: Vec<Found>) -> Known {
        Known {
            told: found
                .into_iter()
                .map(|found| (found.info.path.clone(), found.info))
                .collect(),
            denied: BTreeMap::new(),
        }
    }

    fn all(&self) -> Vec<PortInfo> {
        self.told.values().cloned().collect()
    }

    /// What is different now, departures first.
    fn update(&mut self, found: Vec<Found>, now: Instant) -> Vec<PortChange> {
        let mut gone = std::mem::take(&mut self.told);
        let denied = std::mem::take(&mut self.denied);
        let mut appeared = Vec::new();
        for Found { info, permitted } in found {
            let path = info.path.clone();
            let same = |before: &PortInfo| before.instance == info.instance;
            if let Some(before) = gone.remove(&path) {
                if same(&before) {
                    self.told.insert(path, before);
                    continue;
                }
                gone.insert(path.clone(), before);
            }
            let since = match denied.get(&path) {
                Some(&(instance, since)) if instance == info.instance => since,
                _ => now,
            };
            if permitted || now - since >= DENIED_AFTER {
                self.told.insert(path, info.clone());
                appeared.push(PortChange::Appeared(info));
            } else {
                self.denied.insert(path, (info.instance, since));
            }
        }
        let vanished = gone.into_keys().map(PortChange::Vanished);
        vanished.chain(appeared).collect()
    }
}

#[cfg(test)]
mod tests;
