//! The documents that describe what the program holds, held to it.

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
