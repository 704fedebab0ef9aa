use crate::{CaseZone, DeviceId, Position, Species, Timestamp, TownshipCode};

/// Devices that one notice names; of more it says how many.
pub const NOTICE_DEVICES_MAX: usize = 500;

/// Something that people have to know besides cases, and that has a beginning and an end: of a device, of the fleet, of a zone or of
/// a station. The same matter with the same beginning is the same notice, whoever derives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// What it is.
    pub matter: Matter,
    /// Which devices it concerns, by name; at most [`NOTICE_DEVICES_MAX`].
    pub devices: Vec<DeviceId>,
    /// How many those are in all.
    pub devices_count: u32,
    /// Which zone it concerns.
    pub zone: Option<CaseZone>,
    /// Whose township.
    pub township: Option<TownshipCode>,
    /// Where on the ground.
    pub position: Option<Position>,
    /// Since when it is so.
    pub since: Timestamp,
    /// When it was over; `None` while it lasts.
    pub until: Option<Timestamp>,
    /// Told by data that came late: for the record, never to wake anybody.
    pub late: bool,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Matter {
    /// A device that speaks and is not well.
    Flaw {
        /// In which way.
        flaw: Flaw,
        /// By how much, where that can be measured, in [`Flaw::unit`].
        value: Option<f64>,
    },
    /// Devices that fell silent together.
    Outage(OutageCause),
    /// A closed zone that nobody watched for longer than its limit; or many of one township, which are then told together.
    Blind {
        /// Part of its area that was watched within the limit, 0 to 1.
        watched: f64,
        /// The limit, hours.
        limit_hours: f64,
        /// How many zones; the notice names the one if it is one.
        zones: u32,
    },
    /// What a station measures is past a limit.
    Threshold {
        /// Which rule, as the configuration names it: `frost`, `drought`, `fire_danger`.
        rule: String,
        /// What the rule looks at: a quantity of the contract, or the rule's own index.
        quantity: String,
        /// How much it is.
        value: f64,
        /// How much it may be.
        limit: f64,
        /// Unit of both.
        unit: String,
        /// As bad as to go and look now, rather than to know.
        is_grave: bool,
    },
    /// A camera saw smoke or heat.
    Fire {
        /// Which of the two.
        sign: FireSign,
        /// How sure the camera is, 0 to 1.
        confidence: f64,
    },
    /// Animals passed a checkpoint (卡口); the notice's township is where they are bound for. Over as it is told.
    Passage {
        /// Which.
        species: Species,
        /// How many, if it was said.
        count: Option<u32>,
        /// What carries them; may be empty.
        vehicle: String,
    },
}

impl Matter {
    /// The kinds of matter, as the API writes them.
    pub const KINDS: [&str; 6] = ["flaw", "outage", "blind", "threshold", "fire", "passage"];

    /// Which kind it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Flaw { .. } => "flaw",
            Self::Outage(_) => "outage",
            Self::Blind { .. } => "blind",
            Self::Threshold { .. } => "threshold",
            Self::Fire { .. } => "fire",
            Self::Passage { .. } => "passage",
        }
    }

    /// In one word, as the API writes it: the flaw's or the sign's own, `outage`, `blind`, or the rule's name.
    pub fn code(&self) -> &str {
        match self {
            Self::Flaw { flaw, .. } => flaw.as_str(),
            Self::Outage(_) => "outage",
            Self::Blind { .. } => "blind",
            Self::Threshold { rule, .. } => rule,
            Self::Fire { sign, .. } => sign.as_str(),
            Self::Passage { .. } => "passage",
        }
    }
}

impl Notice {
    /// What it is about: the zone, what the devices have in common, the one device, or the township.
    pub fn about(&self) -> String {
        match (&self.matter, &self.zone, self.devices.first()) {
            // Two may pass in the same second.
            (Matter::Passage { vehicle, .. }, _, Some(device)) => {
                let bound = self.township.as_ref().map_or("", |code| code.as_str());
                format!("{device}-{bound}-{vehicle}")
            }
            (Matter::Outage(cause), _, _) => cause.to_string(),
            (_, Some(zone), _) => zone.id.to_string(),
            (_, None, Some(device)) => device.to_string(),
            (_, None, None) => self.township.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// The same however often it is derived, and at its end as at its beginning.
    pub fn id(&self) -> String {
        format!("{}-{}-{}", self.matter.code(), self.about(), self.since.as_millis())
    }
}

/// In which way a device that speaks is not well. A heartbeat is not health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flaw {
    /// It says so itself.
    Fault,
    /// A camera shows the same picture again and again.
    FrozenPicture,
    /// A camera does not look where it was told to.
    WrongPose,
    /// Its clock is wrong.
    Clock,
    /// Its charge will not last.
    Battery,
    /// It has hardly any storage left.
    Storage,
    /// Its picture is dark, flat or blurred: something is before the lens.
    Lens,
}

impl Flaw {
    /// Every flaw.
    pub const ALL: [Self; 7] =
        [Self::Fault, Self::FrozenPicture, Self::WrongPose, Self::Clock, Self::Battery, Self::Storage, Self::Lens];

    /// As written in the API and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::FrozenPicture => "frozen_picture",
            Self::WrongPose => "wrong_pose",
            Self::Clock => "clock",
            Self::Battery => "battery",
            Self::Storage => "storage",
            Self::Lens => "lens",
        }
    }

    /// `None` for a word that is no flaw.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flaw| flaw.as_str() == word)
    }

    /// Unit of its measure.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Fault | Self::Lens => "",
            Self::FrozenPicture => "pictures",
            Self::WrongPose => "°",
            Self::Clock => "s",
            Self::Battery => "%",
            Self::Storage => "MB",
        }
    }
}

/// What devices that fell silent together have in common; the widest that explains them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutageCause {
    /// Nearly all of the fleet: our own link.
    Fleet,
    /// A township's devices.
    Township(TownshipCode),
    /// What stands on one mast or hangs on one link, as the registry names it.
    Site(String),
    /// What one gateway speaks for, and it itself.
    Gateway(DeviceId),
}

impl OutageCause {
    /// The kind of cause, as written in the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Township(_) => "township",
            Self::Site(_) => "site",
            Self::Gateway(_) => "gateway",
        }
    }

    /// Which of the kind; empty for the fleet.
    pub fn name(&self) -> &str {
        match self {
            Self::Fleet => "",
            Self::Township(code) => code.as_str(),
            Self::Site(name) => name,
            Self::Gateway(device) => device.as_str(),
        }
    }

    /// From the two words of the API; `None` for what is none.
    pub fn parse(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "fleet" => Some(Self::Fleet),
            "township" => TownshipCode::parse(name).ok().map(Self::Township),
            "site" => Some(Self::Site(name.to_owned())),
            "gateway" => DeviceId::parse(name).ok().map(Self::Gateway),
            _ => None,
        }
    }
}

impl std::fmt::Display for OutageCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fleet => f.write_str("fleet"),
            other => write!(f, "{}-{}", other.kind(), other.name()),
        }
    }
}

/// What a camera takes for a fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FireSign {
    /// 烟
    Smoke,
    /// 热点: a thermal camera's hot spot, or flames.
    Heat,
}

impl FireSign {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Smoke, Self::Heat];

    /// As written in payloads and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Heat => "heat",
        }
    }

    /// `None` for a word that is neither.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sign| sign.as_str() == word)
    }
}
