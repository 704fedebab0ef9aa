//! Ten thousand alerts for three receivers with bad habits, through one power cut after the other: each receiver takes each alert under one
//! id, in the order of its case, and hears it again only where its answer was lost.

use crate::crash::Speaker;
use anyhow::{Result, bail};
use firmware_sim::receiver::{Behaviour, Delivery, Moods, Receiver};
use firmware_sim::rng::Rng;
use journeys::{Operator, Platform};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

const SEED: u64 = 20_261_126;
const CAMERAS: usize = 10;
const HERDS_PER_CAMERA: usize = 100;
const CASES: usize = CAMERAS * HERDS_PER_CAMERA;
const SIGHTINGS: usize = 3;
const KILLS: usize = 6;
/// People at the desk.
const OPERATORS: usize = 16;
/// A share of each receiver's requests is treated badly.
const BAD_SHARE: f64 = 0.08;
/// So long the platform waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(1);
/// So many attempts to one receiver are under way at once; a power cut takes the knowledge of no more.
const ATTEMPTS_EACH: usize = 8;
/// Far more than it takes.
const PATIENCE: Duration = Duration::from_secs(400);
const EVENTS: [&str; 3] =
    ["steppewatch.incident.opened", "steppewatch.incident.updated", "steppewatch.incident.closed"];
/// What is done to each case, and how it stands then. Each is told, and so is its opening: ten alerts a case.
const ACTS: [(&str, &str); 9] = [
    ("acknowledge", "acknowledged"),
    ("dispatch", "dispatched"),
    ("resolve", "resolved"),
    ("reopen", "open"),
    ("acknowledge", "acknowledged"),
    ("dispatch", "dispatched"),
    ("resolve", "resolved"),
    ("reopen", "open"),
    ("acknowledge", "acknowledged"),
];
const ALERTS: usize = CASES * (ACTS.len() + 1);

