//! A table of the file, read key by key; what is left at the end is unknown and refused.

use super::units;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use toml::{Table, Value};

/// What is wrong with the configuration. The operator corrects the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text is no TOML.
    #[error("configuration is not valid TOML in line {line}: {message}; correct that line")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// The parser's complaint.
        message: String,
    },
    /// A file that a key names.
    #[error("`{key}` names {path}, which cannot be read ({source}); name an existing file that the service's user may read", path = path.display())]
    File {
        /// Which key.
        key: String,
        /// Which file.
        path: PathBuf,
        /// The system's complaint.
        source: std::io::Error,
    },
    /// A value that cannot be.
    #[error("`{key}` is `{value}`, which {complaint}")]
    Invalid {
        /// Which key.
        key: String,
        /// What it holds.
        value: String,
        /// What is wrong and what would do.
        complaint: String,
    },
    /// A key nobody reads: most likely a slip of the pen.
    #[error("`{key}` is `{value}`, but there is no such key; known here: {known}")]
    Unknown {
        /// Which key.
        key: String,
        /// What it holds.
        value: String,
        /// What there is.
        known: String,
    },
    /// A key without which the section means nothing.
    #[error("`{key}` is missing; write {remedy}")]
    Missing {
        /// Which key.
        key: String,
        /// What would do.
        remedy: String,
    },
}

/// A table and the keys that were asked of it.
pub(super) struct Section {
    path: String,
    table: Table,
    known: Vec<&'static str>,
}

