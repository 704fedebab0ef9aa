//! A power cut in the middle of the work, again and again: what was acknowledged is there as it was sent, what was not
//! sent is not, and who is told is told of each thing once.

use anyhow::{Context, Result};
use firmware_sim::receiver::{Behaviour, Delivery, Receiver};
use journal::sqlite::SqliteJournal;
use journeys::{Device, PATIENCE, Platform};
use model::{Channel, Offset};
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, Outgoing, QoS};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

const CAMERAS: usize = 10;
const DRONES: usize = 10;
const HERDS_PER_CAMERA: usize = 5;
const MESSAGES_EACH: usize = 3_000;
const MESSAGES: usize = (CAMERAS + DRONES) * MESSAGES_EACH;
/// Messages of one client that are on the way at once; the gate lets it have 64.
const IN_FLIGHT: usize = 8;
const CRASHES: usize = 5;
const HERDS: usize = CAMERAS * HERDS_PER_CAMERA;
const OPENED: &str = "steppewatch.incident.opened";
const UPDATED: &str = "steppewatch.incident.updated";

/// A strip for each camera, closed all year.
fn zones() -> String {
    let strip = |camera: usize| {
        let (south, north) = (43.0 + 0.06 * camera as f64, 43.05 + 0.06 * camera as f64);
        json!({"type": "Feature",
               "properties": {"id": format!("zone-{camera}"), "name": format!("禁牧区{camera}"), "kind": "no-grazing", "township": "150425100"},
               "geometry": {"type": "Polygon", "coordinates": [[[117.0, south], [117.2, south], [117.2, north], [117.0, north], [117.0, south]]]}})
    };
    json!({"type": "FeatureCollection", "features": (0..CAMERAS).map(strip).collect::<Vec<_>>()}).to_string()
}

/// A camera looks at one herd after the other, kilometres apart, so that incidents open at any time of the run; each herd
/// doubles half-way, which is told too.
fn sighting(camera: usize, number: usize, now_ms: i64) -> Value {
    let each = MESSAGES_EACH / HERDS_PER_CAMERA;
    let (herd, count) = (number / each, if number % each < each / 2 { 40 } else { 80 });
    json!({"ts": now_ms + number as i64, "seq": number, "track_id": format!("{camera}/{number}"), "species": "sheep", "count": count,
           "confidence": 0.9, "lat": 43.025 + 0.06 * camera as f64, "lon": 117.02 + 0.035 * herd as f64, "accuracy_m": 8.0})
}

fn track(drone: usize, number: usize, now_ms: i64) -> Value {
    let lat = 44.0 + number as f64 / 100_000.0;
    json!({"ts": now_ms + number as i64, "seq": number, "flight_id": format!("{drone}/{number}"), "lat": lat, "lon": 118.0, "height_m": 80.0})
}

pub(crate) struct Message {
    payload: Vec<u8>,
    /// How often it was given to a connection; how often it reached the wire is at most that.
    handed_over: usize,
    pub(crate) acknowledged: bool,
}

/// A device that says all it has to say, on as many connections as it takes.
pub(crate) struct Speaker {
    device: Device,
    kind: &'static str,
    pub(crate) messages: Vec<Message>,
}

impl Speaker {
    pub(crate) fn new(device: Device, kind: &'static str, said: impl Iterator<Item = Value>) -> Self {
        let message = |said: Value| Message { payload: said.to_string().into(), handed_over: 0, acknowledged: false };
        Self { device, kind, messages: said.map(message).collect() }
    }

    /// Speaks until everything is acknowledged. `lives` counts the platform's starts: a client that knocked at a port where
    /// nobody listens could be given that very port as its own and keep the platform from coming back.
    pub(crate) async fn speak(
        mut self,
        platform: Arc<str>,
        mut lives: watch::Receiver<usize>,
        heard: Arc<watch::Sender<usize>>,
    ) -> Result<Self> {
        while self.messages.iter().any(|message| !message.acknowledged) {
            lives.borrow_and_update();
            if self.connection(&platform, &heard).await.is_err() {
                lives.changed().await.context("the platform came back no more")?;
            }
        }
        Ok(self)
    }

