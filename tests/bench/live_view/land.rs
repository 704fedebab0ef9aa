//! A banner to look at: 200 zones of 500 vertices each, places between them for what moves, and ten thousand cases in them.
//!
//! Everything is made up from a fixed seed. The cases are the platform's own first one, written into its log again under other ids, times,
//! zones and places: raising ten thousand would take the bench an hour and show the console nothing else.

use anyhow::{Context, Result};
use firmware_sim::rng::Rng;
use journal::alert_log::{self, AlertLog, RecordBody};
use journal::wire::ZoneRefJson;
use model::Timestamp;
use serde_json::{Value, json};
use std::f64::consts::TAU;
use std::path::Path;

/// Zones in a row.
const COLUMNS: usize = 20;
const ROWS: usize = 10;
pub const ZONES: usize = COLUMNS * ROWS;
/// In all; a ring's first is not counted again at its end.
pub const VERTICES: usize = 100_000;
const VERTICES_EACH: usize = VERTICES / ZONES;
/// Between the middles of two zones: about 7 and 11 km.
const EVERY_LON_DEG: f64 = 0.085;
const EVERY_LAT_DEG: f64 = 0.1;
const WEST_DEG: f64 = 116.65;
const SOUTH_DEG: f64 = 42.8;
/// Half of a zone, were it round, as a share of the way to the next.
const RADIUS: f64 = 0.36;
/// How far a border may be from the circle, as a share of its radius: two neighbours never meet.
const ROUGH: f64 = 0.3;
/// A border has bends of every size: so many of them, the larger ones wider.
const BENDS: usize = 60;
const KINDS: [&str; 5] = ["no-grazing", "no-grazing", "balance", "no-grazing", "forest"];
const TOWNSHIPS: usize = 4;
/// Cases so far apart in time are no storm, so each is a row of its own.
const CASES_EVERY_MS: i64 = 11 * 60_000;

/// The zones as a file.
pub fn zones() -> Value {
    let mut rng = Rng::new(1, "live view");
    let mut feature = |zone: usize| {
        json!({"type": "Feature",
               "properties": {"id": id(zone), "name": name(zone), "kind": KINDS[zone % KINDS.len()], "township": township(zone)},
               "geometry": {"type": "Polygon", "coordinates": [ring(zone, &mut rng)]}})
    };
    json!({"type": "FeatureCollection", "features": (0..ZONES).map(&mut feature).collect::<Vec<_>>()})
}

fn id(zone: usize) -> String {
    format!("zone-{zone}")
}

fn name(zone: usize) -> String {
    format!("{}号草场", zone + 1)
}

fn township(zone: usize) -> String {
    format!("15042510{}", zone % COLUMNS * TOWNSHIPS / COLUMNS)
}

/// The middle of a zone: latitude and longitude.
pub fn middle(zone: usize) -> (f64, f64) {
    let (row, column) = (zone / COLUMNS, zone % COLUMNS);
    (SOUTH_DEG + row as f64 * EVERY_LAT_DEG, WEST_DEG + column as f64 * EVERY_LON_DEG)
}

/// Zones where nothing may graze.
pub fn closed() -> impl Iterator<Item = usize> {
    (0..ZONES).filter(|zone| KINDS[zone % KINDS.len()] == "no-grazing")
}

/// Open land, where four zones do not quite meet: latitude and longitude of a mover's place.
pub fn between(mover: usize) -> (f64, f64) {
    let corner = mover % (COLUMNS - 1) + (mover / (COLUMNS - 1)) % (ROWS - 1) * COLUMNS;
    let (lat, lon) = middle(corner);
    let aside = (mover / ((COLUMNS - 1) * (ROWS - 1))) as f64 * 0.006;
    (lat + EVERY_LAT_DEG / 2.0 + aside, lon + EVERY_LON_DEG / 2.0 - aside)
}

/// A closed line around the middle, whose distance from it wavers.
fn ring(zone: usize, rng: &mut Rng) -> Vec<[f64; 2]> {
    let (lat, lon) = middle(zone);
    let bends: Vec<_> = (1..=BENDS).map(|bend| (rng.between(0.4, 1.0) / bend as f64, rng.between(0.0, TAU))).collect();
    let most: f64 = bends.iter().map(|(width, _)| width).sum();
    let corner = |vertex: usize| {
        let angle = TAU * vertex as f64 / VERTICES_EACH as f64;
        let waver: f64 =
            (1..).zip(&bends).map(|(bend, (width, from))| width * (f64::from(bend) * angle + from).sin()).sum();
        let radius = RADIUS * (1.0 + ROUGH * waver / most);
        [lon + radius * EVERY_LON_DEG * angle.cos(), lat + radius * EVERY_LAT_DEG * angle.sin()]
            .map(|degrees| (degrees * 1e7).round() / 1e7)
    };
    let mut ring: Vec<_> = (0..VERTICES_EACH).map(corner).collect();
    ring.push(ring[0]);
    ring
}

/// Writes the first case of a platform that does not run into its log again, until there are so many.
pub fn repeat_first_case(data: &Path, cases: usize) -> Result<()> {
    let path = data.join("alerts.db");
    let records = AlertLog::open(&path)?.read(0, 100)?;
    let first = records.into_iter().find_map(|record| match record.body {
        RecordBody::Alert(alert) if alert.incident.is_some() => Some(alert),
        _ => None,
    });
    let mut alert = first.context("the platform has raised no case")?;
    let (alert_id, mut case) = (alert.id.clone(), alert.incident.clone().context("no case")?);
    let case_id = case.id.clone();
    let begun = Timestamp::parse_rfc3339(&case.first_seen).context("no time")?.as_millis();
    let mut writer = alert_log::open_writer(&path)?;
    let transaction = writer.transaction()?;
    let zones: Vec<_> = closed().collect();
    for number in 1..cases {
        let zone = zones[number % zones.len()];
        let (lat, lon) = middle(zone);
        let seen = Timestamp::from_millis(begun - i64::try_from(number)? * CASES_EVERY_MS);
        case.id = format!("{case_id}-{number}");
        (case.first_seen, case.last_seen) = (seen.to_rfc3339(), seen.to_rfc3339());
        case.zones = vec![ZoneRefJson { id: id(zone), name: name(zone), version: 1 }];
        case.township = Some(township(zone));
        // Side by side in the zone, so that no two are at the same place.
        let aside = (number / zones.len()) as f64 * 1e-4;
        (case.position.lat, case.position.lon) = (lat + aside, lon - aside);
        alert.id = format!("{alert_id}-{number}");
        alert.at.clone_from(&case.last_seen);
        alert.incident = Some(case.clone());
        alert_log::append(&transaction, seen, &RecordBody::Alert(alert.clone()))?;
    }
    transaction.commit()?;
    Ok(())
}
