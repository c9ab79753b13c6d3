use std::path::PathBuf;
use std::sync::Mutex;

use clap::Parser;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use super::*;
use crate::event::UsbPath;
use crate::port::{OpenError, Pending, Port, PortChange, PortInfo};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Ports that come and go as a test says, and are never opened.
struct Script(Mutex<Option<mpsc::Receiver<PortChange>>>);

impl Ports for Script {
    fn watch(&self) -> mpsc::Receiver<PortChange> {
        self.0.lock().unwrap().take().expect("it is watched once")
    }

    fn open(&self, path: PathBuf, _: u32) -> Pending<'static, Result<Box<dyn Port>, OpenError>> {
        panic!("{} is opened", path.display());
    }
}

fn port(chain: &str) -> PortInfo {
    PortInfo {
        usb_path: Some(UsbPath(format!("pci-0000:00:14.0-usb-0:{chain}:1.0"))),
        ..PortInfo::at(format!("/dev/{chain}"))
    }
}

/// A bench where a lesson is given; what it said is sent as it says it.
struct Room {
    folder: tempfile::TempDir,
    options: Vec<&'static str>,
}

struct Hands {
    ports: mpsc::Sender<PortChange>,
    keys: DuplexStream,
    said: mpsc::UnboundedReceiver<String>,
    stop: CancellationToken,
}

impl Hands {
    async fn plug(&self, chain: &str) {
        self.ports
            .send(PortChange::Appeared(port(chain)))
            .await
            .unwrap();
    }

    async fn say(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.unwrap();
    }

    /// Waits until this is said; all until then.
    async fn hears(&mut self, words: &str) -> String {
        let mut all = String::new();
        while let Some(line) = self.said.recv().await {
            all += &line;
            all.push('\n');
            if line.contains(words) {
                return all;
            }
        }
        panic!("{words:?} was never said, but\n{all}");
    }
}

impl Room {
    fn new(text: Option<&str>, options: &[&'static str]) -> Room {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = text {
            std::fs::write(folder.path().join("station.toml"), text).unwrap();
        }
        Room {
            folder,
            options: options.to_vec(),
        }
    }

    fn text(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join("station.toml")).ok()
    }

    /// The lesson, while someone's hands do this.
    async fn teach(&self, hands: impl AsyncFnOnce(&mut Hands)) -> Exit {
        let path = self.folder.path().join("station.toml");
        let line = ["learn", "--config", path.to_str().unwrap()];
        let args = Line::parse_from(line.iter().chain(&self.options)).args;
        let file = station_file(&args).unwrap();
        let (changes, receiver) = mpsc::channel(64);
        let (keys, reader) = tokio::io::duplex(64);
        let (sender, said) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let ports = Script(Mutex::new(Some(receiver)));
        let mut teacher = Teacher {
            keys: Some(Keys::new(reader, Style::Lines)),
            stop: stop.clone(),
            say: move |line: &str| {
                let _ = sender.send(line.to_owned());
            },
        };
        let mut at = Hands {
            ports: changes,
            keys,
            said,
            stop,
        };
        let present = PortChange::Present(vec![port("1.7")]);
        at.ports.send(present).await.unwrap();
        let (exit, ()) = tokio::join!(teacher.teach(&args, &file, &ports), hands(&mut at));
        exit
    }
}

const EMPTY: &str = "station = \"b\" # ours\nmanifest = \"m.toml\"\n";

#[tokio::test(start_paused = true)]
async fn a_bench_is_learned_and_written() {
    let room = Room::new(Some(EMPTY), &["--rows", "2", "--columns", "2"]);
    let exit = room
        .teach(async |hands| {
            hands.hears("Place 1 (row 1, column 1): plug").await;
            hands.plug("1.1").await;
            hands.hears("Place 2 (row 1, column 2): plug").await;
            hands.say("s\n").await;
            hands.hears("Place 3").await;
            hands.plug("1.4").await;
            hands.hears("Place 4").await;
            hands.say("q\n").await;
            hands.hears("is written").await;
        })
        .await;
    assert_eq!(exit, Exit::Pass);
    insta::assert_snapshot!(room.text().unwrap(), @r#"
    station = "b" # ours
    manifest = "m.toml"

    [[slot]]
    name = "1"
    usb_path = "pci-0000:00:14.0-usb-0:1.1:1.0"
    row = 1
    column = 1

    [[slot]]
    name = "3"
    usb_path = "pci-0000:00:14.0-usb-0:1.4:1.0"
    row = 2
    column = 1
    "#);
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_writes_nothing() {
    let room = Room::new(Some(EMPTY), &[]);
    let exit = room
        .teach(async |hands| {
            hands.plug("1.1").await;
            hands.hears("Place 2").await;
            hands.stop.cancel();
        })
        .await;
    assert_eq!(exit, Exit::Failure);
    assert_eq!(room.text().as_deref(), Some(EMPTY));
}

#[tokio::test(start_paused = true)]
async fn what_is_replaced_is_asked_about() {
    let taught = async |options: &[&'static str], answer: &str| {
        let slot = "[[slot]]\nname = \"old\"\nusb_path = \"pci-0000:00:14.0-usb-0:1.5:1.0\"\n";
        let before = format!("{EMPTY}{slot}");
        let room = Room::new(Some(&before), options);
        let exit = room
            .teach(async |hands| {
                hands.plug("1.1").await;
                hands.hears("Place 2").await;
                hands.say("q\n").await;
                hands.say(answer).await;
            })
            .await;
        let text = room.text().unwrap();
        (exit, text != before, text.contains("old"))
    };
    let yes = (Exit::Pass, true, false);
    let no = (Exit::Failure, false, true);
    assert_eq!(taught(&["--fresh"], "y\n").await, yes);
    assert_eq!(taught(&["--fresh"], "n\n").await, no);
    assert_eq!(taught(&["--fresh", "--yes"], "").await, yes);
    // adding replaces nothing
    assert_eq!(taught(&[], "").await, (Exit::Pass, true, true));
}

#[tokio::test(start_paused = true)]
async fn without_keys_it_ends_with_the_last_place() {
    let room = Room::new(None, &["--count", "2", "--manifest", "lamp.toml"]);
    let exit = room
        .teach(async |hands| {
            hands.keys.shutdown().await.unwrap();
            hands.plug("1.1").await;
            hands.hears("Place 2: plug").await;
            hands.plug("1.2").await;
            hands.hears("is written").await;
        })
        .await;
    assert_eq!(exit, Exit::Pass);
    insta::assert_snapshot!(room.text().unwrap(), @r#"
    # A station: one computer with one bench. station.toml.example explains each key.

    station = "bench-1"

    # What is flashed.
    manifest = "lamp.toml"

    [[slot]]
    name = "1"
    usb_path = "pci-0000:00:14.0-usb-0:1.1:1.0"

    [[slot]]
    name = "2"
    usb_path = "pci-0000:00:14.0-usb-0:1.2:1.0"
    "#);
}
