//! Measurements and fires on their way to [`crate::stations`].
//!
//! In: a reading and its device, or a tick.   Out: what follows.   Never: a decision; only when it happened, where it is, and whether anybody is
//! to hear of it while somebody works on the device.

use super::Engine;
use crate::stations::{Heard, LateGreenUp, Sign};
use model::{Body, Device, DeviceKind, Fire, Reading, What};

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
            self.late_green_up = late;
        }
        found
    }

    /// That the green-up is late before the end of a rest period, once a day while it is; what is done about it is the registry's.
    pub fn take_late_green_up(&mut self) -> Option<LateGreenUp> {
        self.late_green_up.take()
    }
}
