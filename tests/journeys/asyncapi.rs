//! The AsyncAPI document of the MQTT interface, held against the decoder's sources and against what the platform does.

pub(crate) mod schema;
mod sources;

use crate::integrator::devices_of_the_examples;
use crate::readme::read;
use crate::wire::{Wire, connect, publish, subscribe};
use journeys::{Device, Platform};
use model::{Quantity, ReadingKind};
use schema::{Schemas, pointer};
use serde_json::{Value, json};
use sources::read_fields;
use std::collections::{BTreeMap, BTreeSet};

/// What every JPEG begins with.
const JPEG: &[u8] = &[0xff, 0xd8, 0xff, 0xe0];

pub(crate) fn document() -> Value {
    serde_json::from_str(&read("docs/asyncapi.json")).unwrap()
}

/// A message that the platform takes.
struct Message {
    name: String,
    topic: String,
    /// Who says it in the examples.
    device: String,
    schema: Value,
    examples: Vec<Value>,
    bytes_max: usize,
}

/// Follows `$ref`.
pub(crate) fn follow<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            document.pointer(reference.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{reference}"))
        }
        None => value,
    }
}

/// The address with the examples of its parameters filled in.
pub(crate) fn address(channel: &Value) -> String {
    let mut address = channel.get("address").and_then(Value::as_str).unwrap().to_owned();
    for (name, parameter) in channel.get("parameters").and_then(Value::as_object).unwrap() {
        let example = parameter.pointer("/examples/0").or(parameter.get("default")).and_then(Value::as_str).unwrap();
        address = address.replace(&format!("{{{name}}}"), example);
    }
    assert!(!address.contains('{'), "{address} has a parameter that is not described");
    address
}

/// The channels of the operations that the platform does with this action.
fn channels(document: &Value, action: &str) -> Vec<Value> {
    let operations = document.get("operations").and_then(Value::as_object).unwrap().values();
    let operations = operations.filter(|operation| operation.get("action").and_then(Value::as_str) == Some(action));
    operations.map(|operation| follow(document, operation.get("channel").unwrap()).clone()).collect()
}

/// What the platform takes, channel by channel.
fn messages(document: &Value) -> Vec<Message> {
    let mut messages = Vec::new();
    for channel in channels(document, "receive") {
        let topic = address(&channel);
        let device = if topic.starts_with("thing/") { "drone-1" } else { topic.split('/').nth(3).unwrap() };
        for message in channel.get("messages").and_then(Value::as_object).unwrap().values() {
            let message = follow(document, message);
            let examples = message.get("examples").and_then(Value::as_array).into_iter().flatten();
            messages.push(Message {
                name: message.get("name").and_then(Value::as_str).unwrap().to_owned(),
                topic: topic.clone(),
                device: device.to_owned(),
                schema: follow(document, message.get("payload").unwrap()).clone(),
                examples: examples.map(|example| example.get("payload").unwrap().clone()).collect(),
                bytes_max: message.get("x-bytes-max").and_then(Value::as_u64).unwrap().try_into().unwrap(),
            });
        }
    }
    assert!(!messages.is_empty(), "the document has lost its messages");
    messages
}

/// The platform with the devices of the examples, connected.
async fn platform() -> (Platform, BTreeMap<String, Device>) {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let devices = devices_of_the_examples(&platform).await;
    (platform, devices)
}

