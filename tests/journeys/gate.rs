//! The MQTT interface from outside: clients that others wrote work, and each refusal is said, counted, logged, and nobody
//! else's business.

use crate::wire::{Wire, connect, publish, subscribe};
use journeys::{Device, PATIENCE, Platform};
use serde_json::{Value, json};
use std::process::Output;
use tokio::process::Command;

/// Stands in every payload that is refused or not understood, and must stand in no log line.
const PAYLOAD: &str = "whispered-in-confidence";
const MIB: usize = 1 << 20;
pub(crate) const VERSIONS: [(&str, u8); 2] = [("mqttv311", 4), ("mqttv5", 5)];

/// A counter with one label on `/metrics`; one that has not begun is 0.
pub(crate) fn counter(page: &str, name: &str, value: &str) -> u64 {
    let begin = format!("steppewatch_{name}{{");
    let labelled = format!("=\"{value}\"}}");
    let line = page.lines().find(|line| line.starts_with(&begin) && line.contains(&labelled));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// A device that has nothing to do with what another does wrong: says that it lives and must be acknowledged, each time on
/// the connection that it began with (the harness never connects by itself again).
async fn beat(witness: &mut Device) {
    let ts = firmware_sim::clock::now_ms();
    witness.say("heartbeat", json!({"ts": ts, "status": "ok"})).await.unwrap();
}

/// A platform with a witness that is connected, and a device `cam-1` that is registered only.
async fn platform_with_witness() -> (Platform, Device, Device) {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let mut witness = platform.device("witness", "camera", &[]).await.unwrap();
    witness.connect(&platform).await.unwrap();
    beat(&mut witness).await;
    let camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    (platform, witness, camera)
}

/// The log's lines that say why something of this peer was refused, or this device not understood.
pub(crate) fn log_lines(platform: &Platform, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let log = platform.log();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).filter(|line: &Value| wanted(line)).collect()
}

/// No line of the whole log holds any of these.
#[track_caller]
pub(crate) fn keeps_to_itself(platform: &Platform, secrets: &[&str]) {
    let log = platform.log();
    for secret in secrets {
        assert!(!log.contains(secret), "the log holds `{secret}`");
    }
}

/// Something that the gate refuses.
struct Case {
    level: u8,
    /// What a client says after it was let in; before that if `before_welcome`.
    says: Vec<u8>,
    before_welcome: bool,
    /// What the gate answers, byte for byte; nothing: it closes the connection.
    answers: Option<&'static [u8]>,
    /// Whether the connection stays.
    stays: bool,
    /// The reason's label.
    reason: &'static str,
}

/// Plays a case from an address of its own while the witness goes on.
async fn play(case: &Case, host: u8, platform: &Platform, witness: &mut Device, camera: &Device) {
    let Case { level, says, before_welcome, answers, stays, reason } = case;
    let case = format!("{reason} {level}");
    let refusals = async || counter(&platform.metrics().await.unwrap(), "refusals_total", reason);
    let before = refusals().await;
    let mut wire = Wire::from(host, platform).await;
    if !before_welcome {
        wire.send(&connect(*level, &camera.id, &camera.secret)).await;
        let welcome = wire.read().await.unwrap();
        assert!(welcome.first() == Some(&0x20) && welcome.get(2..4) == Some(&[0, 0]), "{case}: {welcome:?}");
    }
    let (first_half, second_half) = says.split_at(says.len() / 2);
    wire.send(first_half).await;
    beat(witness).await;
    wire.send(second_half).await;
    if let Some(answers) = answers {
        assert_eq!(wire.read().await.as_deref(), Some(*answers), "{case}");
    }
    if *stays {
        wire.send(&[0xc0, 0]).await;
        assert_eq!(wire.read().await.as_deref(), Some(&[0xd0, 0][..]), "{case}");
    } else {
        assert_eq!(wire.read().await, None, "{case}");
    }
    beat(witness).await;
    assert_eq!(refusals().await, before + 1, "{case}");

    let from = format!("127.0.0.{host}:");
    let of_peer = |line: &Value| line["level"] == "WARN" && line["peer"].as_str().is_some_and(|p| p.starts_with(&from));
    let lines = log_lines(platform, of_peer);
    let [line] = lines.as_slice() else { panic!("{case}: not one line but {lines:?}") };
    assert_eq!((&line["reason"], &line["device"]), (&json!(reason), &json!(camera.id)), "{case}: {line}");
    assert!(line["message"].as_str().unwrap().starts_with("refused: "), "{case}: {line}");
}

