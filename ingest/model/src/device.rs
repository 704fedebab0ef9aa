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

/// Heartbeats that may be missed before a device counts as silent ...
const CADENCES_UNTIL_SILENT: u32 = 3;
/// ... and the way's own delay, so that a beat that is under way is not yet a missed one.
const GRACE: Duration = Duration::from_secs(5);

/// A device as the registry knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its id, which is also its username.
    pub id: DeviceId,
    /// What it is.
    pub kind: DeviceKind,
    /// Make and model, as on its plate.
    pub model: Option<String>,
    /// The mast, the dock or the link that it shares its fate with.
    pub site: Option<String>,
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

impl Device {
    /// A device of which nothing is known but what it is.
    pub fn new(id: DeviceId, kind: DeviceKind) -> Self {
        Self {
            id,
            kind,
            model: None,
            site: None,
            place: None,
            pose: None,
            township: None,
            cadence: kind.default_cadence(),
            via: None,
            external: Vec::new(),
            disabled: false,
            quarantined: false,
            registered_at: Timestamp::default(),
        }
    }

    /// How long it may say nothing before it counts as silent.
    pub fn patience(&self) -> Duration {
        self.cadence.saturating_mul(CADENCES_UNTIL_SILENT).saturating_add(GRACE)
    }

    /// How long it may say nothing before it counts as late: it missed one beat, which happens.
    pub fn late_after(&self) -> Duration {
        self.cadence.saturating_mul(3) / 2
    }
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
    /// Somebody works on it.
    Maintenance,
}

impl Health {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::NeverSeen, Self::Online, Self::Late, Self::Silent, Self::Faulty, Self::Disabled, Self::Maintenance];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverSeen => "never_seen",
            Self::Online => "online",
            Self::Late => "late",
            Self::Silent => "silent",
            Self::Faulty => "faulty",
            Self::Disabled => "disabled",
            Self::Maintenance => "maintenance",
        }
    }
}
