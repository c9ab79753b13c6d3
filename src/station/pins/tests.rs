use std::os::unix::fs::PermissionsExt;

use super::*;

fn pin(text: &str) -> Pin {
    Pin::parse(text).unwrap()
}

#[test]
fn a_pin_is_four_digits_or_more_and_never_shown() {
    let check = |text: &str, is_one| assert_eq!(Pin::parse(text).is_ok(), is_one, "{text}");
    check("1234", true);
    check("0000000000", true);
    check(&"9".repeat(MOST_DIGITS), true);
    check(&"9".repeat(MOST_DIGITS + 1), false);
    for text in ["", "123", "12a4", "1234 ", "-1234", "１２３４", "12.34"] {
        check(text, false);
    }
    assert_eq!(format!("{:?}", pin("4711")), "Pin(…)");
    assert_eq!(format!("{:?}", Some(pin("4711"))), "Some(Pin(…))");
}

#[test]
fn each_has_one_of_their_own_and_it_is_tried_on_the_file_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("supervisors.toml");
    let pins = Pins::at(&path);
    let check = |name: &str, text: &str, expected| {
        assert_eq!(pins.try_one(name, &pin(text)), expected, "{name} {text}");
    };
    check("anna", "1234", Tried::Unknown);
    assert_eq!(pins.names().unwrap(), []);
    pins.set("anna", &pin("1234")).unwrap();
    pins.set("li", &pin("98765")).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(pins.names().unwrap(), ["anna".into(), "li".into()]);
    check("anna", "1234", Tried::Right);
    check("anna", "98765", Tried::Wrong);
    check("li", "98765", Tried::Right);
    check("Anna", "1234", Tried::Unknown);
    // replaced while it is in use
    pins.set("anna", &pin("5555")).unwrap();
    check("anna", "1234", Tried::Wrong);
    check("anna", "5555", Tried::Right);
    assert!(pins.remove("anna").unwrap() && !pins.remove("anna").unwrap());
    check("anna", "5555", Tried::Unknown);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
    assert!(!text.contains("98765"), "{text}");
}

#[test]
fn a_file_with_mistakes_is_told_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("supervisors.toml");
    let text = "[[supervisor]]\nname = \"anna\"\npin = \"4711\"\n";
    fs::write(&path, text).unwrap();
    let pins = Pins::at(&path);
    let Tried::Unreadable(why) = pins.try_one("anna", &pin("4711")) else {
        panic!("a fault")
    };
    assert!(
        why.ends_with("supervisors.toml:3:7: `pin` is no hash"),
        "{why}"
    );
    let refused = pins.set("anna", &pin("4711"));
    assert!(matches!(refused, Err(PinsError::Faulty(_))), "{refused:?}");
    assert!(!format!("{refused:?}").contains("4711"), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(pins.check().unwrap()[0].advice.starts_with("chmod 600"));
}

#[test]
fn two_who_write_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pins = Pins::at(&folder.path().join("supervisors.toml"));
    std::thread::scope(|scope| {
        for name in ["anna", "li", "mei"] {
            let pins = pins.clone();
            scope.spawn(move || pins.set(name, &pin("1234")).unwrap());
        }
    });
    assert_eq!(pins.names().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn who_has_one_is_told_when_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let pins = Pins::at(&folder.path().join("supervisors.toml"));
    let (sender, mut inbox) = mpsc::channel(4);
    let stop = CancellationToken::new();
    let interval = Duration::from_secs(2);
    let watching = tokio::spawn(watch(pins.clone(), interval, sender, stop.clone()));
    for expected in [&[][..], &["anna"], &["anna", "li"]] {
        if let Some(name) = expected.last() {
            pins.set(name, &pin("1234")).unwrap();
        }
        match inbox.recv().await {
            Some(Input::Supervisors(Ok(names))) => {
                let names: Vec<&str> = names.iter().map(|name| &**name).collect();
                assert_eq!(names, expected);
            }
            other => panic!("{other:?}"),
        }
    }
    stop.cancel();
    watching.await.unwrap();
}
