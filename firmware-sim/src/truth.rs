//! What was true, written beside what was said, so that what the platform concluded can be scored.
//!
//! In:  the world.   Out: JSON lines, one object each; positions WGS84, times Unix milliseconds of the real clock (not of any
//! device's wrong one).
//!
//! | `what` | fields |
//! |---|---|
//! | `herd` | `ts`, `sim_ms`, `herd`, `species`, `count`, `young`, `lat`, `lon` (its centre), `radius_m`, `zones` (ids it stands in), `closed` (those of them that are closed), `touched` (closed ones that any part of it reaches), every `truth_s` |
//! | `seen` | `ts`, `sim_ms`, `device`, `herd`, `lat`, `lon` (where it truly was), `range_m`, `zones`, `closed`; a sighting was made, though the wire may lose it |
//! | `fix` | the same of a collar's animal, without `range_m` |
//!
//! Closed by the shipped calendar of Hexigten: all but balance zones all year, those from 1 March to 15 June.
//!
//! `sim_ms` is scenario time since the beginning; it differs from real time when the speed is not 1.

use crate::clock::legal_day;
use crate::devices::Context;
use crate::ground::{self, Spot};
use crate::world::{Herd, SimTime};
use serde_json::{Value, json};

/// One thing that was true.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthLine {
    unix_ms: i64,
    at: SimTime,
    herd: String,
    lat: f64,
    lon: f64,
    zones: Vec<String>,
    closed: Vec<String>,
    what: What,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Herd { species: &'static str, count: u32, young: u32, radius_m: f64, touched: Vec<String> },
    Fix { device: String },
    Seen { device: String, range_m: f64 },
}

impl TruthLine {
    /// Where a herd is.
    pub(crate) fn herd(context: &Context<'_>, herd: &Herd) -> Self {
        let plan = herd.plan();
        let around = (0..16).map(|part| herd.centre().toward(f64::from(part) * 22.5, plan.radius_m));
        let mut touched: Vec<String> =
            around.chain([herd.centre()]).flat_map(|spot| closed_at(context, spot)).collect();
        touched.sort_unstable();
        touched.dedup();
        let what = What::Herd {
            species: plan.species,
            count: plan.count,
            young: plan.young,
            radius_m: plan.radius_m,
            touched,
        };
        Self::about(context, herd, herd.centre(), what)
    }

    /// That a device saw a herd.
    pub(crate) fn seen(context: &Context<'_>, device: &str, herd: &Herd, range_m: f64) -> Self {
        Self::about(context, herd, herd.centre(), What::Seen { device: device.to_owned(), range_m })
    }

    /// That a collar found its animal somewhere.
    pub(crate) fn fix(context: &Context<'_>, device: &str, herd: &Herd, animal: Spot) -> Self {
        Self::about(context, herd, animal, What::Fix { device: device.to_owned() })
    }

    fn about(context: &Context<'_>, herd: &Herd, spot: Spot, what: What) -> Self {
        let at = context.world.now();
        let place = context.scenario.plane.degrees(spot);
        Self {
            unix_ms: context.timing.unix_ms(at),
            at,
            herd: herd.plan().id.clone(),
            lat: ground::round_deg(place.lat),
            lon: ground::round_deg(place.lon),
            zones: context.scenario.zones_at(spot).into_iter().map(str::to_owned).collect(),
            closed: closed_at(context, spot),
            what,
        }
    }

    /// As one line of the file, without its end.
    pub fn to_json(&self) -> String {
        let mut object = serde_json::Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("ts", self.unix_ms.into());
        put("sim_ms", self.at.0.into());
        match &self.what {
            What::Herd { species, count, young, radius_m, touched } => {
                put("what", "herd".into());
                put("species", (*species).into());
                put("count", (*count).into());
                put("young", (*young).into());
                put("radius_m", json!((radius_m * 10.0).round() / 10.0));
                put("touched", touched.as_slice().into());
            }
            What::Fix { device } => {
                put("what", "fix".into());
                put("device", device.as_str().into());
            }
            What::Seen { device, range_m } => {
                put("what", "seen".into());
                put("device", device.as_str().into());
                put("range_m", json!((range_m * 10.0).round() / 10.0));
            }
        }
        put("herd", self.herd.as_str().into());
        put("lat", self.lat.into());
        put("lon", self.lon.into());
        put("zones", self.zones.as_slice().into());
        put("closed", self.closed.as_slice().into());
        Value::Object(object).to_string()
    }
}

/// The closed zones in which a place lies now.
fn closed_at(context: &Context<'_>, spot: Spot) -> Vec<String> {
    /// First and last day of the closures of balance zones, told and enforced together.
    const SEASON: ((u32, u32), (u32, u32)) = ((3, 1), (6, 15));
    let today = legal_day(context.timing.unix_ms(context.world.now()));
    let in_season = SEASON.0 <= today && today <= SEASON.1;
    let zones = context.scenario.zones.iter().filter(|zone| in_season || zone.kind != "balance");
    zones.filter(|zone| zone.contains(spot)).map(|zone| zone.id.clone()).collect()
}

/// The file beside the play.
pub struct TruthFile(std::io::BufWriter<std::fs::File>);

impl TruthFile {
    /// Begins a new file; an old one of the same name is replaced.
    pub fn create(path: &std::path::Path) -> std::io::Result<Self> {
        Ok(Self(std::io::BufWriter::new(std::fs::File::create(path)?)))
    }

    /// Appends lines and hands them to the system at once, so that a reader sees whole lines.
    pub fn write(&mut self, lines: &[TruthLine]) -> std::io::Result<()> {
        use std::io::Write;
        for line in lines {
            writeln!(self.0, "{}", line.to_json())?;
        }
        if lines.is_empty() { Ok(()) } else { self.0.flush() }
    }
}
