//! A port that was named once, and where it goes: a device on USB may come back under another name.

use std::path::Path;

use tokio::sync::{mpsc, watch};

use super::{PortChange, PortInfo, Ports};
use crate::event::UsbPath;

/// The port at a path now, and from now on wherever its place on USB has it, for as long as the
/// receiver lives. One that is not on USB, or not there, stays where it was said to be. Called within a
/// runtime; `ports` should know the path ([`super::SystemPorts::new`]).
pub async fn follow(ports: &impl Ports, path: &Path) -> watch::Receiver<Option<PortInfo>> {
    let mut changes = ports.watch();
    let found = match changes.recv().await {
        Some(PortChange::Present(ports)) => ports.into_iter().find(|port| port.path == path),
        _ => None,
    };
    let port = found.unwrap_or_else(|| PortInfo::at(path));
    let place = port.usb_path.clone();
    let (sender, receiver) = watch::channel(Some(port));
    if let Some(place) = place {
        // ends when the receiver is dropped, or the ports are
        tokio::spawn(tell(changes, place, sender));
    }
    receiver
}

async fn tell(
    mut changes: mpsc::Receiver<PortChange>,
    place: UsbPath,
    sender: watch::Sender<Option<PortInfo>>,
) {
    loop {
        let change = tokio::select! {
            () = sender.closed() => return,
            change = changes.recv() => change,
        };
        match change {
            None => return,
            Some(PortChange::Vanished(path)) => {
                sender.send_if_modified(|port| port.take_if(|port| port.path == path).is_some());
            }
            Some(PortChange::Appeared(port)) if port.usb_path.as_ref() == Some(&place) => {
                sender.send_replace(Some(port));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Mutex;

    use super::*;
    use crate::port::{OpenError, Pending, Port};

    struct Told(Mutex<Option<mpsc::Receiver<PortChange>>>);

    impl Ports for Told {
        fn watch(&self) -> mpsc::Receiver<PortChange> {
            self.0.lock().unwrap().take().unwrap()
        }

        fn open(
            &self,
            path: PathBuf,
            _: u32,
        ) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
            Box::pin(async { Err(OpenError::Absent { path }) })
        }
    }

    fn at(path: &str, place: Option<&str>) -> PortInfo {
        PortInfo {
            usb_path: place.map(|place| UsbPath(place.to_owned())),
            ..PortInfo::at(path)
        }
    }

    #[tokio::test]
    async fn a_port_on_usb_is_followed_by_its_place() {
        let (sender, changes) = mpsc::channel(8);
        let there = vec![at("/dev/ttyACM1", Some("2")), at("/dev/ttyACM0", Some("1"))];
        sender.send(PortChange::Present(there)).await.unwrap();
        let told = Told(Mutex::new(Some(changes)));
        let mut port = follow(&told, Path::new("/dev/ttyACM0")).await;
        assert_eq!(
            *port.borrow_and_update(),
            Some(at("/dev/ttyACM0", Some("1")))
        );
        sender
            .send(PortChange::Vanished("/dev/ttyACM1".into()))
            .await
            .unwrap();
        sender
            .send(PortChange::Vanished("/dev/ttyACM0".into()))
            .await
            .unwrap();
        port.changed().await.unwrap();
        assert_eq!(*port.borrow_and_update(), None);
        // another board, elsewhere
        for (name, place) in [("/dev/ttyACM0", "2"), ("/dev/ttyACM2", "1")] {
            let appeared = PortChange::Appeared(at(name, Some(place)));
            sender.send(appeared).await.unwrap();
        }
        port.changed().await.unwrap();
        assert_eq!(
            *port.borrow_and_update(),
            Some(at("/dev/ttyACM2", Some("1")))
        );
        drop(port);
        sender.closed().await;
    }

    #[tokio::test]
    async fn what_has_no_place_stays_where_it_was_said_to_be() {
        let (sender, changes) = mpsc::channel(8);
        sender.send(PortChange::Present(Vec::new())).await.unwrap();
        let told = Told(Mutex::new(Some(changes)));
        let port = follow(&told, Path::new("/dev/pts/9")).await;
        assert_eq!(*port.borrow(), Some(at("/dev/pts/9", None)));
        sender.closed().await;
    }
}
