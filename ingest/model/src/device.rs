use crate::{DeviceId, Position, Timestamp, TownshipCode};
use std::time::Duration;

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceKind {
    /// Fixed or pan-tilt camera.
    Camera,
    /// Patrol drone.
    Drone,
    /// Grass-monitoring station.
    Station,
    /// Livestock collar or ear tag.
    Collar,
    /// A dock or concentrator that speaks for others.
    Gateway,
    /// A ranger's phone.
    Ranger,
}

impl DeviceKind {
    /// Every kind, in the contract's order.
    pub const ALL: [Self; 6] = [Self::Camera, Self::Drone, Self::Station, Self::Collar, Self::Gateway, Self::Ranger];

    /// As written on the command line and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Drone => "drone",
            Self::Station => "station",
            Self::Collar => "collar",
            Self::Gateway => "gateway",
            Self::Ranger => "ranger",
        }
    }

    /// `None` for a word that is no kind.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How often such a device speaks if nobody said otherwise.
    pub fn default_cadence(self) -> Duration {
        Duration::from_secs(match self {
            Self::Camera | Self::Drone | Self::Gateway => 60,
            Self::Station => 300,
            Self::Collar => 900,
            Self::Ranger => 3_600,
        })
    }

    /// Whether its silence is told to people. A ranger's phone may rest; a collar in a gorge is not news.
    pub fn silence_is_news(self) -> bool {
        matches!(self, Self::Camera | Self::Drone | Self::Station | Self::Gateway)
    }
}

/// Where a camera stands and looks, as surveyed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Height of the lens above the ground, metres.
    pub height_m: f64,
    /// Clockwise from true north at the head's zero, degrees.
    pub yaw_deg: f64,
    /// Above the horizon positive, degrees.
    pub pitch_deg: f64,
    /// Horizontal field of view at zoom 1, degrees.
    pub hfov_deg: f64,
}

/// Under which name another system knows the device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct External {
    /// `dji`, `mavlink`, `gb28181`, `deveui`, `frigate`, `hj212` or `imei`.
    pub system: String,
    /// Its name there.
    pub id: String,
}

/// A device as the registry knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its id, which is also its username.
    pub id: DeviceId,
    /// What it is.
    pub kind: DeviceKind,
    /// Where it stands (cameras, stations) or starts from.
    pub place: Option<Position>,
    /// How it looks (cameras).
    pub pose: Option<Pose>,
    /// Whose township it is in.
    pub township: Option<TownshipCode>,
    /// How often it promises to speak.
    pub cadence: Duration,
    /// The gateway that speaks for it.
    pub via: Option<DeviceId>,
    /// Its names elsewhere.
    pub external: Vec<External>,
    /// Shut out: by an operator, or because it is in quarantine.
    pub disabled: bool,
    /// Registered itself and awaits an operator's approval; such a device is disabled too.
    pub quarantined: bool,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// How a device is doing, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// Registered, never heard.
    NeverSeen,
    /// Heard within its cadence.
    Online,
    /// Missed one, not yet overdue.
    Late,
    /// Overdue.
    Silent,
    /// Says it is broken.
    Faulty,
    /// Shut out.
    Disabled,
}

impl Health {
    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverSeen => "never_seen",
            Self::Online => "online",
            Self::Late => "late",
            Self::Silent => "silent",
            Self::Faulty => "faulty",
            Self::Disabled => "disabled",
        }
    }
}
