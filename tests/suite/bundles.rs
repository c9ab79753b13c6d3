//! Several products on one bench, and manifests that change while it is at work: real files in a folder,
//! boards in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flashline::chip::Chip;
use flashline::event::{Code, Happening, Outcome, Role, Who};
use flashline::image::sample;
use flashline::record::{JobRow, Reader, Record, Since};
use flashline::settings::{Place, Settings, SlotSettings};
use flashline::sim::{BoardHandle, BoardSpec, Pace, SimPorts};
use flashline::station::{Ask, Bundles, OnDisk, RequestRefused, SlotState, Snapshot, Station};
use tokio_util::sync::CancellationToken;

use crate::product;

const APP_OFFSET: usize = 0x10000;

fn app(seed: u64) -> Vec<u8> {
    sample::app(Chip::Esp32, product::APP_BYTES, seed)
}

/// The product's files; slot 1 and 2 flash them, slot 3 those in the folder `lamp`.
struct Bench {
    folder: tempfile::TempDir,
    ports: SimPorts,
}

/// The station at work.
struct Shift {
    station: Station,
    record: Record,
    stop: CancellationToken,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        product::write(folder.path());
        let lamp = folder.path().join("lamp");
        fs::create_dir(&lamp).unwrap();
        let manifest = product::write(&lamp);
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replace("thermostat", "lamp")).unwrap();
        fs::write(lamp.join("app.bin"), app(7)).unwrap();
        Bench {
            folder,
            ports: SimPorts::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file as builds do.
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let fresh = self.path("fresh");
        fs::write(&fresh, bytes).unwrap();
        fs::rename(fresh, self.path(name)).unwrap();
    }

    fn settings(&self) -> Settings {
        let slot = |name: &str, manifest| SlotSettings {
            manifest,
            ..SlotSettings::at(name, Place::Path(SimPorts::path(name)))
        };
        Settings {
            slots: vec![
                slot("1", None),
                slot("2", None),
                slot("3", Some(self.path("lamp/manifest.toml"))),
            ],
            settle: Duration::ZERO,
            grace: Duration::from_millis(50),
            disk_reserve_bytes: 0,
            manifest_looks: Duration::from_millis(10),
            ..Settings::of("test", self.path("manifest.toml"), self.path("line.db"))
        }
    }

    async fn start(&self, by: Role) -> Shift {
        let settings = self.settings();
        let bundles = Bundles::load(&settings).unwrap();
        let (record, interrupted) = Record::open(&settings.database).unwrap();
        let stop = CancellationToken::new();
        let station = Station::start(
            settings,
            bundles.started_by(Who::new("mei", by)),
            Arc::new(self.ports.clone()),
            record.clone(),
            interrupted,
            stop.clone(),
        )
        .await
        .unwrap();
        Shift {
            station,
            record,
            stop,
        }
    }

    fn plug(&self, slot: &str, board: u32) -> BoardHandle {
        let spec = BoardSpec::esp32(board).pace(Pace::Unpaced);
        self.ports.plug(slot, spec)
    }

    fn rows(&self) -> Vec<JobRow> {
        let reader = Reader::open(&self.path("line.db")).unwrap();
        reader.jobs(Since::default()).unwrap()
    }

    /// Who approved what on which occasion, oldest first.
    fn approvals(&self) -> Vec<String> {
        let database = rusqlite::Connection::open(self.path("line.db")).unwrap();
        let sql = "SELECT concat_ws(' ', how, who, product, substr(bundle_digest, 1, 12))
                   FROM approval ORDER BY number";
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

impl Shift {
    async fn wait(&self, mut when: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut snapshots = self.station.snapshots.clone();
        let reached = snapshots.wait_for(|snapshot| when(snapshot));
        if let Ok(snapshot) = tokio::time::timeout(Duration::from_secs(20), reached).await {
            return snapshot.unwrap().clone();
        }
        let now = self.station.snapshots.borrow().clone();
        panic!("it does not come: {:#?}\n{:#?}", now.bundles, now.slots);
    }

    async fn on_disk(&self, is: impl Fn(&OnDisk) -> bool) -> Arc<Snapshot> {
        self.wait(|snapshot| is(&snapshot.bundles[0].on_disk)).await
    }

    /// Waits for another bundle on the disk; its digits.
    async fn offer(&self) -> String {
        let is_changed = |on_disk: &OnDisk| matches!(on_disk, OnDisk::Changed { .. });
        let snapshot = self.on_disk(is_changed).await;
        match &snapshot.bundles[0].on_disk {
            OnDisk::Changed { bundle, .. } => bundle.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the result of a board that has not left.
    async fn result(&self, slot: &str) -> (Outcome, Option<Code>) {
        let done = |snapshot: &Snapshot| match state(snapshot, slot) {
            SlotState::Done(result) if result.present => Some((result.outcome, result.code)),
            _ => None,
        };
        let snapshot = self.wait(|snapshot| done(snapshot).is_some()).await;
        done(&snapshot).unwrap()
    }

    async fn removed(&self, slot: &str) {
        self.wait(
            |snapshot| matches!(state(snapshot, slot), SlotState::Done(result) if !result.present),
        )
        .await;
    }

    async fn take(&self, by: Role, bundle: &str) -> Result<(), RequestRefused> {
        let asker = self.station.asker(Who::new("li", by));
        let bundle = bundle.to_owned();
        let why = Some(super::warrants::by_login("the new one"));
        let answer = asker
            .ask_with(Ask::TakeBundle { bundle }, why)
            .await
            .unwrap();
        answer.await.unwrap()
    }

    async fn end(self) -> Arc<Snapshot> {
        self.stop.cancel();
        let mut snapshots = self.station.snapshots.clone();
        self.station.ended().await;
        self.record.close().await;
        snapshots.borrow_and_update().clone()
    }
}

fn state<'a>(snapshot: &'a Snapshot, slot: &str) -> &'a SlotState {
    let view = snapshot
        .slots
        .iter()
        .find(|view| view.slot.as_str() == slot);
    &view.unwrap().state
}

fn holds(board: &BoardHandle, app: &[u8]) -> bool {
    board.flash()[APP_OFFSET..APP_OFFSET + app.len()] == *app
}

/// What was told of manifests, in order.
fn told(snapshot: &Snapshot) -> Vec<&'static str> {
    let word = |what: &Happening| match what {
        Happening::ManifestChanged { .. } => Some("changed"),
        Happening::ManifestInvalid { .. } => Some("invalid"),
        Happening::ManifestUnchanged { .. } => Some("unchanged"),
        Happening::BundleTaken { .. } => Some("taken"),
        _ => None,
    };
    let notices = snapshot.notices.iter();
    notices.filter_map(|notice| word(&notice.what)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_with_manifests_of_their_own_flash_other_products_in_the_same_run() {
    let bench = Bench::new();
    let shift = bench.start(Role::Supervisor).await;
    let (thermostat, lamp) = (bench.plug("1", 1), bench.plug("3", 2));
    assert_eq!(shift.result("1").await, (Outcome::Pass, None));
    assert_eq!(shift.result("3").await, (Outcome::Pass, None));
    assert!(holds(&thermostat, &app(1)) && holds(&lamp, &app(7)));
    // a board on two slots is one board, whatever each flashes
    let twin = bench.plug("2", 2);
    assert_eq!(
        shift.result("2").await,
        (Outcome::Fail, Some(Code::MacDuplicate))
    );
    assert_eq!(twin.state().bytes_written, 0);
    let last = shift.end().await;
    assert_eq!(last.slots[2].product.as_deref(), Some("lamp 1.2.0"));
    let mut rows: Vec<(String, String, String)> = (bench.rows().into_iter())
        .map(|row| (row.slot.to_string(), row.product, row.bundle_digest))
        .collect();
    rows.sort();
    let products: Vec<&str> = rows.iter().map(|(_, product, _)| &**product).collect();
    assert_eq!(products, ["thermostat", "thermostat", "lamp"]);
    assert!(rows[0].2 == rows[1].2 && rows[1].2 != rows[2].2);
    assert!(rows[2].2.starts_with(&*last.bundles[1].bundle));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_bundle_is_the_next_boards_once_a_supervisor_takes_it() {
    let bench = Bench::new();
    let shift = bench.start(Role::Supervisor).await;
    // paced, so that it is still at work when the new bundle is taken
    let at_work = bench.ports.plug("1", BoardSpec::esp32(1));
    at_work.wait_until(|board| board.bytes_written > 0).await;
    bench.put("app.bin", app(2));
    let offer = shift.offer().await;
    let before = bench.plug("2", 2);
    assert_eq!(shift.result("2").await, (Outcome::Pass, None));
    assert!(holds(&before, &app(1)), "nothing changes by itself");
    before.pull();
    shift.removed("2").await;

    let by = Who::new("li", Role::Operator);
    assert_eq!(
        shift.take(Role::Operator, &offer).await,
        Err(RequestRefused::SupervisorOnly { by })
    );
    let other = "0123456789ab";
    assert_eq!(
        shift.take(Role::Supervisor, other).await,
        Err(RequestRefused::NoSuchBundle(other.to_owned()))
    );
    assert_eq!(shift.take(Role::Supervisor, &offer).await, Ok(()));
    let after = bench.plug("2", 3);
    assert_eq!(shift.result("2").await, (Outcome::Pass, None));
    assert!(holds(&after, &app(2)));
    assert_eq!(shift.result("1").await, (Outcome::Pass, None));
    assert!(holds(&at_work, &app(1)), "not under a running job");
    let last = shift.end().await;
    assert_eq!(told(&last), ["changed", "taken"]);
    assert_eq!(
        (&*last.bundle, &last.bundles[0].on_disk),
        (&*offer, &OnDisk::Same)
    );
    let new = bench
        .rows()
        .into_iter()
        .filter(|row| row.bundle_digest.starts_with(&offer));
    assert_eq!(new.count(), 1);
    let approvals = bench.approvals();
    assert_eq!(approvals.len(), 3, "{approvals:?}");
    assert!(approvals[0].starts_with("first mei thermostat"));
    assert!(approvals[1].starts_with("first mei lamp"));
    assert_eq!(approvals[2], format!("asked li thermostat {offer}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_leaves_the_old_bundle_at_work_and_so_does_nothing_at_all() {
    let bench = Bench::new();
    let shift = bench.start(Role::Supervisor).await;
    let whole = app(2);
    // half a file, and nobody writes on
    bench.put("app.bin", &whole[..whole.len() / 2]);
    let snapshot = shift
        .on_disk(|on_disk| matches!(on_disk, OnDisk::Invalid { .. }))
        .await;
    match &snapshot.bundles[0].on_disk {
        OnDisk::Invalid { fault } => assert!(fault.contains("manifest.toml:19:8: "), "{fault}"),
        other => panic!("{other:?}"),
    }
    bench.put("app.bin", app(1));
    shift.on_disk(|on_disk| *on_disk == OnDisk::Same).await;
    // a job has all it needs
    fs::remove_file(bench.path("manifest.toml")).unwrap();
    for name in ["bootloader.bin", "partition-table.bin", "app.bin"] {
        fs::remove_file(bench.path(name)).unwrap();
    }
    shift
        .on_disk(|on_disk| matches!(on_disk, OnDisk::Invalid { .. }))
        .await;
    let board = bench.plug("1", 1);
    assert_eq!(shift.result("1").await, (Outcome::Pass, None));
    assert!(holds(&board, &app(1)));
    let last = shift.end().await;
    assert_eq!(told(&last), ["invalid", "unchanged", "invalid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_is_what_is_on_the_disk_at_that_moment() {
    let bench = Bench::new();
    let shift = bench.start(Role::Supervisor).await;
    bench.put("app.bin", app(2));
    let seen = shift.offer().await;
    // no look has seen this yet, or it has: either way it is not what was approved
    bench.put("app.bin", app(3));
    assert_eq!(
        shift.take(Role::Supervisor, &seen).await,
        Err(RequestRefused::NoSuchBundle(seen.clone()))
    );
    let is_newer =
        |on_disk: &OnDisk| matches!(on_disk, OnDisk::Changed { bundle, .. } if **bundle != *seen);
    shift.on_disk(is_newer).await;
    let offer = shift.offer().await;
    assert_eq!(shift.take(Role::Supervisor, &offer).await, Ok(()));
    shift.end().await;
    assert_eq!(bench.approvals().len(), 3);
}

/// MANIFEST_CHANGED_ON_DISK at a start.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_another_bundle_than_last_time_wants_a_supervisor() {
    let bench = Bench::new();
    bench.start(Role::Operator).await.end().await;
    assert_eq!(
        bench.approvals().len(),
        2,
        "the first start takes what there is"
    );
    bench.put("app.bin", app(2));

    let shift = bench.start(Role::Operator).await;
    let board = bench.plug("1", 1);
    let code = Code::ManifestChangedOnDisk;
    let blocked = SlotState::Blocked { code };
    let snapshot = shift
        .wait(|snapshot| *state(snapshot, "1") == blocked)
        .await;
    assert_eq!(told(&snapshot), ["changed"]);
    assert!(!board.state().open, "it is not touched");
    let lamp = bench.plug("3", 2);
    assert_eq!(shift.result("3").await, (Outcome::Pass, None));
    assert!(holds(&lamp, &app(7)), "the other manifest is what it was");
    let offer = shift.offer().await;
    assert_eq!(shift.take(Role::Supervisor, &offer).await, Ok(()));
    assert_eq!(shift.result("1").await, (Outcome::Pass, None));
    assert!(holds(&board, &app(2)));
    board.pull();
    lamp.pull();
    shift.end().await;

    bench.put("app.bin", app(3));
    let shift = bench.start(Role::Supervisor).await;
    let board = bench.plug("1", 3);
    assert_eq!(shift.result("1").await, (Outcome::Pass, None));
    assert!(holds(&board, &app(3)));
    let last = shift.end().await;
    assert_eq!(told(&last), [""; 0]);
    let approvals = bench.approvals();
    assert!(
        approvals[2].starts_with("asked li thermostat"),
        "{approvals:?}"
    );
    assert!(
        approvals[3].starts_with("start mei thermostat"),
        "{approvals:?}"
    );
    assert_eq!(approvals.len(), 4);
}

const STATION: &str = "station = \"b\"\nmanifest = \"manifest.toml\"\n\
    [[slot]]\nname = \"1\"\npath = \"/dev/none\"\n\
    [[slot]]\nname = \"3\"\npath = \"/dev/neither\"\nmanifest = \"lamp/manifest.toml\"\n";

fn flashline(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = assert_cmd::Command::cargo_bin("flashline").unwrap();
    let output = command.current_dir(folder).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn check_and_run_look_at_every_manifest_that_a_slot_flashes() {
    let bench = Bench::new();
    fs::write(bench.path("station.toml"), STATION).unwrap();
    let check = |args: &[&str]| flashline(bench.folder.path(), args);
    let (code, sheet, faults) = check(&["check", "--station", "station.toml"]);
    assert_eq!((code, &*faults), (Some(0), ""));
    for part in [
        "thermostat 1.2.0",
        "\nlamp/manifest.toml\n",
        "/dev/neither  lamp 1.2.0",
    ] {
        assert!(sheet.contains(part), "{part}: {sheet}");
    }
    // every fault of both is told
    for name in ["manifest.toml", "lamp/manifest.toml"] {
        let text = fs::read_to_string(bench.path(name)).unwrap();
        fs::write(bench.path(name), text.replace("0x10000", "0x10100")).unwrap();
    }
    for args in [
        &["check", "manifest.toml", "--station", "station.toml"][..],
        &["run", "--config", "station.toml"],
    ] {
        let (code, _, faults) = check(args);
        assert_eq!(code, Some(4), "{faults}");
        assert!(faults.contains("--> manifest.toml:"), "{faults}");
        assert!(faults.contains("--> lamp/manifest.toml:"), "{faults}");
    }
    assert!(!bench.path("flashline.db").exists());
}

#[test]
fn run_refuses_a_slot_that_could_not_pass_its_own_manifest() {
    let bench = Bench::new();
    let station = STATION.replace(
        "lamp/manifest.toml\"",
        "lamp/manifest.toml\"\nafter = \"stay\"",
    );
    fs::write(bench.path("station.toml"), station).unwrap();
    let listens = |name: &str| {
        let text = fs::read_to_string(bench.path(name)).unwrap();
        fs::write(bench.path(name), text + "[boot]\nexpect = [\"ready\"]\n").unwrap();
    };
    // slot 1 starts its apps
    listens("manifest.toml");
    let (code, ..) = flashline(bench.folder.path(), &["check", "--station", "station.toml"]);
    assert_eq!(code, Some(0));
    listens("lamp/manifest.toml");
    let (code, _, faults) = flashline(bench.folder.path(), &["run", "--config", "station.toml"]);
    assert_eq!(code, Some(4));
    assert!(faults.contains("slot `3` keeps its boards"), "{faults}");
    assert!(!faults.contains("slot `1`"), "{faults}");
}
