//! A TOML document read key by key: each reader takes what it knows and moves on, so that every
//! mistake is told at once; keys that nobody asked for are mistakes too.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::likeness::likeness;
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
    /// For messages: "the file", "`[flash]`".
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

#[cfg(test)]
mod tests;
