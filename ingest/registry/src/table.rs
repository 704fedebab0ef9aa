//! Tables as people keep them: a first line that names the columns, then a line for each thing.
//!
//! In: a CSV file's bytes, UTF-8 or GBK, as spreadsheets save it.   Out: its lines, one after the other; or every line that is wrong
//! with its number.   Never: half of a file; a file without a bound.

use csv::StringRecord;
use encoding_rs::GB18030;
use std::borrow::Cow;
use std::collections::HashMap;

/// A banner's ledger several times over.
pub(crate) const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;
/// Faults that are told; a file with more has something else wrong with it.
pub(crate) const MAX_FAULTS: usize = 100;

/// A column by its name in the header, and as officers call it, which does as well.
pub(crate) type Column = (&'static str, &'static str);

/// What is wrong in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Counted from 1, the header included, as an editor shows it.
    pub line: u64,
    /// What, with what would do.
    pub why: String,
}

/// Why a file was not taken; nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Split the file.
    #[error("file has {bytes} bytes, at most {MAX_FILE_BYTES} are taken; split it by township")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Write the header.
    #[error("first line must name the columns: {columns}; {why}")]
    Header {
        /// Those that there are.
        columns: String,
        /// What it lacks or has too much.
        why: String,
    },
    /// Correct these lines.
    #[error("{} wrong: {}", count(.0), told(.0))]
    Rows(Vec<RowFault>),
}

fn count(faults: &[RowFault]) -> String {
    match faults.len() {
        1 => "1 line is".to_owned(),
        many => format!("{}{many} lines are", if many >= MAX_FAULTS { "at least " } else { "" }),
    }
}

fn told(faults: &[RowFault]) -> String {
    faults.iter().map(|RowFault { line, why }| format!("line {line}: {why}")).collect::<Vec<_>>().join("; ")
}

/// One line of a table.
pub(crate) struct Line<'a> {
    record: &'a StringRecord,
    columns: &'a HashMap<&'static str, usize>,
    /// Counted from 1, the header included.
    pub number: u64,
}

impl<'a> Line<'a> {
    /// The field, if there is something in it.
    pub fn field(&self, name: &str) -> Option<&'a str> {
        self.record.get(*self.columns.get(name)?).filter(|text| !text.is_empty())
    }

    /// The field as what it means, if there is something in it.
    pub fn parsed<T, E: ToString>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, String> {
        self.field(name).map(parse).transpose().map_err(|error| error.to_string())
    }

    /// The field as a number, if there is something in it.
    pub fn number_in(&self, name: &str) -> Result<Option<f64>, String> {
        self.parsed(name, |text| {
            text.parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| format!("{name} `{}` is no number", short(text)))
        })
    }
}

/// Hands on each line of a file; `take` says what is wrong with it. The columns of `needed` must be there.
pub(crate) fn read(
    bytes: &[u8],
    known: &[Column],
    needed: &[&str],
    mut take: impl FnMut(&Line<'_>) -> Result<(), String>,
) -> Result<(), TableError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(TableError::TooLong { bytes: bytes.len() });
    }
    let text = decoded(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let refused = |why: String| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        TableError::Header { columns: names.join(","), why }
    };
    let header = reader.headers().map_err(|error| refused(error.to_string()))?;
    let columns = columns(header, known, needed).map_err(refused)?;
    let mut faults = Vec::new();
    for record in reader.records() {
        if faults.len() >= MAX_FAULTS {
            break;
        }
        let (line, fault) = match &record {
            Ok(record) => {
                let number = record.position().map_or(0, csv::Position::line);
                (number, whole(record, &columns).and_then(|()| take(&Line { record, columns: &columns, number })).err())
            }
            Err(error) => (error.position().map_or(0, csv::Position::line), Some(format!("no table row: {error}"))),
        };
        faults.extend(fault.map(|why| RowFault { line, why }));
    }
    if faults.is_empty() { Ok(()) } else { Err(TableError::Rows(faults)) }
}

fn whole(record: &StringRecord, columns: &HashMap<&'static str, usize>) -> Result<(), String> {
    if record.len() > columns.len() {
        return Err(format!("{} fields, but the header names {}", record.len(), columns.len()));
    }
    Ok(())
}

/// Spreadsheets here save as UTF-8 with a mark, or as GBK.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_or_else(|_| GB18030.decode_without_bom_handling(bytes).0, Cow::Borrowed)
}

fn columns(header: &StringRecord, known: &[Column], needed: &[&str]) -> Result<HashMap<&'static str, usize>, String> {
    let mut places = HashMap::new();
    for (place, name) in header.iter().enumerate() {
        let Some((column, _)) = known.iter().find(|(column, zh)| *column == name || *zh == name) else {
            return Err(format!("`{}` is none of them", name.chars().take(64).collect::<String>()));
        };
        if places.insert(*column, place).is_some() {
            return Err(format!("`{column}` stands there twice"));
        }
    }
    match needed.iter().find(|name| !places.contains_key(**name)) {
        Some(missing) => Err(format!("`{missing}` is missing")),
        None => Ok(places),
    }
}

/// The beginning of a text, for a message.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(32).collect()
}
