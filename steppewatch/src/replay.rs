//! Judges a stretch of the journal again, under the zones and rules that hold and under others.
//!
//! In:  the journal, and the land as it is and as it may become.   Out: [`Difference`]: incidents gained, lost and changed.
//!
//! Detection and decoding are pure, so this is the service's own judgement, run beside it. The journal is only read. Both sides
//! begin with no herd known: what stood there when the stretch began is found again as soon as it is seen.

use anyhow::Context;
use dashboards::Foresee;
use detect::{Engine, Settings, World};
use ingest::decode::{Decoder, MEMORY_ENTRIES, Said};
use journal::JournalError;
use journal::sqlite::{SqliteJournal, SqliteReader};
use model::{
    Body, Case, Clock, ClosureCalendar, Device, DeviceKind, IncidentId, Offset, Position, Reading, Timestamp, What,
    Zone,
};
use registry::{Registry, View};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use terrain::Terrain;

/// Entries read at a time.
const BATCH_ENTRIES: usize = 4_096;

/// A camera sees no animal farther away than this, and no herd is joined over it: degrees of latitude, some 10 km.
const NEAR_DEG: f64 = 0.1;

/// What of the journal is judged.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Received at or after this.
    pub from: Timestamp,
    /// Received before this.
    pub to: Timestamp,
}

impl Stretch {
    /// The last so many days.
    pub fn last(days: u16, now: Timestamp) -> Self {
        Self { from: now.minus(Duration::from_secs(u64::from(days) * 86_400)), to: now }
    }
}

/// What would have been otherwise.
#[derive(Debug, Default)]
pub struct Difference {
    /// Incidents that only the other land has.
    pub gained: Vec<Case>,
    /// Incidents that only the present land has.
    pub lost: Vec<Case>,
    /// Incidents of both with other zones, another authority or another closure: as it is, as it would be.
    pub changed: Vec<(Case, Case)>,
    /// Incidents of both that are alike.
    pub alike: usize,
    /// How many entries were judged.
    pub entries: u64,
}

/// A rectangle on the ground, degrees.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Southern and northern edge.
    pub lat: (f64, f64),
    /// Western and eastern edge.
    pub lon: (f64, f64),
}

impl Bounds {
    fn is_near(&self, position: Position) -> bool {
        let (lat, lon) = (position.lat_deg(), position.lon_deg());
        let (low, high) = (|edge: f64| edge - NEAR_DEG, |edge: f64| edge + NEAR_DEG);
        low(self.lat.0) <= lat && lat <= high(self.lat.1) && low(self.lon.0) <= lon && lon <= high(self.lon.1)
    }
}

impl Bounds {
    /// Around all that differs between two lists of zones, each by id; `None` if nothing does.
    pub fn of_change(present: &[Arc<Zone>], other: &[Arc<Zone>]) -> Option<Self> {
        let differs = |zone: &&Arc<Zone>, others: &[Arc<Zone>]| {
            // Both are in the order of their ids.
            let same = others.binary_search_by(|other| other.id.cmp(&zone.id)).ok().and_then(|at| others.get(at));
            same.is_none_or(|same| {
                same.polygons != zone.polygons
                    || (same.kind, same.land_class, same.authority()) != (zone.kind, zone.land_class, zone.authority())
                    || same.township != zone.township
            })
        };
        let zones = present.iter().filter(|zone| differs(zone, other));
        let zones = zones.chain(other.iter().filter(|zone| differs(zone, present)));
        let vertices = zones.flat_map(|zone| &zone.polygons).flat_map(|polygon| &polygon.exterior);
        vertices.map(|vertex| vertex.degrees()).fold(None, |bounds: Option<Self>, (lon, lat)| {
            let Self { lat: lats, lon: lons } = bounds.unwrap_or(Self { lat: (lat, lat), lon: (lon, lon) });
            Some(Self { lat: (lats.0.min(lat), lats.1.max(lat)), lon: (lons.0.min(lon), lons.1.max(lon)) })
        })
    }
}

