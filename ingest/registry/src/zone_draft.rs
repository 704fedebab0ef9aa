//! From one surveyed feature to a zone without version and dates.
//!
//! In: [`Feature`], with its attributes under our names.   Out: [`ZoneDraft`], or the [`FeatureFault`] that the surveyor corrects.
//! Never: a guess; I/O.

use crate::zone_report::FeatureFault;
use model::{Authority, LandClass, Polygon, Timestamp, TownshipCode, Zone, ZoneId, ZoneKind};
use std::collections::BTreeMap;
use survey::{Feature, Repair};

const MAX_NAME_CHARS: usize = 100;
const MAX_BASIS_CHARS: usize = 500;

/// More than any zone; the whole banner has some 16 million mu.
const MAX_AREA_MU: f64 = 1e9;
/// Likewise, in sheep units.
const MAX_CAPACITY: u32 = 100_000_000;

/// A zone that is to be published: all but its version and dates. Its rings run with the inside to their left, the first
/// vertex not repeated, and do not cross.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneDraft {
    /// Whose version it will be.
    pub id: ZoneId,
    /// As officers call it.
    pub name: String,
    /// What it is.
    pub kind: ZoneKind,
    /// 地类
    pub land_class: LandClass,
    /// Whose township it lies in.
    pub township: Option<TownshipCode>,
    /// Who enforces, where it is not who the law names for such land.
    pub enforcement_body: Option<Authority>,
    /// The document that makes it a zone; may be empty.
    pub legal_basis: String,
    /// Its area in mu as the document states it.
    pub area_mu: Option<f64>,
    /// How many sheep units it carries, as the document states it.
    pub capacity_sheep_units: Option<u32>,
    /// Its pieces.
    pub polygons: Vec<Polygon>,
    /// What was mended in them; for the report.
    pub repairs: Vec<Repair>,
}

impl ZoneDraft {
    /// The zone as it would be in force, to try it out.
    pub fn preview(self) -> Zone {
        Zone {
            id: self.id,
            name: self.name,
            kind: self.kind,
            land_class: self.land_class,
            township: self.township,
            enforcement_body: self.enforcement_body,
            legal_basis: self.legal_basis,
            area_mu: self.area_mu,
            capacity_sheep_units: self.capacity_sheep_units,
            version: 0,
            in_force_from: Timestamp::default(),
            in_force_to: None,
            known_from: Timestamp::default(),
            reason: String::new(),
            published_by: String::new(),
            polygons: self.polygons,
        }
    }
}

/// Checks one feature; `kind` goes before what it says itself.
pub(crate) fn draft(feature: &Feature, kind: Option<ZoneKind>) -> Result<ZoneDraft, FeatureFault> {
    let of = Attributes(&feature.attributes);
    let id = ZoneId::parse(of.get("id").ok_or(FeatureFault::IdMissing)?).map_err(FeatureFault::Id)?;
    let name = of.get("name").map_or_else(|| id.to_string(), str::to_owned);
    if name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(FeatureFault::Name);
    }
    let kind = match (kind, of.get("kind")) {
        (Some(kind), _) => kind,
        (None, None) => return Err(FeatureFault::KindMissing),
        (None, Some(word)) => ZoneKind::parse(word).ok_or_else(|| FeatureFault::Kind { found: cut(word) })?,
    };
    let township = of.get("township").map(TownshipCode::parse).transpose();
    let land = feature.land.as_ref().map_err(|fault| FeatureFault::Land(fault.clone()))?;
    Ok(ZoneDraft {
        id,
        name,
        kind,
        land_class: of.get("land_class").map_or(LandClass::Unstated, LandClass::parse),
        township: township.map_err(FeatureFault::Township)?,
        enforcement_body: enforcement_body(of)?,
        legal_basis: legal_basis(of)?,
        area_mu: area_mu(of)?,
        capacity_sheep_units: capacity(of)?,
        polygons: land.polygons.clone(),
        repairs: land.repairs.clone(),
    })
}

/// A surveyor's attributes; an empty one says nothing.
#[derive(Clone, Copy)]
struct Attributes<'a>(&'a BTreeMap<String, String>);

impl<'a> Attributes<'a> {
    fn get(self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }
}

/// A value that is none, cut so that the reason stays a line.
fn cut(text: &str) -> String {
    text.chars().take(32).collect()
}

fn enforcement_body(of: Attributes<'_>) -> Result<Option<Authority>, FeatureFault> {
    let word = of.get("enforcement_body");
    word.map(|word| Authority::parse(word).ok_or_else(|| FeatureFault::EnforcementBody { found: cut(word) }))
        .transpose()
}

fn legal_basis(of: Attributes<'_>) -> Result<String, FeatureFault> {
    let text = of.get("legal_basis").unwrap_or_default();
    let fits = text.chars().count() <= MAX_BASIS_CHARS && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(FeatureFault::LegalBasis) }
}

fn area_mu(of: Attributes<'_>) -> Result<Option<f64>, FeatureFault> {
    let area = |text: &str| text.parse().ok().filter(|area: &f64| *area > 0.0 && *area <= MAX_AREA_MU);
    let stated = of.get("area_mu");
    stated.map(|text| area(text).ok_or_else(|| FeatureFault::Area { found: cut(text) })).transpose()
}

fn capacity(of: Attributes<'_>) -> Result<Option<u32>, FeatureFault> {
    let units = |text: &str| text.parse().ok().filter(|units: &u32| *units <= MAX_CAPACITY);
    let stated = of.get("capacity");
    stated.map(|text| units(text).ok_or_else(|| FeatureFault::Capacity { found: cut(text) })).transpose()
}
