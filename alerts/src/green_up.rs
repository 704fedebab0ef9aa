//! A late green-up becomes a proposal: the rest period should last longer, and a person says whether it does.
//!
//! In: what detection found, station by station, and the registry's view.   Out: one proposal for a rule's season of a year, with its evidence, whom it
//! would concern, and how many days it is about.   Never: a decision, and never a second proposal, whatever became of the first.

use detect::stations::{GreenUpSettings, LateGreenUp, StationEvidence};
use model::{Household, LegalDate, TownshipCode, Zone};
use registry::{ClosureEvidence, NewClosureDecision, Proposal, Registry, RegistryError, View};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// Stations whose values the evidence holds; of more it says how many.
const STATIONS_MAX: usize = 500;
/// Stations and zones that the words name.
const NAMED_MAX: usize = 12;
/// A decision names at most so many zones; the evidence likewise.
const ZONES_MAX: usize = 1_000;

/// Proposes it, unless that was done before.
pub fn propose(
    registry: &Registry,
    view: &View,
    late: &LateGreenUp,
    settings: &GreenUpSettings,
) -> Result<Option<Proposal>, RegistryError> {
    let zones = late.zones.iter().take(ZONES_MAX).map(|zone| zone.id.clone());
    let new = NewClosureDecision {
        rule: late.rule.clone(),
        first: None,
        last: late.proposed_last,
        adds: false,
        townships: Vec::new(),
        // A rule that is whole stays whole, zones that are drawn meanwhile included.
        zones: if late.is_whole_rule { Vec::new() } else { zones.collect() },
        legal_basis: settings.legal_basis.clone(),
        reason: format!(
            "返青推迟，截至 {on} 可判断的 {judged} 个监测站中 {greened} 个已返青 green-up is late: {greened} of {judged} stations by {on}",
            on = late.on,
            judged = late.judged,
            greened = late.greened,
        ),
    };
    let concerned = concerned(view, &late.zones);
    let evidence =
        ClosureEvidence { report: report(late, &concerned, settings), facts: facts(late, &concerned, settings) };
    registry.propose_closure_once(&new, &evidence)
}

/// Whom a longer rest period would concern, in one township.
#[derive(Default)]
struct Concerned {
    zones: usize,
    /// What they carry, where their documents say so.
    capacity_sheep_units: u64,
    households: usize,
    /// Of those households that are known one by one.
    animals: usize,
}

fn concerned(view: &View, zones: &[Arc<Zone>]) -> BTreeMap<Option<TownshipCode>, Concerned> {
    let mut townships: BTreeMap<Option<TownshipCode>, Concerned> = BTreeMap::new();
    for zone in zones {
        let township = townships.entry(zone.township.clone()).or_default();
        township.zones += 1;
        township.capacity_sheep_units += u64::from(zone.capacity_sheep_units.unwrap_or(0));
    }
    let animals = view.households.animals();
    let registered = |household: &&Arc<Household>| household.township.is_some();
    for household in view.households.all().filter(registered) {
        if let Some(township) = townships.get_mut(&household.township) {
            township.households += 1;
            township.animals += animals.get(&household.id).map_or(0, Vec::len);
        }
    }
    townships
}

fn days(late: &LateGreenUp) -> i32 {
    late.proposed_last.days_since(late.last)
}

fn percent(late: &LateGreenUp) -> f64 {
    100.0 * f64::from(late.greened) / f64::from(late.judged.max(1))
}

