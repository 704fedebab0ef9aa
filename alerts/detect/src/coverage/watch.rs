//! All of it together: readings in, marks on the land, patrols and notices out.
//!
//! In: readings in journal order, and versions of the registry.   Out: findings, patrols that ended, how much of each zone was watched.
//! Never: a wait; the one slow thing is a viewshed that is needed for the first time, some milliseconds.

use super::blind::Blind;
use super::cameras::{Cameras, Land};
use super::grid::{Grid, POINTS};
use super::ledger::{DayMarks, Instants, Ledger, instant, seconds};
use super::movers::Movers;
use super::patrol::Patrols;
use super::settings::Settings;
use crate::saved::{self, BadState};
use crate::world::World;
use model::{
    Body, CaseZone, DeviceId, DeviceKind, Finding, Flaw, Patrol, Reading, Timestamp, WatchedCell, Zone, ZoneId,
    ZoneWatch,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The last hour, day and week.
const WINDOWS: [Duration; 3] =
    [Duration::from_secs(3_600), Duration::from_secs(86_400), Duration::from_secs(7 * 86_400)];

/// A span of time that somebody asks for.
#[derive(Debug, Clone)]
pub enum Span {
    /// From an instant until now.
    Since(Timestamp),
    /// Whole legal days: what was watched on any of them.
    Days(DayMarks),
}

/// Which land is watched.
#[derive(Debug, Clone)]
pub struct Coverage {
    settings: Settings,
    /// Without an index: it was needed for the grid only.
    world: World,
    zones: Vec<Arc<Zone>>,
    areas_mu: Vec<f64>,
    grid: Grid,
    ledger: Ledger,
    state: State,
}

/// What is kept besides the ledger.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) cameras: Cameras,
    pub(crate) movers: Movers,
    pub(crate) patrols: Patrols,
    pub(crate) blind: Blind,
}

impl Coverage {
    /// Nothing was watched yet.
    pub fn new(settings: Settings, world: &World) -> Self {
        Self::with(settings, world, Ledger::default(), None, State::default())
    }

    /// Goes on from what was kept: the cells with the side they had, and the rest. A state that cannot be read costs the patrols that
    /// go on and what was told of blind zones, never a cell.
    pub fn restore(
        settings: Settings,
        world: &World,
        cell_m: f64,
        cells: Vec<(i64, Instants)>,
        state: &[u8],
    ) -> (Self, Result<(), BadState>) {
        let (state, outcome) = match saved::read_coverage(state) {
            Ok(state) => (state, Ok(())),
            Err(error) => (State::default(), Err(error)),
        };
        (Self::with(settings, world, Ledger::of(cells), Some(cell_m), state), outcome)
    }

    fn with(settings: Settings, world: &World, mut ledger: Ledger, cell_m: Option<f64>, state: State) -> Self {
        let grid = Grid::build(world.fence(), world.zones(), settings.cell_m, settings.cells_max);
        if let Some(cell_m) = cell_m {
            ledger.laid_out(super::grid::Lattice::new(cell_m), &grid);
        }
        let zones = world.zones().to_vec();
        let areas_mu = zones.iter().map(|zone| zone.computed_area_mu()).collect();
        Self { settings, world: world.without_index(), zones, areas_mu, grid, ledger, state }
    }

    /// Everything but the cells, as bytes.
    pub fn save(&self) -> Vec<u8> {
        saved::write_coverage(&self.state)
    }

    /// Whether these are the zones that it knows.
    pub fn has_zones(&self, zones: &[Arc<Zone>]) -> bool {
        let same = |(a, b): (&Arc<Zone>, &Arc<Zone>)| Arc::ptr_eq(a, b) || a == b;
        self.zones.len() == zones.len() && self.zones.iter().zip(zones).all(same)
    }

    /// Other devices, another calendar, the same zones.
    pub fn set_devices(&mut self, world: World) {
        self.world = world;
        self.state.cameras.retain(&self.world);
        self.state.movers.retain(&self.world);
    }

