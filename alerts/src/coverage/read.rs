//! What the API asks of watched land and patrols.
//!
//! In: a question.   Out: nouns.   Never: a change. Blocks on the disk, and for a moment on the worker.

use super::store::{CoverageStore, CoverageStoreError};
use super::worker::{Known, Shared};
use detect::coverage::duty::{Duty, state};
use detect::coverage::{DayMarks, Lattice, POINTS, Span, day, join_days, route, seconds};
use model::{
    Clock, DutyState, Patrol, PatrolDetail, PatrolFilter, PatrolRoute, Position, RouteFlown, Timestamp, TownshipCode,
    WatchedCell, ZoneId, ZoneWatch,
};
use registry::View;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A span that ends so lately ends now.
const NOW: Duration = Duration::from_secs(60);
/// Less of a route is another way that crosses it.
const ROUTE_SHARE_MIN: f64 = 0.05;
/// So much of a route has to be flown before its duty is done.
const ROUTE_DONE: f64 = 0.8;
/// A quarter and the one before it.
const DUTIES_BACK: Duration = Duration::from_secs(2 * 92 * 86_400);
/// Patrols that are held against a route or a duty.
const PATROLS_AT_ONCE: usize = 20_000;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Ask again in a moment.
    #[error("the land is still being laid out; ask again in a moment")]
    NotYet,
    /// Look at the disk.
    #[error(transparent)]
    Store(#[from] CoverageStoreError),
}

/// What the reader works with.
pub struct ReaderParts {
    /// Where it is kept.
    pub store: CoverageStore,
    /// Shared with the worker.
    pub shared: Shared,
    /// The registry's current version.
    pub view: watch::Receiver<Arc<View>>,
    /// Who has to be out how often.
    pub duties: Vec<Duty>,
    /// Now.
    pub clock: Clock,
}

/// Answers.
pub struct Reader {
    parts: ReaderParts,
}

impl Reader {
    /// Over these.
    pub fn new(parts: ReaderParts) -> Self {
        Self { parts }
    }

    fn with<T>(&self, step: impl FnOnce(&Known) -> T) -> Result<T, ReadError> {
        self.parts.shared.lock().as_ref().map(step).ok_or(ReadError::NotYet)
    }

    /// How much of each zone was watched; with a span, in that span too.
    pub fn zones(&self, span: Option<(Timestamp, Timestamp)>) -> Result<Vec<ZoneWatch>, ReadError> {
        let (now, span) = (self.parts.clock.now(), self.span(span)?);
        self.with(|known| known.coverage.zones(now, span.as_ref()))
    }

    /// The cells of a zone; `None` if it is none.
    pub fn cells(
        &self,
        zone: &ZoneId,
        span: Option<(Timestamp, Timestamp)>,
    ) -> Result<Option<Vec<WatchedCell>>, ReadError> {
        let (now, span) = (self.parts.clock.now(), self.span(span)?);
        self.with(|known| known.coverage.cells(zone, now, span.as_ref()))
    }

    /// Until now by the last instants; what ended earlier by whole legal days.
    fn span(&self, span: Option<(Timestamp, Timestamp)>) -> Result<Option<Span>, ReadError> {
        let Some((from, to)) = span else { return Ok(None) };
        if to >= self.parts.clock.now().minus(NOW) {
            return Ok(Some(Span::Since(from)));
        }
        let last = Timestamp::from_millis(to.as_millis().saturating_sub(1));
        let (first, last) = (day(seconds(from)), day(seconds(last)));
        let (cell_m, waiting) = self.with(|known| {
            let mut waiting = DayMarks::new();
            for (_, marks) in known.coverage.ledger().days().range(first..=last.max(first)) {
                join_days(&mut waiting, marks);
            }
            (known.coverage.grid().lattice().cell_m(), waiting)
        })?;
        let mut marks = self.parts.store.days(first, last, cell_m)?;
        join_days(&mut marks, &waiting);
        Ok(Some(Span::Days(marks)))
    }

    /// Patrols, newest first, those that go on included; without their ways.
    pub fn patrols(&self, filter: &PatrolFilter) -> Result<Vec<Patrol>, ReadError> {
        let view = Arc::clone(&self.parts.view.borrow());
        let is_wanted = |patrol: &Patrol| {
            let home = view.device(&patrol.device).and_then(|device| device.township.as_ref());
            let swept = patrol.townships.iter().map(|(code, _)| code);
            filter.townships.is_empty() || home.into_iter().chain(swept).any(|code| filter.townships.contains(code))
        };
        let mut open = self.with(|known| known.coverage.patrols_going_on())?;
        open.retain(|patrol| {
            let device = filter.device.as_ref().is_none_or(|device| *device == patrol.device);
            device && patrol.start < filter.to && patrol.end >= filter.from && is_wanted(patrol)
        });
        open.sort_by(|a, b| b.start.cmp(&a.start).then_with(|| a.id.cmp(&b.id)));
        let passed = filter.passed.saturating_sub(open.len());
        let mut found: Vec<Patrol> = open.into_iter().skip(filter.passed).take(filter.limit).collect();
        let rest = PatrolFilter { passed, limit: filter.limit - found.len(), ..filter.clone() };
        if rest.limit > 0 {
            found.extend(self.parts.store.patrols(&rest, false, is_wanted)?);
        }
        Ok(found)
    }

