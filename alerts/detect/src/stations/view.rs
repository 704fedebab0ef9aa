//! Stations as people see them.
//!
//! In: what is remembered of them.   Out: [`StationView`]s, by name.   Never: a change of what is remembered.

use super::Stations;
use super::danger::{drought_class, fire_class, fire_danger, soil_moisture};
use super::season::can_be_judged;
use super::settings::StationSettings;
use crate::World;
use model::{LatestValue, LegalDate, StationView, Timestamp};

impl Stations {
    /// All that are registered, as they are now.
    pub fn shown(&self, world: &World, now: Timestamp, settings: &StationSettings) -> Vec<StationView> {
        let Some(today) = LegalDate::of(now) else { return Vec::new() };
        let yesterday = today.plus_days(-1).unwrap_or(today);
        let shown = self.stations.iter().filter_map(|(id, station)| {
            let device = world.device(id)?;
            let latest = station.monitor.tracks.iter().map(|(quantity, track)| LatestValue {
                quantity: *quantity,
                value: track.value,
                at: track.at,
                is_sound: track.is_sound,
            });
            let told = station.past.iter().filter(|(_, past)| past.notice.is_some());
            let greened = station.season.greened.as_ref();
            Some(StationView {
                device: id.clone(),
                position: device.place,
                township: device.township.clone(),
                latest: latest.collect(),
                past: told.map(|(rule, _)| rule.clone()).collect(),
                fire_danger: fire_danger(station, now, &settings.danger).map(|index| (index, fire_class(index))),
                soil_moisture: soil_moisture(station, today, &settings.danger)
                    .map(|percent| (percent, drought_class(percent))),
                greened: greened.map(|greened| (greened.on, greened.confidence)),
                is_judged: greened.is_some() || can_be_judged(&station.season, yesterday, &station.days),
            })
        });
        shown.collect()
    }
}
