//! The boot check on the whole way: a board is written, reset, and its console is held to the manifest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flashline::event::{Code, Step, StopReason};
use flashline::job::StubUse;
use flashline::plan::Planner;
use flashline::port::{PortInfo, UsbId};
use flashline::settings::{After, Reset};
use flashline::sim::{AppEnd, BoardSpec, Console, Fault, Mode, SimPorts, Strap, Wiring};
use tokio::time::{Instant, sleep};

use super::{Ended, Keeper, MANIFEST, Rig, info, planner};

const EXPECT: &str = "expect = ['SELFTEST OK']\ntimeout_ms = 4000";

fn good() -> Console {
    Console::default().line(300, "I (900) app: SELFTEST OK vbat=3301 mV")
}

/// A board that is written by this manifest's `[boot]`.
fn rig(boot: &str, console: Console) -> Rig {
    let board = BoardSpec::esp32(1).wiring(Wiring::Lines).console(console);
    rig_of(boot, board)
}

/// By their `[boot]`: framing takes longer than a job.
static PLANNERS: Mutex<BTreeMap<String, &Planner>> = Mutex::new(BTreeMap::new());

/// The sample's Gate, with this `[boot]`.
pub(super) fn keeper(boot: &str) -> Arc<Keeper> {
    let made = || {
        let section = format!("\n[boot]\n{boot}\n[[image]]");
        let manifest = MANIFEST.replacen("\n[[image]]", &section, 1);
        &*Box::leak(Box::new(planner(&manifest)))
    };
    let mut planners = PLANNERS.lock().unwrap();
    Arc::new(Keeper::new(
        planners.entry(boot.to_owned()).or_insert_with(made),
    ))
}

fn rig_of(boot: &str, board: BoardSpec) -> Rig {
    let mut rig = Rig::new(board);
    rig.keeper = keeper(boot);
    rig
}

fn text(ended: &Ended) -> &str {
    &ended.verdict.boot.as_ref().unwrap().text
}

/// How it ended: the detail's beginning, or PASS.
async fn check(rig: Rig, code: Option<Code>, detail: &str) -> Ended {
    let ended = rig.run().await;
    let found = (ended.verdict.code, &*ended.verdict.detail);
    assert_eq!(found.0, code, "{}", found.1);
    assert!(found.1.contains(detail), "{}", found.1);
    assert_eq!(ended.flash(), "right", "the board is written all the same");
    assert!(ended.verdict.boot.is_some());
    let last = ended.verdict.steps.last().unwrap();
    assert_eq!((last.step, last.code, last.attempt), (Step::Boot, code, 1));
    ended
}

#[tokio::test(start_paused = true)]
async fn a_board_passes_as_soon_as_it_said_all() {
    for stub in [StubUse::Stub, StubUse::RomDeflate] {
        let boot = format!(
            "{EXPECT}\n[[boot.measure]]\nname = \"vbat\"\nunit = \"mV\"\nlow = 3000\nhigh = 3600"
        );
        let ended = check(rig(&boot, good()).writing_by(stub), None, "").await;
        let log = ended.verdict.boot.as_ref().unwrap();
        assert_eq!(
            (&*log.measurements[0].name, log.measurements[0].value),
            ("vbat", 3301.0)
        );
        // from the ROM's first word on
        assert!(
            log.text
                .starts_with("ets Jul 29 2019 12:21:46\n\nrst:0x1 (POWERON_RESET)"),
            "{}",
            log.text
        );
        assert!(
            log.text.ends_with("SELFTEST OK vbat=3301 mV\n"),
            "{}",
            log.text
        );
        let took = ended.verdict.steps.last().unwrap().took;
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_eq!(ended.board.state().mode, Mode::App);
    }
}

