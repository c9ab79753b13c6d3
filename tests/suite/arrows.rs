//! A room uses only rooms above it, in the order of `src/lib.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from top to bottom, as the crate's root lists them.
fn rooms() -> Vec<String> {
    let root = fs::read_to_string(source().join("lib.rs")).unwrap();
    root.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code without comments, strings and what is under `#[cfg(test)]`, as tokens of words and signs.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("r#\"") {
            rest = rest[3..].split_once("\"#").map_or("", |(_, after)| after);
        } else if first == '"' {
            let mut escaped = false;
            let end = rest[1..].char_indices().find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            rest = end.map_or("", |(at, _)| &rest[at + 2..]);
        } else if rest.starts_with("'\"'") || rest.starts_with("'{'") || rest.starts_with("'}'") {
            rest = &rest[3..];
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            rest = &rest[end..];
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            rest = &rest[2..];
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    without_tests(tokens)
}

/// Drops every item that `#[cfg(test)]` stands before: to its closing brace, or to its semicolon.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..]
            .iter()
            .zip(MARK)
            .filter(|(token, mark)| token == mark)
            .count()
            != MARK.len()
        {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += MARK.len();
        let mut depth = 0;
        while at < tokens.len() {
            match tokens[at].as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            at += 1;
            let last = tokens[at - 1].as_str();
            if depth == 0 && matches!(last, "}" | ";") {
                break;
            }
        }
    }
    kept
}

/// The modules named by `crate::…` and `super::…` paths in a file at this module path, each as the
/// first segment below the crate's root. Groups (`crate::{a, b::c}`) are followed.
fn used(module: &[String], tokens: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let starts = index == 0 || tokens[index - 1] != "::";
        if !starts || tokens.get(index + 1).is_none_or(|next| next != "::") {
            continue;
        }
        let mut base: Vec<String> = match token.as_str() {
            "crate" => Vec::new(),
            "super" => module[..module.len().saturating_sub(1)].to_vec(),
            _ => continue,
        };
        let mut at = index + 2;
        while tokens.get(at).is_some_and(|next| next == "super") {
            base.pop();
            at += 2;
        }
        if !base.is_empty() {
            // it stays within its own room
            found.insert(base[0].clone());
            continue;
        }
        if tokens.get(at).is_some_and(|next| next == "{") {
            let mut depth = 0;
            for (offset, inner) in tokens[at..].iter().enumerate() {
                match inner.as_str() {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ if depth == 1 && matches!(tokens[at + offset - 1].as_str(), "{" | ",") => {
                        found.insert(inner.clone());
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else if let Some(name) = tokens.get(at) {
            found.insert(name.clone());
        }
    }
    found
}

/// Where a file stands in the tree of modules: `src/port/tty.rs` is `port, tty`.
fn module_of(file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(source()).unwrap().with_extension("");
    let mut path: Vec<String> = relative
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

#[test]
fn a_room_uses_only_rooms_above_it() {
    let rooms = rooms();
    let rank = |name: &str| rooms.iter().position(|room| room == name);
    let mut files = Vec::new();
    files_below(&source(), &mut files);
    assert!(files.len() > 50, "the sources were found");
    let mut wrong = Vec::new();
    for file in files {
        let module = module_of(&file);
        // test files are children that only `#[cfg(test)]` brings in
        let Some(own) = rank(&module[0]).filter(|_| module.last().unwrap() != "tests") else {
            continue;
        };
        for name in used(&module, &tokens(&fs::read_to_string(&file).unwrap())) {
            if rank(&name).is_some_and(|other| other > own) {
                wrong.push(format!("{} uses {name}, which is below it", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_is_on_the_map() {
    let map =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    let mut last = 0;
    for room in rooms() {
        let row = map
            .find(&format!("\n  {room}/ "))
            .unwrap_or_else(|| panic!("{room} is missing"));
        assert!(
            row > last,
            "{room} stands at another place on the map than in src/lib.rs"
        );
        last = row;
    }
}

/// The reader above must see what it is meant to see.
#[test]
fn the_reader_finds_paths_wherever_they_stand() {
    let check = |module: &[&str], code: &str, expected: &[&str]| {
        let module: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        let found = used(&module, &tokens(code));
        assert_eq!(
            found.iter().map(String::as_str).collect::<Vec<_>>(),
            expected,
            "{code}"
        );
    };
    check(&["port", "tty"], "use crate::chip::Mac;", &["chip"]);
    check(
        &["port", "tty"],
        "use crate::{chip, record::{Record, Since}};",
        &["chip", "record"],
    );
    check(
        &["port", "tty"],
        "fn f() { let x = crate::job::run(); }",
        &["job"],
    );
    check(&["port", "tty"], "use super::traits::Port;", &["port"]);
    check(
        &["port", "tty"],
        "use super::super::station::X;",
        &["station"],
    );
    check(&["port"], "use super::station::X;", &["station"]);
    check(
        &["port"],
        "// crate::job::run\n/* no */ let a = \"crate::job \\\" crate::job\";",
        &[],
    );
    check(
        &["port"],
        "#[cfg(test)] mod tests { use crate::job::run; fn a() {} } use crate::sim::X;",
        &["sim"],
    );
    check(
        &["port"],
        "#[cfg(test)] mod tests; use crate::sim::X;",
        &["sim"],
    );
}