    /// One patrol with its cells and the routes of which it flew some.
    pub fn patrol(&self, id: &str) -> Result<Option<PatrolDetail>, ReadError> {
        let open = self.with(|known| known.coverage.patrols_going_on())?;
        let patrol = match open.into_iter().find(|patrol| patrol.id == id) {
            Some(patrol) => Some(patrol),
            None => self.parts.store.patrol(id)?,
        };
        let Some(patrol) = patrol else { return Ok(None) };
        let lattice = Lattice::new(patrol.cell_m);
        let cell = |(key, mask): &(i64, u16)| WatchedCell {
            bounds_deg: lattice.bounds_deg(*key),
            share: f64::from(mask.count_ones()) / POINTS as f64,
            last: None,
        };
        let view = Arc::clone(&self.parts.view.borrow());
        let mine = view.patrol_routes.iter().filter(|route| is_for(route, &patrol));
        let flown = mine.map(|of| (of.clone(), route::flown(of, &[&patrol.line])));
        let routes = flown.filter(|(_, flown)| flown.share >= ROUTE_SHARE_MIN).collect();
        Ok(Some(PatrolDetail { cells: patrol.points.iter().map(cell).collect(), routes, patrol }))
    }

    /// How much of a route was flown in a span, by all that may fly it together.
    pub fn route_flown(&self, of: &PatrolRoute, from: Timestamp, to: Timestamp) -> Result<RouteFlown, ReadError> {
        let filter = PatrolFilter { device: of.device.clone(), from, to, limit: PATROLS_AT_ONCE, ..Default::default() };
        let mut patrols = self.parts.store.patrols(&filter, true, |_| true)?;
        let open = self.with(|known| known.coverage.patrols_going_on())?;
        patrols.extend(open.into_iter().filter(|patrol| is_for(of, patrol) && patrol.start < to && patrol.end >= from));
        let ways: Vec<&[Position]> = patrols.iter().map(|patrol| patrol.line.as_slice()).collect();
        Ok(route::flown(of, &ways))
    }

    /// How every duty stands, in every township where it is one.
    pub fn duties(&self) -> Result<Vec<DutyState>, ReadError> {
        let now = self.parts.clock.now();
        let view = Arc::clone(&self.parts.view.borrow());
        let began = self.with(|known| known.began)?;
        let filter = PatrolFilter {
            from: now.minus(DUTIES_BACK),
            to: Timestamp::from_millis(i64::MAX),
            limit: PATROLS_AT_ONCE,
            ..Default::default()
        };
        // Only who carries a duty, or flies where a route has one, is looked at with its way.
        let has_route = view.patrol_routes.iter().any(|route| route.duty.is_some());
        let patrols = self
            .parts
            .store
            .patrols(&filter, has_route, |patrol| has_route || view.patrol_roles.contains_key(&patrol.device))?;
        let mut done: BTreeMap<(&str, Option<&TownshipCode>), Vec<Timestamp>> = BTreeMap::new();
        for patrol in &patrols {
            for duty in &self.parts.duties {
                for township in done_by(duty, patrol, &view) {
                    done.entry((duty.name.as_str(), township)).or_default().push(patrol.end);
                }
            }
        }
        let mut townships: Vec<&TownshipCode> = view.zones.iter().filter_map(|zone| zone.township.as_ref()).collect();
        townships.sort_unstable();
        townships.dedup();
        let mut states = Vec::new();
        for duty in &self.parts.duties {
            let places: Vec<Option<&TownshipCode>> =
                if duty.each_township { townships.iter().map(|code| Some(*code)).collect() } else { vec![None] };
            for place in places {
                let at = done.get(&(duty.name.as_str(), place)).map(Vec::as_slice).unwrap_or_default();
                states.extend(state(duty, place, at, began, now));
            }
        }
        Ok(states)
    }
}

fn is_for(route: &PatrolRoute, patrol: &Patrol) -> bool {
    route.device.as_ref().is_none_or(|device| *device == patrol.device)
}

/// Where a patrol did a duty: its device carries it and it swept enough of a township, or it flew a route that has it.
fn done_by<'a>(duty: &Duty, patrol: &'a Patrol, view: &'a View) -> Vec<Option<&'a TownshipCode>> {
    let carries = view.patrol_roles.get(&patrol.device).is_some_and(|duties| duties.contains(&duty.name));
    let swept =
        patrol.townships.iter().filter(|(_, share)| carries && *share >= duty.share).map(|(code, _)| Some(code));
    let has =
        view.patrol_routes.iter().filter(|route| route.duty.as_deref() == Some(&duty.name) && is_for(route, patrol));
    let flown = has.filter(|of| route::flown(of, &[&patrol.line]).share >= ROUTE_DONE).map(|of| of.township.as_ref());
    let mut places: Vec<Option<&TownshipCode>> = swept.chain(flown).collect();
    if !duty.each_township {
        places.iter_mut().for_each(|place| *place = None);
    }
    places.sort_unstable();
    places.dedup();
    places.retain(|place| place.is_some() == duty.each_township);
    places
}