#[tokio::test(start_paused = true)]
async fn what_every_product_rejects() {
    let board = |fault| BoardSpec::esp32(1).wiring(Wiring::Lines).fault(fault);
    let no_start = |says| rig_of(EXPECT, board(Fault::NoStart { says }));
    for (rig, detail) in [
        (
            rig(EXPECT, Console::panics()),
            "the app panics: the console says \"Guru Meditation Error: Core  0",
        ),
        (
            rig(EXPECT, Console::browns_out()),
            "the supply voltage breaks down: the console says \"Brownout",
        ),
        (
            rig(
                EXPECT,
                Console::default()
                    .line(5, "E app: bad config")
                    .ends(AppEnd::Resets),
            ),
            "the chip is in a reset loop: start 3 within",
        ),
        (
            no_start("flash read err, 1000\r\nets_main.c 371 \r\n"),
            "the ROM cannot read the flash: the console says \"flash read err, 1000\"",
        ),
        (
            no_start("invalid header: 0xffffffff\r\n"),
            "the ROM finds no image where the bootloader must be",
        ),
        (
            no_start("csum err:0x9a!=0x5e\r\n"),
            "the ROM refuses the bootloader's image",
        ),
        (no_start(""), "the chip is in a reset loop: start 3 within"),
        (
            rig_of(EXPECT, board(Fault::StrapHeld)),
            "the boot strap is still held: the console says \"rst:0x1",
        ),
        (
            rig(
                &format!("{EXPECT}\nreject = ['bad \\w+']"),
                Console::default().line(9, "a bad day"),
            ),
            "the manifest rejects 'bad \\w+': the console says \"a bad day\"",
        ),
    ] {
        check(rig, Some(Code::BootRejected), detail).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_backtrace_of_a_panic_is_in_the_log() {
    let ended = check(rig(EXPECT, Console::panics()), Some(Code::BootRejected), "").await;
    assert!(
        text(&ended).contains("\nBacktrace: 0x400d1f5c"),
        "{}",
        text(&ended)
    );
}

#[tokio::test(start_paused = true)]
async fn an_app_that_says_nothing_or_cannot_be_read() {
    let said = "it said";
    for (console, detail) in [
        (Console::silent(), said),
        (
            Console::default().line(100, "SELFTEST FAIL"),
            "the last line was \"SELFTEST FAIL\"",
        ),
        (good().at(460_800), said),
        // half of it only
        (
            Console::default().bytes(10, b"SELFTEST O"),
            "the last line was \"SELFTEST O\"",
        ),
    ] {
        let ended = check(rig(EXPECT, console), Some(Code::BootTimeout), detail).await;
        let took = ended.verdict.steps.last().unwrap().took;
        assert_eq!(took.as_secs(), 4, "{took:?}");
    }
    let long = Console::silent()
        .at(9_600)
        .line(0, &"SELFTEST OK ".repeat(100));
    check(
        rig(EXPECT, long),
        Some(Code::BootTimeout),
        "are no text: is 115200 baud the console's rate?",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn values_out_of_limits() {
    let boot = format!(
        "{EXPECT}\n[[boot.measure]]\nname = \"vbat\"\nunit = \"mV\"\nlow = 3400\nhigh = 3600"
    );
    let ended = check(
        rig(&boot, good()),
        Some(Code::MeasurementOutOfLimits),
        "vbat is 3301 mV, allowed 3400 to 3600 mV",
    )
    .await;
    assert_eq!(
        ended.verdict.boot.unwrap().measurements[0].low,
        Some(3400.0)
    );
}

#[tokio::test(start_paused = true)]
async fn however_the_text_is_cut() {
    let console = "\x1b[0;32mI (900) app: 自检 SELFTEST OK\x1b[0m\r\npassword=hunter2 \r\nend\r\n"
        .as_bytes()
        .chunks(1)
        .fold(Console::default(), |console, byte| console.bytes(7, byte));
    let ended = check(
        rig("expect = ['自检 SELFTEST OK$', '^end$']", console),
        None,
        "",
    )
    .await;
    assert!(
        text(&ended).ends_with("I (900) app: 自检 SELFTEST OK\npassword=[blotted out]\nend\n"),
        "{}",
        text(&ended)
    );
}

#[tokio::test(start_paused = true)]
async fn a_console_at_a_rate_of_its_own() {
    // the ROM's and the bootloader's words are garbage then, and are not held against the board
    for baud in [9_600, 74_880, 460_800, 921_600] {
        let boot = format!("{EXPECT}\nbaud = {baud}");
        check(rig(&boot, good().at(baud)), None, "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_nothing_resets() {
    // the stub stays in its loader and says nothing
    let strapped = |boot| rig_of(boot, BoardSpec::esp32(1).console(good()));
    check(
        strapped(EXPECT),
        Some(Code::BootTimeout),
        "it said nothing at 115200 baud; this port cannot reset the board, so its app starts only when the jig does it",
    )
    .await;
    // a ROM is told to start over, and finds the strap as it was
    check(
        strapped(EXPECT).writing_by(StubUse::RomDeflate),
        Some(Code::BootRejected),
        "the boot strap is still held: the console says \"rst:0x3 (SW_RESET),boot:0xf (UART_BOOT(UART0))\"",
    )
    .await;
    let mut stays = rig(EXPECT, good());
    stays.assignment.after = After::Stay;
    let ended = stays.run().await;
    assert_eq!(ended.verdict.code, Some(Code::BootTimeout));
    assert!(
        ended.verdict.detail.contains("after = \"stay\""),
        "{}",
        ended.verdict.detail
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_listening() {
    let mut rig = rig(EXPECT, Console::silent());
    let stop = rig.stop_handle.clone();
    rig.ear.on_progress = Some(Box::new(move |progress| {
        if progress.step == Step::Boot {
            stop.ask(StopReason::Operator);
        }
    }));
    check(rig, Some(Code::Stopped), "stopped").await;
}

/// Pulls the board when its app runs for the first time, and lets `then` happen.
async fn pulled(rig: Rig, then: impl AsyncFnOnce(&Rig)) -> Ended {
    let (board, ports) = (rig.board.clone(), rig.ports.clone());
    let (presence, assignment) = (rig.presence.clone(), rig.assignment.clone());
    board.pull_when(|state| state.mode == Mode::App);
    let other = Rig {
        ports,
        board: board.clone(),
        presence,
        assignment,
        ..Rig::new(BoardSpec::esp32(9))
    };
    let script = async {
        board.wait_until(|state| state.pulled).await;
        then(&other).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = rig.run() => ended,
        () = script => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_is_pulled_while_it_speaks() {
    let began = Instant::now();
    let ended = pulled(rig(EXPECT, good()), async |_| {}).await;
    assert_eq!(ended.verdict.code, Some(Code::Unplugged));
    assert!(began.elapsed() < Duration::from_secs(60));
    assert!(ended.verdict.boot.is_some());
    // one that comes back is made sure of, and listened to anew
    let ended = pulled(rig(EXPECT, good()), async |rig| {
        sleep(Duration::from_millis(300)).await;
        rig.ports.replug("a", &rig.board);
    })
    .await;
    assert_eq!((ended.verdict.code, ended.verdict.attempts), (None, 2));
    assert_eq!(*ended.ear.lost.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_chips_own_usb_goes_and_comes_back_with_it() {
    let own = |name: &str| PortInfo {
        usb_id: Some(UsbId {
            vendor: 0x303A,
            product: 0x1001,
        }),
        ..info(&SimPorts::path(name))
    };
    // where it does not go away, the rate does not matter
    let board = BoardSpec::esp32(1).wiring(Wiring::UsbSerialJtag(Strap::Free));
    let stays = rig_of(&format!("{EXPECT}\nbaud = 9600"), board.console(good()));
    stays.presence.send_replace(Some(own("a")));
    check(stays, None, "").await;

    let on_own_usb = || {
        let mut rig = rig(EXPECT, good());
        // the model is wired as a board with a bridge
        rig.assignment.reset = Reset::Tight;
        rig.presence.send_replace(Some(own("a")));
        rig
    };
    let ended = pulled(on_own_usb(), async |rig| {
        rig.presence.send_replace(None);
        sleep(Duration::from_millis(600)).await;
        rig.ports.replug("b", &rig.board);
        rig.presence.send_replace(Some(own("b")));
    })
    .await;
    let detail = &ended.verdict.detail;
    assert_eq!(
        (ended.verdict.code, ended.verdict.attempts),
        (None, 1),
        "{detail}"
    );
    assert_eq!(ended.verdict.retries.total(), 0);
    assert!(text(&ended).contains("SELFTEST OK"), "{}", text(&ended));

    let ended = pulled(on_own_usb(), async |rig| {
        rig.presence.send_replace(None);
    })
    .await;
    assert_eq!(
        (ended.verdict.code, ended.verdict.attempts),
        (Some(Code::Unplugged), 1)
    );
}