/// Both versions: 3.1.1 has no word for most refusals and closes; 5 says which.
fn cases(camera: &Device) -> Vec<Case> {
    let own = |kind: &str| format!("steppe/v1/hexigten/cam-1/{kind}");
    let large = |len: usize| PAYLOAD.as_bytes().iter().copied().cycle().take(len).collect::<Vec<u8>>();
    let mut cases = Vec::new();
    for level in [4, 5] {
        let new = level == 5;
        let wrong = connect(level, &camera.id, "not-the-secret");
        let refused: &[u8] = if new { &[0x20, 3, 0, 0x86, 0] } else { &[0x20, 2, 0, 4] };
        let case = |says, answers: &'static [u8], stays, reason| {
            let answers = new.then_some(answers);
            Case { level, says, before_welcome: false, answers, stays: stays && new, reason }
        };
        let not_authorized: &[u8] = &[0x40, 4, 0, 1, 0x87, 0];
        let over_limit: &[u8] = &[0x40, 4, 0, 1, 0x97, 0];
        let malformed: &[u8] = &[0xe0, 2, 0x81, 0];
        cases.push(Case {
            before_welcome: true,
            answers: Some(refused),
            ..case(wrong, refused, false, "bad_credentials")
        });
        for foreign in ["steppe/v1/hexigten/witness/heartbeat", "steppe/v1/elsewhere/cam-1/heartbeat", "weather/today"]
        {
            let says = publish(level, foreign, PAYLOAD.as_bytes());
            cases.push(case(says, not_authorized, true, "foreign_topic"));
        }
        cases.push(case(b"\x36\x19\0\0whispered-in-confidence".to_vec(), malformed, false, "malformed")); // QoS 3
        cases.push(case(vec![0x32, 0xff, 0xff, 0xff, 0xff, 1], malformed, false, "malformed")); // a length of five bytes
        cases.push(case(publish(level, &own("track"), &large(MIB + 1)), over_limit, true, "too_large"));
        cases.push(case(publish(level, &own("snapshot/s-1"), &large(4 * MIB + 1)), over_limit, true, "too_large"));
        let suback: &[u8] = if new { &[0x90, 4, 0, 1, 0, 0x87] } else { &[0x90, 3, 0, 1, 0x80] };
        cases.push(Case {
            answers: Some(suback),
            stays: true,
            ..case(subscribe(level, "steppe/v1/hexigten/witness/down/#"), suback, true, "foreign_filter")
        });
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gate_refuses_is_said_counted_and_logged_without_its_secrets_and_disturbs_nobody() {
    let (platform, mut witness, camera) = platform_with_witness().await;
    let cases = cases(&camera);
    for (case, host) in cases.iter().zip(2..) {
        play(case, host, &platform, &mut witness, &camera).await;
    }
    keeps_to_itself(&platform, &[PAYLOAD, "not-the-secret", &camera.secret, &witness.secret]);

    // All that the witness said counts, and nothing of what was refused.
    let said = 1 + 2 * cases.len() as u64;
    let understood = |page: &str| counter(page, "decoded_total", "heartbeat") == said;
    let page = platform.wait_for_metrics(understood).await.unwrap();
    assert_eq!(counter(&page, "acknowledgements_total", "puback"), said);
    assert!(!page.contains("steppewatch_rejects_total{"), "{page}");
    let mut newcomer = camera;
    newcomer.connect(&platform).await.unwrap();
    beat(&mut newcomer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_and_not_understood_is_counted_logged_without_its_payload_and_listed() {
    let (platform, mut witness, camera) = platform_with_witness().await;
    let operator = platform.operator().await.unwrap();
    let own = |kind: &str| format!("steppe/v1/hexigten/cam-1/{kind}");
    let word = json!({"ts": 1, "status": PAYLOAD}).to_string();
    for (kind, payload, reason) in [
        ("mood", PAYLOAD, "unknown_message"),
        ("heartbeat", PAYLOAD, "malformed"),
        ("heartbeat", &word, "unknown_word"),
        ("snapshot/s-1", PAYLOAD, "not_jpeg"),
    ] {
        for (_, level) in VERSIONS {
            let mut wire = Wire::from(2, &platform).await;
            wire.send(&connect(level, &camera.id, &camera.secret)).await;
            wire.read().await.unwrap();
            wire.send(&publish(level, &own(kind), payload.as_bytes())).await;
            assert_eq!(wire.read().await.as_deref(), Some(&[0x40, 2, 0, 1][..]), "{kind} {level}");
            beat(&mut witness).await;
        }
        platform.wait_for_metrics(|page| counter(page, "rejects_total", reason) == 2).await.unwrap();
        let lines = log_lines(&platform, |line| line["reason"] == reason);
        let [line] = lines.as_slice() else { panic!("{reason}: not one line but {lines:?}") };
        assert_eq!((&line["level"], &line["device"]), (&json!("WARN"), &json!("cam-1")), "{line}");
        let letters = operator.items("/dead-letters").await.unwrap();
        let letters = letters.iter().filter(|letter| letter["reason"] == reason && letter["device"] == "cam-1");
        assert_eq!(letters.count(), 2, "{reason}");
    }
    keeps_to_itself(&platform, &[PAYLOAD, &camera.secret, &witness.secret]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_three_mebibytes_is_taken_in_both_versions() {
    let (platform, mut witness, camera) = platform_with_witness().await;
    let mut picture = vec![7; 3 * MIB];
    picture.splice(..3, [0xff, 0xd8, 0xff]);
    for (_, level) in VERSIONS {
        // The same picture twice would be one that was sent again.
        picture.push(level);
        let mut wire = Wire::from(2, &platform).await;
        wire.send(&connect(level, &camera.id, &camera.secret)).await;
        wire.read().await.unwrap();
        let says = publish(level, "steppe/v1/hexigten/cam-1/snapshot/s-1", &picture);
        let (first_half, second_half) = says.split_at(says.len() / 2);
        wire.send(first_half).await;
        beat(&mut witness).await;
        wire.send(second_half).await;
        assert_eq!(wire.read().await.as_deref(), Some(&[0x40, 2, 0, 1][..]), "{level}");
    }
    platform.wait_for_metrics(|page| counter(page, "decoded_total", "snapshot") == 2).await.unwrap();
}

/// One of Debian's MQTT clients, set up for a device.
pub(crate) async fn mosquitto(
    program: &str,
    platform: &Platform,
    version: &str,
    device: [&str; 2],
    more: &[&str],
) -> Output {
    let (host, port) = platform.mqtt.rsplit_once(':').unwrap();
    let [id, secret] = device;
    let mut command = Command::new(program);
    command.args(["-h", host, "-p", port, "-V", version, "-u", id, "-P", secret]).args(more).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap();
    output.unwrap_or_else(|error| panic!("{program}: {error}; tests/install.sh installs it"))
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_publishes_in_every_qos_and_may_listen_to_its_own_orders_only() {
    let (platform, _witness, camera) = platform_with_witness().await;
    let device = [camera.id.as_str(), camera.secret.as_str()];
    for (version, level) in VERSIONS {
        for (qos, number) in [("0", 0), ("1", 1), ("2", 2)] {
            let message = json!({"ts": 1_743_467_400_000_u64, "seq": level * 10 + number, "status": "ok"}).to_string();
            let more = ["-q", qos, "-t", "steppe/v1/hexigten/cam-1/heartbeat", "-m", &message];
            let output = mosquitto("mosquitto_pub", &platform, version, device, &more).await;
            assert!(output.status.success() && output.stderr.is_empty(), "{version} {qos}: {output:?}");
        }
        let more = ["-q", "1", "-t", "steppe/v1/hexigten/cam-1/down/#", "-E"];
        let output = mosquitto("mosquitto_sub", &platform, version, device, &more).await;
        assert!(output.status.success() && output.stderr.is_empty(), "{version}: {output:?}");
        let more = ["-q", "1", "-t", "steppe/v1/hexigten/witness/down/#", "-E"];
        let output = mosquitto("mosquitto_sub", &platform, version, device, &more).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("denied"), "{version}: {output:?}");
    }
    // The witness said one.
    let page = platform.wait_for_metrics(|page| counter(page, "decoded_total", "heartbeat") == 7).await.unwrap();
    assert_eq!(counter(&page, "refusals_total", "foreign_filter"), 2);
}

/// What mosquitto says when the connection was closed under it.
pub(crate) const CUT: &str = "connection was lost";

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_is_told_what_it_may_not_and_why() {
    let (platform, mut witness, camera) = platform_with_witness().await;
    let own = [camera.id.as_str(), camera.secret.as_str()];
    let big = platform.file("big");
    std::fs::write(&big, vec![b' '; MIB + 1]).unwrap();
    let big = big.display().to_string();
    let (mine, foreign) = ("steppe/v1/hexigten/cam-1/track", "steppe/v1/hexigten/witness/track");
    for (device, more, old, new) in [
        (["cam-1", "wrong"], ["-t", mine, "-m", "{}"], "bad user name", "bad user name"),
        (own, ["-t", foreign, "-m", "{}"], CUT, "not authorized"),
        (own, ["-t", mine, "-f", &big], CUT, "quota exceeded"),
    ] {
        for ((version, _), words) in VERSIONS.into_iter().zip([old, new]) {
            let more = [&["-q", "1"][..], &more].concat();
            let output = mosquitto("mosquitto_pub", &platform, version, device, &more).await;
            let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
            // 3.1.1 has no word for it: the connection is closed, maybe while mosquitto_pub still writes.
            let is_cut = words == CUT && (said.contains("broken pipe") || said.contains("reset by peer"));
            assert!(is_cut || said.contains(words), "{version} {more:?}: {output:?}");
            beat(&mut witness).await;
        }
    }
    let page = platform.metrics().await.unwrap();
    for reason in ["bad_credentials", "foreign_topic", "too_large"] {
        // mosquitto_pub of 3.1.1 comes again after a lost connection, and is refused again.
        assert!(counter(&page, "refusals_total", reason) >= 2, "{reason}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_publishes_and_listens_with_311() {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, SubscribeReasonCode};
    let (platform, _witness, camera) = platform_with_witness().await;
    let (host, port) = platform.mqtt.rsplit_once(':').unwrap();
    let mut options = MqttOptions::new("rumqttc", host, port.parse().unwrap());
    options.set_credentials(&camera.id, &camera.secret);
    let (client, mut events) = AsyncClient::new(options, 10);
    client.subscribe("steppe/v1/hexigten/cam-1/down/#", QoS::AtLeastOnce).await.unwrap();
    for (qos, ts) in [(QoS::AtMostOnce, 1), (QoS::AtLeastOnce, 2), (QoS::ExactlyOnce, 3)] {
        let message = json!({"ts": ts}).to_string();
        client.publish("steppe/v1/hexigten/cam-1/heartbeat", qos, false, message).await.unwrap();
    }
    let (mut granted, mut acknowledged, mut completed) = (None, false, false);
    while granted.is_none() || !acknowledged || !completed {
        match tokio::time::timeout(PATIENCE, events.poll()).await.unwrap().unwrap() {
            Event::Incoming(Packet::SubAck(ack)) => granted = Some(ack.return_codes),
            Event::Incoming(Packet::PubAck(_)) => acknowledged = true,
            Event::Incoming(Packet::PubComp(_)) => completed = true,
            _ => {}
        }
    }
    assert_eq!(granted, Some(vec![SubscribeReasonCode::Success(QoS::AtLeastOnce)]));
    platform.wait_for_metrics(|page| counter(page, "decoded_total", "heartbeat") == 4).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_publishes_and_listens_with_5_and_is_told_what_it_may_not() {
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
    use rumqttc::v5::{AsyncClient, Event, MqttOptions};
    let (platform, _witness, camera) = platform_with_witness().await;
    let (host, port) = platform.mqtt.rsplit_once(':').unwrap();
    let mut options = MqttOptions::new("rumqttc", host, port.parse().unwrap());
    options.set_credentials(&camera.id, &camera.secret);
    let (client, mut events) = AsyncClient::new(options, 10);
    client.subscribe("steppe/v1/hexigten/cam-1/down/#", QoS::AtLeastOnce).await.unwrap();
    client.publish("steppe/v1/hexigten/cam-1/heartbeat", QoS::AtLeastOnce, false, "{\"ts\": 1}").await.unwrap();
    client.publish("steppe/v1/hexigten/witness/heartbeat", QoS::AtLeastOnce, false, "{\"ts\": 1}").await.unwrap();
    let (mut granted, mut reasons) = (None, Vec::new());
    while granted.is_none() || reasons.len() < 2 {
        // The client reports a refused publish as an error of its own and goes on.
        match tokio::time::timeout(PATIENCE, events.poll()).await.unwrap() {
            Ok(Event::Incoming(Packet::SubAck(ack))) => granted = Some(ack.return_codes),
            Ok(Event::Incoming(Packet::PubAck(ack))) => reasons.push(ack.reason),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(granted, Some(vec![SubscribeReasonCode::Success(QoS::AtLeastOnce)]));
    assert!(reasons.contains(&PubAckReason::Success) && reasons.contains(&PubAckReason::NotAuthorized), "{reasons:?}");
    let page = platform.wait_for_metrics(|page| counter(page, "decoded_total", "heartbeat") == 2).await.unwrap();
    assert_eq!(counter(&page, "refusals_total", "foreign_topic"), 1);
}
