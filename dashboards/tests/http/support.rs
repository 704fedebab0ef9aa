//! A server on a free port with a folder of its own, and the few things that the rest of the platform would do.

use dashboards::live::Live;
use dashboards::{
    Callback, ExportFiles, Hidden, Holding, MessageJson, OidcConfig, Parts, Provider, Replies, SaidJson, SmsBack,
    Unwatched, WatchSpan, Watching, Words, ZonesAsOf, serve,
};
use futures_util::{SinkExt, StreamExt};
use history::History;
use journal::Journal;
use journal::alert_log::{self, AlertLog, RecordBody};
use journal::command_log::CommandLog;
use journal::dead_letters::DeadLetters;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{
    AlertKind, Body, CaseZone, Clock, Closure, ClosureLevel, DeviceId, DeviceKind, DeviceTime, DutyState, Entry,
    Heartbeat, Patrol, PatrolDetail, PatrolFilter, PatrolRoute, PatrolZone, Position, Reading, Reject, RouteFlown,
    TenantId, Timestamp, TownshipCode, WatchedCell, ZoneId, ZoneKind, ZoneWatch,
};
use registry::{ImportOptions, NewUser, Registry, Role};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

pub const PASSWORD: &str = "correct horse battery";
pub const TOWNSHIP: &str = "150425100";
pub const CALLBACK_TOKEN: &str = "the platform's token";
pub const SMS_TOKEN: &str = "the-providers-token";

/// A test waits at most this long for something that must come.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    pub address: SocketAddr,
    pub alert_log: AlertLog,
    pub command_log: CommandLog,
    pub journal: Arc<SqliteJournal>,
    pub dead_letters: DeadLetters,
    pub registry: Registry,
    pub history: History,
    pub evidence: evidence::Store,
    pub live: Live,
    /// By this a modem's replies are handed in.
    pub modem: Replies,
    client: reqwest::Client,
    folder: TempDir,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn in_zone_1(position: Position) -> bool {
    (43.0..44.0).contains(&position.lat_deg()) && (117.0..118.0).contains(&position.lon_deg())
}

/// In place of decode: what says that it is understood is, and bears a time if it says so.
fn understood(entry: &Entry) -> Result<Reading, Reject> {
    let text = std::str::from_utf8(&entry.frame.payload).unwrap();
    if !text.starts_with("understood") {
        return Err(Reject::Missing { field: "status" });
    }
    Ok(Reading {
        device: entry.frame.device.clone(),
        offset: entry.offset,
        received_at: entry.frame.received_at,
        device_time: text.contains("time").then(|| DeviceTime(Timestamp::from_millis(1_000))),
        seq: None,
        body: Body::Heartbeat(Heartbeat::default()),
    })
}

/// As the platform does it, but for the geofence.
fn as_of(registry: Registry) -> ZonesAsOf {
    Arc::new(move |position, t, known| {
        let zones = registry.zones_as_of(t, known)?.into_iter().filter(|_| in_zone_1(position));
        let holding = zones.map(|zone| {
            let periods = registry.zone_periods(&zone.id, zone.version, known)?;
            let period = periods.into_iter().find(|period| period.holds(t)).unwrap();
            Ok(Holding { zone, period, closure: closed_in_may(t) })
        });
        holding.collect()
    })
}

/// A logged in person.
pub struct Session<'a> {
    server: &'a Server,
    pub cookie: String,
    pub csrf: String,
}

