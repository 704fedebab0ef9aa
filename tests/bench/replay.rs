//! The time machine: how fast `steppewatch replay` judges a day of a banner again, on one core.
//!
//! The journal of a day with so many readings is made first: collars of herds that graze and wander over borders, cameras that
//! see some of them, drones on patrol, stations, and the second hand. The bar is five million readings in a minute.

use super::figures::{Figure, children_cpu_seconds};
use super::platform::House;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use journal::Journal;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Channel, DeviceId, DeviceKind, Frame, ReadingKind, ReceivedAt, TenantId, Timestamp, Transport};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use registry::{NewDevice, Registry};
use serde_json::{Value, json};

const BENCH: &str = "detection";
/// A day of a banner.
const READINGS: u64 = 5_000_000;
/// How long it may take.
const BAR_S: f64 = 60.0;
/// 2026-05-01 in Hexigten: the spring closure holds.
const DAY: (&str, &str) = ("2026-05-01", "2026-05-02");
const BEGUN_MS: i64 = 1_777_564_800_000;
const DAY_MS: i64 = 86_400_000;
const HERDS: usize = 500;
const COLLARS_OF_HERD: usize = 10;
const CAMERAS: usize = 100;
const DRONES: usize = 10;
const STATIONS: usize = 100;
const ZONES: usize = 200;
/// Written together.
const BATCH: usize = 2_000;

/// Runs it; `READINGS` says how many (five million).
pub async fn run() -> Result<()> {
    let readings =
        std::env::var("READINGS").ok().map_or(Ok(READINGS), |text| text.parse()).context("READINGS is no number")?;
    let house = House::new(0)?;
    register(&house).await?;
    eprintln!("{BENCH}: writing a journal of {readings} readings");
    Writer::new(&house)?.write(readings).await?;
    let before = children_cpu_seconds();
    // Other rules, so that both sides have to be judged.
    std::fs::write(house.file("rules.toml"), include_str!("../../ingest/registry/rules/hexigten.toml"))?;
    let rules = house.file("rules.toml").display().to_string();
    let said = house.tell(&["replay", "--from", DAY.0, "--to", DAY.1, "--rules", &rules, "--json"]).await?;
    let seconds = children_cpu_seconds() - before;
    let said: Value = serde_json::from_str(&said)?;
    let judged = said["entries"].as_f64().context("no number of entries")?;
    let incidents = said["alike"].as_u64().unwrap_or_default();
    ensure!(incidents > 0, "the day has nothing to tell: {said}");
    eprintln!(
        "{BENCH}: {judged} entries with {incidents} incidents judged under two calendars in {seconds:.1} s of one core"
    );
    let figure = |metric, value, unit| {
        let set = "day of a banner, judged under two calendars";
        Figure { bench: BENCH, metric, value, unit, set, peer: None }.print();
    };
    figure("replay_readings_per_s", judged / seconds, "1/s");
    Figure {
        bench: BENCH,
        metric: "replay_5m_readings_s",
        value: seconds * READINGS as f64 / judged,
        unit: "s",
        set: "day of a banner, judged under two calendars",
        peer: Some(("bar", BAR_S)),
    }
    .print();
    Ok(())
}

/// The devices, and zones over which some of the herds wander.
async fn register(house: &House) -> Result<()> {
    let registry = Registry::open(&house.data().join("registry.db"), model::Clock::system())?;
    let named = |prefix: &str, count: usize, kind| -> Result<Vec<NewDevice>> {
        (0..count).map(|number| Ok(NewDevice::new(DeviceId::parse(&format!("{prefix}-{number}"))?, kind))).collect()
    };
    for (prefix, count, kind) in [
        ("collar", HERDS * COLLARS_OF_HERD, DeviceKind::Collar),
        ("camera", CAMERAS, DeviceKind::Camera),
        ("drone", DRONES, DeviceKind::Drone),
        ("station", STATIONS, DeviceKind::Station),
    ] {
        registry.add_devices(&named(prefix, count, kind)?, "bench")?;
    }
    drop(registry);
    let file = house.file("zones.geojson");
    let features: Vec<Value> = (0..ZONES).map(zone).collect();
    std::fs::write(&file, json!({"type": "FeatureCollection", "features": features}).to_string())?;
    house.tell(&["zones", "import", &file.display().to_string(), "--in-force", "2026-01-01"]).await?;
    Ok(())
}

/// Where a herd has its home, degrees: a grid over the banner.
fn home(herd: usize) -> (f64, f64) {
    let (row, column) = (herd / 25, herd % 25);
    (42.5 + row as f64 * 0.08, 116.4 + column as f64 * 0.08)
}

