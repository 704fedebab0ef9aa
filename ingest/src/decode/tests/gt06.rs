//! GT06: composed packets, and those that real trackers sent.

use super::{RECEIVED_MS, entry};
use crate::decode::decode;
use crate::decode::gt06::{Framed, Packet, channel, crc, framed};
use model::{Body, Reading, Reject, Timestamp, Track};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn read_as(utc_offset_min: i16, packet: &[u8]) -> Result<Reading, Reject> {
    decode(&entry(channel(utc_offset_min, "wgs84"), packet))
}

fn track(packet: &[u8]) -> Track {
    match read_as(0, packet).unwrap().body {
        Body::Track(track) => track,
        other => panic!("{other:?}"),
    }
}

const LOGIN: &str = "78780d010868120148373571000159570d0a";
const POSITION: &str = "78781f121a0b16020f00c904b5823e0c2c2f0c0c145701cc0012340056780007bd480d0a";

#[test]
fn a_login_names_its_tracker_and_a_position_is_where_it_was() {
    let login = bytes(LOGIN);
    let packet = Packet::read(&login).unwrap();
    assert_eq!((packet.imei().as_deref(), packet.number), (Some("868120148373571"), 1));
    assert!(matches!(read_as(0, &login).unwrap().body, Body::Heartbeat(_)));
    let reading = read_as(0, &bytes(POSITION)).unwrap();
    assert_eq!(reading.device_time.map(|time| time.0), Some(Timestamp::from_millis(RECEIVED_MS)));
    assert_eq!(reading.seq, Some(7));
    let track = track(&bytes(POSITION));
    let at = track.position.unwrap();
    assert!((at.lat_deg() - 43.891_234).abs() < 1e-6 && (at.lon_deg() - 113.456_789).abs() < 1e-6, "{at:?}");
    assert_eq!((track.speed_mps, track.heading_deg), (Some(12.0 / 3.6), Some(87.0)));
}

#[test]
fn a_clock_that_shows_beijings_time_is_eight_hours_ahead() {
    let eight_hours_later = RECEIVED_MS - 8 * 3_600_000;
    let reading = read_as(480, &bytes(POSITION)).unwrap();
    assert_eq!(reading.device_time.map(|time| time.0), Some(Timestamp::from_millis(eight_hours_later)));
}

/// A packet of this type with this content.
fn packet(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut inner = vec![u8::try_from(content.len() + 5).unwrap(), kind];
    inner.extend_from_slice(content);
    inner.extend([0, 9]);
    let check = crc(&inner).to_be_bytes();
    [&[0x78, 0x78][..], &inner, &check, &[0x0D, 0x0A]].concat()
}

#[test]
fn a_status_tells_the_battery_and_what_is_not_understood_is_named() {
    let Body::Heartbeat(life) = read_as(0, &packet(0x13, &[0x45, 3, 4, 0, 1])).unwrap().body else { panic!() };
    assert_eq!(life.battery_percent, Some(50.0));
    assert_eq!(read_as(0, &packet(0x94, &[1, 2])), Err(Reject::UnknownMessage("gt06 packet 0x94".into())));
    assert_eq!(read_as(0, &packet(0x12, &[26, 11, 22])), Err(Reject::Missing { field: "position" }));
    assert!(matches!(
        read_as(0, &packet(0x12, &[26, 13, 22, 2, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        Err(Reject::BadTime(_))
    ));
    assert!(matches!(read_as(0, b"78"), Err(Reject::Malformed(_))));
    assert_eq!(read_as(0, b""), Err(Reject::Empty));
}

#[test]
fn without_a_fix_there_is_no_position_and_the_south_and_the_west_are_theirs() {
    let block = |flags: u16| {
        let mut content = bytes("1a0b16020f00c904b5823e0c2c2f0c0c");
        content.pop();
        content.push(12);
        content.extend(flags.to_be_bytes());
        content
    };
    assert_eq!(track(&packet(0x12, &block(1 << 10))).position, None);
    let at = track(&packet(0x16, &block(1 << 11 | 1 << 12))).position.unwrap();
    assert!(at.lat_deg() < 0.0 && at.lon_deg() < 0.0, "{at:?}");
}

#[test]
fn packets_are_found_among_noise() {
    let position = bytes(POSITION);
    for cut in 0..position.len() {
        assert_eq!(framed(&position[..cut]), Framed::More, "{cut}");
    }
    assert_eq!(framed(&position), Framed::Whole(position.len()));
    assert_eq!(framed(&[b"ab".to_vec(), position.clone()].concat()), Framed::Noise(2));
    assert_eq!(framed(b"abx"), Framed::Noise(2), "an x may begin a packet");
    let mut broken = position;
    broken[10] ^= 1;
    assert_eq!(framed(&broken), Framed::Noise(1));
}

#[test]
fn packets_of_real_trackers_are_read_or_named() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/payloads/traccar_frames/Gt06.jsonl");
    let Ok(lines) = std::fs::read_to_string(file) else {
        eprintln!("skipped: no recorded packets beside the repository");
        return;
    };
    let (mut tracks, mut lives, mut named) = (0, 0, 0);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let packet = bytes(line["frame"].as_str().unwrap());
        match read_as(0, &packet).map(|reading| (reading.device_time, reading.body)) {
            Ok((time, Body::Track(track))) => {
                tracks += 1;
                let expected = &line["expected"];
                if let (Some(lat), Some(lon)) = (expected["lat"].as_f64(), expected["lon"].as_f64()) {
                    let at = track.position.unwrap();
                    assert!((at.lat_deg() - lat).abs() < 1e-4 && (at.lon_deg() - lon).abs() < 1e-4, "{line}");
                    let told = expected["time"].as_str().unwrap().replace(' ', "T") + "Z";
                    assert_eq!(time.map(|time| time.0), Timestamp::parse_rfc3339(&told), "{line}");
                }
            }
            Ok((_, Body::Heartbeat(_))) => lives += 1,
            Ok(other) => panic!("{other:?}"),
            Err(reason) => {
                named += 1;
                assert!(!reason.to_string().is_empty());
            }
        }
    }
    assert!(tracks >= 20 && lives >= 10, "{tracks} tracks, {lives} signs of life, {named} named");
}