/// A message that says its template.
fn message(template: &str) -> MessageJson {
    let said = SaidJson { text: template.to_owned(), characters: template.chars().count(), sms_parts: 1 };
    MessageJson { name: "notice.zh".to_owned(), text: template.to_owned(), is_own: false, says: vec![said] }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_after(&[]).await
    }

    /// Starts on an alert log that holds these already.
    pub async fn start_after(bodies: &[RecordBody]) -> Self {
        Self::start_with(bodies, (false, false), Clock::system()).await
    }

    /// Starts where changes of zones and closures wait for a second person.
    pub async fn start_with_second_person() -> Self {
        Self::start_with(&[], (true, false), Clock::system()).await
    }

    /// Starts where the system above may acknowledge, providers of text messages may push, and one of identities is configured.
    pub async fn start_with_callback(bodies: &[RecordBody]) -> Self {
        Self::start_with(bodies, (false, true), Clock::system()).await
    }

    /// Starts by a clock that the test moves.
    pub async fn start_at(clock: &Clock) -> Self {
        Self::start_with(&[], (false, false), clock.clone()).await
    }

    async fn start_with(bodies: &[RecordBody], (second_person, callback): (bool, bool), clock: Clock) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let registry = Registry::open(&file("registry.db"), clock.clone()).unwrap();
        registry.ensure_admin(Some(PASSWORD)).unwrap();
        let in_force = Timestamp::parse_legal("2026-01-01");
        let options = ImportOptions { in_force, ..ImportOptions::default() };
        registry.import_zones(&survey_of(&zone_geojson()), options, "test", "五年重划").unwrap();
        let alert_log = AlertLog::open(&file("alerts.db")).unwrap();
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (sms_back, modem) = SmsBack::new(callback.then(|| Callback::new(SMS_TOKEN)));
        let server = Self {
            modem,
            address: listener.local_addr().unwrap(),
            command_log: CommandLog::open(&file("commands.db")).unwrap(),
            journal: SqliteJournal::open(&file("journal.db"), SqliteOptions::default()).unwrap(),
            dead_letters: DeadLetters::open(&file("dead-letters.db")).unwrap(),
            history: History::open(&file("history"), Duration::from_secs(400 * 86_400), clock.clone()).unwrap(),
            evidence: evidence::Store::open(&file("evidence"), 1 << 20).unwrap(),
            live: Live::new(),
            client: reqwest::Client::new(),
            alert_log,
            registry,
            folder,
            stop: stop.clone(),
        };
        server.log(bodies);
        let parts = Parts {
            tenant: TenantId::parse("hexigten").unwrap(),
            registry: server.registry.clone(),
            alert_log: server.alert_log.clone(),
            command_log: server.command_log.clone(),
            journal: Arc::clone(&server.journal) as Arc<dyn Journal>,
            dead_letters: server.dead_letters.clone(),
            understands: Arc::new(understood),
            history: server.history.clone(),
            evidence: server.evidence.clone(),
            export_files: ExportFiles { journal: server.file("journal.db"), signing_key: server.file("bundle.key") },
            watching: Arc::new(Watched),
            live: server.live.clone(),
            metrics: prometheus::Registry::new(),
            clock,
            closure_at: Arc::new(|_, t| closed_in_may(t)),
            zones_at: Arc::new(|position| {
                in_zone_1(position).then(|| ZoneId::parse("zone-1").unwrap()).into_iter().collect()
            }),
            zones_as_of: as_of(server.registry.clone()),
            words: Words {
                shown: Arc::new(|| vec![message("{{ text }}")]),
                preview: Arc::new(|name, text| match name {
                    "notice.zh" => Ok(message(text)),
                    _ => Err(format!("there is no message `{name}`")),
                }),
            },
            foresee: Arc::new(|zones, days| Ok(json!({ "zones": zones.len(), "days": days }))),
            second_person,
            callback: callback.then(|| Callback::new(CALLBACK_TOKEN)),
            sms_back,
            ready: Arc::new(|| Ok(())),
            oidc: callback.then(provider),
            certificate: None,
            others: axum::Router::new(),
        };
        tokio::spawn(serve(listener, parts, stop));
        server
    }

    /// Appends to the alert log as `alerts` does; the number of the last record.
    pub fn log(&self, bodies: &[RecordBody]) -> u64 {
        let mut writer = alert_log::open_writer(&self.folder.path().join("alerts.db")).unwrap();
        let transaction = writer.transaction().unwrap();
        let seqs = bodies.iter().map(|body| alert_log::append(&transaction, Timestamp::default(), body).unwrap());
        let last = seqs.fold(0, |_, seq| seq);
        transaction.commit().unwrap();
        self.alert_log.committed(last);
        last
    }

    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn add_user(&self, username: &str, roles: &[Role], townships: &[&str]) {
        let townships = townships.iter().map(|code| TownshipCode::parse(code).unwrap()).collect();
        let new = NewUser { username: username.into(), password: PASSWORD.into(), roles: roles.to_vec(), townships };
        self.registry.add_user(new, "test").unwrap();
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn try_login(&self, username: &str, password: &str) -> Response {
        let body = json!({ "username": username, "password": password });
        self.request(Method::POST, "/api/v1/session").json(&body).send().await.unwrap()
    }

    pub async fn login(&self, username: &str) -> Session<'_> {
        let response = self.try_login(username, PASSWORD).await;
        assert_eq!(response.status(), StatusCode::OK);
        let set_cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
        let cookie = set_cookie.split(';').next().unwrap().to_owned();
        let body: Value = response.json().await.unwrap();
        Session { server: self, cookie, csrf: body["csrf"].as_str().unwrap().to_owned() }
    }
}

