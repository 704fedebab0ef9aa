use std::fmt;
use std::sync::Arc;

/// Why a name was refused; the caller shows it to whoever chose the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing was written.
    #[error("{what} is empty; use 1 to 64 of A-Z a-z 0-9 . _ -")]
    Empty {
        /// What kind of name it was meant to be.
        what: &'static str,
    },
    /// Longer than 64 bytes.
    #[error("{what} `{name}` has {len} bytes; at most 64 are allowed")]
    TooLong {
        /// What kind of name it was meant to be.
        what: &'static str,
        /// Its beginning.
        name: String,
        /// Its length in bytes.
        len: usize,
    },
    /// A character that means something in a topic, a path or a log line.
    #[error("{what} `{name}` holds `{found}`; use A-Z a-z 0-9 . _ -")]
    Character {
        /// What kind of name it was meant to be.
        what: &'static str,
        /// The name.
        name: String,
        /// The first character that is not allowed.
        found: char,
    },
}

fn checked(what: &'static str, name: &str) -> Result<Arc<str>, BadName> {
    if name.is_empty() {
        return Err(BadName::Empty { what });
    }
    if name.len() > 64 {
        return Err(BadName::TooLong { what, name: name.chars().take(32).collect(), len: name.len() });
    }
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
        Some(found) => Err(BadName::Character { what, name: name.to_owned(), found }),
        None => Ok(Arc::from(name)),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// The only way in: 1 to 64 bytes of `A-Z a-z 0-9 . _ -`, so that the name is safe in topics, paths and logs.
            pub fn parse(name: &str) -> Result<Self, BadName> {
                checked($what, name).map(Self)
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name!(
    /// A registered device: camera, drone, station, collar, gateway or ranger.
    DeviceId,
    "device id"
);
name!(
    /// A zone on the ground; its versions share the id.
    ZoneId,
    "zone id"
);
name!(
    /// A county or banner: the unit of order.
    TenantId,
    "tenant"
);
name!(
    /// A township's administrative code, for example `150425100`.
    TownshipCode,
    "township code"
);
name!(
    /// One case of animals where they may not be.
    IncidentId,
    "incident id"
);
name!(
    /// A picture, as its camera names it.
    SnapshotId,
    "snapshot id"
);

name!(
    /// A household that keeps animals.
    HouseholdId,
    "household id"
);
name!(
    /// What is written on an ear tag, or how a face recognition names an animal.
    AnimalId,
    "animal id"
);

impl DeviceId {
    /// Under which the platform itself writes into the journal (its clock). No device can register this name: `*` is not
    /// allowed in a parsed one.
    pub fn platform() -> Self {
        Self(Arc::from("*platform"))
    }
}

/// What a native device says in one message; the last part of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReadingKind {
    /// It lives, and how it feels.
    Heartbeat,
    /// Where it is.
    Track,
    /// What its sensors measure.
    Reading,
    /// Animals, people or vehicles it saw.
    Sighting,
    /// A picture.
    Snapshot,
    /// What a ranger or a caller told.
    Report,
    /// Smoke or heat.
    Fire,
    /// Airframe or dock telemetry of a drone maker's cloud interface.
    DjiOsd,
    /// Registers of a polled station.
    Modbus,
    /// The platform's own second hand.
    Clock,
}

impl ReadingKind {
    /// As written in topics and in alerts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Track => "track",
            Self::Reading => "reading",
            Self::Sighting => "sighting",
            Self::Snapshot => "snapshot",
            Self::Report => "report",
            Self::Fire => "fire",
            Self::DjiOsd => "osd",
            Self::Modbus => "modbus",
            Self::Clock => "clock",
        }
    }

    /// The kind that a native topic names; `None` for one we do not know.
    pub fn of_native_topic(name: &str) -> Option<Self> {
        [Self::Heartbeat, Self::Track, Self::Reading, Self::Sighting, Self::Snapshot, Self::Report, Self::Fire]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_break_a_topic_are_refused_and_say_which_character() {
        for bad in ["a/b", "a+b", "#", "$SYS", "草原", "a b", "*platform"] {
            assert!(matches!(DeviceId::parse(bad), Err(BadName::Character { .. })), "{bad}");
        }
        assert_eq!(DeviceId::parse(""), Err(BadName::Empty { what: "device id" }));
        assert!(matches!(DeviceId::parse(&"x".repeat(65)), Err(BadName::TooLong { len: 65, .. })));
        assert_eq!(DeviceId::parse(&"x".repeat(64)).unwrap().as_str().len(), 64);
    }
}
