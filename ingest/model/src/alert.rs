use crate::{DeviceId, Incident, Notice, ReadingKind, Timestamp, ZoneLoad};

/// How urgent it is for the one who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; late data never says more than this.
    Notice,
    /// Look soon.
    Warning,
    /// Go now.
    Urgent,
}

impl Severity {
    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Urgent => "urgent",
        }
    }

    /// `None` for a word that is no severity.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Notice, Self::Warning, Self::Urgent].into_iter().find(|severity| severity.as_str() == word)
    }
}

/// The reading that decided, so that a receiver can match cause and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Who said it.
    pub device: DeviceId,
    /// What kind of message.
    pub kind: ReadingKind,
    /// Its counter, if it keeps one.
    pub seq: Option<u64>,
    /// When it happened.
    pub ts: Timestamp,
}

/// What is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertKind {
    /// A new case.
    IncidentOpened,
    /// It changed: seen again, grown, or a person did something.
    IncidentUpdated,
    /// Nobody acknowledged it in time: the next ones are told.
    IncidentEscalated,
    /// The herd left or a person closed the case.
    IncidentClosed,
    /// Data that came late showed that it never was.
    IncidentWithdrawn,
    /// A device fell silent.
    DeviceSilent,
    /// It is back.
    DeviceBack,
    /// More grazes in an open balance zone than it carries: an indication.
    ZoneOverload,
    /// No longer.
    ZoneOverloadEnded,
    /// A device speaks and is not well.
    DeviceFaulty,
    /// It is well again.
    DeviceSound,
    /// Devices fell silent together.
    FleetOutage,
    /// They are back.
    FleetOutageOver,
    /// Nobody watched a closed zone for longer than its limit.
    ZoneBlind,
    /// It is watched again.
    ZoneWatched,
    /// What a station measures is past a limit.
    StationThreshold,
    /// It is back within it.
    StationThresholdOver,
    /// A camera saw smoke or heat.
    FireSeen,
    /// It does no more.
    FireOver,
    /// Animals passed a checkpoint.
    CheckpointPassage,
    /// A case was not taken by both halves of the dual report in time.
    HalfReported,
}

impl AlertKind {
    /// Every kind there is.
    pub const ALL: [Self; 21] = [
        Self::IncidentOpened,
        Self::IncidentUpdated,
        Self::IncidentEscalated,
        Self::IncidentClosed,
        Self::IncidentWithdrawn,
        Self::DeviceSilent,
        Self::DeviceBack,
        Self::ZoneOverload,
        Self::ZoneOverloadEnded,
        Self::DeviceFaulty,
        Self::DeviceSound,
        Self::FleetOutage,
        Self::FleetOutageOver,
        Self::ZoneBlind,
        Self::ZoneWatched,
        Self::StationThreshold,
        Self::StationThresholdOver,
        Self::FireSeen,
        Self::FireOver,
        Self::CheckpointPassage,
        Self::HalfReported,
    ];

    /// The CloudEvents type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncidentOpened => "steppewatch.incident.opened",
            Self::IncidentUpdated => "steppewatch.incident.updated",
            Self::IncidentEscalated => "steppewatch.incident.escalated",
            Self::IncidentClosed => "steppewatch.incident.closed",
            Self::IncidentWithdrawn => "steppewatch.incident.withdrawn",
            Self::DeviceSilent => "steppewatch.device.silent",
            Self::DeviceBack => "steppewatch.device.back",
            Self::ZoneOverload => "steppewatch.zone.overload",
            Self::ZoneOverloadEnded => "steppewatch.zone.overload_ended",
            Self::DeviceFaulty => "steppewatch.device.faulty",
            Self::DeviceSound => "steppewatch.device.sound",
            Self::FleetOutage => "steppewatch.fleet.outage",
            Self::FleetOutageOver => "steppewatch.fleet.outage_over",
            Self::ZoneBlind => "steppewatch.zone.blind",
            Self::ZoneWatched => "steppewatch.zone.watched",
            Self::StationThreshold => "steppewatch.station.threshold",
            Self::StationThresholdOver => "steppewatch.station.threshold_over",
            Self::FireSeen => "steppewatch.fire.seen",
            Self::FireOver => "steppewatch.fire.over",
            Self::CheckpointPassage => "steppewatch.checkpoint.passage",
            Self::HalfReported => "steppewatch.delivery.half_reported",
        }
    }

    /// `None` for a type that is none of ours.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// As the last level of a topic: the type without what all types begin with.
    pub fn topic_level(self) -> &'static str {
        self.as_str().trim_start_matches("steppewatch.")
    }
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A case as it stands after the change.
    Incident(Box<Incident>),
    /// A device's silence or return.
    Device {
        /// Which.
        device: DeviceId,
        /// When it last spoke before the silence.
        last_seen: Timestamp,
        /// The deadline it missed.
        deadline: Option<Timestamp>,
    },
    /// What stands in a zone against what it carries.
    Zone(Box<ZoneLoad>),
    /// Something else that people have to know.
    Notice(Box<Notice>),
}

/// One thing that happened and may have to be told: an entry of the alert log.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The same however often it is derived: receivers tell repeats by it.
    pub id: String,
    /// What happened.
    pub kind: AlertKind,
    /// How urgent.
    pub severity: Severity,
    /// When it happened.
    pub at: Timestamp,
    /// To what.
    pub subject: Subject,
}

impl Alert {
    /// Whether it is about a drill (演练).
    pub fn is_drill(&self) -> bool {
        matches!(&self.subject, Subject::Incident(incident) if incident.drill)
    }
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptState {
    /// Will be tried (again).
    Pending,
    /// The receiver took it.
    Delivered,
    /// Given up; a person can retry it.
    Dead,
}

impl ReceiptState {
    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// What came of telling one subscriber of one alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// The delivery's id, which is also the `webhook-id`.
    pub delivery: String,
    /// How far it came.
    pub state: ReceiptState,
    /// Attempts so far.
    pub attempts: u32,
    /// When the last attempt ended.
    pub at: Timestamp,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// What the receiver answered or what went wrong, without secrets.
    pub answer: String,
}
