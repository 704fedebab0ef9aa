//! Measurements and fires on their way to [`crate::stations`].
//!
//! In: a reading and its device, or a tick.   Out: what follows.   Never: a decision; only when it happened, where it is, and whether anybody is
//! to hear of it while somebody works on the device.

use super::Engine;
use crate::stations::{Heard, LateGreenUp, Sign};
use model::{Body, Device, DeviceKind, Fire, Reading, StationView, Timestamp, What};
use std::sync::Arc;
use std::time::Duration;

/// People look at stations by the minute.
const SHOWN_EVERY: Duration = Duration::from_secs(30);

/// What others are to hear of stations; no part of the state.
#[derive(Debug, Clone, Default)]
pub(super) struct OfStations {
    late_green_up: Option<LateGreenUp>,
    shown: Arc<Vec<StationView>>,
    shown_at: Timestamp,
}

impl Engine {
    /// What a station measured, or a camera took for a fire.
    pub(super) fn measured(&mut self, device: &Device, reading: &Reading) -> Vec<What> {
        if !matches!(reading.body, Body::Measurements(_) | Body::Fire(_))
            || self.world.is_in_maintenance(device, self.state.now)
        {
            return Vec::new();
        }
        let at = self.happened(device, reading);
        let late = reading.received_at.0.since(at) > self.settings.late_after;
        match &reading.body {
            Body::Measurements(values) => {
                let heard = Heard { at, late };
                self.state.stations.measured(device, heard, values, &self.settings.stations)
            }
            Body::Fire(fire) => {
                let sign = self.sign(device, reading, fire, Heard { at, late });
                self.state.stations.burns(sign, &self.settings.stations).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// A fire is told even where nobody knows where it burns: then it is where the camera is.
    fn sign(&self, device: &Device, reading: &Reading, fire: &Fire, Heard { at, late }: Heard) -> Sign {
        let placed = fire.place.and_then(|place| self.located(device, reading, place).ok());
        let flight = self.state.flights.get(&device.id).filter(|_| device.kind == DeviceKind::Drone);
        let flown = flight.and_then(|flight| flight.at(reading.happened_at())).map(|sample| sample.position);
        Sign {
            device: device.id.clone(),
            township: device.township.clone(),
            at,
            sign: fire.sign,
            confidence: fire.confidence,
            fire: placed.map(|located| located.position),
            camera: flown.or(device.place),
            late,
        }
    }

    /// What time alone brings about.
    pub(super) fn tick_stations(&mut self) -> Vec<What> {
        let (found, late) = self.state.stations.tick(&self.world, self.state.now, &self.settings.stations);
        if late.is_some() {
            self.of_stations.late_green_up = late;
        }
        let now = self.state.now;
        if now.since(self.of_stations.shown_at) >= SHOWN_EVERY {
            let shown = self.state.stations.shown(&self.world, now, &self.settings.stations);
            (self.of_stations.shown_at, self.of_stations.shown) = (now, Arc::new(shown));
        }
        found
    }

    /// Stations as people see them, as they were half a minute ago at most.
    pub fn stations(&self) -> &Arc<Vec<StationView>> {
        &self.of_stations.shown
    }

    /// That the green-up is late before the end of a rest period, once a day while it is; what is done about it is the registry's.
    pub fn take_late_green_up(&mut self) -> Option<LateGreenUp> {
        self.of_stations.late_green_up.take()
    }
}
