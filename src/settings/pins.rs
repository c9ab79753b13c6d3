//! The supervisors' file: who has a PIN, and its hash. Leaves out trying one, and who writes the file
//! (`station/pins`).
//!
//! A fault shows the file's lines, but nothing of what they hold beside names: with the hash of a few
//! digits the digits are soon found.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Params};
use toml::de::DeValue;

use super::{Document, Fault, Misfit, Severity, Source, text};

/// The most that a hash may ask for, in KiB: more than this would stop a small computer's line.
const MOST_MEMORY_KIB: u32 = 256 << 10;
/// The most passes over that memory, and lanes in it.
const COSTS: RangeInclusive<u32> = 1..=16;

/// Who has a PIN.
#[derive(Clone, Default)]
pub struct PinFile {
    /// By name.
    people: Vec<(String, PasswordHash)>,
}

impl fmt::Debug for PinFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl PinFile {
    /// Reads the file from disk, or tells every fault in it; without a file nobody has a PIN. Blocks.
    pub fn load(path: &Path) -> Result<PinFile, Vec<Fault>> {
        match std::fs::exists(path) {
            Ok(false) => Ok(PinFile::default()),
            Ok(true) | Err(_) => PinFile::read(&Source::load(path)?),
        }
    }

    /// Reads its text.
    pub fn read(source: &Source) -> Result<PinFile, Vec<Fault>> {
        let veiled = Source::new(source.path(), &veil(source.text()));
        read(source).map_err(|mut faults| {
            for fault in &mut faults {
                fault.source = veiled.clone();
            }
            faults
        })
    }

    /// In alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.people.iter().map(|(name, _)| name.as_str())
    }

    pub fn hash(&self, name: &str) -> Option<&PasswordHash> {
        let found = self.people.iter().find(|(known, _)| known == name);
        found.map(|(_, hash)| hash)
    }

    /// Gives someone another hash, or the first.
    pub fn set(&mut self, name: &str, hash: PasswordHash) {
        self.remove(name);
        self.people.push((name.to_owned(), hash));
        self.people.sort_by(|(one, _), (two, _)| one.cmp(two));
    }

    /// `false`: there is nobody of that name.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.people.len();
        self.people.retain(|(known, _)| known != name);
        self.people.len() != before
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (name, hash) in &self.people {
            let name = toml::Value::from(name.as_str());
            text += &format!("\n[[supervisor]]\nname = {name}\npin = \"{hash}\"\n");
        }
        text
    }
}

const HEAD: &str = "\
# Who has a PIN on this station, and its argon2id hash. `flashline supervisor set` and `remove` write it; the
# station reads it again when it changes. Its owner's alone: with the hash of a few digits the digits are soon
# found.
";

fn read(source: &Source) -> Result<PinFile, Vec<Fault>> {
    let document = Document::parse(source)?;
    let mut root = document.root();
    let mut file = PinFile::default();
    for mut table in root.tables("supervisor", "[[supervisor]]") {
        let name = table.required("name", "\"anna\"", text(64));
        let pin = table.required("pin", "… (`flashline supervisor set NAME` writes it)", hash);
        table.finish();
        let (Some(name), Some(pin)) = (name, pin) else {
            continue;
        };
        if file.hash(&name.value).is_some() {
            let message = format!("`{}` stands here a second time", name.value);
            document.error(&name.span, message, "leave one of them");
        } else {
            file.set(&name.value, pin.value);
        }
    }
    root.finish();
    if document.has_errors() {
        return Err(document.into_faults());
    }
    Ok(file)
}

/// A hash that can be tried.
fn hash(value: &DeValue<'_>) -> Result<PasswordHash, Misfit> {
    let misfit = |what: &str| {
        let advice = "let `flashline supervisor set NAME` write it, and no PIN stand in the file";
        Err(Misfit::new(what, advice))
    };
    let DeValue::String(text) = value else {
        return misfit("is no hash between quotes");
    };
    let Ok(hash) = PasswordHash::new(text) else {
        return misfit("is no hash");
    };
    if hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
        || hash.salt.is_none()
        || hash.hash.is_none()
    {
        return misfit("is no hash by argon2id");
    }
    match Params::try_from(&hash) {
        Ok(costs)
            if costs.m_cost() <= MOST_MEMORY_KIB
                && COSTS.contains(&costs.t_cost())
                && COSTS.contains(&costs.p_cost()) =>
        {
            Ok(hash)
        }
        Ok(_) => misfit("takes more memory or time than a PIN may"),
        Err(_) => misfit("is no hash by argon2id"),
    }
}

/// The text with every letter and digit of what is no name and no key made an `x`; bytes stay where they are.
fn veil(text: &str) -> String {
    let line = |line: &str| -> String {
        let bare = line.trim_start();
        let shown = match line.split_once('=') {
            Some((key, _)) if key.trim() == "name" => line.len(),
            Some((key, _)) if key.trim().bytes().all(|byte| byte.is_ascii_lowercase()) => key.len(),
            _ if bare.starts_with("[[supervisor]]") || bare.starts_with('#') => line.len(),
            _ => 0,
        };
        let (shown, rest) = line.split_at(shown);
        let veiled = rest.chars().map(|sign| match sign.is_ascii_alphanumeric() {
            true => 'x',
            false => sign,
        });
        shown.chars().chain(veiled).collect()
    };
    text.split_inclusive('\n').map(line).collect()
}

