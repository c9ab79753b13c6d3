//! The ways to the boards, as a bench may have spoiled them: ports that do not open, bridges that are
//! slow, a hub above them all. The boards behind them are the simulator's.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flashline::event::UsbPath;
use flashline::port::{OpenError, Pending, Port, PortChange, PortInfo, Ports};
use flashline::sim::SimPorts;
use tokio::sync::mpsc;

use crate::job::bridges::SlowPort;

/// Why a port does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shut {
    /// A network port whose server is off, or is another's.
    Off,
    NoPort,
    Taken,
    Forbidden,
    /// The adapter has hung itself up: plugging it again helps.
    HungUp,
    /// The adapter's own cable is broken.
    Broken,
}

/// Boards behind doors. Cheap to clone.
#[derive(Clone)]
pub struct Doors {
    pub boards: SimPorts,
    /// Every port is below one hub.
    pub hub: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    shut: HashMap<PathBuf, Shut>,
    fastest_baud: Option<u32>,
}

impl Doors {
    pub fn new(hub: bool) -> Doors {
        Doors {
            boards: SimPorts::new(),
            hub,
            state: Arc::default(),
        }
    }

    pub fn shut(&self, name: &str, why: Shut) {
        let path = SimPorts::path(name);
        self.state.lock().unwrap().shut.insert(path, why);
    }

    /// Opens every door that was shut for this.
    pub fn mend(&self, why: Shut) {
        let mut state = self.state.lock().unwrap();
        state.shut.retain(|_, shut| *shut != why);
    }

    pub fn slow_down(&self, fastest_baud: u32) {
        self.state.lock().unwrap().fastest_baud = Some(fastest_baud);
    }

    pub fn speed_up(&self) {
        self.state.lock().unwrap().fastest_baud = None;
    }

    /// The place of this slot's port on the hub.
    pub fn place(name: &str) -> UsbPath {
        UsbPath(format!("pci-0000:00:14.0-usb-0:1.{name}:1.0"))
    }

    fn placed(&self, info: PortInfo) -> PortInfo {
        let name = info.path.file_name().and_then(|name| name.to_str());
        PortInfo {
            usb_path: name.filter(|_| self.hub).map(Doors::place),
            ..info
        }
    }
}

fn refusal(why: Shut, path: PathBuf) -> OpenError {
    match why {
        Shut::Off => OpenError::Unreachable {
            path,
            why: "connection refused".to_owned(),
        },
        Shut::NoPort => OpenError::NotSerial {
            path,
            what: "a plain file".to_owned(),
        },
        Shut::Taken => OpenError::Busy {
            path,
            holder: Some("minicom (process 812)".to_owned()),
        },
        Shut::Forbidden => OpenError::Denied { path },
        Shut::HungUp | Shut::Broken => OpenError::Io {
            path,
            source: io::ErrorKind::Other.into(),
        },
    }
}

impl Ports for Doors {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        let (doors, mut changes) = (self.clone(), self.boards.watch());
        let (sender, receiver) = mpsc::channel(64);
        // ends with the receiver, or with the boards
        tokio::spawn(async move {
            while let Some(change) = changes.recv().await {
                let placed = match change {
                    PortChange::Present(ports) => {
                        let ports = ports.into_iter().map(|port| doors.placed(port));
                        PortChange::Present(ports.collect())
                    }
                    PortChange::Appeared(port) => PortChange::Appeared(doors.placed(port)),
                    gone @ PortChange::Vanished(_) => gone,
                };
                if sender.send(placed).await.is_err() {
                    return;
                }
            }
        });
        receiver
    }

    fn open(&self, path: PathBuf, baud: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        let state = self.state.lock().unwrap();
        let (shut, fastest_baud) = (state.shut.get(&path as &Path).copied(), state.fastest_baud);
        drop(state);
        let opening = self.boards.open(path.clone(), baud);
        Box::pin(async move {
            if let Some(why) = shut {
                return Err(refusal(why, path));
            }
            let port = opening.await?;
            Ok(match fastest_baud {
                Some(fastest_baud) => Box::new(SlowPort { port, fastest_baud }) as Box<dyn Port>,
                None => port,
            })
        })
    }
}
