//! The simulated cameras against clients that nobody here wrote: curl and Python's ONVIF client, which reads by the standard's schema.

use firmware_sim::isapi::{IsapiStream, event, region};
use firmware_sim::onvif::OnvifCamera;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

const PATIENCE: Duration = Duration::from_secs(60);

/// `None`, and a word about it, where the program is not installed.
fn start(command: &mut Command) -> Option<Child> {
    match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn() {
        Ok(child) => Some(child),
        Err(absent) => {
            eprintln!("skipped: {command:?} is not here ({absent}); tests/install.sh installs it");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_logs_in_by_digest_and_reads_the_stream() {
    let camera = IsapiStream::start("admin", "grass").await.unwrap();
    let url = format!("{}/ISAPI/Event/notification/alertStream", camera.url());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--no-buffer", "--noproxy", "*", "--digest", "--user", "admin:grass", "--include", &url]);
    let Some(mut child) = start(&mut curl) else { return };
    camera.has_listener(1).await.unwrap();
    let intrusion =
        event("fielddetection", "active", "2026-11-22T10:15:00+08:00", &region("human", [0.1, 0.2, 0.3, 0.4]));
    camera.say(&intrusion, Some(b"\xFF\xD8\xFF a picture"));
    camera.hang_up();
    let mut said = Vec::new();
    let reading = child.stdout.as_mut().unwrap().read_to_end(&mut said);
    tokio::time::timeout(PATIENCE, reading).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("HTTP/1.1 401 ") && said.contains("HTTP/1.1 200 "), "{said}");
    assert!(said.contains("Content-Type: multipart/mixed; boundary=boundary"), "{said}");
    assert!(said.contains(&intrusion) && said.contains("Content-Type: image/jpeg"), "{said}");
}

/// Subscribes, waits for one notification, and says goodbye.
const CLIENT: &str = "
import asyncio, datetime as dt, sys
from onvif import ONVIFCamera

async def main():
    camera = ONVIFCamera(sys.argv[1], int(sys.argv[2]), 'reader', sys.argv[3])
    await camera.update_xaddrs()
    manager = await camera.create_pullpoint_manager(dt.timedelta(minutes=10), lambda: None)
    service = manager.get_service()
    print('subscribed', flush=True)
    heard = []
    while not heard:
        answer = await service.PullMessages({'MessageLimit': 10, 'Timeout': dt.timedelta(seconds=5)})
        heard = answer.NotificationMessage
    for note in heard:
        message = note.Message._value_1
        items = [(item.Name, item.Value) for item in message.Data.SimpleItem]
        print(note.Topic._value_1, message.PropertyOperation, items, flush=True)
    await manager.shutdown()
    await camera.close()

asyncio.run(main())
";

#[tokio::test(flavor = "multi_thread")]
async fn pythons_onvif_client_subscribes_hears_an_event_and_says_goodbye() {
    let there = Command::new("python3").args(["-c", "import onvif, onvif.managers"]).output().await;
    if !there.is_ok_and(|there| there.status.success()) {
        eprintln!("skipped: Python's onvif-zeep-async is not here; tests/install.sh installs it");
        return;
    }
    let camera = OnvifCamera::start("reader", "grass").await.unwrap();
    let address = camera.url();
    let (host, port) = address.trim_start_matches("http://").split_once(':').unwrap();
    let Some(mut child) = start(Command::new("python3").args(["-c", CLIENT, host, port, "grass"])) else { return };
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let talking = async {
        let mut said = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line == "subscribed" {
                camera.notify("tns1:RuleEngine/FieldDetector/ObjectsInside", &[("IsInside", "true")]);
            }
            said.push(line);
        }
        said
    };
    let said = tokio::time::timeout(PATIENCE, talking).await.unwrap();
    let done = child.wait_with_output().await.unwrap();
    assert!(done.status.success(), "{said:?} {}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(said, ["subscribed", "tns1:RuleEngine/FieldDetector/ObjectsInside Changed [('IsInside', 'true')]"]);
    assert_eq!(camera.subscriptions(), 0, "it was told goodbye");
}
