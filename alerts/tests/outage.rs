//! A receiver that is down for six hours, by a clock that the test moves: nothing is lost, memory stays flat, nobody else notices.
//!
//! A process of its own, so that its memory is what delivery holds.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail as loudly as the tests themselves"
)]

use alerts::deliver::{self, DeliverParts};
use alerts::{Known, Metrics, Store};
use journal::alert_log::AlertLog;
use model::{
    Authority, CaseZone, Clock, Finding, Interval, Networks, Offset, TenantId, Timestamp, What, ZoneId, ZoneLoad,
};
use registry::{NewSubscriber, Registry};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const MINUTES: usize = 6 * 60;
const ALERTS_A_MINUTE: usize = 3;
/// Lanes: of each zone its overload and its end, in turn.
const ZONES: usize = 7;
/// So long a name that what waits would be seen in the memory of whoever held it: 35 MB in all.
const NAME_BYTES: usize = 32 << 10;
/// An hour of what waits is 6 MB, so nothing like five hours of it.
const GROWTH_MAX_BYTES: u64 = 12 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a receiver took, in its order: subject, type and time of each event.
type Taken = Vec<(String, String, String)>;

/// Serves a listener: takes everything.
async fn take_everything(listener: TcpListener, taken: watch::Sender<Taken>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, taken.clone()));
    }
}