impl Section {
    pub(super) fn root(text: &str) -> Result<Self, ConfigError> {
        let table = text.parse::<Table>().map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).unwrap_or(text).matches('\n').count() + 1;
            ConfigError::Syntax { line, message: error.message().to_owned() }
        })?;
        Ok(Self { path: String::new(), table, known: Vec::new() })
    }

    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The text of the file that a key names.
    pub(super) fn file(&self, key: &str, path: PathBuf) -> Result<String, ConfigError> {
        std::fs::read_to_string(&path).map_err(|source| ConfigError::File { key: self.key(key), path, source })
    }

    pub(super) fn invalid(&self, key: &str, value: &str, reason: &str) -> ConfigError {
        self.complain(key, value, format!("cannot be used: {reason}"))
    }

    fn complain(&self, key: &str, value: &str, complaint: String) -> ConfigError {
        ConfigError::Invalid { key: self.key(key), value: value.to_owned(), complaint }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    pub(super) fn section(&mut self, key: &'static str) -> Result<Self, ConfigError> {
        Ok(self.optional_section(key)?.unwrap_or_else(|| Self {
            path: self.key(key),
            table: Table::new(),
            known: vec![],
        }))
    }

    pub(super) fn optional_section(&mut self, key: &'static str) -> Result<Option<Self>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Self { path: self.key(key), table, known: Vec::new() })),
            Some(other) => {
                let complaint = format!("is no section; write [{key}] on a line of its own");
                Err(self.complain(key, &shown(&other), complaint))
            }
        }
    }

    pub(super) fn sections(&mut self, key: &'static str) -> Result<Vec<Self>, ConfigError> {
        let complaint = || format!("is no list of sections; write [[{key}]] on a line of its own before each");
        let list = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.complain(key, &shown(&other), complaint())),
        };
        list.into_iter()
            .enumerate()
            .map(|(number, item)| match item {
                Value::Table(table) => {
                    Ok(Self { path: format!("{}[{number}]", self.key(key)), table, known: Vec::new() })
                }
                other => Err(self.complain(key, &shown(&other), complaint())),
            })
            .collect()
    }

    pub(super) fn optional_text(&mut self, key: &'static str) -> Result<Option<String>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.complain(key, &shown(&other), "is no text; write it in quotes".into())),
        }
    }

    pub(super) fn text(&mut self, key: &'static str, default: &str) -> Result<String, ConfigError> {
        Ok(self.optional_text(key)?.unwrap_or_else(|| default.to_owned()))
    }

    pub(super) fn required(&mut self, key: &'static str, remedy: &str) -> Result<String, ConfigError> {
        let missing = self.missing(key, remedy);
        self.optional_text(key)?.filter(|text| !text.trim().is_empty()).ok_or(missing)
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Result<Vec<String>, ConfigError> {
        let complaint = "is no list of texts; write [\"one\", \"two\"]";
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    other => Err(self.complain(key, &shown(&other), complaint.into())),
                })
                .collect(),
            Some(other) => Err(self.complain(key, &shown(&other), complaint.into())),
        }
    }

    /// Whether a key stands there; it stays there to be read.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether nothing is left to be read.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Texts, numbers and flags, mixed; one alone counts as a list of one.
    pub(super) fn scalars(&mut self, key: &'static str) -> Result<Option<Vec<Value>>, ConfigError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let items = match value {
            Value::Array(items) => items,
            one => vec![one],
        };
        match items.iter().find(|item| matches!(item, Value::Array(_) | Value::Table(_) | Value::Datetime(_))) {
            None => Ok(Some(items)),
            Some(other) => Err(self.complain(
                key,
                &shown(other),
                "is no text, number or true or false; write for example 0".into(),
            )),
        }
    }

    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let text = self.text(key, default)?;
        parse(&text).map_err(|reason| self.invalid(key, &text, &reason))
    }

    pub(super) fn address(&mut self, key: &'static str, default: &str) -> Result<SocketAddr, ConfigError> {
        let text = self.text(key, default)?;
        text.parse().map_err(|_| {
            let complaint = format!("is no address; write host and port, for example {default}");
            self.complain(key, &text, complaint)
        })
    }

    pub(super) fn duration(&mut self, key: &'static str, default: &str) -> Result<Duration, ConfigError> {
        let text = self.text(key, default)?;
        units::duration(&text).ok_or_else(|| {
            let complaint =
                format!("is no duration; write a number and a unit (ms, s, min, h, d), for example {default}");
            self.complain(key, &text, complaint)
        })
    }

    /// A duration that has no default.
    pub(super) fn optional_duration(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Result<Option<Duration>, ConfigError> {
        match self.optional_text(key)? {
            None => Ok(None),
            Some(text) => {
                self.table.insert(key.to_owned(), Value::String(text));
                self.duration(key, example).map(Some)
            }
        }
    }

    /// A number with a fraction that has no default.
    pub(super) fn optional_fraction(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, ConfigError> {
        if self.table.contains_key(key) { self.fraction(key, 0.0, range).map(Some) } else { Ok(None) }
    }

    pub(super) fn bytes(&mut self, key: &'static str, default: &str) -> Result<u64, ConfigError> {
        let text = self.text(key, default)?;
        units::bytes(&text).ok_or_else(|| {
            let complaint = format!("is no size; write a number and a unit, for example {default}");
            self.complain(key, &text, complaint)
        })
    }

    pub(super) fn optional_address(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Result<Option<SocketAddr>, ConfigError> {
        match self.optional_text(key)? {
            None => Ok(None),
            Some(text) => {
                self.table.insert(key.to_owned(), Value::String(text));
                self.address(key, example).map(Some)
            }
        }
    }

    pub(super) fn missing(&self, key: &str, remedy: &str) -> ConfigError {
        ConfigError::Missing { key: self.key(key), remedy: remedy.to_owned() }
    }

    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> Result<bool, ConfigError> {
        match self.take(key) {
            None => Ok(default),
            Some(Value::Boolean(flag)) => Ok(flag),
            Some(other) => {
                Err(self.complain(key, &shown(&other), "is neither true nor false; write one of them".into()))
            }
        }
    }

    pub(super) fn number(
        &mut self,
        key: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let complaint = format!("is out of range; write a whole number from {} to {}", range.start(), range.end());
            self.complain(key, &shown(&value), complaint)
        })
    }

    pub(super) fn decimal(&mut self, key: &'static str, default: f64) -> Result<f64, ConfigError> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| self.complain(key, &shown(&value), "is no number; write for example 0.1".into()))
    }

    /// The same where leaving it out means something.
    pub(super) fn optional_decimal(&mut self, key: &'static str) -> Result<Option<f64>, ConfigError> {
        if self.table.contains_key(key) {
            return self.decimal(key, 0.0).map(Some);
        }
        self.known.push(key);
        Ok(None)
    }

    /// A number that may have a fraction, both ends of the range included.
    pub(super) fn fraction(
        &mut self,
        key: &'static str,
        default: f64,
        range: RangeInclusive<f64>,
    ) -> Result<f64, ConfigError> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let complaint = format!("is out of range; write a number from {} to {}", range.start(), range.end());
            self.complain(key, &shown(&value), complaint)
        })
    }

    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        let Some((key, value)) = self.table.iter().next() else { return Ok(()) };
        let (key, value) = (self.key(key), shown(value));
        self.known.sort_unstable();
        Err(ConfigError::Unknown { key, value, known: self.known.join(", ") })
    }
}

/// As the reader wrote it, without quotes.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
