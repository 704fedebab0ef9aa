//! The ZIP's own structure: whole, and without a byte or a name that a listing does not show.
//!
//! In:  anything.   Out: an archive whose files stand one behind the other, are named once, and are named alike in both places where a
//! ZIP names them; or why it is not one.   Never: a promise about the contents. What is read is read with a bound, whatever the archive claims.

use super::verify::Fault;
use super::{FILES_MAX, SEALS, TOTAL_MAX_BYTES};
use std::io::{Read, Seek, SeekFrom};
use zip::ZipArchive;

/// The record at a ZIP's end, without a comment.
const END_BYTES: u64 = 22;
const END_MARK: [u8; 4] = *b"PK\x05\x06";
/// What headers and deflate may add to the contents.
const OVERHEAD_MAX_BYTES: u64 = 16 * 1024 * 1024;

pub(super) struct Archive<R> {
    zip: ZipArchive<R>,
    /// In the order in which they stand.
    pub(super) names: Vec<String>,
}

impl<R: Read + Seek> Archive<R> {
    pub(super) fn open(mut reader: R) -> Result<Self, Fault> {
        let length = reader.seek(SeekFrom::End(0))?;
        if length > TOTAL_MAX_BYTES + OVERHEAD_MAX_BYTES {
            return Err(Fault::TooLarge { what: "the file".to_owned(), limit: TOTAL_MAX_BYTES + OVERHEAD_MAX_BYTES });
        }
        let directory_end = has_end(&mut reader, length)?;
        let mut zip = ZipArchive::new(reader).map_err(broken)?;
        if zip.len() > FILES_MAX + SEALS.len() {
            return Err(Fault::TooMany { limit: FILES_MAX });
        }
        // Twice the same name, a header that the directory does not know, two names for one file: each shows other readers other contents.
        zip.validate_header_consistency().map_err(broken)?;
        let mut names = Vec::with_capacity(zip.len());
        let mut reached = 0;
        for index in 0..zip.len() {
            let file = zip.by_index_raw(index).map_err(broken)?;
            let is_next = file.header_start() == reached;
            let (Ok(name), Some(start)) = (file.name(), file.data_start().filter(|_| is_next)) else {
                return Err(Fault::Hidden { at: reached });
            };
            names.push(name.into_owned());
            reached = start.saturating_add(file.compressed_size());
        }
        if reached != zip.central_directory_start() || zip.offset() != 0 || directory_end < reached {
            return Err(Fault::Hidden { at: reached });
        }
        Ok(Self { zip, names })
    }

    /// A file's content, if it has at most `max` bytes and is as its checksum says; `None` where there is none of that name.
    pub(super) fn read(&mut self, name: &str, max: u64) -> Result<Option<Content>, Fault> {
        let Some(index) = self.zip.index_for_name_raw(name.as_bytes()) else { return Ok(None) };
        let Ok(file) = self.zip.by_index(index) else { return Ok(Some(Content::Damaged)) };
        let mut bytes = Vec::new();
        match file.take(max.saturating_add(1)).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > max => Ok(Some(Content::TooLong)),
            Ok(_) => Ok(Some(Content::Whole(bytes))),
            Err(_) => Ok(Some(Content::Damaged)),
        }
    }
}

/// What came of reading a file.
pub(super) enum Content {
    Whole(Vec<u8>),
    /// More than was asked for.
    TooLong,
    /// It cannot be unpacked, or its checksum is another.
    Damaged,
}

/// Where the end record begins: nothing stands behind it.
fn has_end(reader: &mut (impl Read + Seek), length: u64) -> Result<u64, Fault> {
    let start = length.checked_sub(END_BYTES).ok_or(Fault::NotWhole { why: "it is too short".to_owned() })?;
    reader.seek(SeekFrom::Start(start))?;
    let mut end = [0; END_BYTES as usize];
    reader.read_exact(&mut end)?;
    if !end.starts_with(&END_MARK) || !end.ends_with(&[0, 0]) {
        return Err(Fault::NotWhole { why: "it does not end as a ZIP does".to_owned() });
    }
    Ok(start)
}

fn broken(error: zip::result::ZipError) -> Fault {
    Fault::NotWhole { why: error.to_string() }
}
