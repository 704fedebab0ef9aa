//! What was true, written beside what was said, so that what the platform concluded can be scored.
//!
//! In:  the world.   Out: JSON lines, one object each; positions WGS84, times Unix milliseconds of the real clock (not of any
//! device's wrong one).
//!
//! | `what` | fields |
//! |---|---|
//! | `herd` | `ts`, `sim_ms`, `herd`, `species`, `count`, `young`, `lat`, `lon` (its centre), `radius_m`, `zones` (ids it stands in), every `truth_s` |
//! | `seen` | `ts`, `sim_ms`, `device`, `herd`, `lat`, `lon` (where it truly was), `range_m`, `zones`; a sighting was made, though the wire may lose it |
//!
//! `sim_ms` is scenario time since the beginning; it differs from real time when the speed is not 1.

use crate::devices::Context;
use crate::ground;
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
    what: What,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Herd { species: &'static str, count: u32, young: u32, radius_m: f64 },
    Seen { device: String, range_m: f64 },
}

impl TruthLine {
    /// Where a herd is.
    pub(crate) fn herd(context: &Context<'_>, herd: &Herd) -> Self {
        let plan = herd.plan();
        let what = What::Herd { species: plan.species, count: plan.count, young: plan.young, radius_m: plan.radius_m };
        Self::about(context, herd, what)
    }

    /// That a device saw a herd.
    pub(crate) fn seen(context: &Context<'_>, device: &str, herd: &Herd, range_m: f64) -> Self {
        Self::about(context, herd, What::Seen { device: device.to_owned(), range_m })
    }

    fn about(context: &Context<'_>, herd: &Herd, what: What) -> Self {
        let at = context.world.now();
        let place = context.scenario.plane.degrees(herd.centre());
        Self {
            unix_ms: context.timing.unix_ms(at),
            at,
            herd: herd.plan().id.clone(),
            lat: ground::round_deg(place.lat),
            lon: ground::round_deg(place.lon),
            zones: context.scenario.zones_at(herd.centre()).into_iter().map(str::to_owned).collect(),
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
            What::Herd { species, count, young, radius_m } => {
                put("what", "herd".into());
                put("species", (*species).into());
                put("count", (*count).into());
                put("young", (*young).into());
                put("radius_m", json!((radius_m * 10.0).round() / 10.0));
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
        Value::Object(object).to_string()
    }
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
