//! Reads the one layer of features of a GeoPackage.
//!
//! In: the bytes of an SQLite file, opened in memory and only to read.   Out: [`RawSurvey`].   Next: `mapping`.
//! Never: a view or a virtual table, which could run what a stranger wrote; a row more than the limit.

use crate::attributes::Attributes;
use crate::raw::{RawFeature, RawSurvey};
use crate::{Crs, CrsError, Format, LandFault, Limits, ReadError, wkb, wkt};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

/// A column or table name, and a value, may be this long.
const VALUE_BYTES_MAX: i32 = 128 << 20;

struct Layer {
    table: String,
    geometry: String,
    srs: i64,
}

/// Reads one file.
pub(crate) fn read(file: &str, bytes: &[u8], limits: Limits) -> Result<RawSurvey, ReadError> {
    let broken = |place: &str, error: &rusqlite::Error| ReadError::Broken {
        file: file.to_owned(),
        place: place.to_owned(),
        message: error.to_string(),
    };
    let database = open(bytes).map_err(|error| broken("its header", &error))?;
    let layer = layer(file, &database, &broken)?;
    let crs = crs(&database, layer.srs).map_err(|error| broken("gpkg_spatial_ref_sys", &error))?;
    let quoted = layer.table.replace('"', "\"\"");
    let mut features = Vec::new();
    let mut vertices = 0;
    let place = format!("table `{}`", layer.table.chars().take(60).collect::<String>());
    let failed = |error| broken(&place, &error);
    let mut statement = database.prepare(&format!("SELECT * FROM \"{quoted}\"")).map_err(failed)?;
    let names = column_names(&database, &layer.table).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        if features.len() == limits.features {
            return Err(ReadError::TooLarge { file: file.to_owned(), what: "features", limit: limits.features });
        }
        let mut attributes = Attributes::new(limits);
        let mut shape = Err(LandFault::Empty);
        for (column, name) in names.iter().enumerate() {
            let value = row.get_ref(column).map_err(failed)?;
            if name.eq_ignore_ascii_case(&layer.geometry) {
                shape = match value {
                    ValueRef::Blob(blob) => geometry(blob),
                    ValueRef::Null => Err(LandFault::Empty),
                    _ => Err(LandFault::Shape { found: "text instead of bytes".to_owned() }),
                };
                continue;
            }
            match value {
                ValueRef::Integer(number) => attributes.insert(name, &number.to_string()),
                ValueRef::Real(number) => attributes.insert(name, &number.to_string()),
                ValueRef::Text(text) => attributes.insert(name, &String::from_utf8_lossy(text)),
                ValueRef::Null | ValueRef::Blob(_) => {}
            }
        }
        vertices += shape.as_ref().map_or(0, crate::raw::RawShape::vertices);
        if vertices > limits.vertices {
            return Err(ReadError::TooLarge { file: file.to_owned(), what: "vertices", limit: limits.vertices });
        }
        features.push(RawFeature { attributes: attributes.into_map(), shape });
    }
    Ok(RawSurvey {
        format: Format::GeoPackage,
        file: file.to_owned(),
        encoding: "UTF-8".to_owned(),
        crs,
        features,
        notes: Vec::new(),
    })
}

fn open(bytes: &[u8]) -> rusqlite::Result<Connection> {
    let mut database = Connection::open_in_memory()?;
    let mut bytes = bytes.to_vec();
    // A file in write-ahead mode cannot be opened in memory; its last checkpoint is what somebody sent.
    for (at, version) in bytes.iter_mut().enumerate().skip(18).take(2) {
        if *version == 2 && at < 20 {
            *version = 1;
        }
    }
    let size = bytes.len();
    database.deserialize_read_exact("main", bytes.as_slice(), size, true)?;
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
    database.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    Ok(database)
}

/// The only table of features; what it is called comes from the file.
fn layer(
    file: &str,
    database: &Connection,
    broken: &impl Fn(&str, &rusqlite::Error) -> ReadError,
) -> Result<Layer, ReadError> {
    for table in ["gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"] {
        check_plain(file, database, table, broken)?;
    }
    let sql = "SELECT g.table_name, g.column_name, g.srs_id FROM gpkg_geometry_columns g JOIN gpkg_contents c \
               ON c.table_name = g.table_name WHERE c.data_type = 'features' LIMIT 50";
    let failed = |error| broken("gpkg_geometry_columns", &error);
    let mut statement = database.prepare(sql).map_err(failed)?;
    let layer = |row: &rusqlite::Row<'_>| Ok(Layer { table: row.get(0)?, geometry: row.get(1)?, srs: row.get(2)? });
    let mut layers: Vec<Layer> = statement.query_map([], layer).and_then(Iterator::collect).map_err(failed)?;
    let Some(layer) = layers.pop() else {
        return Err(failed(rusqlite::Error::QueryReturnedNoRows));
    };
    if !layers.is_empty() {
        let names: Vec<String> =
            layers.iter().chain([&layer]).map(|layer| layer.table.chars().take(40).collect()).collect();
        return Err(ReadError::SeveralLayers { file: file.to_owned(), layers: names.join(", ") });
    }
    check_plain(file, database, &layer.table, broken)?;
    Ok(layer)
}

/// The names of a table's columns, in the order of `SELECT *`. Read as values: the bytes of a name may be no UTF-8, and rusqlite panics
/// on such a name of a statement's column.
fn column_names(database: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    let name = |row: &rusqlite::Row<'_>| Ok(String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?).into_owned());
    statement.query_map([table], name)?.collect()
}

/// A table in which nothing is computed when it is read: no view, no virtual table, no generated column.
fn check_plain(
    file: &str,
    database: &Connection,
    table: &str,
    broken: &impl Fn(&str, &rusqlite::Error) -> ReadError,
) -> Result<(), ReadError> {
    let sql = "SELECT (SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = ?1 COLLATE NOCASE), \
               (SELECT count(*) FROM pragma_table_xinfo(?1) WHERE hidden <> 0)";
    let found = database.query_row(sql, [table], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
    match found.map_err(|error| broken("its schema", &error))? {
        (1, 0) => Ok(()),
        _ => Err(ReadError::Broken {
            file: file.to_owned(),
            place: format!("table `{}`", table.chars().filter(|c| !c.is_control()).take(60).collect::<String>()),
            message: "it is missing, or no plain table".to_owned(),
        }),
    }
}

fn crs(database: &Connection, srs: i64) -> rusqlite::Result<Option<Result<Crs, CrsError>>> {
    let sql = "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?));
    let found = database.query_row(sql, [srs], row).optional()?;
    // -1 and 0 are the standard's words for "undefined".
    Ok(found.filter(|_| srs > 0).map(|(organization, code, definition)| {
        let code = u32::try_from(code).ok().filter(|_| organization.eq_ignore_ascii_case("epsg"));
        code.and_then(Crs::of_epsg).map_or_else(|| wkt::read(&definition), Ok)
    }))
}

/// The header of GeoPackage's own, then well-known binary.
fn geometry(blob: &[u8]) -> Result<crate::raw::RawShape, LandFault> {
    let cut = || LandFault::Shape { found: "bytes without GeoPackage's header".to_owned() };
    let [b'G', b'P', _, flags, ..] = blob else { return Err(cut()) };
    if flags & 0b1_0000 != 0 {
        return Err(LandFault::Empty);
    }
    let envelope = match (flags >> 1) & 0b111 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return Err(cut()),
    };
    wkb::read(blob.get(8 + envelope..).ok_or_else(cut)?)
}

#[cfg(test)]
#[path = "geopackage_tests.rs"]
mod tests;
