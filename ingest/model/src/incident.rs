use crate::{AnimalMark, Case, Household, HouseholdId, IncidentId, Interval, Outcome, Species, Timestamp};

/// How many of one species: an interval, not a sum over pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeciesCount {
    /// Which.
    pub species: Species,
    /// Animals, young ones included.
    pub count: Interval,
    /// Of them young.
    pub young: Interval,
}

/// How far people have come with a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IncidentStatus {
    /// Nobody has looked yet.
    Open,
    /// An operator took it.
    Acknowledged,
    /// Somebody is on the way.
    Dispatched,
    /// Closed with an outcome.
    Resolved,
}

impl IncidentStatus {
    /// Every status, in the order of the work.
    pub const ALL: [Self; 4] = [Self::Open, Self::Acknowledged, Self::Dispatched, Self::Resolved];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Dispatched => "dispatched",
            Self::Resolved => "resolved",
        }
    }

    /// `None` for a word that is no status.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A case with what people did about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// What detection knows.
    pub case: Case,
    /// A drill (演练): told like any case, and every message says so.
    pub drill: bool,
    /// How far people have come.
    pub status: IncidentStatus,
    /// How it ended for the people, once resolved.
    pub outcome: Option<Outcome>,
    /// Whose animals were recognised, the household with most of them first.
    pub households: Vec<Involved>,
    /// What else these households were found in since the year began, newest first.
    pub earlier: Vec<EarlierIncident>,
    /// What happened when, oldest first.
    pub timeline: Vec<TimelineItem>,
}

/// A household, and which of its animals were recognised in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Involved {
    /// Who, as the ledger had them at the time.
    pub household: Household,
    /// Its animals, in order of first sight.
    pub animals: Vec<AnimalMark>,
}

/// Another case of the same legal year in which animals of the household were recognised. One that turned out to be no
/// animals at all is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierIncident {
    /// Which.
    pub id: IncidentId,
    /// Whose animals.
    pub household: HouseholdId,
    /// When it began.
    pub first_seen: Timestamp,
    /// How it turned out, once people have said so.
    pub outcome: Option<Outcome>,
}

/// One line of a case's history.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineItem {
    /// When.
    pub at: Timestamp,
    /// `opened`, `grew`, `ended`, `acknowledged`, `comment` and so on.
    pub what: String,
    /// The operator, for a person's doing.
    pub by: Option<String>,
    /// Free text: a comment, an outcome.
    pub text: Option<String>,
}
