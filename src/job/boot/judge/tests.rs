use super::*;
use crate::event::Code;
use crate::manifest::{BLOT, Bundle};
use crate::settings::{Fault, FileError, Paint, Source};

/// The check of a manifest that has these lines under `[boot]`.
fn check_of(lines: &str) -> Arc<BootCheck> {
    let text = format!(
        "product = \"p\"\nversion = \"1\"\nchip = \"esp32\"\n[[image]]\nname = \"a\"\npath = \"a\"\noffset = 0x200000\n[boot]\n{lines}\n"
    );
    let source = Source::new(std::path::Path::new("m"), &text);
    let bundle = Bundle::assemble(&source, |_| Ok::<_, FileError>(vec![1, 2, 3]));
    let bundle =
        bundle.unwrap_or_else(|faults| panic!("{}", Fault::render_all(&faults, Paint::Plain)));
    bundle.manifest.boot.unwrap()
}

/// Pieces that come at these milliseconds; the end, when it was told, and the log.
fn listen(lines: &str, pieces: &[(u64, &[u8])]) -> (String, u64, BootLog) {
    let began = Instant::now();
    let ms = |ms| began + Duration::from_millis(ms);
    let mut judge = Judge::new(check_of(lines), began);
    let mut pieces = pieces.iter().peekable();
    let mut now = began;
    let end = loop {
        match judge.poll(now) {
            Stage::Done(end) => break end,
            Stage::Listen { until } => {
                assert!(until > now, "a judge that does not wait");
                match pieces.next_if(|(at, _)| ms(*at) <= until) {
                    Some((at, bytes)) => {
                        now = ms(*at).max(now);
                        judge.feed(bytes, now);
                    }
                    None => {
                        now = until;
                        judge.feed(b"", now);
                    }
                }
            }
        }
    };
    let end = end.map_or_else(
        |fault| format!("{} {fault}", fault.code()),
        |()| "PASS".into(),
    );
    (end, (now - began).as_millis() as u64, judge.into_log())
}

/// How it ends, and after how many milliseconds.
fn check(lines: &str, pieces: &[(u64, &[u8])], expected: &str, at_ms: u64) {
    let (end, at, _) = listen(lines, pieces);
    assert_eq!((&*end, at), (expected, at_ms));
}

const ROM: &[u8] =
    b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n";

#[test]
fn all_that_is_expected_in_any_order_and_no_longer() {
    let lines = "expect = ['app_main', 'net: up']";
    check(
        lines,
        &[
            (10, ROM),
            (400, b"net: up\r\n"),
            (700, b"Calling app_ma"),
            (710, b"in()\r\n"),
        ],
        "PASS",
        710,
    );
    check(lines, &[(5, b"net: up and app_main\n")], "PASS", 5);
    check(
        "timeout_ms = 1000\nexpect = ['app_main', 'net: up', 'never']",
        &[(10, ROM), (400, b"I (5) net: up\r\n")],
        "BOOT_TIMEOUT within 1s of the reset the console did not say 'app_main', 'never'; it said 100 bytes, the last line was \"I (5) net: up\"",
        1000,
    );
}

#[test]
fn nothing_and_garbage_are_told_apart() {
    let lines = "timeout_ms = 500\nbaud = 9600\nexpect = ['up']";
    check(
        lines,
        &[],
        "BOOT_TIMEOUT within 500ms of the reset the console did not say 'up'; it said nothing at 9600 baud",
        500,
    );
    check(
        lines,
        &[(3, &[0xFF, 0x80, 0xFE, b'a', 0x91, b'\n', 0xF0, 0x88])],
        "BOOT_TIMEOUT within 500ms of the reset the console did not say 'up'; most of its 8 bytes are no text: is 9600 baud the console's rate?",
        500,
    );
}

