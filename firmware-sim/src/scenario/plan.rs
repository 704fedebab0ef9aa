//! How many of everything, and how often they speak: what a scenario file may change.
//!
//! In:  JSON, for example `{"collars": 20, "cadence": {"collar_s": 5}}`.   Out: [`Plan`]; what is not named keeps the value of
//! "one day in Hexigten". Unknown keys are refused.

use serde::Deserialize;

/// Most zones a plan may ask for: they stand in a grid around the origin, and beyond this it would leave the plane.
const MAX_ZONES: usize = 60;
/// Most devices of one kind: more than any banner has, and few enough for one machine.
const MAX_OF_A_KIND: usize = 10_000;
/// Most herds.
const MAX_HERDS: usize = 200;
/// Unit ids of a Modbus server end at 247.
const MAX_STATIONS: usize = 247;

/// Why a scenario file was refused.
#[derive(Debug)]
pub enum PlanError {
    /// Not the JSON of a plan; the parser says where and why.
    Json(serde_json::Error),
    /// A number out of its range.
    Range {
        /// Which key.
        key: &'static str,
        /// What it held.
        value: u64,
        /// What it may hold.
        allowed: &'static str,
    },
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(error) => write!(f, "scenario is no valid plan ({error}); name only keys of the plan"),
            Self::Range { key, value, allowed } => write!(f, "scenario has {key} = {value}; use {allowed}"),
        }
    }
}

impl std::error::Error for PlanError {}

/// How often devices speak, in seconds of scenario time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cadence {
    /// Heartbeats of cameras, drones and collars.
    pub heartbeat_s: u64,
    /// A camera or drone that sees a herd says so this often.
    pub sighting_s: u64,
    /// A camera's picture.
    pub snapshot_s: u64,
    /// A collar's fix.
    pub collar_s: u64,
    /// A drone's native track.
    pub drone_track_s: u64,
    /// A DJI airframe's osd (0.5 Hz, as the real ones).
    pub dji_osd_s: u64,
    /// How often the truth is written down.
    pub truth_s: u64,
}

impl Default for Cadence {
    fn default() -> Self {
        Self {
            heartbeat_s: 60,
            sighting_s: 10,
            snapshot_s: 180,
            collar_s: 60,
            drone_track_s: 1,
            dji_osd_s: 2,
            truth_s: 10,
        }
    }
}

/// How many of everything.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// 禁牧区
    pub no_grazing_zones: usize,
    /// 草畜平衡区
    pub balance_zones: usize,
    /// 林地
    pub forest_zones: usize,
    /// 自然保护区
    pub reserve_zones: usize,
    /// 项目区
    pub project_zones: usize,
    /// Cameras on masts.
    pub cameras: usize,
    /// Every how-many-th camera sends boxes instead of positions; 0: none.
    pub box_camera_every: usize,
    /// Patrol drones.
    pub drones: usize,
    /// How many of the drones speak DJI osd.
    pub dji_drones: usize,
    /// Modbus stations.
    pub stations: usize,
    /// Herds.
    pub herds: usize,
    /// Collars on animals of the herds.
    pub collars: usize,
    /// How often they speak.
    pub cadence: Cadence,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            no_grazing_zones: 18,
            balance_zones: 8,
            forest_zones: 2,
            reserve_zones: 1,
            project_zones: 1,
            cameras: 24,
            box_camera_every: 6,
            drones: 6,
            dji_drones: 2,
            stations: 12,
            herds: 8,
            collars: 200,
            cadence: Cadence::default(),
        }
    }
}

impl Plan {
    /// Reads a scenario file's text.
    pub fn parse(json: &str) -> Result<Self, PlanError> {
        let plan: Self = serde_json::from_str(json).map_err(PlanError::Json)?;
        plan.checked()
    }

    /// How many zones there are in all.
    pub fn zones(&self) -> usize {
        [self.no_grazing_zones, self.balance_zones, self.forest_zones, self.reserve_zones, self.project_zones]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    fn checked(self) -> Result<Self, PlanError> {
        let within = |key, value: usize, low: usize, high: usize, allowed| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(PlanError::Range { key, value: value as u64, allowed })
            }
        };
        within("zones in all", self.zones(), 1, MAX_ZONES, "1 to 60")?;
        within("herds", self.herds, 1, MAX_HERDS, "1 to 200")?;
        within("stations", self.stations, 0, MAX_STATIONS, "0 to 247")?;
        within("dji_drones", self.dji_drones, 0, self.drones, "at most as many as drones")?;
        for (key, value) in [("cameras", self.cameras), ("drones", self.drones), ("collars", self.collars)] {
            within(key, value, 0, MAX_OF_A_KIND, "0 to 10000")?;
        }
        let cadence = &self.cadence;
        for (key, value) in [
            ("cadence.heartbeat_s", cadence.heartbeat_s),
            ("cadence.sighting_s", cadence.sighting_s),
            ("cadence.snapshot_s", cadence.snapshot_s),
            ("cadence.collar_s", cadence.collar_s),
            ("cadence.drone_track_s", cadence.drone_track_s),
            ("cadence.dji_osd_s", cadence.dji_osd_s),
            ("cadence.truth_s", cadence.truth_s),
        ] {
            if !(1..=86_400).contains(&value) {
                return Err(PlanError::Range { key, value, allowed: "1 to 86400" });
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_only_what_it_names() {
        let plan = Plan::parse(r#"{"collars": 20, "cadence": {"collar_s": 5}}"#).unwrap();
        assert_eq!((plan.collars, plan.cameras, plan.cadence.collar_s, plan.cadence.heartbeat_s), (20, 24, 5, 60));
    }

    #[test]
    fn an_unknown_key_and_a_zero_cadence_are_refused_by_name() {
        assert!(Plan::parse(r#"{"camels": 3}"#).unwrap_err().to_string().contains("camels"));
        assert_eq!(
            Plan::parse(r#"{"cadence": {"collar_s": 0}}"#).unwrap_err().to_string(),
            "scenario has cadence.collar_s = 0; use 1 to 86400"
        );
    }
}