/// A zone of 120 corners, two kilometres wide, so placed beside a herd's home that it wanders in and out.
fn zone(number: usize) -> Value {
    let (lat, lon) = home(number * 2);
    let (lat, lon) = (lat + 0.012, lon);
    let corner = |step: usize| {
        let angle = step as f64 / 120.0 * std::f64::consts::TAU;
        let wobble = 1.0 + 0.1 * (angle * 7.0).sin();
        json!([lon + 0.0123 * wobble * angle.cos(), lat + 0.009 * wobble * angle.sin()])
    };
    let ring: Vec<Value> = (0..120).chain([0]).map(corner).collect();
    let kind = if number.is_multiple_of(4) { "balance" } else { "no-grazing" };
    json!({
        "type": "Feature",
        "properties": {"id": format!("zone-{number}"), "name": format!("zone {number}"), "kind": kind, "township": "150425100"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    })
}

struct Writer {
    journal: std::sync::Arc<SqliteJournal>,
    random: SmallRng,
    waiting: Vec<Frame>,
    seq: u64,
}

impl Writer {
    fn new(house: &House) -> Result<Self> {
        let options = SqliteOptions { tenant: Some(TenantId::parse("hexigten")?), ..SqliteOptions::default() };
        let journal = SqliteJournal::open(&house.data().join("journal.db"), options)?;
        Ok(Self { journal, random: SmallRng::seed_from_u64(1), waiting: Vec::new(), seq: 0 })
    }

    /// So many readings, evenly over the day. Of a hundred, 72 are fixes of collars, 17 of drones, 6 animals in pictures, and the rest
    /// signs of life and measurements, beside the second hand.
    async fn write(mut self, readings: u64) -> Result<()> {
        let mut second_ms = BEGUN_MS;
        let mut turn = [0usize; 5];
        for number in 0..readings {
            let at_ms = BEGUN_MS + (number as f64 / readings as f64 * DAY_MS as f64) as i64;
            while second_ms <= at_ms {
                self.say(DeviceId::platform(), Channel::Clock, String::new(), second_ms).await?;
                second_ms += 1_000;
            }
            let kind = match number % 100 {
                0..72 => 0,
                72..89 => 1,
                89..95 => 2,
                95..98 => 3,
                _ => 4,
            };
            let next = turn[kind];
            turn[kind] += 1;
            let (device, topic, body) = self.body(kind, next, at_ms);
            let channel = Channel::Native { kind: topic, detail: "".into() };
            let ts = at_ms - 200;
            self.say(DeviceId::parse(&device)?, channel, format!(r#"{{"ts":{ts},"seq":{number},{body}}}"#), at_ms)
                .await?;
        }
        self.flush().await?;
        self.journal.close();
        Ok(())
    }

    fn body(&mut self, kind: usize, next: usize, at_ms: i64) -> (String, ReadingKind, String) {
        let noise = |random: &mut SmallRng, metres: f64| (random.random::<f64>() - 0.5) * metres / 111_000.0;
        match kind {
            0 => {
                let collar = next % (HERDS * COLLARS_OF_HERD);
                let (lat, lon) = self.herd_at(collar / COLLARS_OF_HERD, at_ms);
                let (lat, lon) = (lat + noise(&mut self.random, 120.0), lon + noise(&mut self.random, 120.0));
                (
                    format!("collar-{collar}"),
                    ReadingKind::Track,
                    format!(r#""lat":{lat:.7},"lon":{lon:.7},"accuracy_m":6,"battery_percent":71"#),
                )
            }
            1 => {
                let drone = next % DRONES;
                let along = (at_ms - BEGUN_MS) as f64 / 1_000.0 * 12.0 / 111_000.0 % 1.0;
                let lat = 42.6 + drone as f64 * 0.15;
                (
                    format!("drone-{drone}"),
                    ReadingKind::Track,
                    format!(
                        r#""lat":{lat:.7},"lon":{:.7},"height_m":110,"speed_mps":12,"heading_deg":90,"gimbal":{{"pitch_deg":-60,"yaw_deg":90,"roll_deg":0}}"#,
                        116.4 + along
                    ),
                )
            }
            2 => {
                let camera = next % CAMERAS;
                let (lat, lon) = self.herd_at(camera * (HERDS / CAMERAS), at_ms);
                let (lat, lon) = (lat + noise(&mut self.random, 60.0), lon + noise(&mut self.random, 60.0));
                let count = 30 + next % 9;
                (
                    format!("camera-{camera}"),
                    ReadingKind::Sighting,
                    format!(
                        r#""species":"sheep","count":{count},"confidence":0.8,"lat":{lat:.7},"lon":{lon:.7},"accuracy_m":20"#
                    ),
                )
            }
            3 => (
                format!("camera-{}", next % CAMERAS),
                ReadingKind::Heartbeat,
                r#""status":"ok","battery_percent":80"#.into(),
            ),
            _ => (
                format!("station-{}", next % STATIONS),
                ReadingKind::Reading,
                r#""values":{"grass_height_cm":12.5,"soil_moisture_percent":18.2,"air_temperature_c":9.1}"#.into(),
            ),
        }
    }

    /// A herd's middle: it goes out from home and comes back, two kilometres in some hours.
    fn herd_at(&self, herd: usize, at_ms: i64) -> (f64, f64) {
        let (lat, lon) = home(herd);
        let hours = (at_ms - BEGUN_MS) as f64 / 3_600_000.0 + herd as f64;
        (
            lat + 0.01 * (hours / 5.0 * std::f64::consts::TAU).sin(),
            lon + 0.008 * (hours / 7.0 * std::f64::consts::TAU).cos(),
        )
    }

    async fn say(&mut self, device: DeviceId, channel: Channel, payload: String, at_ms: i64) -> Result<()> {
        let transport = if channel == Channel::Clock { Transport::Platform } else { Transport::Mqtt };
        let received_at = ReceivedAt(Timestamp::from_millis(at_ms));
        self.waiting.push(Frame {
            speaker: device.clone(),
            device,
            channel,
            transport,
            payload: Bytes::from(payload),
            received_at,
        });
        self.seq += 1;
        if self.waiting.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        self.journal.append_all(std::mem::take(&mut self.waiting)).await?;
        Ok(())
    }
}
