//! The poller against stations that speak Modbus TCP byte by byte, in good days and bad.

mod peer;
mod rtu_line;
mod station;

use super::metrics::PollResult;
use super::*;
use crate::decode::decode;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Body, Channel, Measurement, Offset, Quantity, Timestamp};
use station::{Answer, Station};

const NOW_MS: i64 = 1_795_313_700_000;

/// Failures that a test does not mean to wait for take long, the pauses between tries do not.
const TEST_PATIENCE: Patience = Patience {
    connect: Duration::from_secs(30),
    call: Duration::from_secs(30),
    backoff: Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(20) },
};
/// For stations that never answer: nothing but this bound can end the wait.
const IMPATIENT: Patience = Patience { call: Duration::from_millis(30), ..TEST_PATIENCE };

/// A poller at work with a journal of its own.
struct Poller {
    journal: Arc<SqliteJournal>,
    metrics: ModbusMetrics,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), PollError>>,
    _folder: tempfile::TempDir,
}

impl Poller {
    fn start(stations: Vec<ModbusStation>, patience: Patience) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(&folder.path().join("journal.db"), SqliteOptions::default()).unwrap();
        let metrics = ModbusMetrics::register(&prometheus::Registry::new()).unwrap();
        let clock = Clock::manual(Timestamp::from_millis(NOW_MS));
        let means = Means { journal: journal.clone(), clock, metrics: metrics.clone(), patience };
        let stop = CancellationToken::new();
        let running = tokio::spawn(run_patiently(stations, means, Duration::from_millis(1), stop.clone()));
        Self { journal, metrics, stop, running, _folder: folder }
    }

    /// What the first `count` entries say, once they are there.
    async fn measured(&self, count: u64) -> Vec<(String, Vec<(Quantity, f64)>)> {
        self.journal.head().wait_for(|head| head.0 >= count).await.unwrap();
        let entries = self.journal.read(Offset(0), usize::try_from(count).unwrap()).await.unwrap();
        let values = |body| match body {
            Body::Measurements(all) => {
                all.into_iter().map(|Measurement { quantity, value }| (quantity, value)).collect()
            }
            other => panic!("{other:?}"),
        };
        entries.iter().map(|e| (e.frame.device.to_string(), values(decode(e).unwrap().body))).collect()
    }

    /// Waits for a count that no channel tells of.
    async fn wait_for_polls(&self, result: PollResult, at_least: u64) {
        while self.metrics.polls(result) < at_least {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) -> Result<(), PollError> {
        self.stop.cancel();
        self.running.await.unwrap()
    }
}

fn soil(address: &str, device: &str, unit: u8) -> ModbusStation {
    ModbusStation {
        device: DeviceId::parse(device).unwrap(),
        address: address.to_owned(),
        unit,
        interval: Duration::ZERO, // as fast as the test's lowest bound allows
        model: Arc::from("renke-soil"),
        framing: Framing::Tcp,
    }
}

fn moisture_and_temperature(moisture: f64, temperature: f64) -> Vec<(Quantity, f64)> {
    vec![(Quantity::SoilMoisturePercent, moisture), (Quantity::SoilTemperatureC, temperature)]
}

/// 65.8 % and -10.1 °C.
const COLD: Answer = Answer::Registers([0x0292, 0xff9b]);
/// 20.0 % and 5.0 °C.
const MILD: Answer = Answer::Registers([200, 50]);

#[tokio::test]
async fn a_soil_station_is_asked_by_the_book_and_its_answer_is_on_disk() {
    let mut station = Station::start(|_| COLD).await;
    let poller = Poller::start(vec![soil(&station.address, "station-1", 1)], TEST_PATIENCE);
    let request = station.next_request().await;
    // Protocol 0, six bytes: unit 1, function 3, from register 0, two of them.
    assert_eq!(request.bytes[2..], [0x00, 0x00, 0x00, 0x06, 0x01, 0x03, 0x00, 0x00, 0x00, 0x02]);
    assert_eq!(poller.measured(1).await, [("station-1".to_owned(), moisture_and_temperature(65.8, -10.1))]);
    let frame = poller.journal.read(Offset(0), 1).await.unwrap().remove(0).frame;
    assert_eq!((frame.speaker.as_str(), frame.received_at.0.as_millis()), ("station-1", NOW_MS));
    assert_eq!(frame.channel, Channel::Modbus { model: Arc::from("renke-soil") });
    assert_eq!(frame.payload[..], [0x02, 0x92, 0xff, 0x9b]);
    assert!(poller.metrics.polls(PollResult::Ok) >= 1);
    poller.end().await.unwrap();
}

