//! Jigs whose adapter stays plugged in, whatever is in them.

use flashline::event::Waiting;
use flashline::port::Inputs;
use flashline::record::JobRow;
use flashline::sim::Wiring;
use flashline::station::RequestRefused;

use super::*;

/// A station with one jig, and the jig.
struct Jig {
    line: Line,
    socket: BoardHandle,
    /// Jobs that ended and were looked at.
    ended: usize,
}

const CLOSED: Inputs = Inputs {
    cts: true,
    dsr: false,
};

fn empty() -> BoardSpec {
    board(0).fault(Fault::Silent)
}

fn board(number: u32) -> BoardSpec {
    BoardSpec::esp32(number).pace(Pace::Unpaced)
}

impl Jig {
    async fn new(start: Start, wiring: Wiring) -> Jig {
        let folder = tempfile::tempdir().unwrap();
        let bundle = Bundle::load(&product::write(folder.path())).unwrap();
        let mut settings = settings(folder.path(), 1);
        settings.slots[0].start = start;
        let (record, _) = Record::open(&settings.database).unwrap();
        let ports = SimPorts::new();
        let socket = ports.plug("1", empty().wiring(wiring));
        if start == Start::Cts {
            socket.set_inputs(CLOSED);
        }
        let stop = CancellationToken::new();
        let station = Station::start(
            settings,
            Arc::new(bundle),
            Arc::new(ports.clone()),
            record.clone(),
            0,
            stop.clone(),
        )
        .await
        .unwrap();
        let line = Line {
            station,
            ports,
            record,
            stop,
            folder,
        };
        Jig {
            line,
            socket,
            ended: 0,
        }
    }

    fn close(&self) {
        self.socket.set_inputs(CLOSED);
    }

    fn open(&self) {
        self.socket.set_inputs(Inputs::default());
    }

    async fn ask(&self, ask: Ask) -> Result<(), RequestRefused> {
        let asker = self.line.station.asker(Who::new("li", Role::Operator));
        asker.ask(ask).await.unwrap().await.unwrap()
    }

    async fn start(&self) -> Result<(), RequestRefused> {
        let (slot, serial) = (SlotId::new("1"), None);
        self.ask(Ask::Start { slot, serial }).await
    }

    async fn scan(&self, text: &str) -> Result<(), RequestRefused> {
        let text = text.to_owned();
        self.ask(Ask::Scan { text, slot: None }).await
    }

    /// How the next job ends.
    async fn verdict(&mut self) -> String {
        self.ended += 1;
        let wanted = self.ended;
        let of = |notice: &Arc<Notice>| match &notice.what {
            Happening::JobEnded { outcome, code, .. } => Some(match code {
                Some(code) => format!("{outcome} {code}"),
                None => outcome.to_string(),
            }),
            _ => None,
        };
        let ended = |snapshot: &Snapshot| snapshot.notices.iter().filter_map(of).nth(wanted - 1);
        let snapshot = self.line.wait(|snapshot| ended(snapshot).is_some()).await;
        ended(&snapshot).unwrap()
    }

    async fn removed(&mut self) {
        let is = |state: &SlotState| matches!(state, SlotState::Done(result) if !result.present);
        self.line.wait(|snapshot| is(state(snapshot, "1"))).await;
    }

    async fn end(self) -> (Arc<Snapshot>, Vec<JobRow>) {
        self.line.end().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_starts_each_board_that_is_put_in() {
    let mut jig = Jig::new(Start::Cts, Wiring::Lines).await;
    // closed when it was read first, which is no board put in: it has to be seen open before
    let waits = SlotState::Waiting(Waiting::SwitchClosed);
    jig.line.wait(|now| *state(now, "1") == waits).await;
    jig.open();
    jig.line.wait(|now| *state(now, "1") != waits).await;
    for number in 1..=2 {
        jig.socket.exchange(board(number));
        jig.close();
        assert_eq!(jig.verdict().await, "PASS");
        assert!(jig.socket.state().bytes_written > 0);
        // the same board, and nobody took it out
        let refused = RequestRefused::NotRemoved(SlotId::new("1"));
        assert_eq!(jig.start().await, Err(refused));
        jig.open();
        jig.removed().await;
    }
    let refused = RequestRefused::NoBoard(SlotId::new("1"));
    assert_eq!(jig.start().await, Err(refused));
    // the switch tells of a board, so it is that one's fault
    jig.socket.exchange(empty());
    jig.close();
    assert_eq!(jig.verdict().await, "FAIL NO_SYNC");
    let (last, rows) = jig.end().await;
    assert_eq!((last.standing.today.units, rows.len()), (2, 3));
}

/// A jig that starts by a key: nothing tells whether the board was taken out but the board itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_is_done_is_recognised_and_left_alone() {
    let mut jig = Jig::new(Start::Request, Wiring::Lines).await;
    jig.socket.exchange(board(1));
    assert_eq!(jig.start().await, Ok(()));
    assert_eq!(jig.verdict().await, "PASS");
    let written = jig.socket.state().bytes_written;
    for _ in 0..2 {
        assert_eq!(jig.start().await, Ok(()));
        assert_eq!(jig.verdict().await, "ERROR NOT_REMOVED");
    }
    assert_eq!(jig.socket.state().bytes_written, written);
    // as the advice says: take it out, put the next one in, start again
    jig.socket.exchange(board(2));
    assert_eq!(jig.start().await, Ok(()));
    assert_eq!(jig.verdict().await, "PASS");
    jig.socket.exchange(empty());
    assert_eq!(jig.start().await, Ok(()));
    assert_eq!(jig.verdict().await, "ERROR NO_BOARD");
    jig.socket.exchange(board(3));
    assert_eq!(jig.start().await, Ok(()));
    assert_eq!(jig.verdict().await, "PASS");
    let (last, rows) = jig.end().await;
    assert_eq!(rows.len(), 6);
    // none of this changed what the units are
    let today = &last.standing.today;
    let units = (today.units, today.first_pass, today.passed);
    assert_eq!((units, today.jobs.errors), ((3, 3, 3), 3));
    assert_eq!(last.standing.open_units, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_starts_the_board_and_goes_into_its_row() {
    let mut jig = Jig::new(Start::Scan, Wiring::Lines).await;
    jig.socket.exchange(board(1));
    assert_eq!(jig.scan("A17").await, Ok(()));
    assert_eq!(jig.verdict().await, "PASS");
    // the next label, and the board of the one before
    assert_eq!(jig.scan("A18").await, Ok(()));
    assert_eq!(jig.verdict().await, "ERROR NOT_REMOVED");
    jig.socket.exchange(board(2));
    assert_eq!(jig.scan("A18").await, Ok(()));
    assert_eq!(jig.verdict().await, "PASS");
    let (_, rows) = jig.end().await;
    let serials: Vec<_> = rows
        .iter()
        .map(|row| row.serial.as_ref().map(ToString::to_string).unwrap())
        .collect();
    assert_eq!(serials, ["A17", "A18", "A18"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_without_inputs_is_told() {
    let mut jig = Jig::new(Start::Dsr, Wiring::Strapped).await;
    let waits = SlotState::Waiting(Waiting::SwitchUnread);
    let snapshot = jig.line.wait(|now| *state(now, "1") == waits).await;
    let why = "this port does not tell its DSR";
    assert!(said(&snapshot, |notice| matches!(
        &notice.what,
        Happening::SwitchUnread { why: said, .. } if said == why
    )));
    jig.end().await;
}
