//! Plays a trial of the simulator through the platform's own decoder and engine, in memory.
//!
//! In:  a [`Trial`].   Out: [`Played`]: its incidents as an operator would have them, and each position with the stated
//! probability of being inside beside the truth.
//!
//! As the platform would: entries in their order, the second hand between them, a new world when zones change. The truth is
//! the simulator's; nothing here decides where an animal was.

use anyhow::{Context, Result};
use bytes::Bytes;
use detect::place::{Eye, Flight, Located, Unplaced, locate};
use detect::{Engine, Settings, World, geofence::Spread};
use firmware_sim::SimDevice;
use firmware_sim::ground::LatLon;
use firmware_sim::score::{Incident, Judged, Trace};
use firmware_sim::trial::{Edition, Said, Trial};
use ingest::decode::{Decoder, Said as Heard};
use model::{
    Body, Case, Channel, ClosureCalendar, ClosureLevel, ClosureRule, Device, DeviceId, DeviceKind, Entry, Frame,
    LandClass, MonthDay, Offset, PanTilt, Polygon, Pose, Position, Reading, ReadingKind, ReceivedAt, Timestamp,
    Transport, What, Zone, ZoneId, ZoneKind,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What came of a trial.
pub struct Played {
    /// Every incident as it stood at the end.
    pub incidents: Vec<Incident>,
    /// Every position that was told, for each zone near it.
    pub judged: Vec<Judged>,
    /// When what was seen was stated to be inside by at least 0.9, by the true clock.
    pub sure_ms: Vec<i64>,
    /// Entries that were no news: repetitions and what is not understood.
    pub not_news: usize,
}

/// Plays it.
pub fn play(trial: &Trial) -> Result<Played> {
    play_with_restarts(trial, 0)
}

/// Plays it on a platform that is ended and started again so many times, evenly over the trial.
pub fn play_with_restarts(trial: &Trial, restarts: i64) -> Result<Played> {
    let restart_every_ms = (trial.to_ms - trial.from_ms) / (restarts + 1);
    let mut restart_ms = trial.from_ms + restart_every_ms;
    let mut platform = Platform::new(trial)?;
    let mut second_ms = trial.from_ms;
    let mut said = trial.said.iter().peekable();
    let mut editions = trial.land.editions.iter().skip(1).peekable();
    while second_ms <= trial.to_ms {
        while let Some(next) = said.next_if(|next| next.arrived_ms < second_ms) {
            platform.hear(trial, next)?;
        }
        if let Some(edition) = editions.next_if(|edition| edition.from_ms <= second_ms) {
            platform.publish(trial, edition, second_ms)?;
        }
        platform.tick(second_ms);
        if restarts > 0 && second_ms >= restart_ms {
            platform.restart()?;
            restart_ms += restart_every_ms;
        }
        second_ms += 1_000;
    }
    let Platform { cases, judged, sure_ms, not_news, .. } = platform;
    Ok(Played { incidents: cases.into_values().collect(), judged, sure_ms, not_news })
}

struct Platform {
    engine: Engine,
    decoder: Decoder,
    offset: u64,
    cases: BTreeMap<String, Incident>,
    judged: Vec<Judged>,
    sure_ms: Vec<i64>,
    not_news: usize,
    heads: BTreeMap<DeviceId, PanTilt>,
    flights: BTreeMap<DeviceId, Flight>,
}

impl Platform {
    fn new(trial: &Trial) -> Result<Self> {
        let first = trial.land.editions.first().context("the trial has no land")?;
        Ok(Self {
            engine: Engine::new(Settings::default(), world(trial, first)?),
            decoder: Decoder::default(),
            offset: 0,
            cases: BTreeMap::new(),
            judged: Vec::new(),
            sure_ms: Vec::new(),
            not_news: 0,
            heads: BTreeMap::new(),
            flights: BTreeMap::new(),
        })
    }

    /// What a start finds: the state that was kept, and the land and the devices in the registry.
    fn restart(&mut self) -> Result<()> {
        let saved = self.engine.save();
        self.engine = Engine::restore(Settings::default(), Arc::clone(self.engine.world()), &saved)?;
        Ok(())
    }

    fn entry(&mut self, device: DeviceId, channel: Channel, payload: Bytes, arrived_ms: i64) -> Entry {
        self.offset += 1;
        let transport = if channel == Channel::Clock { Transport::Platform } else { Transport::Mqtt };
        let received_at = ReceivedAt(Timestamp::from_millis(arrived_ms));
        let frame = Frame { speaker: device.clone(), device, channel, transport, payload, received_at };
        Entry { offset: Offset(self.offset), frame }
    }

    fn tick(&mut self, now_ms: i64) {
        let entry = self.entry(DeviceId::platform(), Channel::Clock, Bytes::new(), now_ms);
        if let Heard::News(reading) = self.decoder.take(&entry) {
            let found = self.engine.observe(&reading);
            self.keep(found, now_ms);
        }
    }

    fn hear(&mut self, trial: &Trial, said: &Said) -> Result<()> {
        let kind = ReadingKind::of_native_topic(said.kind).context("no native kind")?;
        let channel = Channel::Native { kind, detail: Arc::from("") };
        let entry = self.entry(DeviceId::parse(&said.device)?, channel, said.payload.clone(), said.arrived_ms);
        let Heard::News(reading) = self.decoder.take(&entry) else {
            self.not_news += 1;
            return Ok(());
        };
        self.judge(trial, said, &reading);
        let found = self.engine.observe(&reading);
        self.keep(found, said.arrived_ms);
        Ok(())
    }

    fn publish(&mut self, trial: &Trial, edition: &Edition, now_ms: i64) -> Result<()> {
        self.offset += 1;
        let found = self.engine.set_world(world(trial, edition)?, Offset(self.offset));
        self.keep(found, now_ms);
        Ok(())
    }

    fn keep(&mut self, found: Vec<model::Finding>, now_ms: i64) {
        for finding in found {
            let (case, ended) = match finding.what {
                What::Opened(case) | What::Grew(case) | What::SeenAgain(case) => (case, false),
                What::Ended(case) => (case, true),
                What::Withdrawn(case) => {
                    self.cases.remove(&case.id.to_string());
                    continue;
                }
                // Not about a herd.
                _ => continue,
            };
            let known = self.cases.entry(case.id.to_string()).or_insert_with(|| opened(&case, now_ms));
            known.first_seen_ms = case.first_seen.as_millis();
            known.last_seen_ms = case.last_seen.as_millis();
            known.sheep_units =
                (case.sheep_units.low as f64, case.sheep_units.at_most().map_or(f64::INFINITY, |units| units as f64));
            if !ended {
                known.trace.push(trace(&case));
            }
        }
    }

    /// What the engine makes of a position, beside the truth. The eye's own memory is kept here as the engine keeps it.
    fn judge(&mut self, trial: &Trial, said: &Said, reading: &Reading) {
        let Some(located) = self.located(reading) else { return };
        let Some(place) = said.place else { return };
        let world = self.engine.world();
        for (number, probability) in world.fence().probabilities(located.position, located.spread) {
            let Some(zone) = world.zone(number) else { continue };
            let inside = trial.land.is_in(zone.id.as_str(), place, said.happened_ms);
            self.judged.push(Judged { probability, inside });
            if probability >= Settings::default().confirmed_probability.camera {
                self.sure_ms.push(said.happened_ms);
            }
        }
    }

    fn located(&mut self, reading: &Reading) -> Option<Located> {
        let settings = Settings::default();
        let device = self.engine.world().device(&reading.device)?;
        match &reading.body {
            Body::Heartbeat(heartbeat) => {
                self.heads.insert(reading.device.clone(), heartbeat.pan_tilt?);
                None
            }
            Body::Track(track) if device.kind == DeviceKind::Drone => {
                self.flights.entry(reading.device.clone()).or_default().add(reading, track);
                None
            }
            Body::Track(track) => {
                let spread = Spread::round(settings.fix_accuracy_m(track));
                Some(Located { position: track.position?, spread })
            }
            Body::Sighting(sighting) => {
                let eye = || match device.kind {
                    DeviceKind::Drone => {
                        let flight = self.flights.get(&reading.device).ok_or(Unplaced::NoTrack)?;
                        Eye::of_drone(device, flight, reading.happened_at(), settings.drone_errors)
                    }
                    _ => Eye::of_camera(device, self.heads.get(&reading.device).copied(), settings.camera_errors),
                };
                let relief = self.engine.world().terrain();
                locate(sighting.place, eye, relief, settings.default_accuracy_m).ok()
            }
            _ => None,
        }
    }
}

fn opened(case: &Case, now_ms: i64) -> Incident {
    Incident {
        id: case.id.to_string(),
        first_seen_ms: case.first_seen.as_millis(),
        last_seen_ms: case.last_seen.as_millis(),
        opened_ms: Some(now_ms),
        sheep_units: (0.0, 0.0),
        trace: Vec::new(),
    }
}

fn trace(case: &Case) -> Trace {
    let place = LatLon { lat: case.position.lat_deg(), lon: case.position.lon_deg() };
    Trace { at_ms: case.last_seen.as_millis(), place, accuracy_m: case.accuracy_m }
}

fn world(trial: &Trial, edition: &Edition) -> Result<Arc<World>> {
    let devices = trial.devices.iter().map(device).collect::<Result<Vec<_>>>()?;
    let devices = devices.into_iter().map(|device| (device.id.clone(), device)).collect();
    let version = trial.land.editions.iter().position(|other| other == edition).unwrap_or_default() as u32 + 1;
    let zones = zones(&trial.land.geojson(edition), version)?;
    let calendar = ClosureCalendar { rules: rules(trial)?, ..ClosureCalendar::default() };
    World::new(devices, zones, calendar).map(Arc::new).context("the zones cannot be indexed")
}

fn device(device: &SimDevice) -> Result<Device> {
    let pose = match (device.height_m, device.yaw_deg, device.pitch_deg, device.hfov_deg) {
        (Some(height_m), Some(yaw_deg), Some(pitch_deg), Some(hfov_deg)) => {
            Some(Pose { height_m, yaw_deg, pitch_deg, hfov_deg })
        }
        _ => None,
    };
    let place = device.lat.zip(device.lon).map(|(lat, lon)| Position::parse(lat, lon)).transpose()?;
    Ok(Device {
        place,
        pose,
        cadence: Duration::from_secs(device.cadence_s),
        ..Device::new(DeviceId::parse(&device.id)?, DeviceKind::parse(device.kind).context("no kind")?)
    })
}

fn zones(geojson: &str, version: u32) -> Result<Vec<Arc<Zone>>> {
    let collection: serde_json::Value = serde_json::from_str(geojson)?;
    let features = collection.get("features").and_then(serde_json::Value::as_array).context("no features")?;
    let zone = |feature: &serde_json::Value| -> Option<Zone> {
        let text = |key: &str| feature.get("properties")?.get(key)?.as_str();
        let ring = feature.get("geometry")?.get("coordinates")?.get(0)?.as_array()?;
        let corner = |at: &serde_json::Value| {
            let position = Position::parse(at.get(1)?.as_f64()?, at.get(0)?.as_f64()?).ok()?;
            Some(model::GeoPoint::from(position))
        };
        let exterior = ring.iter().skip(1).map(corner).collect::<Option<Vec<_>>>()?;
        Some(Zone {
            id: ZoneId::parse(text("id")?).ok()?,
            name: text("name")?.to_owned(),
            kind: ZoneKind::parse(text("kind")?)?,
            land_class: LandClass::Grassland,
            township: None,
            enforcement_body: None,
            legal_basis: String::new(),
            area_mu: None,
            capacity_sheep_units: None,
            version,
            in_force_from: Timestamp::default(),
            in_force_to: None,
            known_from: Timestamp::default(),
            reason: String::new(),
            published_by: String::new(),
            polygons: vec![Polygon { exterior, holes: Vec::new() }],
        })
    };
    features.iter().map(|feature| zone(feature).map(Arc::new).context("a feature is no zone")).collect()
}

fn rules(trial: &Trial) -> Result<Vec<ClosureRule>> {
    let day = |(month, day): (u32, u32)| -> Result<MonthDay> {
        Ok(MonthDay { month: i8::try_from(month)?, day: i8::try_from(day)? })
    };
    let rule = |name: &str, kind, season| ClosureRule {
        name: name.to_owned(),
        kinds: vec![kind],
        townships: Vec::new(),
        zones: Vec::new(),
        land_classes: Vec::new(),
        season,
        effective_from: None,
        effective_to: None,
        level: ClosureLevel::Enforce,
        legal_basis: String::new(),
        fine_yuan_per_sheep_unit: 120,
    };
    let mut rules = vec![rule("closed", ZoneKind::NoGrazing, None)];
    if let Some((first, last)) = trial.land.season {
        rules.push(rule("rest", ZoneKind::Balance, Some((day(first)?, day(last)?))));
    }
    Ok(rules)
}
