//! What stations measure, and what cameras take for fires.
//!
//! In: measurements and fires, in the order of the journal, and the second hand.   Out: notices that begin once and are over once
//! ([`model::Matter::Threshold`], [`model::Matter::Fire`]), and what a late green-up proposes.   Next: `alerts::raise`.
//!
//! Never: anything from a value that cannot be believed (`quality`), or from a device on which somebody works; nor work that grows with what
//! was measured before. A value that comes late and out of order changes the day that it belongs to and nothing else.
//!
//! ```text
//! settings.rs   the numbers            standing.rs   past a limit, and back: no flutter
//! days.rs       days summed up         season.rs     when a station's grass turned green
//! danger.rs     fire danger, drought   township.rs   the same of a township's stations together
//! fire.rs       smoke and heat         green_up.rs   whether the banner is late, and what is proposed
//! ```

pub mod danger;
pub mod days;
mod fire;
mod green_up;
mod season;
mod settings;
mod standing;
mod township;

pub use fire::{Burning, Fires, Sign};
pub use green_up::{LateGreenUp, RULE as GREEN_UP, StationEvidence};
pub use season::{GreenRule, Greened, Season};
pub use settings::{
    DangerSettings, FireSettings, GreenUpSettings, RULES_MAX, Side, StationSettings, ThresholdRule, Thresholds,
};
pub use standing::{Limit, Standing, Turn};
pub use township::{DROUGHT, FIRE_DANGER, Told};

use crate::World;
use days::{Days, is_kept};
use model::{
    Device, DeviceId, LegalDate, Matter, Measurement, MonthDay, Notice, Quantity, Timestamp, TownshipCode, What,
};
use quality::{Judged, Monitor};
use std::collections::BTreeMap;
use std::time::Duration;
use township::{at_work, over};

/// Stations that are followed; the registry has fewer, and what is more is not looked at.
const STATIONS_MAX: usize = 10_000;
/// Weather does not change by the second.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// A quantity that was not heard for so long is past nothing any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);
/// Less rain wets no grass: a tip of the gauge, mm.
const RAIN_MM: f64 = 0.2;

/// All that is remembered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stations {
    pub(crate) stations: BTreeMap<DeviceId, Station>,
    /// By rule and township.
    pub(crate) townships: BTreeMap<(String, Option<TownshipCode>), Told>,
    pub(crate) fires: Fires,
    /// That the green-up is late, while it is.
    pub(crate) green_up: Option<Notice>,
    /// When townships were last looked at.
    pub(crate) looked_at: Timestamp,
    /// The last day that is over and was looked at.
    pub(crate) closed: Option<LegalDate>,
}

/// What is remembered of one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Station {
    pub(crate) monitor: Monitor,
    /// Limits that it is past, by rule.
    pub(crate) past: BTreeMap<String, Past>,
    pub(crate) days: Days,
    pub(crate) season: Season,
    /// When rain was last measured.
    pub(crate) rained_at: Option<Timestamp>,
}

/// A limit that a station is past.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Past {
    pub(crate) standing: Standing,
    /// What people were told, while it lasts.
    pub(crate) notice: Option<Notice>,
}

/// When something was measured and when we heard of it.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// When it happened, as far as we know.
    pub at: Timestamp,
    /// Whether that is long ago.
    pub late: bool,
}

impl Stations {
    /// A station measured something.
    pub fn measured(
        &mut self,
        device: &Device,
        heard: Heard,
        values: &[Measurement],
        settings: &StationSettings,
    ) -> Vec<What> {
        if self.stations.len() >= STATIONS_MAX && !self.stations.contains_key(&device.id) {
            return Vec::new();
        }
        let station = self.stations.entry(device.id.clone()).or_default();
        let Some(date) = LegalDate::of(heard.at) else { return Vec::new() };
        let mut found = Vec::new();
        for judged in station.monitor.judge(heard.at, values, device.cadence) {
            if !judged.flags.is_sound() {
                continue;
            }
            if is_kept(judged.quantity) {
                station.days.add(date, judged.quantity, judged.value);
            }
            if judged.is_newest {
                found.extend(station.weigh(device, heard, &judged, &settings.thresholds));
            }
        }
        found
    }

    /// A camera saw smoke or heat.
    pub fn burns(&mut self, sign: Sign, settings: &StationSettings) -> Option<What> {
        self.fires.see(sign, &settings.fire)
    }