/// A mistake in a PIN file that others than its owner may read.
pub fn open_to_others(path: &Path, mode: u32) -> Option<Fault> {
    const OTHERS: u32 = 0o077;
    (mode & OTHERS != 0).then(|| {
        Fault::new(
            Severity::Warning,
            &Source::new(path, ""),
            None,
            "others than its owner may read or change the file, and with it the PINs",
            format!("chmod 600 {}", path.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The hash of 1234, made with little memory.
    const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$";

    fn hashed(costs: &str) -> String {
        let tail = "iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";
        format!("$argon2id$v=19${costs}$c29tZXNhbHQ${tail}")
    }

    fn file(text: &str) -> Result<PinFile, Vec<Fault>> {
        PinFile::read(&Source::new("supervisors.toml".as_ref(), text))
    }

    fn person(name: &str, pin: &str) -> String {
        format!("[[supervisor]]\nname = {name}\npin = {pin}\n")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut written = PinFile::default();
        let hash = PasswordHash::new(&hashed("m=8,t=1,p=1")).unwrap();
        for name in ["mei", "Anna \"the boss\" Ö", "anna"] {
            written.set(name, hash.clone());
        }
        assert!(written.remove("mei") && !written.remove("mei"));
        let read = file(&written.to_text()).unwrap();
        let names: Vec<&str> = read.names().collect();
        assert_eq!(names, ["Anna \"the boss\" Ö", "anna"]);
        assert_eq!(read.hash("anna"), Some(&hash));
        assert_eq!(read.hash("mei"), None);
        assert_eq!(
            format!("{read:?}"),
            "[\"Anna \\\"the boss\\\" Ö\", \"anna\"]"
        );
        assert_eq!(file("").unwrap().names().count(), 0);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_without_a_digit() {
        let check = |text: &str, place: (usize, usize), message: &str| {
            let faults = file(text).unwrap_err();
            let told = (faults[0].line, faults[0].column);
            assert_eq!((told, &*faults[0].message), (place, message), "{text}");
            let all: String = faults
                .iter()
                .map(|fault| fault.render(super::super::Paint::Plain) + &fault.in_a_line())
                .collect();
            for secret in ["4711", "c29tZXNhbHQ", "iWh06"] {
                assert!(!all.contains(secret), "{all}");
            }
        };
        let good = format!("\"{}\"", hashed("m=8,t=1,p=1"));
        check(&person("\"anna\"", "\"4711\""), (3, 7), "`pin` is no hash");
        check(
            &person("\"anna\"", "4711"),
            (3, 7),
            "`pin` is no hash between quotes",
        );
        check(
            &person("\"anna\"", "4711 4711"),
            (3, 7),
            "this is no TOML: string values must be quoted, expected literal string",
        );
        check(&person("\"\"", &good), (2, 8), "`name` is empty");
        check("[[supervisor]]\n", (1, 1), "[[supervisor]] has no `name`");
        let twice = person("\"anna\"", &good).repeat(2);
        check(&twice, (5, 8), "`anna` stands here a second time");
        let other = good.replace("argon2id", "argon2d");
        let by = "`pin` is no hash by argon2id";
        check(&person("\"anna\"", &other), (3, 7), by);
        check(
            &person("\"anna\"", &format!("\"{HASH}\"")),
            (3, 7),
            "`pin` is no hash",
        );
        for costs in ["m=262145,t=1,p=1", "m=8,t=17,p=1", "m=1024,t=1,p=17"] {
            let pin = format!("\"{}\"", hashed(costs));
            let message = "`pin` takes more memory or time than a PIN may";
            check(&person("\"anna\"", &pin), (3, 7), message);
        }
        check("anna = \"4711\"\n", (1, 1), "unknown key `anna`");
    }

    #[test]
    fn a_file_that_others_may_read_is_told() {
        let check = |mode, told| {
            assert_eq!(
                open_to_others("s".as_ref(), mode).is_some(),
                told,
                "{mode:o}"
            );
        };
        check(0o100_600, false);
        check(0o100_400, false);
        check(0o100_640, true);
        check(0o100_604, true);
        check(0o100_620, true);
    }

    proptest! {
        #[test]
        fn no_file_panics(text in "(\\PC|\n|\\[\\[supervisor\\]\\]\n|pin = \"\\$argon2id\\$|name = \"){0,40}") {
            match file(&text) {
                Ok(read) => {
                    let again = file(&read.to_text()).unwrap();
                    prop_assert!(again.names().eq(read.names()));
                }
                Err(faults) => {
                    for fault in faults {
                        prop_assert_eq!(fault.source.text().len(), text.len());
                        let _ = fault.render(super::super::Paint::Plain);
                    }
                }
            }
        }
    }
}
