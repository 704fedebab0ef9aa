//! Reads the attributes of a shapefile from its dBASE table.
//!
//! In: bytes, and the encoding if it is known.   Out: [`Table`]: a row of text for each shape.
//! Never: a number that is understood; all values are text as they stand.

use crate::attributes::Attributes;
use crate::{Encoding, Limits, ReadError};
use std::collections::BTreeMap;

const FIELD_BYTES: usize = 32;

pub(crate) struct Table {
    pub(crate) encoding: Encoding,
    /// It was found by looking at the text.
    pub(crate) detected: Option<Encoding>,
    /// Values with bytes that are no text in that encoding.
    pub(crate) replaced: usize,
    /// `None` for a row that is marked as deleted.
    pub(crate) rows: Vec<Option<BTreeMap<String, String>>>,
}

struct Field<'a> {
    name: &'a [u8],
    kind: u8,
    offset: usize,
    len: usize,
}

/// Reads all rows.
pub(crate) fn read(file: &str, bytes: &[u8], stated: Option<Encoding>, limits: Limits) -> Result<Table, ReadError> {
    let broken = |place: &str, message: &str| ReadError::Broken {
        file: format!("{file} (.dbf)"),
        place: place.to_owned(),
        message: message.to_owned(),
    };
    let header = header(bytes).ok_or_else(|| broken("its header", "its lengths do not fit"))?;
    let fields = fields(bytes, &header);
    if header.rows > limits.features {
        return Err(ReadError::TooLarge { file: file.to_owned(), what: "features", limit: limits.features });
    }
    let records = bytes.get(header.header_bytes..).unwrap_or_default();
    let records: Vec<&[u8]> = records.chunks_exact(header.record_bytes).take(header.rows).collect();
    if records.len() < header.rows {
        return Err(broken(&format!("row {}", records.len() + 1), "it is cut off"));
    }
    let value = |record: &'_ [u8], field: &Field<'_>| -> Vec<u8> {
        let value = record.get(field.offset..field.offset + field.len).unwrap_or_default();
        value.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii().to_vec()
    };
    let texts = records.iter().flat_map(|record| {
        let text = fields.iter().filter(|field| field.kind == b'C');
        text.filter_map(|field| record.get(field.offset..field.offset + field.len))
    });
    let texts = texts.map(|text| text.trim_ascii_end()).chain(fields.iter().map(|field| field.name));
    let known = stated.or_else(|| Encoding::of_language(header.language));
    let detected = if known.is_none() { Encoding::detect(texts) } else { None };
    let encoding = known.or(detected).unwrap_or(Encoding::UTF8);
    let mut replaced = 0;
    let mut decode = |bytes: &[u8]| {
        let (text, bad) = encoding.decode(bytes);
        replaced += usize::from(bad);
        text
    };
    let names: Vec<String> = fields.iter().map(|field| decode(field.name)).collect();
    let rows = records
        .iter()
        .map(|record| {
            let mut attributes = Attributes::new(limits);
            for (field, name) in fields.iter().zip(&names) {
                attributes.insert(name, &decode(&value(record, field)));
            }
            (record.first() != Some(&b'*')).then(|| attributes.into_map())
        })
        .collect();
    Ok(Table { encoding, detected, replaced, rows })
}

struct Header {
    rows: usize,
    header_bytes: usize,
    record_bytes: usize,
    language: u8,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let number = |at: usize| Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let rows = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let header = Header {
        rows: usize::try_from(rows).ok()?,
        header_bytes: number(8)?,
        record_bytes: number(10)?,
        language: *bytes.get(29)?,
    };
    (header.header_bytes > FIELD_BYTES && header.record_bytes > 0).then_some(header)
}

/// The fields that lie within a record; the list ends with a carriage return.
fn fields<'a>(bytes: &'a [u8], header: &Header) -> Vec<Field<'a>> {
    let mut offset = 1;
    let mut fields = Vec::new();
    let list = bytes.get(FIELD_BYTES..header.header_bytes).unwrap_or_default();
    for field in list.chunks_exact(FIELD_BYTES).take_while(|field| field.first() != Some(&b'\r')) {
        let name = field.get(..11).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
        let kind = field.get(11).copied().unwrap_or_default();
        let mut len = field.get(16).copied().map_or(0, usize::from);
        // A long text has the high byte of its length where numbers have their decimals.
        if kind == b'C' {
            len += field.get(17).copied().map_or(0, usize::from) << 8;
        }
        if offset + len > header.record_bytes {
            break;
        }
        fields.push(Field { name, kind, offset, len });
        offset += len;
    }
    fields
}
