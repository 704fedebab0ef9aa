//! `steppewatch track`: where a device was, as a file that other programs open.
//!
//! In: a device, a span, a format.   Out: GeoJSON, GPX, KML, CSV or Parquet, to a file or to standard output.
//!
//! Works beside the running service: the history is opened for looking only.   Never: a file written over another, or half a file left behind.

use super::{Misuse, legal_time, print, registry};
use crate::config::Config;
use anyhow::{Context, Result};
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use history::{HistoryReader, Simplified, TrackFormat, TrackWriter};
use model::{Clock, Device, DeviceId, Timestamp};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest span of one file: all of its points are in memory at once.
const DAYS_MAX: u64 = 366;

/// What can be done with tracks.
#[derive(Subcommand)]
pub enum TrackCommand {
    /// Write where a device was.
    Export(ExportArgs),
}

/// What `track export` takes.
#[derive(clap::Args)]
pub struct ExportArgs {
    /// The device's id.
    device: String,
    /// From this legal date or RFC 3339 instant.
    #[arg(long)]
    from: String,
    /// Until this legal date (its beginning) or RFC 3339 instant.
    #[arg(long)]
    to: String,
    /// How it is written; a silence that the device's cadence does not explain breaks the lines of geojson, gpx and kml.
    #[arg(long, default_value = "geojson", value_parser = PossibleValuesParser::new(TrackFormat::ALL.map(TrackFormat::as_str)))]
    format: String,
    /// At most so many points, so chosen that the line stays where it was.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..))]
    points: Option<u32>,
    /// The file to write, which must not be there yet; standard output without it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Carries the command out.
pub fn run(command: &TrackCommand, config: &Config, as_json: bool) -> Result<()> {
    let TrackCommand::Export(args) = command;
    let format = TrackFormat::parse(&args.format).context("the format is none")?;
    let span = span(args)?;
    let track = Track::read(config, args, span)?;
    let Some(out) = &args.out else {
        let written = track.write(format, BufWriter::new(io::stdout()));
        return match written {
            // Who reads has seen enough, as `head` does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map(drop).context("the track could not be written to standard output"),
        };
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).with_context(|| {
        Misuse(format!("{} cannot be written; --out has to name a file that is not there yet", out.display()))
    })?;
    let written = track.write(format, BufWriter::new(file)).and_then(|file| file.get_ref().sync_all());
    if let Err(error) = written {
        // Half a track is none; that it could not be removed either is the smaller complaint.
        std::fs::remove_file(out).ok();
        return Err(error).with_context(|| format!("{} could not be written; check free space", out.display()));
    }
    track.show(out, as_json)
}

fn span(args: &ExportArgs) -> Result<(Timestamp, Timestamp)> {
    let instant = |flag: &str, text: &str| -> Result<Timestamp> {
        legal_time(flag, Some(text))?.with_context(|| format!("{flag} is missing"))
    };
    let (from, to) = (instant("--from", &args.from)?, instant("--to", &args.to)?);
    if from >= to {
        return Err(Misuse(format!("--from {} is not before --to {}", args.from, args.to)).into());
    }
    if to.since(from) > Duration::from_secs(DAYS_MAX * 86_400) {
        let text = format!("--from {} --to {} is longer than {DAYS_MAX} days; export it in parts", args.from, args.to);
        return Err(Misuse(text).into());
    }
    Ok((from, to))
}

/// What is to be written.
struct Track {
    device: Device,
    pieces: Vec<Vec<history::TrackPoint>>,
    /// How it was made shorter; otherwise there is one piece, which the writer breaks at silences.
    simplified: Option<Simplified>,
}

impl Track {
    fn read(config: &Config, args: &ExportArgs, (from, to): (Timestamp, Timestamp)) -> Result<Self> {
        let folder = config.data.join("history");
        if !folder.join("tail.sqlite").exists() {
            let data = config.data.display();
            return Err(
                Misuse(format!("there is no history in {data}; `data` has to name the service's folder")).into()
            );
        }
        let view = registry(config)?.view().borrow().clone();
        let device =
            DeviceId::parse(&args.device).ok().and_then(|id| view.device(&id).cloned()).with_context(|| {
                Misuse(format!("there is no device `{}`; `steppewatch devices list` names them", args.device))
            })?;
        let reader = HistoryReader::open(&folder, config.history_retention, Clock::system())?;
        let (pieces, simplified) = match args.points {
            None => (vec![reader.track(&device.id, from, to)?], None),
            Some(points) => {
                let points = usize::try_from(points).unwrap_or(usize::MAX);
                let track = reader.track_simplified(&device.id, (from, to), points, device.patience())?;
                (reader.track_vertices(&device.id, &track)?, Some(track))
            }
        };
        Ok(Self { device, pieces, simplified })
    }

    fn write<W: Write + Send>(&self, format: TrackFormat, out: W) -> io::Result<W> {
        let mut writer = TrackWriter::new(out, format, false, self.device.patience())?;
        match (&self.simplified, self.pieces.as_slice()) {
            (None, [whole]) => writer.track(&self.device.id, whole)?,
            (_, pieces) => writer.pieces(&self.device.id, pieces)?,
        }
        let mut out = writer.finish()?;
        out.flush()?;
        Ok(out)
    }

    fn show(&self, out: &Path, as_json: bool) -> Result<()> {
        let (device, file) = (self.device.id.as_str(), out.display().to_string());
        let points: usize = self.pieces.iter().map(Vec::len).sum();
        let read = self.simplified.as_ref().map_or(points, |track| track.read);
        let deviation_m = self.simplified.as_ref().map(|track| (track.deviation_m * 100.0).ceil() / 100.0);
        if as_json {
            let said =
                json!({"file": file, "device": device, "points": points, "read": read, "deviation_m": deviation_m});
            return print(&said.to_string());
        }
        let beside = deviation_m.map(|metres| format!("，取自 of {read}，最大偏离 at most {metres} m beside the line"));
        print(&format!("{file}: {device}，{points} 个点 points{}", beside.unwrap_or_default()))
    }
}