/// What the last days would have been with these zones in the places of those of the same id.
pub fn with_zones(
    reader: &SqliteReader,
    view: &View,
    relief: &Arc<Terrain>,
    proposed: Vec<Zone>,
    stretch: Stretch,
    settings: &Settings,
    progress: impl FnMut(f64),
) -> anyhow::Result<Difference> {
    let zones = merged(&view.zones, proposed);
    let Some(changed) = Bounds::of_change(&view.zones, &zones) else { return Ok(Difference::default()) };
    let world = |zones| world(view, zones, view.calendar.clone(), relief);
    let worlds = [world(view.zones.clone())?, world(zones)?];
    Ok(compare(reader, stretch, settings, worlds, Some(changed), progress)?)
}

/// The same for the API, of a running platform's journal.
pub fn foresee(
    registry: &Registry,
    journal: PathBuf,
    clock: Clock,
    relief: Arc<Terrain>,
    settings: Settings,
) -> Foresee {
    let registry = registry.clone();
    Arc::new(move |proposed, days| {
        let judged = || -> anyhow::Result<Difference> {
            let reader = SqliteJournal::open_read_only(&journal)?;
            let stretch = Stretch::last(days, clock.now());
            let view = registry.view().borrow().clone();
            with_zones(&reader, &view, &relief, proposed.clone(), stretch, &settings, |_share| {})
        };
        judged().map(|difference| difference_json(&difference)).map_err(|error| format!("{error:#}"))
    })
}

/// What detection knows of the devices, on this land under this law.
pub fn world(
    view: &View,
    zones: Vec<Arc<Zone>>,
    calendar: ClosureCalendar,
    relief: &Arc<Terrain>,
) -> anyhow::Result<Arc<World>> {
    let world = World::new(view.devices.clone(), zones, calendar).context("the zones cannot be indexed")?;
    Ok(Arc::new(world.with_terrain(Arc::clone(relief)).with_masks(&view.masks)))
}

/// By id: what is proposed replaces what is there.
pub fn merged(present: &[Arc<Zone>], proposed: Vec<Zone>) -> Vec<Arc<Zone>> {
    let mut zones: BTreeMap<_, _> = present.iter().map(|zone| (zone.id.clone(), Arc::clone(zone))).collect();
    zones.extend(proposed.into_iter().map(|zone| (zone.id.clone(), Arc::new(zone))));
    zones.into_values().collect()
}

/// Judges the stretch under both. With `changed`, only what was said near that land is judged: the rest is the same on both
/// sides. `progress` hears now and then which share of the stretch is done, 0 to 1.
pub fn compare(
    reader: &SqliteReader,
    stretch: Stretch,
    settings: &Settings,
    [present, other]: [Arc<World>; 2],
    changed: Option<Bounds>,
    mut progress: impl FnMut(f64),
) -> Result<Difference, JournalError> {
    let first = first_since(reader, stretch.from)?;
    let last = first_since(reader, stretch.to)?;
    let span = (last.0.saturating_sub(first.0)).max(1) as f64;
    let mut sides = [Side::new(settings, Arc::clone(&present)), Side::new(settings, other)];
    let mut decoder = Decoder::default();
    let mut after = Offset(first.0.saturating_sub(MEMORY_ENTRIES + 1));
    let mut judged = 0;
    loop {
        let entries = reader.read(after, BATCH_ENTRIES)?;
        let Some(newest) = entries.last().map(|entry| entry.offset) else { break };
        for entry in entries.iter().take_while(|entry| entry.offset < last) {
            if entry.offset < first {
                decoder.remember(entry);
                continue;
            }
            judged += 1;
            if let Said::News(reading) = decoder.take(entry)
                && changed.is_none_or(|bounds| concerns(bounds, present.device(&reading.device), &reading))
            {
                sides.iter_mut().for_each(|side| side.observe(&reading));
            }
        }
        if newest >= last {
            break;
        }
        after = newest;
        progress(newest.0.saturating_sub(first.0) as f64 / span);
    }
    let [present, other] = sides.map(|side| side.cases);
    Ok(Difference { entries: judged, ..difference(present, other) })
}

/// Whether a reading can matter to land within these bounds.
fn concerns(bounds: Bounds, device: Option<&Device>, reading: &Reading) -> bool {
    match (&reading.body, device) {
        (Body::Clock, _) => true,
        (_, None) => false,
        (Body::Track(track), _) => track.position.is_none_or(|position| bounds.is_near(position)),
        // A drone is where it flies; whatever stands on the ground sees only what is near.
        (_, Some(device)) if device.kind == DeviceKind::Drone => true,
        (_, Some(device)) => device.place.is_none_or(|place| bounds.is_near(place)),
    }
}

