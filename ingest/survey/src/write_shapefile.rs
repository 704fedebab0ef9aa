//! From land to a shapefile in EPSG:4490, which is what the county's other programs read.
//!
//! In: attributes and polygons of whole 1e-7 degrees.   Out: the five files, or a zip of them; text is UTF-8 and says so.
//! Never: an attribute that was cut; a coordinate that reads back as another.

use crate::{Export, WriteError, write::closed};
use model::{GeoPoint, Ring};
use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};

const PRJ: &str = r#"GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;
const NAME_BYTES_MAX: usize = 10;
const VALUE_BYTES_MAX: usize = 254;
/// Polygon.
const KIND: i32 = 5;

/// One zip of the files; `name` is what they are called.
pub fn write_shapefile(name: &str, features: &[Export<'_>]) -> Result<Vec<u8>, WriteError> {
    let failed = |error: &dyn std::fmt::Display| WriteError::Pack { message: error.to_string() };
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // The same land gives the same bytes: no time of writing.
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    for (name, bytes) in write_shapefile_files(name, features)? {
        archive.start_file(name, options).map_err(|error| failed(&error))?;
        archive.write_all(&bytes).map_err(|error| failed(&error))?;
    }
    Ok(archive.finish().map_err(|error| failed(&error))?.into_inner())
}

/// The files by their names: `.shp`, `.shx`, `.dbf`, `.prj`, `.cpg`.
pub fn write_shapefile_files(name: &str, features: &[Export<'_>]) -> Result<Vec<(String, Vec<u8>)>, WriteError> {
    let (shp, shx) = shapes(features)?;
    let files = [
        ("shp", shp),
        ("shx", shx),
        ("dbf", table(features)?),
        ("prj", PRJ.as_bytes().to_vec()),
        ("cpg", b"UTF-8".to_vec()),
    ];
    Ok(files.into_iter().map(|(extension, bytes)| (format!("{name}.{extension}"), bytes)).collect())
}

/// Smallest x and y, largest x and y.
type Bounds = [f64; 4];

fn bounds<'a>(points: impl Iterator<Item = &'a GeoPoint>) -> Option<Bounds> {
    points.map(|point| point.degrees()).fold(None, |bounds, (x, y)| {
        let [west, south, east, north] = bounds.unwrap_or([x, y, x, y]);
        Some([west.min(x), south.min(y), east.max(x), north.max(y)])
    })
}

fn shapes(features: &[Export<'_>]) -> Result<(Vec<u8>, Vec<u8>), WriteError> {
    let too_large = || WriteError::TooLarge { what: "vertices" };
    let (mut records, mut index) = (Vec::new(), Vec::new());
    for (number, feature) in (1i32..).zip(features) {
        let record = record(feature)?;
        // Lengths and places count words of two bytes.
        let (place, len) = (words(records.len() + 100)?, words(record.len())?);
        index.extend([place, len].iter().flat_map(|value| value.to_be_bytes()));
        records.extend([number, len].iter().flat_map(|value| value.to_be_bytes()));
        records.extend(record);
    }
    let points = features.iter().flat_map(rings).flatten();
    let bounds = bounds(points).unwrap_or_default();
    let file = |body: Vec<u8>| -> Result<Vec<u8>, WriteError> {
        let mut file = Vec::with_capacity(body.len() + 100);
        file.extend(9_994i32.to_be_bytes());
        file.extend([0; 20]);
        file.extend(words(body.len() + 100).map_err(|_| too_large())?.to_be_bytes());
        file.extend(1_000i32.to_le_bytes());
        file.extend(KIND.to_le_bytes());
        file.extend(bounds.iter().flat_map(|value| value.to_le_bytes()));
        file.extend([0; 32]);
        file.extend(body);
        Ok(file)
    };
    Ok((file(records)?, file(index)?))
}

fn words(bytes: usize) -> Result<i32, WriteError> {
    i32::try_from(bytes / 2).map_err(|_| WriteError::TooLarge { what: "vertices" })
}

fn rings<'a>(feature: &Export<'a>) -> impl Iterator<Item = &'a Ring> + use<'a> {
    feature.polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes))
}