    /// What time alone brings about; and what is to be proposed, once a day.
    pub fn tick(
        &mut self,
        world: &World,
        now: Timestamp,
        settings: &StationSettings,
    ) -> (Vec<What>, Option<LateGreenUp>) {
        let mut found = self.fires.tick(now, &settings.fire);
        if now.since(self.looked_at) < LOOK_EVERY {
            return (found, None);
        }
        self.looked_at = now;
        self.stations.retain(|id, station| {
            let is_known = world.device(id).is_some();
            found.extend(station.forget(now, is_known, &settings.thresholds));
            is_known
        });
        found.extend(self.look_at_townships(world, now, settings));
        let (told, late) = self.close_days(world, now, settings);
        found.extend(told);
        (found, late)
    }

    fn close_days(
        &mut self,
        world: &World,
        now: Timestamp,
        settings: &StationSettings,
    ) -> (Option<What>, Option<LateGreenUp>) {
        let Some(day) = LegalDate::of(now).and_then(|today| today.plus_days(-1)) else { return (None, None) };
        if self.closed.is_some_and(|closed| day <= closed) {
            return (None, None);
        }
        self.closed = Some(day);
        for (id, station) in &mut self.stations {
            if at_work(world, id, now).is_some() {
                station.season.close(day, &station.days, &settings.green_up);
            }
        }
        self.look_at_green_up(day, now, world, &settings.green_up)
    }
}

impl Station {
    fn weigh(&mut self, device: &Device, heard: Heard, judged: &Judged, rules: &Thresholds) -> Vec<What> {
        if judged.quantity == Quantity::RainMm && judged.value >= RAIN_MM {
            self.rained_at = Some(heard.at);
        }
        let rules = rules.0.iter().filter(|rule| rule.quantity == judged.quantity);
        rules.filter_map(|rule| self.weigh_rule(device, heard, judged.value, rule)).collect()
    }

    fn weigh_rule(&mut self, device: &Device, heard: Heard, value: f64, rule: &ThresholdRule) -> Option<What> {
        let limit = rule.limit();
        if !self.past.contains_key(&rule.name) {
            // Most values are past nothing, and nothing is remembered of them.
            if !rule.is_past(heard.at, value) {
                return None;
            }
            self.past.insert(rule.name.clone(), Past::default());
        }
        let past = self.past.get_mut(&rule.name)?;
        let turn = if rule.is_in_season(heard.at) {
            past.standing.weigh(&limit, heard.at, value)
        } else {
            past.standing.end().map(Turn::Over)
        };
        let told = match turn {
            Some(Turn::Begun(since)) => {
                let notice = rule.notice(device, value, since, heard.late);
                past.notice = Some(notice.clone());
                Some(What::Begun(notice))
            }
            Some(Turn::Over(_)) => past.notice.take().map(|begun| over(Notice { late: heard.late, ..begun }, heard.at)),
            None => None,
        };
        if past.standing.is_idle() {
            self.past.remove(&rule.name);
        }
        told
    }

    /// Ends what nobody measures any more, and what no rule asks for any more.
    fn forget(&mut self, now: Timestamp, is_known: bool, rules: &Thresholds) -> Vec<What> {
        let mut found = Vec::new();
        let tracks = &self.monitor.tracks;
        self.past.retain(|name, past| {
            let rule = rules.0.iter().find(|rule| rule.name == *name);
            let last = rule.and_then(|rule| tracks.get(&rule.quantity)).map(|track| track.at);
            let stands = is_known && last.is_some_and(|last| now.since(last) <= FORGOTTEN_AFTER);
            if !stands {
                let until = |begun: &Notice| last.unwrap_or(now).max(begun.since);
                found.extend(past.notice.take().map(|begun| over(begun.clone(), until(&begun))));
            }
            stands
        });
        found
    }
}

impl ThresholdRule {
    fn limit(&self) -> Limit {
        Limit { side: self.side, at: self.limit, back: self.back, lasts: self.lasts }
    }

    fn is_past(&self, at: Timestamp, value: f64) -> bool {
        self.limit().is_past(value) && self.is_in_season(at)
    }

    fn is_in_season(&self, at: Timestamp) -> bool {
        let Some((first, last)) = self.season else { return true };
        let Some(day) = LegalDate::of(at).map(LegalDate::month_day) else { return false };
        let within = |first: MonthDay, last: MonthDay| first <= day && day <= last;
        // Over the new year it is what is not outside.
        if first <= last { within(first, last) } else { first <= day || day <= last }
    }

    fn notice(&self, device: &Device, value: f64, since: Timestamp, late: bool) -> Notice {
        Notice {
            matter: Matter::Threshold {
                rule: self.name.clone(),
                quantity: self.quantity.as_str().to_owned(),
                value,
                limit: self.limit,
                unit: self.quantity.unit().to_owned(),
                is_grave: self.is_grave,
            },
            devices: vec![device.id.clone()],
            devices_count: 1,
            zone: None,
            township: device.township.clone(),
            position: device.place,
            since,
            until: None,
            late,
        }
    }
}

#[cfg(test)]
mod tests;
