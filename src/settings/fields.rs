//! A TOML document read key by key: each reader takes what it knows and moves on, so that every
//! mistake is told at once; keys that nobody asked for are mistakes too.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Fault, Misfit, Severity, Source};

/// A value and the bytes where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    pub value: T,
    pub span: Range<usize>,
}

/// A parsed file that gathers its faults.
pub struct Document<'s> {
    source: &'s Source,
    table: Spanned<DeTable<'s>>,
    faults: RefCell<Vec<Fault>>,
}

impl<'s> Document<'s> {
    /// Parses; where the text is no TOML, tells every place where it is not.
    pub fn parse(source: &'s Source) -> Result<Document<'s>, Vec<Fault>> {
        let (table, errors) = DeTable::parse_recoverable(source.text());
        if errors.is_empty() {
            return Ok(Document {
                source,
                table,
                faults: RefCell::default(),
            });
        }
        let faults = errors.iter().map(|error| {
            Fault::new(
                Severity::Error,
                source,
                error.span(),
                format!("this is no TOML: {}", error.message()),
                "write `key = value` lines under `[table]` headings, text in double quotes",
            )
        });
        let mut faults = in_order(faults.collect());
        // what follows on the same line mostly follows from the first
        faults.dedup_by_key(|fault| fault.line);
        Err(faults)
    }

    /// The keys before any heading.
    pub fn root(&self) -> Fields<'_> {
        Fields::new(self, "the file", None, self.table.get_ref())
    }

    pub fn source(&self) -> &Source {
        self.source
    }

    /// Notes a fault.
    pub fn push(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    /// Notes an error at a place.
    pub fn error(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let span = Some(span.clone());
        self.push(Fault::new(
            Severity::Error,
            self.source,
            span,
            message,
            advice,
        ));
    }

    /// Whether anything noted so far forbids taking the file.
    pub fn has_errors(&self) -> bool {
        let faults = self.faults.borrow();
        faults.iter().any(|fault| fault.severity == Severity::Error)
    }

    /// The errors, in the file's order, those of the whole file first; the warnings if there are none
    /// (beside errors they mostly follow from them).
    pub fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        let worst = faults.iter().map(|fault| fault.severity).max();
        faults.retain(|fault| Some(fault.severity) == worst);
        in_order(faults)
    }
}

fn in_order(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults
}

/// One table's keys. [`Fields::finish`] tells what was missing and what was not asked for.
#[must_use]
pub struct Fields<'d> {
    document: &'d Document<'d>,
    /// For messages: "the file", "[flash]".
    name: &'static str,
    /// The heading; `None` for the root.
    span: Option<Range<usize>>,
    table: &'d DeTable<'d>,
    asked: Vec<&'static str>,
    missing: Vec<(&'static str, &'static str)>,
}

impl<'d> Fields<'d> {
    fn new(
        document: &'d Document<'d>,
        name: &'static str,
        span: Option<Range<usize>>,
        table: &'d DeTable<'d>,
    ) -> Fields<'d> {
        Fields {
            document,
            name,
            span,
            table,
            asked: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Whether the file has this key, fitting or not.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A key that may be left out.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Misfit>,
    ) -> Option<Found<T>> {
        let value = self.take(key)?;
        self.read(&format!("`{key}`"), value, &read)
    }

