//! A scenario: the made-up country, its herds and its devices, before anything moves.
//!
//! In:  a seed (and a plan, for other sizes).   Out: [`Scenario`], the same for the same seed.   Next: `world`, which moves it.
//!
//! "One day in Hexigten" has 4 townships, 30 zones around 43.3 N 117.5 E, 24 cameras, 6 drones, 12 stations, 8 herds and 200
//! collars. The townships' names are real; their codes end in 9xx and, like every outline, are made up, and say so.

mod device;
mod herds;
mod placing;
mod plan;
mod townships;
mod zones;

pub use device::SimDevice;
pub use herds::HerdPlan;
pub use placing::{CameraPlan, CollarPlan, DronePlan, Sends, StationPlan};
pub use plan::{Cadence, Plan, PlanError};
pub use zones::{NOTE, ZoneShape};

use crate::ground::{self, LatLon, Plane, Spot};

/// Made-up code and real name of the four townships that have both kinds of grassland.
pub const TOWNSHIPS: [(&str, &str); 4] = [
    ("150425901", "巴彦查干苏木"),
    ("150425902", "达日罕乌拉苏木"),
    ("150425903", "浩来呼热苏木"),
    ("150425904", "达来诺日镇"),
];

/// The middle of the made-up country.
const ORIGIN: LatLon = LatLon { lat: 43.3, lon: 117.5 };

/// Height of the plain above the ellipsoid: the made-up country is flat.
pub const GROUND_ALT_M: f64 = 1_310.0;

/// Everything there is before anything moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// For people.
    pub name: String,
    /// What all chance in it comes from.
    pub seed: u64,
    /// How many of everything and how often they speak.
    pub plan: Plan,
    /// The plane that all of it lies on.
    pub plane: Plane,
    /// The zones.
    pub zones: Vec<ZoneShape>,
    /// The herds.
    pub herds: Vec<HerdPlan>,
    /// The cameras.
    pub cameras: Vec<CameraPlan>,
    /// The drones.
    pub drones: Vec<DronePlan>,
    /// The stations.
    pub stations: Vec<StationPlan>,
    /// The collars.
    pub collars: Vec<CollarPlan>,
    devices: Vec<SimDevice>,
}

impl Scenario {
    /// "One day in Hexigten".
    pub fn hexigten_day(seed: u64) -> Self {
        Self::from_plan("hexigten-day", Plan::default(), seed)
    }

    /// The same country with other numbers.
    pub fn from_plan(name: &str, plan: Plan, seed: u64) -> Self {
        let plane = Plane::at(ORIGIN);
        let zones = zones::make(&plan, seed);
        let herds = herds::make(&plan, &zones, seed);
        let cameras = placing::cameras(&plan, &zones, &herds, seed);
        let drones = placing::drones(&plan, &zones, &herds, seed);
        let stations = placing::stations(&plan, &zones, seed);
        let collars = placing::collars(&plan, &zones, &herds);
        let mut scenario = Self {
            name: name.to_owned(),
            seed,
            plan,
            plane,
            zones,
            herds,
            cameras,
            drones,
            stations,
            collars,
            devices: Vec::new(),
        };
        scenario.devices = scenario.register();
        scenario
    }

    /// Every device as one would register it: cameras, drones, stations, collars.
    pub fn devices(&self) -> &[SimDevice] {
        &self.devices
    }

    /// All zones as one GeoJSON FeatureCollection; every feature says that it is made up.
    pub fn zones_geojson(&self) -> String {
        zones::geojson(&self.zones, &self.plane)
    }

    /// The four townships as GeoJSON: where one ends and the next begins, and what their codes are called.
    pub fn townships_geojson(&self) -> String {
        townships::geojson(self.zones.len(), &self.plane)
    }

    /// Ids of the zones in which a place lies.
    pub fn zones_at(&self, spot: Spot) -> Vec<&str> {
        self.zones.iter().filter(|zone| zone.contains(spot)).map(|zone| zone.id.as_str()).collect()
    }

    fn register(&self) -> Vec<SimDevice> {
        let heartbeat_s = self.plan.cadence.heartbeat_s;
        let placed = |device: SimDevice, spot: Spot| {
            let place = self.plane.degrees(spot);
            SimDevice { lat: Some(ground::round_deg(place.lat)), lon: Some(ground::round_deg(place.lon)), ..device }
        };
        let cameras = self.cameras.iter().map(|camera| SimDevice {
            height_m: Some(camera.height_m),
            yaw_deg: Some(camera.yaw_deg),
            pitch_deg: Some(camera.pitch_deg),
            hfov_deg: Some(camera.hfov_deg),
            ..placed(SimDevice::named(camera.id.clone(), "camera", &camera.township, heartbeat_s), camera.spot)
        });
        let drones = self.drones.iter().map(|drone| SimDevice {
            external: drone.dji_serial.as_ref().map(|serial| ("dji".to_owned(), serial.clone())),
            ..placed(SimDevice::named(drone.id.clone(), "drone", &drone.township, heartbeat_s), drone.base)
        });
        let stations = self.stations.iter().map(|station| SimDevice {
            modbus_unit: Some(station.unit),
            ..placed(SimDevice::named(station.id.clone(), "station", &station.township, 60), station.spot)
        });
        let collar_s = self.plan.cadence.collar_s;
        let collars =
            self.collars.iter().map(|collar| SimDevice::named(collar.id.clone(), "collar", &collar.township, collar_s));
        cameras.chain(drones).chain(stations).chain(collars).collect()
    }
}

#[cfg(test)]
mod tests;
