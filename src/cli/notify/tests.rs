use super::*;
use crate::dashboard::fixture;
use crate::event::Code;
use crate::station::Halt;

/// A service manager's end of the socket.
struct Manager {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Manager {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_nonblocking(true).unwrap();
        Manager { socket, folder }
    }

    fn systemd(&self) -> Systemd {
        let path = self.folder.path().join("notify");
        let each = Some(Duration::from_secs(10));
        Systemd::at(path.as_os_str().as_encoded_bytes(), each).unwrap()
    }

    /// What was told since the last time.
    fn told(&self) -> Vec<String> {
        let mut messages = Vec::new();
        let mut buffer = [0; 512];
        while let Ok(bytes) = self.socket.recv(&mut buffer) {
            messages.push(String::from_utf8(buffer[..bytes].to_vec()).unwrap());
        }
        messages
    }
}

const RUNNING: &str = "running; 1 of 8 slots at work; today 22 passed, 4 failed, 0 bench errors";

#[tokio::test(start_paused = true)]
async fn a_station_from_its_start_to_its_end() {
    let manager = Manager::new();
    let (publisher, snapshots) = watch::channel(Arc::new(fixture::bench()));
    let (pulse, mut beats) = Pulse::new();
    let floor = tokio::spawn(async move {
        while let Some(beat) = beats.recv().await {
            let _ = beat.send(());
        }
    });
    let stop = CancellationToken::new();
    let telling = manager.systemd().follow(snapshots, pulse, stop.clone());
    tokio::time::sleep(Duration::from_secs(25)).await;
    let ready = format!("READY=1\nSTATUS={RUNNING}");
    assert_eq!(
        manager.told(),
        [&ready, "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
    );

    // a line that stays as it is is not told again
    publisher.send_replace(Arc::new(fixture::bench()));
    let mut halted = fixture::bench();
    halted.line = LineState::Halted(Halt::Failures {
        slots: 3,
        code: Code::NoSync,
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    publisher.send_replace(Arc::new(halted));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told = manager.told().join("|");
    assert!(told.starts_with("STATUS=line halted: "), "{told}");
    assert!(!told.contains('|'), "{told}");

    stop.cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
    floor.abort();
    drop(publisher);
    let end = tokio::time::Instant::now();
    telling.await.unwrap();
    assert_eq!(end.elapsed(), Duration::ZERO, "the end waits for a ping");
    assert_eq!(manager.told(), ["STOPPING=1"]);
}

#[tokio::test(start_paused = true)]
async fn a_floor_that_hangs_lets_the_watchdog_bite() {
    let manager = Manager::new();
    let (_publisher, snapshots) = watch::channel(Arc::new(fixture::bench()));
    let (pulse, mut beats) = Pulse::new();
    let telling = manager
        .systemd()
        .follow(snapshots, pulse, CancellationToken::new());
    tokio::time::sleep(Duration::from_secs(600)).await;
    let told = manager.told().join("|");
    assert!(
        told.starts_with("READY=1\n") && !told.contains('|'),
        "{told}"
    );
    // one that turns again is alive
    tokio::spawn(async move {
        while let Some(beat) = beats.recv().await {
            let _ = beat.send(());
        }
    });
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(manager.told().last().unwrap(), "WATCHDOG=1");
    telling.abort();
}

#[test]
fn half_of_the_time_that_is_waited_for_this_process() {
    let own = std::process::id().to_string();
    let seconds = |usec, pid| ping_each(usec, pid).map(|each| each.as_secs_f64());
    assert_eq!(seconds("30000000", None), Some(15.0));
    assert_eq!(seconds("30000000", Some(own.as_str())), Some(15.0));
    assert_eq!(seconds("30000000", Some("1")), None);
    assert_eq!(seconds("0", None), None);
    assert_eq!(seconds("soon", None), None);
}

#[test]
fn what_stops_the_line_is_in_its_status() {
    let mut snapshot = fixture::bench();
    snapshot.line = LineState::Stopped {
        code: Code::DiskFull,
        detail: "3 MB free\non /srv".to_owned(),
    };
    assert_eq!(
        status(&snapshot),
        RUNNING.replace("running", "line stopped: DISK_FULL: 3 MB free on /srv")
    );
}

#[test]
fn an_abstract_address_is_one() {
    let name = format!("flashline-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    let systemd = Systemd::at(format!("@{name}").as_bytes(), None).unwrap();
    systemd.tell("READY=1");
    let mut buffer = [0; 16];
    let bytes = manager.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..bytes], b"READY=1");
    let nobody = Systemd::at(b"/nowhere/notify", None);
    assert_eq!(nobody.unwrap_err().kind(), io::ErrorKind::NotFound);
}
