use crate::{LandClass, LegalDate, Timestamp, TownshipCode, Zone, ZoneId, ZoneKind};

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

/// When which zones are closed, and by what law. Configuration, never code: another banner has other dates.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosureRule {
    /// As it is called in reports.
    pub name: String,
    /// Which kinds it closes.
    pub kinds: Vec<ZoneKind>,
    /// Only in these townships; empty: in all, and where none is stated.
    pub townships: Vec<TownshipCode>,
    /// Only these zones; empty: all.
    pub zones: Vec<ZoneId>,
    /// Only on such land; empty: on all.
    pub land_classes: Vec<LandClass>,
    /// First and last legal day (both included), every year; `None`: always.
    pub season: Option<(MonthDay, MonthDay)>,
    /// The first legal day on which the rule is law; `None`: it always was.
    pub effective_from: Option<LegalDate>,
    /// The last one (included); `None`: until it is replaced.
    pub effective_to: Option<LegalDate>,
    /// How strictly.
    pub level: ClosureLevel,
    /// Article or document.
    pub legal_basis: String,
    /// Yuan per sheep unit of an offence; 0 where the rule has no fine.
    pub fine_yuan_per_sheep_unit: u32,
}

impl ClosureRule {
    /// Whether the rule is about this zone, whatever the day.
    pub fn covers(&self, zone: &Zone) -> bool {
        self.kinds.contains(&zone.kind)
            && in_scope(&self.townships, &self.zones, zone)
            && (self.land_classes.is_empty() || self.land_classes.contains(&zone.land_class))
    }

    /// Whether the rule is law on a day, whatever its season.
    pub fn is_law_on(&self, day: LegalDate) -> bool {
        self.effective_from.is_none_or(|from| from <= day) && self.effective_to.is_none_or(|to| day <= to)
    }
}

/// Each list that is not empty has to name the zone.
fn in_scope(townships: &[TownshipCode], zones: &[ZoneId], zone: &Zone) -> bool {
    (townships.is_empty() || zone.township.as_ref().is_some_and(|code| townships.contains(code)))
        && (zones.is_empty() || zones.contains(&zone.id))
}

/// What was decided about a rule's season of one year: a later end because green-up is late, for example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosureDecision {
    /// Its number.
    pub id: u64,
    /// The name of the rule whose level and fine hold.
    pub rule: String,
    /// It is about the season that begins in this year by the rule.
    pub year: i16,
    /// The first legal day (included).
    pub first: LegalDate,
    /// The last legal day (included).
    pub last: LegalDate,
    /// Closes these days as well, instead of giving the season other days.
    pub adds: bool,
    /// Only in these townships; empty: wherever the rule holds.
    pub townships: Vec<TownshipCode>,
    /// Only these zones; empty: all of the rule's.
    pub zones: Vec<ZoneId>,
    /// The number of the document that decided it.
    pub legal_basis: String,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it; the same where no second person is asked for.
    pub approved_by: String,
    /// When it was approved.
    pub known_from: Timestamp,
}

impl ClosureDecision {
    /// Whether it is about this rule in this zone.
    pub fn covers(&self, rule: &ClosureRule, zone: &Zone) -> bool {
        self.rule == rule.name && in_scope(&self.townships, &self.zones, zone)
    }
}

/// The closure law: rules for every year, and what was decided for single ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClosureCalendar {
    /// In the calendar's order.
    pub rules: Vec<ClosureRule>,
    /// In the order of their approval: of several about one season the later one counts.
    pub decisions: Vec<ClosureDecision>,
}

impl From<Vec<ClosureRule>> for ClosureCalendar {
    fn from(rules: Vec<ClosureRule>) -> Self {
        Self { rules, decisions: Vec::new() }
    }
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
