//! The encoder against a parser that was written from the format's description alone.

use super::super::line::{FieldValue, Line};
use super::super::schema::line_of;
use super::*;
use proptest::prelude::*;

#[derive(Debug, PartialEq, Clone)]
enum Value {
    Float(f64),
    Integer(i64),
    Text(String),
}

#[derive(Debug, PartialEq)]
struct Point {
    measurement: String,
    tags: Vec<(String, String)>,
    fields: Vec<(String, Value)>,
    ts_ms: i64,
}

/// Reads up to an unescaped stop character; a backslash takes the special meaning from `,`, `=` and space only.
fn name(rest: &mut &str, stops: &[char]) -> Option<String> {
    let mut out = String::new();
    loop {
        let c = rest.chars().next()?;
        if stops.contains(&c) {
            return (!out.is_empty()).then_some(out);
        }
        *rest = &rest[c.len_utf8()..];
        match (c, rest.chars().next()) {
            ('\\', Some(special @ (',' | '=' | ' '))) => {
                out.push(special);
                *rest = &rest[1..];
            }
            _ => out.push(c),
        }
    }
}

fn eat(rest: &mut &str, c: char) -> Option<()> {
    *rest = rest.strip_prefix(c)?;
    Some(())
}

fn text(rest: &mut &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &rest[at + 1..];
                return Some(out);
            }
            '\\' => out.push(chars.next().map(|(_, c)| c).filter(|c| matches!(c, '"' | '\\'))?),
            c => out.push(c),
        }
    }
    None
}

fn value(rest: &mut &str) -> Option<Value> {
    if let Some(after) = rest.strip_prefix('"') {
        *rest = after;
        return text(rest).map(Value::Text);
    }
    let end = rest.find([',', ' '])?;
    let (number, after) = rest.split_at(end);
    *rest = after;
    match number.strip_suffix('i') {
        Some(integer) => integer.parse().ok().map(Value::Integer),
        None => number.parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Float),
    }
}

fn parse(line: &str) -> Option<Point> {
    if line.starts_with('#') || line.contains(['\n', '\r', '\0']) {
        return None;
    }
    let rest = &mut &*line;
    let measurement = name(rest, &[',', ' '])?;
    let mut tags = Vec::new();
    while eat(rest, ',').is_some() {
        let key = name(rest, &['=', ',', ' '])?;
        eat(rest, '=')?;
        tags.push((key, name(rest, &[',', ' ', '='])?));
    }
    let mut fields = Vec::new();
    let mut before = ' ';
    while eat(rest, before).is_some() {
        let key = name(rest, &['=', ',', ' '])?;
        eat(rest, '=')?;
        fields.push((key, value(rest)?));
        before = ',';
    }
    eat(rest, ' ')?;
    Some(Point { measurement, tags, fields, ts_ms: rest.parse().ok()? })
}

fn cleaned(name: &str) -> String {
    name.chars().map(|c| if c.is_control() || c == '\\' { '_' } else { c }).collect()
}

/// Any text, and often one made of what has a meaning in the format.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::collection::vec(
            prop::sample::select(vec!['\\', ',', '=', ' ', '"', '\n', '\r', '\0', '#', 'i', '1', '草']),
            0..8
        )
        .prop_map(String::from_iter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]
    #[test]
    fn no_name_and_no_value_can_begin_a_second_line_tag_or_field(
        measurement in hostile(), tag in (hostile(), hostile()), field in (hostile(), hostile()),
        number in any::<f64>(), count in any::<u64>(), ts_ms in any::<i64>(),
    ) {
        let line = Line::new(&measurement)
            .tag(&tag.0, &tag.1)
            .field("number", FieldValue::Float(number))
            .field(&field.0, FieldValue::Text(&field.1))
            .field("count", FieldValue::Unsigned(count))
            .finish(Timestamp::from_millis(ts_ms));

        let mut fields = Vec::new();
        if number.is_finite() {
            fields.push(("number".to_owned(), Value::Float(number)));
        }
        if !field.0.is_empty() {
            let text = field.1.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            fields.push((cleaned(&field.0), Value::Text(text)));
        }
        if let Ok(count) = i64::try_from(count) {
            fields.push(("count".to_owned(), Value::Integer(count)));
        }
        let tags = if tag.0.is_empty() || tag.1.is_empty() { vec![] } else { vec![(cleaned(&tag.0), cleaned(&tag.1))] };
        let measurement = cleaned(measurement.strip_prefix('#').map_or(measurement.clone(), |rest| format!("_{rest}")).as_str());
        if fields.is_empty() || measurement.is_empty() {
            prop_assert_eq!(line, None);
        } else {
            let line = line.unwrap();
            prop_assert_eq!(parse(&line), Some(Point { measurement, tags, fields, ts_ms }), "{}", line);
        }
    }
}

#[test]
fn the_parser_sees_what_an_unsafe_encoder_would_let_through() {
    assert_eq!(parse("m,device=a\nevil,device=b f=1 1"), None);
    assert_eq!(parse("m,device=a\\ f=1 1"), None);
    assert_eq!(parse("m,device= f=1 1"), None);
    assert_eq!(parse("m f=NaN 1"), None);
    assert_eq!(parse("m f=1"), None);
}

#[track_caller]
fn check(reading: &Reading, expected: Option<&str>) {
    let line = line_of(reading).map(|line| line.text);
    assert_eq!(line.as_deref(), expected);
    assert!(line.is_none_or(|line| parse(&line).is_some()));
}

#[test]
fn every_kind_of_reading_has_the_line_that_the_module_page_describes() {
    let track = Track { flight_id: Some("flight \"7\"\nx".into()), alt_m: Some(1_300.0), ..Track::default() };
    check(&moved("drone-1", 3), Some("track,device=drone-1 lat=43.2529296875,lon=117.5,speed_mps=3.0 1714521603000"));
    check(
        &reading("drone-1", 1, Body::Track(track)),
        Some("track,device=drone-1 alt_m=1300.0,flight_id=\"flight \\\"7\\\" x\" 1714521601000"),
    );
    let measured = [(Quantity::AirTemperatureC, -20.5), (Quantity::RainMm, 0.0)];
    let measured = measured.map(|(quantity, value)| Measurement { quantity, value });
    check(
        &reading("s", 2, Body::Measurements(measured.to_vec())),
        Some("station,device=s air_temperature_c=-20.5,rain_mm=0.0 1714521602000"),
    );
    check(
        &reading("cam", 2, Body::Heartbeat(beat(Some(u64::MAX)))),
        Some("heartbeat,device=cam status=\"degraded\",battery_percent=81.5 1714521602000"),
    );
    check(&reading("s", 2, Body::Measurements(Vec::new())), None);
    check(&reading("s", 2, Body::Track(Track::default())), None);
    check(&reading("s", 2, Body::Clock), None);
}

pub(super) fn beat(uptime_s: Option<u64>) -> Heartbeat {
    Heartbeat {
        status: Some(HeartbeatStatus::Degraded),
        uptime_s,
        battery_percent: Some(81.5),
        signal_dbm: None,
        temperature_c: Some(f64::NAN),
        storage_free_mb: None,
        pan_tilt: None,
        pan_tilt_target: None,
        frame_hash: None,
        firmware: None,
    }
}