/// The first entry that was received at or after `at`; one past the end if there is none.
fn first_since(reader: &SqliteReader, at: Timestamp) -> Result<Offset, JournalError> {
    let held = reader.held()?;
    let (mut low, mut high) = (held.head.0.saturating_sub(held.entries) + 1, held.head.0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let entry = reader.read(Offset(middle - 1), 1)?;
        // Trimmed meanwhile, it begins later; past the end, there is none.
        match entry.first() {
            Some(entry) if entry.frame.received_at.0 < at => low = entry.offset.0 + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(Offset(low))
}

/// One way to see it.
struct Side {
    engine: Engine,
    cases: BTreeMap<IncidentId, Case>,
}

impl Side {
    fn new(settings: &Settings, world: Arc<World>) -> Self {
        Self { engine: Engine::new(settings.clone(), world), cases: BTreeMap::new() }
    }

    fn observe(&mut self, reading: &Reading) {
        for finding in self.engine.observe(reading) {
            match finding.what {
                What::Opened(case) | What::Grew(case) | What::SeenAgain(case) | What::Ended(case) => {
                    self.cases.insert(case.id.clone(), case);
                }
                What::Withdrawn(case) => {
                    self.cases.remove(&case.id);
                }
                // Not about a herd.
                _ => {}
            }
        }
    }
}

fn difference(mut present: BTreeMap<IncidentId, Case>, other: BTreeMap<IncidentId, Case>) -> Difference {
    let mut found = Difference::default();
    let mut unmatched = Vec::new();
    let settle = |found: &mut Difference, was: Case, would_be: Case| {
        if same(&was, &would_be) { found.alike += 1 } else { found.changed.push((was, would_be)) }
    };
    // By identity first, so that a loose match takes no exact one away.
    for (id, would_be) in other {
        match present.remove(&id) {
            Some(was) => settle(&mut found, was, would_be),
            None => unmatched.push(would_be),
        }
    }
    for would_be in unmatched {
        let was = present.values().find(|was| is_one_incursion(was, &would_be)).map(|was| was.id.clone());
        match was.and_then(|id| present.remove(&id)) {
            Some(was) => settle(&mut found, was, would_be),
            None => found.gained.push(would_be),
        }
    }
    found.lost = present.into_values().collect();
    found.lost.sort_by_key(|case| case.first_seen);
    found.gained.sort_by_key(|case| case.first_seen);
    found
}

/// The same animals at the same time, though another entry decided: seen by a common device while both last.
fn is_one_incursion(left: &Case, right: &Case) -> bool {
    left.first_seen <= right.last_seen
        && right.first_seen <= left.last_seen
        && left.devices.iter().any(|device| right.devices.contains(device))
}

/// Versions may differ: they do by a mere publication.
fn same(left: &Case, right: &Case) -> bool {
    let zones = |case: &Case| case.zones.iter().map(|zone| zone.id.clone()).collect::<Vec<_>>();
    zones(left) == zones(right)
        && left.authority == right.authority
        && left.closure.level == right.closure.level
        && left.closure.rule == right.closure.rule
}

/// An incident for programs.
fn case_json(case: &Case) -> Value {
    let zones = case.zones.iter().map(|zone| json!({"id": zone.id.as_str(), "name": zone.name}));
    json!({
        "id": case.id.to_string(),
        "first_seen": case.first_seen.to_rfc3339(),
        "last_seen": case.last_seen.to_rfc3339(),
        "position": {"lat": case.position.lat_deg(), "lon": case.position.lon_deg()},
        "zones": zones.collect::<Vec<_>>(),
        "rule": case.closure.rule,
        "level": case.closure.level.as_str(),
        "authority": case.authority.as_str(),
        "sheep_units": {"low": case.sheep_units.low, "high": case.sheep_units.at_most()},
    })
}

/// What differs, for programs.
pub fn difference_json(difference: &Difference) -> Value {
    let Difference { gained, lost, changed, alike, entries } = difference;
    let list = |cases: &[Case]| cases.iter().map(case_json).collect::<Vec<_>>();
    let changed = changed.iter().map(|(was, is)| json!({"was": case_json(was), "would_be": case_json(is)}));
    json!({
        "entries": entries,
        "alike": alike,
        "gained": list(gained),
        "lost": list(lost),
        "changed": changed.collect::<Vec<_>>(),
    })
}