    /// Another version of the registry with an index over its zones. What was watched of land that is still some zone's stays known.
    pub fn set_world(&mut self, world: &World) {
        let before = self.grid.lattice();
        self.grid = Grid::build(world.fence(), world.zones(), self.settings.cell_m, self.settings.cells_max);
        self.ledger.laid_out(before, &self.grid);
        self.zones = world.zones().to_vec();
        self.areas_mu = self.zones.iter().map(|zone| zone.computed_area_mu()).collect();
        self.state.cameras.forget_views();
        self.set_devices(world.without_index());
    }

    /// Detection found a flaw of a device, or that it is over.
    pub fn flawed(&mut self, device: &DeviceId, flaw: Flaw, is_so: bool) {
        if self.world.device(device).is_some_and(|device| device.kind == DeviceKind::Camera) {
            self.state.cameras.flawed(device, flaw, is_so);
        }
    }

    /// Takes a reading in.
    pub fn observe(&mut self, reading: &Reading) -> Vec<Finding> {
        let now = reading.received_at.0;
        if matches!(reading.body, Body::Clock) {
            self.state.patrols.tick(now, self.settings.patrol_pause);
            return self.look(reading);
        }
        let Self { settings, world, grid, ledger, state, .. } = self;
        let Some(device) = world.device(&reading.device) else { return Vec::new() };
        let mut land = Land { world, grid, settings, ledger };
        match (device.kind, &reading.body) {
            (DeviceKind::Camera, _) => state.cameras.speaks(device, reading, &mut land),
            (DeviceKind::Drone | DeviceKind::Ranger, Body::Track(track)) => {
                state.movers.moved(device, reading, track, &mut land, &mut state.patrols);
            }
            _ => {}
        }
        Vec::new()
    }

    fn look(&mut self, reading: &Reading) -> Vec<Finding> {
        let now = reading.received_at.0;
        if !self.state.blind.is_due(now) {
            return Vec::new();
        }
        let rows = self.zones(now, None);
        let found = self.state.blind.look(&rows, now, &self.settings);
        found.into_iter().map(|what| Finding { offset: reading.offset, what }).collect()
    }

    /// Patrols that ended since this was last asked.
    pub fn take_patrols(&mut self) -> Vec<Patrol> {
        self.state.patrols.take_ended(&self.grid, &self.zones)
    }

    /// Whether some did.
    pub fn has_ended_patrols(&self) -> bool {
        !self.state.patrols.ended.is_empty()
    }

    /// Patrols that go on.
    pub fn patrols_going_on(&self) -> Vec<Patrol> {
        self.state.patrols.going_on(&self.grid, &self.zones)
    }

    /// What was watched, to be kept.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// What was watched.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The cells.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The zones it knows.
    pub fn known_zones(&self) -> &[Arc<Zone>] {
        &self.zones
    }

    /// How much of each zone was watched, in the order of the zones.
    pub fn zones(&self, now: Timestamp, span: Option<&Span>) -> Vec<ZoneWatch> {
        let mut limits: Vec<Duration> = WINDOWS.to_vec();
        limits.extend(self.zones.iter().map(|zone| self.settings.terms_of(zone.kind).limit));
        limits.sort_unstable();
        limits.dedup();
        let counts = self.count(now, &limits, span);
        let row = |((zone, area_mu), (at, count)): ((&Arc<Zone>, &f64), (usize, &Count))| {
            let points = f64::from(self.grid.zone_points(at).max(1));
            let within = |limit: Duration| {
                let place = limits.binary_search(&limit).unwrap_or(0);
                f64::from(count.within.get(place).copied().unwrap_or(0)) / points
            };
            let terms = self.settings.terms_of(zone.kind);
            ZoneWatch {
                zone: CaseZone { id: zone.id.clone(), name: zone.name.clone(), version: zone.version },
                kind: zone.kind,
                township: zone.township.clone(),
                area_mu: *area_mu,
                level: self.world.closure(zone, now).level,
                watched: WINDOWS.map(within),
                limit: terms.limit,
                share: terms.share,
                watched_in_limit: within(terms.limit),
                last: instant(count.last_s),
                blind_since: self.state.blind.since(&zone.id),
                in_span: span.map(|_| f64::from(count.in_span) / points),
            }
        };
        self.zones.iter().zip(&self.areas_mu).zip(counts.iter().enumerate()).map(row).collect()
    }