impl Session<'_> {
    /// A request as the console makes it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.request(method, path).header("cookie", &self.cookie).header("x-csrf-token", &self.csrf)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.request(Method::POST, path).json(&body).send().await.unwrap()
    }

    pub async fn socket(&self, query: &str) -> Socket {
        self.try_socket(query, None).await.unwrap()
    }

    pub async fn try_socket(&self, query: &str, origin: Option<&str>) -> Result<Socket, StatusCode> {
        let url = format!("ws://{}/api/v1/live{query}", self.server.address);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("cookie", self.cookie.parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Socket { stream }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The page's end of the live socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// The next message; `None` when the server ended the conversation.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("the server must say something") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(text.as_str()).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message of this type, passing over others.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.expect("the conversation must go on");
            if message["type"] == kind {
                return message;
            }
        }
    }

    pub async fn say(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }
}

/// A provider of identities that is not there.
fn provider() -> Provider {
    let config = OidcConfig {
        name: "旗政务平台".into(),
        issuer: "http://127.0.0.1:1".into(),
        client_id: "steppewatch".into(),
        client_secret: Hidden("secret".into()),
        redirect_url: "http://127.0.0.1:1/api/v1/session/oidc/callback".into(),
        username_claim: "preferred_username".into(),
        authorities: None,
    };
    Provider::new(config).unwrap()
}

/// Checks that an answer is a problem with this status, and returns its detail.
#[track_caller]
pub fn problem(response: Response, status: StatusCode) -> impl Future<Output = String> {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    async move {
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["status"], status.as_u16());
        assert!(body["type"].is_string() && body["title"].is_string());
        body["detail"].as_str().unwrap().to_owned()
    }
}

/// The first five months of 2026 are over when the ban ends.
fn closed_in_may(t: Timestamp) -> Closure {
    let end = Timestamp::parse_rfc3339("2026-06-16T00:00:00+08:00").unwrap();
    if t >= end {
        return Closure::default();
    }
    Closure {
        level: ClosureLevel::Enforce,
        rule: "休牧期".into(),
        legal_basis: "K 二(一)1".into(),
        until: Some(end),
        fine_yuan_per_sheep_unit: 120,
    }
}

pub fn zone_geojson() -> String {
    json!({
        "type": "FeatureCollection",
        "features": [{
            "type": "Feature",
            "properties": { "id": "zone-1", "name": "一号平衡区", "kind": "balance", "township": TOWNSHIP },
            "geometry": { "type": "Polygon", "coordinates": [[[117.0, 43.0], [118.0, 43.0], [118.0, 44.0], [117.0, 44.0], [117.0, 43.0]]] }
        }]
    })
    .to_string()
}

pub fn incident_json(id: &str, township: &str, status: &str) -> Value {
    json!({
        "id": id, "status": status, "severity": "urgent", "late": false,
        "zones": [{ "id": "zone-1", "name": "一号平衡区", "version": 1 }], "township": township, "authority": "township",
        "first_seen": "2026-05-01T00:00:00.000Z", "last_seen": "2026-05-01T00:10:00.000Z", "ended_at": null,
        "position": { "lat": 43.3, "lon": 117.5 }, "accuracy_m": 20.0, "probability": 0.99, "sightings_count": 3,
        "species": [{ "species": "sheep", "count": { "low": 30, "high": 50 }, "young": { "low": 0, "high": 5 } }],
        "sheep_units": { "low": 30, "high": 50 }, "fine_yuan": { "low": 3600, "high": 6000, "estimate": true },
        "legal_basis": "R 35",
        "closure": { "level": "enforce", "rule": "休牧期", "legal_basis": "R 35", "until": null, "fine_yuan_per_sheep_unit": 120 },
        "reasoning": { "zh": "", "en": "" }, "evidence": [], "reports": [], "household": null, "outcome": null,
        "devices": ["camera-1"],
        "trigger": { "device": "camera-1", "kind": "sighting", "seq": 1, "ts": "2026-05-01T00:10:00.000Z" },
        "evidence_rule": "three in five minutes",
        "timeline": [{ "at": "2026-05-01T00:10:00.000Z", "what": "opened", "by": null, "text": null }]
    })
}

pub fn alert_of(kind: AlertKind, incident: Value) -> RecordBody {
    let alert = json!({
        "id": format!("{}-{}", incident["id"].as_str().unwrap(), kind.as_str()), "type": kind.as_str(), "severity": "urgent",
        "at": "2026-05-01T00:10:00.000Z", "incident": incident
    });
    RecordBody::Alert(serde_json::from_value(alert).unwrap())
}

pub fn opened(id: &str) -> RecordBody {
    alert_of(AlertKind::IncidentOpened, incident_json(id, TOWNSHIP, "open"))
}

pub fn delivery(id: &str, incident: &str, state: &str) -> RecordBody {
    let delivery = json!({
        "id": id, "alert": "a", "type": "steppewatch.incident.opened", "incident": incident, "subscriber": "sub-1",
        "subscriber_name": "镇政府", "channel": "webhook", "duty": "local_government", "state": state, "attempts": 3,
        "at": "2026-05-01T00:10:01.000Z", "answer": "503"
    });
    RecordBody::Delivery(serde_json::from_value(delivery).unwrap())
}

