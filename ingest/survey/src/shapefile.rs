//! Reads ESRI's shapefile: geometry in `.shp`, attributes in `.dbf`, coordinates in `.prj`, encoding in `.cpg`.
//!
//! In: [`Parts`].   Out: [`RawSurvey`].   Next: `mapping`.
//! Never: memory reserved for a count that the file only claims; the `.shx`, which says nothing that the records do not.
//!
//! Own code, since the crate reserves what a header claims, stops at the first odd attribute, and takes names in GBK for
//! UTF-8 when it cuts them (docs/adr/0013).

use crate::dbf;
use crate::raw::{RawFeature, RawRing, RawShape, RawSurvey};
use crate::source::Parts;
use crate::{Encoding, Format, LandFault, Limits, Note, ReadError, wkt};

const HEADER_BYTES: usize = 100;

/// Reads the members of one shapefile.
pub(crate) fn read(parts: &Parts<'_>, encoding: Option<Encoding>, limits: Limits) -> Result<RawSurvey, ReadError> {
    let file = &parts.file;
    let missing = |member| ReadError::MemberMissing { file: file.clone(), member };
    let shapes = shapes(file, &parts.main, limits)?;
    let dbf = parts.dbf.as_ref().ok_or_else(|| missing(".dbf"))?;
    let stated = parts.cpg.as_ref().and_then(|bytes| Encoding::parse(&String::from_utf8_lossy(bytes)));
    let mut notes = Vec::new();
    let table = dbf::read(file, dbf, encoding.or(stated), limits)?;
    if let Some(encoding) = table.detected {
        notes.push(Note::EncodingDetected { encoding: encoding.name().to_owned() });
    }
    if table.replaced > 0 {
        notes.push(Note::TextReplaced { attributes: table.replaced });
    }
    if table.rows.len() != shapes.len() {
        return Err(ReadError::Broken {
            file: file.clone(),
            place: "the end".to_owned(),
            message: format!("{} shapes have {} rows of attributes", shapes.len(), table.rows.len()),
        });
    }
    let crs = parts.prj.as_ref().map(|text| wkt::read(&String::from_utf8_lossy(text)));
    let features = shapes
        .into_iter()
        .zip(table.rows)
        // A deleted row is no row, but it keeps its place among the shapes.
        .filter_map(|(shape, row)| Some(RawFeature { attributes: row?, shape }))
        .collect();
    Ok(RawSurvey {
        format: Format::Shapefile,
        file: file.clone(),
        encoding: table.encoding.name().to_owned(),
        crs,
        features,
        notes,
    })
}

/// Reads little-endian numbers from the front.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32_be(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn i32_le(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.i32_le()?).ok()
    }

    fn f64_le(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }
}

fn shapes(file: &str, bytes: &[u8], limits: Limits) -> Result<Vec<Result<RawShape, LandFault>>, ReadError> {
    let broken =
        |place: String, message: &str| ReadError::Broken { file: file.to_owned(), place, message: message.to_owned() };
    let mut cursor = Cursor(bytes);
    let mut header = Cursor(cursor.take(HEADER_BYTES).ok_or_else(|| broken("byte 0".to_owned(), "it has no header"))?);
    if header.u32_be() != Some(9_994) {
        return Err(broken("byte 0".to_owned(), "it does not begin as a shapefile does"));
    }
    let mut shapes = Vec::new();
    let mut vertices = 0;
    while !cursor.0.is_empty() {
        let at = format!("record {}", shapes.len() + 1);
        let record = cursor.u32_be().and_then(|_| cursor.u32_be()).and_then(|words| {
            // Counted in words of two bytes.
            cursor.take(usize::try_from(words).ok()?.checked_mul(2)?)
        });
        let record = record.ok_or_else(|| broken(at.clone(), "it is cut off"))?;
        if shapes.len() == limits.features {
            return Err(ReadError::TooLarge { file: file.to_owned(), what: "features", limit: limits.features });
        }
        let shape = shape(Cursor(record)).ok_or_else(|| broken(at, "its counts do not fit its length"))?;
        vertices += shape.as_ref().map_or(0, RawShape::vertices);
        if vertices > limits.vertices {
            return Err(ReadError::TooLarge { file: file.to_owned(), what: "vertices", limit: limits.vertices });
        }
        shapes.push(shape);
    }
    Ok(shapes)
}

fn shape(mut record: Cursor<'_>) -> Option<Result<RawShape, LandFault>> {
    let kind = record.i32_le()?;
    let found = match kind {
        0 => return Some(Err(LandFault::Empty)),
        // Polygon, and with heights, and with measures: those come after the vertices and are not read.
        5 | 15 | 25 => "",
        1 | 11 | 21 => "Point",
        3 | 13 | 23 => "PolyLine",
        8 | 18 | 28 => "MultiPoint",
        31 => "MultiPatch",
        _ => return None,
    };
    if !found.is_empty() {
        return Some(Err(LandFault::GeometryType { found: found.to_owned() }));
    }
    record.take(32)?;
    let (parts, points) = (record.count()?, record.count()?);
    let mut starts = Cursor(record.take(parts.checked_mul(4)?)?);
    let mut points_left = Cursor(record.take(points.checked_mul(16)?)?);
    let starts: Option<Vec<usize>> = (0..parts).map(|_| starts.count()).collect();
    let starts = starts?;
    let mut rings: Vec<RawRing> = Vec::with_capacity(starts.len());
    for (start, end) in starts.iter().zip(starts.iter().skip(1).chain([&points])) {
        if rings.is_empty() && *start != 0 {
            return None;
        }
        let count = end.checked_sub(*start)?;
        let ring: Option<RawRing> = (0..count).map(|_| Some([points_left.f64_le()?, points_left.f64_le()?])).collect();
        rings.push(ring?);
    }
    Some(if points == 0 { Err(LandFault::Empty) } else { Ok(RawShape::Rings(rings)) })
}
