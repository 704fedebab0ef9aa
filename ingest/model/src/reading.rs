use crate::{
    AnimalMark, Clarity, DeviceId, DeviceTime, FireSign, Offset, Position, ReadingKind, ReceivedAt, SnapshotId,
    Species, Timestamp, TownshipCode,
};
use std::sync::Arc;

/// What a run of the journal says, in its order. What was rejected is missing, so `up_to` may be past the last reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The readings.
    pub readings: Vec<Reading>,
    /// Everything up to and including this entry is decoded.
    pub up_to: Offset,
}

/// What one frame says, decoded and checked, with its three times.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Whom it is about.
    pub device: DeviceId,
    /// Its place in the journal: the third time.
    pub offset: Offset,
    /// When we took it in.
    pub received_at: ReceivedAt,
    /// When the device says it happened; `None` where the protocol has no time (Modbus).
    pub device_time: Option<DeviceTime>,
    /// The device's own counter, if it keeps one.
    pub seq: Option<u64>,
    /// What it says.
    pub body: Body,
}

impl Reading {
    /// When it happened as far as we know: the device's time, or the time of receipt where the device told none.
    pub fn happened_at(&self) -> Timestamp {
        self.device_time.map_or(self.received_at.0, |t| t.0)
    }
}

/// The kinds of statement a device can make.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// It lives.
    Heartbeat(Heartbeat),
    /// Where it is.
    Track(Track),
    /// What its sensors measure.
    Measurements(Vec<Measurement>),
    /// What it saw.
    Sighting(Sighting),
    /// A picture; the bytes stay in the journal.
    Snapshot(Snapshot),
    /// What a person told.
    Report(Report),
    /// Smoke or heat that a camera saw.
    Fire(Fire),
    /// How a camera's picture is, as the platform found; no word of the camera, so no sign of its life.
    Clarity(Clarity),
    /// The platform's second hand moved to `received_at`.
    Clock,
}

impl Body {
    /// The kind, for logs, metrics and an alert's trigger.
    pub fn kind(&self) -> ReadingKind {
        match self {
            Self::Heartbeat(_) => ReadingKind::Heartbeat,
            Self::Track(_) => ReadingKind::Track,
            Self::Measurements(_) => ReadingKind::Reading,
            Self::Sighting(_) => ReadingKind::Sighting,
            Self::Snapshot(_) | Self::Clarity(_) => ReadingKind::Snapshot,
            Self::Report(_) => ReadingKind::Report,
            Self::Fire(_) => ReadingKind::Fire,
            Self::Clock => ReadingKind::Clock,
        }
    }
}

/// How a device says it feels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatStatus {
    /// All well.
    Ok,
    /// Works with restrictions.
    Degraded,
    /// Broken, but able to say so.
    Fault,
}

/// A sign of life.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heartbeat {
    /// How it feels; `None` when this message does not say, and then what was last said holds.
    pub status: Option<HeartbeatStatus>,
    /// Seconds since it started.
    pub uptime_s: Option<u64>,
    /// Charge, 0 to 100 percent.
    pub battery_percent: Option<f64>,
    /// Received signal, dBm (negative).
    pub signal_dbm: Option<f64>,
    /// Inside the housing, degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Free storage, megabytes.
    pub storage_free_mb: Option<f64>,
    /// Where the camera points now.
    pub pan_tilt: Option<PanTilt>,
    /// Where it was told to point; `None` when it does not say.
    pub pan_tilt_target: Option<PanTilt>,
    /// Hash of the last picture, to notice a camera that repeats itself.
    pub frame_hash: Option<Arc<str>>,
    /// Its firmware's version.
    pub firmware: Option<Arc<str>>,
}

/// A camera head's own angles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PanTilt {
    /// Clockwise from the camera's zero, degrees.
    pub pan_deg: f64,
    /// Above the horizon positive, degrees.
    pub tilt_deg: f64,
    /// Optical zoom factor, at least 1 for a sound device.
    pub zoom: f64,
}

/// Where a mover is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    /// WGS84; `None` when the device has no fix (then the rest is still a sign of life).
    pub position: Option<Position>,
    /// Height above the ellipsoid, metres.
    pub alt_m: Option<f64>,
    /// Height above the take-off point, metres.
    pub height_m: Option<f64>,
    /// Speed over ground, metres per second.
    pub speed_mps: Option<f64>,
    /// Heading clockwise from true north, 0 to 360 degrees.
    pub heading_deg: Option<f64>,
    /// Charge, 0 to 100 percent.
    pub battery_percent: Option<f64>,
    /// Where its camera looks.
    pub gimbal: Option<Gimbal>,
    /// Horizontal dilution of precision.
    pub hdop: Option<f64>,
    /// Accuracy of the position, metres (one standard deviation).
    pub accuracy_m: Option<f64>,
    /// The flight or journey it belongs to.
    pub flight_id: Option<Arc<str>>,
}

/// A stabilised camera's attitude in the world frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gimbal {
    /// Above the horizon positive, degrees.
    pub pitch_deg: f64,
    /// Clockwise from true north, degrees.
    pub yaw_deg: f64,
    /// Clockwise, degrees.
    pub roll_deg: f64,
}

