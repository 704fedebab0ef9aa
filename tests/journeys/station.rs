//! A grass station that is polled: its values are there to be read, and an outage of its line ends when the line is back.

use firmware_sim::modbus_station::{ModbusStations, Probe};
use journeys::{PATIENCE, Platform};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const UNIT: u8 = 2;
const MOISTURE: &str = "/devices/station-1/series?field=soil_moisture_percent";
const TEMPERATURE: &str = "/devices/station-1/series?field=soil_temperature_c";

/// The stations' gateway, while it is there.
struct Line {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Line {
    /// Serves a probe at an address; waits while the last connections of an earlier line still hold it.
    async fn up(address: SocketAddr, probe: Probe) -> Self {
        let binding = async {
            loop {
                match ModbusStations::bind(address, UNIT, 1).await {
                    Ok(stations) => return stations,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let stations = tokio::time::timeout(PATIENCE, binding).await.unwrap();
        stations.set_probe(UNIT, probe);
        let (address, stop) = (stations.local_addr(), CancellationToken::new());
        let told = stop.clone();
        let serving = tokio::spawn(async move { stations.run(told).await });
        Self { address, stop, serving }
    }

    async fn down(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
    }
}

fn points(body: &Value) -> Vec<(i64, f64)> {
    let points = body["points"].as_array().unwrap();
    points.iter().map(|point| (point[0].as_i64().unwrap(), point[1].as_f64().unwrap())).collect()
}

fn has(value: f64) -> impl Fn(&Value) -> bool {
    move |body| points(body).iter().any(|point| point.1 == value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polled_stations_values_can_be_read_and_go_on_after_its_line_was_down() {
    let line = Line::up(SocketAddr::from(([127, 0, 0, 1], 0)), Probe::fixed(17.3, -4.2)).await;
    let station = format!(
        "[[modbus]]\ndevice = \"station-1\"\naddress = \"{}\"\nunit = {UNIT}\ninterval = \"1s\"\nmodel = \"renke-soil\"",
        line.address
    );
    let mut platform = Platform::prepare(&station).unwrap();
    platform.device("station-1", "station", &[]).await.unwrap();
    let began_ms = firmware_sim::clock::now_ms();
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();
    let read = operator.wait_for(MOISTURE, has(17.3)).await.unwrap();
    assert_eq!((&read["field"], &read["unit"]), (&"soil_moisture_percent".into(), &"%".into()));
    assert!(points(&read)[0].0 >= began_ms, "{read}");
    operator.wait_for(TEMPERATURE, has(-4.2)).await.unwrap();

    let address = line.address;
    line.down().await;
    let failed = "steppewatch_modbus_polls_total{result=\"transport\"} ";
    let noticed = |page: &str| page.lines().any(|line| line.strip_prefix(failed).is_some_and(|polls| polls != "0"));
    platform.wait_for_metrics(noticed).await.unwrap();

    let _line = Line::up(address, Probe::fixed(21.9, 3.5)).await;
    let read = points(&operator.wait_for(MOISTURE, has(21.9)).await.unwrap());
    assert!(read.is_sorted_by(|a, b| a.0 < b.0), "{read:?}");
    assert!(read.iter().all(|point| [17.3, 21.9].contains(&point.1)), "{read:?}");
    assert_eq!(read[0].1, 17.3, "what was measured before the outage is kept");
    operator.wait_for(TEMPERATURE, has(3.5)).await.unwrap();
}
