use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

fn found(path: &str, instance: u64, permitted: bool) -> Found {
    Found {
        info: PortInfo {
            path: path.into(),
            instance,
            usb_path: None,
            usb_id: None,
            description: String::new(),
        },
        permitted,
    }
}

/// What is told of a look, in short.
fn told(known: &mut Known, at: Instant, now: &[(&str, u64, bool)]) -> String {
    let now = now
        .iter()
        .map(|(path, instance, permitted)| found(path, *instance, *permitted));
    let changes = known.update(now.collect(), at);
    let words = changes.iter().map(|change| match change {
        PortChange::Present(_) => panic!("only the first look tells this"),
        PortChange::Appeared(info) => format!("+{}#{}", info.path.display(), info.instance),
        PortChange::Vanished(path) => format!("-{}", path.display()),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn changes_between_looks() {
    let at = Instant::now();
    let mut known = Known::new(vec![found("a", 1, true), found("b", 2, false)]);
    assert_eq!(known.all().len(), 2);
    let mut check = |now: &[(&str, u64, bool)], expect: &str| {
        assert_eq!(told(&mut known, at, now), expect);
    };
    check(&[("a", 1, true), ("b", 2, true)], "");
    // One gone, one new, in whatever order they are found.
    check(&[("c", 3, true), ("a", 1, true)], "-b +c#3");
    // Replugged between two looks.
    check(&[("a", 7, true), ("c", 3, true)], "-a +a#7");
    // Permission that is taken away later does not unplug it.
    check(&[("a", 7, false), ("c", 3, true)], "");
    check(&[], "-a -c");
}

#[test]
fn a_new_port_is_told_when_it_may_be_opened_or_after_a_while() {
    let began = Instant::now();
    let mut known = Known::new(Vec::new());
    let mut check = |ms: u64, instance: u64, permitted: bool, expect: &str| {
        let at = began + Duration::from_millis(ms);
        assert_eq!(
            told(&mut known, at, &[("a", instance, permitted)]),
            expect,
            "at {ms}"
        );
    };
    check(0, 1, false, "");
    check(50, 1, true, "+a#1");
    // Replugged, and never permitted.
    check(1000, 2, false, "-a");
    check(2900, 2, false, "");
    // Replugged once more: its time begins anew.
    check(3000, 3, false, "");
    check(4900, 3, false, "");
    check(5000, 3, false, "+a#3");
    check(6000, 3, false, "");
}

/// A bench of slots, each a symlink to a pty in a folder, watched by events alone.
struct Bench {
    folder: tempfile::TempDir,
    changes: mpsc::Receiver<PortChange>,
    watch: JoinHandle<()>,
}

impl Bench {
    async fn new(slots: &[&str], before: impl FnOnce(&Path)) -> (Bench, Vec<PathBuf>) {
        Bench::hinted_by(hints::open, Duration::from_secs(3600), slots, before).await
    }

    async fn hinted_by(
        hints: hints::Open,
        rescan: Duration,
        slots: &[&str],
        before: impl FnOnce(&Path),
    ) -> (Bench, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        before(folder.path());
        let ports = SystemPorts {
            configured: slots.iter().map(|slot| folder.path().join(slot)).collect(),
            servers: Vec::new(),
            // No USB: what is plugged into the machine that runs this is not this test's affair.
            roots: Roots {
                sys: folder.path().join("no-sysfs"),
                dev: "/dev".into(),
                majors: &[],
            },
            rescan,
            hints,
        };
        let (mut changes, watch) = ports.start();
        let present = match changes.recv().await {
            Some(PortChange::Present(present)) => present,
            other => panic!("{other:?}"),
        };
        let bench = Bench {
            folder,
            changes,
            watch,
        };
        (bench, present.into_iter().map(|port| port.path).collect())
    }

    fn slot(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn appears(&mut self, slot: &str) -> PortInfo {
        match self.changes.recv().await {
            Some(PortChange::Appeared(info)) if info.path == self.slot(slot) => info,
            other => panic!("{slot} should appear, but {other:?}"),
        }
    }

    async fn vanishes(&mut self, slot: &str) {
        match self.changes.recv().await {
            Some(PortChange::Vanished(path)) if path == self.slot(slot) => {}
            other => panic!("{slot} should vanish, but {other:?}"),
        }
    }
}

#[tokio::test]
async fn boards_come_and_go() {
    let (one, two) = (tty::pty(), tty::pty());
    let first = |folder: &Path| symlink(&one.1, folder.join("slot1")).unwrap();
    let (mut bench, present) = Bench::new(&["slot1", "slot2"], first).await;
    assert_eq!(present, [bench.slot("slot1")]);

    symlink(&two.1, bench.slot("slot2")).unwrap();
    assert_eq!(bench.appears("slot2").await.description, "pseudo-terminal");
    // What is no slot changes nothing.
    fs::write(bench.slot("notes.txt"), "").unwrap();
    fs::remove_file(bench.slot("slot1")).unwrap();
    bench.vanishes("slot1").await;
    symlink(&one.1, bench.slot("slot1")).unwrap();
    bench.appears("slot1").await;
    // Pulled in such a way that only the link is left.
    drop(two);
    bench.vanishes("slot2").await;
}

/// In containers the kernel's events may be refused, and watches used up: what is left is enough.
#[tokio::test]
async fn boards_come_and_go_whatever_tells_of_them() {
    let hour = Duration::from_secs(3600);
    let sources: [(hints::Open, Duration); 2] = [
        (hints::without_device_events, hour),
        (hints::without_any, Duration::from_millis(20)),
    ];
    for (hints, rescan) in sources {
        let pty = tty::pty();
        let (mut bench, present) = Bench::hinted_by(hints, rescan, &["slot1"], |_| {}).await;
        assert!(present.is_empty());
        for _ in 0..2 {
            symlink(&pty.1, bench.slot("slot1")).unwrap();
            bench.appears("slot1").await;
            fs::remove_file(bench.slot("slot1")).unwrap();
            bench.vanishes("slot1").await;
        }
    }
}

#[tokio::test]
async fn a_slot_that_is_pointed_elsewhere_has_another_board() {
    let (one, two) = (tty::pty(), tty::pty());
    let first = |folder: &Path| symlink(&one.1, folder.join("slot1")).unwrap();
    let (mut bench, _) = Bench::new(&["slot1"], first).await;
    symlink(&two.1, bench.slot("new")).unwrap();
    fs::rename(bench.slot("new"), bench.slot("slot1")).unwrap();
    bench.vanishes("slot1").await;
    bench.appears("slot1").await;
}

#[tokio::test]
async fn folders_that_do_not_exist_yet_are_watched_for() {
    let pty = tty::pty();
    let (mut bench, present) = Bench::new(&["line/left/slot1"], |_| {}).await;
    assert!(present.is_empty());
    for _ in 0..2 {
        fs::create_dir_all(bench.slot("line/left")).unwrap();
        symlink(&pty.1, bench.slot("line/left/slot1")).unwrap();
        bench.appears("line/left/slot1").await;
        fs::remove_dir_all(bench.slot("line")).unwrap();
        bench.vanishes("line/left/slot1").await;
    }
}

#[tokio::test]
async fn the_watch_ends_with_its_receiver() {
    let (bench, _) = Bench::new(&["slot1"], |_| {}).await;
    drop(bench.changes);
    bench.watch.await.unwrap();
}

/// The network is not asked: a server that is down now may be up when its slot is worked.
#[tokio::test]
async fn a_network_port_is_always_there() {
    let url = "rfc2217://rack.invalid:4000";
    let mut changes = SystemPorts::new(vec![url.into()]).watch();
    let Some(PortChange::Present(present)) = changes.recv().await else {
        panic!("the first word is what is there");
    };
    assert!(present.iter().any(|port| port.path == Path::new(url)));
}