fn record(feature: &Export<'_>) -> Result<Vec<u8>, WriteError> {
    let Some(bounds) = bounds(rings(feature).flatten()) else { return Ok(0i32.to_le_bytes().to_vec()) };
    let count = |count: usize| i32::try_from(count).map_err(|_| WriteError::TooLarge { what: "vertices" });
    let total: usize = rings(feature).map(|ring| ring.len() + 1).sum();
    let mut record = KIND.to_le_bytes().to_vec();
    record.extend(bounds.iter().flat_map(|value| value.to_le_bytes()));
    record.extend(count(rings(feature).count())?.to_le_bytes());
    record.extend(count(total)?.to_le_bytes());
    let mut start = 0;
    for ring in rings(feature) {
        record.extend(count(start)?.to_le_bytes());
        start += ring.len() + 1;
    }
    for ring in rings(feature) {
        // Outlines run clockwise here. The first vertex of what is read comes last, as reading turns it back.
        let turned: Ring = ring.iter().rev().copied().collect();
        for point in closed(&turned) {
            let (x, y) = point.degrees();
            record.extend(x.to_le_bytes());
            record.extend(y.to_le_bytes());
        }
    }
    Ok(record)
}

fn table(features: &[Export<'_>]) -> Result<Vec<u8>, WriteError> {
    let keys: BTreeSet<&str> =
        features.iter().flat_map(|feature| feature.attributes.keys()).map(String::as_str).collect();
    let mut keys: Vec<&str> = keys.into_iter().collect();
    // A table has at least one column.
    if keys.is_empty() {
        keys.push("id");
    }
    if keys.len() > 255 {
        return Err(WriteError::TooLarge { what: "attributes" });
    }
    let mut names: Vec<String> = Vec::new();
    let mut columns = Vec::new();
    for key in keys {
        let mut len = 1;
        for (feature, export) in features.iter().enumerate() {
            let bytes = export.attributes.get(key).map_or(0, String::len);
            if bytes > VALUE_BYTES_MAX {
                return Err(WriteError::AttributeTooLong { feature, name: key.to_owned(), bytes });
            }
            len = len.max(bytes);
        }
        names.push(column_name(key, &names));
        columns.push((key, u8::try_from(len).unwrap_or(u8::MAX)));
    }
    let record_len = 1 + columns.iter().map(|(_, len)| usize::from(*len)).sum::<usize>();
    let too_large = |_| WriteError::TooLarge { what: "attributes" };
    let header_len = u16::try_from(32 + 32 * columns.len() + 1).map_err(too_large)?;
    let mut table = vec![3, 126, 1, 1];
    table.extend(u32::try_from(features.len()).map_err(too_large)?.to_le_bytes());
    table.extend(header_len.to_le_bytes());
    table.extend(u16::try_from(record_len).map_err(too_large)?.to_le_bytes());
    table.extend([0; 20]);
    for (name, (_, len)) in names.iter().zip(&columns) {
        let mut field = [0u8; 32];
        for (to, from) in field.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        for (at, value) in [(11, b'C'), (16, *len)] {
            if let Some(byte) = field.get_mut(at) {
                *byte = value;
            }
        }
        table.extend(field);
    }
    table.push(b'\r');
    for feature in features {
        table.push(b' ');
        for (key, len) in &columns {
            let value = feature.attributes.get(*key).map_or("", String::as_str);
            table.extend(value.bytes().chain(std::iter::repeat(b' ')).take(usize::from(*len)));
        }
    }
    table.push(0x1a);
    Ok(table)
}

/// At most ten bytes, whole characters, and no name twice.
fn column_name(key: &str, taken: &[String]) -> String {
    let cut = |len: usize| {
        let end = key.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= len).last().unwrap_or(0);
        key.get(..end).unwrap_or_default().to_owned()
    };
    let name = cut(NAME_BYTES_MAX);
    let free = |name: &String| !name.is_empty() && !taken.iter().any(|other| other.eq_ignore_ascii_case(name));
    if free(&name) {
        return name;
    }
    // There are at most 255 columns.
    (1..1_000).map(|number| format!("{}_{number}", cut(NAME_BYTES_MAX - 4))).find(free).unwrap_or(name)
}
