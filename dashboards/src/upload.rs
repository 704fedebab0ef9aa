//! A surveyor's file as a browser or a script sends it.
//!
//! In: multipart/form-data with one file or the files of a shapefile, or a file alone as the body.   Out: [`Upload`].
//! Never: more than the address takes, whatever the parts say about themselves; a file name as a path.

use crate::extract::Raw;
use crate::problem::Problem;
use crate::refusals::Code;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use std::borrow::Cow;
use std::collections::BTreeMap;
use survey::Source;

/// Parts of a form; a shapefile has four files, and there are a dozen parameters.
const PARTS_MAX: usize = 32;
/// Of a parameter; the mapping is the longest.
const FIELD_BYTES_MAX: usize = 64 << 10;

/// Files and parameters.
#[derive(Default)]
pub(crate) struct Upload {
    files: Vec<(String, Vec<u8>)>,
    /// The form's other fields.
    pub(crate) fields: BTreeMap<String, String>,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|text| text.to_ascii_lowercase().starts_with("multipart/form-data")) {
            let form = Multipart::from_request(request, state).await;
            return Self::of_form(form.map_err(|error| Problem::bad_request(format!("body: {error}")))?).await;
        }
        let Raw(bytes) = Raw::from_request(request, state).await?;
        let name = format!("upload.{}", extension(&bytes));
        Ok(Self { files: vec![(name, bytes.to_vec())], ..Self::default() })
    }
}

impl Upload {
    async fn of_form(mut form: Multipart) -> Result<Self, Problem> {
        let mut upload = Self::default();
        let mut parts = 0;
        while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
            parts += 1;
            if parts > PARTS_MAX {
                return Err(Problem::bad_request(format!("the form has more than {PARTS_MAX} parts")));
            }
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(str::to_owned);
            let bytes = field.bytes().await.map_err(|error| broken(&error))?;
            match file {
                Some(file) if name != "mapping" => upload.files.push((file, bytes.to_vec())),
                _ if bytes.len() > FIELD_BYTES_MAX => {
                    return Err(Problem::bad_request(format!("field `{name}` is longer than {FIELD_BYTES_MAX} bytes")));
                }
                _ => {
                    let text = std::str::from_utf8(&bytes)
                        .map_err(|_| Problem::bad_request(format!("field `{name}` is no UTF-8 text")))?;
                    upload.fields.insert(name, text.to_owned());
                }
            }
        }
        if upload.files.is_empty() {
            return Err(Problem::bad_request("the form holds no file; send it as field `file`"));
        }
        Ok(upload)
    }

    /// The files as one survey.
    pub(crate) fn source(&self) -> Source<'_> {
        Source {
            name: self.files.first().map_or("upload", |(name, _)| name),
            files: self.files.iter().map(|(name, bytes)| (name.clone(), Cow::Borrowed(bytes.as_slice()))).collect(),
        }
    }
}

fn broken(error: &MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE, "the form is larger than 256 MiB; split the file")
                .because(Code::TooLarge, [])
        }
        _ => Problem::bad_request(format!("the form did not arrive whole: {}", error.body_text())),
    }
}

/// What a file without a name is, by how it begins.
fn extension(bytes: &[u8]) -> &'static str {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match text {
        [b'P', b'K', 3, 4, ..] => "zip",
        [b'<', ..] => "kml",
        _ if bytes.starts_with(b"SQLite format 3\0") => "gpkg",
        _ if bytes.starts_with(&[0, 0, 0x27, 0x0a]) => "shp",
        _ => "geojson",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_name_is_known_by_its_first_bytes() {
        for (bytes, want) in [
            (&b"PK\x03\x04rest"[..], "zip"),
            (b"\xef\xbb\xbf {\"type\":1}", "geojson"),
            (b"\n<?xml?>", "kml"),
            (b"SQLite format 3\0", "gpkg"),
            (&[0, 0, 0x27, 0x0a, 0], "shp"),
            (b"", "geojson"),
        ] {
            assert_eq!(extension(bytes), want);
        }
    }
}
