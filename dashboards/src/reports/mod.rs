//! Reports: what a shift hands over, and what became of a season's cases.
//!
//! In: a span, a format.   Out: JSON for the console; CSV, XLSX or PDF for the file.   Never: what is not in the user's townships; a figure that
//! nobody counted without the word that it is an estimate.
//!
//! [`shift`] and [`season`] gather and count; each makes a [`table::Document`] of its figures, which [`sheet`] and [`pdf`] write.

mod brief;
pub(crate) mod case;
mod pdf;
pub(crate) mod picture;
pub(crate) mod season;
mod sheet;
pub(crate) mod shift;
mod table;

use crate::auth::Who;
use crate::problem::Problem;
use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use model::Timestamp;
use serde::Serialize;
use table::Document;
use utoipa::ToSchema;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    Xlsx,
    Pdf,
}

impl Format {
    fn parse(word: Option<&str>) -> Result<Self, Problem> {
        match word {
            None | Some("" | "json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some("xlsx") => Ok(Self::Xlsx),
            Some("pdf") => Ok(Self::Pdf),
            Some(word) => Err(Problem::bad_request(format!("format `{word}` is none; use json, csv, xlsx or pdf"))),
        }
    }
}

/// Of when a report is, made when and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportHeading)]
struct Heading {
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    #[schema(format = DateTime)]
    made_at: String,
    made_by: String,
}

impl Heading {
    fn new((from, to): (Timestamp, Timestamp), now: Timestamp, who: &Who) -> Self {
        Self {
            from: from.to_rfc3339(),
            to: to.to_rfc3339(),
            made_at: now.to_rfc3339(),
            made_by: who.user.username.clone(),
        }
    }

    /// In words.
    fn remarks(&self) -> Vec<String> {
        vec![
            format!("时段：{} 至 {}（北京时间）", legal(&self.from), legal(&self.to)),
            format!("制表：{}，{}", self.made_by, legal(&self.made_at)),
        ]
    }
}

/// The answer in the format asked for. `name` is the file's, without its end.
fn answered(
    format: Format,
    name: &str,
    json: &impl Serialize,
    document: impl FnOnce() -> Document,
) -> Result<Response, Problem> {
    let file = |kind: &str, content_type: &str, bytes: Vec<u8>| {
        let disposition = format!("attachment; filename=\"{name}.{kind}\"");
        let headers = [(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
        (headers, bytes).into_response()
    };
    Ok(match format {
        Format::Json => Json(json).into_response(),
        Format::Csv => file("csv", "text/csv; charset=utf-8", sheet::csv(&document()).into_bytes()),
        Format::Xlsx => {
            let bytes = sheet::xlsx(&document()).map_err(|error| Problem::internal("writing a spreadsheet", error))?;
            file("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", bytes)
        }
        Format::Pdf => file("pdf", "application/pdf", pdf::pdf(&document())),
    })
}

/// An instant of the API as a clock in Beijing shows it.
fn legal(text: &str) -> String {
    Timestamp::parse_rfc3339(text).map_or_else(|| text.to_owned(), Timestamp::to_legal)
}

/// A day as a file's name has it: `20261127`.
fn day(at: Timestamp) -> String {
    at.to_legal().chars().take(10).filter(char::is_ascii_digit).collect()
}
