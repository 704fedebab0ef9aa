//! What a reading says was seen, and where.
//!
//! In:  a reading and its device.   Out: [`Seen`], or nothing: the reading tells of something else, or what it says cannot be used, which is
//! counted by reason.   Never: decides whose herd it is.

use super::Engine;
use crate::fixes;
use crate::herd::{Seen, Source};
use crate::place::{Eye, Located, Unplaced, locate};
use model::{
    AnimalMark, Body, CaseZone, Device, DeviceKind, Matter, Notice, PanTilt, Place, Reading, Sighting, Species,
    Timestamp, Track, Trigger, What, ZoneKind,
};

impl Engine {
    /// What the reading says was seen, and where.
    pub(super) fn seen(&mut self, device: &Device, reading: &Reading) -> Option<Seen> {
        match &reading.body {
            Body::Heartbeat(heartbeat) => {
                if let Some(head) = heartbeat.pan_tilt {
                    self.state.heads.insert(device.id.clone(), head);
                }
                None
            }
            Body::Track(track) => self.tracked(device, reading, track),
            Body::Sighting(sighting) => self.sighted(device, reading, sighting),
            // On wheels, and told as a passage.
            Body::Report(report) if report.destination.is_some() => None,
            Body::Report(report) => {
                let species = report.species.unwrap_or(Species::Unknown);
                let located = Located {
                    position: report.position?,
                    spread: crate::geofence::Spread::round(self.settings.report_accuracy_m),
                };
                species.grazes().then(|| Seen {
                    count: report.count.unwrap_or(1),
                    species,
                    ..self.seen_by(device, reading, Source::Report, located)
                })
            }
            Body::Measurements(_) | Body::Snapshot(_) | Body::Fire(_) | Body::Clarity(_) | Body::Clock => None,
        }
    }

    /// Animals that pass a checkpoint: where they are bound for has to know (K 7, T 12).
    pub(super) fn passed(&self, device: &Device, reading: &Reading) -> Option<What> {
        let Body::Report(report) = &reading.body else { return None };
        let destination = report.destination.clone()?;
        let at = self.happened(device, reading);
        let position = report.position.or(device.place);
        let zones = position.map(|position| self.world.zones_at(position)).unwrap_or_default();
        let post = zones.iter().find(|zone| zone.kind == ZoneKind::Checkpoint);
        Some(What::Over(Notice {
            matter: Matter::Passage {
                species: report.species.unwrap_or(Species::Unknown),
                count: report.count,
                vehicle: report.vehicle.as_deref().unwrap_or_default().to_owned(),
            },
            devices: vec![device.id.clone()],
            devices_count: 1,
            zone: post.map(|zone| CaseZone { id: zone.id.clone(), name: zone.name.clone(), version: zone.version }),
            township: Some(destination),
            position,
            since: at,
            until: Some(at),
            late: reading.received_at.0.since(at) > self.settings.late_after,
        }))
    }

    fn tracked(&mut self, device: &Device, reading: &Reading, track: &Track) -> Option<Seen> {
        match device.kind {
            DeviceKind::Drone => {
                self.state.flights.entry(device.id.clone()).or_default().add(reading, track);
                None
            }
            DeviceKind::Collar => match fixes::judge(&mut self.state.trails, reading, track) {
                fixes::Verdict::Believed(position) => {
                    let spread = crate::geofence::Spread::round(self.settings.fix_accuracy_m(track));
                    Some(self.seen_by(device, reading, Source::Collar, Located { position, spread }))
                }
                fixes::Verdict::SetAside(reason) => {
                    self.asides.fix(reason.as_str());
                    None
                }
            },
            _ => None,
        }
    }

    fn sighted(&mut self, device: &Device, reading: &Reading, sighting: &Sighting) -> Option<Seen> {
        if !sighting.species.grazes() || sighting.confidence < self.settings.confidence_min {
            return None;
        }
        let head = self.head(device);
        if sighting.bounding_box.is_some_and(|seen| self.world.masks().hide(device, seen, head, reading.received_at.0))
        {
            self.asides.sighting(crate::masks::MASKED);
            return None;
        }
        let source = if device.kind == DeviceKind::Drone { Source::Drone } else { Source::Camera };
        let located = match self.located(device, reading, sighting.place) {
            Ok(located) => located,
            Err(unplaced) => {
                self.asides.sighting(unplaced.as_str());
                return None;
            }
        };
        Some(Seen {
            species: sighting.species,
            count: sighting.count,
            young: sighting.young,
            snapshot: sighting.snapshot_id.clone(),
            view: sighting.bounding_box.map(|seen| (seen, head)),
            animals: sighting.animals.clone(),
            ..self.seen_by(device, reading, source, located)
        })
    }

    /// Where a turning head looks, as it last said.
    fn head(&self, device: &Device) -> Option<PanTilt> {
        self.state.heads.get(&device.id).copied()
    }

    /// Where on the ground what a device saw is.
    pub(super) fn located(&self, device: &Device, reading: &Reading, place: Place) -> Result<Located, Unplaced> {
        let eye = || match device.kind {
            DeviceKind::Drone => {
                let flight = self.state.flights.get(&device.id).ok_or(Unplaced::NoTrack)?;
                Eye::of_drone(device, flight, reading.happened_at(), self.settings.drone_errors)
            }
            _ => Eye::of_camera(device, self.head(device), self.settings.camera_errors),
        };
        locate(place, eye, self.world.terrain(), self.settings.default_accuracy_m)
    }

    /// When it happened. A slow clock must not make what is seen now a thing of the past, and nothing is seen after we heard of it.
    pub(super) fn happened(&self, device: &Device, reading: &Reading) -> Timestamp {
        reading.happened_at().plus(self.state.fleet.clock_behind(&device.id)).min(reading.received_at.0)
    }

    /// What a device saw, as far as every way of seeing tells it.
    fn seen_by(&self, device: &Device, reading: &Reading, source: Source, located: Located) -> Seen {
        Seen {
            device: device.id.clone(),
            source,
            species: Species::Unknown,
            count: 1,
            young: 0,
            located,
            at: self.happened(device, reading),
            received_at: reading.received_at.0,
            offset: reading.offset,
            trigger: Trigger {
                device: device.id.clone(),
                kind: reading.body.kind(),
                seq: reading.seq,
                ts: reading.happened_at(),
            },
            snapshot: None,
            view: None,
            animals: match source {
                Source::Collar => AnimalMark::of_collar(&device.id).into_iter().collect(),
                Source::Camera | Source::Drone | Source::Report => Vec::new(),
            },
        }
    }
}
