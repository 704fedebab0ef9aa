//! Fire danger and drought, told once for a township and not once for each of its stations.
//!
//! In: the index of each sound station.   Out: a notice of a township that begins, becomes grave, and is over.   Never: the worst station
//! alone. It is the median of the stations (of two the worse): one anemometer on a hilltop is not the township, and a sensor that is
//! wrong in a way that no check sees moves nothing.

use super::danger::{DROUGHT_CLASSES, FIRE_CLASSES, fire_danger, soil_moisture};
use super::settings::{DangerSettings, Side, StationSettings};
use super::standing::{Limit, Standing, Turn};
use super::{Station, Stations};
use crate::World;
use model::{Device, DeviceId, LegalDate, Matter, NOTICE_DEVICES_MAX, Notice, Timestamp, TownshipCode, What};
use std::collections::BTreeMap;
use std::time::Duration;

/// Danger of fire, as notices name it.
pub const FIRE_DANGER: &str = "fire_danger";
/// Drought, likewise.
pub const DROUGHT: &str = "drought";

/// What stands in a township.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    pub(crate) standing: Standing,
    /// What people were told, while it lasts.
    pub(crate) notice: Option<Notice>,
}

/// A rule and what it looks at.
struct Rule {
    name: &'static str,
    quantity: &'static str,
    unit: &'static str,
    limit: Limit,
    /// From here on it is grave.
    grave: f64,
    index: fn(&Station, Timestamp, &DangerSettings) -> Option<f64>,
}

fn rules(settings: &DangerSettings) -> [Rule; 2] {
    let fire_at = FIRE_CLASSES.get(usize::from(settings.fire_class.saturating_sub(2))).copied().unwrap_or(20.0);
    let dry_at = DROUGHT_CLASSES.get(usize::from(settings.drought_class.saturating_sub(1))).copied().unwrap_or(40.0);
    let [.., extreme_fire] = FIRE_CLASSES;
    let [.., extreme_drought] = DROUGHT_CLASSES;
    [
        Rule {
            name: FIRE_DANGER,
            quantity: "grassland_fire_danger_index",
            unit: "",
            // A gust must not wake a township, and a lull not send it to sleep.
            limit: Limit { side: Side::Above, at: fire_at, back: fire_at / 4.0, lasts: Duration::from_secs(1_800) },
            grave: extreme_fire,
            index: fire_danger,
        },
        Rule {
            name: DROUGHT,
            quantity: "relative_soil_moisture_percent",
            unit: "%",
            limit: Limit { side: Side::Below, at: dry_at, back: 5.0, lasts: Duration::ZERO },
            grave: extreme_drought,
            index: |station, now, settings| soil_moisture(station, LegalDate::of(now)?, settings),
        },
    ]
}

impl Stations {
    /// Weighs all townships; some hundred stations take some hundred microseconds.
    pub(super) fn look_at_townships(&mut self, world: &World, now: Timestamp, settings: &StationSettings) -> Vec<What> {
        let mut found = Vec::new();
        for rule in rules(&settings.danger) {
            let mut values: BTreeMap<Option<TownshipCode>, Vec<(f64, DeviceId)>> = BTreeMap::new();
            for (id, station) in &self.stations {
                let Some(device) = at_work(world, id, now) else { continue };
                if let Some(value) = (rule.index)(station, now, &settings.danger) {
                    values.entry(device.township.clone()).or_default().push((value, id.clone()));
                }
            }
            for (township, values) in &mut values {
                let told = self.townships.entry((rule.name.to_owned(), township.clone())).or_default();
                found.extend(rule.weigh(told, township.as_ref(), values, now));
            }
            // Where nobody can say any more how it is, it is over.
            for ((name, township), told) in &mut self.townships {
                if name == rule.name && !values.contains_key(township) {
                    told.standing.end();
                    found.extend(told.notice.take().map(|begun| over(begun, now)));
                }
            }
        }
        self.townships.retain(|_, told| !told.standing.is_idle());
        found
    }
}

/// A device that may be believed now.
pub(super) fn at_work<'a>(world: &'a World, id: &DeviceId, now: Timestamp) -> Option<&'a Device> {
    world.device(id).filter(|device| !world.is_in_maintenance(device, now))
}

pub(super) fn over(begun: Notice, until: Timestamp) -> What {
    What::Over(Notice { until: Some(until), ..begun })
}

impl Rule {
    fn weigh(
        &self,
        told: &mut Told,
        township: Option<&TownshipCode>,
        values: &mut [(f64, DeviceId)],
        now: Timestamp,
    ) -> Option<What> {
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Of two in the middle the worse: the upper one of danger, the lower one of water.
        let middle = match self.limit.side {
            Side::Above => values.len() / 2,
            Side::Below => values.len().saturating_sub(1) / 2,
        };
        let value = values.get(middle)?.0;
        let is_grave = Limit { at: self.grave, ..self.limit }.is_past(value);
        match told.standing.weigh(&self.limit, now, value) {
            Some(Turn::Begun(since)) => {
                let notice = self.notice(township, values, (value, is_grave), since);
                told.notice = Some(notice.clone());
                Some(What::Begun(notice))
            }
            Some(Turn::Over(_)) => told.notice.take().map(|begun| over(begun, now)),
            None => {
                let notice = told.notice.as_mut()?;
                let Matter::Threshold { is_grave: was_grave, value: told_value, .. } = &mut notice.matter else {
                    return None;
                };
                // Told again once, when it becomes as bad as it gets.
                (is_grave && !*was_grave).then(|| (*was_grave, *told_value) = (true, value))?;
                Some(What::Changed(notice.clone()))
            }
        }
    }

    fn notice(
        &self,
        township: Option<&TownshipCode>,
        values: &[(f64, DeviceId)],
        (value, is_grave): (f64, bool),
        since: Timestamp,
    ) -> Notice {
        let mut devices: Vec<_> = values.iter().map(|(_, device)| device.clone()).collect();
        devices.sort();
        Notice {
            matter: Matter::Threshold {
                rule: self.name.to_owned(),
                quantity: self.quantity.to_owned(),
                value,
                limit: self.limit.at,
                unit: self.unit.to_owned(),
                is_grave,
            },
            devices_count: u32::try_from(devices.len()).unwrap_or(u32::MAX),
            devices: devices.into_iter().take(NOTICE_DEVICES_MAX).collect(),
            zone: None,
            township: township.cloned(),
            position: None,
            since,
            until: None,
            late: false,
        }
    }
}
