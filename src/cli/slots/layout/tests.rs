use std::path::Path;

use super::*;
use crate::settings::Settings;

/// A file as someone keeps it: comments everywhere, a table behind the slots, odd spacing.
const FILE: &str = r#"# our bench
station  = "bench-1"   # by the window
manifest = "m.toml"
#: attempts = 2

# the good one
[[slot]]
name = "left"          # as the label says
usb_path = "pci-0000:00:14.0-usb-0:1.1:1.0"
row = 1   # back
column = 1
baud_ceiling = 460800

# came with the new hub
[[slot]]
usb_path = 'pci-0000:00:14.0-usb-0:1.2:1.0'
name = "2"

[[slot]]
name = "jig"
path = "/dev/ttyS4"
start = "probe"

[hub]
max_active = 4 # weak
#: stagger_ms = 150
"#;

fn learned(number: u32, chain: &str, seat: Option<(u16, u16)>) -> Learned {
    Learned {
        number,
        seat: seat.map(|(row, column)| Seat { row, column }),
        place: UsbPath(format!("pci-0000:00:14.0-usb-0:{chain}:1.0")),
    }
}

fn settings(text: &str) -> Settings {
    let read = Settings::parse(Path::new("station.toml"), text);
    read.unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]))
}

fn change(text: &str, learned: &[Learned], names: Names, unseen: Unseen) -> (Change, String) {
    let change = Change::of(&settings(text).slots, learned, names, unseen);
    let new = change.apply(text).unwrap();
    settings(&new);
    (change, new)
}

