use super::*;

const FT4232: [&str; 4] = ["1.3:1.0", "1.3:1.1", "1.3:1.2", "1.3:1.3"];

fn port(chain: &str) -> PortInfo {
    let chain = if chain.contains(':') {
        chain.to_owned()
    } else {
        format!("{chain}:1.0")
    };
    PortInfo {
        usb_path: Some(UsbPath(format!("pci-0000:00:14.0-usb-0:{chain}"))),
        ..PortInfo::at(node(&chain))
    }
}

fn node(chain: &str) -> PathBuf {
    let chain = chain.strip_suffix(":1.0").unwrap_or(chain);
    format!("/dev/{chain}").into()
}

/// What happens at the bench; times in milliseconds.
#[derive(Debug, Clone, Copy)]
enum Do {
    /// A board comes and stays.
    Plug(&'static str),
    /// It is only there from this moment on.
    Come(&'static str),
    Pull(&'static str),
    Wait(u64),
    Press(Key),
    KeysGone,
}
use Do::{Come, Plug, Press, Pull, Wait};

struct Bench1 {
    lesson: Lesson,
    now: Instant,
    said: Vec<String>,
}

fn terms(bench: Bench) -> Terms {
    Terms {
        bench,
        interfaces: Interfaces::Ask,
        settle: Duration::from_millis(300),
        known: vec![(port("1.9").usb_path.unwrap(), SlotId::new("left"))],
    }
}

fn play(terms: Terms, present: &[&str], acts: &[Do]) -> Bench1 {
    let mut bench = Bench1 {
        lesson: Lesson::new(terms),
        now: Instant::now(),
        said: Vec::new(),
    };
    let present = present.iter().map(|chain| port(chain)).collect();
    let said = bench.lesson.port(bench.now, PortChange::Present(present));
    bench.said.extend(said);
    for act in acts {
        bench.act(*act);
    }
    bench
}

impl Bench1 {
    fn act(&mut self, act: Do) {
        let said = match act {
            Plug(chain) => {
                self.act(Come(chain));
                self.act(Wait(1_000));
                return;
            }
            Come(chain) => self
                .lesson
                .port(self.now, PortChange::Appeared(port(chain))),
            Pull(chain) => self
                .lesson
                .port(self.now, PortChange::Vanished(node(chain))),
            Wait(milliseconds) => {
                let end = self.now + Duration::from_millis(milliseconds);
                let mut said = Vec::new();
                while let Some(due) = self.lesson.due().filter(|due| *due <= end) {
                    said.extend(self.lesson.tick(due));
                }
                self.now = end;
                said
            }
            Press(key) => self.lesson.key(key),
            Do::KeysGone => self.lesson.keys_gone(),
        };
        self.said.extend(said);
    }

    /// Number and chain of each learned place.
    fn learned(self) -> Vec<String> {
        let short = |learned: Learned| format!("{} {}", learned.number, learned.place.short());
        self.lesson.learned().into_iter().map(short).collect()
    }
}

fn check(bench: Bench, present: &[&str], acts: &[Do], expected: &[&str]) {
    assert_eq!(
        play(terms(bench), present, acts).learned(),
        expected,
        "{acts:?}"
    );
}

#[test]
fn places_are_learned_in_the_order_in_which_boards_come() {
    let three = Bench::Count(3);
    let all = ["1 usb-1.4", "2 usb-1.2", "3 usb-1.3"];
    check(three, &[], &[Plug("1.4"), Plug("1.2"), Plug("1.3")], &all);
    // one board is carried from place to place
    let carried = [
        Plug("1.4"),
        Pull("1.4"),
        Plug("1.2"),
        Pull("1.2"),
        Plug("1.3"),
    ];
    check(three, &[], &carried, &all);
    // what was there before the start counts when it is plugged in anew
    check(three, &["1.4"], &[Wait(5_000)], &[]);
    check(
        three,
        &["1.4"],
        &[Pull("1.4"), Wait(500), Plug("1.4")],
        &["1 usb-1.4"],
    );
    // no more than were asked for
    let four = [Plug("1.4"), Plug("1.2"), Plug("1.3"), Plug("1.1")];
    check(three, &[], &four, &all);
}

#[test]
fn skipping_and_undoing() {
    let skip = Press(Key::Skip);
    let undo = Press(Key::Undo);
    check(
        Bench::Count(3),
        &[],
        &[Plug("1.1"), skip, Plug("1.2")],
        &["1 usb-1.1", "3 usb-1.2"],
    );
    check(
        Bench::Open,
        &[],
        &[
            Plug("1.1"),
            Plug("1.2"),
            undo,
            Pull("1.2"),
            Wait(2_000),
            Plug("1.2"),
        ],
        &["1 usb-1.1", "2 usb-1.2"],
    );
    // the last one too, and a skipped one; nothing below the first
    check(
        Bench::Count(1),
        &[],
        &[Plug("1.1"), undo, Plug("1.2")],
        &["1 usb-1.2"],
    );
    check(
        Bench::Open,
        &[],
        &[skip, undo, undo, Plug("1.2")],
        &["1 usb-1.2"],
    );
}

#[test]
fn a_board_that_bounces_is_one_plug() {
    // in the first moment, and later
    let early = [
        Come("1.1"),
        Wait(100),
        Pull("1.1"),
        Wait(50),
        Plug("1.1"),
        Plug("1.2"),
    ];
    let late = [
        Plug("1.1"),
        Pull("1.1"),
        Wait(700),
        Plug("1.1"),
        Plug("1.2"),
    ];
    for acts in [&early[..], &late] {
        let bench = play(terms(Bench::Open), &[], acts);
        assert!(
            !bench.said.iter().any(|line| line.contains("already")),
            "{:?}",
            bench.said
        );
        assert_eq!(bench.learned(), ["1 usb-1.1", "2 usb-1.2"], "{acts:?}");
    }
    // one that did not stay is no plug
    check(
        Bench::Open,
        &[],
        &[Come("1.1"), Wait(200), Pull("1.1"), Wait(5_000)],
        &[],
    );
}

#[test]
fn what_is_told() {
    let grid = Bench::Grid {
        rows: 2,
        columns: 2,
    };
    let check = |acts: &[Do], expected: &str| {
        let bench = play(terms(grid), &[], acts);
        assert_eq!(
            bench.said.last().map(String::as_str),
            Some(expected),
            "{acts:?}"
        );
    };
    check(
        &[Plug("1.1"), Plug("1.2"), Plug("1.9")],
        "Place 3 (row 2, column 1) is usb-1.9 (/dev/1.9), slot left of the station file.",
    );
    check(
        &[
            Plug("1.1"),
            Plug("1.2"),
            Pull("1.2"),
            Wait(2_000),
            Plug("1.2"),
        ],
        "That is place 2 already (usb-1.2 (/dev/1.2)).",
    );
    check(
        &[Come("1.1"), Come("1.2"), Wait(1_000)],
        "Several came at once (usb-1.1, usb-1.2): pull them, then plug in one after the other.",
    );
    check(&[Press(Key::Undo)], "There is nothing to undo.");
    let full = [
        Plug("1.1"),
        Plug("1.2"),
        Plug("1.3"),
        Plug("1.4"),
        Plug("1.5"),
    ];
    check(&full, "No place is left for usb-1.5 (/dev/1.5).");
    let pty = PortChange::Present(vec![PortInfo {
        description: "pseudo-terminal".to_owned(),
        ..PortInfo::at("/tmp/bench/1")
    }]);
    let said = Lesson::new(terms(grid)).port(Instant::now(), pty);
    let expected = "/tmp/bench/1 (pseudo-terminal) has no place on USB that could be learned: give its \
                    slot `path` in the station file.";
    assert_eq!(said, [expected]);
}

#[test]
fn what_is_asked() {
    let grid = Bench::Grid {
        rows: 2,
        columns: 3,
    };
    let check = |acts: &[Do], expected: &str| {
        assert_eq!(
            play(terms(grid), &[], acts).lesson.question(),
            expected,
            "{acts:?}"
        );
    };
    check(&[], "Place 1 (row 1, column 1): plug a board in.");
    let three = [Plug("1.1"), Plug("1.2"), Plug("1.3")];
    check(&three, "Place 4 (row 2, column 1): plug a board in.");
    let all = [Press(Key::Skip); 6];
    check(
        &all,
        "All places are through. q: write and end   u: undo the last",
    );
    let two = [Come("1.3:1.0"), Come("1.3:1.1"), Wait(1_000)];
    check(
        &two,
        "This adapter has several lines:\n  1  usb-1.3 (/dev/1.3)\n  2  usb-1.3:1.1 (/dev/1.3:1.1)\n\
         Which one is place 1 (row 1, column 1)? Its number; a: each is a place, from this one on; \
         s: none.",
    );
}

#[test]
fn an_adapter_with_several_lines() {
    let quad = || {
        let mut acts: Vec<Do> = FT4232.into_iter().map(Come).collect();
        acts.push(Wait(1_000));
        acts
    };
    let after = |more: &[Do]| [&quad()[..], more].concat();
    let all = [
        "1 usb-1.3",
        "2 usb-1.3:1.1",
        "3 usb-1.3:1.2",
        "4 usb-1.3:1.3",
    ];
    check(Bench::Open, &[], &quad(), &[]);
    check(Bench::Open, &[], &after(&[Press(Key::All)]), &all);
    check(
        Bench::Open,
        &[],
        &after(&[Press(Key::Line(3))]),
        &["1 usb-1.3:1.2"],
    );
    check(Bench::Open, &[], &after(&[Press(Key::Line(5))]), &[]);
    check(
        Bench::Open,
        &[],
        &after(&[Press(Key::Skip), Plug("1.1")]),
        &["1 usb-1.1"],
    );
    check(Bench::Count(2), &[], &after(&[Press(Key::All)]), &all[..2]);
    check(
        Bench::Count(2),
        &[],
        &after(&[Do::KeysGone, Plug("1.1")]),
        &["1 usb-1.1"],
    );
    let each = Terms {
        interfaces: Interfaces::Each,
        ..terms(Bench::Open)
    };
    assert_eq!(play(each, &[], &quad()).learned(), all);
}

#[test]
fn when_it_is_over() {
    let check = |bench, acts: &[Do], expected| {
        assert_eq!(
            play(terms(bench), &[], acts).lesson.is_over(),
            expected,
            "{acts:?}"
        );
    };
    let gone = Do::KeysGone;
    check(Bench::Open, &[Press(Key::Finish)], true);
    check(Bench::Count(1), &[Plug("1.1")], false);
    check(Bench::Count(1), &[Plug("1.1"), Press(Key::Finish)], true);
    check(Bench::Count(1), &[Plug("1.1"), gone], true);
    check(Bench::Count(2), &[Plug("1.1"), gone], false);
    check(Bench::Open, &[Plug("1.1"), gone], true);
}
