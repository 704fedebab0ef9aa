//! Whose animals were recognised in a case, on the wire. How to reach them is never part of it.

use super::exhibits::AnimalJson;
use super::incident::township;
#[cfg(feature = "schema")]
use super::schema;
use super::{BadWire, bad, time};
use model::{AnimalMark, EarlierIncident, Household, HouseholdId, IncidentId, Involved, Outcome, Stock};
use serde::{Deserialize, Serialize};

/// A household with those of its animals that were recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::Involved`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Household))]
pub struct HouseholdJson {
    pub id: String,
    pub name: String,
    #[cfg_attr(feature = "schema", schema(required))]
    pub township: Option<String>,
    /// `local` or `outside`.
    #[cfg_attr(feature = "schema", schema(schema_with = schema::stock))]
    pub stock: String,
    pub animals: Vec<AnimalJson>,
}

/// Another case of that household in the same legal year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::EarlierIncident`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = EarlierIncident))]
pub struct EarlierJson {
    pub id: String,
    pub household: String,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub first_seen: String,
    #[cfg_attr(feature = "schema", schema(required))]
    pub outcome: Option<String>,
}

impl From<&Involved> for HouseholdJson {
    fn from(Involved { household, animals }: &Involved) -> Self {
        Self {
            id: household.id.to_string(),
            name: household.name.clone(),
            township: household.township.as_ref().map(ToString::to_string),
            stock: household.stock.as_str().to_owned(),
            animals: animals.iter().map(AnimalJson::from).collect(),
        }
    }
}

impl TryFrom<&HouseholdJson> for Involved {
    type Error = BadWire;

    fn try_from(json: &HouseholdJson) -> Result<Self, BadWire> {
        let household = Household {
            id: household(&json.id)?,
            name: json.name.clone(),
            township: json.township.as_deref().map(township).transpose()?,
            stock: Stock::parse(&json.stock).ok_or_else(|| bad("stock", &json.stock))?,
        };
        let animals = json.animals.iter().map(AnimalMark::try_from).collect::<Result<_, _>>()?;
        Ok(Self { household, animals })
    }
}

impl From<&EarlierIncident> for EarlierJson {
    fn from(earlier: &EarlierIncident) -> Self {
        Self {
            id: earlier.id.to_string(),
            household: earlier.household.to_string(),
            first_seen: earlier.first_seen.to_rfc3339(),
            outcome: earlier.outcome.map(|outcome| outcome.as_str().to_owned()),
        }
    }
}

impl TryFrom<&EarlierJson> for EarlierIncident {
    type Error = BadWire;

    fn try_from(json: &EarlierJson) -> Result<Self, BadWire> {
        let outcome = |word: &str| Outcome::parse(word).ok_or_else(|| bad("earlier outcome", word));
        Ok(Self {
            id: IncidentId::parse(&json.id).map_err(|_| bad("earlier id", &json.id))?,
            household: household(&json.household)?,
            first_seen: time("earlier first_seen", &json.first_seen)?,
            outcome: json.outcome.as_deref().map(outcome).transpose()?,
        })
    }
}

fn household(id: &str) -> Result<HouseholdId, BadWire> {
    HouseholdId::parse(id).map_err(|_| bad("household", id))
}