fn report(
    late: &LateGreenUp,
    concerned: &BTreeMap<Option<TownshipCode>, Concerned>,
    settings: &GreenUpSettings,
) -> String {
    let LateGreenUp { last, proposed_last, on, greened, judged, .. } = late;
    let (share, needed, days) = (percent(late), 100.0 * settings.share_min, days(late));
    let mut text = format!(
        "返青推迟：截至 {on}，可判断的 {judged} 个监测站中 {greened} 个已返青（{share:.0} %，应达 {needed:.0} %）。\
         建议休牧期由 {last} 延长至 {proposed_last}（{days} 天）。"
    );
    let sum = |of: fn(&Concerned) -> u64| concerned.values().map(of).sum::<u64>();
    let (households, units) = (sum(|one| one.households as u64), sum(|one| one.capacity_sheep_units));
    let (zones, animals) = (late.zones.len(), sum(|one| one.animals as u64));
    let named: Vec<_> = late.zones.iter().take(NAMED_MAX).map(|zone| zone.name.as_str()).collect();
    let more = if zones > NAMED_MAX { "等" } else { "" };
    // Writing into a text cannot fail, here and below.
    write!(
        text,
        "\n影响：{zones} 个地块（{}{more}），核定载畜量 {units} 羊单位；台账登记牧户 {households} 户，登记在册牲畜 {animals} 头（只）。",
        named.join("、")
    )
    .ok();
    write!(
        text,
        "\nGreen-up is late: {greened} of {judged} stations by {on} ({share:.0} %, should be {needed:.0} %). Proposed: the rest period \
         lasts until {proposed_last} instead of {last} ({days} days). Concerned: {zones} zones that carry {units} sheep units, \
         {households} households of the ledger with {animals} known animals."
    )
    .ok();
    for station in late.stations.iter().take(NAMED_MAX) {
        write!(text, "\n- {}", station_words(station, settings)).ok();
    }
    if late.stations.len() > NAMED_MAX {
        write!(text, "\n- … {}", late.stations.len() - NAMED_MAX).ok();
    }
    text
}

fn station_words(station: &StationEvidence, settings: &GreenUpSettings) -> String {
    let state = match (&station.greened, station.is_judged) {
        (Some(greened), _) => format!("{} 返青 greened", greened.on),
        (None, true) => "未返青 not green".to_owned(),
        (None, false) => "无法判断 cannot be judged".to_owned(),
    };
    let township = station.township.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let mut text = format!("{}{township} {state}", station.device);
    let values = [
        ("NDVI", station.ndvi, "", 2),
        ("NDVI≥", station.ndvi_limit, "", 2),
        ("土温 soil", station.soil_temperature_c, " °C", 1),
        ("草高 height", station.grass_height_cm, " cm", 1),
        ("盖度 cover", station.grass_cover_percent, " %", 0),
    ];
    for (name, value, unit, digits) in values {
        if let Some(value) = value {
            write!(text, "; {name} {value:.digits$}{unit}").ok();
        }
    }
    write!(text, "; 土温达标 warm {}/{} d", station.warm_days, settings.warm_days).ok();
    text
}

fn facts(
    late: &LateGreenUp,
    concerned: &BTreeMap<Option<TownshipCode>, Concerned>,
    settings: &GreenUpSettings,
) -> Value {
    let stations: Vec<_> = late.stations.iter().take(STATIONS_MAX).map(station_json).collect();
    let zones: Vec<_> = late
        .zones
        .iter()
        .take(ZONES_MAX)
        .map(|zone| json!({ "id": zone.id.as_str(), "name": zone.name, "township": zone.township.as_ref().map(TownshipCode::as_str) }))
        .collect();
    let townships: Vec<_> = concerned
        .iter()
        .map(|(code, one)| {
            json!({
                "township": code.as_ref().map(TownshipCode::as_str),
                "zones": one.zones,
                "capacity_sheep_units": one.capacity_sheep_units,
                "households": one.households,
                "animals_known": one.animals,
            })
        })
        .collect();
    json!({
        "kind": "green_up",
        "on": late.on.to_string(),
        "last": late.last.to_string(),
        "proposed_last": late.proposed_last.to_string(),
        "days": days(late),
        "greened": late.greened,
        "judged": late.judged,
        "share_percent": percent(late),
        "share_percent_min": 100.0 * settings.share_min,
        "stations": stations,
        "stations_count": late.stations.len(),
        "zones": zones,
        "zones_count": late.zones.len(),
        "townships": townships,
    })
}

fn station_json(station: &StationEvidence) -> Value {
    let greened = station.greened.as_ref();
    json!({
        "device": station.device.as_str(),
        "township": station.township.as_ref().map(TownshipCode::as_str),
        "judged": station.is_judged,
        "greened_on": greened.map(|greened| greened.on).as_ref().map(LegalDate::to_string),
        "by": greened.map(|greened| greened.by.as_str()),
        "confidence": greened.map(|greened| greened.confidence),
        "ndvi": station.ndvi,
        "ndvi_limit": station.ndvi_limit,
        "soil_temperature_c": station.soil_temperature_c,
        "grass_height_cm": station.grass_height_cm,
        "grass_cover_percent": station.grass_cover_percent,
        "warm_days": station.warm_days,
    })
}

#[cfg(test)]
#[path = "green_up_tests.rs"]
mod tests;