/// What devices said and the platform understood, and what it did not.
fn verdicts(page: &str) -> (u64, u64) {
    let total = |name: &str| -> u64 {
        let lines = page.lines().filter(|line| line.starts_with(name) && !line.contains("\"clock\""));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    // One change to an example may say what another did, and is then the same message sent again.
    (total("steppewatch_decoded_total{") + total("steppewatch_repeats_total "), total("steppewatch_rejects_total{"))
}

/// Waits until that many messages are judged.
async fn judged(platform: &Platform, count: usize) -> (u64, u64) {
    let all = |page: &str| verdicts(page).0 + verdicts(page).1 == count as u64;
    verdicts(&platform.wait_for_metrics(all).await.unwrap())
}

/// The dead letters in the order in which their messages came.
async fn letters(platform: &Platform) -> Vec<Value> {
    let mut letters = platform.operator().await.unwrap().items("/dead-letters?limit=1000").await.unwrap();
    letters.sort_by_key(|letter| letter.get("offset").and_then(Value::as_u64));
    letters
}

#[test]
fn the_document_names_every_native_kind_and_every_field_that_is_read_and_no_other() {
    let document = document();
    let words = read("ingest/model/src/ids.rs");
    let is_kind = |word: &&str| ReadingKind::of_native_topic(word).is_some();
    let kinds: BTreeSet<&str> = words.split('"').filter(is_kind).collect();
    let messages = messages(&document);
    let native = messages.iter().filter(|message| message.topic.starts_with("steppe/v1/hexigten/"));
    assert_eq!(native.map(|message| message.topic.split('/').nth(4).unwrap()).collect::<BTreeSet<_>>(), kinds);

    let schemas = Schemas::of(&document);
    for message in &messages {
        let source = match message.name.as_str() {
            "snapshot" => continue, // bytes, no fields
            "djiOsd" => read_fields(&read("ingest/src/decode/dji.rs"), "Envelope"),
            "reading" => read_fields(&read("ingest/src/decode/native/measurements.rs"), "Wire"),
            // Its box is a sighting's.
            "fire" => {
                let [fire, sighting] =
                    ["fire", "sighting"].map(|name| read(&format!("ingest/src/decode/native/{name}.rs")));
                read_fields(&(fire + &sighting), "Wire")
            }
            name => read_fields(&read(&format!("ingest/src/decode/native/{name}.rs")), "Wire"),
        };
        let described = schemas.fields(&message.schema).into_iter().map(|(path, _)| path.join("."));
        assert_eq!(described.collect::<BTreeSet<_>>(), source, "{}", message.name);
    }
}

#[test]
fn units_are_those_of_the_names_and_quantities_are_those_of_the_model() {
    let document = document();
    let schemas = Schemas::of(&document);
    let units = [
        ("_m", "m"),
        ("_mps", "m/s"),
        ("_deg", "°"),
        ("_percent", "%"),
        ("_c", "°C"),
        ("_dbm", "dBm"),
        ("_mb", "MB"),
        ("_s", "s"),
        ("_cm", "cm"),
        ("_mm", "mm"),
        ("_mu", "kg/mu"),
    ];
    for message in messages(&document) {
        for (path, schema) in schemas.fields(&message.schema) {
            let name = path.last().unwrap();
            let unit = schema.get("x-unit").and_then(Value::as_str);
            let is_number = schema.get("type").is_some_and(|kind| kind.to_string().contains("number"));
            assert!(unit.is_some() || !is_number, "{}: {name} is a number without a unit", message.name);
            if let Some((_, named)) = units.iter().find(|(suffix, _)| name.ends_with(suffix)) {
                assert_eq!(unit, Some(*named), "{}: {name}", message.name);
            }
            if let Some(quantity) = Quantity::parse(name) {
                let range =
                    [schema.get("minimum"), schema.get("maximum")].map(|bound| bound.unwrap().as_f64().unwrap());
                assert_eq!((unit, range.into()), (Some(quantity.unit()), quantity.plausible()), "{name}");
            }
        }
    }
    assert_eq!(document.pointer("/info/version"), Some(&json!(env!("CARGO_PKG_VERSION"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_document_is_understood() {
    let document = document();
    let schemas = Schemas::of(&document);
    let (platform, mut devices) = platform().await;
    let mut said = 0;
    for message in messages(&document) {
        let device = devices.get_mut(&message.device).unwrap();
        if message.name == "snapshot" {
            device.publish_to(&message.topic, JPEG.to_vec()).await.unwrap();
            said += 1;
            continue;
        }
        assert!(!message.examples.is_empty(), "{} has no example", message.name);
        for example in &message.examples {
            assert!(schemas.allow(&message.schema, example), "{} does not fit its own schema", message.name);
            device.publish_to(&message.topic, example.to_string().into_bytes()).await.unwrap();
            said += 1;
        }
    }
    assert_eq!(judged(&platform, said).await, (said as u64, 0), "{:?}", letters(&platform).await);
}

/// A message made from an example by one change, and what the schema says of it.
struct Probe {
    topic: String,
    device: String,
    payload: String,
    /// The field that was changed; none for a change of several.
    path: Option<Vec<String>>,
    left_out: bool,
    allowed: bool,
}

fn probes(document: &Value) -> Vec<Probe> {
    let schemas = Schemas::of(document);
    let mut probes = Vec::new();
    for message in messages(document).iter().filter(|message| message.name != "snapshot") {
        let mut add = |path: Option<&[String]>, left_out: bool, payload: &Value| {
            probes.push(Probe {
                topic: message.topic.clone(),
                device: message.device.clone(),
                payload: payload.to_string(),
                path: path.map(<[String]>::to_vec),
                left_out,
                allowed: schemas.allow(&message.schema, payload),
            });
        };
        for (path, schema) in schemas.fields(&message.schema) {
            let shown = |example: &&Value| example.pointer(&pointer(&path)).is_some_and(|value| !value.is_null());
            let is_absent = schema.get("type").and_then(Value::as_str) == Some("null");
            let example = message.examples.iter().find(|example| is_absent || shown(example));
            let mut example = example.unwrap_or_else(|| panic!("no example shows {} {path:?}", message.name)).clone();
            make_room(&path, &mut example);
            for value in schema::values(&schema) {
                let mut payload = example.clone();
                let (name, parent) = path.split_last().unwrap();
                let parent = payload.pointer_mut(&pointer(parent)).and_then(Value::as_object_mut).unwrap();
                parent.insert(name.clone(), value);
                add(Some(&path), false, &payload);
            }
            add(Some(&path), true, &schema::without(&example, &path));
        }
        for example in &message.examples {
            for payload in schemas.with_one_alternative_or_none(&message.schema, example) {
                add(None, true, &payload);
            }
            let mut newer = example.clone();
            newer.as_object_mut().unwrap().insert("something_new".into(), json!({"a": [1]}));
            add(None, false, &newer);
        }
        add(None, false, &json!([1]));
        add(None, false, &Value::Null);
    }
    probes
}

/// What a schema cannot say: `young` is at most `count`, and a box ends within the picture. So that a change of one field
/// is judged by that field alone, the others leave it room.
fn make_room(path: &[String], example: &mut Value) {
    let fields = example.as_object_mut().unwrap();
    match path.first().unwrap().as_str() {
        "young" => drop(fields.insert("count".into(), json!(10_000))),
        "count" => drop(fields.remove("young")),
        "box" => drop(fields.insert("box".into(), json!({"x": 0, "y": 0, "w": 1e-7, "h": 1e-7}))),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_schemas_allow_is_understood_and_what_they_require_or_bound_is_refused_otherwise() {
    let document = document();
    let (allowed, refused): (Vec<_>, Vec<_>) = probes(&document).into_iter().partition(|probe| probe.allowed);
    assert!(allowed.len() > 300 && refused.len() > 300, "{} {}", allowed.len(), refused.len());
    let (platform, mut devices) = platform().await;
    for probe in &allowed {
        let device = devices.get_mut(&probe.device).unwrap();
        device.publish_to(&probe.topic, probe.payload.clone().into_bytes()).await.unwrap();
    }
    let verdict = judged(&platform, allowed.len()).await;
    assert_eq!(verdict, (allowed.len() as u64, 0), "{:#?}", letters(&platform).await);

    for probe in &refused {
        let device = devices.get_mut(&probe.device).unwrap();
        device.publish_to(&probe.topic, probe.payload.clone().into_bytes()).await.unwrap();
    }
    let (understood, _) = judged(&platform, allowed.len() + refused.len()).await;
    let letters = letters(&platform).await;
    let text = |letter: &Value, key: &str| letter.get(key).and_then(Value::as_str).unwrap().to_owned();
    if understood != allowed.len() as u64 {
        let kept: Vec<_> = letters.iter().map(|letter| text(letter, "detail")).collect();
        let said: Vec<_> = refused.iter().map(|probe| format!("{:?} {}", probe.path, probe.payload)).collect();
        panic!("{} of {} were understood\n{said:#?}\n{kept:#?}", understood - allowed.len() as u64, refused.len());
    }
    assert_eq!(letters.len(), refused.len(), "a page of dead letters no longer holds them all");
    for (probe, letter) in refused.iter().zip(&letters) {
        let (reason, detail) = (text(letter, "reason"), text(letter, "detail"));
        let what = format!("{} of {:?}: {detail}", probe.payload, probe.path);
        if probe.left_out {
            assert_eq!(reason, "missing_field", "{what}");
        }
        let Some(path) = &probe.path else { continue };
        if let Some(named) = detail.split("field `").nth(1).and_then(|rest| rest.split('`').next()) {
            assert!(is_about(named, &path.join("."), &reason), "{what}");
        }
    }
}

/// A sentence that names a field names the one that was changed, or one in it. A time's always says `ts` and a position's
/// `lat` or `lon`, whatever the protocol calls them; a corner beyond the edge of the picture leaves no room for the side.
fn is_about(named: &str, path: &str, reason: &str) -> bool {
    let renamed =
        reason == "bad_time" || [("lat", "data.latitude"), ("lon", "data.longitude")].contains(&(named, path));
    renamed || path.ends_with(named) || named.contains(path) || (named.starts_with("box.") && path.starts_with("box."))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_sizes_and_the_downward_topics_are_as_the_document_says() {
    let document = document();
    let (platform, devices) = platform().await;
    let mut wires = BTreeMap::new();
    let packet_max = document.pointer("/servers/mqtt/bindings/mqtt/maximumPacketSize").and_then(Value::as_u64).unwrap();
    let announced = [&[0x27][..], &u32::try_from(packet_max).unwrap().to_be_bytes()].concat();
    for (id, device) in devices {
        let mut wire = Wire::from(1, &platform).await;
        wire.send(&connect(5, &device.id, &device.secret)).await;
        let welcome = wire.read().await.unwrap();
        assert!(welcome.windows(5).any(|part| part == announced), "{welcome:?}");
        wires.insert(id, wire);
    }
    for message in messages(&document) {
        let wire = wires.get_mut(&message.device).unwrap();
        wire.send(&publish(5, &message.topic, &vec![b' '; message.bytes_max])).await;
        assert_eq!(wire.read().await.as_deref(), Some(&[0x40, 2, 0, 1][..]), "{}", message.name);
        wire.send(&publish(5, &message.topic, &vec![b' '; message.bytes_max + 1])).await;
        assert_eq!(wire.read().await.as_deref(), Some(&[0x40, 4, 0, 1, 0x97, 0][..]), "{}", message.name);
    }
    let is_to_a_device = |channel: &Value| channel.pointer("/parameters/device").is_some();
    let downward: Vec<_> = channels(&document, "send").into_iter().filter(is_to_a_device).collect();
    assert!(!downward.is_empty(), "the document has lost its downward topics");
    let wire = wires.get_mut("cam-1").unwrap();
    for channel in downward {
        let (above, _) = channel.get("address").and_then(Value::as_str).unwrap().rsplit_once('/').unwrap();
        let granted = above.replace("{tenant}", "hexigten").replace("{device}", "cam-1");
        let foreign = above.replace("{tenant}", "hexigten").replace("{device}", "drone-1");
        for (filter, code) in [(format!("{granted}/#"), 1), (address(&channel), 1), (format!("{foreign}/#"), 0x87)] {
            wire.send(&subscribe(5, &filter)).await;
            assert_eq!(wire.read().await.unwrap(), [0x90, 4, 0, 1, 0, code], "{filter}");
        }
    }
}