#[tokio::test]
async fn stations_behind_one_gateway_are_asked_in_turn_over_one_connection() {
    let mut station = Station::start(|request| if request.unit() == 2 { COLD } else { MILD }).await;
    let stations = vec![soil(&station.address, "station-1", 1), soil(&station.address, "station-2", 2)];
    let poller = Poller::start(stations, TEST_PATIENCE);
    let (first, second) = (station.next_request().await, station.next_request().await);
    assert_eq!([(first.connection, first.unit()), (second.connection, second.unit())], [(1, 1), (1, 2)]);
    assert_eq!(
        poller.measured(2).await,
        [
            ("station-1".to_owned(), moisture_and_temperature(20.0, 5.0)),
            ("station-2".to_owned(), moisture_and_temperature(65.8, -10.1)),
        ]
    );
    poller.end().await.unwrap();
}

#[tokio::test]
async fn a_station_that_never_answers_is_asked_again_over_a_new_connection() {
    let mut station = Station::start(|_| Answer::Nothing).await;
    let poller = Poller::start(vec![soil(&station.address, "station-1", 1)], IMPATIENT);
    for connection in 1..=3 {
        assert_eq!(station.next_request().await.connection, connection);
    }
    assert!(poller.metrics.polls(PollResult::Timeout) >= 2);
    assert_eq!(*poller.journal.head().borrow(), Offset(0));
    poller.end().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_comes_after_the_timeout_is_not_taken_for_the_next_one() {
    // The first question is answered only when the second has come, on the connection that it came on.
    let mut station = Station::start(|request| {
        if request.connection == 1 {
            Answer::Nothing
        } else {
            Answer::AfterLate { late: [0x0292, 0xff9b], own: [200, 50] }
        }
    })
    .await;
    let poller = Poller::start(vec![soil(&station.address, "station-1", 1)], IMPATIENT);
    assert_eq!(station.next_request().await.connection, 1);
    assert_eq!(station.next_request().await.connection, 2);
    let measured = poller.measured(1).await;
    assert_eq!(measured, [("station-1".to_owned(), moisture_and_temperature(20.0, 5.0))]);
    poller.end().await.unwrap();
}

#[tokio::test]
async fn an_answer_to_another_question_on_the_same_connection_is_refused() {
    let mut station =
        Station::start(|request| if request.connection == 1 { Answer::OfAnotherQuestion([1, 1]) } else { MILD }).await;
    let poller = Poller::start(vec![soil(&station.address, "station-1", 1)], TEST_PATIENCE);
    assert_eq!(station.next_request().await.connection, 1);
    assert_eq!(station.next_request().await.connection, 2);
    assert_eq!(poller.measured(1).await, [("station-1".to_owned(), moisture_and_temperature(20.0, 5.0))]);
    assert_eq!(poller.metrics.polls(PollResult::Transport), 1);
    poller.end().await.unwrap();
}

#[tokio::test]
async fn a_station_that_refuses_keeps_its_connection() {
    let mut station = Station::start(|request| if request.number <= 2 { Answer::Exception(2) } else { COLD }).await;
    let poller = Poller::start(vec![soil(&station.address, "station-1", 1)], TEST_PATIENCE);
    for number in 1..=3 {
        let request = station.next_request().await;
        assert_eq!((request.number, request.connection), (number, 1));
    }
    assert_eq!(poller.measured(1).await.len(), 1);
    assert_eq!(poller.metrics.polls(PollResult::Exception), 2);
    poller.end().await.unwrap();
}

#[tokio::test]
async fn a_station_that_dies_and_comes_back_is_read_again() {
    let mut station = Station::start(|request| if request.number == 1 { COLD } else { Answer::HangUp }).await;
    let address = station.address.clone();
    let poller = Poller::start(vec![soil(&address, "station-1", 1)], TEST_PATIENCE);
    station.next_request().await;
    poller.measured(1).await;
    station.die().await;
    let refused = poller.metrics.polls(PollResult::Transport);
    poller.wait_for_polls(PollResult::Transport, refused + 3).await;
    let revived = Station::start_at(&address, |_| MILD).await;
    let measured = poller.measured(2).await;
    assert_eq!(measured[1], ("station-1".to_owned(), moisture_and_temperature(20.0, 5.0)));
    poller.end().await.unwrap();
    drop(revived);
}

#[tokio::test]
async fn an_unknown_model_is_refused_before_anything_is_polled() {
    let station = ModbusStation { model: Arc::from("acme"), ..soil("127.0.0.1:1", "station-1", 1) };
    let error = Poller::start(vec![station], TEST_PATIENCE).running.await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("station `station-1` has model `acme`, which is not one of: {STATION_MODEL_NAMES}")
    );
}

