//! HJ 212: the standard's own check value, and what stations make of their data.

use super::{RECEIVED_MS, foreign};
use crate::decode::hj212::{Framed, crc, framed};
use model::{Body, Measurement, Quantity, Reject, Timestamp};

const COMPOSED: &str = "##0200QN=20261122101500000;ST=22;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20261122101500;\
    a01001-Rtd=-12.4,a01001-Flag=N;a01002-Rtd=46.0,a01002-Flag=N;a01007-Rtd=5.3,a01007-Flag=N&&C301\r\n";

fn packet(command: &str, parameters: &str) -> String {
    let data = format!(
        "QN=20261122101500000;ST=22;CN={command};PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&{parameters}&&"
    );
    format!("##{:04}{data}{:04X}\r\n", data.len(), crc(data.as_bytes()))
}

fn read(packet: &str) -> Result<Vec<(Quantity, f64)>, Reject> {
    let reading = foreign("hj212", "", packet.as_bytes())?;
    assert_eq!(reading.device_time.map(|time| time.0), Some(Timestamp::from_millis(RECEIVED_MS)));
    match reading.body {
        Body::Measurements(all) => {
            Ok(all.into_iter().map(|Measurement { quantity, value }| (quantity, value)).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_check_is_the_standards_own() {
    let data = "QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&";
    assert_eq!((data.len(), crc(data.as_bytes())), (101, 0x1C80));
}

#[test]
fn real_time_data_are_measurements_of_their_time() {
    assert_eq!(
        read(COMPOSED),
        Ok(vec![(Quantity::AirTemperatureC, -12.4), (Quantity::HumidityPercent, 46.0), (Quantity::WindSpeedMps, 5.3),])
    );
}

#[test]
fn data_of_an_hour_are_their_mean_and_what_is_flagged_or_foreign_is_left_out() {
    let hour = packet(
        "2061",
        "DataTime=20261122101500;a01001-Min=1,a01001-Avg=2.5,a01001-Max=4,a01001-Flag=N;a01002-Avg=9,a01002-Flag=D;w00000-Cou=3",
    );
    assert_eq!(read(&hour), Ok(vec![(Quantity::AirTemperatureC, 2.5)]));
    let broken = packet("2011", "DataTime=20261122101500;a01001-Rtd=999;a01007-Rtd=3.0");
    assert_eq!(read(&broken), Ok(vec![(Quantity::WindSpeedMps, 3.0)]));
}

#[test]
fn what_says_nothing_that_we_watch_is_rejected_with_its_reason() {
    let missing = packet("2011", "DataTime=20261122101500;w01018-Rtd=3");
    assert!(matches!(read(&missing), Err(Reject::Missing { .. })));
    assert_eq!(read(&packet("2011", "a01001-Rtd=3")), Err(Reject::Missing { field: "DataTime" }));
    assert!(matches!(read(&packet("2011", "DataTime=noon;a01001-Rtd=3")), Err(Reject::BadTime(_))));
    assert!(matches!(read(&packet("2011", "DataTime=20261122101500;a01001-Rtd=warm")), Err(Reject::Malformed(_))));
    assert_eq!(read(&packet("1062", "RtdInterval=30")), Err(Reject::UnknownMessage("hj212 command 1062".into())));
    assert!(matches!(read(&COMPOSED.replace("-12.4", "-12.5")), Err(Reject::Malformed(_))));
    assert_eq!(read(""), Err(Reject::Empty));
}

#[test]
fn packets_are_found_among_noise_and_by_their_check() {
    let packet = COMPOSED.trim_end();
    assert_eq!(framed(packet.as_bytes()), Framed::Whole(packet.len()));
    assert_eq!(framed(format!("xx{packet}").as_bytes()), Framed::Noise(2));
    assert_eq!(framed(b"xx#"), Framed::Noise(2));
    assert_eq!(framed(b"##00x0"), Framed::Noise(2));
    assert_eq!(framed(b"##0002abFFFF"), Framed::Noise(2));
    for cut in 0..packet.len() {
        assert_eq!(framed(&packet.as_bytes()[..cut]), Framed::More, "{cut}");
    }
    // What Modbus would write there, either way round.
    let data = packet.get(6..packet.len() - 4).unwrap();
    let modbus = crate::decode::stations::modbus_crc(data.as_bytes());
    for check in [modbus, modbus.swap_bytes()] {
        assert_eq!(framed(format!("##0200{data}{check:04x}").as_bytes()), Framed::Whole(packet.len()));
    }
}
