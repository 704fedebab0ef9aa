//! Devices that speak their maker's language, from their own words to what an operator sees.

use crate::herd::two_zones;
use firmware_sim::foreign::{gt06::Tracker, hj212::Logger};
use firmware_sim::sip_camera::SipCamera;
use journeys::{PATIENCE, Platform};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

const CAMERA: &str = "15042500401320000001";
const LISTENERS: &str =
    "[sip]\nlisten = \"127.0.0.1:0\"\n[hj212]\nlisten = \"127.0.0.1:0\"\n[gt06]\nlisten = \"127.0.0.1:0\"\n";

/// A platform that listens for all of them, with two zones; and the password of its camera.
async fn platform_with_a_camera() -> (Platform, String) {
    let mut platform = Platform::prepare(LISTENERS).unwrap();
    platform.import(&two_zones()).await.unwrap();
    let external = format!("gb28181={CAMERA}");
    let add = ["--json", "devices", "add", "cam-1", "--kind", "camera", "--external", &external];
    let added: Value = serde_json::from_str(&platform.tell(&add).await.unwrap()).unwrap();
    let password = added["sip_password"].as_str().unwrap().to_owned();
    let shown = platform.tell(&["--json", "devices", "sip-password", "cam-1"]).await.unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["sip_password"], &shown["number"]), (&added["sip_password"], &CAMERA.into()));
    platform.run().await.unwrap();
    (platform, password)
}

/// The time of Beijing as cameras write it.
fn beijing_now() -> String {
    let now = model::Timestamp::from_millis(firmware_sim::clock::now_ms() + 8 * 3_600_000).to_rfc3339();
    now.split('.').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_registers_by_sip_is_online_and_its_intrusions_become_a_case() {
    let (platform, password) = platform_with_a_camera().await;
    let operator = platform.operator().await.unwrap();
    let mut camera = SipCamera::new(platform.listens("sip").unwrap(), CAMERA, &password).await.unwrap();
    camera.register().await.unwrap();
    camera.keep_alive().await.unwrap();
    operator.wait_for("/devices/cam-1", |device| device["health"] == "online").await.unwrap();
    for _ in 0..4 {
        camera.intrusion(43.3045, 117.506, &beijing_now()).await.unwrap();
    }
    let incidents = operator.wait_for_items("/incidents", |items| !items.is_empty()).await.unwrap();
    assert_eq!(incidents[0]["zones"][0]["id"], "north");
    let mut stranger = SipCamera::new(platform.listens("sip").unwrap(), CAMERA, "guess").await.unwrap();
    assert!(stranger.register().await.unwrap_err().to_string().contains("403"));
    let log = platform.log();
    assert!(!log.contains(&password), "no password in the log");
}

/// Registers with whatever digest it is asked for, and says that it lives.
const SCENARIO: &str = r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="camera">
  <send retrans="500"><![CDATA[
    REGISTER sip:15042500402000000001@1504250040 SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
    From: <sip:15042500401320000001@1504250040>;tag=[call_number]
    To: <sip:15042500401320000001@1504250040>
    Call-ID: [call_id]
    CSeq: 1 REGISTER
    Contact: <sip:15042500401320000001@[local_ip]:[local_port]>
    Expires: 3600
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="401" auth="true"/>
  <send retrans="500"><![CDATA[
    REGISTER sip:15042500402000000001@1504250040 SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
    From: <sip:15042500401320000001@1504250040>;tag=[call_number]
    To: <sip:15042500401320000001@1504250040>
    Call-ID: [call_id]
    CSeq: 2 REGISTER
    Contact: <sip:15042500401320000001@[local_ip]:[local_port]>
    [authentication username=15042500401320000001 password=PASSWORD]
    Expires: 3600
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="200"/>
  <send retrans="500"><![CDATA[
    MESSAGE sip:15042500402000000001@1504250040 SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
    From: <sip:15042500401320000001@1504250040>;tag=[call_number]
    To: <sip:15042500402000000001@1504250040>
    Call-ID: [call_id]
    CSeq: 3 MESSAGE
    Max-Forwards: 70
    Content-Type: Application/MANSCDP+xml
    Content-Length: [len]

    <Notify><CmdType>Keepalive</CmdType><SN>1</SN><DeviceID>15042500401320000001</DeviceID><Status>OK</Status></Notify>
  ]]></send>
  <recv response="200"/>
</scenario>
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_sip_client_registers_and_keeps_in_touch_over_udp_and_tcp() {
    let (platform, password) = platform_with_a_camera().await;
    let scenario = platform.file("camera.xml");
    std::fs::write(&scenario, SCENARIO.replace("PASSWORD", &password)).unwrap();
    let address = platform.listens("sip").unwrap().to_string();
    for transport in ["u1", "t1"] {
        let running = Command::new("sipp")
            .args(["-sf", &scenario.display().to_string(), "-m", "1", "-i", "127.0.0.1", "-nostdin", "-timeout", "30s"])
            .args(["-timeout_error", "-t", transport, &address])
            .current_dir(platform.data())
            .kill_on_drop(true)
            .output();
        match tokio::time::timeout(PATIENCE, running).await.unwrap() {
            Ok(done) => {
                let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
                assert!(done.status.success(), "{transport}: {said}");
            }
            Err(absent) => {
                eprintln!("skipped: sipp is not here ({absent}); tests/install.sh installs it");
                return;
            }
        }
    }
    let operator = platform.operator().await.unwrap();
    operator.wait_for("/devices/cam-1", |device| device["health"] == "online").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_of_hj_212_and_a_gt06_collar_are_seen_by_the_operator() {
    let mut platform = Platform::prepare(LISTENERS).unwrap();
    let mn = "hj212=010000A8900016F000169DC0";
    platform.device("station-1", "station", &["--external", mn]).await.unwrap();
    platform.device("collar-1", "collar", &["--external", "imei=868120148373571"]).await.unwrap();
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();

    // 2026-11-22, 10:15 in Beijing.
    let at_ms = 1_795_313_700_000;
    let mut station = TcpStream::connect(platform.listens("hj212").unwrap()).await.unwrap();
    let logger = Logger { number: "010000A8900016F000169DC0".into(), password: "123456".into() };
    let packet = logger.real_time(at_ms, &[("a01001", -12.4), ("a01002", 46.0), ("a01007", 5.3)]);
    station.write_all(packet.as_bytes()).await.unwrap();
    let mut answer = [0; 256];
    let len = station.read(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..len]).contains("CN=9014"));
    let series = "/devices/station-1/series?field=air_temperature_c&from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z";
    operator.wait_for(series, |body| body["points"][0][1] == -12.4).await.unwrap();

    let mut collar = TcpStream::connect(platform.listens("gt06").unwrap()).await.unwrap();
    let mut tracker = Tracker::new("868120148373571");
    collar.write_all(&tracker.login()).await.unwrap();
    let mut welcome = [0; 10];
    collar.read_exact(&mut welcome).await.unwrap();
    assert_eq!(welcome, *b"\x78\x78\x05\x01\x00\x01\xd9\xdc\x0d\x0a");
    collar.write_all(&tracker.position(at_ms, 43.891_234, 113.456_789, 12, 87)).await.unwrap();
    let track = "/devices/collar-1/track?from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z&format=geojson";
    operator.wait_for(track, |body| body.to_string().contains("113.45678")).await.unwrap();
}