    /// One connection, from what is not acknowledged yet to the end or to the crash.
    async fn connection(&mut self, platform: &str, heard: &watch::Sender<usize>) -> Result<()> {
        let (client, mut events) = self.client(platform)?;
        let all = self.messages.iter().enumerate();
        let mut to_say: VecDeque<usize> =
            all.filter(|(_, message)| !message.acknowledged).map(|(number, _)| number).collect();
        let mut handed_over = VecDeque::new();
        let mut on_the_way: HashMap<u16, usize> = HashMap::new();
        while !(to_say.is_empty() && handed_over.is_empty() && on_the_way.is_empty()) {
            while handed_over.len() + on_the_way.len() < IN_FLIGHT
                && let Some(number) = to_say.pop_front()
            {
                let topic = format!("steppe/v1/hexigten/{}/{}", self.device.id, self.kind);
                let message = &mut self.messages[number];
                message.handed_over += 1;
                client.try_publish(topic, QoS::AtLeastOnce, false, message.payload.clone())?;
                handed_over.push_back(number);
            }
            match events.poll().await? {
                Event::Outgoing(Outgoing::Publish(packet)) => {
                    on_the_way
                        .insert(packet, handed_over.pop_front().context("the client sent what it was not given")?);
                }
                Event::Incoming(Incoming::PubAck(ack)) => {
                    let number = on_the_way.remove(&ack.pkid).context("acknowledged what was not sent")?;
                    self.messages[number].acknowledged = true;
                    heard.send_modify(|heard| *heard += 1);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn client(&self, platform: &str) -> Result<(AsyncClient, EventLoop)> {
        let (host, port) = platform.rsplit_once(':').context("no address")?;
        let mut options = MqttOptions::new(&self.device.id, host, port.parse()?);
        options.set_credentials(&self.device.id, &self.device.secret);
        Ok(AsyncClient::new(options, IN_FLIGHT))
    }
}

async fn speakers(platform: &Platform) -> Result<Vec<Speaker>> {
    let now_ms = firmware_sim::clock::now_ms() - 10_000;
    let mut speakers = Vec::new();
    for camera in 0..CAMERAS {
        let device = platform.device(&format!("cam-{camera}"), "camera", &[]).await?;
        speakers.push(Speaker::new(
            device,
            "sighting",
            (0..MESSAGES_EACH).map(|number| sighting(camera, number, now_ms)),
        ));
    }
    for drone in 0..DRONES {
        let device = platform.device(&format!("drone-{drone}"), "drone", &[]).await?;
        speakers.push(Speaker::new(device, "track", (0..MESSAGES_EACH).map(|number| track(drone, number, now_ms))));
    }
    Ok(speakers)
}

/// A receiver with bad moments, so that there is always something left to be told when the power goes.
fn moods() -> impl Iterator<Item = Behaviour> {
    [Behaviour::Ok, Behaviour::Status(503), Behaviour::Ok, Behaviour::Ok, Behaviour::Reset].into_iter().cycle().take(40)
}

#[tokio::test(flavor = "multi_thread")]
async fn five_power_cuts_under_load_lose_nothing_acknowledged_invent_nothing_and_tell_nothing_twice() {
    let mut platform = Platform::prepare("").unwrap();
    platform.import(&zones()).await.unwrap();
    let speakers = speakers(&platform).await.unwrap();
    platform.run().await.unwrap();
    platform.keep_address().unwrap();
    let receiver = platform.operator().await.unwrap().receiver(moods()).await.unwrap();

    let (lives, alive) = watch::channel(1);
    let heard = Arc::new(watch::Sender::new(0));
    let mut talk = JoinSet::new();
    for speaker in speakers {
        talk.spawn(speaker.speak(platform.mqtt.as_str().into(), alive.clone(), Arc::clone(&heard)));
    }
    for crash in 1..=CRASHES {
        let enough = MESSAGES * crash / (CRASHES + 1);
        let mut heard = heard.subscribe();
        tokio::time::timeout(PATIENCE, heard.wait_for(|heard| *heard >= enough)).await.unwrap().unwrap();
        platform.kill().await.unwrap();
        platform.run().await.unwrap();
        lives.send_modify(|lives| *lives += 1);
    }
    let talked = tokio::time::timeout(PATIENCE, talk.join_all()).await.unwrap();
    let talked: Vec<Speaker> = talked.into_iter().map(Result::unwrap).collect();

    assert!(platform.stop().await.unwrap().success(), "{}", platform.log());
    let said = the_journal_holds_what_was_said(&platform, &talked);
    // What was not judged yet waits in the journal. Once it is, what is shown is all that there will ever be.
    platform.run().await.unwrap();
    let judged =
        |page: &str| page.lines().find_map(|line| line.strip_prefix("steppewatch_detect_cursor ")?.parse().ok());
    platform.wait_for_metrics(|page| judged(page) >= Some(said.0)).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let told = tokio::time::timeout(PATIENCE, everything_told(&receiver)).await;
    let told = told.unwrap_or_else(|_| receiver.deliveries());
    let incidents = operator.items("/incidents?limit=1000").await.unwrap();
    each_herd_is_one_incident_told_once(&incidents, &told);
}

/// Waits until each herd's opening and doubling have been taken; all requests by then.
async fn everything_told(receiver: &Receiver) -> Vec<Delivery> {
    let mut come = Vec::new();
    loop {
        let taken = |type_: &str| {
            let of_type = come.iter().filter(|one: &&Delivery| one.accepted() && one.type_ == type_);
            of_type.map(|one| one.json()["data"]["id"].to_string()).collect::<BTreeSet<_>>().len()
        };
        if taken(OPENED) >= HERDS && taken(UPDATED) >= HERDS {
            return come;
        }
        come = receiver.wait_for(come.len() as u64 + 1).await;
    }
}

fn each_herd_is_one_incident_told_once(incidents: &[Value], told: &[Delivery]) {
    // By incident and type: the ids under which it was told, and the first time that it was taken.
    let mut ids: BTreeMap<(String, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut taken: Vec<(String, &str)> = Vec::new();
    for delivery in told {
        assert!(delivery.verified, "{delivery:?}");
        let about = (delivery.json()["data"]["id"].as_str().unwrap().to_owned(), delivery.type_.as_str());
        ids.entry(about.clone()).or_default().insert(&delivery.id);
        if delivery.accepted() && !taken.contains(&about) {
            taken.push(about);
        }
    }
    let mut places = BTreeSet::new();
    let mut expected = BTreeMap::new();
    for incident in incidents {
        let id = incident["id"].as_str().unwrap();
        // No herd has left, so none may be called gone.
        assert_eq!(incident["ended_at"], Value::Null, "{incident}");
        places.insert(incident["position"].to_string());
        for type_ in [OPENED, UPDATED] {
            expected.insert((id.to_owned(), type_), 1);
        }
        let turn = |type_| taken.iter().position(|about| *about == (id.to_owned(), type_));
        let (opened, updated) = (turn(OPENED), turn(UPDATED));
        assert!(opened.is_some() && opened < updated, "{id}: {opened:?} {updated:?}");
    }
    assert_eq!((incidents.len(), places.len()), (HERDS, HERDS), "each herd is one incident");
    let times: BTreeMap<_, _> = ids.iter().map(|(about, ids)| (about.clone(), ids.len())).collect();
    assert_eq!(times, expected, "how many webhook-ids each alert was told under");
}

/// Holds the journal against what was sent; its last entry.
fn the_journal_holds_what_was_said(platform: &Platform, talked: &[Speaker]) -> Offset {
    let journal = SqliteJournal::open_read_only(&platform.data().join("journal.db")).unwrap();
    journal.verify().unwrap();
    let mut kept: HashMap<Vec<u8>, Vec<(String, Channel)>> = HashMap::new();
    let mut read = Offset(0);
    loop {
        let entries = journal.read(read, 1_000).unwrap();
        let Some(last) = entries.last() else { break };
        read = last.offset;
        for entry in entries.into_iter().filter(|entry| entry.frame.channel != Channel::Clock) {
            let from = (entry.frame.device.to_string(), entry.frame.channel);
            kept.entry(entry.frame.payload.to_vec()).or_default().push(from);
        }
    }
    for speaker in talked {
        for message in &speaker.messages {
            let text = String::from_utf8_lossy(&message.payload);
            assert!(message.acknowledged, "{text} was never acknowledged");
            let kept = kept.remove(&message.payload).unwrap_or_default();
            assert!(!kept.is_empty(), "{text} of {} was acknowledged and is lost", speaker.device.id);
            assert!(kept.len() <= message.handed_over, "{text} is there more often than it was sent");
            let as_sent = |(device, channel): &(String, Channel)| {
                let kind = matches!(channel, Channel::Native { kind, detail } if kind.as_str() == speaker.kind && detail.is_empty());
                *device == speaker.device.id && kind
            };
            assert!(kept.iter().all(as_sent), "{text} of {} became {kept:?}", speaker.device.id);
        }
    }
    assert!(kept.is_empty(), "nobody sent {kept:?}");
    let again = talked.iter().flat_map(|speaker| &speaker.messages).filter(|message| message.handed_over > 1).count();
    assert!(again > 0, "no power cut met a message on its way: this run has shown nothing");
    read
}
