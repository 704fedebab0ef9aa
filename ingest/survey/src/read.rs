//! From a surveyor's file to its land: the stages in their order.
//!
//! In: a [`Source`] and [`ReadOptions`].   Out: [`Survey`].   Never: half a file; a feature that is missing from the answer.

use crate::densify::{self, Counts, Stop};
use crate::mapping::find;
use crate::raw::{RawFeature, RawRing, RawShape, RawSurvey};
use crate::repair::{Shape, repair};
use crate::snap::{Plot, snap};
use crate::{
    Crs, CrsError, Datum, Feature, Format, Land, LandFault, Note, ReadError, ReadOptions, Repair, Source, Survey,
    geojson, geopackage, kml, shapefile, source,
};
use model::Ring;

/// Reads all of a file: every feature with its land, or with what is wrong with it.
pub fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Survey, ReadError> {
    check(options)?;
    let parts = source::parts(source, options.limits)?;
    let raw = match parts.format {
        Format::Shapefile => shapefile::read(&parts, options.encoding, options.limits),
        Format::GeoJson => geojson::survey(&parts.file, &parts.main, options.limits),
        Format::Kml => kml::read(&parts.file, &parts.main, options.limits),
        Format::GeoPackage => geopackage::read(&parts.file, &parts.main, options.limits),
    }?;
    drop(parts);
    check_mapping(&raw, options)?;
    let mut notes = raw.notes.clone();
    let crs = crs(&raw, options, &mut notes)?;
    let RawSurvey { format, file, encoding, features, .. } = raw;
    let mut left = options.limits.vertices;
    let mut plots = Vec::new();
    let mut rows = Vec::with_capacity(features.len());
    for (index, feature) in features.into_iter().enumerate() {
        let RawFeature { attributes, shape } = feature;
        let fault =
            match shape.map_err(Stop::Fault).and_then(|shape| plot(index, shape, format, &crs, &mut left, options)) {
                Ok(plot) => {
                    plots.push(plot);
                    None
                }
                Err(Stop::Fault(fault)) => Some(fault),
                Err(Stop::TooMany) => {
                    return Err(ReadError::TooLarge { file, what: "vertices", limit: options.limits.vertices });
                }
            };
        rows.push((index, options.mapping.apply(attributes), fault));
    }
    if options.snap_m > 0.0 {
        notes.extend(snap(&mut plots, options.snap_m));
    }
    let mut plots = plots.into_iter();
    let features = rows.into_iter().map(|(index, attributes, fault)| {
        let land = match fault {
            Some(fault) => Err(fault),
            None => plots.next().map(land).ok_or(LandFault::Empty),
        };
        Feature { index, attributes, land }
    });
    Ok(Survey { format, crs: crs.to_string(), encoding, features: features.collect(), notes })
}

fn land(plot: Plot) -> Land {
    let Plot { polygons, repairs, .. } = plot;
    Land { area_m2: model::area_m2(&polygons), polygons, repairs }
}

fn check(options: &ReadOptions) -> Result<(), ReadError> {
    if !(0.0..=100.0).contains(&options.snap_m) {
        return Err(ReadError::Option { what: "snap distance", found: options.snap_m, want: "0 to 100 m" });
    }
    // Tests allow everything; a share is never negative or no number.
    if options.area_change_max.is_nan() || options.area_change_max < 0.0 {
        let want = "a share of the area, such as 0.01";
        return Err(ReadError::Option { what: "largest change of area", found: options.area_change_max, want });
    }
    Ok(())
}

/// A mapping that finds nothing was written for another file.
fn check_mapping(raw: &RawSurvey, options: &ReadOptions) -> Result<(), ReadError> {
    for (key, field) in options.mapping.fields() {
        let found =
            raw.features.is_empty() || raw.features.iter().any(|feature| find(&feature.attributes, field).is_some());
        if !found {
            let mut fields: Vec<&str> =
                raw.features.iter().flat_map(|feature| feature.attributes.keys()).map(String::as_str).collect();
            fields.sort_unstable();
            fields.dedup();
            let fields = fields.join(", ").chars().take(400).collect();
            return Err(ReadError::MappingField { key: key.to_owned(), field: field.to_owned(), fields });
        }
    }
    Ok(())
}

/// The caller's, else the file's, else what the numbers look like.
fn crs(raw: &RawSurvey, options: &ReadOptions, notes: &mut Vec<Note>) -> Result<Crs, ReadError> {
    let refuse = |error| ReadError::Crs { file: raw.file.clone(), error };
    let mut taken = match (&options.crs, &raw.crs) {
        (Some(asked), _) => asked.clone(),
        (None, Some(stated)) => stated.clone().map_err(refuse)?,
        (None, None) => {
            let shapes = raw.features.iter().filter_map(|feature| feature.shape.as_ref().ok());
            let first = shapes.flat_map(RawShape::rings).flatten().next().copied();
            Crs::of_numbers(first, options.datum.unwrap_or_default()).map_err(refuse)?
        }
    };
    if let Some(datum) = options.datum {
        let same = |a: Datum, b: Datum| {
            let plain = |datum| matches!(datum, Datum::Wgs84 | Datum::Cgcs2000);
            a == b || plain(a) && plain(b)
        };
        match &taken {
            Crs::Geographic(_) => taken = Crs::Geographic(datum),
            Crs::Projected(projection) if same(projection.datum, datum) => {}
            Crs::Projected(_) => {
                return Err(refuse(CrsError::DatumOfProjection { crs: taken.to_string(), datum: datum.as_str() }));
            }
        }
    }
    match &raw.crs {
        Some(Err(stated)) => notes.push(Note::CrsOverridden { file: stated.to_string(), taken: taken.to_string() }),
        Some(Ok(stated)) if !stated.same(&taken) => {
            notes.push(Note::CrsOverridden { file: stated.to_string(), taken: taken.to_string() });
        }
        // GeoJSON without a word is WGS84 by its standard.
        None if options.crs.is_none() && (raw.format != Format::GeoJson || options.datum.is_some()) => {
            notes.push(Note::CrsAssumed { crs: taken.to_string() });
        }
        _ => {}
    }
    Ok(taken)
}

fn plot(
    index: usize,
    shape: RawShape,
    format: Format,
    crs: &Crs,
    left: &mut usize,
    options: &ReadOptions,
) -> Result<Plot, Stop> {
    let mut counts = Counts::default();
    let mut rings = |raw: Vec<RawRing>| -> Result<Vec<Ring>, Stop> {
        raw.iter().map(|ring| densify::ring(ring, crs, left, &mut counts)).collect()
    };
    let shape = match shape {
        RawShape::Parts(parts) => {
            let parts = parts.into_iter().map(&mut rings).collect::<Result<_, _>>()?;
            // Only GeoJSON and KML say which way an outline runs.
            Shape::Parts { parts, wound: matches!(format, Format::GeoJson | Format::Kml) }
        }
        RawShape::Rings(raw) => Shape::Rings(rings(raw)?),
    };
    let mut repairs = Vec::new();
    if counts.added > 0 {
        repairs.push(Repair::Densified { vertices: counts.added });
    }
    if counts.repeated > 0 {
        repairs.push(Repair::DuplicateVertices { count: counts.repeated });
    }
    let (polygons, mended) = repair(shape, options.area_change_max).map_err(Stop::Fault)?;
    repairs.extend(mended);
    Ok(Plot { index, polygons, repairs })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