/// Names, units and plausible ranges of what a grass station measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantity {
    /// 草高
    GrassHeightCm,
    /// 盖度
    GrassCoverPercent,
    /// Normalised difference vegetation index.
    Ndvi,
    /// 生物量
    BiomassKgPerMu,
    /// 土壤水分
    SoilMoisturePercent,
    /// 土壤温度
    SoilTemperatureC,
    /// 气温
    AirTemperatureC,
    /// 相对湿度
    HumidityPercent,
    /// 风速
    WindSpeedMps,
    /// 风向
    WindDirectionDeg,
    /// 降雨量
    RainMm,
    /// 积雪深度
    SnowDepthCm,
}

impl Quantity {
    /// Every quantity of the contract: name on the wire, unit to show, lowest and highest plausible value.
    const TABLE: [(Self, &'static str, &'static str, f64, f64); 12] = [
        (Self::GrassHeightCm, "grass_height_cm", "cm", 0.0, 300.0),
        (Self::GrassCoverPercent, "grass_cover_percent", "%", 0.0, 100.0),
        (Self::Ndvi, "ndvi", "1", -1.0, 1.0),
        (Self::BiomassKgPerMu, "biomass_kg_per_mu", "kg/mu", 0.0, 5_000.0),
        (Self::SoilMoisturePercent, "soil_moisture_percent", "%", 0.0, 100.0),
        (Self::SoilTemperatureC, "soil_temperature_c", "°C", -60.0, 80.0),
        (Self::AirTemperatureC, "air_temperature_c", "°C", -60.0, 60.0),
        (Self::HumidityPercent, "humidity_percent", "%", 0.0, 100.0),
        (Self::WindSpeedMps, "wind_speed_mps", "m/s", 0.0, 90.0),
        (Self::WindDirectionDeg, "wind_direction_deg", "°", 0.0, 360.0),
        (Self::RainMm, "rain_mm", "mm", 0.0, 1_000.0),
        (Self::SnowDepthCm, "snow_depth_cm", "cm", 0.0, 500.0),
    ];

    fn row(self) -> Option<&'static (Self, &'static str, &'static str, f64, f64)> {
        Self::TABLE.iter().find(|row| row.0 == self)
    }

    /// Every quantity, in the contract's order.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.iter().map(|row| row.0)
    }

    /// `None` for a name that is not in the contract.
    pub fn parse(name: &str) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Name on the wire; its last word is the unit.
    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    /// Unit as people write it.
    pub fn unit(self) -> &'static str {
        self.row().map_or("", |row| row.2)
    }

    /// Lowest and highest value that a sound sensor can report.
    pub fn plausible(self) -> (f64, f64) {
        self.row().map_or((f64::NEG_INFINITY, f64::INFINITY), |row| (row.3, row.4))
    }
}

/// One measured value, finite and within [`Quantity::plausible`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// What was measured, in which unit.
    pub quantity: Quantity,
    /// How much.
    pub value: f64,
}

/// Something alive (or a vehicle) that a device saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// What.
    pub species: Species,
    /// How many in this picture, at least 1.
    pub count: u32,
    /// How many of them are young.
    pub young: u32,
    /// How sure the device is, 0 to 1.
    pub confidence: f64,
    /// Where: on the ground, or in the picture.
    pub place: Place,
    /// The device's own id of the object across pictures.
    pub track_id: Option<Arc<str>>,
    /// The picture it was seen in.
    pub snapshot_id: Option<SnapshotId>,
    /// Where in that picture; also told where the device knew the ground itself.
    pub bounding_box: Option<BoundingBox>,
    /// Which of the animals the device could tell from all others; at most [`Sighting::ANIMALS_MAX`].
    pub animals: Vec<AnimalMark>,
}

impl Sighting {
    /// So many animals one message may name.
    pub const ANIMALS_MAX: usize = 64;
}

/// Where something was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// On the ground, with an accuracy in metres (one standard deviation) if the device stated one.
    Ground {
        /// WGS84.
        position: Position,
        /// Metres.
        accuracy_m: Option<f64>,
    },
    /// In the picture; detection works out the ground from the device's pose.
    Picture(BoundingBox),
}

impl Place {
    /// In which part of a picture, if it was seen in one.
    pub fn bounding_box(self) -> Option<BoundingBox> {
        match self {
            Self::Ground { .. } => None,
            Self::Picture(bounding_box) => Some(bounding_box),
        }
    }
}

/// Part of a picture: 0 to 1 of its width and height, origin top left, within the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

/// A picture that came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// As its camera names it.
    pub id: SnapshotId,
    /// Size of the JPEG in bytes.
    pub bytes: usize,
}

/// What a ranger or a caller told. Who they are never leaves the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// In their words.
    pub text: String,
    /// Where, if they said.
    pub position: Option<Position>,
    /// What, if they said.
    pub species: Option<Species>,
    /// How many, if they said.
    pub count: Option<u32>,
    /// `hotline`, `12345`, `ranger` and so on.
    pub channel: Option<Arc<str>>,
    /// Where animals that pass a checkpoint are bound for: a passage, and no herd on the land.
    pub destination: Option<TownshipCode>,
    /// What carries them: a number plate.
    pub vehicle: Option<Arc<str>>,
}

/// Smoke or heat that a camera took for a fire.
#[derive(Debug, Clone, PartialEq)]
pub struct Fire {
    /// Which of the two.
    pub sign: FireSign,
    /// How sure the camera is, 0 to 1.
    pub confidence: f64,
    /// Where, if it said.
    pub place: Option<Place>,
    /// The picture it was seen in.
    pub snapshot_id: Option<SnapshotId>,
}
