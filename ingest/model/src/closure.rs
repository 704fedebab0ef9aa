use crate::{Timestamp, ZoneKind};

/// How strictly a zone is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ClosureLevel {
    /// Open.
    #[default]
    None,
    /// Grazing is unwelcome but not yet fined: tell, do not enforce.
    Warn,
    /// Grazing is banned.
    Enforce,
}

impl ClosureLevel {
    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

/// A day of the legal year, month 1 to 12 and day 1 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonthDay {
    /// 1 to 12.
    pub month: i8,
    /// 1 to 31.
    pub day: i8,
}

/// When which kinds of zone are closed, and by what law. Configuration, never code: another banner has other dates.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosureRule {
    /// As it is called in reports.
    pub name: String,
    /// Which kinds it closes.
    pub kinds: Vec<ZoneKind>,
    /// First and last legal day (both included), every year; `None`: always.
    pub season: Option<(MonthDay, MonthDay)>,
    /// How strictly.
    pub level: ClosureLevel,
    /// Article or document.
    pub legal_basis: String,
    /// Yuan per sheep unit of an offence; 0 where the rule has no fine.
    pub fine_yuan_per_sheep_unit: u32,
}

/// What holds in a zone at one instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Closure {
    /// How strictly.
    pub level: ClosureLevel,
    /// Name of the deciding rule; empty when open.
    pub rule: String,
    /// Article or document; empty when open.
    pub legal_basis: String,
    /// When the season's rule ends (exclusive); `None` when open or always closed.
    pub until: Option<Timestamp>,
    /// Yuan per sheep unit.
    pub fine_yuan_per_sheep_unit: u32,
}