/// Who says no, who loses answers, who says yes in strange ways.
fn characters() -> [(&'static str, Vec<Behaviour>); 3] {
    let (late, slow) = (TIMEOUT * 3 / 2, TIMEOUT / 10);
    [
        (
            "refuses",
            vec![
                Behaviour::Status(500),
                Behaviour::Status(429),
                Behaviour::Redirect(307),
                Behaviour::Redirect(301),
                Behaviour::Hang,
            ],
        ),
        ("forgets to answer", vec![Behaviour::Reset, Behaviour::CutOff, Behaviour::Slow(late)]),
        ("answers oddly", vec![Behaviour::OkBut(1), Behaviour::Slow(slow), Behaviour::Status(503), Behaviour::Reset]),
    ]
}

/// One closed zone with room for all herds.
fn zone() -> String {
    let ring = json!([[[116.9, 42.9], [118.1, 42.9], [118.1, 44.1], [116.9, 44.1], [116.9, 42.9]]]);
    let zone = json!({"type": "Feature", "properties": {"id": "z", "name": "禁牧区", "kind": "no-grazing", "township": "150425100"},
                      "geometry": {"type": "Polygon", "coordinates": ring}});
    json!({"type": "FeatureCollection", "features": [zone]}).to_string()
}

/// A camera sees one herd after the other, three times each, farther apart than a herd walks.
fn sighting(camera: usize, number: usize, now_ms: i64) -> Value {
    let herd = camera * HERDS_PER_CAMERA + number / SIGHTINGS;
    let (lat, lon) = (43.0 + (herd / 32) as f64 * 0.03, 117.0 + (herd % 32) as f64 * 0.03);
    json!({"ts": now_ms + number as i64, "seq": number, "track_id": format!("{camera}/{number}"), "species": "sheep", "count": 40,
           "confidence": 0.9, "lat": lat, "lon": lon, "accuracy_m": 8.0})
}

/// What a receiver knows of what it was sent.
#[derive(Default)]
struct Ledger {
    /// Of each id that it took the case, and which line of the case's history is the newest.
    taken: HashMap<String, (String, usize)>,
    /// By case: those lines in the order in which it took them.
    order: HashMap<String, Vec<usize>>,
    /// Ids to which it said yes, whole and in time.
    said_yes: HashSet<String>,
    /// Ids that came again all the same.
    after_yes: Vec<String>,
    /// How often it did what.
    treated: BTreeMap<String, usize>,
    /// What must not be.
    wrong: Vec<String>,
}

impl Ledger {
    fn note(&mut self, delivery: &Delivery, case: &str, line: usize) {
        *self.treated.entry(format!("{:?}", delivery.behaviour)).or_default() += 1;
        if !delivery.verified || delivery.path != "/" {
            self.wrong.push(format!("not ours, or not for here: {delivery:?}"));
            return;
        }
        if self.said_yes.contains(&delivery.id) {
            self.after_yes.push(delivery.id.clone());
        }
        if !delivery.is_taken() {
            return;
        }
        if delivery.behaviour.is_heard(TIMEOUT) {
            self.said_yes.insert(delivery.id.clone());
        }
        let about = (case.to_owned(), line);
        match self.taken.get(&delivery.id) {
            Some(known) if *known == about => {}
            Some(known) => self.wrong.push(format!("{} was of {known:?} and is of {about:?}", delivery.id)),
            None => {
                self.order.entry(case.to_owned()).or_default().push(line);
                self.taken.insert(delivery.id.clone(), about);
            }
        }
    }
}

/// A receiver and its ledger.
struct Subscribed {
    name: &'static str,
    habits: Vec<Behaviour>,
    ledger: Arc<Mutex<Ledger>>,
    _receiver: Receiver,
}

/// Subscribes a receiver and starts it. `taken` counts what all have taken; `cases` hears of each case that is opened.
async fn subscribed(
    operator: &Operator,
    (name, habits): (&'static str, Vec<Behaviour>),
    taken: watch::Sender<usize>,
    cases: mpsc::Sender<String>,
) -> Result<Subscribed> {
    let address: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let body = json!({"name": name, "channel": "webhook", "url": format!("http://{address}/"), "events": EVENTS});
    let (status, made) = operator.post("/subscribers", &body).await?;
    let Some(secret) = made["secret"].as_str() else { bail!("POST /subscribers answered {status}: {made}") };
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let noted = Arc::clone(&ledger);
    let note = move |delivery: &Delivery| {
        let event = delivery.json();
        let case = event["data"]["id"].as_str().unwrap_or_default();
        let line = event["data"]["timeline"].as_array().map_or(0, Vec::len);
        let mut ledger = noted.lock().unwrap();
        let before = ledger.taken.len();
        ledger.note(delivery, case, line);
        let new = ledger.taken.len() - before;
        taken.send_modify(|taken| *taken += new);
        if new > 0 && line == 1 {
            // There is room for all that there will be; nobody listens once every case has been worked on.
            cases.try_send(case.to_owned()).ok();
        }
    };
    let moods = Moods::new(SEED, name, BAD_SHARE, habits.clone());
    let receiver = Receiver::moody(address, secret, moods, note).await?;
    Ok(Subscribed { name, habits, ledger, _receiver: receiver })
}

/// A session in each life of the platform.
type Desk = watch::Receiver<Arc<Operator>>;

/// Does all that is done to a case, each act until the case stands as it should.
async fn work_on(case: String, mut desk: Desk) -> Result<()> {
    for (act, stands) in ACTS {
        let mut tried = false;
        loop {
            let operator = Arc::clone(&desk.borrow_and_update());
            match done(&operator, &case, act, stands, tried).await {
                Ok(true) => break,
                Ok(false) => tokio::time::sleep(Duration::from_millis(50)).await,
                // The power is gone; what was asked for may be done or not.
                Err(error) if error.is::<reqwest::Error>() => desk.changed().await?,
                Err(error) => return Err(error),
            }
            tried = true;
        }
    }
    Ok(())
}

/// Whether the case stands as it should. The view of a fresh start may not know it yet.
async fn done(operator: &Operator, case: &str, act: &str, stands: &str, tried: bool) -> Result<bool> {
    if tried {
        let listed = operator.items("/incidents?limit=1000").await?;
        if listed.iter().any(|one| one["id"] == case && one["status"] == stands) {
            return Ok(true);
        }
    }
    let body = if act == "resolve" { json!({"outcome": "violation"}) } else { json!({}) };
    let (status, answer) = operator.post(&format!("/incidents/{case}/{act}"), &body).await?;
    match status.as_u16() {
        200 => Ok(answer["status"] == stands),
        202 | 404 | 409 => Ok(false),
        _ => bail!("{act} of {case} answered {status}: {answer}"),
    }
}

/// Hands each case that is opened to somebody at the desk, once.
async fn office(mut cases: mpsc::Receiver<String>, desk: Desk) -> Result<()> {
    let (mut known, mut work, people) = (HashSet::new(), JoinSet::new(), Arc::new(Semaphore::new(OPERATORS)));
    while known.len() < CASES {
        let Some(case) = cases.recv().await else { bail!("nobody tells of cases any more") };
        if known.insert(case.clone()) {
            let (free, desk) = (Arc::clone(&people).acquire_owned().await?, desk.clone());
            work.spawn(async move {
                let _free = free;
                work_on(case, desk).await
            });
        }
    }
    while let Some(done) = work.join_next().await {
        done??;
    }
    Ok(())
}

async fn speakers(platform: &Platform) -> Result<Vec<Speaker>> {
    let now_ms = firmware_sim::clock::now_ms() - 10_000;
    let mut speakers = Vec::new();
    for camera in 0..CAMERAS {
        let device = platform.device(&format!("cam-{camera}"), "camera", &[]).await?;
        let said = (0..HERDS_PER_CAMERA * SIGHTINGS).map(|number| sighting(camera, number, now_ms));
        speakers.push(Speaker::new(device, "sighting", said));
    }
    Ok(speakers)
}

/// After how many alerts that were taken the power goes, each time.
fn cuts() -> Vec<usize> {
    let mut chance = Rng::new(SEED, "cuts");
    let all = (3 * ALERTS) as f64;
    let mut cuts: Vec<usize> = (0..KILLS).map(|_| (chance.between(0.02, 0.9) * all) as usize).collect();
    cuts.sort_unstable();
    cuts
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_alerts_reach_three_moody_receivers_through_power_cuts_each_under_one_id_and_in_order() {
    let mut platform = Platform::prepare("").unwrap();
    platform.add_to("webhooks", "timeout = \"1s\"").unwrap();
    platform.import(&zone()).await.unwrap();
    let speakers = speakers(&platform).await.unwrap();
    platform.run().await.unwrap();
    platform.keep_address().unwrap();
    let (taken, count) = watch::channel(0);
    let (cases_tx, cases) = mpsc::channel(3 * CASES);
    let operator = Arc::new(platform.operator().await.unwrap());
    let mut receivers = Vec::new();
    for character in characters() {
        receivers.push(subscribed(&operator, character, taken.clone(), cases_tx.clone()).await.unwrap());
    }

    let (lives, alive) = watch::channel(1);
    let (desk, at_desk) = watch::channel(operator);
    let heard = Arc::new(watch::Sender::new(0));
    let mut talk = JoinSet::new();
    for speaker in speakers {
        talk.spawn(speaker.speak(platform.mqtt.as_str().into(), alive.clone(), Arc::clone(&heard)));
    }
    let work = tokio::spawn(office(cases, at_desk));
    for cut in cuts() {
        wait_for(count.clone(), cut, &receivers).await;
        platform.kill().await.unwrap();
        platform.run().await.unwrap();
        lives.send_modify(|lives| *lives += 1);
        desk.send_replace(Arc::new(platform.operator().await.unwrap()));
    }
    tokio::time::timeout(PATIENCE, work).await.unwrap().unwrap().unwrap();
    talk.join_all().await.into_iter().for_each(|speaker| assert!(speaker.is_ok()));

    let operator = platform.operator().await.unwrap();
    let cases = operator.items("/incidents?limit=1000").await.unwrap();
    let lines = |case: &Value| case["timeline"].as_array().map_or(0, Vec::len);
    let alerts: usize = cases.iter().map(lines).sum();
    assert_eq!(cases.len(), CASES);
    assert!(alerts >= ALERTS, "{alerts} alerts are too few");
    wait_for(count, 3 * alerts, &receivers).await;
    operator.wait_for_items("/deliveries?state=pending", |pending| pending.is_empty()).await.unwrap();
    assert_eq!(operator.items("/deliveries?state=dead").await.unwrap(), [] as [Value; 0]);
    let unheard = unheard(&platform.log());
    for receiver in &receivers {
        holds_each_once_and_in_order(receiver, &cases, &unheard);
    }
}

/// Waits until the receivers have taken so many; says how far they are if that never happens.
async fn wait_for(mut taken: watch::Receiver<usize>, enough: usize, receivers: &[Subscribed]) {
    let waited = tokio::time::timeout(PATIENCE, taken.wait_for(|taken| *taken >= enough)).await.is_ok();
    let each = || receivers.iter().map(|one| (one.name, one.ledger.lock().unwrap().taken.len())).collect::<Vec<_>>();
    assert!(waited, "{enough} were to be taken: {:?}", each());
}

fn holds_each_once_and_in_order(receiver: &Subscribed, cases: &[Value], unheard: &HashSet<String>) {
    let (name, ledger) = (receiver.name, receiver.ledger.lock().unwrap());
    assert_eq!(ledger.wrong, [] as [String; 0], "{name}");
    let mut alerts = 0;
    for case in cases {
        let (id, lines) = (case["id"].as_str().unwrap(), case["timeline"].as_array().unwrap().len());
        // One id more than lines, or a line under two ids, would be one number too many here.
        assert_eq!(ledger.order.get(id), Some(&(1..=lines).collect::<Vec<_>>()), "{name}, {id}: {case}");
        alerts += lines;
    }
    assert_eq!((ledger.taken.len(), ledger.order.len()), (alerts, cases.len()), "{name}");
    for habit in &receiver.habits {
        assert!(ledger.treated.contains_key(&format!("{habit:?}")), "{name} never did {habit:?}: {:?}", ledger.treated);
    }
    let unexplained: Vec<_> = ledger.after_yes.iter().filter(|id| !unheard.contains(*id)).collect();
    assert!(unexplained.len() <= ATTEMPTS_EACH * KILLS, "{name} said yes and was asked again: {unexplained:?}");
    eprintln!("{name}: {alerts} alerts, {:?}, {} again after a yes", ledger.treated, ledger.after_yes.len());
}

/// Deliveries of which the platform says that an attempt failed: on a machine out of breath a good answer may come too late.
fn unheard(log: &str) -> HashSet<String> {
    let lines = log.lines().filter(|line| line.contains("not delivered"));
    let delivery = |line: &str| {
        let (_, rest) = line.split_once("\"delivery\":\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    lines.filter_map(delivery).collect()
}