#[test]
fn what_is_rejected_ends_it_and_its_aftermath_is_kept() {
    let (end, at, log) = listen(
        "expect = ['up']",
        &[
            (
                100,
                b"Guru Meditation Error: Core  0 panic'ed (LoadProhibited)\r\n",
            ),
            (250, b"Backtrace: 0x400d1234\r\n"),
            (600, b"up\r\n"),
        ],
    );
    assert_eq!(
        end,
        "BOOT_REJECTED the app panics: the console says \"Guru Meditation Error: Core  0 panic'ed (LoadProhibited)\""
    );
    assert_eq!(at, 400);
    assert!(
        log.text.ends_with("Backtrace: 0x400d1234\n"),
        "{}",
        log.text
    );
    // in the same breath as what was waited for
    check(
        "expect = ['up']\nreject = ['BAD \\d']",
        &[(100, b"up\nBAD 1\n")],
        "BOOT_REJECTED the manifest rejects 'BAD \\d': the console says \"BAD 1\"",
        400,
    );
    check(
        "expect = ['up']\ndefault_rejects = false",
        &[(1, b"flash read err, 1\nup\n")],
        "PASS",
        1,
    );
}

#[test]
fn it_lingers_for_a_late_reject() {
    let lines = "linger_ms = 300\nexpect = ['up']";
    check(lines, &[(100, b"up\n"), (300, b"fine\n")], "PASS", 400);
    check(
        lines,
        &[(100, b"up\n"), (390, b"abort() was called at PC 0x1\n")],
        "BOOT_REJECTED the app panics: the console says \"abort() was called at PC 0x1\"",
        690,
    );
    // also past the time limit, which is for what is expected
    check(
        "timeout_ms = 100\nlinger_ms = 300\nexpect = ['up']",
        &[(90, b"up\n")],
        "PASS",
        390,
    );
}

#[test]
fn a_third_start_is_a_loop() {
    let again = b"I (30) app: going down\r\nets Jul 29 2019\r\nrst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n";
    let lines = "expect = ['ready']";
    check(
        lines,
        &[(1, ROM), (500, again), (900, b"ready\n")],
        "PASS",
        900,
    );
    check(
        lines,
        &[(1, ROM), (500, again), (1000, again), (1100, b"ready\n")],
        "BOOT_REJECTED the chip is in a reset loop: start 3 within 1.0s, the last line before it was \"I (30) app: going down\"",
        1300,
    );
    check(
        "expect = ['ready']\ndefault_rejects = false",
        &[(1, ROM), (500, again), (1000, again), (1100, b"ready\n")],
        "PASS",
        1100,
    );
    // a ROM that is not heard: by the bootloader's word
    let boot = b"\x84\x11I (29) boot: ESP-IDF v5.3 2nd stage bootloader\n";
    check(
        lines,
        &[(1, boot), (2, boot), (3, boot)],
        "BOOT_REJECTED the chip is in a reset loop: start 3 within 3.0ms, the last line before it was \"\u{fffd}I (29) boot: ESP-IDF v5.3 2nd stage bootloader\"",
        303,
    );
}

#[test]
fn a_start_begins_from_nothing() {
    let start = b"rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\n";
    let lines = "timeout_ms = 900\nexpect = ['a', 'b']\n[[boot.measure]]\nname = \"v\"";
    check(
        lines,
        &[(1, b"a v=1\n"), (2, start), (3, b"b\n")],
        "BOOT_TIMEOUT within 900ms of the reset the console did not say 'a', v with a number; it said 63 bytes, the last line was \"b\"",
        900,
    );
}