async fn connection(mut stream: TcpStream, taken: watch::Sender<Taken>) {
    let mut read = Vec::new();
    loop {
        let head = loop {
            if let Some(at) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap().trim();
        let end = head + length.parse::<usize>().unwrap();
        while read.len() < end {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let event: Value = serde_json::from_slice(&read[head..end]).unwrap();
        let field = |name: &str| event[name].as_str().unwrap().to_owned();
        taken.send_modify(|taken| taken.push((field("subject"), field("type"), field("time"))));
        read.drain(..end);
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// The zones take turns; each is overloaded, then it is not, and so on.
fn finding(number: usize, at: Timestamp) -> Finding {
    let (zone, turn) = (number % ZONES, number / ZONES);
    let is_over = turn % 2 == 1;
    let load = ZoneLoad {
        zone: CaseZone {
            id: ZoneId::parse(&format!("zone-{zone}")).unwrap(),
            name: "草".repeat(NAME_BYTES / "草".len()),
            version: 1,
        },
        township: None,
        authority: Authority::Township,
        capacity_sheep_units: 100,
        sheep_units: Interval { low: 120, high: 150 },
        herds: 2,
        over_since: (!is_over).then_some(at),
        at,
    };
    Finding {
        offset: Offset(number as u64 + 1),
        what: if is_over { What::OverloadEnded(load) } else { What::Overloaded(load) },
    }
}

struct Platform {
    store: Store,
    registry: Registry,
    clock: Clock,
    began: Timestamp,
    minute: usize,
    metrics: prometheus::Registry,
    _folder: tempfile::TempDir,
}

impl Platform {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let began = Timestamp::parse_rfc3339("2026-11-26T10:00:00+08:00").unwrap();
        let clock = Clock::manual(began);
        let path = folder.path().join("alerts.db");
        let store = Store::open(&path, AlertLog::open(&path).unwrap(), TenantId::parse("hexigten").unwrap()).unwrap();
        let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
        Self { store, registry, clock, began, minute: 0, metrics: prometheus::Registry::new(), _folder: folder }
    }

    fn subscribe(&self, name: &str, address: SocketAddr) {
        self.registry.add_subscriber(NewSubscriber::webhook(name, format!("http://{address}/")), "test").unwrap();
    }

    fn parts(&self) -> DeliverParts {
        DeliverParts {
            store: self.store.clone(),
            registry: self.registry.clone(),
            allowed: Networks::parse(["127.0.0.0/8"]).unwrap(),
            timeout: Duration::from_secs(15),
            sms: None,
            upstream: deliver::Adapters::default(),
            clock: self.clock.clone(),
            metrics: Metrics::new(&self.metrics).unwrap(),
        }
    }

    /// A minute passes, and things happen in it; how many have happened by now.
    fn minute_passes(&mut self) -> usize {
        self.minute += 1;
        let now = self.began.plus(Duration::from_secs(60 * self.minute as u64));
        self.clock.set(now);
        let numbers = (self.minute - 1) * ALERTS_A_MINUTE..self.minute * ALERTS_A_MINUTE;
        let findings: Vec<Finding> = numbers.map(|number| finding(number, now)).collect();
        let view = self.registry.view().borrow().clone();
        let new = self.store.raise(&findings, Known::from(&*view), now).unwrap();
        assert_eq!(new.len(), ALERTS_A_MINUTE);
        self.minute * ALERTS_A_MINUTE
    }

    /// Attempts that failed.
    fn failed(&self) -> f64 {
        let families = self.metrics.gather();
        let attempts = families.iter().find(|family| family.name() == "steppewatch_delivery_attempts_total").unwrap();
        let is_failed =
            |metric: &&prometheus::proto::Metric| metric.get_label().iter().any(|label| label.value() == "failed");
        attempts.get_metric().iter().filter(is_failed).map(|metric| metric.get_counter().get_value()).sum()
    }
}

async fn until(taken: &watch::Sender<Taken>, count: usize) {
    let mut news = taken.subscribe();
    let all = tokio::time::timeout(PATIENCE, news.wait_for(|taken| taken.len() >= count)).await;
    assert!(all.is_ok(), "{} of {count} were taken", taken.borrow().len());
}

/// Memory of this process.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

fn by_lane(taken: &Taken) -> BTreeMap<String, Vec<(String, String)>> {
    let mut lanes: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (subject, type_, time) in taken {
        lanes.entry(subject.clone()).or_default().push((type_.clone(), time.clone()));
    }
    lanes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_for_six_hours_gets_all_in_order_afterwards_and_nobody_else_waits() {
    // Fails when another test did it before.
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut platform = Platform::new();
    let healthy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Bound and not listening: the address is kept, and connections are refused.
    let down = TcpSocket::new_v4().unwrap();
    down.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    platform.subscribe("healthy", healthy.local_addr().unwrap());
    platform.subscribe("down", down.local_addr().unwrap());
    let (by_healthy, by_down) = (watch::Sender::new(Taken::new()), watch::Sender::new(Taken::new()));
    tokio::spawn(take_everything(healthy, by_healthy.clone()));
    let stop = CancellationToken::new();
    let delivering = tokio::spawn(deliver::run(platform.parts(), stop.clone()));

    let mut after_an_hour = 0;
    for minute in 1..=MINUTES {
        let told = platform.minute_passes();
        // The clock stands until the healthy one has them: at once.
        until(&by_healthy, told).await;
        if minute == 60 {
            after_an_hour = resident_bytes();
        }
    }
    let grown = resident_bytes().saturating_sub(after_an_hour);
    assert!(grown < GROWTH_MAX_BYTES, "{grown} bytes more are held than after the first hour");
    assert_eq!(by_down.borrow().len(), 0);
    let failed = platform.failed();
    assert!(failed >= 60.0 && failed <= MINUTES as f64 + 20.0, "{failed} attempts in {MINUTES} minutes");

    tokio::spawn(take_everything(down.listen(1_024).unwrap(), by_down.clone()));
    // It is tried again within two minutes; then all that waits is sent, although the clock stands.
    let mut told = 0;
    for _ in 0..3 {
        told = platform.minute_passes();
        until(&by_healthy, told).await;
    }
    until(&by_down, told).await;
    stop.cancel();
    delivering.await.unwrap().unwrap();
    assert_eq!(by_down.borrow().len(), told, "once each");
    let (lanes, wanted) = (by_lane(&by_down.borrow()), by_lane(&by_healthy.borrow()));
    assert_eq!(lanes.len(), ZONES);
    for (lane, wanted) in wanted {
        assert!(wanted.windows(2).all(|two| two[0].1 < two[1].1), "{lane} is out of order for the healthy one");
        assert!(lanes.get(&lane) == Some(&wanted), "{lane} is not as it was told");
    }
}
