//! Tracks as files that other programs open.
//!
//! In: tracks, a device at a time, so that many need little memory. Out: GeoJSON, GPX, KML, CSV or Parquet, written as they come. A silence
//! of more than the gap breaks the line in the formats that draw lines. Never: a point that was not in the track.
//!
//! | format | what is in it |
//! |---|---|
//! | GeoJSON | a feature per piece: a line, or a point where there is only one; `device` and the `times` of the vertices beside; heights above the ellipsoid where every vertex has one |
//! | GPX 1.1 | a `trk` per device, a `trkseg` per piece; `ele` is the height above the ellipsoid |
//! | KML 2.2 | a placemark per device with a `gx:Track` per piece, on the ground, since KML counts heights from the sea |
//! | CSV | a row per point: `ts,lat,lon,alt_m,speed_mps,heading_deg,accuracy_m`, with `device` in front where there are many |
//! | Parquet | a row per point with everything that is kept of it; times are milliseconds of UTC, packed with Snappy, which every reader knows |

mod parquet;
#[cfg(test)]
mod tests;
mod text;

use self::parquet::ParquetTracks;
use crate::TrackPoint;
use model::DeviceId;
use std::io::{self, Write};
use std::time::Duration;

/// How a track is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackFormat {
    /// For maps.
    GeoJson,
    /// For navigation devices.
    Gpx,
    /// For Google Earth and its like.
    Kml,
    /// For spreadsheets.
    Csv,
    /// For analysis.
    Parquet,
}

impl TrackFormat {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::GeoJson, Self::Gpx, Self::Kml, Self::Csv, Self::Parquet];

    /// Its name, which also ends the name of its files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GeoJson => "geojson",
            Self::Gpx => "gpx",
            Self::Kml => "kml",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// `None` for a name that is none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// What HTTP calls it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GeoJson => "application/geo+json",
            Self::Gpx => "application/gpx+xml",
            Self::Kml => "application/vnd.google-earth.kml+xml",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// A file of tracks in the making: [`TrackWriter::track`] for each device, or [`TrackWriter::pieces`], then [`TrackWriter::finish`].
pub struct TrackWriter<W: Write + Send> {
    form: Form<W>,
    gap_ms: i64,
}

enum Form<W: Write + Send> {
    Text { out: W, format: TrackFormat, is_of_many: bool, written: usize },
    Parquet(ParquetTracks<W>),
}

impl<W: Write + Send> TrackWriter<W> {
    /// Begins a file. `is_of_many` says that it may hold more than one device; a silence of more than `gap` breaks lines.
    pub fn new(mut out: W, format: TrackFormat, is_of_many: bool, gap: Duration) -> io::Result<Self> {
        let form = if format == TrackFormat::Parquet {
            Form::Parquet(ParquetTracks::new(out)?)
        } else {
            text::begin(&mut out, format, is_of_many)?;
            Form::Text { out, format, is_of_many, written: 0 }
        };
        Ok(Self { form, gap_ms: i64::try_from(gap.as_millis()).unwrap_or(i64::MAX) })
    }

    /// One device's track, by time. A device without a point leaves nothing.
    pub fn track(&mut self, device: &DeviceId, points: &[TrackPoint]) -> io::Result<()> {
        let gap_ms = self.gap_ms;
        let goes_on =
            |one: &TrackPoint, next: &TrackPoint| next.ts.as_millis().saturating_sub(one.ts.as_millis()) <= gap_ms;
        let pieces: Vec<&[TrackPoint]> = points.chunk_by(goes_on).collect();
        self.pieces(device, &pieces)
    }

    /// One device's track in pieces that are broken already, as those of a simplified one are.
    pub fn pieces<P: AsRef<[TrackPoint]>>(&mut self, device: &DeviceId, pieces: &[P]) -> io::Result<()> {
        let pieces: Vec<&[TrackPoint]> = pieces.iter().map(AsRef::as_ref).filter(|piece| !piece.is_empty()).collect();
        if pieces.is_empty() {
            return Ok(());
        }
        match &mut self.form {
            Form::Parquet(parquet) => parquet.track(device, &pieces),
            Form::Text { out, format: TrackFormat::Csv, is_of_many, .. } => {
                pieces.iter().try_for_each(|piece| text::csv(out, is_of_many.then_some(device), piece))
            }
            Form::Text { out, format, written, .. } => text::pieces(out, *format, device, &pieces, written),
        }
    }

    /// Ends the file; what it was written to.
    pub fn finish(self) -> io::Result<W> {
        match self.form {
            Form::Parquet(parquet) => parquet.finish(),
            Form::Text { mut out, format, .. } => {
                text::end(&mut out, format)?;
                out.flush()?;
                Ok(out)
            }
        }
    }
}