/// GeoJSON as a surveyor's file.
fn survey_of(text: &str) -> survey::Survey {
    survey::read(&survey::Source::file("zones.geojson", text.as_bytes()), &Default::default()).unwrap()
}

/// Watched land without a stage that watches: one zone of the township, one elsewhere, and a flight.
pub struct Watched;

fn watched_zone(id: &str, township: &str, level: ClosureLevel, week: f64) -> ZoneWatch {
    let limit = Duration::from_secs(7 * 86_400);
    ZoneWatch {
        zone: CaseZone { id: ZoneId::parse(id).unwrap(), name: id.into(), version: 1 },
        kind: ZoneKind::NoGrazing,
        township: TownshipCode::parse(township).ok(),
        area_mu: 1_000.0,
        level,
        watched: [0.0, week / 2.0, week],
        limit,
        share: 0.5,
        watched_in_limit: week,
        last: None,
        blind_since: (week < 0.5).then(|| Timestamp::from_millis(1_780_000_000_000)),
        in_span: None,
    }
}

fn a_flight() -> Patrol {
    let start = Timestamp::parse_rfc3339("2026-05-01T08:00:00+08:00").unwrap();
    Patrol {
        id: "drone-1-1777593600000".into(),
        device: DeviceId::parse("drone-1").unwrap(),
        kind: DeviceKind::Drone,
        flight_id: Some("f-1".into()),
        start,
        end: start.plus(Duration::from_secs(1_800)),
        distance_m: 12_345.4,
        area_m2: 666_667.0,
        zones: vec![PatrolZone { zone: ZoneId::parse("zone-1").unwrap(), name: "北坡".into(), share: 0.25 }],
        townships: vec![(TownshipCode::parse(TOWNSHIP).unwrap(), 0.125)],
        line: vec![Position::parse(43.3, 117.5).unwrap(), Position::parse(43.31, 117.5).unwrap()],
        cell_m: 250.0,
        points: Vec::new(),
    }
}

impl Watching for Watched {
    fn zones(&self, span: WatchSpan) -> Result<Vec<ZoneWatch>, Unwatched> {
        let mut rows = vec![
            watched_zone("zone-1", TOWNSHIP, ClosureLevel::Enforce, 0.25),
            watched_zone("zone-2", "150425200", ClosureLevel::Enforce, 0.75),
            watched_zone("zone-3", TOWNSHIP, ClosureLevel::None, 1.0),
        ];
        rows.iter_mut().for_each(|row| row.in_span = span.map(|_| 0.125));
        Ok(rows)
    }

    fn cells(&self, zone: &ZoneId, _: WatchSpan) -> Result<Option<Vec<WatchedCell>>, Unwatched> {
        let bounds_deg = [43.3, 117.5, 43.302_25, 117.503_1];
        let last = Some(Timestamp::from_millis(1_780_000_000_000));
        Ok((zone.as_str() == "zone-1").then(|| vec![WatchedCell { bounds_deg, share: 0.5, last }]))
    }

    fn patrols(&self, filter: &PatrolFilter) -> Result<Vec<Patrol>, Unwatched> {
        let flight = a_flight();
        let theirs = |code: &TownshipCode| flight.townships.iter().any(|(swept, _)| swept == code);
        let is_in = flight.end >= filter.from && flight.start < filter.to;
        let is_theirs = filter.townships.is_empty() || filter.townships.iter().any(theirs);
        Ok((is_in && is_theirs && filter.passed == 0).then_some(flight).into_iter().collect())
    }

    fn patrol(&self, id: &str) -> Result<Option<PatrolDetail>, Unwatched> {
        let patrol = a_flight();
        Ok((patrol.id == id).then(|| PatrolDetail { patrol, cells: Vec::new(), routes: Vec::new() }))
    }

    fn route_flown(&self, _: &PatrolRoute, _: Timestamp, _: Timestamp) -> Result<RouteFlown, Unwatched> {
        Ok(RouteFlown { share: 0.75, length_m: 4_000.0, gaps_m: vec![(1_000.0, 2_000.0)] })
    }

    fn duties(&self) -> Result<Vec<DutyState>, Unwatched> {
        let duty = |township: Option<&str>| DutyState {
            duty: "village_chief".into(),
            names: ("村级林长".into(), "village forest chiefs".into()),
            township: township.map(|code| TownshipCode::parse(code).unwrap()),
            times: 1,
            done: 0,
            every: "week",
            last_done: None,
            due: Timestamp::parse_legal("2026-05-04").unwrap(),
            overdue: true,
        };
        Ok(vec![duty(Some(TOWNSHIP)), duty(Some("150425200")), duty(None)])
    }
}