#[test]
fn new_slots_come_to_the_end_and_nothing_else_changes() {
    let places = [learned(1, "1.3", None), learned(2, "1.4.2", None)];
    let (change, new) = change(FILE, &places, Names::Kept, Unseen::Kept);
    assert!(!change.replaces());
    assert!(new.starts_with(FILE));
    insta::assert_snapshot!(new[FILE.len()..].trim_start(), @r#"
    [[slot]]
    name = "1"
    usb_path = "pci-0000:00:14.0-usb-0:1.3:1.0"

    [[slot]]
    name = "2a"
    usb_path = "pci-0000:00:14.0-usb-0:1.4.2:1.0"
    "#);
    insta::assert_snapshot!(change.to_string(), @r#"
    slot 1 is new: usb-1.3
    slot 2a is new: usb-1.4.2
    "#);
    assert_eq!(settings(&new).slots.len(), 5);
}

#[test]
fn known_slots_keep_their_names_and_keys_and_get_seats() {
    let places = [
        learned(1, "1.2", Some((1, 1))),
        learned(2, "1.1", Some((1, 2))),
    ];
    let (change, new) = change(FILE, &places, Names::Kept, Unseen::Kept);
    assert!(change.replaces());
    insta::assert_snapshot!(new, @r#"
    # our bench
    station  = "bench-1"   # by the window
    manifest = "m.toml"
    #: attempts = 2

    # the good one
    [[slot]]
    name = "left"          # as the label says
    usb_path = "pci-0000:00:14.0-usb-0:1.1:1.0"
    row = 1   # back
    column = 2
    baud_ceiling = 460800

    # came with the new hub
    [[slot]]
    usb_path = 'pci-0000:00:14.0-usb-0:1.2:1.0'
    name = "2"
    row = 1
    column = 1

    [[slot]]
    name = "jig"
    path = "/dev/ttyS4"
    start = "probe"

    [hub]
    max_active = 4 # weak
    #: stagger_ms = 150
    "#);
    insta::assert_snapshot!(change.to_string(), @r#"
    slot left gets row 1, column 2 (it had row 1, column 1)
    slot 2 gets row 1, column 1 (it had no seat)
    "#);
}

#[test]
fn renaming_a_seat_taken_over_and_a_fresh_layout() {
    let places = [
        learned(1, "1.2", Some((1, 1))),
        learned(2, "1.3", Some((1, 2))),
    ];
    let (renamed, new) = change(FILE, &places, Names::ByNumber, Unseen::Kept);
    insta::assert_snapshot!(renamed.to_string(), @r#"
    slot left gets no seat (it had row 1, column 1)
    slot 2 is named 1 and gets row 1, column 1 (it had no seat)
    slot 2 is new: usb-1.3, row 1, column 2
    "#);
    insta::assert_snapshot!(new, @r#"
    # our bench
    station  = "bench-1"   # by the window
    manifest = "m.toml"
    #: attempts = 2

    # the good one
    [[slot]]
    name = "left"          # as the label says
    usb_path = "pci-0000:00:14.0-usb-0:1.1:1.0"
    baud_ceiling = 460800

    # came with the new hub
    [[slot]]
    usb_path = 'pci-0000:00:14.0-usb-0:1.2:1.0'
    name = "1"
    row = 1
    column = 1

    [[slot]]
    name = "jig"
    path = "/dev/ttyS4"
    start = "probe"

    [hub]
    max_active = 4 # weak
    #: stagger_ms = 150

    [[slot]]
    name = "2"
    usb_path = "pci-0000:00:14.0-usb-0:1.3:1.0"
    row = 1
    column = 2
    "#);
    let (fresh, new) = change(FILE, &places, Names::ByNumber, Unseen::Removed);
    assert!(fresh.replaces());
    insta::assert_snapshot!(fresh.to_string(), @r#"
    slot left is taken out of the file
    slot 2 is named 1 and gets row 1, column 1 (it had no seat)
    slot 2 is new: usb-1.3, row 1, column 2
    "#);
    insta::assert_snapshot!(new, @r#"
    # our bench
    station  = "bench-1"   # by the window
    manifest = "m.toml"
    #: attempts = 2

    # came with the new hub
    [[slot]]
    usb_path = 'pci-0000:00:14.0-usb-0:1.2:1.0'
    name = "1"
    row = 1
    column = 1

    [[slot]]
    name = "jig"
    path = "/dev/ttyS4"
    start = "probe"

    [hub]
    max_active = 4 # weak
    #: stagger_ms = 150

    [[slot]]
    name = "2"
    usb_path = "pci-0000:00:14.0-usb-0:1.3:1.0"
    row = 1
    column = 2
    "#);
}

#[test]
fn what_the_file_says_already_is_no_change() {
    let places = [learned(1, "1.1", Some((1, 1)))];
    let (change, new) = change(FILE, &places, Names::Kept, Unseen::Kept);
    assert!(change.is_nothing() && !change.replaces());
    assert_eq!(new, FILE);
}

#[test]
fn a_file_of_comments_keeps_them_above_the_first_slots() {
    let example = include_str!("../../../../station.toml.example");
    let places = [learned(1, "1.1", Some((1, 1)))];
    let (_, new) = change(example, &places, Names::Kept, Unseen::Kept);
    assert!(new.starts_with(example));
}

#[test]
fn lines_end_as_they_did() {
    let text = FILE.replace('\n', "\r\n");
    let places = [learned(1, "1.2", Some((1, 1))), learned(2, "1.3", None)];
    let (_, new) = change(&text, &places, Names::ByNumber, Unseen::Kept);
    assert_eq!(new.matches('\n').count(), new.matches("\r\n").count());
    let open = "station = \"b\"\nmanifest = \"m\"";
    let (_, new) = change(open, &places, Names::Kept, Unseen::Kept);
    assert_eq!(settings(&new).slots.len(), 2);
}

#[test]
fn slots_in_brackets_are_refused() {
    let text =
        "station = \"b\"\nmanifest = \"m\"\nslot = [{ name = \"1\", path = \"/dev/ttyS1\" }]\n";
    let slots = settings(text).slots;
    let places = [learned(1, "1.1", None)];
    let change = Change::of(&slots, &places, Names::Kept, Unseen::Kept);
    assert!(matches!(change.apply(text), Err(EditError::InlineSlots)));
}

proptest::proptest! {
    /// Whatever is learned, the station takes the file, and has each learned place once.
    #[test]
    fn the_station_takes_what_comes_out(
        chains in proptest::collection::btree_set(1u32..6, 0..5),
        columns in 1u32..4, seats: bool, rename: bool, fresh: bool,
    ) {
        let places: Vec<Learned> = (1..).zip(&chains).map(|(number, chain)| {
            let index = number - 1;
            let seat = ((index / columns) as u16 + 1, (index % columns) as u16 + 1);
            learned(number, &format!("1.{chain}"), seats.then_some(seat))
        }).collect();
        let names = if rename { Names::ByNumber } else { Names::Kept };
        let unseen = if fresh { Unseen::Removed } else { Unseen::Kept };
        let (_, new) = change(FILE, &places, names, unseen);
        let slots = settings(&new).slots;
        for learned in &places {
            let place = Place::Usb(learned.place.clone());
            let there: Vec<_> = slots.iter().filter(|slot| slot.place == place).collect();
            proptest::prop_assert_eq!(there.len(), 1);
            if learned.seat.is_some() {
                proptest::prop_assert_eq!(there[0].seat, learned.seat);
            }
        }
    }
}
