//! Parquet, through the crate of that name without its Arrow half.
//!
//! In: tracks. Out: row groups of up to [`GROUP_ROWS`] rows, so that neither who writes nor who reads holds more at once.

use crate::TrackPoint;
use model::DeviceId;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::io::{self, Write};
use std::sync::Arc;

const GROUP_ROWS: usize = 65_536;

const SCHEMA: &str = "message track {
    REQUIRED BYTE_ARRAY device (STRING);
    REQUIRED INT64 ts (TIMESTAMP(MILLIS,true));
    REQUIRED DOUBLE lat;
    REQUIRED DOUBLE lon;
    OPTIONAL DOUBLE alt_m;
    OPTIONAL DOUBLE height_m;
    OPTIONAL DOUBLE speed_mps;
    OPTIONAL DOUBLE heading_deg;
    OPTIONAL DOUBLE accuracy_m;
    OPTIONAL DOUBLE battery_percent;
}";

/// The optional columns in the schema's order.
const OPTIONAL: [fn(&TrackPoint) -> Option<f64>; 6] = [
    |point| point.alt_m,
    |point| point.height_m,
    |point| point.speed_mps,
    |point| point.heading_deg,
    |point| point.accuracy_m,
    |point| point.battery_percent,
];

/// A file in the making.
pub(super) struct ParquetTracks<W: Write + Send>(SerializedFileWriter<W>);

impl<W: Write + Send> ParquetTracks<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let schema = parse_message_type(SCHEMA).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("Steppewatch".to_owned())
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        Ok(Self(writer))
    }

    pub(super) fn track(&mut self, device: &DeviceId, pieces: &[&[TrackPoint]]) -> io::Result<()> {
        // Rows know of no pieces: a group for each would be many small ones.
        let joined;
        let points = match pieces {
            [whole] => *whole,
            _ => {
                joined = pieces.concat();
                joined.as_slice()
            }
        };
        for rows in points.chunks(GROUP_ROWS) {
            let mut group = self.0.next_row_group().map_err(failed)?;
            write_group(&mut group, device, rows).map_err(failed)?;
            group.close().map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<W> {
        self.0.into_inner().map_err(failed)
    }
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

fn write_group<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    device: &DeviceId,
    rows: &[TrackPoint],
) -> Result<(), ParquetError> {
    let mut place = 0_usize;
    while let Some(mut column) = group.next_column()? {
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                let names = vec![ByteArray::from(device.as_str()); rows.len()];
                writer.write_batch(&names, None, None)?;
            }
            ColumnWriter::Int64ColumnWriter(writer) => {
                let times: Vec<i64> = rows.iter().map(|row| row.ts.as_millis()).collect();
                writer.write_batch(&times, None, None)?;
            }
            ColumnWriter::DoubleColumnWriter(writer) => {
                let required = |of: fn(&TrackPoint) -> f64| rows.iter().map(of).collect::<Vec<f64>>();
                match (place, OPTIONAL.get(place.wrapping_sub(4))) {
                    (2, _) => writer.write_batch(&required(|row| row.position.lat_deg()), None, None)?,
                    (3, _) => writer.write_batch(&required(|row| row.position.lon_deg()), None, None)?,
                    (_, Some(of)) => {
                        let values: Vec<f64> = rows.iter().filter_map(of).collect();
                        let levels: Vec<i16> = rows.iter().map(|row| i16::from(of(row).is_some())).collect();
                        writer.write_batch(&values, Some(&levels), None)?
                    }
                    _ => return Err(ParquetError::General(format!("column {place} is not known"))),
                };
            }
            _ => return Err(ParquetError::General(format!("column {place} has another type"))),
        }
        column.close()?;
        place += 1;
    }
    Ok(())
}
