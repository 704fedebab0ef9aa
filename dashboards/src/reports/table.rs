//! A report as tables: what every format writes.
//!
//! In: a report's figures.   Out: [`Document`]; how it looks is the formats' business.

use super::picture::Picture;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Words.
    Text(String),
    /// A figure that may be added up.
    Number(f64),
    /// Not known, or there is none.
    Nothing,
}

impl Cell {
    /// A count.
    pub fn count(count: u64) -> Self {
        // Counts of cases are far below where a float would round.
        Self::Number(count as f64)
    }

    /// A figure where there is one.
    pub fn maybe(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }

    /// As people read it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) if number.fract() == 0.0 => format!("{number:.0}"),
            Self::Number(number) => format!("{number:.1}"),
            Self::Nothing => "—".to_owned(),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A column: what stands in it, and how wide it is beside the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Column {
    /// Its head, with the unit.
    pub head: &'static str,
    /// Share of the width, against the other columns'.
    pub weight: f32,
}

/// Rows under a title.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// What they are.
    pub title: String,
    /// Left to right.
    pub columns: Vec<Column>,
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// A report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// What it is.
    pub title: String,
    /// Of when, by whom, and what has to be known to read it.
    pub remarks: Vec<String>,
    /// One after the other.
    pub tables: Vec<Table>,
    /// Behind the tables, two beside each other; only a PDF shows them.
    pub pictures: Vec<Picture>,
    /// Whether its tables are wider than a page is high.
    pub is_wide: bool,
}
