//! The formats that are text.
//!
//! In: a device and its track in pieces. Out: GeoJSON, GPX, KML, CSV. Names of devices are escaped as each format asks.

use super::TrackFormat;
use crate::TrackPoint;
use model::DeviceId;
use quick_xml::escape::escape;
use serde_json::json;
use std::io::{self, Write};

/// What stands before the first track.
pub(super) fn begin(out: &mut impl Write, format: TrackFormat, is_of_many: bool) -> io::Result<()> {
    match format {
        TrackFormat::GeoJson => write!(out, r#"{{"type":"FeatureCollection","features":["#),
        TrackFormat::Gpx => writeln!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gpx version=\"1.1\" creator=\"Steppewatch\" xmlns=\"http://www.topografix.com/GPX/1/1\">"
        ),
        TrackFormat::Kml => writeln!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\" xmlns:gx=\"http://www.google.com/kml/ext/2.2\">\n<Document>"
        ),
        TrackFormat::Csv => {
            if is_of_many {
                out.write_all(b"device,")?;
            }
            writeln!(out, "ts,lat,lon,alt_m,speed_mps,heading_deg,accuracy_m")
        }
        TrackFormat::Parquet => Ok(()),
    }
}

/// What stands after the last.
pub(super) fn end(out: &mut impl Write, format: TrackFormat) -> io::Result<()> {
    match format {
        TrackFormat::GeoJson => writeln!(out, "]}}"),
        TrackFormat::Gpx => writeln!(out, "</gpx>"),
        TrackFormat::Kml => writeln!(out, "</Document>\n</kml>"),
        TrackFormat::Csv | TrackFormat::Parquet => Ok(()),
    }
}

/// A track in the formats that draw lines. `written` counts features, which GeoJSON parts by commas.
pub(super) fn pieces(
    out: &mut impl Write,
    format: TrackFormat,
    device: &DeviceId,
    pieces: &[&[TrackPoint]],
    written: &mut usize,
) -> io::Result<()> {
    match format {
        TrackFormat::GeoJson => geojson(out, device, pieces, written),
        TrackFormat::Gpx => gpx(out, device, pieces),
        TrackFormat::Kml => kml(out, device, pieces),
        TrackFormat::Csv | TrackFormat::Parquet => Ok(()),
    }
}

fn geojson(out: &mut impl Write, device: &DeviceId, pieces: &[&[TrackPoint]], written: &mut usize) -> io::Result<()> {
    for (number, piece) in pieces.iter().enumerate() {
        let has_heights = piece.iter().all(|point| point.alt_m.is_some());
        let place = |point: &TrackPoint| {
            let mut place = vec![point.position.lon_deg(), point.position.lat_deg()];
            place.extend(point.alt_m.filter(|_| has_heights));
            place
        };
        let geometry = match piece {
            [only] => json!({ "type": "Point", "coordinates": place(only) }),
            line => json!({ "type": "LineString", "coordinates": line.iter().map(place).collect::<Vec<_>>() }),
        };
        let times: Vec<String> = piece.iter().map(|point| point.ts.to_rfc3339()).collect();
        // An id names one feature only.
        let id = if pieces.len() == 1 { device.to_string() } else { format!("{device}/{}", number + 1) };
        let properties = json!({ "device": device.as_str(), "times": times });
        if *written > 0 {
            out.write_all(b",")?;
        }
        let feature = json!({ "type": "Feature", "id": id, "properties": properties, "geometry": geometry });
        serde_json::to_writer(&mut *out, &feature)?;
        *written += 1;
    }
    Ok(())
}

fn gpx(out: &mut impl Write, device: &DeviceId, pieces: &[&[TrackPoint]]) -> io::Result<()> {
    writeln!(out, "<trk><name>{}</name>", escape(device.as_str()))?;
    for piece in pieces {
        writeln!(out, "<trkseg>")?;
        for point in *piece {
            write!(out, "<trkpt lat=\"{}\" lon=\"{}\">", point.position.lat_deg(), point.position.lon_deg())?;
            if let Some(alt_m) = point.alt_m {
                write!(out, "<ele>{alt_m}</ele>")?;
            }
            writeln!(out, "<time>{}</time></trkpt>", point.ts.to_rfc3339())?;
        }
        writeln!(out, "</trkseg>")?;
    }
    writeln!(out, "</trk>")
}

fn kml(out: &mut impl Write, device: &DeviceId, pieces: &[&[TrackPoint]]) -> io::Result<()> {
    writeln!(out, "<Placemark><name>{}</name><gx:MultiTrack>", escape(device.as_str()))?;
    for piece in pieces {
        writeln!(out, "<gx:Track><altitudeMode>clampToGround</altitudeMode>")?;
        for point in *piece {
            writeln!(out, "<when>{}</when>", point.ts.to_rfc3339())?;
        }
        for point in *piece {
            let height_m = point.alt_m.unwrap_or(0.0);
            writeln!(out, "<gx:coord>{} {} {height_m}</gx:coord>", point.position.lon_deg(), point.position.lat_deg())?;
        }
        writeln!(out, "</gx:Track>")?;
    }
    writeln!(out, "</gx:MultiTrack></Placemark>")
}

/// The rows of a device, with its name in front where the file is of many. The name of a device needs no quotes: it holds neither a comma
/// nor a quote.
pub(super) fn csv(out: &mut impl Write, device: Option<&DeviceId>, points: &[TrackPoint]) -> io::Result<()> {
    for point in points {
        if let Some(device) = device {
            write!(out, "{device},")?;
        }
        write!(out, "{},{},{}", point.ts, point.position.lat_deg(), point.position.lon_deg())?;
        for value in [point.alt_m, point.speed_mps, point.heading_deg, point.accuracy_m] {
            match value {
                Some(value) => write!(out, ",{value}")?,
                None => write!(out, ",")?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
