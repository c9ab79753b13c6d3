//! The documents that describe what the program holds, held to it.

use std::collections::HashMap;
use std::process::Command;

use flashline::event::Code;
use flashline::lang::{Language, advice};
use flashline::record::Record;

/// The first cells of a document's tables under a heading.
fn first_cells<'a>(document: &'a str, heading: &str) -> Vec<&'a str> {
    document
        .lines()
        .skip_while(|line| *line != format!("## {heading}"))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect()
}

#[test]
fn every_failure_code_is_documented_in_its_own_words() {
    let document = include_str!("../../docs/failure-codes.md");
    let rows: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let expected = Code::ALL.map(|code| {
        let words = advice(code, Language::English);
        format!(
            "| `{code}` | {} | {} | {} |",
            code.outcome(),
            words.happened,
            words.remedy
        )
    });
    assert_eq!(rows, expected, "the table must be\n{}", expected.join("\n"));
}

#[test]
fn the_librarys_page_shows_the_example_word_for_word() {
    let document = include_str!("../../docs/library.md");
    let example = include_str!("../../examples/library.rs");
    let (_, shown) = document.split_once("```rust\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert!(example.ends_with(shown), "{shown}");
    let lines = shown.lines();
    let substance = lines.filter(|line| line.contains(char::is_alphanumeric));
    assert!(substance.count() <= 20);
}

#[test]
fn every_column_is_documented_and_every_question_can_be_asked() {
    let document = include_str!("../../docs/database.md");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.db");
    let (_record, _) = Record::open(&path).unwrap();
    let database = rusqlite::Connection::open(&path).unwrap();
    let ask = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };

    let tables =
        ask("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
    assert!(tables.len() >= 7, "{tables:?}");
    for table in tables {
        let columns = ask(&format!("SELECT name FROM pragma_table_info('{table}')"));
        assert_eq!(first_cells(document, &table), columns, "table {table}");
    }

    let questions: Vec<&str> = document
        .split("```sql")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(questions.len() >= 4);
    for question in questions {
        database
            .prepare(question)
            .unwrap_or_else(|error| panic!("{error}:{question}"));
    }
}

/// Every command line of a document's blocks and of its code between backticks, as words behind
/// `flashline`.
fn command_lines(document: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for (number, part) in document.split("```").enumerate() {
        if number % 2 == 1 {
            lines.extend(part.lines().map(str::to_owned));
        } else {
            // a span may be broken over two lines
            let text = part.replace('\n', " ");
            lines.extend(text.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let words = lines.iter().map(|line| line.split_whitespace());
    words
        .filter_map(|mut words| {
            let first = words.next()?;
            let is_ours = first == "flashline" || (first == "sudo" && words.next()? == "flashline");
            is_ours.then(|| {
                let words = words.take_while(|word| !word.starts_with('#') && *word != "|");
                words
                    .map(|word| word.trim_end_matches(';').to_owned())
                    .collect()
            })
        })
        .filter(|words: &Vec<String>| !words.is_empty())
        .collect()
}

/// What `flashline … --help` says.
fn help(words: &[&str]) -> String {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("flashline"))
        .args(words)
        .arg("--help")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    if output.status.success() {
        told
    } else {
        String::new()
    }
}

#[test]
fn every_command_that_a_page_names_is_one_with_its_options() {
    let pages = [
        ("README.md", include_str!("../../README.md")),
        ("bench.md", include_str!("../../docs/bench.md")),
        ("engineer.md", include_str!("../../docs/engineer.md")),
        ("operator.md", include_str!("../../docs/operator.md")),
        ("supervisor.md", include_str!("../../docs/supervisor.md")),
        ("database.md", include_str!("../../docs/database.md")),
        ("socket.md", include_str!("../../docs/socket.md")),
        ("json.md", include_str!("../../docs/json.md")),
        (
            "failure-codes.md",
            include_str!("../../docs/failure-codes.md"),
        ),
    ];
    let mut told: HashMap<Vec<String>, String> = HashMap::new();
    let mut checked = 0;
    for (page, text) in pages {
        for line in command_lines(text) {
            let is_option = |word: &String| word.starts_with('-');
            if is_option(&line[0]) {
                continue;
            }
            let is = |word: &str| line.get(1).is_some_and(|second| second == word);
            let nested = line[0] == "slots" && is("learn")
                || line[0] == "lot" && !line.get(1).is_none_or(is_option);
            let command = line[..=usize::from(nested)].to_vec();
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            let help = told.entry(command.clone()).or_insert_with(|| help(&words));
            assert!(
                !help.is_empty(),
                "{page} names `flashline {}`, which is none",
                line.join(" ")
            );
            for option in line.iter().filter(|word| is_option(word)) {
                let name = option.split(['=', ',', ')']).next().unwrap();
                assert!(
                    help.split([' ', ',', '\n', '=']).any(|word| word == name),
                    "{page}: `flashline {}` has no {name}",
                    line.join(" ")
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked} commands in all pages");
}