#[tokio::test]
async fn a_closed_journal_ends_the_polling_with_an_error() {
    let station = Station::start(|_| COLD).await;
    let poller = Poller::start(vec![soil(&station.address, "station-1", 1)], TEST_PATIENCE);
    poller.measured(1).await;
    poller.journal.close();
    let error = poller.running.await.unwrap().unwrap_err();
    assert!(matches!(error, PollError::Journal { source: AppendError::Closed, .. }), "{error:?}");
}

#[tokio::test]
async fn without_stations_there_is_nothing_to_do() {
    assert!(Poller::start(Vec::new(), TEST_PATIENCE).running.await.unwrap().is_ok());
}

fn over_a_modem(address: &str) -> ModbusStation {
    ModbusStation { framing: Framing::Rtu, ..soil(address, "station-1", 1) }
}

#[tokio::test]
async fn a_station_behind_a_transparent_modem_is_asked_by_the_book() {
    let mut line = rtu_line::Line::start(|_| rtu_line::Says::Registers([0x0292, 0xff9b])).await;
    let poller = Poller::start(vec![over_a_modem(&line.address)], TEST_PATIENCE);
    assert_eq!(line.next_request().await, [0x01, 0x03, 0x00, 0x00, 0x00, 0x02, 0xc4, 0x0b]);
    assert_eq!(poller.measured(1).await, [("station-1".to_owned(), moisture_and_temperature(65.8, -10.1))]);
    poller.end().await.unwrap();
}

#[tokio::test]
async fn over_a_modem_a_late_answer_is_let_go_by_although_it_comes_over_the_next_connection() {
    // The first question is answered only when the poller has connected again: the modem knows nothing of connections.
    let line = rtu_line::Line::start(|number| match number {
        1 => rtu_line::Says::LateOverTheNextConnection([999, 999]),
        _ => rtu_line::Says::Registers([200, 50]),
    })
    .await;
    let poller = Poller::start(vec![over_a_modem(&line.address)], IMPATIENT);
    assert_eq!(poller.measured(1).await, [("station-1".to_owned(), moisture_and_temperature(20.0, 5.0))]);
    poller.end().await.unwrap();
}

#[tokio::test]
async fn an_answer_whose_check_is_wrong_or_that_has_another_length_is_not_believed() {
    let line = rtu_line::Line::start(|number| match number {
        1 => rtu_line::Says::BadCheck([999, 999]),
        2 => rtu_line::Says::TooMany([999, 999, 999]),
        _ => rtu_line::Says::Registers([200, 50]),
    })
    .await;
    let poller = Poller::start(vec![over_a_modem(&line.address)], IMPATIENT);
    assert_eq!(poller.measured(1).await, [("station-1".to_owned(), moisture_and_temperature(20.0, 5.0))]);
    poller.end().await.unwrap();
}

#[tokio::test]
async fn a_described_station_is_asked_for_its_own_block_and_its_map_stands_in_the_journal() {
    let mut station = Station::start(|_| Answer::Registers([0x0000, 0x41be])).await;
    let map = "acme input 7 2 7:soil_temperature_c:f32:cdab:1:0:-";
    let described = ModbusStation { model: Arc::from(map), ..soil(&station.address, "station-1", 1) };
    let poller = Poller::start(vec![described], TEST_PATIENCE);
    assert_eq!(station.next_request().await.bytes[6..], [0x01, 0x04, 0x00, 0x07, 0x00, 0x02]);
    assert_eq!(poller.measured(1).await, [("station-1".to_owned(), vec![(Quantity::SoilTemperatureC, 23.75)])]);
    let frame = poller.journal.read(Offset(0), 1).await.unwrap().remove(0).frame;
    assert_eq!(frame.channel, Channel::Modbus { model: Arc::from(map) });
    poller.end().await.unwrap();
}

#[tokio::test]
async fn a_dead_station_on_a_line_does_not_silence_its_neighbour() {
    let station = Station::start(|request| if request.unit() == 2 { Answer::Nothing } else { MILD }).await;
    let stations = vec![soil(&station.address, "station-1", 1), soil(&station.address, "station-2", 2)];
    let poller = Poller::start(stations, IMPATIENT);
    let measured = poller.measured(8).await;
    assert!(measured.iter().all(|(device, _)| device == "station-1"));
    // Each of its timeouts is longer apart; the neighbour is asked in between.
    assert!(poller.metrics.polls(PollResult::Timeout) < poller.metrics.polls(PollResult::Ok));
    poller.end().await.unwrap();
}