    /// A key that must be there; `example` is what could be written for it.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        example: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Misfit>,
    ) -> Option<Found<T>> {
        match self.take(key) {
            Some(value) => self.read(&format!("`{key}`"), value, &read),
            None => {
                self.missing.push((key, example));
                None
            }
        }
    }

    /// A list; every element is read, those that do not fit are told one by one.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Misfit>,
    ) -> Option<Found<Vec<Found<T>>>> {
        let value = self.take(key)?;
        let DeValue::Array(elements) = value.get_ref() else {
            let advice = format!("write a list: {key} = [ …, … ]");
            self.document
                .error(&value.span(), format!("`{key}` is no list"), advice);
            return None;
        };
        let read = elements
            .iter()
            .filter_map(|element| self.read(&format!("an element of `{key}`"), element, &read))
            .collect();
        Some(Found {
            value: read,
            span: value.span(),
        })
    }

    /// The `[key]` table, if there is one.
    pub fn table(&mut self, key: &'static str, name: &'static str) -> Option<Fields<'d>> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::Table(table) => {
                Some(Fields::new(self.document, name, Some(value.span()), table))
            }
            _ => {
                let message = format!("`{key}` is no table");
                self.document.error(
                    &value.span(),
                    message,
                    format!("write it under a heading {name}"),
                );
                None
            }
        }
    }

    /// The `[[key]]` tables, in the file's order.
    pub fn tables(&mut self, key: &'static str, name: &'static str) -> Vec<Fields<'d>> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let advice = || format!("write each under a heading {name}, in double brackets");
        let DeValue::Array(elements) = value.get_ref() else {
            let message = format!("`{key}` is one and may be many");
            self.document.error(&value.span(), message, advice());
            return Vec::new();
        };
        let table = |element: &'d Spanned<DeValue<'d>>| match element.get_ref() {
            DeValue::Table(table) => Some(Fields::new(
                self.document,
                name,
                Some(element.span()),
                table,
            )),
            _ => {
                let message = format!("an element of `{key}` is no table");
                self.document.error(&element.span(), message, advice());
                None
            }
        };
        elements.iter().filter_map(table).collect()
    }

    /// Notes an error at this table's heading.
    pub fn error(&self, message: impl Into<String>, advice: impl Into<String>) {
        let fault = Fault::new(
            Severity::Error,
            self.document.source,
            self.span.clone(),
            message,
            advice,
        );
        self.document.push(fault);
    }

    /// Tells the keys that were not asked for and those that are missing. A missing key that an
    /// unknown one was surely meant to be is told once.
    pub fn finish(self) {
        let mut meant = Vec::new();
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let unused = self
                .asked
                .iter()
                .filter(|known| !self.table.contains_key(**known));
            let nearest = unused
                .filter_map(|known| Some((likeness(name, known)?, *known)))
                .min();
            let advice = match nearest {
                Some((_, known)) => {
                    meant.push(known);
                    format!("did you mean `{known}`?")
                }
                None => format!("known in {}: {}", self.name, self.asked.join(", ")),
            };
            self.document
                .error(&key.span(), format!("unknown key `{name}`"), advice);
        }
        for (key, example) in &self.missing {
            if !meant.contains(key) {
                let message = format!("{} has no `{key}`", self.name);
                self.error(message, format!("add: {key} = {example}"));
            }
        }
    }

    fn take(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    fn read<T>(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        read: &impl Fn(&DeValue<'_>) -> Result<T, Misfit>,
    ) -> Option<Found<T>> {
        match read(value.get_ref()) {
            Ok(found) => Some(Found {
                value: found,
                span: value.span(),
            }),
            Err(misfit) => {
                let message = format!("{name} {}", misfit.what);
                self.document.error(&value.span(), message, misfit.advice);
                None
            }
        }
    }
}

/// How far a mistyped key is from a known one, 0 being nearest; `None` where it was surely not meant.
fn likeness(typed: &str, known: &str) -> Option<usize> {
    let typed = typed.to_lowercase().replace('-', "_");
    if typed.len() >= 3 && (known.starts_with(&typed) || typed.starts_with(known)) {
        return Some(0);
    }
    let changes = edits(&typed, known);
    (changes <= 1 + known.len() / 4).then_some(changes)
}

/// Letters to insert, delete, replace or swap with their neighbour.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{text, whole, word, yes_or_no};
    use super::*;

    /// What is told of a document with a known shape.
    fn told(toml: &str) -> String {
        let source = Source::new(Path::new("x.toml"), toml);
        let document = match Document::parse(&source) {
            Ok(document) => document,
            Err(faults) => return Fault::render_all(&faults, super::super::Paint::Plain),
        };
        let mut root = document.root();
        root.required("name", "\"x\"", text(8));
        root.optional("count_ms", whole(1..=10, "milliseconds"));
        root.optional("wanted", yes_or_no);
        root.list("rates", whole(1..=1000, "baud"));
        if let Some(mut flash) = root.table("flash", "[flash]") {
            flash.optional("mode", word(&[("keep", 0), ("dio", 1)]));
            flash.finish();
        }
        for mut slot in root.tables("slot", "[[slot]]") {
            slot.required("name", "\"left\"", text(8));
            slot.finish();
        }
        root.finish();
        Fault::render_all(&document.into_faults(), super::super::Paint::Plain)
    }

    #[test]
    fn takes_what_fits() {
        assert_eq!(
            told(
                "name = 'a'\ncount_ms = 0x0_a\nwanted = true\nrates = [1, 2]\nflash.mode = 'dio'\n[[slot]]\nname = 'l'"
            ),
            ""
        );
    }

    #[test]
    fn every_mistake_at_once() {
        insta::assert_snapshot!(told("nam = 3\ncount_ms = 11\nwanted = \"yes\"\nrates = [0, 5, \"6\"]\ncolour = 1\n\n[flash]\nmode = \"doi\"\n\n[[slot]]\n\n[[slot]]\nname = 7\n"), @r#"
        error: unknown key `nam`
         --> x.toml:1:1
          |
        1 | nam = 3
          | ^^^
          |
          = help: did you mean `name`?

        error: `count_ms` is 11, more than 10
         --> x.toml:2:12
          |
        2 | count_ms = 11
          |            ^^
          |
          = help: write a whole number from 1 to 10 (milliseconds), without quotes

        error: `wanted` is a string
         --> x.toml:3:10
          |
        3 | wanted = "yes"
          |          ^^^^^
          |
          = help: write true or false, without quotes

        error: an element of `rates` is 0, less than 1
         --> x.toml:4:10
          |
        4 | rates = [0, 5, "6"]
          |          ^
          |
          = help: write a whole number from 1 to 1000 (baud), without quotes

        error: an element of `rates` is a string
         --> x.toml:4:16
          |
        4 | rates = [0, 5, "6"]
          |                ^^^
          |
          = help: write a whole number from 1 to 1000 (baud), without quotes

        error: unknown key `colour`
         --> x.toml:5:1
          |
        5 | colour = 1
          | ^^^^^^
          |
          = help: known in the file: name, count_ms, wanted, rates, flash, slot

        error: `mode` is "doi"
         --> x.toml:8:8
          |
        8 | mode = "doi"
          |        ^^^^^
          |
          = help: write "keep" or "dio"

        error: [[slot]] has no `name`
          --> x.toml:10:1
           |
        10 | [[slot]]
           | ^^^^^^^^
           |
           = help: add: name = "left"

        error: `name` is a whole number
          --> x.toml:13:8
           |
        13 | name = 7
           |        ^
           |
           = help: write 1 to 8 characters between quotes
        "#);
    }

    #[test]
    fn wrong_shapes() {
        insta::assert_snapshot!(told("name = \"123456789\"\nrates = 5\nflash = 1\nslot = [1]\nwanted = 1.5\ncount_ms = 99999999999999999999\n"), @r#"
        error: `name` has 9 characters, more than 8
         --> x.toml:1:8
          |
        1 | name = "123456789"
          |        ^^^^^^^^^^^
          |
          = help: write 1 to 8 characters between quotes

        error: `rates` is no list
         --> x.toml:2:9
          |
        2 | rates = 5
          |         ^
          |
          = help: write a list: rates = [ …, … ]

        error: `flash` is no table
         --> x.toml:3:9
          |
        3 | flash = 1
          |         ^
          |
          = help: write it under a heading [flash]

        error: an element of `slot` is no table
         --> x.toml:4:9
          |
        4 | slot = [1]
          |         ^
          |
          = help: write each under a heading [[slot]], in double brackets

        error: `wanted` is a number with a fraction
         --> x.toml:5:10
          |
        5 | wanted = 1.5
          |          ^^^
          |
          = help: write true or false, without quotes

        error: `count_ms` is 99999999999999999999, more than 10
         --> x.toml:6:12
          |
        6 | count_ms = 99999999999999999999
          |            ^^^^^^^^^^^^^^^^^^^^
          |
          = help: write a whole number from 1 to 10 (milliseconds), without quotes
        "#);
        insta::assert_snapshot!(told("name = \" \"\n[slot]\nname = 1\n"), @r#"
        error: `name` is empty
         --> x.toml:1:8
          |
        1 | name = " "
          |        ^^^
          |
          = help: write 1 to 8 characters between quotes

        error: `slot` is one and may be many
         --> x.toml:2:1
          |
        2 | [slot]
          | ^^^^^^
          |
          = help: write each under a heading [[slot]], in double brackets
        "#);
        insta::assert_snapshot!(told("name = \"a\\u0007\"\ncount_ms = -3\n"), @r#"
        error: `name` holds a control character
         --> x.toml:1:8
          |
        1 | name = "a\u0007"
          |        ^^^^^^^^^
          |
          = help: leave it out

        error: `count_ms` is -3, less than 1
         --> x.toml:2:12
          |
        2 | count_ms = -3
          |            ^^
          |
          = help: write a whole number from 1 to 10 (milliseconds), without quotes
        "#);
    }

    #[test]
    fn syntax() {
        insta::assert_snapshot!(told("name = \"a\nrates = [1,\nflash = {"), @r#"
        error: this is no TOML: invalid basic string, expected `"`
         --> x.toml:1:10
          |
        1 | name = "a
          |          ^
          |
          = help: write `key = value` lines under `[table]` headings, text in double quotes

        error: this is no TOML: invalid boolean, expected `false`
         --> x.toml:3:1
          |
        3 | flash = {
          | ^^^^^
          |
          = help: write `key = value` lines under `[table]` headings, text in double quotes
        "#);
        insta::assert_snapshot!(told("name = \"a\"\nname = \"b\"\nx = = 2\n"), @r#"
        error: this is no TOML: duplicate key
         --> x.toml:2:1
          |
        2 | name = "b"
          | ^^^^
          |
          = help: write `key = value` lines under `[table]` headings, text in double quotes

        error: this is no TOML: extra `=`, expected nothing
         --> x.toml:3:5
          |
        3 | x = = 2
          |     ^
          |
          = help: write `key = value` lines under `[table]` headings, text in double quotes
        "#);
        insta::assert_snapshot!(told("name = bench\n"), @r#"
        error: this is no TOML: string values must be quoted, expected literal string
         --> x.toml:1:8
          |
        1 | name = bench
          |        ^^^^^
          |
          = help: write `key = value` lines under `[table]` headings, text in double quotes
        "#);
    }

    #[test]
    fn nearest_keys() {
        for (typed, known, near) in [
            ("settle", "settle_ms", true),
            ("settel_ms", "settle_ms", true),
            ("Settle-ms", "settle_ms", true),
            ("manifset", "manifest", true),
            ("colour", "settle_ms", false),
            ("id", "station", false),
            ("", "name", false),
        ] {
            assert_eq!(likeness(typed, known).is_some(), near, "{typed} {known}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text(toml in "[a-z_=\\[\\]{}\"'.,#0-9\\n\\r é\u{feff}-]{0,120}") {
            told(&toml);
        }
    }
}