#[test]
fn values_and_their_limits() {
    let lines = r#"timeout_ms = 2000
[[boot.measure]]
name = "vbat"
unit = "mV"
low = 3000
high = 3600
[[boot.measure]]
name = "temp"
low = -10.5
[[boot.measure]]
name = "rssi"
pattern = 'RSSI (-?\d+)'
required = false
"#;
    let (end, _, log) = listen(
        lines,
        &[
            (1, b"vbat=33"),
            (2, b"00 mV\r\nvbat=1\nRSSI -60\n"),
            (3, b"temp: 0x10\n"),
        ],
    );
    assert_eq!(end, "PASS");
    let values: Vec<_> = log
        .measurements
        .iter()
        .map(|m| (&*m.name, m.value))
        .collect();
    assert_eq!(values, [("vbat", 3300.0), ("temp", 16.0), ("rssi", -60.0)]);
    assert_eq!(log.measurements[0].unit, "mV");

    // an optional one is not waited for
    check(lines, &[(1, b"vbat=3000 temp=-10.5\n")], "PASS", 1);
    check(
        lines,
        &[(1, b"vbat=2999.9 temp=-11\n")],
        "MEASUREMENT_OUT_OF_LIMITS vbat is 2999.9 mV, allowed 3000 to 3600 mV; temp is -11, allowed -10.5 and more",
        1,
    );
    check(
        lines,
        &[(1, b"temp=nan vbat=3601\n")],
        "MEASUREMENT_OUT_OF_LIMITS vbat is 3601 mV, allowed 3000 to 3600 mV; temp is NaN, allowed -10.5 and more",
        1,
    );
    // the one that came is out of limits: that is told, not the one that did not come
    check(
        lines,
        &[(1, b"vbat=1\n")],
        "MEASUREMENT_OUT_OF_LIMITS vbat is 1 mV, allowed 3000 to 3600 mV",
        2000,
    );
    check(
        lines,
        &[(1, b"vbat=3300 temp=1.2.3\n")],
        "BOOT_TIMEOUT within 2s of the reset the console did not say temp with a number; it said 21 bytes, the last line was \"vbat=3300 temp=1.2.3\"",
        2000,
    );
    // digits may be missing from a line that has not ended
    check(
        "timeout_ms = 600\n[[boot.measure]]\nname = \"v\"",
        &[(1, b"v=33")],
        "BOOT_TIMEOUT within 600ms of the reset the console did not say v with a number; it said 4 bytes, the last line was \"v=33\"",
        600,
    );
}

#[test]
fn a_prompt_counts_when_the_console_is_quiet() {
    check(
        "expect = ['esp> $']",
        &[(10, b"hello\nes"), (20, b"p> ")],
        "PASS",
        220,
    );
    check(
        "expect = ['end$']",
        &[(10, b"end"), (100, b" of it\n"), (150, b"the end\n")],
        "PASS",
        150,
    );
    check(
        "expect = ['up']",
        &[(10, b"waiting for download")],
        "BOOT_REJECTED the board starts its loader, not its app: the boot strap is still held: the console says \"waiting for download\"",
        510,
    );
}

#[test]
fn no_secret_is_kept_measured_or_quoted() {
    let lines = r#"timeout_ms = 400
expect = ['never']
reject = ['claim']
secrets = ['claim code (\d+)']
[[boot.measure]]
name = "n"
pattern = 'token=(\d+)'
"#;
    let (end, _, log) = listen(
        lines,
        &[
            (1, b"wifi_pass"),
            (2, b"word=hunter2\r\ntoken=4711\r\n"),
            (
                3,
                b"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
            ),
            (
                4,
                b"claim code 12345\n\x1b[31mpsk\x1b[0m: c0ffee\ndevice key: 0011223344",
            ),
        ],
    );
    assert_eq!(
        end,
        "BOOT_REJECTED the manifest rejects 'claim': the console says \"claim code [blotted out]\""
    );
    assert_eq!(log.measurements, []);
    assert_eq!(
        log.text,
        format!(
            "wifi_password={BLOT}\ntoken={BLOT}\n{BLOT}\n{BLOT}\n{BLOT}\nclaim code {BLOT}\npsk: {BLOT}\ndevice key: 0011223344\n"
        )
    );
}

#[test]
fn a_line_that_is_still_coming_is_not_kept() {
    let (end, _, log) = listen("expect = ['up']", &[(1, b"up\ndevice key: 00112233")]);
    assert_eq!((&*end, &*log.text), ("PASS", "up\n"));
}

#[test]
fn a_flood_is_judged_and_not_kept() {
    let flood = b"0123456789abcdef0123456789abcdef\n".repeat(10_000);
    let (end, _, log) = listen("expect = ['up']", &[(1, &flood), (2, b"up\n")]);
    assert_eq!(end, "PASS");
    assert!(log.text.len() < 70_000 && log.text.ends_with("up\n"));
}

#[test]
fn codes() {
    assert_eq!(BootFault::Stays.code(), Code::BootTimeout);
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, size in 1..20_usize) {
        let pieces: Vec<(u64, &[u8])> = bytes.chunks(size).map(|piece| (1, piece)).collect();
        listen("timeout_ms = 500\nexpect = ['up']\n[[boot.measure]]\nname = \"v\"", &pieces);
    }
}
