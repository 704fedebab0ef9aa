//! Whether the banner's grass is late, and what follows from it: a longer rest period is proposed, never decided.
//!
//! In: the stations' seasons and the rest periods of the land in force.   Out: a notice that begins and ends, and [`LateGreenUp`] for whoever can
//! propose to the registry.   Never: a date of its own; when a rest period ends is the calendar's, with all that was decided about it.

use super::season::{Greened, can_be_judged, warm_days};
use super::settings::GreenUpSettings;
use super::{Station, Stations};
use crate::World;
use model::{
    ClosureLevel, DeviceId, LegalDate, Matter, NOTICE_DEVICES_MAX, Notice, Quantity, Timestamp, TownshipCode, What,
    Zone, ZoneKind,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// As notices name it.
pub const RULE: &str = "green_up";

/// That the grass is late before the end of a rest period, with what shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct LateGreenUp {
    /// The calendar's rule whose season ends too early.
    pub rule: String,
    /// Its last day, as decided so far.
    pub last: LegalDate,
    /// The last day that is proposed.
    pub proposed_last: LegalDate,
    /// By which day that was found.
    pub on: LegalDate,
    /// Stations that have greened, of those that can be judged.
    pub greened: u32,
    /// How many can be judged.
    pub judged: u32,
    /// The zones that it would keep closed.
    pub zones: Vec<Arc<Zone>>,
    /// Whether these are all zones that the rule closes today.
    pub is_whole_rule: bool,
    /// Station by station, by name.
    pub stations: Vec<StationEvidence>,
}

/// What one station says.
#[derive(Debug, Clone, PartialEq)]
pub struct StationEvidence {
    /// Which.
    pub device: DeviceId,
    /// Where.
    pub township: Option<TownshipCode>,
    /// Whether it can be judged.
    pub is_judged: bool,
    /// When it turned green.
    pub greened: Option<Greened>,
    /// Its NDVI, mean of the last five days; likewise the others.
    pub ndvi: Option<f64>,
    /// From where on it would count as green, where its year before is known.
    pub ndvi_limit: Option<f64>,
    /// °C.
    pub soil_temperature_c: Option<f64>,
    /// cm.
    pub grass_height_cm: Option<f64>,
    /// %.
    pub grass_cover_percent: Option<f64>,
    /// On how many days in a row its soil was warm, at most as many as the rule asks for.
    pub warm_days: u16,
}

impl StationEvidence {
    fn of(station: &Station, device: &model::Device, day: LegalDate, settings: &GreenUpSettings) -> Self {
        let five = |quantity| station.days.five(day, quantity);
        Self {
            device: device.id.clone(),
            township: device.township.clone(),
            is_judged: station.season.greened.is_some() || can_be_judged(&station.season, day, &station.days),
            greened: station.season.greened.clone(),
            ndvi: five(Quantity::Ndvi),
            ndvi_limit: station.season.ndvi_limit(),
            soil_temperature_c: five(Quantity::SoilTemperatureC),
            grass_height_cm: five(Quantity::GrassHeightCm),
            grass_cover_percent: five(Quantity::GrassCoverPercent),
            warm_days: warm_days(day, &station.days, settings),
        }
    }
}

/// A rest period that goes on: its rule, its last day, the zones that it closes until then.
struct RestPeriod {
    rule: String,
    last: LegalDate,
    zones: Vec<Arc<Zone>>,
    is_whole_rule: bool,
}

impl Stations {
    /// A day is over. What was found about the banner, and what is to be proposed.
    pub(super) fn look_at_green_up(
        &mut self,
        day: LegalDate,
        now: Timestamp,
        world: &World,
        settings: &GreenUpSettings,
    ) -> (Option<What>, Option<LateGreenUp>) {
        let period = next_to_end(world, now);
        let evidence: Vec<_> = self
            .stations
            .iter()
            .filter_map(|(id, station)| Some(StationEvidence::of(station, world.device(id)?, day, settings)))
            .collect();
        let count =
            |is: fn(&&StationEvidence) -> bool| u32::try_from(evidence.iter().filter(is).count()).unwrap_or(u32::MAX);
        let judged = count(|one| one.is_judged);
        let greened = count(|one| one.greened.is_some());
        let share = if judged == 0 { 0.0 } else { f64::from(greened) / f64::from(judged) };
        let is_known = judged >= settings.stations_min;
        let is_near_end = period.as_ref().is_some_and(|period| {
            let days_left = period.last.days_since(day);
            (0..=i32::from(settings.days_before_end)).contains(&days_left)
        });
        let is_late = is_known && share < settings.share_min && is_near_end;
        let is_over = period.is_none() || is_known && share >= settings.share_min;
        let told = if is_late && self.green_up.is_none() {
            let notice = notice(&evidence, share, now, settings);
            self.green_up = Some(notice.clone());
            Some(What::Begun(notice))
        } else if is_over {
            self.green_up.take().map(|begun| What::Over(Notice { until: Some(now), ..begun }))
        } else {
            None
        };
        let late = period.filter(|_| is_late && settings.proposes).and_then(|period| {
            Some(LateGreenUp {
                proposed_last: period.last.plus_days(i32::from(settings.extend_days))?,
                rule: period.rule,
                last: period.last,
                on: day,
                greened,
                judged,
                zones: period.zones,
                is_whole_rule: period.is_whole_rule,
                stations: evidence,
            })
        });
        (told, late)
    }
}

fn notice(evidence: &[StationEvidence], share: f64, now: Timestamp, settings: &GreenUpSettings) -> Notice {
    let brown = evidence.iter().filter(|one| one.is_judged && one.greened.is_none());
    let devices: Vec<_> = brown.map(|one| one.device.clone()).collect();
    Notice {
        matter: Matter::Threshold {
            rule: RULE.to_owned(),
            quantity: "greened_share".to_owned(),
            value: 100.0 * share,
            limit: 100.0 * settings.share_min,
            unit: "%".to_owned(),
            is_grave: false,
        },
        devices_count: u32::try_from(devices.len()).unwrap_or(u32::MAX),
        devices: devices.into_iter().take(NOTICE_DEVICES_MAX).collect(),
        zone: None,
        township: None,
        position: None,
        since: now,
        until: None,
        late: false,
    }
}

/// Of the rest periods that hold now the one that ends first.
fn next_to_end(world: &World, now: Timestamp) -> Option<RestPeriod> {
    let mut ends: BTreeMap<(LegalDate, String), Vec<Arc<Zone>>> = BTreeMap::new();
    let mut of_rule: BTreeMap<String, usize> = BTreeMap::new();
    for zone in world.zones().iter().filter(|zone| zone.kind == ZoneKind::Balance) {
        let closure = world.closure(zone, now);
        let (ClosureLevel::Enforce, Some(until)) = (closure.level, closure.until) else { continue };
        let Some(last) = LegalDate::of(until).and_then(|open| open.plus_days(-1)) else { continue };
        *of_rule.entry(closure.rule.clone()).or_default() += 1;
        ends.entry((last, closure.rule)).or_default().push(Arc::clone(zone));
    }
    let ((last, rule), zones) = ends.into_iter().next()?;
    let is_whole_rule = of_rule.get(&rule) == Some(&zones.len());
    Some(RestPeriod { rule, last, zones, is_whole_rule })
}