    fn count(&self, now: Timestamp, limits: &[Duration], span: Option<&Span>) -> Vec<Count> {
        let mut counts = vec![Count { within: vec![0; limits.len()], last_s: 0, in_span: 0 }; self.zones.len()];
        let cuts: Vec<u32> = limits.iter().map(|limit| seconds(now.minus(*limit))).collect();
        for (key, parts) in self.grid.cells() {
            let in_span = match span {
                None => 0,
                Some(Span::Since(from)) => self.ledger.since(key, seconds(*from)),
                Some(Span::Days(marks)) => marks.get(&key).copied().unwrap_or(0),
            };
            let instants = self.ledger.cell(key);
            if instants.is_none() && in_span == 0 {
                continue;
            }
            let masks: Vec<u16> = cuts.iter().map(|cut| self.ledger.since(key, *cut)).collect();
            for part in parts {
                let Some(count) = counts.get_mut(part.zone as usize) else { continue };
                for (within, mask) in count.within.iter_mut().zip(&masks) {
                    *within += (part.mask & mask).count_ones();
                }
                count.in_span += (part.mask & in_span).count_ones();
                count.last_s = count.last_s.max(latest(instants, part.mask));
            }
        }
        counts
    }

    /// The cells of a zone with what was watched of them in a span, or within its limit; `None` for a zone that is none.
    pub fn cells(&self, zone: &ZoneId, now: Timestamp, span: Option<&Span>) -> Option<Vec<WatchedCell>> {
        let number = self.zones.binary_search_by(|known| known.id.cmp(zone)).ok()?;
        let limit = self.settings.terms_of(self.zones.get(number)?.kind).limit;
        let since_s = seconds(now.minus(limit));
        let cell = |(key, parts): (i64, &[super::grid::Part])| {
            let part = parts.iter().find(|part| part.zone as usize == number)?;
            let watched = match span {
                None => self.ledger.since(key, since_s),
                Some(Span::Since(from)) => self.ledger.since(key, seconds(*from)),
                Some(Span::Days(marks)) => marks.get(&key).copied().unwrap_or(0),
            };
            Some(WatchedCell {
                bounds_deg: self.grid.lattice().bounds_deg(key),
                share: f64::from((watched & part.mask).count_ones()) / f64::from(part.mask.count_ones().max(1)),
                last: instant(latest(self.ledger.cell(key), part.mask)),
            })
        };
        Some(self.grid.cells().filter_map(cell).collect())
    }

    /// Part of all land that is closed now which was watched within the last hour, day and week, and what was not within its limit, mu.
    pub fn total(rows: &[ZoneWatch]) -> ([f64; 3], f64) {
        let closed = || rows.iter().filter(|row| row.level != model::ClosureLevel::None);
        let all: f64 = closed().map(|row| row.area_mu).sum();
        let share = |window: usize| {
            let watched: f64 = closed().map(|row| row.area_mu * row.watched.get(window).copied().unwrap_or(0.0)).sum();
            if all > 0.0 { watched / all } else { 0.0 }
        };
        ([share(0), share(1), share(2)], closed().map(ZoneWatch::blind_mu).sum())
    }
}

#[derive(Debug, Clone)]
struct Count {
    within: Vec<u32>,
    last_s: u32,
    in_span: u32,
}

fn latest(instants: Option<&Instants>, mask: u16) -> u32 {
    let of = |instants: &Instants| {
        let marked = (0..POINTS).filter(|bit| mask & (1 << bit) != 0);
        marked.filter_map(|bit| instants.get(bit)).copied().max().unwrap_or(0)
    };
    instants.map_or(0, of)
}

/// What both have, for days of several sources.
pub fn join_days(into: &mut DayMarks, from: &BTreeMap<i64, u16>) {
    for (key, mask) in from {
        *into.entry(*key).or_default() |= mask;
    }
}
